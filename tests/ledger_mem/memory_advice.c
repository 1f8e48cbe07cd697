/*
 * ledger_advice and operator_resolve in memory: how a withdrawal ended, by its ATM's word or a person's; what that earns, gives back
 * and tells the bank.
 *
 * Invariant: rows of advice, commission and notice are only ever added.
 */
#include "tests/ledger_mem/memory.h"

#include <assert.h>
#include <string.h>

#include "rules/calendar.h"
#include "tests/ledger_mem/memory_inside.h"

static void add_advice_exception(struct memory_database *database, struct ledger_op *op, const char *what)
{
        const struct ledger_identity *original = &op->advice.original;
        struct memory_exception_key key;

        memset(&key, 0, sizeof key);
        key.advice = memory_identity(op->identity.terminal, op->identity.transmitted_ms, op->identity.stan);
        key.original = memory_identity(op->identity.terminal, original->transmitted_ms, original->stan);
        key.kind = op->advice.reversal ? MEMORY_EXCEPTION_REVERSAL : MEMORY_EXCEPTION_COMPLETION;
        memcpy(key.what, what, strnlen(what, sizeof key.what - 1));
        memcpy(op->answer.what, key.what, sizeof op->answer.what);
        memory_add_exception(database, &key, op->advice.amount_yen, op->advice.dispensed_yen);
}

static struct memory_withdrawal *block(struct memory_database *database, const struct ledger_op *op)
{
        struct memory_withdrawal *withdrawal = memory_add_withdrawal(database, &op->advice.original);

        withdrawal->reason = REASON_BLOCKED;
        withdrawal->request.amount_yen = op->advice.amount_yen;
        withdrawal->request.business_day = calendar_business_day(op->advice.original.transmitted_ms);
        return withdrawal;
}

static const struct memory_advice *find_advice(const struct memory_withdrawal *withdrawal,
                                               const struct ledger_op *op)
{
        for (size_t i = 0; i < withdrawal->advice_count; i++) {
                const struct memory_advice *advice = &withdrawal->advices[i];

                if (!advice->by_person && advice->advice.reversal == op->advice.reversal &&
                    advice->advice_ms == op->identity.transmitted_ms &&
                    advice->advice_stan == op->identity.stan)
                        return advice;
        }
        return NULL;
}

void memory_give_back(struct memory_database *database, const struct memory_withdrawal *withdrawal,
                      int64_t cash_yen, bool all, bool corrects)
{
        const struct ledger_request *request = &withdrawal->request;
        const uint8_t *token = memory_holder(database, request->card_token);
        struct memory_card *card = request->link[0] == '\0' ? memory_card(database, token) : NULL;
        struct memory_usage *month =
            memory_find_usage(database->months, token, calendar_month_of(request->business_day));
        struct memory_usage *day = memory_find_usage(database->days, token, request->business_day);

        assert(month && day);
        memory_add_yen(&month->cash_yen, -cash_yen);
        memory_add_yen(&day->cash_yen, -cash_yen);
        if (all)
                day->withdrawals--;
        day->corrections += corrects;
        if (card)
                memory_add_yen(&card->balance_yen,
                               all ? cash_yen + memory_charge_yen(&request->price) : cash_yen);
        assert(month->cash_yen >= 0 && day->cash_yen >= 0 && day->withdrawals >= 0);
}

struct memory_saf *memory_tell_bank(struct memory_database *database, struct memory_withdrawal *withdrawal,
                                    size_t seq, int64_t dispensed_yen, const char *why)
{
        void *array = withdrawal->notices;
        struct memory_notice *notice = memory_append(&array, &withdrawal->notice_count, sizeof *notice);
        struct memory_saf *saf = memory_allocate(sizeof *saf);

        withdrawal->notices = array;
        notice->seq = (int16_t)seq;
        notice->kind = dispensed_yen == 0                               ? MEMORY_NOTICE_REVERSAL
                       : dispensed_yen < withdrawal->request.amount_yen ? MEMORY_NOTICE_PARTIAL
                                                                        : MEMORY_NOTICE_COMPLETION;
        notice->amount_yen = withdrawal->request.amount_yen;
        notice->charge_yen = memory_charge_yen(&withdrawal->request.price);
        notice->dispensed_yen = dispensed_yen;
        memcpy(notice->why, why, sizeof notice->why);
        saf->key.identity = withdrawal->identity;
        saf->key.seq = notice->seq;
        strcpy(saf->link, database->defect == LEDGER_MEM_TELLS_NEW_LINK
                              ? reference_issuer(database->reference, withdrawal->request.issuer)->link
                              : withdrawal->request.link);
        saf->created_ms = saf->due_ms = memory_now_ms(database);
        HASH_ADD(hh, database->saf, key, sizeof saf->key, saf);
        return saf;
}

