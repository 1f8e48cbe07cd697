/* report statement: a hall's month (backoffice/books/statement.h) as the invoice that goes to it: who to whom, lines, tax by rate. */
#include "tools/atmctl/nouns/report_statement.h"

#include "backoffice/books/statement.h"
#include "backoffice/pages/period_text.h"
#include "backoffice/pages/statement_text.h"
#include "lib/base/array.h"
#include "tools/atmctl/nouns/report_desk.h"

struct sheet {
        const struct report_desk *desk;
        const struct statement_question *question;
        const struct statement *statement;
        struct output *output;
};

static const char *const items[] = {[STATEMENT_BASE_FEE] = "base fee", [STATEMENT_SHARE] = "share"};

/* the head ---------------------------------------------------------------------------------------------- */

enum {
        NUMBER,
        ADDRESSEE,
        HALL,
        HALL_REGISTRATION,
        MONTH,
        CLOSED,
        ISSUED,
        PUBLISHER,
        REGISTRATION,
        HEAD_COLUMNS
};

static const struct output_column head_columns[HEAD_COLUMNS] = {
    [NUMBER] = {"number", OUTPUT_TEXT, 0},
    [ADDRESSEE] = {"addressee", OUTPUT_TEXT, 0},
    [HALL] = {"hall", OUTPUT_TEXT, 0},
    [HALL_REGISTRATION] = {"hall_registration", OUTPUT_TEXT, OUTPUT_DASH},
    [MONTH] = {"month", OUTPUT_DAYS, 0},
    [CLOSED] = {"closed_on", OUTPUT_DAYS, OUTPUT_DASH},
    [ISSUED] = {"issued", OUTPUT_DAYS, 0},
    [PUBLISHER] = {"publisher", OUTPUT_TEXT, OUTPUT_DASH},
    [REGISTRATION] = {"registration", OUTPUT_TEXT, OUTPUT_DASH},
};

static const char *const head_words[HEAD_COLUMNS] = {[MONTH] = "period of an invoice"};

static const char *unless_empty(const char *text)
{
        return *text ? text : NULL;
}

/* Rows have no head: what is in it is remarked. */
static void remark_head(struct output *output, const char *const values[HEAD_COLUMNS])
{
        for (size_t i = 0; i < HEAD_COLUMNS; i++) {
                if (values[i])
                        output_remark(output, output_reader(output) ? "%s：%s" : "%s: %s",
                                      word_of(head_words[i] ? head_words[i] : head_columns[i].name,
                                              output_reader(output)),
                                      values[i]);
        }
}

/* To people a table, to programs members of the whole, or remarks. */
static bool write_head(const struct sheet *sheet)
{
        static const struct output_section section = {.heading = "",
                                                      .shape = OUTPUT_ONE,
                                                      .columns = head_columns,
                                                      .count = HEAD_COLUMNS,
                                                      .flags = OUTPUT_ONLY_TABLE,
                                                      .words = head_words};
        enum output_kind kind = output_kind_of(sheet->desk->invocation);
        char number[STATEMENT_NUMBER_MAX], addressee[STATEMENT_ADDRESSEE_MAX];
        enum reader reader = kind == OUTPUT_FOR_PEOPLE ? output_reader(sheet->output) : READER_ENGLISH;
        const char *values[HEAD_COLUMNS] = {
            [NUMBER] = number,
            [ADDRESSEE] = statement_addressee(sheet->statement, reader, addressee),
            [HALL] = sheet->question->hall,
            [HALL_REGISTRATION] = sheet->statement->hall_registration,
            [MONTH] = sheet->question->month.label,
            [CLOSED] = sheet->statement->closed_on,
            [ISSUED] = sheet->desk->issued,
            [PUBLISHER] = unless_empty(sheet->desk->publisher),
            [REGISTRATION] = unless_empty(sheet->desk->registration),
        };

        statement_number(sheet->question, number);
        if (kind == OUTPUT_AS_ROWS)
                remark_head(sheet->output, values);
        return output_members(sheet->output, head_columns, HEAD_COLUMNS, values) &&
               (!sheet->statement->lines ||
                (output_begin(sheet->output, &section) && output_row(sheet->output, values)));
}

/* lines ------------------------------------------------------------------------------------------------- */

enum line_column {
        ITEM,
        TERMINAL,
        FROM,
        DAYS,
        MONTH_DAYS,
        MONTH_FEE,
        WITHDRAWALS,
        COMMISSION,
        SHARE_RATE,
        SHARE_BP,
        AMOUNT,
        TAX_RATE,
        TAX_RATE_BP,
        TAX,
        TOTAL,
        LINE_COLUMNS
};

