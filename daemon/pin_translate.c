/* PIN blocks for banks: see pin_translate.h. */
#include "daemon/pin_translate.h"

#include <string.h>

#include "config/key_rings.h"
#include "daemon/banks/bank_route.h"
#include "lib/base/log.h"

bool pin_translate_is_needed(const struct txn *txn)
{
        return txn->route && bank_route_wants_pin(txn->route) && txn->op.request.refusal == REASON_APPROVED &&
               txn_pin_is_there(&txn->pin) && txn->bank_pin.set == 0;
}

bool pin_translate_is_asked(const struct txn *txn)
{
        return txn->bank_pin.set < 0;
}

static void log_unusable(const struct txn *txn, const char *code, const char *reason)
{
        log_limited(LEVEL_ERROR, "key_unusable", LOG_TEXT("terminal", txn->op.identity.terminal),
                    LOG_NUMBER("set", txn->pin.set), LOG_TEXT("link", txn->route->settings.name),
                    LOG_TEXT("command", key_commands[KEY_COMMAND_TRANSLATE_PIN].name), LOG_TEXT("code", code),
                    LOG_TEXT("reason", reason));
}

static const struct key_set *with_pin_key(const struct key_set *set)
{
        return set && set->block[KEY_PURPOSE_PIN] ? set : NULL;
}

bool pin_translate_ask(struct txn *txn, const struct session_keys *keys)
{
        const char *link = txn->route->settings.name;
        const struct key_ring *terminals =
                                  key_rings_find(keys->rings, KEY_OWNER_TERMINAL, txn->op.identity.terminal),
                              *links = key_rings_find(keys->rings, KEY_OWNER_LINK, link);
        const struct key_set *from = with_pin_key(key_ring_set(terminals, KEY_SET_WORKING, txn->pin.set)),
                             *to = with_pin_key(key_ring_current(links, KEY_SET_WORKING));
        struct key_message message = {.command = KEY_COMMAND_TRANSLATE_PIN};

        if (!from || !to) {
                log_unusable(txn, "missing",
                             to ? "the terminal's key set was retired meanwhile"
                                : "no key set of the link is good");
                return false;
        }
        txn->bank_pin.set = -to->number; /* until there is a block */
        key_message_set_text(&message, KEY_FIELD_KEY, from->block[KEY_PURPOSE_PIN]);
        key_message_set_text(&message, KEY_FIELD_FORMAT, txn->pin.formats);
        key_message_set_text(&message, KEY_FIELD_OTHER_KEY, to->block[KEY_PURPOSE_PIN]);
        key_message_set(&message, KEY_FIELD_OTHER_FORMAT, &txn->route->dialect.pin, 1);
        key_message_set_text(&message, KEY_FIELD_PAN, txn->card.pan);
        key_message_set(&message, KEY_FIELD_PIN_BLOCK, txn->pin.block, txn->pin.length);
        return keys->ask(keys->context, &txn->question, &message);
}

enum pin_verified pin_translate_take(struct txn *txn, const struct key_message *answer)
{
        const int set = -txn->bank_pin.set;
        bank_pin_wipe(&txn->bank_pin);
        if (answer && answer->code == KEY_CODE_GOOD) {
                const struct key_value *block = &answer->value[KEY_FIELD_PIN_BLOCK];
                if (block->length == bank_format_pin_length(&txn->route->dialect)) {
                        memcpy(txn->bank_pin.block, block->bytes, block->length);
                        txn->bank_pin.set = set;
                        return PIN_VERIFIED;
                }
                log_unusable(txn, "length",
                             "the link's PIN key is of another algorithm than its dialect's format");
                return PIN_NOBODY_KNOWS;
        }
        if (answer && answer->code == KEY_CODE_PIN_BLOCK) {
                txn_pin_wipe(&txn->pin);
                return PIN_UNREADABLE;
        }
        if (answer) /* somebody's fault who looks after keys */
                log_unusable(txn, key_code_word(answer->code), key_code_text(answer->code));
        return PIN_NOBODY_KNOWS;
}