/* What a bank must be told of the advice that was just written; of what was approved until then, with what the ATM reports of the chip. */
static void pass_on(struct memory_database *database, struct memory_withdrawal *withdrawal,
                    const struct chip_data *chip)
{
        const struct memory_advice *advice = memory_last_advice(withdrawal);
        const char *why = advice->advice.why;

        if (why[0] == '\0')
                why = advice->counted_yen == 0                               ? "21"
                      : advice->counted_yen < withdrawal->request.amount_yen ? "32"
                                                                             : "00";
        if (database->defect == LEDGER_MEM_FORGETS_COMPLETIONS && advice->after == WITHDRAWAL_COMPLETED)
                return;
        struct memory_saf *saf =
            memory_tell_bank(database, withdrawal, withdrawal->advice_count, advice->counted_yen, why);

        if (chip && advice->before == WITHDRAWAL_APPROVED && database->defect != LEDGER_MEM_FORGETS_REPORTS)
                saf->chip = *chip;
}

void memory_decide_outcome(struct memory_withdrawal *withdrawal, enum reason reason, enum memory_cause cause)
{
        assert(!withdrawal->has_outcome && withdrawal->reason == REASON_COUNT);
        withdrawal->has_outcome = true;
        withdrawal->outcome.reason = reason;
        withdrawal->outcome.cause = cause;
}

/* An advice's own numbers speak of one original for good. False: they were said of another. */
static bool claim_numbers(struct memory_database *database, const struct ledger_op *op)
{
        struct memory_advice_identity_key key;
        struct memory_advice_identity *claimed;
        struct ledger_identity original = memory_identity(
            op->identity.terminal, op->advice.original.transmitted_ms, op->advice.original.stan);

        if (!reference_holds_moment(database->reference, op->identity.transmitted_ms))
                return true;
        memset(&key, 0, sizeof key);
        key.advice = memory_identity(op->identity.terminal, op->identity.transmitted_ms, op->identity.stan);
        key.reversal = op->advice.reversal;
        HASH_FIND(hh, database->advice_identities, &key, sizeof key, claimed);
        if (claimed)
                return memcmp(&claimed->original, &original, sizeof original) == 0;
        claimed = memory_allocate(sizeof *claimed);
        claimed->key = key;
        claimed->original = original;
        HASH_ADD(hh, database->advice_identities, key, sizeof key, claimed);
        return true;
}

static bool is_decided_by_person(const struct memory_withdrawal *withdrawal)
{
        for (size_t i = 0; i < withdrawal->advice_count; i++) {
                if (withdrawal->advices[i].by_person)
                        return true;
        }
        return false;
}

/* When it was first said to be completed. */
static int64_t completed_ms(const struct memory_withdrawal *withdrawal)
{
        for (size_t i = 0; i < withdrawal->advice_count; i++) {
                if (withdrawal->advices[i].after == WITHDRAWAL_COMPLETED)
                        return withdrawal->advices[i].recorded_ms;
        }
        return 0;
}

static bool may_correct(const struct memory_database *database, const struct memory_withdrawal *withdrawal,
                        int64_t correct_ms)
{
        const uint8_t *holder = memory_holder(database, withdrawal->request.card_token);
        const struct memory_card *card = memory_card(database, holder);
        const struct memory_usage *day = memory_day(database, holder, withdrawal->request.business_day);
        const struct atm *atm = reference_atm(database->reference, withdrawal->identity.terminal);
        bool late = memory_now_ms(database) - completed_ms(withdrawal) >= correct_ms &&
                    database->defect != LEDGER_MEM_CORRECTS_LATE;
        bool second = day && day->corrections > 0 && database->defect != LEDGER_MEM_CORRECTS_OFTEN;
        bool left = card && withdrawal->request.business_day != card->day[0] &&
                    withdrawal->request.business_day != card->day[1]; /* the card's row */

        return !late && !second && !left && !is_decided_by_person(withdrawal) && atm && atm->enabled;
}

