/*
 * report statement: a hall's month, a line a contract and a line an ATM that earned. Totals are signed: above
 * zero the hall owes it, below it is owed to the hall; the balance is their sum.
 */
#include "tools/atmctl/report_statement.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/report_filter.h"
#include "tools/atmctl/report_summary.h"
#include "lib/base/digits.h"
#include "tools/atmctl/rows.h"

enum { ITEM, TOTAL = 11, FROM_EARLIER };

static const struct output_column columns[] = {
    [ITEM] = {"item", OUTPUT_TEXT, 0}, /* "base fee", "share" */
    {"terminal", OUTPUT_TEXT, 0},
    {"from", OUTPUT_TEXT, 0}, /* the contract's first day */
    {"days", OUTPUT_NUMBER, 0},
    {"month_days", OUTPUT_NUMBER, 0},
    {"month_fee_yen", OUTPUT_YEN, 0},
    {"withdrawals", OUTPUT_YEN, 0},
    {"commission_yen", OUTPUT_YEN, 0},
    {"amount_yen", OUTPUT_YEN, 0},
    {"tax_rate_bp", OUTPUT_NUMBER, 0},
    {"tax_yen", OUTPUT_YEN, 0},
    [TOTAL] = {"total_yen", OUTPUT_YEN, 0},
};

/* $1 the hall, $2 and $3 the month's days, $4 and $5 the parts of the cube. */
static const char sql[] =
    "SELECT 'base fee', b.terminal, b.from_on, b.days, b.month_days, b.month_fee_yen, NULL::bigint, "
    "NULL::bigint, "
    "b.base_fee_yen, b.tax_rate_bp, b.tax_yen, b.base_fee_yen + b.tax_yen, NULL::bigint "
    "FROM report_base_fee($2::date, $3::date) b WHERE b.hall = $1 "
    "UNION ALL SELECT 'share', s.terminal, NULL, NULL, NULL, NULL, sum(s.withdrawals)::bigint, "
    "(sum(s.customer_fee_yen) + sum(s.interbank_fee_yen))::bigint, sum(s.hall_share_yen)::bigint, NULL, "
    "NULL, "
    "-sum(s.hall_share_yen)::bigint, sum(s.earlier_yen)::bigint FROM cube_atm($4::date[], $5::date[]) s "
    "WHERE s.hall = $1 "
    "GROUP BY s.terminal HAVING sum(s.withdrawals) <> 0 OR sum(s.customer_fee_yen) <> 0 OR "
    "sum(s.interbank_fee_yen) <> 0 "
    "OR sum(s.hall_share_yen) <> 0 ORDER BY 1, 2, 3";

struct statement {
        const struct invocation *invocation;
        struct database *database;
        const char *hall;
        char name[201];
        struct report_period month;
        int32_t today;
        int64_t owed_yen, earned_yen, earlier_yen;
};

static PGresult *ask(struct statement *statement)
{
        const struct report_period *month = &statement->month;
        struct report_parts parts = {0};
        PGresult *result = NULL;

        if (report_snapshot(statement->database) &&
            report_parts_of(statement->database, month->first, month->last, true, &parts)) {
                const char *parameters[] = {statement->hall, month->first, month->last, parts.months,
                                            parts.days};

                result = database_query(statement->database, sql, LENGTH(parameters), parameters);
        }
        PQclear(parts.result);
        return result;
}

static void sum_up(struct statement *statement, const PGresult *result)
{
        for (int row = 0; row < PQntuples(result); row++) {
                int64_t yen = strtoll(PQgetvalue(result, row, TOTAL), NULL, 10);

                if (!strcmp(PQgetvalue(result, row, ITEM), "share"))
                        statement->earned_yen -= yen;
                else
                        statement->owed_yen += yen;
                if (!PQgetisnull(result, row, FROM_EARLIER))
                        statement->earlier_yen += strtoll(PQgetvalue(result, row, FROM_EARLIER), NULL, 10);
        }
}

static const char *line_value(const PGresult *result, int row, size_t column)
{
        return PQgetisnull(result, row, (int)column) ? NULL : PQgetvalue(result, row, (int)column);
}

static bool write_line(struct output *output, const PGresult *result, int row)
{
        const char *values[LENGTH(columns)];

        for (size_t i = 0; i < LENGTH(columns); i++)
                values[i] = line_value(result, row, i);
        return output_row(output, values);
}

static bool write_balance(const struct statement *statement, struct output *output)
{
        const char *values[LENGTH(columns)] = {[ITEM] = "balance"};
        char text[24];

        snprintf(text, sizeof(text), "%" PRId64, statement->owed_yen - statement->earned_yen);
        values[TOTAL] = text;
        return output_total(output, values);
}

