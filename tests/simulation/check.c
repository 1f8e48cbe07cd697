/*
 * The invariants of the design, each looked at where it could break:
 *
 *   I1   an answer leaves: what it says is in the database already
 *   I2   a request is committed: it was not decided before; an answer leaves: it is the one given before
 *   I3   an advice is committed: the commission is the tariff's, or nothing
 *   I4   anything about a card is committed: limits, usage and balance are what its withdrawals sum to
 *   I5   a time-out is committed: no approval is taken back by it, and the bank will be told; a bank writes
 *        something down: it is durable here, and in order; at the end: no bank holds anything but what was
 *        dispensed and its fee, and nothing waits
 *   truth  at the end: what the ATMs dispensed is what the database says, to the yen
 *
 *   I13  a request or inquiry is committed: pins.c
 *
 * Sums are made here from the withdrawals alone, by plain loops. I6 is books.c's.
 */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "rules/pricing.h"

/* What was decided and said first about an identity. */
struct sim_decision {
        struct ledger_identity identity; /* the key; zeroed */
        enum reason reason;
        bool is_asked; /* it was left to a bank */
        uint8_t *answer;
        size_t length;
        UT_hash_handle hh;
};

static struct sim_decision *find_decision(struct sim *sim, const struct ledger_identity *identity)
{
        struct ledger_identity key;
        struct sim_decision *decision;

        memset(&key, 0, sizeof key);
        memcpy(key.terminal, identity->terminal, strlen(identity->terminal));
        key.transmitted_ms = identity->transmitted_ms;
        key.stan = identity->stan;
        HASH_FIND(hh, sim->decisions, &key, sizeof key, decision);
        if (decision)
                return decision;
        decision = calloc(1, sizeof *decision);
        if (!decision)
                abort();
        decision->identity = key;
        decision->reason = REASON_COUNT; /* not decided yet */
        HASH_ADD(hh, sim->decisions, identity, sizeof key, decision);
        return decision;
}

struct sim_card *check_find_card(struct sim *sim, const uint8_t token[CARD_TOKEN_LENGTH])
{
        for (int i = 0; i < SIM_CARDS; i++) {
                for (int k = 0; k < sim->cards[i].number_count; k++) {
                        if (memcmp(sim->cards[i].token[k], token, CARD_TOKEN_LENGTH) == 0)
                                return &sim->cards[i];
                }
        }
        return NULL;
}

static const uint8_t *good_token(const struct sim_card *card)
{
        return card->token[card->number_count - 1];
}

static int64_t charge_yen(const struct memory_withdrawal *w)
{
        return w->request.price.customer_fee_yen + w->request.price.customer_tax_yen;
}

/* I3, I4 -------------------------------------------------------------------------------------------- */

static void check_usage(struct sim *sim, const struct sim_card *card, int32_t day)
{
        const struct memory_usage *of_day = memory_day(sim->database, good_token(card), day);
        const struct memory_usage *of_month = memory_month(sim->database, good_token(card), day);
        const struct memory_card *account = memory_card(sim->database, good_token(card));
        int64_t day_yen = 0, month_yen = 0, count = 0, spent_yen = 0;

        for (size_t i = 0; i < card->used_count; i++) {
                const struct memory_withdrawal *w = card->used[i];
                enum withdrawal_state state = memory_state(w);
                bool counts = state != WITHDRAWAL_REVERSED && state != WITHDRAWAL_DECLINED;
                int64_t yen = memory_counts_yen(w);

                spent_yen += counts ? yen + charge_yen(w) : 0;
                if (calendar_month_of(w->request.business_day) == calendar_month_of(day))
                        month_yen += yen;
                if (w->request.business_day == day) {
                        day_yen += yen;
                        count += counts;
                }
        }
        if (!of_day || !of_month || of_day->cash_yen != day_yen || of_day->withdrawals != count ||
            of_month->cash_yen != month_yen)
                sim_violate(sim, "I4",
                            "usage of a card: %" PRId64 " yen that day, %" PRId64
                            " that month by its withdrawals",
                            day_yen, month_yen);
        if (card->bank < 0 &&
            (account->balance_yen != account->opening_yen - spent_yen || account->balance_yen < 0))
                sim_violate(sim, "I4", "a balance of %" PRId64 " yen, after %" PRId64 " spent of %" PRId64,
                            account->balance_yen, spent_yen, account->opening_yen);
}

/* Of what was just decided: the limits that hold now. They may have been lowered below what was used before. */
static void check_limits(struct sim *sim, const struct sim_card *card, int32_t day)
{
        const struct memory_usage *of_day = memory_day(sim->database, good_token(card), day);
        const struct memory_usage *of_month = memory_month(sim->database, good_token(card), day);
        const struct reference *reference = sim->database->reference;

        if (of_day->cash_yen > reference_limit(reference, LIMIT_DAY_YEN, day) ||
            of_month->cash_yen > reference_limit(reference, LIMIT_MONTH_YEN, day) ||
            of_day->withdrawals > reference_limit(reference, LIMIT_DAY_COUNT, day))
                sim_violate(sim, "I4",
                            "a limit is passed: %" PRId64 " yen that day, %" PRId64 " that month, %" PRId64
                            " times",
                            of_day->cash_yen, of_month->cash_yen, of_day->withdrawals);
}

