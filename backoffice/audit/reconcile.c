#include "backoffice/audit/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/snapshot.h"
#include "lib/db/selection.h"
#include "rules/calendar.h"

enum { PROGRESS_ROWS = 8192 };

struct reconciliation {
        const struct reconcile_question *question;
        PGconn *connection;
        struct atm_side atms;
        struct bank_side banks;
        struct merge merge;
        struct merge_case *cases;
        struct settlement *settlements;
        PGresult *said; /* that their texts are in */
        char (*hall_terminal)[9];
        char from[26], to[26]; /* moments of the day */
        struct snapshot snapshot;
        char generated[32];
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

/* What people said last of each withdrawal. */
static bool read_settlements(struct reconciliation *r)
{
        PGresult *result = pg_query(
            r->connection,
            "SELECT terminal, (extract(epoch FROM moment::timestamptz) * 1000)::bigint, stan, elsewhere, "
            "state, dispensed_yen, who, " MOMENT(
                "at") ", note FROM (SELECT DISTINCT ON (key) split_part(key, ' ', 1) AS terminal, "
                      "split_part(key, "
                      "' ', 2) AS moment, split_part(key, ' ', 3)::integer AS stan, coalesce((after ->> "
                      "'elsewhere')::boolean, false) AS elsewhere, before ->> 'state' AS state, (before ->> "
                      "'dispensed_yen')::bigint AS dispensed_yen, concat_ws('/', who, person) AS who, at, "
                      "note "
                      "FROM trail WHERE noun = 'withdrawal' AND after ? 'elsewhere' ORDER BY key, change "
                      "DESC) t "
                      "ORDER BY terminal COLLATE \"C\", moment::timestamptz, stan",
            0, NULL, r->error);
        int count = result ? PQntuples(result) : 0;

        r->said = result;
        r->settlements = result ? calloc((size_t)count + 1, sizeof(*r->settlements)) : NULL;
        if (result && !r->settlements)
                (void)fail(r, "out of memory");
        for (int i = 0; r->settlements && i < count; i++) {
                struct settlement *said = &r->settlements[i];

                snprintf(said->terminal, sizeof(said->terminal), "%s", PQgetvalue(result, i, 0));
                said->transmitted_ms = pg_number(result, i, 1);
                said->stan = (int32_t)pg_number(result, i, 2);
                said->is_elsewhere = *PQgetvalue(result, i, 3) == 't';
                snprintf(said->state, sizeof(said->state), "%s", PQgetvalue(result, i, 4));
                said->dispensed_yen = pg_number(result, i, 5);
                said->who = PQgetvalue(result, i, 6);
                said->at = PQgetvalue(result, i, 7);
                said->note = PQgetvalue(result, i, 8);
        }
        r->merge.settlements = r->settlements;
        r->merge.settlement_count = (size_t)count;
        return r->settlements;
}

/* The hall's ATMs; false: there is no such hall, or it can't be read. */
static bool read_hall(struct reconciliation *r, const char *hall)
{
        PGresult *result =
            pg_query(r->connection,
                     "SELECT a.terminal FROM hall h LEFT JOIN atm a USING (hall) WHERE h.hall = $1 ORDER BY "
                     "a.terminal COLLATE \"C\"",
                     1, &hall, r->error);
        int count = result ? PQntuples(result) : 0;

        r->hall_terminal = count ? calloc((size_t)count, sizeof(*r->hall_terminal)) : NULL;
        if (result && !count)
                snprintf(r->error, PG_ERROR_MAX, "hall %s: there is no such hall", hall);
        else if (result && !r->hall_terminal)
                (void)fail(r, "out of memory");
        for (int i = 0; r->hall_terminal && i < count; i++)
                snprintf(r->hall_terminal[i], sizeof(*r->hall_terminal), "%s", PQgetvalue(result, i, 0));
        PQclear(result);
        r->merge.filter.hall_terminal = r->hall_terminal;
        r->merge.filter.hall_terminals = (size_t)count;
        return r->hall_terminal;
}

static bool know_bank(struct reconciliation *r, const char *bank)
{
        PGresult *result =
            pg_query(r->connection, "SELECT EXISTS (SELECT FROM issuer WHERE link = $1)", 1, &bank, r->error);
        bool known = result && *PQgetvalue(result, 0, 0) == 't';

        for (size_t i = 0; !known && i < r->banks.banks; i++)
                known = !strcmp(r->banks.bank[i].name, bank);
        if (result && !known)
                snprintf(r->error, PG_ERROR_MAX,
                         "bank %s: no issuer has that link, and no journal is that bank's", bank);
        PQclear(result);
        return result && known;
}

/* Which withdrawals are looked at. */
static bool read_filter(struct reconciliation *r)
{
        const struct reconcile_question *q = r->question;
        struct merge_filter *filter = &r->merge.filter;

        filter->has_day = q->day && calendar_parse_day(q->day, &filter->day);
        filter->bank = q->bank;
        filter->hall = q->hall;
        if (filter->has_day) {
                calendar_print_moment(calendar_day_start_ms(filter->day), r->from);
                calendar_print_moment(calendar_day_start_ms(filter->day + 1), r->to);
        }
        return (!q->hall || read_hall(r, q->hall)) && (!q->bank || know_bank(r, q->bank));
}

/* The days of what was generated, within those that are looked at. */
static bool read_generated(struct reconciliation *r)
{
        PGresult *result = pg_query(
            r->connection,
            "SELECT CASE WHEN count(*) > 0 THEN coalesce($1, min(from_on) || ' to ' || max(to_on)) END "
            "FROM history_run WHERE $1::date IS NULL OR $1::date BETWEEN from_on AND to_on",
            1, &r->question->day, r->error);

        if (result)
                snprintf(r->generated, sizeof(r->generated), "%.31s", PQgetvalue(result, 0, 0));
        PQclear(result);
        return result;
}

static bool take_line(struct reconciliation *r, char *line)
{
        struct database_row row;

        if (!reconcile_parse(line, &row))
                return fail(r, "a row of v_withdrawal is not as expected");
        merge_row(&r->merge, &row);
        if (r->merge.withdrawals % PROGRESS_ROWS == 0 && r->question->on_withdrawals)
                r->question->on_withdrawals(r->merge.withdrawals, r->question->context);
        return !r->stopped && !r->merge.failed;
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
        struct sqltext sql;
        PGresult *result;
        bool done;

        reconcile_query(&sql, *r->from ? r->from : NULL, *r->to ? r->to : NULL);
        result = pg_query(r->connection, sql.text, 0, NULL, r->error);
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
        if (!read_banks(r) || !read_cases(r) || !read_settlements(r) || !read_filter(r) || !read_generated(r))
                return false;
        if (!merge_begin(&r->merge))
                return fail(r, "out of memory");
        if (!stream_database(r))
                return false;
        merge_end(&r->merge);
        if (r->merge.failed)
                return fail(r, "out of memory");
        return !r->stopped && snapshot_end(&r->snapshot, r->error);
}

static void answer_of(const struct reconciliation *r, struct reconcile_answer *ret_answer)
{
        const struct merge *m = &r->merge;
        bool is_part = m->filter.has_day || m->filter.bank || m->filter.hall;

        *ret_answer = (struct reconcile_answer){.withdrawals = m->withdrawals,
                                                .differences = m->differences,
                                                .explained = m->explained,
                                                .settled = m->settled,
                                                .unfinished = m->unfinished,
                                                .cash_yen = m->cash_yen,
                                                .terminals = is_part ? m->terminals : r->atms.terminals.count,
                                                .has_banks = m->banks != NULL};
        strcpy(ret_answer->generated, r->generated);
        for (size_t i = 0; i < r->banks.banks; i++) {
                struct reconcile_bank_answer *bank = &ret_answer->bank[ret_answer->banks];

                if (m->filter.bank && strcmp(r->banks.bank[i].name, m->filter.bank))
                        continue;
                *bank = (struct reconcile_bank_answer){.withdrawals = m->bank[i].withdrawals,
                                                       .lines = m->bank[i].lines,
                                                       .held_yen = m->bank[i].held_yen,
                                                       .difference_yen = m->bank[i].bank_yen};
                strcpy(bank->name, r->banks.bank[i].name);
                ret_answer->banks++;
        }
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
        free(r.settlements);
        PQclear(r.said);
        free(r.hall_terminal);
        atm_side_free(&r.atms);
        bank_side_free(&r.banks);
        return done;
}
