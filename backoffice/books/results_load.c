/* The figures of a results page from the database: see results.h. */
#include "backoffice/books/results.h"

#include <stdlib.h>
#include <string.h>

#include "backoffice/books/place.h"
#include "lib/base/array.h"
#include "rules/calendar.h"

/* the books ------------------------------------------------------------------------------------------------ */

/* $1 first day of all, $2 last day that counts, $3 the quarters. A quarter of which the books know nothing at all has no
 * figures; one in which ATMs stood and earned nothing has zeros, and where one earned without a contract, base fees are not all known. */
static const char figures_sql[] =
    "WITH q AS (SELECT quarter, least(quarter_last_day(quarter), $2::date) AS to_on FROM unnest($3::text[]) "
    "quarter), "
    "money AS (SELECT quarter_of(month) AS quarter, sum(withdrawals) AS withdrawals, sum(customer_fee_yen) "
    "AS "
    "customer_fee, sum(interbank_fee_yen) AS interbank_fee, sum(hall_share_yen) AS hall_share, "
    "sum(earlier_yen) AS "
    "earlier FROM report_atm($1::date, $2::date) GROUP BY 1), "
    "base AS (SELECT quarter_of(month) AS quarter, sum(base_fee_yen) AS base_fee, sum(days) AS days FROM "
    "report_base_fee($1::date, $2::date) GROUP BY 1), "
    "strays AS (SELECT quarter, count(*) AS atms FROM report_without_contract($1::date, $2::date) GROUP BY "
    "1), "
    "whole AS (SELECT q.*, m.quarter IS NOT NULL OR b.quarter IS NOT NULL AS known, m.withdrawals, "
    "m.customer_fee, "
    "m.interbank_fee, m.hall_share, m.earlier, b.base_fee, b.days, s.atms AS strays, (SELECT count(*) FROM "
    "contract c WHERE "
    "c.from_on <= "
    "q.to_on AND coalesce(c.until_on, 'infinity') > q.to_on) AS atms FROM q LEFT JOIN money m USING "
    "(quarter) LEFT JOIN "
    "base b USING (quarter) LEFT JOIN strays s USING (quarter)) "
    "SELECT w.quarter, x.item, x.value FROM whole w CROSS JOIN LATERAL (VALUES "
    "('customer_fee', coalesce(w.customer_fee, 0)), ('interbank_fee', coalesce(w.interbank_fee, 0)), "
    "('hall_share', coalesce(w.hall_share, 0)), ('earlier_periods', coalesce(w.earlier, 0)), "
    "('withdrawals', coalesce(w.withdrawals, 0)), ('base_fee', CASE WHEN w.strays IS NULL THEN w.base_fee "
    "END), "
    "('atm_days', w.days), ('without_contract', CASE WHEN w.days IS NOT NULL THEN w.strays END), "
    "('atms', CASE WHEN w.days IS NOT NULL THEN w.atms END)) x (item, value) WHERE w.known AND x.value IS "
    "NOT NULL "
    "UNION ALL SELECT quarter, item, amount_yen FROM cost WHERE quarter = ANY ($3::text[]) "
    "UNION ALL SELECT q.quarter, i.item, (SELECT r.rate_bp FROM finance_rate r WHERE r.item = i.item AND "
    "r.from_on <= "
    "quarter_last_day(q.quarter) ORDER BY r.from_on DESC LIMIT 1) FROM q CROSS JOIN (VALUES ('income_tax'), "
    "('non_controlling_share')) i (item)";

static struct results_quarter *quarter_named(struct results *results, const char *name)
{
        size_t i = 0;

        while (strcmp(results->quarter[i].name, name))
                i++; /* one of those asked for */
        return &results->quarter[i];
}

static void keep_item(struct figure *figures, const char *item, int64_t value)
{
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                if (!strcmp(result_rows[i].name, item))
                        figures[i] = figure_known(value);
        }
}

static void keep_figure(struct results_quarter *quarter, const char *item, int64_t value,
                        struct figure *rates)
{
        if (!strcmp(item, "atm_days"))
                quarter->atm_days = value;
        else if (!strcmp(item, "without_contract"))
                quarter->without_contract = value;
        else if (!strcmp(item, "income_tax"))
                rates[0] = figure_known(value);
        else if (!strcmp(item, "non_controlling_share"))
                rates[1] = figure_known(value);
        else
                keep_item(quarter->figure, item, value);
}

static void take_figures(struct results *results, const PGresult *result)
{
        struct figure rates[RESULTS_QUARTERS_MAX][2] = {0};

        for (int row = 0; row < PQntuples(result); row++) {
                struct results_quarter *quarter = quarter_named(results, PQgetvalue(result, row, 0));

                if (!PQgetisnull(result, row, 2))
                        keep_figure(quarter, PQgetvalue(result, row, 1), pg_number(result, row, 2),
                                    rates[quarter - results->quarter]);
        }
        for (size_t q = 0; q < results->quarters; q++)
                results_derive(&results->quarter[q], rates[q][0], rates[q][1]);
}