static void check_commission(struct sim *sim, const struct memory_withdrawal *w)
{
        const struct price *tariff = &w->request.price;
        bool earned = memory_state(w) == WITHDRAWAL_COMPLETED;
        int64_t cash_yen = 0;
        struct price sum = {0};

        for (size_t i = 0; i < w->commission_count; i++) {
                const struct price *p = &w->commissions[i].price;

                sum.customer_fee_yen += p->customer_fee_yen;
                sum.customer_tax_yen += p->customer_tax_yen;
                sum.interbank_fee_yen += p->interbank_fee_yen;
                sum.interbank_tax_yen += p->interbank_tax_yen;
                sum.hall_share_yen += p->hall_share_yen;
                cash_yen += w->commissions[i].cash_yen;
        }
        if (cash_yen != (earned ? memory_counts_yen(w) : 0))
                sim_violate(
                    sim, "I3", "%s STAN %" PRId32 " is %s and its rows add up to %" PRId64 " yen of cash",
                    w->identity.terminal, w->identity.stan, withdrawal_state_name[memory_state(w)], cash_yen);
        if (sum.customer_fee_yen != (earned ? tariff->customer_fee_yen : 0) ||
            sum.customer_tax_yen != (earned ? tariff->customer_tax_yen : 0) ||
            sum.interbank_fee_yen != (earned ? tariff->interbank_fee_yen : 0) ||
            sum.interbank_tax_yen != (earned ? tariff->interbank_tax_yen : 0) ||
            sum.hall_share_yen != (earned ? tariff->hall_share_yen : 0))
                sim_violate(sim, "I3",
                            "%s STAN %" PRId32 " is %s and has a commission of %" PRId64 " + %" PRId64 " yen",
                            w->identity.terminal, w->identity.stan, withdrawal_state_name[memory_state(w)],
                            sum.customer_fee_yen, sum.interbank_fee_yen);
}

static bool is_same_price(const struct price *a, const struct price *b)
{
        return a->customer_fee_yen == b->customer_fee_yen && a->customer_tax_yen == b->customer_tax_yen &&
               a->interbank_fee_yen == b->interbank_fee_yen && a->interbank_tax_yen == b->interbank_tax_yen &&
               a->hall_share_yen == b->hall_share_yen;
}

/* The tariff of its moment, whatever else happened, then and for ever: no price changes under a withdrawal that has it. */
static void check_price(struct sim *sim, const struct sim_card *card, const struct memory_withdrawal *w)
{
        struct price price;
        const char *issuer = reference_price_of(sim, w, card->bank + 1, &price);

        if (strcmp(issuer, w->request.issuer) != 0 || !is_same_price(&price, &w->request.price))
                sim_violate(sim, "I3", "%s STAN %" PRId32 " is approved at a price that is not the tariff's",
                            w->identity.terminal, w->identity.stan);
}

/* As the ledger's own code has it, of what holds at the commit: of the hall's share by version, too. */
static void check_price_now(struct sim *sim, const struct memory_withdrawal *w)
{
        const struct atm *atm = reference_atm(sim->database->reference, w->identity.terminal);
        const struct issuer *issuer = reference_issuer(sim->database->reference, w->request.issuer);
        struct price price = {0};

        if (!atm || !issuer ||
            !pricing_price(sim->database->reference, issuer, atm->hall, w->identity.transmitted_ms, &price) ||
            !is_same_price(&price, &w->request.price))
                sim_violate(sim, "I3", "%s STAN %" PRId32 " is approved at a price that does not hold now",
                            w->identity.terminal, w->identity.stan);
}

static bool is_old_number(const struct sim_card *card, const struct memory_withdrawal *w)
{
        return card && memcmp(w->request.card_token, good_token(card), CARD_TOKEN_LENGTH) != 0;
}

/* What people have forbidden by now. */
static void check_rules(struct sim *sim, const struct sim_card *card, const struct memory_withdrawal *w)
{
        const char *refusal = reference_refusal(sim, w);

        if (card->excluded_day <= w->request.business_day)
                refusal = "its card is excluded";
        if (is_old_number(card, w))
                refusal = "its card is replaced";
        if (refusal)
                sim_violate(sim, "I4", "%s STAN %" PRId32 " is approved, though %s", w->identity.terminal,
                            w->identity.stan, refusal);
}

/* commits ------------------------------------------------------------------------------------------- */

static void count_decision(struct sim_counters *counters, enum reason reason)
{
        if (reason == REASON_APPROVED)
                counters->approvals++;
        else
                counters->refusals++;
        counters->over_limit +=
            reason == REASON_DAY_LIMIT || reason == REASON_MONTH_LIMIT || reason == REASON_COUNT_LIMIT;
}

/* It takes limits, and money where it is the house bank's. */
static void use_card(struct sim *sim, const struct memory_withdrawal *w)
{
        struct sim_card *card = check_find_card(sim, w->request.card_token);

        assert(card);
        card->used = reallocarray(card->used, card->used_count + 1, sizeof *card->used);
        if (!card->used)
                abort();
        card->used[card->used_count++] = w;
        check_price_now(sim, w);
        check_price(sim, card, w);
        check_rules(sim, card, w);
        check_usage(sim, card, w->request.business_day);
        if (!sim->violated[0])
                check_limits(sim, card, w->request.business_day);
}

static void check_decision(struct sim *sim, const struct ledger_op *op)
{
        const struct memory_withdrawal *w = memory_withdrawal(sim->database, &op->identity);
        struct sim_decision *decision = find_decision(sim, &op->identity);

        if (decision->reason != REASON_COUNT) {
                sim_violate(sim, "I2", "%s STAN %" PRId32 " was decided %s and is decided %s now",
                            op->identity.terminal, op->identity.stan, reason_rows[decision->reason].name,
                            reason_rows[op->answer.reason].name);
                return;
        }
        if (op->answer.reason == REASON_CANNOT_DECIDE && w)
                sim_violate(sim, "I2", "%s STAN %" PRId32 " is there, and is not decided",
                            op->identity.terminal, op->identity.stan);
        if (op->answer.reason == REASON_CANNOT_DECIDE)
                return; /* said, not kept */
        if (!w || w->reason != op->answer.reason) {
                sim_violate(sim, "I1", "%s STAN %" PRId32 " is decided %s and has no such row",
                            op->identity.terminal, op->identity.stan, reason_rows[op->answer.reason].name);
                return;
        }
        decision->reason = w->reason;
        count_decision(sim->counters, w->reason);
        sim->counters->old_numbers_refused +=
            w->reason != REASON_APPROVED && is_old_number(check_find_card(sim, w->request.card_token), w);
        if (w->reason == REASON_APPROVED)
                use_card(sim, w);
        else if (w->reason == REASON_ISSUER_UNAVAILABLE)
                sim->counters->refused_without_asking++;
}

