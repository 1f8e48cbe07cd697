/* Results: loading the figures of each quarter, and the arithmetic of a results page. */
#include "tools/atmctl/results.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/report_period.h"
#include "tools/atmctl/rows.h"

const struct result_row result_rows[RESULT_ITEM_COUNT] = {
#define ITEM_ROW(name, unit, kind, indent, style, english, japanese)                                         \
        [RESULT_##name] = {#name, english, japanese, UNIT_##unit, KIND_##kind, STYLE_##style, indent},
    RESULT_ITEMS(ITEM_ROW)
#undef ITEM_ROW
};

/* arithmetic ------------------------------------------------------------------------------------------- */

static const struct figure missing = {0, false};

static struct figure known(int64_t value)
{
        return (struct figure){value, true};
}

/* Yen of a company: an overflow is our own bug. */
static struct figure plus(struct figure a, struct figure b, int sign)
{
        int64_t sum;

        if (!a.known || !b.known)
                return missing;
        if (sign > 0 ? __builtin_add_overflow(a.value, b.value, &sum) : __builtin_sub_overflow(a.value, b.value, &sum))
                assert(!"money overflows");
        return known(sum);
}

/* value x factor / divisor, rounded to the nearest, halves away from zero. */
static struct figure scaled(struct figure a, int64_t factor, int64_t divisor)
{
        __int128 product, half;

        if (!a.known || !divisor)
                return missing;
        product = (__int128)a.value * factor;
        half = (divisor < 0 ? -(__int128)divisor : divisor) / 2;
        product = (product < 0) == (divisor < 0) ? product + (divisor < 0 ? -half : half)
                                                 : product - (divisor < 0 ? -half : half);
        return known((int64_t)(product / divisor));
}

/* a / b in tenths of a percent. */
static struct figure share(struct figure a, struct figure b)
{
        return b.known && b.value > 0 ? scaled(a, 1000, b.value) : missing;
}

/* By how much a is more than b, in tenths of a percent; of what is a percentage itself, in tenths of a point. */
static struct figure change(struct figure a, struct figure b, enum result_unit unit)
{
        if (unit == UNIT_PERCENT)
                return plus(a, b, -1);
        return b.known && b.value > 0 ? scaled(plus(a, b, -1), 1000, b.value) : missing;
}

/* Rounded down, as a tax is. */
static struct figure part(struct figure a, struct figure rate_bp)
{
        if (!a.known || !rate_bp.known)
                return missing;
        return known((int64_t)((__int128)a.value * rate_bp.value / 10000));
}

/* What follows from the base figures of a quarter. Without contracts base fees are missing, and revenue is the
 * commission alone: a note says so. */
static void derive(struct figure *f, struct figure income_tax_bp, struct figure non_controlling_bp)
{
        static const enum result_item costs[] = {RESULT_hall_share, RESULT_cash_in_transit, RESULT_network,
                                                 RESULT_maintenance, RESULT_depreciation};

        f[RESULT_revenue] = plus(f[RESULT_customer_fee], f[RESULT_interbank_fee], 1);
        if (f[RESULT_base_fee].known)
                f[RESULT_revenue] = plus(f[RESULT_revenue], f[RESULT_base_fee], 1);
        f[RESULT_cost_of_revenue] = known(0);
        for (size_t i = 0; i < LENGTH(costs); i++)
                f[RESULT_cost_of_revenue] = plus(f[RESULT_cost_of_revenue], f[costs[i]], 1);
        f[RESULT_gross_margin] = plus(f[RESULT_revenue], f[RESULT_cost_of_revenue], -1);
        f[RESULT_operating_income] = plus(f[RESULT_gross_margin], f[RESULT_sga], -1);
        f[RESULT_ebitda] = plus(f[RESULT_operating_income], f[RESULT_depreciation], 1);
        f[RESULT_net_income] =
            plus(f[RESULT_operating_income], part(f[RESULT_operating_income], income_tax_bp), -1);
        f[RESULT_non_controlling_interests] = part(f[RESULT_net_income], non_controlling_bp);
}

static void derive_ratios(struct figure *f, int64_t atm_days)
{
        f[RESULT_gross_margin_ratio] = share(f[RESULT_gross_margin], f[RESULT_revenue]);
        f[RESULT_operating_margin] = share(f[RESULT_operating_income], f[RESULT_revenue]);
        f[RESULT_revenue_per_atm_day] = atm_days > 0 ? scaled(f[RESULT_revenue], 1, atm_days) : missing;
}

void results_cumulate(const struct results_quarter *quarters, size_t count, struct figure *ret_figures)
{
        int64_t atm_days = 0;

        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                ret_figures[i] = result_rows[i].kind == KIND_END ? quarters[count - 1].figure[i] : known(0);
        for (size_t q = 0; q < count; q++) {
                atm_days += quarters[q].atm_days;
                for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                        if (result_rows[i].kind == KIND_SUM)
                                ret_figures[i] = plus(ret_figures[i], quarters[q].figure[i], 1);
                }
        }
        derive_ratios(ret_figures, atm_days);
}