/* Who pays whom, in words, and what else must be known. */
static bool write_notes(const struct statement *statement, struct output *output)
{
        int64_t balance = statement->owed_yen - statement->earned_yen;
        bool japanese = output_is_japanese(statement->invocation);
        char digits[24], text[48];

        snprintf(digits, sizeof(digits), "%" PRId64, balance < 0 ? -balance : balance);
        digits_group(digits, text, sizeof(text));
        if (balance)
                output_note(output,
                            japanese ? balance > 0 ? "ホールへの請求額：%s円" : "ホールへの支払額：%s円"
                            : balance > 0 ? "the hall owes %s yen"
                                          : "%s yen are owed to the hall",
                            text);
        if (statement->earlier_yen) {
                snprintf(digits, sizeof(digits), "%" PRId64, statement->earlier_yen);
                digits_group(digits, text, sizeof(text));
                output_note(output, "of the commission, earlier periods: %s yen", text);
        }
        return report_notes(statement->database, statement->invocation, output, &statement->month,
                            statement->today);
}

static bool load_name(struct statement *statement)
{
        const char *parameters[] = {statement->hall};
        PGresult *result = database_query(statement->database, "SELECT name FROM hall WHERE hall = $1", 1, parameters);

        if (!result)
                return false;
        snprintf(statement->name, sizeof(statement->name), "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
        PQclear(result);
        return true;
}

static bool write_members(const struct statement *statement, struct output *output)
{
        static const struct output_column members[] = {{"hall", OUTPUT_TEXT, 0}, {"month", OUTPUT_TEXT, 0}};

        return output_members(output, members, LENGTH(members),
                              (const char *const[]){statement->hall, statement->month.label});
}

static bool write_sums(const struct statement *statement, struct output *output)
{
        static const struct output_column members[] = {
            {"owed_yen", OUTPUT_YEN, 0}, {"earned_yen", OUTPUT_YEN, 0}, {"balance_yen", OUTPUT_YEN, 0}};
        char owed[24], earned[24], balance[24];

        snprintf(owed, sizeof(owed), "%" PRId64, statement->owed_yen);
        snprintf(earned, sizeof(earned), "%" PRId64, statement->earned_yen);
        snprintf(balance, sizeof(balance), "%" PRId64, statement->owed_yen - statement->earned_yen);
        return output_members(output, members, LENGTH(members), (const char *const[]){owed, earned, balance});
}

static bool write_lines(const struct statement *statement, struct output *output, const PGresult *result)
{
        static const struct output_section lines = {.name = "lines", .columns = columns, .count = LENGTH(columns)};
        bool written = output_begin(output, &lines);

        for (int row = 0; row < PQntuples(result) && written; row++)
                written = write_line(output, result, row);
        return written && (!PQntuples(result) || write_balance(statement, output));
}

static bool print_statement(const struct statement *statement, const PGresult *result)
{
        struct output *output = output_open_whole(statement->invocation);
        char empty[96], label[256];

        if (!output)
                return false;
        snprintf(empty, sizeof(empty), "%s: no ATM under contract and no withdrawals in %s", statement->hall,
                 statement->month.label);
        output_when_empty(output, empty);
        snprintf(label, sizeof(label), "%s %s, %s", statement->hall, statement->name, statement->month.label);
        report_head(output, "Statement of a hall", "ホール精算書", label);
        if (write_members(statement, output) && write_lines(statement, output, result) &&
            write_sums(statement, output) && write_notes(statement, output))
                return output_close(output);
        output_abandon(output);
        return false;
}

int report_statement(const struct invocation *invocation)
{
        struct database database;
        struct statement statement = {
            .invocation = invocation, .database = &database, .hall = invocation_value(invocation, "hall")};
        PGresult *result = NULL;
        bool printed = false;

        report_period_of_month(invocation_value(invocation, "month"), &statement.month);
        if (!business_today(invocation, &statement.today) ||
            !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        if (report_filters_exist(&database, invocation) && load_name(&statement)) {
                report_summary_refresh(&database, statement.today);
                result = ask(&statement);
        }
        if (result) {
                sum_up(&statement, result);
                printed = print_statement(&statement, result);
        }
        PQclear(result);
        database_close(&database);
        return printed ? EXIT_DONE : EXIT_FAILED;
}

const struct field statement_fields[] = {
    {.name = "hall", .kind = VALUE_HALL, .flags = FIELD_REQUIRED, .text = "whose statement"},
    {.name = "month", .kind = VALUE_MONTH, .flags = FIELD_REQUIRED, .text = "the month"},
    {.name = NULL},
};