/* The intent to ask a bank. */
static void check_asked(struct sim *sim, const struct ledger_op *op)
{
        const struct memory_withdrawal *w = memory_withdrawal(sim->database, &op->identity);
        struct sim_decision *decision = find_decision(sim, &op->identity);

        sim->counters->asked++;
        if (decision->reason != REASON_COUNT || decision->is_asked) {
                sim_violate(sim, "I2", "%s STAN %" PRId32 " was %s and its bank is asked now",
                            op->identity.terminal, op->identity.stan,
                            decision->is_asked ? "left to its bank" : reason_rows[decision->reason].name);
                return;
        }
        if (!w || memory_state(w) != WITHDRAWAL_ASKED) {
                sim_violate(sim, "I1", "%s STAN %" PRId32 ": its bank is to be asked and there is no intent",
                            op->identity.terminal, op->identity.stan);
                return;
        }
        decision->is_asked = true;
        sim->asked = reallocarray(sim->asked, sim->asked_count + 1, sizeof *sim->asked);
        if (!sim->asked)
                abort();
        sim->asked[sim->asked_count++] = w;
        use_card(sim, w);
}

static void forget_asked(struct sim *sim, const struct memory_withdrawal *w)
{
        for (size_t i = 0; i < sim->asked_count; i++) {
                if (sim->asked[i] != w)
                        continue;
                sim->asked[i] = sim->asked[--sim->asked_count];
                return;
        }
}

static void count_outcome(struct sim_counters *counters, const struct ledger_op *op)
{
        counters->swept += !op->on_done;
        if (op->outcome.cause == OUTCOME_TIMEOUT)
                counters->bank_timeouts++;
        else if (op->outcome.reason == REASON_APPROVED)
                counters->bank_approvals++;
        else
                counters->bank_refusals++;
}

/* An outcome stands that did not before. */
static void check_first_outcome(struct sim *sim, const struct ledger_op *op,
                                const struct memory_withdrawal *w)
{
        struct sim_decision *decision = find_decision(sim, &op->identity);

        if (decision->reason == REASON_APPROVED && op->outcome.cause == OUTCOME_TIMEOUT)
                sim_violate(sim, "I5",
                            "%s STAN %" PRId32 ": an approval that may have left is taken back by a timer",
                            op->identity.terminal, op->identity.stan);
        else if (decision->reason != REASON_COUNT)
                sim_violate(sim, "I2",
                            "%s STAN %" PRId32 " was decided %s with its bank and is decided %s now",
                            op->identity.terminal, op->identity.stan, reason_rows[decision->reason].name,
                            reason_rows[op->answer.reason].name);
        else if (!w->has_outcome || w->outcome.reason != op->answer.reason)
                sim_violate(sim, "I1", "%s STAN %" PRId32 " is decided %s and has no such outcome",
                            op->identity.terminal, op->identity.stan, reason_rows[op->answer.reason].name);
        decision->reason = op->answer.reason;
        count_outcome(sim->counters, op);
        forget_asked(sim, w);
        check_usage(sim, check_find_card(sim, w->request.card_token), w->request.business_day);
        if (op->outcome.cause == OUTCOME_TIMEOUT && !memory_saf(sim->database, &op->identity, 0))
                sim_violate(sim, "I5", "%s STAN %" PRId32 " is timed out, and its bank won't be told",
                            op->identity.terminal, op->identity.stan);
        if (sim->script)
                script_decided(sim, op);
}

static void check_outcome(struct sim *sim, const struct ledger_op *op)
{
        const struct memory_withdrawal *w = memory_withdrawal(sim->database, &op->identity);
        const struct sim_decision *decision = find_decision(sim, &op->identity);

        if (op->answer.status == LEDGER_DECIDED) {
                check_first_outcome(sim, op, w);
                return;
        }
        sim->counters->overtaken_outcomes++;
        sim->counters->overtaken_approvals +=
            op->outcome.reason == REASON_APPROVED && op->answer.reason != REASON_APPROVED;
        if (op->answer.status != LEDGER_STORED || op->answer.reason != decision->reason)
                sim_violate(sim, "I2", "%s STAN %" PRId32 ": who comes late is told %s instead of %s",
                            op->identity.terminal, op->identity.stan, reason_rows[op->answer.reason].name,
                            reason_rows[decision->reason].name);
}

static bool is_decided_by_person(const struct memory_withdrawal *w)
{
        for (size_t i = 0; i < w->advice_count; i++) {
                if (w->advices[i].by_person)
                        return true;
        }
        return false;
}

/* Nothing may be paid out for it any more. */
static bool is_over(const struct sim *sim, const struct memory_withdrawal *w)
{
        enum withdrawal_state state = memory_state(w);

        return state == WITHDRAWAL_COMPLETED || state == WITHDRAWAL_REVERSED || is_decided_by_person(w) ||
               sim->now_ms + 1 - w->approved_ms >= SIM_WAIT_MS;
}

static void check_stored(struct sim *sim, const struct ledger_op *op)
{
        const struct sim_decision *decision = find_decision(sim, &op->identity);
        const struct memory_withdrawal *w = memory_withdrawal(sim->database, &op->identity);

        sim->counters->stored_answers++;
        if (op->answer.reason == REASON_BLOCKED)
                sim->counters->blocked++;
        else if (decision->reason == REASON_APPROVED && is_over(sim, w)) {
                sim->counters->ended_repeats++;
                if (op->answer.reason != REASON_ENDED)
                        sim_violate(sim, "I2", "%s STAN %" PRId32 ": a repeat is told %s after the end",
                                    op->identity.terminal, op->identity.stan,
                                    reason_rows[op->answer.reason].name);
        } else if (op->answer.reason != decision->reason)
                sim_violate(sim, "I2", "%s STAN %" PRId32 ": a repeat is told %s", op->identity.terminal,
                            op->identity.stan, reason_rows[op->answer.reason].name);
}

