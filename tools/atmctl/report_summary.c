/* What every report does before and after; see report_summary.h. */
#include "tools/atmctl/report_summary.h"

#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/rows.h"

/* A month is past for good once no clock of an ATM may be in it. */
enum { SETTLED_DAYS = 2 };

/* The value, "" where it is NULL; NULL where it can't be done, after a remark. */
static PGresult *ask(struct database *database, const char *sql, int count, const char *const *parameters)
{
        PGresult *result = PQexecParams(database->connection, sql, count, NULL, parameters, NULL, NULL, 0);
        const char *why;

        if (PQresultStatus(result) == PGRES_TUPLES_OK)
                return result;
        why = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        note("the summary could not be brought up to date (%s): reading the rows themselves",
             why ? why : "no connection");
        PQclear(result);
        return NULL;
}

/* The oldest stale month, made anew. False: there is none, or it can't be. */
static bool build_month(struct database *database)
{
        PGresult *result = ask(database, "SELECT summary_build()", 0, NULL);
        bool built = result && !PQgetisnull(result, 0, 0);

        if (built)
                progress("summary: %.7s", PQgetvalue(result, 0, 0));
        PQclear(result);
        return built;
}

void report_summary_refresh(struct database *database, int32_t today)
{
        char through[11];
        const char *parameters[] = {through};
        PGresult *result;

        /* the last day of the month before the one that has the day after the last settled day */
        calendar_print_day(calendar_month_of(today - SETTLED_DAYS + 1) - 1, through);
        result = ask(database, "SELECT summary_extend($1::date)", 1, parameters);
        if (!result)
                return;
        PQclear(result);
        while (build_month(database))
                continue;
        progress_end();
}

/* Sums over years are worth memory and one more process; compiling them is not worth it, and with several
 * processes more time goes into putting sums together than into summing. */
bool report_snapshot(struct database *database)
{
        return database_execute(database,
                                "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                                "SET LOCAL work_mem = '64MB'; SET LOCAL jit = off;"
                                "SET LOCAL max_parallel_workers_per_gather = 1",
                                0, NULL);
}

bool report_parts_of(struct database *database, const char *first, const char *last, bool with_summary,
                     struct report_parts *ret_parts)
{
        static const char parts[] = "SELECT ARRAY(SELECT m FROM report_months($1::date, $2::date) m), "
                                    "ARRAY(SELECT d FROM report_days($1::date, $2::date) d)";
        static const char days[] =
            "SELECT '{}', ARRAY(SELECT d::date FROM generate_series("
            "greatest($1::date, (SELECT min(posted_on) FROM revenue_rollup))::timestamp, "
            "least($2::date, (SELECT max(posted_on) FROM revenue_rollup))::timestamp, INTERVAL '1 day') d)";
        const char *parameters[] = {first, last};

        ret_parts->result =
            database_query(database, with_summary ? parts : days, LENGTH(parameters), parameters);
        if (!ret_parts->result)
                return false;
        ret_parts->months = PQgetvalue(ret_parts->result, 0, 0);
        ret_parts->days = PQgetvalue(ret_parts->result, 0, 1);
        return true;
}

bool report_history_text(struct database *database, bool japanese, char *buffer, size_t size)
{
        size_t used = 0;
        PGresult *result = database_query(
            database,
            "SELECT scenario, scale, to_char(atms, 'FM999,999,999'), to_char(atms_whole, 'FM999,999,999'), "
            "CASE WHEN finished THEN '' ELSE '; not finished' END FROM history_run ORDER BY from_on, "
            "scenario",
            0, NULL);

        if (!result)
                return false;
        buffer[0] = '\0';
        for (int i = 0; i < PQntuples(result) && used < size; i++)
                used += (size_t)snprintf(
                    buffer + used, size - used,
                    japanese ? "%s生成データ：シナリオ %s、縮尺 %s（%s／%s台）%s"
                             : "%sgenerated history: scenario %s, scale %s: %s of %s ATMs%s",
                    i ? "; " : "", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1),
                    PQgetvalue(result, i, 2), PQgetvalue(result, i, 3), PQgetvalue(result, i, 4));
        PQclear(result);
        return true;
}

void report_head(struct output *output, const char *english, const char *japanese, const char *label)
{
        output_title(output, output_writes_japanese(output) ? japanese : english, label);
}

bool report_notes(struct database *database, const struct invocation *invocation, struct output *output,
                  const struct report_period *period, int32_t today)
{
        bool japanese = output_is_japanese(invocation);
        char text[512];

        if (!report_period_is_over(period, today)) {
                calendar_print_day(today, text);
                output_note(output,
                            japanese ? "%s は終了していません（営業日 %s）。"
                                     : "%s is not over: business today is %s",
                            period->label, text);
        }
        if (!report_history_text(database, japanese, text, sizeof(text)))
                return false;
        if (*text)
                output_note(output, "%s", text);
        return true;
}