/* loading ------------------------------------------------------------------------------------------------- */

/* $1 first day of all, $2 last day that counts, $3 the quarters. A quarter of which the books know nothing at all has no
 * figures; one in which ATMs stood and earned nothing has zeros. */
static const char figures_sql[] =
    "WITH q AS (SELECT quarter, least(quarter_last_day(quarter), $2::date) AS to_on FROM unnest($3::text[]) quarter), "
    "money AS (SELECT quarter_of(month) AS quarter, sum(withdrawals) AS withdrawals, sum(customer_fee_yen) AS "
    "customer_fee, sum(interbank_fee_yen) AS interbank_fee, sum(hall_share_yen) AS hall_share, sum(earlier_yen) AS "
    "earlier FROM report_atm($1::date, $2::date) GROUP BY 1), "
    "base AS (SELECT quarter_of(month) AS quarter, sum(base_fee_yen) AS base_fee, sum(days) AS days FROM "
    "report_base_fee($1::date, $2::date) GROUP BY 1), "
    "whole AS (SELECT q.*, m.quarter IS NOT NULL OR b.quarter IS NOT NULL AS known, m.withdrawals, m.customer_fee, "
    "m.interbank_fee, m.hall_share, m.earlier, b.base_fee, b.days, (SELECT count(*) FROM contract c WHERE c.from_on <= "
    "q.to_on AND coalesce(c.until_on, 'infinity') > q.to_on) AS atms FROM q LEFT JOIN money m USING (quarter) LEFT JOIN "
    "base b USING (quarter)) "
    "SELECT w.quarter, x.item, x.value FROM whole w CROSS JOIN LATERAL (VALUES "
    "('customer_fee', coalesce(w.customer_fee, 0)), ('interbank_fee', coalesce(w.interbank_fee, 0)), "
    "('hall_share', coalesce(w.hall_share, 0)), ('earlier_periods', coalesce(w.earlier, 0)), "
    "('withdrawals', coalesce(w.withdrawals, 0)), ('base_fee', w.base_fee), ('atm_days', w.days), "
    "('atms', CASE WHEN w.days IS NOT NULL THEN w.atms END)) x (item, value) WHERE w.known AND x.value IS NOT NULL "
    "UNION ALL SELECT quarter, item, amount_yen FROM cost WHERE quarter = ANY ($3::text[]) "
    "UNION ALL SELECT q.quarter, i.item, (SELECT r.rate_bp FROM finance_rate r WHERE r.item = i.item AND r.from_on <= "
    "quarter_last_day(q.quarter) ORDER BY r.from_on DESC LIMIT 1) FROM q CROSS JOIN (VALUES ('income_tax'), "
    "('non_controlling_share')) i (item) "
    "UNION ALL SELECT q.quarter, 'closed', 1 FROM q JOIN books b ON b.closed_through >= quarter_last_day(q.quarter)";

static struct results_quarter *quarter_named(struct results *results, const char *name)
{
        size_t i = 0;

        while (strcmp(results->quarter[i].name, name))
                i++; /* one of those asked for */
        return &results->quarter[i];
}

static void keep_figure(struct results_quarter *quarter, const char *item, int64_t value, struct figure *rates)
{
        if (!strcmp(item, "atm_days")) {
                quarter->atm_days = value;
        } else if (!strcmp(item, "closed")) {
                quarter->closed = true;
        } else if (!strcmp(item, "income_tax")) {
                rates[0] = known(value);
        } else if (!strcmp(item, "non_controlling_share")) {
                rates[1] = known(value);
        } else {
                for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                        if (!strcmp(result_rows[i].name, item))
                                quarter->figure[i] = known(value);
                }
        }
}