static bool is_correction(const struct memory_withdrawal *w, size_t number)
{
        const struct memory_advice *advice = &w->advices[number];

        return advice->before == WITHDRAWAL_COMPLETED && !advice->by_person &&
               advice->counted_yen < w->advices[number - 1].counted_yen;
}

/* How often messages have corrected what this card did that day. */
static int corrections_of(struct sim *sim, const struct memory_withdrawal *w)
{
        const struct sim_card *card = check_find_card(sim, w->request.card_token);
        int count = 0;

        for (size_t i = 0; i < card->used_count; i++) {
                if (card->used[i]->request.business_day != w->request.business_day)
                        continue;
                for (size_t k = 1; k < card->used[i]->advice_count; k++)
                        count += is_correction(card->used[i], k);
        }
        return count;
}

static int64_t completed_ms(const struct memory_withdrawal *w)
{
        for (size_t i = 0; i < w->advice_count; i++) {
                if (w->advices[i].after == WITHDRAWAL_COMPLETED)
                        return w->advices[i].recorded_ms;
        }
        return INT64_MIN / 2;
}

/* The advice that was just written wanted to correct a completed withdrawal, and did, or did not. */
static void check_correction(struct sim *sim, const struct memory_withdrawal *w, const struct ledger_op *op)
{
        const struct memory_advice *advice = &w->advices[w->advice_count - 1];
        const struct atm *atm = reference_atm(sim->database->reference, w->identity.terminal);
        bool did = is_correction(w, w->advice_count - 1);
        bool may = advice->recorded_ms - completed_ms(w) < SIM_CORRECT_MS &&
                   corrections_of(sim, w) - (int)did == 0 && atm->enabled;

        sim->counters->corrections_accepted += did;
        sim->counters->corrections_refused += !did;
        if (did != may || strcmp(op->answer.what, did ? "corrected" : "settled") != 0)
                sim_violate(sim, "I5", "%s STAN %" PRId32 ": a correction is %s and leaves '%s'",
                            w->identity.terminal, w->identity.stan, did ? "taken" : "refused",
                            op->answer.what);
}

/* After a person's word no message moves anything; where it says otherwise, people hear of it. */
static void check_after_person(struct sim *sim, const struct memory_withdrawal *w, const struct ledger_op *op)
{
        const struct memory_advice *last = &w->advices[w->advice_count - 1];
        const struct memory_advice *person = last - 1;

        sim->counters->advices_after_people++;
        if (last->counted_yen != person->counted_yen || last->after != person->after)
                sim_violate(sim, "I5", "%s STAN %" PRId32 ": an ATM overrides a person", w->identity.terminal,
                            w->identity.stan);
        else if ((last->advice.dispensed_yen != person->counted_yen) != (op->answer.what[0] != '\0'))
                sim_violate(sim, "I5", "%s STAN %" PRId32 ": after a person's word an ATM's leaves '%s'",
                            w->identity.terminal, w->identity.stan, op->answer.what);
}

static void check_written(struct sim *sim, const struct memory_withdrawal *w, const struct ledger_op *op)
{
        const struct memory_advice *last = &w->advices[w->advice_count - 1];

        if (last->by_person) {
                sim->counters->decided_by_people++;
                if (!sim->script && w->approved_ms && sim->now_ms + 1 - w->approved_ms < SIM_YOUNGEST_MS)
                        sim_violate(sim, "I2",
                                    "%s STAN %" PRId32 ": a person decides while its ATM may pay out",
                                    w->identity.terminal, w->identity.stan);
        } else if (is_decided_by_person(w)) {
                check_after_person(sim, w, op);
        } else if (w->advice_count > 1 && last[-1].after == WITHDRAWAL_COMPLETED &&
                   last->advice.dispensed_yen < last[-1].counted_yen) {
                check_correction(sim, w, op);
        } else if (op->answer.what[0]) {
                sim_violate(sim, "truth", "an exception (%s), though every ATM is honest", op->answer.what);
        }
}

static void check_advice(struct sim *sim, const struct ledger_op *op)
{
        const struct memory_withdrawal *w = memory_withdrawal(sim->database, &op->advice.original);

        if (!w) {
                sim_violate(sim, "I1", "an advice about STAN %" PRId32 " left no trace",
                            op->advice.original.stan);
                return;
        }
        check_commission(sim, w);
        if (op->answer.status == LEDGER_DECIDED) {
                check_postings(sim, w);
                check_written(sim, w, op);
        }
        if (w->has_outcome &&
            (w->outcome.cause == MEMORY_CAUSE_REVERSAL || w->outcome.cause == MEMORY_CAUSE_OPERATOR) &&
            find_decision(sim, &w->identity)->reason == REASON_COUNT) {
                find_decision(sim, &w->identity)->reason = REASON_BLOCKED;
                sim->counters->reversed_while_asked++;
                forget_asked(sim, w);
        }
        if (w->reason == REASON_APPROVED || w->reason == REASON_COUNT)
                check_usage(sim, check_find_card(sim, w->request.card_token), w->request.business_day);
}

/* One in which a PIN was looked at is decided once, and its repeat hears the same. */
static void check_inquiry(struct sim *sim, const struct ledger_op *op)
{
        const struct memory_card *card = memory_card(sim->database, op->request.card_token);
        bool is_kept = op->request.pin_tries_max && op->request.refusal == REASON_APPROVED;
        struct sim_decision *decision =
            is_kept || op->answer.status == LEDGER_STORED ? find_decision(sim, &op->identity) : NULL;

        if (op->answer.status == LEDGER_DECIDED && op->answer.reason == REASON_APPROVED &&
            op->answer.balance_yen != card->balance_yen)
                sim_violate(sim, "I4", "an inquiry is told %" PRId64 " yen", op->answer.balance_yen);
        sim->counters->inquiries_stored += op->answer.status == LEDGER_STORED;
        if (op->answer.status == LEDGER_STORED && decision->reason != op->answer.reason)
                sim_violate(sim, "I2", "%s STAN %" PRId32 ": an inquiry's repeat is told %s",
                            op->identity.terminal, op->identity.stan, reason_rows[op->answer.reason].name);
        if (op->answer.status != LEDGER_DECIDED || !is_kept)
                return;
        if (decision->reason != REASON_COUNT)
                sim_violate(sim, "I2", "%s STAN %" PRId32 ": an inquiry with a PIN is decided twice",
                            op->identity.terminal, op->identity.stan);
        decision->reason = op->answer.reason;
}