/* What the withdrawal is to this advice. */
static enum withdrawal_state state_to(const struct memory_database *database,
                                      const struct memory_withdrawal *withdrawal, bool by_person,
                                      int64_t correct_ms)
{
        enum withdrawal_state state = memory_state(withdrawal);

        if (database->defect == LEDGER_MEM_OVERRIDES_PEOPLE && is_decided_by_person(withdrawal))
                return state;
        if (state == WITHDRAWAL_COMPLETED && !by_person && !may_correct(database, withdrawal, correct_ms))
                return WITHDRAWAL_SETTLED;
        return state;
}

static void note_exception(struct memory_database *database, const struct memory_withdrawal *withdrawal,
                           struct ledger_op *op, const struct withdrawal_rule *rule, bool corrects)
{
        if (rule->exception)
                add_advice_exception(database, op,
                                     is_decided_by_person(withdrawal) && (rule->from == WITHDRAWAL_SETTLED ||
                                                                          rule->from == WITHDRAWAL_REVERSED)
                                         ? "decided"
                                         : withdrawal_state_name[rule->from]);
        else if (corrects)
                add_advice_exception(database, op, "corrected");
}

/* An advice that was not there before: its row and all that follows from it. */
static void write_advice(struct memory_database *database, struct memory_withdrawal *withdrawal,
                         struct ledger_op *op, bool by_person, int64_t correct_ms)
{
        enum withdrawal_state state = memory_state(withdrawal);
        enum withdrawal_state before = state_to(database, withdrawal, by_person, correct_ms);
        int64_t counts_yen = memory_counts_yen(withdrawal);
        int64_t already_yen = withdrawal->advice_count ? memory_last_advice(withdrawal)->counted_yen : 0;
        enum dispensed_relation relation = withdrawal_relation(before, counts_yen, op->advice.dispensed_yen);
        const struct withdrawal_rule *rule = withdrawal_on_advice(before, relation);
        int commission =
            rule->commission < 0 && database->defect == LEDGER_MEM_KEEPS_COMMISSION ? 0 : rule->commission;
        bool ends = rule->to == WITHDRAWAL_COMPLETED || rule->to == WITHDRAWAL_REVERSED;
        bool twice = database->defect == LEDGER_MEM_COUNTS_TWICE && is_decided_by_person(withdrawal);
        int64_t counted_yen = withdrawal_counted_yen(rule, counts_yen, op->advice.dispensed_yen);
        bool corrects = before == WITHDRAWAL_COMPLETED && !by_person && counted_yen < counts_yen;
        struct memory_advice *advice;
        void *array = withdrawal->advices;

        note_exception(database, withdrawal, op, rule, corrects);
        advice = memory_append(&array, &withdrawal->advice_count, sizeof *advice);
        withdrawal->advices = array;
        *advice = (struct memory_advice){
            .advice = op->advice,
            .by_person = by_person,
            .recorded_ms = memory_now_ms(database),
            .advice_ms = op->identity.transmitted_ms,
            .advice_stan = op->identity.stan,
            .before = before,
            .after = rule->to,
            .counted_yen = counted_yen,
            .commission = commission,
        };
        advice->advice.chip = NULL;
        if (twice)
                memory_earn(database, withdrawal, 1, op->advice.dispensed_yen);
        if (commission != 0 || counted_yen != already_yen)
                memory_earn(database, withdrawal, commission, counted_yen - already_yen);
        if (ends && state != WITHDRAWAL_REVERSED)
                memory_give_back(database, withdrawal, counts_yen - counted_yen,
                                 rule->to == WITHDRAWAL_REVERSED, corrects);
        if (ends)
                withdrawal->open = false;
        if (before == WITHDRAWAL_ASKED && rule->to == WITHDRAWAL_REVERSED)
                memory_decide_outcome(withdrawal, REASON_BLOCKED,
                                      by_person ? MEMORY_CAUSE_OPERATOR : MEMORY_CAUSE_REVERSAL);
        if (withdrawal->request.link[0] != '\0' && withdrawal->reason == REASON_COUNT &&
            ((rule->to == WITHDRAWAL_REVERSED && state != WITHDRAWAL_REVERSED) || counted_yen != already_yen))
                pass_on(database, withdrawal, op->advice.chip);
}

