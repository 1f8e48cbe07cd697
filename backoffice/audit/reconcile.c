#include "backoffice/audit/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/snapshot.h"

enum { PROGRESS_ROWS = 8192 };

struct reconciliation {
        const struct reconcile_question *question;
        PGconn *connection;
        struct atm_side atms;
        struct bank_side banks;
        struct merge merge;
        struct merge_case *cases;
        struct snapshot snapshot;
        bool stopped; /* by whoever takes the differences */
        char *error;
};

static void on_difference(const struct merge_difference *difference, void *context)
{
        struct reconciliation *r = context;

        if (!r->stopped)
                r->stopped = !r->question->on_difference(difference, r->question->context);
}

static void on_sides(const struct merge_sides *sides, void *context)
{
        struct reconciliation *r = context;

        r->question->on_sides(sides, r->banks.bank, r->question->context);
}

static void on_fault(const char *what, const char *terminal, const char *text, void *context)
{
        struct reconciliation *r = context;

        merge_fault(&r->merge, what, terminal, text);
}

static void on_folder(const char *folder, void *context)
{
        const struct reconcile_question *question = ((struct reconciliation *)context)->question;

        if (question->on_atm_folder)
                question->on_atm_folder(folder, question->context);
}

static void on_lines(uint64_t lines, void *context)
{
        const struct reconcile_question *question = ((struct reconciliation *)context)->question;

        if (question->on_bank_lines)
                question->on_bank_lines(lines, question->context);
}

static bool fail(struct reconciliation *r, const char *why)
{
        snprintf(r->error, PG_ERROR_MAX, "%s", why);
        return false;
}

static bool read_banks(struct reconciliation *r)
{
        if (!r->question->bank_folders)
                return true;
        r->merge.banks = &r->banks;
        return bank_side_read(&r->banks, r->question->bank_folder, r->question->bank_folders) ||
               fail(r, r->banks.error);
}

/* What could not be brought back after a restore, and was not since. */
static bool read_cases(struct reconciliation *r)
{
        PGresult *result =
            pg_query(r->connection,
                     "SELECT e.terminal, (extract(epoch FROM e.transmitted_at) * 1000)::bigint, e.stan, "
                     "e.what, s.terminal IS NULL "
                     "FROM exception_record e LEFT JOIN exception_resolution s USING (terminal, advice_at, "
                     "advice_stan, kind, "
                     "transmitted_at, stan, what) WHERE e.kind = 'recovery' AND NOT EXISTS (SELECT FROM "
                     "recovery_item i WHERE "
                     "i.transmitted_at = e.transmitted_at AND i.terminal = e.terminal AND i.stan = e.stan "
                     "AND i.ended = 'brought "
                     "back') ORDER BY e.terminal COLLATE \"C\", e.transmitted_at, e.stan, s.terminal IS NULL",
                     0, NULL, r->error);
        int count = result ? PQntuples(result) : 0;

        r->cases = result ? calloc((size_t)count + 1, sizeof(*r->cases)) : NULL;
        if (result && !r->cases)
                (void)fail(r, "out of memory");
        for (int i = 0; r->cases && i < count; i++) {
                struct merge_case *the_case = &r->cases[i];

                snprintf(the_case->terminal, sizeof(the_case->terminal), "%s", PQgetvalue(result, i, 0));
                the_case->transmitted_ms = pg_number(result, i, 1);
                the_case->stan = (int32_t)pg_number(result, i, 2);
                snprintf(the_case->what, sizeof(the_case->what), "%s", PQgetvalue(result, i, 3));
                the_case->is_open = *PQgetvalue(result, i, 4) == 't';
        }
        PQclear(result);
        r->merge.cases = r->cases;
        r->merge.case_count = (size_t)count;
        return r->cases;
}

static bool take_line(struct reconciliation *r, char *line)
{
        struct database_row row;

        if (!reconcile_parse(line, &row))
                return fail(r, "a row of v_withdrawal is not as expected");
        merge_row(&r->merge, &row);
        if (r->merge.withdrawals % PROGRESS_ROWS == 0 && r->question->on_withdrawals)
                r->question->on_withdrawals(r->merge.withdrawals, r->question->context);
        return !r->stopped;
}

static bool take_lines(struct reconciliation *r)
{
        char *line;
        bool taken = true;

        while (taken && PQgetCopyData(r->connection, &line, 0) > 0) {
                taken = take_line(r, line);
                PQfreemem(line);
        }
        return taken;
}

/* Where it breaks off, the rest of the rows is left to who closes the connection. */
static bool stream_database(struct reconciliation *r)
{
        PGresult *result = pg_query(r->connection, reconcile_query, 0, NULL, r->error);
        bool done;

        if (!result)
                return false;
        PQclear(result);
        if (!take_lines(r))
                return false;
        result = PQgetResult(r->connection);
        done = PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!done)
                pg_error(r->connection, result, r->error);
        PQclear(result);
        while ((result = PQgetResult(r->connection)))
                PQclear(result);
        return done;
}

static bool compare_sides(struct reconciliation *r)
{
        if (!atm_side_mark(&r->atms, r->question->atm_folder, r->question->atm_folders))
                return fail(r, r->atms.error);
        if (r->question->bank_folders &&
            !bank_side_mark(&r->banks, r->question->bank_folder, r->question->bank_folders))
                return fail(r, r->banks.error);
        if (!snapshot_begin(r->connection, &r->snapshot, r->error))
                return false;
        if (!atm_side_read(&r->atms, r->question->atm_folder, r->question->atm_folders))
                return fail(r, r->atms.error);
        if (!read_banks(r) || !read_cases(r))
                return false;
        if (!merge_begin(&r->merge))
                return fail(r, "out of memory");
        if (!stream_database(r))
                return false;
        merge_end(&r->merge);
        return !r->stopped && snapshot_end(&r->snapshot, r->error);
}

static void answer_of(const struct reconciliation *r, struct reconcile_answer *ret_answer)
{
        *ret_answer = (struct reconcile_answer){.withdrawals = r->merge.withdrawals,
                                                .differences = r->merge.differences,
                                                .explained = r->merge.explained,
                                                .unfinished = r->merge.unfinished,
                                                .cash_yen = r->merge.cash_yen,
                                                .terminals = r->atms.terminals.count,
                                                .has_banks = r->merge.banks != NULL,
                                                .banks = r->banks.banks};
        memcpy(ret_answer->bank, r->banks.bank, sizeof(ret_answer->bank));
}

bool reconcile(PGconn *connection, const struct reconcile_question *question,
               struct reconcile_answer *ret_answer, char error[PG_ERROR_MAX])
{
        struct reconciliation r = {.question = question, .connection = connection, .error = error};
        bool done;

        *error = '\0';
        r.atms.on_fault = r.banks.on_fault = on_fault;
        r.atms.on_folder = on_folder;
        r.banks.on_lines = on_lines;
        r.atms.context = r.banks.context = &r;
        r.merge = (struct merge){
            .atms = &r.atms, .drained = question->drained, .tell = on_difference, .context = &r};
        if (question->on_sides)
                r.merge.visit = on_sides;
        done = compare_sides(&r);
        if (done)
                answer_of(&r, ret_answer);
        merge_free(&r.merge);
        free(r.cases);
        atm_side_free(&r.atms);
        bank_side_free(&r.banks);
        return done;
}
