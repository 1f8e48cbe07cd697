/* ledger_outcome and ledger_sweep in memory: what became of a bank that was asked; the first word stands. */
#include "tests/ledger_mem/memory.h"

#include <assert.h>
#include <string.h>

#include "tests/ledger_mem/memory_inside.h"

static void write_outcome(struct memory_database *database, struct memory_withdrawal *withdrawal,
                          const struct ledger_outcome *outcome)
{
        bool is_timeout = outcome->cause == OUTCOME_TIMEOUT;

        memory_decide_outcome(withdrawal, outcome->reason,
                              is_timeout ? MEMORY_CAUSE_TIMEOUT : MEMORY_CAUSE_ANSWER);
        memcpy(withdrawal->outcome.bank_de39, outcome->bank_de39, sizeof outcome->bank_de39);
        if (outcome->reason == REASON_APPROVED) {
                withdrawal->approved_ms = memory_now_ms(database);
                memcpy(withdrawal->outcome.approval_code, outcome->approval_code,
                       sizeof outcome->approval_code);
                return;
        }
        withdrawal->open = false;
        if (database->defect != LEDGER_MEM_KEEPS_USAGE || is_timeout)
                memory_give_back(database, withdrawal, withdrawal->request.amount_yen, true, false);
        if (is_timeout && database->defect != LEDGER_MEM_FORGETS_REVERSALS)
                memory_tell_bank(database, withdrawal, 0, 0, "68");
}

/* A row that no constraint would take. */
static bool is_bad_outcome(const struct ledger_outcome *outcome)
{
        return outcome->reason == REASON_APPROVED &&
               (outcome->cause != OUTCOME_ANSWER || outcome->approval_code[0] == '\0');
}

void memory_answer_outcome(const struct memory_database *database, const struct ledger_op *op,
                           const struct memory_withdrawal *withdrawal, struct ledger_answer *ret_answer)
{
        assert(withdrawal &&
               withdrawal->reason == REASON_COUNT); /* atmd asks nobody without a durable intent */
        if (!withdrawal->has_outcome ||
            (database->defect == LEDGER_MEM_PAYS_LATE_APPROVALS && op->outcome.reason == REASON_APPROVED)) {
                memory_fill_answer(ret_answer, LEDGER_DECIDED, op->outcome.reason, &withdrawal->request);
                if (op->outcome.reason == REASON_APPROVED)
                        memcpy(ret_answer->approval_code, op->outcome.approval_code,
                               sizeof ret_answer->approval_code);
                if (is_bad_outcome(&op->outcome))
                        *ret_answer = (struct ledger_answer){.status = LEDGER_UNAVAILABLE,
                                                             .reason = REASON_CANNOT_DECIDE};
        } else {
                memory_fill_stored(ret_answer, withdrawal, withdrawal->outcome.reason);
        }
}

void memory_do_outcome(struct memory_database *database, struct ledger_op *op)
{
        struct memory_withdrawal *withdrawal = memory_withdrawal(database, &op->identity);

        memory_answer_outcome(database, op, withdrawal, &op->answer);
        if (op->answer.status == LEDGER_DECIDED && !withdrawal->has_outcome)
                write_outcome(database, withdrawal, &op->outcome);
        else if (op->answer.status == LEDGER_STORED && op->outcome.reason == REASON_APPROVED &&
                 op->answer.reason != REASON_APPROVED &&
                 !memory_find_notice(database, &op->identity, MEMORY_SEQ_LATE))
                memory_tell_bank(database, withdrawal, MEMORY_SEQ_LATE, 0, "68");
}

static bool is_overdue(const struct memory_database *database, const struct memory_withdrawal *withdrawal,
                       int64_t age_ms)
{
        return withdrawal->open && withdrawal->request.link[0] != '\0' &&
               (withdrawal->asked_ms <= memory_now_ms(database) - age_ms ||
                withdrawal->asked_ms > memory_now_ms(database) + age_ms) &&
               (!withdrawal->has_outcome || database->defect == LEDGER_MEM_TIMES_OUT_APPROVALS);
}

/* The one that was asked first. */
static struct memory_withdrawal *find_overdue(const struct memory_database *database, int64_t age_ms)
{
        struct memory_withdrawal *found = NULL;

        for (struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                if (is_overdue(database, w, age_ms) && (!found || w->asked_ms < found->asked_ms))
                        found = w;
        }
        return found;
}

int memory_sweep(struct memory_database *database, int64_t age_ms, int max)
{
        struct memory_withdrawal *withdrawal;
        int count = 0;

        while (count < max && (withdrawal = find_overdue(database, age_ms))) {
                struct ledger_op op = {
                    .kind = LEDGER_OUTCOME,
                    .identity = withdrawal->identity,
                    .outcome = {.cause = OUTCOME_TIMEOUT, .reason = REASON_ISSUER_UNAVAILABLE},
                };

                withdrawal->has_outcome = false; /* it never has one, unless the defect is wanted */
                memory_do_outcome(database, &op);
                count++;
                if (database->on_commit)
                        database->on_commit(database, &op, database->context);
        }
        return count;
}

void memory_age(struct memory_database *database, int64_t ms)
{
        for (struct memory_withdrawal *w = database->withdrawals; w; w = w->hh.next) {
                w->asked_ms -= ms;
                w->approved_ms -= w->approved_ms ? ms : 0;
                for (size_t i = 0; i < w->advice_count; i++)
                        w->advices[i].recorded_ms -= ms;
        }
}