void memory_do_advice(struct memory_database *database, struct ledger_op *op, int64_t correct_ms)
{
        struct ledger_identity original = memory_identity(
            op->identity.terminal, op->advice.original.transmitted_ms, op->advice.original.stan);
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, &original);
        const struct memory_advice *repeated;

        op->advice.original = original;
        op->answer = (struct ledger_answer){.status = LEDGER_DECIDED};
        if (!claim_numbers(database, op)) {
                op->answer.status = LEDGER_STORED;
                add_advice_exception(database, op, "contradicts");
                return;
        }
        if (!reference_holds_moment(database->reference, original.transmitted_ms)) {
                add_advice_exception(database, op, "out of range");
                return;
        }
        if (!withdrawal)
                withdrawal = block(database, op);
        repeated = find_advice(withdrawal, op);
        if (!repeated) {
                write_advice(database, withdrawal, op, false, correct_ms);
                return;
        }
        op->answer.status = LEDGER_STORED;
        if (repeated->advice.amount_yen != op->advice.amount_yen ||
            repeated->advice.dispensed_yen != op->advice.dispensed_yen)
                add_advice_exception(database, op, "contradicts");
}

static bool concerns(const struct memory_exception *exception, const struct memory_withdrawal *withdrawal)
{
        return !exception->resolved &&
               memcmp(&exception->key.original, &withdrawal->identity, sizeof withdrawal->identity) == 0;
}

static bool has_exception(const struct memory_database *database, const struct memory_withdrawal *withdrawal)
{
        for (const struct memory_exception *e = database->exceptions; e; e = e->hh.next) {
                if (concerns(e, withdrawal))
                        return true;
        }
        return false;
}

static void resolve_exceptions(struct memory_database *database, const struct memory_withdrawal *withdrawal)
{
        for (struct memory_exception *e = database->exceptions; e; e = e->hh.next)
                e->resolved = e->resolved || concerns(e, withdrawal);
}

const char *memory_operator_resolve(struct memory_database *database, const struct ledger_identity *identity,
                                    int64_t dispensed_yen, int64_t advice_ms, int64_t youngest_ms)
{
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, identity);
        enum withdrawal_state state = withdrawal ? memory_state(withdrawal) : WITHDRAWAL_UNKNOWN;
        const struct withdrawal_rule *rule;
        struct ledger_op op = {.kind = LEDGER_ADVICE, .identity = *identity};
        int64_t counts_yen, since_ms;

        if (!withdrawal)
                return "unknown";
        counts_yen = memory_counts_yen(withdrawal);
        rule = withdrawal_on_advice(state, withdrawal_relation(state, counts_yen, dispensed_yen));
        if (rule->exception)
                return "impossible";
        if (state == rule->to && counts_yen == dispensed_yen && !has_exception(database, withdrawal))
                return "no change";
        since_ms = withdrawal->approved_ms ? withdrawal->approved_ms
                   : withdrawal->open      ? withdrawal->asked_ms
                                           : 0;
        if (since_ms && memory_now_ms(database) - since_ms < youngest_ms &&
            database->defect != LEDGER_MEM_HURRIES_PEOPLE)
                return "young";
        op.identity.transmitted_ms = advice_ms;
        op.identity.stan = 0;
        op.advice.original = withdrawal->identity;
        op.advice.amount_yen = withdrawal->request.amount_yen;
        op.advice.dispensed_yen = dispensed_yen;
        strcpy(op.advice.why, dispensed_yen == 0 ? "21" : dispensed_yen < op.advice.amount_yen ? "32" : "");
        write_advice(database, withdrawal, &op, true, 0);
        resolve_exceptions(database, withdrawal);
        if (database->on_commit)
                database->on_commit(database, &op, database->context);
        return NULL;
}
