/* Questions about PIN blocks: see pin_question.h. */
#include "daemon/pin_question.h"

#include "config/key_rings.h"
#include "lib/base/log.h"

void pin_question_log(const struct txn *txn, const struct pin_use *use, const char *code, const char *reason)
{
        log_limited(LEVEL_ERROR, "key_unusable", LOG_TEXT("terminal", txn->op.identity.terminal),
                    LOG_NUMBER("set", txn->pin.set), LOG_TEXT(key_owner_name[use->owner_kind], use->owner),
                    LOG_TEXT("command", key_commands[use->command].name), LOG_TEXT("code", code),
                    LOG_TEXT("reason", reason));
}

bool pin_question_put(const struct txn *txn, const struct session_keys *keys, const struct pin_use *use,
                      const char *other_block, const char *missing, struct key_message *ret_message)
{
        const struct key_ring *ring =
            key_rings_find(keys->rings, KEY_OWNER_TERMINAL, txn->op.identity.terminal);
        const struct key_set *set = key_ring_set(ring, KEY_SET_WORKING, txn->pin.set);

        if (!set || !set->block[KEY_PURPOSE_PIN] || !other_block) {
                pin_question_log(txn, use, "missing",
                                 other_block ? "the terminal's key set was retired meanwhile" : missing);
                return false;
        }
        *ret_message = (struct key_message){.command = use->command};
        key_message_set_text(ret_message, KEY_FIELD_KEY, set->block[KEY_PURPOSE_PIN]);
        key_message_set_text(ret_message, KEY_FIELD_FORMAT, txn->pin.formats);
        key_message_set_text(ret_message, KEY_FIELD_OTHER_KEY, other_block);
        key_message_set_text(ret_message, KEY_FIELD_PAN, txn->card.pan);
        key_message_set(ret_message, KEY_FIELD_PIN_BLOCK, txn->pin.block, txn->pin.length);
        return true;
}

enum pin_verified pin_question_unmet(struct txn *txn, const struct pin_use *use,
                                     const struct key_message *answer)
{
        if (answer && answer->code == KEY_CODE_PIN_BLOCK) {
                txn_pin_wipe(&txn->pin);
                return PIN_UNREADABLE;
        }
        if (answer)
                pin_question_log(txn, use, key_code_word(answer->code), key_code_text(answer->code));
        return PIN_NOBODY_KNOWS;
}
