/* PIN blocks at the key module: see pin_verify.h. */
#include "daemon/pin_verify.h"

#include <string.h>

#include "config/key_rings.h"
#include "lib/base/log.h"

bool pin_verify_is_needed(const struct txn *txn)
{
        const struct ledger_request *request = &txn->op.request;
        return request->pin_tries_max > 0 && request->refusal == REASON_APPROVED &&
               txn_pin_is_there(&txn->pin) && !*request->pin_value;
}

static void log_unusable(const struct txn *txn, const char *code, const char *reason)
{
        log_limited(LEVEL_ERROR, "key_unusable", LOG_TEXT("terminal", txn->op.identity.terminal),
                    LOG_NUMBER("set", txn->pin.set), LOG_TEXT("issuer", txn->op.request.issuer),
                    LOG_TEXT("command", key_commands[KEY_COMMAND_VERIFY_PIN].name), LOG_TEXT("code", code),
                    LOG_TEXT("reason", reason));
}

bool pin_verify_ask(struct txn *txn, const struct session_keys *keys)
{
        const struct ledger_request *request = &txn->op.request;
        const struct key_ring *terminals =
                                  key_rings_find(keys->rings, KEY_OWNER_TERMINAL, txn->op.identity.terminal),
                              *issuers = key_rings_find(keys->rings, KEY_OWNER_ISSUER, request->issuer);
        const struct key_set *set = key_ring_set(terminals, KEY_SET_WORKING, txn->pin.set),
                             *verification = key_ring_current(issuers, KEY_SET_VERIFICATION);
        struct key_message message = {.command = KEY_COMMAND_VERIFY_PIN};
        char index;

        if (!set || !set->block[KEY_PURPOSE_PIN] || !verification) {
                log_unusable(txn, "missing",
                             verification ? "the terminal's key set was retired meanwhile"
                                          : "the issuer has no key to verify PINs with");
                return false;
        }
        index = key_set_index(verification);
        key_message_set_text(&message, KEY_FIELD_KEY, set->block[KEY_PURPOSE_PIN]);
        key_message_set_text(&message, KEY_FIELD_FORMAT, txn->pin.formats);
        key_message_set_text(&message, KEY_FIELD_OTHER_KEY, verification->block[KEY_PURPOSE_VERIFICATION]);
        key_message_set(&message, KEY_FIELD_INDEX, &index, 1);
        key_message_set_text(&message, KEY_FIELD_PAN, txn->card.pan);
        key_message_set(&message, KEY_FIELD_PIN_BLOCK, txn->pin.block, txn->pin.length);
        return keys->ask(keys->context, &txn->question, &message);
}

enum pin_verified pin_verify_take(struct txn *txn, const struct key_message *answer)
{
        struct ledger_request *request = &txn->op.request;
        if (answer && answer->code == KEY_CODE_GOOD) {
                key_message_copy(answer, KEY_FIELD_PIN_VALUE, request->pin_value, sizeof(request->pin_value));
                return PIN_VERIFIED;
        }
        if (answer && answer->code == KEY_CODE_PIN_BLOCK) {
                txn_pin_wipe(&txn->pin);
                return PIN_UNREADABLE;
        }
        if (answer) /* somebody's fault who looks after keys */
                log_unusable(txn, key_code_word(answer->code), key_code_text(answer->code));
        return PIN_NOBODY_KNOWS;
}
