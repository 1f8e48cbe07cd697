/* The values of PINs: see pin_verify.h. */
#include "daemon/pin_verify.h"

#include "config/key_rings.h"

bool pin_verify_is_needed(const struct txn *txn)
{
        const struct ledger_request *request = &txn->op.request;
        return request->pin_tries_max > 0 && request->refusal == REASON_APPROVED &&
               txn_pin_is_there(&txn->pin) && !*request->pin_value;
}

static struct pin_use use_of(const struct txn *txn)
{
        return (struct pin_use){KEY_COMMAND_VERIFY_PIN, KEY_OWNER_ISSUER, txn->op.request.issuer};
}

bool pin_verify_ask(struct txn *txn, const struct session_keys *keys)
{
        const struct pin_use use = use_of(txn);
        const struct key_ring *ring = key_rings_find(keys->rings, KEY_OWNER_ISSUER, use.owner);
        const struct key_set *set = key_ring_current(ring, KEY_SET_VERIFICATION);
        struct key_message message;
        char index;

        if (!pin_question_put(txn, keys, &use, set ? set->block[KEY_PURPOSE_VERIFICATION] : NULL,
                              "the issuer has no key to verify PINs with", &message))
                return false;
        index = key_set_index(set);
        key_message_set(&message, KEY_FIELD_INDEX, &index, 1);
        return keys->ask(keys->context, &txn->question, &message);
}

enum pin_verified pin_verify_take(struct txn *txn, const struct key_message *answer)
{
        struct ledger_request *request = &txn->op.request;
        const struct pin_use use = use_of(txn);
        if (!answer || answer->code != KEY_CODE_GOOD)
                return pin_question_unmet(txn, &use, answer);
        key_message_copy(answer, KEY_FIELD_PIN_VALUE, request->pin_value, sizeof(request->pin_value));
        return PIN_VERIFIED;
}