/* What an ATM with keys never sent under the right MAC, nobody has read. */
static void check_sealed(struct sim *sim, const struct ledger_op *op)
{
        for (int i = 0; i < sim->atm_count; i++) {
                const struct machine *atm = &sim->atms[i];

                if (!atm->key_set || strcmp(atm->terminal, op->identity.terminal) != 0)
                        continue;
                for (size_t k = 0; k < atm->withdrawal_count && op->kind == LEDGER_REQUEST; k++)
                        if (!memcmp(&atm->withdrawals[k].identity, &op->identity, sizeof op->identity) &&
                            !atm->withdrawals[k].is_sealed)
                                sim_violate(sim, "I11",
                                            "%s STAN %" PRId32
                                            " is decided, and none of its messages had the right MAC",
                                            atm->terminal, op->identity.stan);
                for (size_t k = 0; k < atm->advice_count && op->kind == LEDGER_ADVICE; k++)
                        if (!memcmp(&atm->advices[k].identity, &op->identity, sizeof op->identity) &&
                            !atm->advices[k].is_sealed)
                                sim_violate(sim, "I11",
                                            "%s: an advice with STAN %" PRId32
                                            " is taken that never had the right MAC",
                                            atm->terminal, op->identity.stan);
        }
}

void check_commit(struct memory_database *database, const struct ledger_op *op, void *context)
{
        struct sim *sim = context;
        (void)database;
        sim_tell(sim, "commit: %s STAN %" PRId32 " kind %d status %d reason %d", op->identity.terminal,
                 op->identity.stan, (int)op->kind, (int)op->answer.status, (int)op->answer.reason);
        check_sealed(sim, op);
        pins_check(sim, op);
        switch (op->kind) {
        case LEDGER_REQUEST:
                if (op->answer.status == LEDGER_DECIDED)
                        check_decision(sim, op);
                else if (op->answer.status == LEDGER_ASK)
                        check_asked(sim, op);
                else if (op->answer.status == LEDGER_STORED)
                        check_stored(sim, op);
                else if (op->answer.status == LEDGER_PENDING)
                        sim->counters->pending_repeats++;
                else
                        sim_violate(sim, "dialog", "the ledger could not write a request");
                break;
        case LEDGER_INQUIRY:
                check_inquiry(sim, op);
                break;
        case LEDGER_OUTCOME:
                check_outcome(sim, op);
                break;
        default:
                check_advice(sim, op);
                if (sim->script)
                        script_decided(sim, op);
                break;
        }
}

/* What people hold back is not sent, nor what comes after it; unless it was on its way, and is acknowledged meanwhile. */
void check_taken(struct sim *sim, const struct ledger_identity *identity, int seq)
{
        for (size_t i = 0; i < sim->held_count; i++) {
                const struct memory_saf_key *held = &sim->held[i];

                if (held->seq <= seq && memcmp(&held->identity, identity, sizeof *identity) == 0 &&
                    memory_saf(sim->database, identity, held->seq))
                        sim_violate(sim, "I5", "%s STAN %" PRId32 ": a notice is sent that people hold back",
                                    identity->terminal, identity->stan);
        }
}

/* banks --------------------------------------------------------------------------------------------- */

enum { REFUSALS_MAX = 8 };

/* What a bank has written down about a withdrawal, summed, and what of it it would not book. */
struct sim_record {
        struct ledger_identity identity; /* the key; zeroed */
        int64_t held_yen;
        struct refusal {
                int64_t dispensed_yen;
                char what[32]; /* as the exception must name it */
        } refusals[REFUSALS_MAX];
        int refusal_count;
        bool is_reported; /* what became of its script */
        UT_hash_handle hh;
};

static struct sim_record *add_record(struct sim *sim, const struct ledger_identity *identity,
                                     int64_t moved_yen)
{
        struct sim_record *record;

        HASH_FIND(hh, sim->records, identity, sizeof *identity, record);
        if (!record) {
                record = calloc(1, sizeof *record);
                if (!record)
                        abort();
                record->identity = *identity;
                HASH_ADD(hh, sim->records, identity, sizeof record->identity, record);
        }
        record->held_yen -= moved_yen;
        return record;
}

static void add_refusal(struct sim_record *record, const struct bank_record *told)
{
        struct refusal *refusal = &record->refusals[record->refusal_count++];

        assert(record->refusal_count <= REFUSALS_MAX);
        refusal->dispensed_yen = told->dispensed_yen;
        snprintf(refusal->what, sizeof refusal->what, "%s answered %s", bank_kind_name[told->kind],
                 told->de39);
}

static bool has_case(const struct sim *sim, const struct ledger_identity *identity, const char *what)
{
        for (const struct memory_exception *e = sim->database->exceptions; e; e = e->hh.next) {
                if (e->key.kind == MEMORY_EXCEPTION_BANK && (!what || strcmp(e->key.what, what) == 0) &&
                    strcmp(e->key.original.terminal, identity->terminal) == 0 &&
                    e->key.original.transmitted_ms == identity->transmitted_ms &&
                    e->key.original.stan == identity->stan)
                        return true;
        }
        return false;
}

bool check_has_case(const struct sim *sim, const struct ledger_identity *identity)
{
        return has_case(sim, identity, NULL);
}

int64_t check_held_yen(const struct sim *sim, const struct ledger_identity *identity)
{
        struct ledger_identity key;
        const struct sim_record *record;

        memset(&key, 0, sizeof key);
        memcpy(key.terminal, identity->terminal, strlen(identity->terminal));
        key.transmitted_ms = identity->transmitted_ms;
        key.stan = identity->stan;
        HASH_FIND(hh, sim->records, &key, sizeof key, record);
        return record ? record->held_yen : 0;
}

