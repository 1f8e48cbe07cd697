/* What every report does before it asks; see summary.h. */
#include "backoffice/books/summary.h"

#include <stdio.h>

#include "lib/base/array.h"
#include "rules/calendar.h"

/* The reason alone: that the report is slow is no failure that needs advice. */
static PGresult *ask(PGconn *connection, const char *sql, int count, const char *const *parameters,
                     char error[PG_ERROR_MAX])
{
        PGresult *result = PQexecParams(connection, sql, count, NULL, parameters, NULL, NULL, 0);
        const char *why;

        if (PQresultStatus(result) == PGRES_TUPLES_OK)
                return result;
        why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        snprintf(error, PG_ERROR_MAX, "%s", why ? why : "no connection");
        PQclear(result);
        return NULL;
}

bool summary_extend(PGconn *connection, int32_t day_last, void (*on_step)(const char *what, void *context),
                    void *context, char error[PG_ERROR_MAX])
{
        char through[11];
        const char *parameters[] = {through};
        PGresult *result;
        bool stepped;

        calendar_print_day(day_last, through);
        result = ask(connection, "SELECT summary_extend($1::date)", 1, parameters, error);
        while (result) {
                PQclear(result);
                result = ask(connection, "SELECT summary_step(false)", 0, NULL, error);
                stepped = result && !PQgetisnull(result, 0, 0);
                if (stepped && on_step)
                        on_step(PQgetvalue(result, 0, 0), context);
                if (result && !stepped) {
                        PQclear(result);
                        return true;
                }
        }
        return false;
}

bool summary_refresh(PGconn *connection, int32_t today, void (*on_step)(const char *what, void *context),
                     void *context, char error[PG_ERROR_MAX])
{
        return summary_extend(connection, today - CALENDAR_SETTLED_DAYS, on_step, context, error);
}

/* Sums over years are worth memory and one more process; compiling them is not worth it, and with several
 * processes more time goes into putting sums together than into summing. */
bool summary_snapshot(PGconn *connection, char error[PG_ERROR_MAX])
{
        return pg_execute(connection,
                          "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                          "SET LOCAL idle_in_transaction_session_timeout = 0;" /* nobody waits for it */
                          "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off;"
                          "SET LOCAL max_parallel_workers_per_gather = 1",
                          0, NULL, error);
}

bool summary_parts_of(PGconn *connection, const char *first, const char *last, enum summary_use use,
                      struct summary_parts *ret_parts, char error[PG_ERROR_MAX])
{
        static const char *const sql[] = {
            [SUMMARY_OF_DAYS] = "SELECT months, days, rows FROM report_parts($1::date, $2::date, false)",
            [SUMMARY_OF_HOURS] = "SELECT months, days, rows FROM report_parts($1::date, $2::date, true)",
            [SUMMARY_UNUSED] =
                "SELECT '{}', '{}', ARRAY(SELECT d FROM ledger_days($1::date, $2::date) d ORDER BY 1)",
        };
        const char *parameters[] = {first, last};

        ret_parts->result = pg_query(connection, sql[use], LENGTH(parameters), parameters, error);
        if (!ret_parts->result)
                return false;
        ret_parts->months = PQgetvalue(ret_parts->result, 0, 0);
        ret_parts->days = PQgetvalue(ret_parts->result, 0, 1);
        ret_parts->rows = PQgetvalue(ret_parts->result, 0, 2);
        return true;
}
