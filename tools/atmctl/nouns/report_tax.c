/* report tax: the books' tax by rate (backoffice/books/tax.h) as rows. */
#include "tools/atmctl/nouns/report_tax.h"

#include <inttypes.h>

#include "backoffice/books/tax.h"
#include "backoffice/pages/period_text.h"
#include "lib/base/array.h"
#include "tools/atmctl/nouns/report_desk.h"

static const struct output_column columns[] = {
    {"tax_rate", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},   {"tax_rate_bp", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
    {"customer_fee_yen", OUTPUT_YEN, OUTPUT_DASH},  {"customer_tax_yen", OUTPUT_YEN, OUTPUT_DASH},
    {"interbank_fee_yen", OUTPUT_YEN, OUTPUT_DASH}, {"interbank_tax_yen", OUTPUT_YEN, OUTPUT_DASH},
    {"base_fee_yen", OUTPUT_YEN, OUTPUT_DASH},      {"base_fee_tax_yen", OUTPUT_YEN, OUTPUT_DASH},
    {"revenue_yen", OUTPUT_YEN, OUTPUT_DASH},       {"tax_yen", OUTPUT_YEN, OUTPUT_DASH},
};

static bool write_row(struct output *output, const struct tax_row *row, bool total)
{
        const struct figure amounts[] = {
            row->customer_fee_yen, row->customer_tax_yen, row->interbank_fee_yen, row->interbank_tax_yen,
            row->base_fee_yen,     row->base_fee_tax_yen, row->revenue_yen,       row->tax_yen};
        const struct figure rate = figure_known(row->rate_bp);
        char percent[FIGURE_TEXT_MAX], rate_bp[FIGURE_TEXT_MAX], text[LENGTH(amounts)][FIGURE_TEXT_MAX];
        const char *values[LENGTH(columns)] = {total ? "total" : figure_print_rate(rate, percent),
                                               figure_print(rate, rate_bp)};

        for (size_t i = 0; i < LENGTH(amounts); i++)
                values[i + 2] = figure_print(amounts[i], text[i]);
        return total ? output_total(output, values) : output_row(output, values);
}

static bool write_rows(struct output *output, const struct tax *tax)
{
        for (size_t i = 0; i < tax->rows; i++) {
                if (!write_row(output, &tax->row[i], false))
                        return false;
        }
        return !tax->rows || write_row(output, &tax->total, true);
}

static bool print_report(struct report_desk *desk, const struct period *period, const struct tax *tax)
{
        static const struct output_section rows = {
            .name = "rows", .columns = columns, .count = LENGTH(columns)};
        struct output *output = output_open_whole(desk->invocation);
        char empty[160], days[PERIOD_TEXT_MAX];

        if (!output)
                return false;
        if (output_reader(output))
                snprintf(empty, sizeof(empty), "%sの課税取引はありません。",
                         period_text(period->label, output_reader(output), days));
        else
                snprintf(empty, sizeof(empty), "nothing was taxed from %s to %s", period->first,
                         period->last);
        output_when_empty(output, empty);
        report_head(desk, output,
                    &(struct report_title){"Consumption tax by rate", "消費税等（税率別）", period, NULL});
        if (tax->without_contract)
                output_remark(output,
                              output_reader(output)
                                  ? "設置契約のない期間に出金のあったATMが%" PRId64
                                    "台あり、その基本料金は不明であり、売上高は算定できません。"
                                  : "ATMs that earned where they had no contract: %" PRId64
                                    "; their base fees are missing, and so is revenue",
                              tax->without_contract);
        if (output_begin(output, &rows) && write_rows(output, tax))
                return output_close(output);
        output_abandon(output);
        return false;
}

static bool report(struct report_desk *desk, void *context)
{
        struct tax_question *question = context;
        struct tax tax;
        char error[PG_ERROR_MAX];
        bool printed = false;

        question->today = desk->today;
        question->standing = &desk->standing;
        if (tax_load(desk->database.connection, question, &tax, error))
                printed = print_report(desk, &question->period, &tax);
        else
                database_complain_of(error);
        tax_free(&tax);
        return printed;
}

int report_tax(const struct invocation *invocation)
{
        struct tax_question question;
        int usage = report_period_of(invocation, &question.period);

        return usage == EXIT_DONE ? report_run(invocation, report, &question) : usage;
}

const struct field tax_report_fields[] = {
    REPORT_PERIOD_FIELDS,
    {.name = NULL},
};