static bool was_told(const struct memory_withdrawal *w, int64_t dispensed_yen)
{
        for (size_t i = 0; i < w->notice_count; i++) {
                if (w->notices[i].dispensed_yen == dispensed_yen)
                        return true;
        }
        return false;
}

void check_record(struct sim *sim, int bank, const struct bank_record *record)
{
        struct ledger_identity identity;
        const struct memory_withdrawal *w;
        struct sim_record *written;

        if (record->kind == BANK_INQUIRY || record->kind == BANK_CUTOVER)
                return;
        memset(&identity, 0, sizeof identity);
        memcpy(identity.terminal, record->identity.terminal, strlen(record->identity.terminal));
        identity.transmitted_ms = record->identity.transmitted_ms;
        identity.stan = record->identity.stan;
        w = memory_withdrawal(sim->database, &identity);
        written = add_record(sim, &identity, record->moved_yen);
        written->is_reported |= record->reported;
        if (record->refused)
                add_refusal(written, record);
        if (!w || w->reason != REASON_COUNT || strcmp(w->request.link, sim->banks[bank].name) != 0 ||
            w->request.amount_yen != record->amount_yen)
                sim_violate(sim, "I1", "%s hears of %s STAN %" PRId32 ", which is not durable like that",
                            sim->banks[bank].name, identity.terminal, identity.stan);
        else if (record->kind != BANK_WITHDRAWAL && !was_told(w, record->dispensed_yen))
                sim_violate(sim, "I1",
                            "%s is told of %" PRId64 " yen of %s STAN %" PRId32 ", which is not durable",
                            sim->banks[bank].name, record->dispensed_yen, identity.terminal, identity.stan);
        if (record->exception)
                sim_violate(sim, "I5",
                            "%s is told of %" PRId64 " yen of %s STAN %" PRId32 " in the wrong order",
                            sim->banks[bank].name, record->dispensed_yen, identity.terminal, identity.stan);
}

/* answers ------------------------------------------------------------------------------------------- */

static bool has_time(const struct iso_message *answer, const struct ledger_identity *identity)
{
        char transmitted[11], wanted[11];
        int64_t stan;

        calendar_to_de7(identity->transmitted_ms, wanted);
        return iso_number(answer, 11, &stan) && stan == identity->stan &&
               iso_copy(answer, 7, transmitted, sizeof transmitted) && strcmp(transmitted, wanted) == 0;
}

static const struct atm_withdrawal *asked(const struct machine *atm, const struct iso_message *answer)
{
        for (size_t i = atm->withdrawal_count; i > 0; i--) {
                if (has_time(answer, &atm->withdrawals[i - 1].identity))
                        return &atm->withdrawals[i - 1];
        }
        return NULL;
}

static bool says(const struct iso_message *answer, int field, const char *wanted)
{
        char text[64];

        return iso_copy(answer, field, text, sizeof text) && strcmp(text, wanted) == 0;
}

/* Every field of an approval is the row's. */
static bool is_approval_of(const struct iso_message *answer, const struct memory_withdrawal *w)
{
        char charge[16], rrn[13], day[8];
        struct civil date;

        snprintf(charge, sizeof charge, "D%08" PRId64, charge_yen(w));
        calendar_rrn(w->identity.transmitted_ms, w->identity.stan, rrn);
        calendar_civil_of_day(w->request.business_day, &date);
        snprintf(day, sizeof day, "%02u%02u", (unsigned)date.month % 100, (unsigned)date.day % 100);
        return says(answer, 28, charge) && says(answer, 37, rrn) && says(answer, 15, day) &&
               says(answer, 38, w->has_outcome ? w->outcome.approval_code : w->request.approval_code);
}

/* The same bytes as the first time. */
static void check_same(struct sim *sim, const struct ledger_identity *identity, const uint8_t *bytes,
                       size_t length)
{
        struct sim_decision *decision = find_decision(sim, identity);

        if (!decision->answer) {
                decision->answer = malloc(length);
                if (!decision->answer)
                        abort();
                memcpy(decision->answer, bytes, length);
                decision->length = length;
        } else if (decision->length != length || memcmp(decision->answer, bytes, length) != 0) {
                sim_violate(sim, "I2", "%s STAN %" PRId32 ": a repeat gets another answer than its original",
                            identity->terminal, identity->stan);
        }
}

/* Without what is made anew for each of them: its key set and MAC. */
static size_t answer_itself(const struct iso_message *answer, uint8_t bytes[ISO_MESSAGE_MAX])
{
        struct iso_message itself = *answer;
        struct iso_error error;
        int length;

        iso_unset(&itself, 55); /* the first one's alone */
        iso_unset(&itself, 62);
        iso_unset(&itself, 64);
        length = iso_encode(&iso_dialect_ascii, &itself, bytes, ISO_MESSAGE_MAX, &error);
        assert(length > 0);
        return (size_t)length;
}

