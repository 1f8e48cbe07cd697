/* Found in reconcile's one pass. */
#include "backoffice/recovery/lost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/reconcile.h"
#include "lib/base/array.h"

const char *const lost_what_name[LOST_WHATS] = {[LOST_WITHDRAWAL] = "withdrawal",
                                                [LOST_WORD] = "word",
                                                [LOST_OUTCOME] = "outcome",
                                                [LOST_END] = "end",
                                                [LOST_ACKNOWLEDGEMENT] = "acknowledgement"};
const char *const lost_problem_name[LOST_PROBLEMS] = {[LOST_NO_PROBLEM] = "",
                                                      [LOST_NO_ATM_JOURNAL] = "no-atm-journal",
                                                      [LOST_NO_BANK_JOURNAL] = "no-bank-journal",
                                                      [LOST_DISAGREE] = "journals-disagree",
                                                      [LOST_NO_PRICE] = "no-price",
                                                      [LOST_OTHER_PRICE] = "other-price",
                                                      [LOST_NO_PLACE] = "no-place",
                                                      [LOST_NO_QUARTER] = "no-quarter",
                                                      [LOST_NO_CARD] = "no-card"};

struct finding {
        const struct lost_question *question;
        struct losses *losses;
        struct records *records;
        bool failed; /* out of memory */
};

/* what is lost ------------------------------------------------------------------------------------------- */

static bool is_state(const struct database_row *row, const char *state)
{
        return !strcmp(row->state, state);
}

/* Of a withdrawal that the database has not. */
static bool is_lost_whole(const struct merge_sides *sides)
{
        const struct atm_entry *atm = sides->atm;

        if (!atm)
                return true;
        if (atm->end == ATM_DECLINED)
                return sides->bank || !reconcile_is_unkept(atm->de39);
        return atm->end == ATM_ADVISED || atm->approved || sides->bank;
}

/* Has its bank said what the database still waits for? */
static bool is_answered(const struct merge_sides *sides)
{
        return sides->atm->end != ATM_OPEN || sides->atm->approved || (sides->bank && sides->bank->asked);
}

/* Has its bank heard what it is still to be told? */
static bool is_acknowledged(const struct merge_sides *sides)
{
        return sides->row->waiting && sides->bank &&
               ((sides->bank->told && sides->bank->dispensed_yen == sides->row->dispensed_yen) ||
                (sides->bank->refused && sides->bank->refused_yen == sides->row->dispensed_yen));
}

/* Of one that it has: what it lacks. False: nothing that the ATM's word could bring. */
static bool is_lost_part(const struct merge_sides *sides, enum lost_what *ret_what)
{
        const struct atm_entry *atm = sides->atm;
        const struct database_row *row = sides->row;

        *ret_what = LOST_END;
        if (!atm)
                return false;
        if (is_state(row, "asked")) {
                *ret_what = LOST_OUTCOME;
                return is_answered(sides);
        }
        if (atm->end == ATM_ADVISED && !reconcile_is_exception(atm, row) &&
            (is_state(row, "approved") || ((is_state(row, "completed") || is_state(row, "reversed")) &&
                                           atm->paid_yen != row->dispensed_yen)))
                return true;
        *ret_what = LOST_ACKNOWLEDGEMENT;
        return !is_state(row, "approved") && is_acknowledged(sides);
}

static struct lost *add(struct finding *f)
{
        struct losses *losses = f->losses;

        struct lost *grown = array_with_room(losses->lost, &losses->room, losses->count, sizeof(*grown));

        if (!grown)
                return NULL;
        losses->lost = grown;
        losses->lost[losses->count] = (struct lost){.what = LOST_WITHDRAWAL};
        return &losses->lost[losses->count++];
}

static void on_sides(const struct merge_sides *sides, const struct bank_total *banks, void *context)
{
        struct finding *f = context;
        enum lost_what what = LOST_WITHDRAWAL;
        struct record_key key = {.stan = sides->stan, .transmitted_ms = sides->transmitted_ms};
        struct lost *lost;

        if (f->failed || sides->is_late || sides->is_dealt_with ||
            !(sides->row ? is_lost_part(sides, &what) : is_lost_whole(sides)))
                return;
        memcpy(key.terminal, sides->terminal, 8);
        lost = add(f);
        if (!lost || !records_want(f->records, &key)) {
                f->failed = true;
                return;
        }
        lost->what = what;
        memcpy(lost->terminal, sides->terminal, 8);
        lost->stan = sides->stan;
        lost->transmitted_ms = sides->transmitted_ms;
        lost->has_atm = sides->atm;
        lost->has_row = sides->row;
        lost->has_bank = sides->bank;
        lost->banks = sides->banks;
        if (sides->atm)
                lost->atm = *sides->atm;
        if (sides->row)
                lost->row = *sides->row;
        if (sides->bank) {
                lost->bank = *sides->bank;
                snprintf(lost->bank_name, sizeof(lost->bank_name), "%s", banks[sides->bank->bank].name);
        }
        lost->amount_yen = sides->atm ? lost->atm.amount_yen : lost->bank.amount_yen;
        if (sides->atm && lost->atm.end == ATM_ADVISED)
                lost->cash_yen = lost->atm.paid_yen - lost->row.dispensed_yen;
}

/* Of differences only what is wrong with the journals is wanted here. */
static bool on_difference(const struct merge_difference *difference, void *context)
{
        struct finding *f = context;

        if (difference->withdrawal || !strcmp(difference->what, "total"))
                return true;
        f->losses->faults++;
        f->question->on_fault(difference, f->question->context);
        return true;
}

static void on_withdrawals(uint64_t withdrawals, void *context)
{
        const struct lost_question *question = ((struct finding *)context)->question;

        if (question->on_withdrawals)
                question->on_withdrawals(withdrawals, question->context);
}

bool losses_look(PGconn *connection, const struct lost_question *q, struct losses *ret_losses,
                 struct records *records, char error[PG_ERROR_MAX])
{
        struct finding f = {.question = q, .losses = ret_losses, .records = records};
        struct reconcile_answer answer;
        struct reconcile_question question = {.atm_folder = q->atm_folder,
                                              .atm_folders = q->atm_folders,
                                              .bank_folder = q->bank_folder,
                                              .bank_folders = q->bank_folders,
                                              .on_difference = on_difference,
                                              .on_sides = on_sides,
                                              .on_withdrawals = on_withdrawals,
                                              .context = &f};

        *ret_losses = (struct losses){.count = 0};
        if (!reconcile(connection, &question, &answer, error))
                return false;
        ret_losses->withdrawals = answer.withdrawals;
        for (; ret_losses->banks < answer.banks; ret_losses->banks++)
                memcpy(ret_losses->bank[ret_losses->banks], answer.bank[ret_losses->banks].name,
                       sizeof(*ret_losses->bank));
        if (f.failed)
                snprintf(error, PG_ERROR_MAX, "out of memory");
        return !f.failed;
}

void lost_free(struct lost *lost)
{
        free(lost->fact_values);
        free(lost->plan);
}

void losses_free(struct losses *losses)
{
        for (size_t i = 0; i < losses->count; i++)
                lost_free(&losses->lost[i]);
        free(losses->lost);
        *losses = (struct losses){.count = 0};
}
