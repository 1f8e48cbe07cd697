/* report statement: a hall's month (backoffice/books/statement.h) as lines and their balance. */
#include "tools/atmctl/nouns/report_statement.h"

#include <inttypes.h>

#include "backoffice/books/statement.h"
#include "backoffice/pages/period_text.h"
#include "lib/base/array.h"
#include "lib/base/digits.h"
#include "tools/atmctl/nouns/report_desk.h"

static const struct output_column columns[] = {
    {"item", OUTPUT_WORD, 0},                                    /* "base fee", "share" */
    {"terminal", OUTPUT_TEXT, 0},      {"from", OUTPUT_DAYS, 0}, /* the contract's first day */
    {"days", OUTPUT_NUMBER, 0},        {"month_days", OUTPUT_NUMBER, 0},  {"month_fee_yen", OUTPUT_YEN, 0},
    {"withdrawals", OUTPUT_YEN, 0},    {"commission_yen", OUTPUT_YEN, 0}, {"amount_yen", OUTPUT_YEN, 0},
    {"tax_rate_bp", OUTPUT_NUMBER, 0}, {"tax_yen", OUTPUT_YEN, 0},        {"total_yen", OUTPUT_YEN, 0},
};

static bool write_line(struct output *output, const struct statement_line *line)
{
        static const char *const items[] = {[STATEMENT_BASE_FEE] = "base fee", [STATEMENT_SHARE] = "share"};
        const struct figure figures[] = {
            line->days,        line->month_days,     line->month_fee_yen,
            line->withdrawals, line->commission_yen, figure_known(line->amount_yen),
            line->tax_rate_bp, line->tax_yen,        figure_known(line->total_yen)};
        char text[LENGTH(figures)][FIGURE_TEXT_MAX];
        const char *values[LENGTH(columns)] = {items[line->kind], line->terminal, line->from};

        for (size_t i = 0; i < LENGTH(figures); i++)
                values[i + 3] = figure_print(figures[i], text[i]);
        return output_row(output, values);
}

static bool write_balance(struct output *output, const struct statement *statement)
{
        char text[FIGURE_TEXT_MAX];
        const char *values[LENGTH(columns)] = {"balance"};

        values[LENGTH(columns) - 1] = figure_print(figure_known(statement->balance_yen), text);
        return output_total(output, values);
}

static bool write_lines(struct output *output, const struct statement *statement)
{
        static const struct output_section lines = {
            .name = "lines", .columns = columns, .count = LENGTH(columns)};

        if (!output_begin(output, &lines))
                return false;
        for (size_t i = 0; i < statement->lines; i++) {
                if (!write_line(output, &statement->line[i]))
                        return false;
        }
        return !statement->lines || write_balance(output, statement);
}

static bool write_sums(struct output *output, const struct statement *statement)
{
        static const struct output_column members[] = {
            {"owed_yen", OUTPUT_YEN, 0}, {"earned_yen", OUTPUT_YEN, 0}, {"balance_yen", OUTPUT_YEN, 0}};
        const int64_t sums[] = {statement->owed_yen, statement->earned_yen, statement->balance_yen};
        char text[LENGTH(sums)][FIGURE_TEXT_MAX];
        const char *values[LENGTH(sums)];

        for (size_t i = 0; i < LENGTH(sums); i++)
                values[i] = figure_print(figure_known(sums[i]), text[i]);
        return output_members(output, members, LENGTH(members), values);
}

static void print_amount(int64_t yen, char buffer[48])
{
        char digits[FIGURE_TEXT_MAX];

        digits_group(figure_print(figure_known(yen), digits), buffer, 48);
}

/* Who pays whom, in words, and what else must be known. */
static void remark_sums(struct output *output, const struct statement *statement)
{
        int64_t balance = statement->balance_yen, earlier = statement->earlier_yen;
        bool japanese = output_reader(output);
        char text[48];

        print_amount(balance < 0 ? -balance : balance, text);
        if (balance)
                output_remark(output,
                              japanese ? balance > 0 ? "ホールへの請求額：%s円" : "ホールへの支払額：%s円"
                              : balance > 0 ? "the hall owes %s yen"
                                            : "%s yen are owed to the hall",
                              text);
        print_amount(earlier < 0 ? -earlier : earlier, text);
        if (earlier)
                output_remark(output,
                              japanese ? "手数料収入のうち過年度・過四半期分：%s%s円"
                                       : "of the commission, earlier periods: %s%s yen",
                              earlier > 0 ? ""
                              : japanese  ? "△"
                                          : "-",
                              text);
}

static bool write_statement(struct output *output, const struct statement_question *question,
                            const struct statement *statement)
{
        static const struct output_column members[] = {{"hall", OUTPUT_TEXT, 0}, {"month", OUTPUT_TEXT, 0}};
        const char *values[] = {question->hall, question->month.label};

        return output_members(output, members, LENGTH(members), values) && write_lines(output, statement) &&
               write_sums(output, statement);
}

static bool print_statement(struct report_desk *desk, const struct statement_question *question,
                            const struct statement *statement)
{
        struct output *output = output_open_whole(desk->invocation);
        char empty[160], whose[256], month[PERIOD_TEXT_MAX];

        if (!output)
                return false;
        snprintf(empty, sizeof(empty),
                 output_reader(output) ? "%s：%sは設置契約も出金もありません。"
                                       : "%s: no ATM under contract and no withdrawals in %s",
                 question->hall, period_text(question->month.label, output_reader(output), month));
        output_when_empty(output, empty);
        snprintf(whose, sizeof(whose), "%s %.200s", question->hall, statement->hall_name);
        report_head(desk, output,
                    &(struct report_title){"Statement of a hall", "ホール精算書", &question->month, whose});
        remark_sums(output, statement);
        if (write_statement(output, question, statement))
                return output_close(output);
        output_abandon(output);
        return false;
}

static bool report(struct report_desk *desk, void *context)
{
        const struct statement_question *question = context;
        struct statement statement;
        char error[PG_ERROR_MAX];
        bool printed = false;

        if (statement_load(desk->database.connection, question, &statement, error))
                printed = print_statement(desk, question, &statement);
        else
                database_complain_of(error);
        statement_free(&statement);
        return printed;
}

int report_statement(const struct invocation *invocation)
{
        struct statement_question question = {.hall = invocation_value(invocation, "hall")};

        period_of_month(invocation_value(invocation, "month"), &question.month);
        return report_run(invocation, report, &question);
}

const struct field statement_fields[] = {
    {.name = "hall", .kind = VALUE_HALL, .flags = FIELD_REQUIRED, .text = "whose statement"},
    {.name = "month", .kind = VALUE_MONTH, .flags = FIELD_REQUIRED, .text = "the month"},
    {.name = NULL},
};