static bool load_figures(PGconn *connection, struct results *results, int32_t today, char error[PG_ERROR_MAX])
{
        char first[11], last[11], names[RESULTS_QUARTERS_MAX * 8 + 8] = "{";
        const char *parameters[] = {first, last, names};
        const struct results_quarter *end = &results->quarter[results->quarters - 1];
        PGresult *result;

        for (size_t i = 0; i < results->quarters; i++) {
                strcat(names, i ? "," : "");
                strcat(names, results->quarter[i].name);
        }
        strcat(names, "}");
        calendar_print_day(results->quarter[0].from_day, first);
        calendar_print_day(end->to_day < today ? end->to_day : today, last);
        result = pg_query(connection, figures_sql, LENGTH(parameters), parameters, error);
        if (!result)
                return false;
        take_figures(results, result);
        PQclear(result);
        return true;
}

/* what finance entered -------------------------------------------------------------------------------------- */

/* The last target announced by the end of the quarter. */
static bool load_targets(PGconn *connection, const struct results *results, struct results_entered *entered,
                         char error[PG_ERROR_MAX])
{
        char year[12], last[11];
        const char *parameters[] = {year, last};
        PGresult *result;

        snprintf(year, sizeof(year), "%d", results->fiscal_year);
        calendar_print_day(results->quarter[results->quarters - 1].to_day, last);
        result = pg_query(connection,
                          "SELECT DISTINCT ON (item) item, value FROM target WHERE fiscal_year = $1::integer "
                          "AND announced_on <= $2::date ORDER BY item, announced_on DESC",
                          LENGTH(parameters), parameters, error);
        if (!result)
                return false;
        for (int row = 0; row < PQntuples(result); row++)
                keep_item(entered->target, PQgetvalue(result, row, 0), pg_number(result, row, 1));
        PQclear(result);
        return true;
}

static bool load_published(PGconn *connection, const struct results *results, struct results_entered *entered,
                           char error[PG_ERROR_MAX])
{
        const struct results_quarter *first = &results->quarter[results->quarters - results->of_year];
        const char *parameters[] = {results->period};
        PGresult *result = pg_query(
            connection, "SELECT period, item, value FROM published WHERE right(period, 2) = right($1, 2)",
            LENGTH(parameters), parameters, error);

        if (!result)
                return false;
        for (int row = 0; row < PQntuples(result); row++) {
                const char *period = PQgetvalue(result, row, 0), *item = PQgetvalue(result, row, 1);
                int64_t value = pg_number(result, row, 2);

                if (!strcmp(period, results->period))
                        keep_item(entered->published, item, value);
                for (size_t q = 0; q < results->of_year; q++) {
                        if (!strcmp(period, first[q].name))
                                keep_item(entered->published_quarter[q], item, value);
                }
        }
        PQclear(result);
        return true;
}

bool results_load(PGconn *connection, const char *quarter, int32_t today, const struct standing *standing,
                  struct results *ret_results, char error[PG_ERROR_MAX])
{
        struct results_entered entered = {0};

        results_begin(quarter, ret_results);
        if (!load_figures(connection, ret_results, today, error) ||
            !load_targets(connection, ret_results, &entered, error) ||
            !load_published(connection, ret_results, &entered, error))
                return false;
        results_restrict(ret_results, standing, &entered);
        results_compose(ret_results, &entered);
        return true;
}

/* parts ------------------------------------------------------------------------------------------------------ */

static PGresult *load_part(PGconn *connection, const struct results *results, const char *sql,
                           struct results_part *parts, size_t *ret_count, char error[PG_ERROR_MAX])
{
        char first[11], last[11];
        const char *parameters[] = {first, last};
        PGresult *result;

        calendar_print_day(results->quarter[results->quarters - results->of_year].from_day, first);
        calendar_print_day(results->quarter[results->quarters - 1].to_day, last);
        result = pg_query(connection, sql, LENGTH(parameters), parameters, error);
        for (int i = 0; result && i < PQntuples(result) && i < RESULTS_PARTS_MAX; i++)
                parts[(*ret_count)++] = (struct results_part){
                    PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), pg_number(result, i, 2)};
        return result;
}

bool results_parts_load(PGconn *connection, const struct results *results, struct results_parts *ret_parts,
                        char error[PG_ERROR_MAX])
{
        static const char areas[] =
            "SELECT a.area, a.name, sum(r.customer_fee_yen + r.interbank_fee_yen)::bigint FROM "
            "report_atm($1::date, $2::date) "
            "r" JOIN_PLACE(
                "r.hall",
                "r.place_on") " JOIN area a USING (area) GROUP BY a.area, a.name ORDER BY 3 DESC, 1";
        static const char hours[] =
            "SELECT r.hour, NULL, sum(r.withdrawals)::bigint FROM report_bank($1::date, $2::date) r "
            "GROUP BY r.hour ORDER BY r.hour";

        *ret_parts = (struct results_parts){.areas = 0};
        ret_parts->held[0] = load_part(connection, results, areas, ret_parts->area, &ret_parts->areas, error);
        if (ret_parts->held[0])
                ret_parts->held[1] =
                    load_part(connection, results, hours, ret_parts->hour, &ret_parts->hours, error);
        return ret_parts->held[1] != NULL;
}

void results_parts_free(struct results_parts *parts)
{
        PQclear(parts->held[0]);
        PQclear(parts->held[1]);
}
