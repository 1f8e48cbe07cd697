/* What every report does before it asks; see summary.h. */
#include "backoffice/books/summary.h"

#include <stdio.h>

#include "lib/base/array.h"
#include "rules/calendar.h"

/* A month is past for good once no clock of an ATM may be in it. */
enum { SETTLED_DAYS = 2 };

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

bool summary_refresh(PGconn *connection, int32_t today, void (*on_month)(const char *month, void *context),
                     void *context, char error[PG_ERROR_MAX])
{
        char through[11];
        const char *parameters[] = {through};
        PGresult *result;
        bool built;

        /* the last day of the month before the one that has the day after the last settled day */
        calendar_print_day(calendar_month_of(today - SETTLED_DAYS + 1) - 1, through);
        result = ask(connection, "SELECT summary_extend($1::date)", 1, parameters, error);
        while (result) {
                PQclear(result);
                /* the oldest stale month, made anew */
                result = ask(connection, "SELECT to_char(summary_build(), 'YYYY-MM')", 0, NULL, error);
                built = result && !PQgetisnull(result, 0, 0);
                if (built && on_month)
                        on_month(PQgetvalue(result, 0, 0), context);
                if (result && !built) {
                        PQclear(result);
                        return true;
                }
        }
        return false;
}

/* Sums over years are worth memory and one more process; compiling them is not worth it, and with several
 * processes more time goes into putting sums together than into summing. */
bool summary_snapshot(PGconn *connection, char error[PG_ERROR_MAX])
{
        return pg_execute(connection,
                          "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                          "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off;"
                          "SET LOCAL max_parallel_workers_per_gather = 1",
                          0, NULL, error);
}

bool summary_parts_of(PGconn *connection, const char *first, const char *last, bool with_summary,
                      struct summary_parts *ret_parts, char error[PG_ERROR_MAX])
{
        static const char parts[] = "SELECT ARRAY(SELECT m FROM report_months($1::date, $2::date) m), "
                                    "ARRAY(SELECT d FROM report_days($1::date, $2::date) d)";
        static const char days[] =
            "SELECT '{}', ARRAY(SELECT d::date FROM generate_series("
            "greatest($1::date, (SELECT min(posted_on) FROM revenue_rollup))::timestamp, "
            "least($2::date, (SELECT max(posted_on) FROM revenue_rollup))::timestamp, INTERVAL '1 day') d)";
        const char *parameters[] = {first, last};

        ret_parts->result =
            pg_query(connection, with_summary ? parts : days, LENGTH(parameters), parameters, error);
        if (!ret_parts->result)
                return false;
        ret_parts->months = PQgetvalue(ret_parts->result, 0, 0);
        ret_parts->days = PQgetvalue(ret_parts->result, 0, 1);
        return true;
}

bool generated_load(PGconn *connection, struct generated_list *ret_list, char error[PG_ERROR_MAX])
{
        PGresult *result = pg_query(connection,
                                    "SELECT scenario, scale, to_char(atms, 'FM999,999,999'), "
                                    "to_char(atms_whole, 'FM999,999,999'), finished "
                                    "FROM history_run ORDER BY from_on, scenario",
                                    0, NULL, error);

        *ret_list = (struct generated_list){.result = result};
        if (!result)
                return false;
        for (int i = 0; i < PQntuples(result) && ret_list->runs < GENERATED_MAX; i++)
                ret_list->run[ret_list->runs++] = (struct generated){
                    PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), PQgetvalue(result, i, 2),
                    PQgetvalue(result, i, 3), *PQgetvalue(result, i, 4) == 't'};
        return true;
}
