/* Statements; see statement.h. */
#include "backoffice/books/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/summary.h"
#include "lib/base/array.h"

/*
 * $1 the hall, $2 and $3 the month's days, $4 to $6 the parts of the cube. A share's rate and its tax rate are those of the withdrawal, whose
 * sums the cube does not have by rate: it says which ATMs earned in the hall, and their rows are read. What was posted late is found by
 * the index commission_late. The tax of a month since October 2023 is rounded once for each rate: each line has its part, as base fees have
 * in report_base_fee.
 */
static const char sql[] =
    "WITH earned AS ("
    "SELECT c.* FROM (SELECT DISTINCT terminal FROM cube_atm($4::date[], $5::date[], $6::date[]) "
    "WHERE hall = $1) a "
    "JOIN commission c ON c.terminal = a.terminal "
    "AND c.transmitted_at >= $2::date::timestamp AT TIME ZONE 'Asia/Tokyo' "
    "AND c.transmitted_at < ($3::date + 1)::timestamp AT TIME ZONE 'Asia/Tokyo' "
    "WHERE c.hall = $1 AND c.posted_on = c.business_date "
    "UNION ALL SELECT c.* FROM commission c "
    "WHERE c.posted_on > c.business_date AND c.posted_on BETWEEN $2::date AND $3::date AND c.hall = $1), "
    "share AS ("
    "SELECT e.terminal, CASE WHEN p.share_known THEN p.share_bp END AS share_bp, e.tax_rate_bp, "
    "sum(e.sign) AS withdrawals, sum(e.customer_fee_yen + e.interbank_fee_yen)::bigint AS commission_yen, "
    "sum(e.hall_share_yen)::bigint AS share_yen, sum(earlier_yen(e.posted_on, e.business_date, "
    "e.customer_fee_yen, e.interbank_fee_yen))::bigint AS earlier_yen "
    "FROM earned e LEFT JOIN hall_place p ON p.hall = e.hall "
    "AND p.from_on <= e.business_date AND p.until_on > e.business_date "
    "GROUP BY 1, 2, 3 HAVING (sum(e.sign), sum(e.customer_fee_yen), sum(e.interbank_fee_yen), "
    "sum(e.hall_share_yen)) <> (0, 0, 0, 0)), "
    "upto AS ("
    "SELECT *, sum(share_yen) OVER (PARTITION BY tax_rate_bp ORDER BY terminal, share_bp)::bigint AS upto, "
    "coalesce((SELECT r.rounding FROM tax_rate r WHERE r.from_on <= $3::date "
    "ORDER BY r.from_on DESC LIMIT 1), 'down') AS rounding FROM share), "
    "taxed AS ("
    "SELECT *, CASE WHEN $2::date >= DATE '2023-10-01' "
    "THEN tax_yen(upto, tax_rate_bp, rounding) - tax_yen(upto - share_yen, tax_rate_bp, rounding) "
    "ELSE tax_yen(share_yen, tax_rate_bp, rounding) END AS tax FROM upto) "
    "SELECT 0, b.terminal, b.from_on, b.days, b.month_days, b.month_fee_yen, NULL::bigint, NULL::bigint, "
    "NULL::integer, b.base_fee_yen, b.tax_rate_bp, b.tax_yen, b.base_fee_yen + b.tax_yen, NULL::bigint "
    "FROM report_base_fee($2::date, $3::date) b WHERE b.hall = $1 "
    "UNION ALL "
    "SELECT 1, terminal, NULL, NULL, NULL, NULL, withdrawals, commission_yen, "
    "share_bp, share_yen, tax_rate_bp, tax, -share_yen - tax, earlier_yen "
    "FROM taxed ORDER BY 1, 2, 3, 11, 9";

/* All days before it are closed with a quarter, also those of earlier ones in which nothing was. */
static const char head_sql[] =
    "SELECT h.name, h.registration, "
    "(SELECT to_char(to_timestamp(p.closed_ms / 1000.0) AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD') "
    "FROM period p WHERE p.to_on >= $2::date ORDER BY p.to_on LIMIT 1), "
    "EXISTS (SELECT FROM contract c WHERE c.from_on <= $2::date "
    "AND coalesce(c.until_on, 'infinity') > date_trunc('month', $2::date::timestamp)::date) "
    "FROM hall h WHERE h.hall = $1";

enum column {
        KIND,
        TERMINAL,
        FROM,
        DAYS,
        MONTH_DAYS,
        MONTH_FEE,
        WITHDRAWALS,
        COMMISSION,
        SHARE,
        AMOUNT,
        TAX_RATE,
        TAX,
        TOTAL,
        EARLIER
};

static PGresult *ask(PGconn *connection, const struct statement_question *question, char error[PG_ERROR_MAX])
{
        const struct period *month = &question->month;
        struct summary_parts parts = {0};
        PGresult *result = NULL;

        if (summary_parts_of(connection, month->first, month->last, SUMMARY_OF_DAYS, &parts, error)) {
                const char *parameters[] = {question->hall, month->first, month->last,
                                            parts.months,   parts.days,   parts.rows};

                result = pg_query(connection, sql, LENGTH(parameters), parameters, error);
        }
        PQclear(parts.result);
        return result;
}

static struct figure figure_at(const PGresult *result, int row, int column)
{
        return figure_read(pg_text(result, row, column));
}

