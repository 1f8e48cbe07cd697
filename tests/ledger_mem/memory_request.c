/*
 * ledger_request and ledger_inquiry in memory: what a card, its limits and its account stand against, and what a repeat hears.
 * One function answers an op from the rows as they are, another writes what follows from its answer.
 */
#include "tests/ledger_mem/memory.h"

#include <string.h>

#include "rules/calendar.h"
#include "tests/ledger_mem/memory_inside.h"

static bool exceeds(int64_t used, int64_t more, int64_t limit)
{
        int64_t sum;

        return __builtin_add_overflow(used, more, &sum) || sum > limit;
}

static bool is_excluded(const struct memory_card *card, int32_t day)
{
        for (size_t i = 0; i < card->exclusion_count; i++) {
                if (card->exclusions[i].from_day <= day && day < card->exclusions[i].until_day)
                        return true;
        }
        return false;
}

/* What the card itself is refused for, whatever it is used for. Another bank's is that bank's to know. */
static enum reason card_refusal(const struct memory_database *database, const struct memory_card *card,
                                const struct ledger_request *request)
{
        if (database->defect == LEDGER_MEM_SERVES_REPLACED && card && card->is_replaced)
                return REASON_APPROVED;
        if (request->link[0] == '\0' && (!card || (!card->has_account && !card->is_replaced)))
                return REASON_INVALID_CARD;
        if (!card)
                return REASON_APPROVED;
        if (!card->in_bank)
                return is_excluded(card, request->business_day) ? REASON_CARD_EXCLUDED : REASON_APPROVED;
        if (card->kind != CARD_CASH)
                return REASON_CARD_KIND;
        if (card->status == MEMORY_CARD_REPLACED)
                return REASON_CARD_EXPIRED;
        if (card->expiry_yymm[0] != '\0' && request->expiry_yymm[0] != '\0' &&
            strcmp(card->expiry_yymm, request->expiry_yymm) != 0)
                return REASON_CARD_EXPIRED;
        if (card->status == MEMORY_CARD_STOLEN)
                return REASON_CARD_STOLEN;
        if (card->status == MEMORY_CARD_LOST)
                return REASON_CARD_LOST;
        if (is_excluded(card, request->business_day))
                return REASON_CARD_EXCLUDED;
        return REASON_APPROVED;
}

static enum reason usage_refusal(const struct memory_database *database, const struct memory_card *card,
                                 const struct ledger_request *request)
{
        const struct memory_usage *day = memory_day(database, request->card_token, request->business_day);
        const struct memory_usage *month = memory_month(database, request->card_token, request->business_day);

        if ((day ? day->withdrawals : 0) >= request->limit[LIMIT_DAY_COUNT])
                return REASON_COUNT_LIMIT;
        if (exceeds(day ? day->cash_yen : 0, request->amount_yen, request->limit[LIMIT_DAY_YEN]))
                return REASON_DAY_LIMIT;
        if (exceeds(month ? month->cash_yen : 0, request->amount_yen, request->limit[LIMIT_MONTH_YEN]))
                return REASON_MONTH_LIMIT;
        if (card && card->has_account &&
            exceeds(request->amount_yen, memory_charge_yen(&request->price), card->balance_yen))
                return REASON_NOT_COVERED;
        return REASON_APPROVED;
}

/* The card's row knows nothing of its day any more. */
static bool is_forgotten(const struct memory_card *card, const struct ledger_op *op)
{
        return op->kind == LEDGER_REQUEST && card &&
               (op->request.business_day < card->day[1] ||
                calendar_month_of(op->request.business_day) < card->month[1]);
}

/* Of a request that nothing refuses before its PIN is looked at. */
static enum memory_pin decide_pin(const struct memory_database *database, const struct ledger_op *op)
{
        const struct memory_card *card = memory_card(database, op->request.card_token);
        enum memory_pin pin;

        if (is_forgotten(card, op) || card_refusal(database, card, &op->request) != REASON_APPROVED)
                return MEMORY_PIN_UNASKED;
        pin = memory_pin_of(card, &op->request);
        return database->defect == LEDGER_MEM_TAKES_ANY_PIN && pin == MEMORY_PIN_WRONG ? MEMORY_PIN_RIGHT
                                                                                       : pin;
}

static enum reason decide(const struct memory_database *database, const struct ledger_op *op)
{
        const struct ledger_request *request = &op->request;
        const struct memory_card *card = memory_card(database, request->card_token);
        enum reason reason = card_refusal(database, card, request);

        if (reason == REASON_APPROVED)
                reason = memory_pin_refusal(decide_pin(database, op));
        if (reason == REASON_APPROVED && op->kind == LEDGER_REQUEST &&
            (!request->pin_tries_max ||
             request->refusal == REASON_APPROVED)) /* where its PIN was looked at */
                reason = usage_refusal(database, card, request);
        if (is_forgotten(card, op))
                reason = reason_first(reason, REASON_CLOCK_OFF);
        return reason_first(request->refusal, reason);
}

