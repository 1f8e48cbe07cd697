/*
 * PINs in memory (sql/074_pins.sql): what an entered one stands against, what is counted of it, and inquiries that are decided once. Whether one
 * was right is said by who decides, before anything later is asked; so that this is another way to the same rows than SQL's, which goes by reasons.
 */
#include "tests/ledger_mem/memory.h"

#include <assert.h>
#include <string.h>

#include "tests/ledger_mem/memory_inside.h"

enum memory_pin memory_pin_of(const struct memory_card *card, const struct ledger_request *request)
{
        if (!request->pin_tries_max || request->refusal != REASON_APPROVED)
                return MEMORY_PIN_UNASKED;
        if (card->pin_tries >= request->pin_tries_max)
                return MEMORY_PIN_BLOCKED;
        if (!*card->pin_value || !*request->pin_value)
                return MEMORY_PIN_UNVERIFIED;
        return strcmp(card->pin_value, request->pin_value) ? MEMORY_PIN_WRONG : MEMORY_PIN_RIGHT;
}

enum reason memory_pin_refusal(enum memory_pin pin)
{
        switch (pin) {
        case MEMORY_PIN_BLOCKED:
                return REASON_PIN_TRIES;
        case MEMORY_PIN_WRONG:
        case MEMORY_PIN_UNVERIFIED:
                return REASON_PIN_WRONG;
        case MEMORY_PIN_UNASKED:
        case MEMORY_PIN_RIGHT:
                break;
        }
        return REASON_APPROVED;
}

static struct memory_pin_event *add_event(struct memory_card *card, const char *kind)
{
        void *array = card->pin_events;
        struct memory_pin_event *event = memory_append(&array, &card->pin_event_count, sizeof *event);

        card->pin_events = array;
        event->kind = kind;
        return event;
}

void memory_note_pin(struct memory_database *database, const struct ledger_op *op, enum memory_pin pin)
{
        struct memory_card *card = memory_card(database, op->request.card_token);
        struct memory_pin_event *event;
        const char *kind = pin == MEMORY_PIN_WRONG        ? "wrong"
                           : pin == MEMORY_PIN_UNVERIFIED ? "unverified"
                           : pin == MEMORY_PIN_RIGHT      ? "right"
                                                          : NULL;

        if (!kind || (pin == MEMORY_PIN_RIGHT && !card->pin_tries))
                return;
        event = add_event(card, kind);
        event->identity =
            memory_identity(op->identity.terminal, op->identity.transmitted_ms, op->identity.stan);
        event->is_inquiry = op->kind == LEDGER_INQUIRY;
        if (pin == MEMORY_PIN_WRONG ||
            (pin == MEMORY_PIN_UNVERIFIED && database->defect == LEDGER_MEM_COUNTS_NO_PIN))
                card->pin_tries++;
        if (pin == MEMORY_PIN_RIGHT && database->defect != LEDGER_MEM_KEEPS_WRONG_PINS)
                card->pin_tries = 0;
}

void memory_set_pin(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                    const char *pin_value)
{
        struct memory_card *card = memory_card(database, token);

        assert(card && card->in_bank && !card->is_replaced && strlen(pin_value) <= PIN_VALUE_MAX);
        strcpy(card->pin_value, pin_value);
}

bool memory_card_unblock(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH])
{
        struct memory_card *card = memory_card(database, token);

        if (!card || !card->in_bank || card->is_replaced || !card->pin_tries)
                return false;
        add_event(card, "unblocked");
        card->pin_tries = 0;
        return true;
}

struct memory_inquiry *memory_inquiry(const struct memory_database *database,
                                      const struct ledger_identity *identity)
{
        struct ledger_identity key =
            memory_identity(identity->terminal, identity->transmitted_ms, identity->stan);
        struct memory_inquiry *inquiry;

        HASH_FIND(hh, database->inquiries, &key, sizeof key, inquiry);
        return inquiry;
}

void memory_keep_inquiry(struct memory_database *database, const struct ledger_op *op)
{
        struct memory_inquiry *inquiry = memory_allocate(sizeof *inquiry);

        inquiry->identity =
            memory_identity(op->identity.terminal, op->identity.transmitted_ms, op->identity.stan);
        inquiry->reason = op->answer.reason;
        inquiry->balance_yen = op->answer.balance_yen;
        inquiry->processing_code = op->request.processing_code;
        memcpy(inquiry->card_token, op->request.card_token, CARD_TOKEN_LENGTH);
        HASH_ADD(hh, database->inquiries, identity, sizeof inquiry->identity, inquiry);
}