static void take_figures(struct results *results, const PGresult *result)
{
        struct figure rates[RESULTS_QUARTERS_MAX][2] = {0};

        for (int row = 0; row < PQntuples(result); row++) {
                struct results_quarter *quarter = quarter_named(results, PQgetvalue(result, row, 0));

                if (!PQgetisnull(result, row, 2))
                        keep_figure(quarter, PQgetvalue(result, row, 1), strtoll(PQgetvalue(result, row, 2), NULL, 10),
                                    rates[quarter - results->quarter]);
        }
        for (size_t q = 0; q < results->quarters; q++) {
                derive(results->quarter[q].figure, rates[q][0], rates[q][1]);
                derive_ratios(results->quarter[q].figure, results->quarter[q].atm_days);
        }
}

/* From the first quarter of the year before. */
static void name_quarters(struct results *results, const char *asked, int32_t today)
{
        struct report_period period;

        results->of_year = (size_t)(asked[0] - '0'); /* "3Q16" */
        results->quarters = 4 + results->of_year;
        results->fiscal_year = 2000 + atoi(asked + 2);
        for (size_t i = 0; i < results->quarters; i++) {
                struct results_quarter *quarter = &results->quarter[i];
                int number = 1 + (int)i % 4;

                report_period_of_quarters(results->fiscal_year - 1 + (int)i / 4, number, number, &period);
                snprintf(quarter->name, sizeof(quarter->name), "%.7s", period.label);
                quarter->from_day = period.first_day;
                quarter->to_day = period.last_day;
                quarter->over = report_period_is_over(&period, today);
        }
        if (results->of_year == 1)
                snprintf(results->period, sizeof(results->period), "%s", results->quarter[4].name);
        else
                snprintf(results->period, sizeof(results->period), "1Q-%s", results->quarter[results->quarters - 1].name);
}

static bool load_figures(struct database *database, struct results *results, int32_t today)
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
        result = database_query(database, figures_sql, LENGTH(parameters), parameters);
        if (!result)
                return false;
        take_figures(results, result);
        PQclear(result);
        results->base_fees_missing = !end->figure[RESULT_base_fee].known && end->figure[RESULT_revenue].known;
        return true;
}

/* columns ------------------------------------------------------------------------------------------------- */

static struct results_column *add_column(struct results *results, enum results_column_kind kind, const char *format, ...)
    ATM_PRINTF(3, 4);

static struct results_column *add_column(struct results *results, enum results_column_kind kind, const char *format, ...)
{
        struct results_column *column = &results->column[results->columns++];
        va_list arguments;

        assert(results->columns <= RESULTS_COLUMNS_MAX);
        column->kind = kind;
        va_start(arguments, format);
        vsnprintf(column->name, sizeof(column->name), format, arguments);
        va_end(arguments);
        return column;
}

static void add_change(struct results *results, const char *name, const struct figure *now, const struct figure *before)
{
        struct results_column *column = add_column(results, COLUMN_PERCENT, "%s", name);

        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                column->figure[i] = change(now[i], before[i], result_rows[i].unit);
}

/* The last target announced by the end of the quarter. */
static bool load_targets(struct database *database, struct results *results, struct figure *ret_targets)
{
        char year[12], last[11];
        const char *parameters[] = {year, last};
        PGresult *result;

        snprintf(year, sizeof(year), "%d", results->fiscal_year);
        calendar_print_day(results->quarter[results->quarters - 1].to_day, last);
        result = database_query(database,
                                "SELECT DISTINCT ON (item) item, value FROM target WHERE fiscal_year = $1::integer "
                                "AND announced_on <= $2::date ORDER BY item, announced_on DESC",
                                LENGTH(parameters), parameters);
        if (!result)
                return false;
        for (int row = 0; row < PQntuples(result); row++) {
                for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                        if (!strcmp(result_rows[i].name, PQgetvalue(result, row, 0)))
                                ret_targets[i] = known(strtoll(PQgetvalue(result, row, 1), NULL, 10));
                }
        }
        PQclear(result);
        return true;
}

/* For the period as it is published, or, where each of its quarters is, their sum; what is there at the end: that of
 * the last quarter. */