static bool contradicts(const struct memory_withdrawal *stored, const struct ledger_request *request)
{
        return stored->request.processing_code != request->processing_code ||
               stored->request.amount_yen != request->amount_yen ||
               memcmp(stored->request.card_token, request->card_token, CARD_TOKEN_LENGTH) != 0;
}

/* A row that no constraint of the schema would take; nothing that rules/decide.c lets through. */
static bool breaks_constraint(const struct ledger_request *request, enum reason reason)
{
        return request->amount_yen < 0 ||
               (reason == REASON_APPROVED &&
                (request->amount_yen == 0 || request->amount_yen % SMALLEST_NOTE_YEN != 0 ||
                 request->issuer[0] == '\0' || request->hall[0] == '\0' ||
                 (request->link[0] == '\0' && request->approval_code[0] == '\0')));
}

/* What is durable about a withdrawal that was decided, or left to its bank, earlier. */
void memory_fill_stored(struct ledger_answer *answer, const struct memory_withdrawal *stored,
                        enum reason reason)
{
        *answer = (struct ledger_answer){
            .status = reason == REASON_COUNT ? LEDGER_PENDING : LEDGER_STORED,
            .reason = reason == REASON_COUNT ? REASON_APPROVED : reason,
            .business_day = stored->request.business_day,
        };
        if (reason != REASON_APPROVED && reason != REASON_COUNT)
                return;
        answer->customer_charge_yen = memory_charge_yen(&stored->request.price);
        if (reason == REASON_APPROVED)
                memcpy(answer->approval_code,
                       stored->has_outcome ? stored->outcome.approval_code : stored->request.approval_code,
                       sizeof answer->approval_code);
}

void memory_fill_answer(struct ledger_answer *answer, enum ledger_status status, enum reason reason,
                        const struct ledger_request *request)
{
        *answer =
            (struct ledger_answer){.status = status, .reason = reason, .business_day = request->business_day};
        if (reason == REASON_APPROVED) {
                answer->customer_charge_yen = memory_charge_yen(&request->price);
                memcpy(answer->approval_code, request->approval_code, sizeof answer->approval_code);
        }
}

/* May the approval still lead to a dispense that everybody knows of? */
static bool may_be_paid(const struct memory_database *database, const struct memory_withdrawal *stored,
                        int64_t wait_ms)
{
        bool ended = !stored->open && database->defect != LEDGER_MEM_REPEATS_AFTER_END;
        bool late = memory_now_ms(database) - stored->approved_ms >= wait_ms &&
                    database->defect != LEDGER_MEM_REPEATS_FOR_EVER;

        return !ended && !late;
}

static enum reason repeated_reason(const struct memory_database *database,
                                   const struct memory_withdrawal *stored,
                                   const struct ledger_request *request, int64_t wait_ms)
{
        enum reason reason = memory_reason(stored);

        if (stored->reason != REASON_BLOCKED && contradicts(stored, request))
                return REASON_CONTRADICTS;
        if (reason == REASON_APPROVED && !may_be_paid(database, stored, wait_ms))
                return REASON_ENDED;
        return reason;
}

void memory_answer_request(const struct memory_database *database, const struct ledger_op *op,
                           const struct memory_withdrawal *stored, int64_t wait_ms,
                           struct ledger_answer *ret_answer)
{
        const struct ledger_request *request = &op->request;

        if (stored) {
                memory_fill_stored(ret_answer, stored, repeated_reason(database, stored, request, wait_ms));
                return;
        }
        memory_fill_answer(ret_answer, LEDGER_DECIDED, decide(database, op), request);
        if (!reference_holds_moment(database->reference, op->identity.transmitted_ms) ||
            breaks_constraint(request, ret_answer->reason))
                *ret_answer =
                    (struct ledger_answer){.status = LEDGER_UNAVAILABLE, .reason = REASON_CANNOT_DECIDE};
        if (ret_answer->status != LEDGER_DECIDED || ret_answer->reason != REASON_APPROVED ||
            request->link[0] == '\0')
                return;
        ret_answer->status = LEDGER_ASK;
        ret_answer->approval_code[0] = '\0'; /* the bank's to give */
}

/* One that was decided before, under another's identity or its own. */
static const struct memory_inquiry *stored_inquiry(const struct memory_database *database,
                                                   const struct ledger_op *op)
{
        return op->request.pin_tries_max ? memory_inquiry(database, &op->identity) : NULL;
}

static bool is_kept_inquiry(const struct memory_database *database, const struct ledger_op *op)
{
        return op->request.pin_tries_max && op->request.refusal == REASON_APPROVED &&
               !memory_withdrawal(database, &op->identity) && !stored_inquiry(database, op);
}

static enum reason inquiry_reason(const struct memory_database *database, const struct ledger_op *op,
                                  const struct memory_inquiry *before)
{
        const struct memory_withdrawal *stored = memory_withdrawal(database, &op->identity);

        if (stored)
                return stored->reason == REASON_BLOCKED ? REASON_BLOCKED : REASON_CONTRADICTS;
        if (!before)
                return decide(database, op);
        if (before->processing_code != op->request.processing_code ||
            memcmp(before->card_token, op->request.card_token, CARD_TOKEN_LENGTH) != 0)
                return REASON_CONTRADICTS;
        return before->reason;
}