static void check_withdrawal_answer(struct sim *sim, const struct link *link,
                                    const struct iso_message *answer)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        const struct machine *atm = &sim->atms[link->atm];
        const struct atm_withdrawal *w = asked(atm, answer);
        const struct memory_withdrawal *row;
        enum reason reason;
        bool is_hidden;
        char code[3] = "";

        if (!w || !iso_copy(answer, 39, code, sizeof code)) {
                sim_violate(sim, "dialog", "%s gets an answer to nothing that it asked", atm->terminal);
                return;
        }
        row = memory_withdrawal(sim->database, &w->identity);
        /* of a repeat that does not say so nobody can know that a copy is on its way elsewhere; its ATM reverses */
        is_hidden = atm->hides_repeats && w->repeats > 0;
        /* what its ATM has hung up on is told to nobody: it may have been decided elsewhere since */
        if (strcmp(code, "96") == 0 && row && memory_reason(row) != REASON_BLOCKED && !is_hidden &&
            link->atm_open) {
                sim_violate(sim, "I1",
                            "%s STAN %" PRId32 ": 96 leaves, and nobody can know that it is not decided",
                            atm->terminal, w->identity.stan);
                return;
        }
        if (strcmp(code, "96") == 0)
                return;
        reason = row ? memory_reason(row) : REASON_COUNT;
        if (reason == REASON_APPROVED && strcmp(code, reason_de39(REASON_ENDED)) == 0 && is_over(sim, row))
                return;
        if (reason == REASON_COUNT || strcmp(code, reason_de39(reason)) != 0 ||
            (reason == REASON_APPROVED && !is_approval_of(answer, row))) {
                sim_violate(sim, "I1", "%s STAN %" PRId32 ": answer %s leaves, the database says %s",
                            atm->terminal, w->identity.stan, code,
                            reason != REASON_COUNT ? reason_rows[reason].name : "nothing");
                return;
        }
        check_same(sim, &w->identity, bytes, answer_itself(answer, bytes));
}

static void check_acknowledgement(struct sim *sim, const struct machine *atm,
                                  const struct iso_message *answer, bool reversal)
{
        for (size_t i = atm->advice_count; i > 0; i--) {
                const struct atm_advice *advice = &atm->advices[i - 1];
                const struct memory_withdrawal *row;

                if (advice->reversal != reversal || !has_time(answer, &advice->identity))
                        continue;
                row = memory_withdrawal(sim->database, &atm->withdrawals[advice->withdrawal].identity);
                for (size_t k = 0; row && k < row->advice_count; k++) {
                        const struct memory_advice *stored = &row->advices[k];

                        if (stored->advice.reversal == reversal &&
                            stored->advice_stan == advice->identity.stan &&
                            stored->advice_ms == advice->identity.transmitted_ms &&
                            stored->advice.dispensed_yen == advice->dispensed_yen)
                                return;
                }
                sim_violate(sim, "I1",
                            "%s: an advice about STAN %" PRId32 " is acknowledged before it is durable",
                            atm->terminal, atm->withdrawals[advice->withdrawal].identity.stan);
                return;
        }
        sim_violate(sim, "dialog", "%s gets an acknowledgement of nothing that it sent", atm->terminal);
}

void check_answer(struct sim *sim, const struct link *link, const uint8_t *bytes, size_t length)
{
        const struct machine *atm = &sim->atms[link->atm];
        struct iso_message answer;
        struct iso_error error;

        if (iso_decode(&iso_dialect_ascii, bytes, length, &answer, &error) < 0)
                sim_violate(sim, "dialog", "an answer leaves that can't be decoded");
        else if (says(&answer, 39, "98") && atm->key_set)
                modules_check_refusal(atm, &answer);
        else if (strcmp(answer.mti, "0230") == 0 || strcmp(answer.mti, "0430") == 0)
                check_acknowledgement(sim, atm, &answer, answer.mti[1] == '4');
        else if (strcmp(answer.mti, "0210") == 0 && says(&answer, 3, "310000"))
                sim->counters->cannot_decide += says(&answer, 39, "96");
        else if (strcmp(answer.mti, "0210") == 0)
                check_withdrawal_answer(sim, link, &answer);
        else if (strcmp(answer.mti, "0810") == 0 && !says(&answer, 39, "00"))
                sim_violate(sim, "dialog", "%s: network management is refused", atm->terminal);
}

/* the end ------------------------------------------------------------------------------------------- */

/* A person has decided knowing, or will see in an exception, that so much was dispensed. */
static bool people_know(const struct sim *sim, const struct memory_withdrawal *w, int64_t dispensed_yen)
{
        if (!w)
                return false;
        for (const struct memory_exception *e = sim->database->exceptions; e; e = e->hh.next) {
                if (e->key.kind != MEMORY_EXCEPTION_BANK &&
                    memcmp(&e->key.original, &w->identity, sizeof w->identity) == 0 &&
                    e->dispensed_yen == dispensed_yen && strcmp(e->key.what, "corrected") != 0)
                        return true;
        }
        for (size_t i = 0; i < w->advice_count && is_decided_by_person(w); i++) {
                if (!w->advices[i].by_person && w->advices[i].advice.dispensed_yen == dispensed_yen)
                        return true;
        }
        return false;
}

/* An ATM begins to pay out. */
void check_payment(struct sim *sim, const struct ledger_identity *identity)
{
        const struct memory_withdrawal *w = memory_withdrawal(sim->database, identity);

        if (w && is_decided_by_person(w))
                sim_violate(sim, "I2", "%s STAN %" PRId32 " is paid out though a person has decided",
                            identity->terminal, identity->stan);
}

static void check_truth(struct sim *sim, const struct machine *atm, const struct atm_withdrawal *w,
                        int64_t *spent_yen)
{
        const struct memory_withdrawal *row = memory_withdrawal(sim->database, &w->identity);
        enum withdrawal_state state = row ? memory_state(row) : WITHDRAWAL_UNKNOWN;
        int64_t counted_yen = state == WITHDRAWAL_COMPLETED ? memory_counts_yen(row) : 0;

        if (state == WITHDRAWAL_APPROVED || state == WITHDRAWAL_ASKED)
                sim_violate(sim, "truth", "%s STAN %" PRId32 " never ended", atm->terminal, w->identity.stan);
        else if (counted_yen != w->dispensed_yen && !people_know(sim, row, w->dispensed_yen))
                sim_violate(sim, "truth",
                            "%s STAN %" PRId32 " dispensed %" PRId64 " yen, the database says %" PRId64,
                            atm->terminal, w->identity.stan, w->dispensed_yen, counted_yen);
        if (counted_yen > 0)
                spent_yen[w->card % SIM_CARDS] += counted_yen + charge_yen(row);
}

/* What a card-holder has paid, at whichever bank, is what came out of the ATMs and the fees for it, and what his bank
 * would not give back. */