static void take_line(const PGresult *result, int row, struct statement_line *ret_line)
{
        *ret_line = (struct statement_line){.kind = (enum statement_kind)figure_at(result, row, KIND).value,
                                            .terminal = PQgetvalue(result, row, TERMINAL),
                                            .from = pg_text(result, row, FROM),
                                            .days = figure_at(result, row, DAYS),
                                            .month_days = figure_at(result, row, MONTH_DAYS),
                                            .month_fee_yen = figure_at(result, row, MONTH_FEE),
                                            .withdrawals = figure_at(result, row, WITHDRAWALS),
                                            .commission_yen = figure_at(result, row, COMMISSION),
                                            .share_bp = figure_at(result, row, SHARE),
                                            .amount_yen = figure_at(result, row, AMOUNT).value,
                                            .tax_rate_bp = figure_at(result, row, TAX_RATE),
                                            .tax_yen = figure_at(result, row, TAX),
                                            .total_yen = figure_at(result, row, TOTAL).value,
                                            .earlier_yen = figure_at(result, row, EARLIER)};
}

/* The row of its kind and rate, made where it is the first. */
static struct statement_tax *tax_of(struct statement *statement, const struct statement_line *line)
{
        for (size_t i = 0; i < statement->taxes; i++) {
                struct statement_tax *tax = &statement->tax[i];

                if (tax->kind == line->kind && tax->tax_rate_bp.known == line->tax_rate_bp.known &&
                    tax->tax_rate_bp.value == line->tax_rate_bp.value)
                        return tax;
        }
        statement->tax[statement->taxes] =
            (struct statement_tax){.kind = line->kind, .tax_rate_bp = line->tax_rate_bp};
        return &statement->tax[statement->taxes++];
}

int64_t statement_taxed_yen(const struct statement_tax *tax)
{
        int64_t yen = tax->amount_yen + tax->tax_yen;

        return tax->kind == STATEMENT_SHARE ? -yen : yen;
}

void statement_sum(struct statement *statement)
{
        statement->owed_yen = statement->earned_yen = statement->earlier_yen = 0;
        statement->taxes = 0;
        for (size_t i = 0; i < statement->lines; i++) {
                const struct statement_line *line = &statement->line[i];
                struct statement_tax *tax = tax_of(statement, line);

                tax->amount_yen += line->amount_yen;
                tax->tax_yen += line->tax_yen.value;
                if (line->kind == STATEMENT_SHARE)
                        statement->earned_yen -= line->total_yen;
                else
                        statement->owed_yen += line->total_yen;
                statement->earlier_yen += line->earlier_yen.value;
        }
        statement->balance_yen = statement->owed_yen - statement->earned_yen;
}

/* The month first, which is always as long: no two halls' months have the same. */
void statement_number(const struct statement_question *question, char buffer[STATEMENT_NUMBER_MAX])
{
        const char *day = question->month.first;

        snprintf(buffer, STATEMENT_NUMBER_MAX, "%.4s%.2s-%.20s", day, day + 5, question->hall);
}

static bool has_contract(const struct statement *statement, const char *terminal)
{
        for (size_t i = 0; i < statement->lines; i++) {
                if (statement->line[i].kind == STATEMENT_BASE_FEE &&
                    strcmp(statement->line[i].terminal, terminal) == 0)
                        return true;
        }
        return false;
}

int64_t statement_strays(const struct statement *statement)
{
        const char *counted = "";
        int64_t strays = 0;

        for (size_t i = 0; i < statement->lines; i++) {
                const struct statement_line *line = &statement->line[i];
                bool is_late =
                    line->earlier_yen.value && line->earlier_yen.value == line->commission_yen.value;

                if (line->kind != STATEMENT_SHARE || is_late || strcmp(line->terminal, counted) == 0 ||
                    has_contract(statement, line->terminal))
                        continue;
                counted = line->terminal;
                strays++;
        }
        return strays;
}

bool statement_has(const struct statement *statement, enum statement_kind kind)
{
        for (size_t i = 0; i < statement->taxes; i++) {
                if (statement->tax[i].kind == kind && statement->tax[i].amount_yen)
                        return true;
        }
        return false;
}

bool statement_is_of_qualified_times(const struct statement_question *question)
{
        return strcmp(question->month.first, "2023-10-01") >= 0;
}

/* Room for its lines; false: out of memory. */
static bool make_room(struct statement *statement, size_t lines)
{
        statement->line = calloc(lines + 1, sizeof(*statement->line));
        statement->tax = calloc(lines + 1, sizeof(*statement->tax));
        return statement->line && statement->tax;
}

bool statement_load(PGconn *connection, const struct statement_question *question,
                    struct statement *ret_statement, char error[PG_ERROR_MAX])
{
        const char *parameters[] = {question->hall, question->month.last};
        PGresult *head = pg_query(connection, head_sql, LENGTH(parameters), parameters, error);
        PGresult *result = head ? ask(connection, question, error) : NULL;

        *ret_statement = (struct statement){.hall_name = "",
                                            .lacks_shares = question->month.last_day < question->begun_day,
                                            .held = {head, result}};
        if (!result)
                return false;
        if (PQntuples(head)) {
                ret_statement->hall_name = PQgetvalue(head, 0, 0);
                ret_statement->hall_registration = pg_text(head, 0, 1);
                ret_statement->closed_on = pg_text(head, 0, 2);
        }
        if (!make_room(ret_statement, (size_t)PQntuples(result))) {
                snprintf(error, PG_ERROR_MAX, "out of memory");
                return false;
        }
        for (int row = 0; row < PQntuples(result); row++)
                take_line(result, row, &ret_statement->line[ret_statement->lines++]);
        statement_sum(ret_statement);
        if (PQntuples(head) && strcmp(PQgetvalue(head, 0, 3), "t") == 0)
                ret_statement->without_contract = statement_strays(ret_statement);
        return true;
}

void statement_free(struct statement *statement)
{
        free(statement->line);
        free(statement->tax);
        PQclear(statement->held[0]);
        PQclear(statement->held[1]);
}