void memory_answer_inquiry(const struct memory_database *database, const struct ledger_op *op,
                           struct ledger_answer *ret_answer)
{
        const struct memory_card *card = memory_card(database, op->request.card_token);
        const struct memory_inquiry *before = stored_inquiry(database, op);
        enum reason reason = inquiry_reason(database, op, before);

        if (is_kept_inquiry(database, op) &&
            !reference_holds_moment(database->reference, op->identity.transmitted_ms)) {
                *ret_answer =
                    (struct ledger_answer){.status = LEDGER_UNAVAILABLE, .reason = REASON_CANNOT_DECIDE};
                return;
        }
        memory_fill_answer(ret_answer, before ? LEDGER_STORED : LEDGER_DECIDED, reason, &op->request);
        ret_answer->customer_charge_yen = 0;
        if (reason != REASON_APPROVED)
                return;
        if (before)
                ret_answer->balance_yen = before->balance_yen;
        else if (op->request.link[0] != '\0')
                ret_answer->status = LEDGER_ASK;
        else
                ret_answer->balance_yen = card->balance_yen;
}

void memory_do_inquiry(struct memory_database *database, struct ledger_op *op)
{
        enum memory_pin pin = decide_pin(database, op);

        memory_answer_inquiry(database, op, &op->answer);
        if (op->answer.status == LEDGER_UNAVAILABLE || !is_kept_inquiry(database, op))
                return;
        memory_note_pin(database, op, pin);
        memory_keep_inquiry(database, op);
}

static void debit(struct memory_database *database, const struct ledger_request *request)
{
        struct memory_card *card = memory_card(database, request->card_token);

        memory_add_yen(&card->balance_yen, -request->amount_yen);
        memory_add_yen(&card->balance_yen, -memory_charge_yen(&request->price));
}

static void write_request(struct memory_database *database, const struct ledger_op *op,
                          struct memory_withdrawal *stored, const struct ledger_answer *answer)
{
        const struct ledger_request *request = &op->request;
        struct memory_withdrawal *withdrawal =
            stored ? stored : memory_add_withdrawal(database, &op->identity);
        struct memory_card *card = memory_card(database, request->card_token);
        struct memory_usage *day;

        withdrawal->request = *request;
        withdrawal->reason = answer->status == LEDGER_ASK ? REASON_COUNT : answer->reason;
        if (answer->reason != REASON_APPROVED) {
                if (answer->reason != REASON_ISSUER_UNAVAILABLE && /* for want of which bank */
                    answer->reason != REASON_PIN_WRONG)            /* or of a PIN for it */
                        withdrawal->request.link[0] = '\0';
                return;
        }
        withdrawal->open = true;
        if (answer->status == LEDGER_ASK) {
                withdrawal->asked_ms = memory_now_ms(database);
        } else {
                withdrawal->approved_ms = memory_now_ms(database);
                debit(database, request);
        }
        memory_add_yen(&memory_need_usage(&database->months, request->card_token,
                                          calendar_month_of(request->business_day))
                            ->cash_yen,
                       request->amount_yen);
        day = memory_need_usage(&database->days, request->card_token, request->business_day);
        memory_add_yen(&day->cash_yen, request->amount_yen);
        day->withdrawals++;
        memory_note_use(card->day, request->business_day);
        memory_note_use(card->month, calendar_month_of(request->business_day));
}

/* A card of another bank has a row once anybody asked to decide. */
static void touch_card(struct memory_database *database, const struct ledger_request *request)
{
        struct memory_card *card;

        if (request->refusal != REASON_APPROVED || request->link[0] == '\0')
                return;
        card = memory_need_card(database, request->card_token);
        if (card->in_bank)
                return;
        card->in_bank = card->only_used = true;
        card->kind = CARD_CASH;
}

void memory_do_request(struct memory_database *database, struct ledger_op *op, int64_t wait_ms)
{
        struct memory_withdrawal *stored = memory_withdrawal(database, &op->identity);
        bool anew = database->defect == LEDGER_MEM_DECIDES_REPEATS_ANEW && stored &&
                    stored->reason != REASON_BLOCKED && stored->reason != REASON_COUNT;

        enum memory_pin pin = decide_pin(database, op);

        memory_answer_request(database, op, anew ? NULL : stored, wait_ms, &op->answer);
        if (op->answer.status == LEDGER_UNAVAILABLE)
                return;
        touch_card(database, &op->request);
        if (op->answer.reason == REASON_CANNOT_DECIDE && op->answer.status == LEDGER_DECIDED)
                return; /* said, not kept */
        if (op->answer.status != LEDGER_DECIDED && op->answer.status != LEDGER_ASK)
                return;
        write_request(database, op, stored, &op->answer);
        memory_note_pin(database, op, pin);
}