static void check_paid(struct sim *sim, int number, int64_t spent_yen)
{
        const struct sim_card *card = &sim->cards[number];
        const struct memory_card *account = memory_card(sim->database, good_token(card));
        int64_t balance_yen = account ? account->balance_yen : 0;

        if (card->bank >= 0 && !bank_balance(sim->banks[card->bank].bank, good_token(card), &balance_yen))
                balance_yen = 0;
        if (card->opening_yen - balance_yen != spent_yen)
                sim_violate(sim, card->bank >= 0 ? "I5" : "truth",
                            "card %d paid %" PRId64 " yen for %" PRId64, number,
                            card->opening_yen - balance_yen, spent_yen);
}

/* Is what the bank holds too much what it would not book of the end that we have, as people are told? */
static bool is_explained(const struct sim *sim, const struct sim_record *r, int64_t counted_yen)
{
        const struct refusal *last = r->refusal_count ? &r->refusals[r->refusal_count - 1] : NULL;

        return last && last->dispensed_yen == counted_yen && has_case(sim, &r->identity, last->what);
}

static void check_refusals(struct sim *sim, const struct sim_record *r)
{
        for (int i = 0; i < r->refusal_count; i++) {
                if (!has_case(sim, &r->identity, r->refusals[i].what))
                        sim_violate(sim, "I5", "%s STAN %" PRId32 ": a %s, and nobody is told",
                                    r->identity.terminal, r->identity.stan, r->refusals[i].what);
        }
}

/* A script that counted was told of to the bank that sent it, unless a person spoke first. */
static void check_report(struct sim *sim, const struct atm_withdrawal *withdrawal)
{
        const struct memory_withdrawal *w = memory_withdrawal(sim->database, &withdrawal->identity);
        const struct sim_record *record;

        if (!withdrawal->has_script || !w || (w->advice_count && w->advices[0].by_person))
                return;
        HASH_FIND(hh, sim->records, &w->identity, sizeof w->identity, record);
        if (!record || !record->is_reported)
                sim_violate(sim, "I12", "%s STAN %" PRId32 ": its bank never hears of its script",
                            w->identity.terminal, w->identity.stan);
}

/* Each bank holds for each withdrawal what the host has recorded, or people know why not, and nothing waits.
 * spent_yen: of the cards, to which is added what banks keep too much. */
static void check_banks(struct sim *sim, int64_t *spent_yen)
{
        for (const struct sim_record *r = sim->records; r; r = r->hh.next) {
                const struct memory_withdrawal *w = memory_withdrawal(sim->database, &r->identity);
                bool completed = w && memory_state(w) == WITHDRAWAL_COMPLETED;
                int64_t counted_yen = completed ? memory_counts_yen(w) : 0;
                int64_t recorded_yen = completed ? counted_yen + charge_yen(w) : 0;

                check_refusals(sim, r);
                if (w && r->held_yen > recorded_yen && is_explained(sim, r, counted_yen)) {
                        spent_yen[check_find_card(sim, w->request.card_token) - sim->cards] +=
                            r->held_yen - recorded_yen;
                        sim->counters->explained_by_cases++;
                } else if (r->held_yen != recorded_yen)
                        sim_violate(sim, "I5",
                                    "%s STAN %" PRId32 ": its bank holds %" PRId64
                                    " yen, we have recorded %" PRId64,
                                    r->identity.terminal, r->identity.stan, r->held_yen, recorded_yen);
        }
        for (int i = 0; i < sim->bank_count; i++) {
                struct bank_totals totals;

                bank_total(sim->banks[i].bank, &totals);
                if (totals.open != totals.refused)
                        sim_violate(sim, "I5", "%s holds %zu withdrawals without an end", sim->banks[i].name,
                                    totals.open - totals.refused);
        }
        if (sim->database->saf)
                sim_violate(sim, "I5", "%u notices were never acknowledged", HASH_COUNT(sim->database->saf));
        if (sim->asked_count)
                sim_violate(sim, "liveness", "%zu withdrawals are without an end", sim->asked_count);
}

void check_end(struct sim *sim)
{
        int64_t spent_yen[SIM_CARDS] = {0};
        size_t known = 0, approved = 0;

        check_sums(sim);
        for (int i = 0; i < sim->atm_count; i++) {
                const struct machine *atm = &sim->atms[i];

                if (!atm_is_quiet(atm))
                        sim_violate(sim, "liveness", "%s did not come to an end", atm->terminal);
                for (size_t k = 0; k < atm->withdrawal_count; k++) {
                        const struct memory_withdrawal *row =
                            memory_withdrawal(sim->database, &atm->withdrawals[k].identity);

                        known += row && memory_reason(row) == REASON_APPROVED;
                        check_truth(sim, atm, &atm->withdrawals[k], spent_yen);
                        check_report(sim, &atm->withdrawals[k]);
                }
        }
        for (const struct memory_withdrawal *w = sim->database->withdrawals; w; w = w->hh.next)
                approved += memory_reason(w) == REASON_APPROVED;
        if (approved != known)
                sim_violate(sim, "truth", "%zu approvals, but the ATMs know of %zu", approved, known);
        check_banks(sim, spent_yen);
        for (int i = 0; i < SIM_CARDS; i++) {
                check_paid(sim, i, spent_yen[i]);
                for (size_t k = 0; k < sim->cards[i].used_count; k++)
                        check_price(sim, &sim->cards[i], sim->cards[i].used[k]);
        }
}

static void free_decisions(struct sim *sim)
{
        struct sim_decision *decision, *next;

        HASH_ITER(hh, sim->decisions, decision, next)
        {
                HASH_DELETE(hh, sim->decisions, decision);
                free(decision->answer);
                free(decision);
        }
        for (int i = 0; i < SIM_CARDS; i++)
                free(sim->cards[i].used);
}

void check_free(struct sim *sim)
{
        struct sim_record *record, *after;

        HASH_ITER(hh, sim->records, record, after)
        {
                HASH_DELETE(hh, sim->records, record);
                free(record);
        }
        free_decisions(sim);
}