static bool load_published(struct database *database, const struct results *results, struct figure *ret_published)
{
        const struct results_quarter *first = &results->quarter[results->quarters - results->of_year];
        const char *parameters[] = {results->period};
        struct figure quarter[4][RESULT_ITEM_COUNT] = {0};
        PGresult *result = database_query(database,
                                          "SELECT period, item, value FROM published WHERE right(period, 2) = "
                                          "right($1, 2)",
                                          LENGTH(parameters), parameters);

        if (!result)
                return false;
        for (int row = 0; row < PQntuples(result); row++) {
                const char *period = PQgetvalue(result, row, 0);
                struct figure value = known(strtoll(PQgetvalue(result, row, 2), NULL, 10));

                for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                        if (strcmp(result_rows[i].name, PQgetvalue(result, row, 1)) != 0)
                                continue;
                        if (!strcmp(period, results->period))
                                ret_published[i] = value;
                        for (size_t q = 0; q < results->of_year; q++) {
                                if (!strcmp(period, first[q].name))
                                        quarter[q][i] = value;
                        }
                }
        }
        PQclear(result);
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                struct figure sum = quarter[results->of_year - 1][i];

                for (size_t q = 0; q + 1 < results->of_year && result_rows[i].kind == KIND_SUM; q++)
                        sum = plus(sum, quarter[q][i], 1);
                if (!ret_published[i].known && result_rows[i].kind != KIND_OF)
                        ret_published[i] = sum;
        }
        return true;
}

static bool any_known(const struct figure *figures)
{
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                if (figures[i].known)
                        return true;
        }
        return false;
}

static void add_figures(struct results *results, const char *name, const struct figure *figures)
{
        memcpy(add_column(results, COLUMN_FIGURES, "%s", name)->figure, figures,
               sizeof(results->column[0].figure));
}

static void add_targets(struct results *results, const struct figure *now, const struct figure *targets)
{
        struct results_column *column;

        if (!any_known(targets))
                return;
        memcpy(add_column(results, COLUMN_FIGURES, "FY%02d target", results->fiscal_year % 100)->figure, targets,
               sizeof(results->column[0].figure));
        column = add_column(results, COLUMN_PERCENT, "progress");
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                column->figure[i] = share(now[i], targets[i]);
}

static void add_published(struct results *results, const struct figure *now, const struct figure *published)
{
        struct results_column *column;

        if (!any_known(published))
                return;
        add_figures(results, "published", published);
        column = add_column(results, COLUMN_DIFFERENCE, "difference");
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++)
                column->figure[i] = plus(now[i], published[i], -1);
}

/* The quarters of the year, all of them together, the same a year before, what changed, target, published. */
static bool compose(struct database *database, struct results *results)
{
        const struct results_quarter *first = &results->quarter[results->quarters - results->of_year];
        const struct results_quarter *last = &results->quarter[results->quarters - 1];
        const struct results_quarter *year_before = first - 4;
        struct figure now[RESULT_ITEM_COUNT], before[RESULT_ITEM_COUNT];
        struct figure targets[RESULT_ITEM_COUNT] = {0}, published[RESULT_ITEM_COUNT] = {0};
        char name[RESULTS_NAME_MAX];

        if (!load_targets(database, results, targets) || !load_published(database, results, published))
                return false;
        results_cumulate(first, results->of_year, now);
        results_cumulate(year_before, results->of_year, before);
        for (size_t i = 0; i < results->of_year; i++)
                add_figures(results, first[i].name, first[i].figure);
        if (results->of_year > 1) {
                add_figures(results, results->period, now);
                snprintf(name, sizeof(name), "1Q-%s", (last - 4)->name);
                add_figures(results, name, before);
                add_change(results, "YoY", now, before);
        }
        add_figures(results, (last - 4)->name, (last - 4)->figure);
        snprintf(name, sizeof(name), results->of_year > 1 ? "YoY %s" : "YoY", last->name);
        add_change(results, name, last->figure, (last - 4)->figure);
        add_change(results, "QoQ", last->figure, (last - 1)->figure);
        add_targets(results, now, targets);
        add_published(results, now, published);
        return true;
}

bool results_load(struct database *database, const char *quarter, int32_t today,
                  struct results *ret_results)
{
        memset(ret_results, 0, sizeof(*ret_results));
        name_quarters(ret_results, quarter, today);
        return load_figures(database, ret_results, today) && compose(database, ret_results);
}
