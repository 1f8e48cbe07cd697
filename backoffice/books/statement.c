/* Statements; see statement.h. */
#include "backoffice/books/statement.h"

#include <stdio.h>
#include <stdlib.h>

#include "backoffice/books/summary.h"
#include "lib/base/array.h"

/* $1 the hall, $2 and $3 the month's days, $4 to $6 the parts of the cube. */
static const char sql[] =
    "SELECT 0, b.terminal, b.from_on, b.days, b.month_days, b.month_fee_yen, NULL::bigint, "
    "NULL::bigint, "
    "b.base_fee_yen, b.tax_rate_bp, b.tax_yen, b.base_fee_yen + b.tax_yen, NULL::bigint "
    "FROM report_base_fee($2::date, $3::date) b WHERE b.hall = $1 "
    "UNION ALL SELECT 1, s.terminal, NULL, NULL, NULL, NULL, sum(s.withdrawals)::bigint, "
    "(sum(s.customer_fee_yen) + sum(s.interbank_fee_yen))::bigint, sum(s.hall_share_yen)::bigint, NULL, "
    "NULL, "
    "-sum(s.hall_share_yen)::bigint, sum(s.earlier_yen)::bigint FROM cube_atm($4::date[], $5::date[], "
    "$6::date[]) s "
    "WHERE s.hall = $1 "
    "GROUP BY s.terminal HAVING sum(s.withdrawals) <> 0 OR sum(s.customer_fee_yen) <> 0 OR "
    "sum(s.interbank_fee_yen) <> 0 "
    "OR sum(s.hall_share_yen) <> 0 ORDER BY 1, 2, 3";

enum column {
        KIND,
        TERMINAL,
        FROM,
        DAYS,
        MONTH_DAYS,
        MONTH_FEE,
        WITHDRAWALS,
        COMMISSION,
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
                                            .amount_yen = figure_at(result, row, AMOUNT).value,
                                            .tax_rate_bp = figure_at(result, row, TAX_RATE),
                                            .tax_yen = figure_at(result, row, TAX),
                                            .total_yen = figure_at(result, row, TOTAL).value,
                                            .earlier_yen = figure_at(result, row, EARLIER)};
}

void statement_sum(struct statement *statement)
{
        statement->owed_yen = statement->earned_yen = statement->earlier_yen = 0;
        for (size_t i = 0; i < statement->lines; i++) {
                const struct statement_line *line = &statement->line[i];

                if (line->kind == STATEMENT_SHARE)
                        statement->earned_yen -= line->total_yen;
                else
                        statement->owed_yen += line->total_yen;
                statement->earlier_yen += line->earlier_yen.value;
        }
        statement->balance_yen = statement->owed_yen - statement->earned_yen;
}

bool statement_load(PGconn *connection, const struct statement_question *question,
                    struct statement *ret_statement, char error[PG_ERROR_MAX])
{
        PGresult *name =
            pg_query(connection, "SELECT name FROM hall WHERE hall = $1", 1, &question->hall, error);
        PGresult *result = name ? ask(connection, question, error) : NULL;

        *ret_statement = (struct statement){.hall_name = "", .held = {name, result}};
        if (!result)
                return false;
        if (PQntuples(name))
                ret_statement->hall_name = PQgetvalue(name, 0, 0);
        ret_statement->line = calloc((size_t)PQntuples(result) + 1, sizeof(*ret_statement->line));
        if (!ret_statement->line) {
                snprintf(error, PG_ERROR_MAX, "out of memory");
                return false;
        }
        for (int row = 0; row < PQntuples(result); row++)
                take_line(result, row, &ret_statement->line[ret_statement->lines++]);
        statement_sum(ret_statement);
        return true;
}

void statement_free(struct statement *statement)
{
        free(statement->line);
        PQclear(statement->held[0]);
        PQclear(statement->held[1]);
}