static const struct output_column line_columns[LINE_COLUMNS] = {
    [ITEM] = {"item", OUTPUT_WORD, 0}, /* "base fee", "share" */
    [TERMINAL] = {"terminal", OUTPUT_TEXT, 0},
    [FROM] = {"from", OUTPUT_DAYS, 0}, /* the contract's first day */
    [DAYS] = {"days", OUTPUT_NUMBER, 0},
    [MONTH_DAYS] = {"month_days", OUTPUT_NUMBER, 0},
    [MONTH_FEE] = {"month_fee_yen", OUTPUT_YEN, 0},
    [WITHDRAWALS] = {"withdrawals", OUTPUT_YEN, 0},
    [COMMISSION] = {"commission_yen", OUTPUT_YEN, 0},
    [SHARE_RATE] = {"share_rate", OUTPUT_FIGURE, OUTPUT_ONLY_TABLE},
    [SHARE_BP] = {"share_bp", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
    [AMOUNT] = {"amount_yen", OUTPUT_YEN, 0},
    [TAX_RATE] = {"tax_rate", OUTPUT_FIGURE, OUTPUT_ONLY_TABLE},
    [TAX_RATE_BP] = {"tax_rate_bp", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
    [TAX] = {"tax_yen", OUTPUT_YEN, 0},
    [TOTAL] = {"total_yen", OUTPUT_YEN, OUTPUT_DASH},
};

static bool write_line(struct output *output, const struct statement_line *line)
{
        const struct {
                struct figure figure;
                const char *(*print)(struct figure figure, char buffer[FIGURE_TEXT_MAX]);
        } figures[LINE_COLUMNS] = {
            [DAYS] = {line->days, figure_print},
            [MONTH_DAYS] = {line->month_days, figure_print},
            [MONTH_FEE] = {line->month_fee_yen, figure_print},
            [WITHDRAWALS] = {line->withdrawals, figure_print},
            [COMMISSION] = {line->commission_yen, figure_print},
            [SHARE_RATE] = {line->share_bp, figure_print_rate},
            [SHARE_BP] = {line->share_bp, figure_print},
            [AMOUNT] = {figure_known(line->amount_yen), figure_print},
            [TAX_RATE] = {line->tax_rate_bp, figure_print_rate},
            [TAX_RATE_BP] = {line->tax_rate_bp, figure_print},
            [TAX] = {line->tax_yen, figure_print},
            [TOTAL] = {figure_known(line->total_yen), figure_print},
        };
        char text[LINE_COLUMNS][FIGURE_TEXT_MAX];
        const char *values[LINE_COLUMNS] = {
            [ITEM] = items[line->kind], [TERMINAL] = line->terminal, [FROM] = line->from};

        for (size_t i = 0; i < LINE_COLUMNS; i++) {
                if (figures[i].print)
                        values[i] = figures[i].print(figures[i].figure, text[i]);
        }
        return output_row(output, values);
}

static struct figure balance_of(const struct statement *statement)
{
        return statement->lacks_shares || statement->without_contract ? figure_missing
                                                                      : figure_known(statement->balance_yen);
}

static bool write_balance(struct output *output, const struct statement *statement)
{
        char text[FIGURE_TEXT_MAX];
        const char *values[LINE_COLUMNS] = {
            [ITEM] = "balance", [TOTAL] = figure_print(balance_of(statement), text)};

        return output_total(output, values);
}

static bool write_lines(const struct sheet *sheet)
{
        static const char *const headings[LINE_COLUMNS] = {[COMMISSION] = "share_base_yen"};
        const struct statement *statement = sheet->statement;
        const struct output_section lines = {.name = "lines",
                                             .heading = output_reader(sheet->output) ? "明細" : "Lines",
                                             .columns = line_columns,
                                             .count = LINE_COLUMNS,
                                             .words = headings};

        if (!output_begin(sheet->output, &lines))
                return false;
        for (size_t i = 0; i < statement->lines; i++) {
                if (!write_line(sheet->output, &statement->line[i]))
                        return false;
        }
        return !statement->lines || write_balance(sheet->output, statement);
}

/* tax by rate ------------------------------------------------------------------------------------------- */

enum { TAXED_ITEM, TAXED_RATE, TAXED_RATE_BP, TAXED_AMOUNT, TAXED_TAX, TAXED_TOTAL, TAXED_COLUMNS };

static const struct output_column taxed_columns[TAXED_COLUMNS] = {
    [TAXED_ITEM] = {"item", OUTPUT_WORD, 0},
    [TAXED_RATE] = {"tax_rate", OUTPUT_FIGURE, OUTPUT_ONLY_TABLE},
    [TAXED_RATE_BP] = {"tax_rate_bp", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
    [TAXED_AMOUNT] = {"amount_yen", OUTPUT_YEN, 0},
    [TAXED_TAX] = {"tax_yen", OUTPUT_YEN, 0},
    [TAXED_TOTAL] = {"total_yen", OUTPUT_YEN, 0},
};

static bool write_taxes(const struct sheet *sheet)
{
        const struct statement *statement = sheet->statement;
        const struct output_section taxes = {.name = "taxes",
                                             .heading = output_reader(sheet->output) ? "税率別の合計"
                                                                                     : "By tax rate",
                                             .columns = taxed_columns,
                                             .count = TAXED_COLUMNS};
        bool written = output_begin(sheet->output, &taxes);

        for (size_t i = 0; i < statement->taxes && written; i++) {
                const struct statement_tax *tax = &statement->tax[i];
                char text[TAXED_COLUMNS][FIGURE_TEXT_MAX];
                const char *values[TAXED_COLUMNS] = {
                    items[tax->kind],
                    figure_print_rate(tax->tax_rate_bp, text[TAXED_RATE]),
                    figure_print(tax->tax_rate_bp, text[TAXED_RATE_BP]),
                    figure_print(figure_known(tax->amount_yen), text[TAXED_AMOUNT]),
                    figure_print(figure_known(tax->tax_yen), text[TAXED_TAX]),
                    figure_print(figure_known(statement_taxed_yen(tax)), text[TAXED_TOTAL])};

                written = output_row(sheet->output, values);
        }
        return written;
}

/* the whole --------------------------------------------------------------------------------------------- */

static bool write_sums(const struct sheet *sheet)
{
        static const struct output_column members[] = {
            {"owed_yen", OUTPUT_YEN, 0}, {"earned_yen", OUTPUT_YEN, 0}, {"balance_yen", OUTPUT_YEN, 0}};
        const struct statement *statement = sheet->statement;
        const struct figure sums[] = {
            statement->without_contract ? figure_missing : figure_known(statement->owed_yen),
            statement->lacks_shares ? figure_missing : figure_known(statement->earned_yen),
            balance_of(statement)};
        char text[LENGTH(sums)][FIGURE_TEXT_MAX];
        const char *values[LENGTH(sums)];

        for (size_t i = 0; i < LENGTH(sums); i++)
                values[i] = figure_print(sums[i], text[i]);
        return output_members(sheet->output, members, LENGTH(members), values);
}

static void remark(const struct sheet *sheet)
{
        const struct statement_issuer issuer = {sheet->desk->publisher, sheet->desk->registration};
        enum reader reader = output_reader(sheet->output);
        struct statement_notes notes;
        char month[PERIOD_TEXT_MAX];

        statement_notes(sheet->question, sheet->statement, &issuer, reader, &notes);
        for (size_t i = 0; i < notes.count; i++)
                output_remark(sheet->output, "%s", notes.text[i]);
        if (!sheet->statement->lines)
                output_remark(sheet->output,
                              reader ? "%s：%sは設置契約も出金もありません。"
                                     : "%s: no ATM under contract and no withdrawals in %s",
                              sheet->question->hall,
                              period_text(sheet->question->month.label, reader, month));
}

static bool print_statement(struct report_desk *desk, const struct statement_question *question,
                            const struct statement *statement)
{
        const struct sheet sheet = {desk, question, statement, output_open_whole(desk->invocation)};
        char whose[256];

        if (!sheet.output)
                return false;
        snprintf(whose, sizeof(whose), "%s %.200s", question->hall, statement->hall_name);
        report_head(desk, sheet.output,
                    &(struct report_title){statement_title(statement, READER_ENGLISH),
                                           statement_title(statement, READER_JAPANESE), &question->month,
                                           whose});
        remark(&sheet);
        if (write_head(&sheet) && write_lines(&sheet) && write_taxes(&sheet) && write_sums(&sheet))
                return output_close(sheet.output);
        output_abandon(sheet.output);
        return false;
}

static bool report(struct report_desk *desk, void *context)
{
        struct statement_question *question = context;
        struct statement statement;
        char error[PG_ERROR_MAX];
        bool printed = false;

        question->begun_day = desk->standing.begun_day;
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
