/*
 * Tax by rate. Fees have the rate of their withdrawal's moment, a later reversal that of the original; a month's base fee
 * has the rate of the month's last day.
 */
#include "backoffice/books/tax.h"

#include <stdio.h>
#include <stdlib.h>

#include "backoffice/books/summary.h"
#include "lib/base/array.h"
#include "rules/calendar.h"

/* $1 to $3: the parts of the cube; $4 and $5: the days of the base fees. The last row is the total. */
static const char sql[] =
    "WITH fees AS (SELECT tax_rate_bp AS rate, sum(customer_fee_yen) AS cf, sum(customer_tax_yen) AS ct, "
    "sum(interbank_fee_yen) AS bf, sum(interbank_tax_yen) AS bt FROM cube_bank($1::date[], $2::date[], "
    "$3::date[]) GROUP "
    "BY 1), "
    "base AS (SELECT coalesce(tax_rate_bp, 0) AS rate, sum(base_fee_yen) AS fee, sum(tax_yen) AS tax "
    "FROM report_base_fee($4::date, $5::date) GROUP BY 1), "
    "rates AS (SELECT coalesce(f.rate, b.rate) AS rate, coalesce(f.cf, 0) AS cf, coalesce(f.ct, 0) AS ct, "
    "coalesce(f.bf, 0) AS bf, coalesce(f.bt, 0) AS bt, coalesce(b.fee, 0) AS fee, coalesce(b.tax, 0) AS tax "
    "FROM fees f FULL JOIN base b ON b.rate = f.rate) "
    "SELECT rate, "
    "coalesce(sum(cf), 0)::bigint, coalesce(sum(ct), 0)::bigint, coalesce(sum(bf), 0)::bigint, "
    "coalesce(sum(bt), 0)::bigint, coalesce(sum(fee), 0)::bigint, coalesce(sum(tax), 0)::bigint, "
    "(SELECT count(DISTINCT terminal) FROM report_without_contract($4::date, $5::date)) "
    "FROM rates WHERE (cf, ct, bf, bt, fee, tax) <> (0, 0, 0, 0, 0, 0) "
    "GROUP BY GROUPING SETS ((rate), ()) ORDER BY grouping(rate), rate";

enum { WITHOUT_CONTRACT = 7 };

static PGresult *ask(PGconn *connection, const struct tax_question *question, char error[PG_ERROR_MAX])
{
        struct summary_parts parts = {0};
        PGresult *result = NULL;
        char counted[11];

        calendar_print_day(period_counted(&question->period, question->today), counted);
        if (summary_parts_of(connection, question->period.first, question->period.last, SUMMARY_OF_DAYS,
                             &parts, error)) {
                const char *parameters[] = {parts.months, parts.days, parts.rows, question->period.first,
                                            counted};

                result = pg_query(connection, sql, LENGTH(parameters), parameters, error);
        }
        PQclear(parts.result);
        return result;
}

/* revenue_yen and tax_yen of what is known. */
static void sum_up(struct tax_row *row)
{
        row->revenue_yen =
            figure_add(figure_add(row->customer_fee_yen, row->interbank_fee_yen), row->base_fee_yen);
        row->tax_yen =
            figure_add(figure_add(row->customer_tax_yen, row->interbank_tax_yen), row->base_fee_tax_yen);
}

/* What the books do not have of it. */
static void take_out(const struct tax_question *question, const struct tax *tax, struct tax_row *row)
{
        if (question->period.last_day < question->standing->begun_day)
                row->customer_fee_yen = row->customer_tax_yen = row->interbank_fee_yen =
                    row->interbank_tax_yen = figure_missing;
        if (tax->without_contract)
                row->base_fee_yen = row->base_fee_tax_yen = figure_missing;
}

static void take_row(const struct tax_question *question, const struct tax *tax, const PGresult *result,
                     int row, struct tax_row *ret_row)
{
        struct figure *const amount[] = {&ret_row->customer_fee_yen,  &ret_row->customer_tax_yen,
                                         &ret_row->interbank_fee_yen, &ret_row->interbank_tax_yen,
                                         &ret_row->base_fee_yen,      &ret_row->base_fee_tax_yen};

        ret_row->rate_bp = (int32_t)pg_number(result, row, 0); /* of the total: NULL */
        for (size_t i = 0; i < LENGTH(amount); i++)
                *amount[i] = figure_read(pg_text(result, row, (int)i + 1));
        take_out(question, tax, ret_row);
        sum_up(ret_row);
}

bool tax_load(PGconn *connection, const struct tax_question *question, struct tax *ret_tax,
              char error[PG_ERROR_MAX])
{
        PGresult *result = ask(connection, question, error);
        int rates;

        *ret_tax = (struct tax){.rows = 0};
        if (!result)
                return false;
        rates = PQntuples(result) - 1; /* the last is the total */
        ret_tax->without_contract = pg_number(result, rates, WITHOUT_CONTRACT);
        ret_tax->row = calloc((size_t)rates + 1, sizeof(*ret_tax->row));
        if (!ret_tax->row)
                snprintf(error, PG_ERROR_MAX, "out of memory");
        for (int i = 0; i < rates && ret_tax->row; i++)
                take_row(question, ret_tax, result, i, &ret_tax->row[i]);
        take_row(question, ret_tax, result, rates, &ret_tax->total);
        ret_tax->rows = (size_t)rates;
        PQclear(result);
        return ret_tax->row != NULL;
}

void tax_free(struct tax *tax)
{
        free(tax->row);
}
