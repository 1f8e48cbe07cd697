/* PIN blocks for banks: see pin_translate.h. */
#include "daemon/pin_translate.h"

#include <string.h>

#include "config/key_rings.h"
#include "daemon/banks/bank_route.h"

bool pin_translate_is_needed(const struct txn *txn)
{
        return txn->route && bank_route_wants_pin(txn->route) && txn->op.request.refusal == REASON_APPROVED &&
               txn_pin_is_there(&txn->pin) && txn->bank_pin.set == 0;
}

bool pin_translate_is_asked(const struct txn *txn)
{
        return txn->bank_pin.set < 0;
}

static struct pin_use use_of(const struct txn *txn)
{
        return (struct pin_use){KEY_COMMAND_TRANSLATE_PIN, KEY_OWNER_LINK, txn->route->settings.name};
}

bool pin_translate_ask(struct txn *txn, const struct session_keys *keys)
{
        const struct pin_use use = use_of(txn);
        const struct key_ring *ring = key_rings_find(keys->rings, KEY_OWNER_LINK, use.owner);
        const struct key_set *set = key_ring_current(ring, KEY_SET_WORKING);
        struct key_message message;

        if (!pin_question_put(txn, keys, &use, set ? set->block[KEY_PURPOSE_PIN] : NULL,
                              "no key set of the link is good", &message))
                return false;
        txn->bank_pin.set = -set->number; /* until there is a block */
        key_message_set(&message, KEY_FIELD_OTHER_FORMAT, &txn->route->dialect.pin, 1);
        return keys->ask(keys->context, &txn->question, &message);
}

enum pin_verified pin_translate_take(struct txn *txn, const struct key_message *answer)
{
        const struct pin_use use = use_of(txn);
        const int set = -txn->bank_pin.set;
        bank_pin_wipe(&txn->bank_pin);
        if (!answer || answer->code != KEY_CODE_GOOD)
                return pin_question_unmet(txn, &use, answer);
        const struct key_value *block = &answer->value[KEY_FIELD_PIN_BLOCK];
        if (block->length != bank_format_pin_length(&txn->route->dialect)) {
                pin_question_log(txn, &use, "length",
                                 "the module's block is no block of the dialect's format");
                return PIN_NOBODY_KNOWS;
        }
        memcpy(txn->bank_pin.block, block->bytes, block->length);
        txn->bank_pin.set = set;
        return PIN_VERIFIED;
}
