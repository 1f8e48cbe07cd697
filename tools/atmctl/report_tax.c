/*
 * report tax: what is taxed at each rate, and the tax of it. Fees have the rate of their withdrawal's moment,
 * a later reversal that of the original; a month's base fee has the rate of the month's last day.
 */
#include "tools/atmctl/report_tax.h"

#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/report_summary.h"
#include "tools/atmctl/rows.h"

static const struct output_column columns[] = {
    {"tax_rate", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    {"tax_rate_bp", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
    {"customer_fee_yen", OUTPUT_YEN, 0},
    {"customer_tax_yen", OUTPUT_YEN, 0},
    {"interbank_fee_yen", OUTPUT_YEN, 0},
    {"interbank_tax_yen", OUTPUT_YEN, 0},
    {"base_fee_yen", OUTPUT_YEN, 0},
    {"base_fee_tax_yen", OUTPUT_YEN, 0},
    {"revenue_yen", OUTPUT_YEN, 0},
    {"tax_yen", OUTPUT_YEN, 0},
};

/* $1 and $2: months and days of the cube; $3 and $4: the days of the base fees. The last row is the total. */
static const char sql[] =
    "WITH fees AS (SELECT tax_rate_bp AS rate, sum(customer_fee_yen) AS cf, sum(customer_tax_yen) AS ct, "
    "sum(interbank_fee_yen) AS bf, sum(interbank_tax_yen) AS bt FROM cube_bank($1::date[], $2::date[]) GROUP "
    "BY 1), "
    "base AS (SELECT coalesce(tax_rate_bp, 0) AS rate, sum(base_fee_yen) AS fee, sum(tax_yen) AS tax "
    "FROM report_base_fee($3::date, $4::date) GROUP BY 1), "
    "rates AS (SELECT coalesce(f.rate, b.rate) AS rate, coalesce(f.cf, 0) AS cf, coalesce(f.ct, 0) AS ct, "
    "coalesce(f.bf, 0) AS bf, coalesce(f.bt, 0) AS bt, coalesce(b.fee, 0) AS fee, coalesce(b.tax, 0) AS tax "
    "FROM fees f FULL JOIN base b ON b.rate = f.rate) "
    "SELECT CASE WHEN grouping(rate) = 1 THEN 'total' ELSE trim_scale(rate / 100.0)::text || ' %' END, rate, "
    "coalesce(sum(cf), 0)::bigint, coalesce(sum(ct), 0)::bigint, coalesce(sum(bf), 0)::bigint, "
    "coalesce(sum(bt), 0)::bigint, "
    "coalesce(sum(fee), 0)::bigint, coalesce(sum(tax), 0)::bigint, coalesce(sum(cf + bf + fee), 0)::bigint, "
    "coalesce(sum(ct + bt + tax), 0)::bigint FROM rates WHERE (cf, ct, bf, bt, fee, tax) <> (0, 0, 0, 0, 0, "
    "0) "
    "GROUP BY GROUPING SETS ((rate), ()) ORDER BY grouping(rate), rate";

static PGresult *ask(struct database *database, const struct report_period *period, const char *counted)
{
        struct report_parts parts = {0};
        PGresult *result = NULL;

        if (report_snapshot(database) &&
            report_parts_of(database, period->first, period->last, true, &parts)) {
                const char *parameters[] = {parts.months, parts.days, period->first, counted};

                result = database_query(database, sql, LENGTH(parameters), parameters);
        }
        PQclear(parts.result);
        return result;
}

static bool print_report(const struct invocation *invocation, struct database *database,
                         const struct report_period *period, int32_t today, const PGresult *result)
{
        struct output *output = output_open(invocation, OUTPUT_ROWS, columns, LENGTH(columns));
        int rates = PQntuples(result) - 1;
        const char *total[LENGTH(columns)];
        char empty[96];
        bool written;

        if (!output)
                return false;
        snprintf(empty, sizeof(empty), "nothing was taxed from %s to %s", period->first, period->last);
        output_when_empty(output, empty);
        report_head(output, "Consumption tax by rate", "消費税（税率別）", period->label);
        for (size_t i = 0; i < LENGTH(columns); i++)
                total[i] = PQgetisnull(result, rates, (int)i) ? NULL : PQgetvalue(result, rates, (int)i);
        written = output_result(output, result, rates) && (!rates || output_total(output, total)) &&
                  report_notes(database, invocation, output, period, today);
        if (!written) {
                output_abandon(output);
                return false;
        }
        return output_close(output);
}

int report_tax(const struct invocation *invocation)
{
        struct report_period period;
        struct database database;
        PGresult *result;
        int32_t today;
        char counted[11];
        bool printed;
        int usage = report_period_of(invocation, &period);

        if (usage != EXIT_DONE)
                return usage;
        if (!business_today(invocation, &today) || !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        calendar_print_day(report_period_counted(&period, today), counted);
        report_summary_refresh(&database, today);
        result = ask(&database, &period, counted);
        printed = result && print_report(invocation, &database, &period, today, result);
        PQclear(result);
        database_close(&database);
        return printed ? EXIT_DONE : EXIT_FAILED;
}

const struct field tax_report_fields[] = {
    REPORT_PERIOD_FIELDS,
    {.name = NULL},
};
