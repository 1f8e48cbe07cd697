/* Results as texts: figures, labels, headings, and what a reader must know beside them. */
#include "backoffice/pages/results_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/pages/period_text.h"
#include "backoffice/pages/words.h"
#include "lib/base/digits.h"
#include "lib/base/array.h"

/* figures as text ------------------------------------------------------------------------------------------ */

static int64_t tenths_of_million(int64_t yen)
{
        return yen < 0 ? -((-yen + 50000) / 100000) : (yen + 50000) / 100000;
}

/* What stands before a figure: below zero a minus, or a Japanese reader's triangle; before a change, for others, a plus. */
static const char *sign_of(int64_t value, bool is_change, enum reader reader)
{
        if (value < 0)
                return reader ? "△" : "-";
        return is_change && !reader ? "+" : "";
}

static void print_tenths(int64_t tenths, const char *sign, const char *suffix, char buffer[RESULTS_TEXT_MAX])
{
        char whole[32], grouped[48];
        int64_t magnitude = tenths < 0 ? -tenths : tenths;

        snprintf(whole, sizeof(whole), "%" PRId64, magnitude / 10);
        digits_group(whole, grouped, sizeof(grouped));
        snprintf(buffer, RESULTS_TEXT_MAX, "%s%s.%d%s", sign, grouped, (int)(magnitude % 10), suffix);
}

static void print_whole(int64_t value, const char *sign, char buffer[RESULTS_TEXT_MAX])
{
        char whole[32], grouped[48];

        snprintf(whole, sizeof(whole), "%" PRId64, value < 0 ? -value : value);
        digits_group(whole, grouped, sizeof(grouped));
        snprintf(buffer, RESULTS_TEXT_MAX, "%s%s", sign, grouped);
}

bool results_print(const struct results_column *column, enum result_item item, enum reader reader,
                   char buffer[RESULTS_TEXT_MAX])
{
        const struct figure *figure = &column->figure[item];
        bool is_change = !results_is_figures(column) && column->kind != COLUMN_PROGRESS;
        enum result_unit unit = result_rows[item].unit;
        const char *point = reader ? "ポイント" : "pt";
        int64_t value = figure->value;

        if (!figure->known)
                return false;
        if (unit == UNIT_YEN && !results_is_percent(column))
                value = tenths_of_million(value); /* of which nothing may be left, nor a sign */
        if (results_is_percent(column))
                print_tenths(value, sign_of(value, is_change, reader), unit == UNIT_PERCENT ? point : "%",
                             buffer);
        else if (unit == UNIT_PERCENT)
                print_tenths(value, sign_of(value, is_change, reader),
                             results_is_figures(column) ? "%" : point, buffer);
        else if (unit == UNIT_YEN)
                print_tenths(value, sign_of(value, is_change, reader), "", buffer);
        else
                print_whole(value, sign_of(value, is_change, reader), buffer);
        return true;
}

/* The word for each kind, as programs know it; word_of has those for people. */
static const char *const column_words[COLUMN_KINDS] = {
    [COLUMN_PERIOD] = "",
    [COLUMN_YEAR_ON_YEAR] = "YoY",
    [COLUMN_QUARTER_ON_QUARTER] = "QoQ",
    [COLUMN_TARGET] = "target",
    [COLUMN_PROGRESS] = "progress",
    [COLUMN_PUBLISHED] = "published",
    [COLUMN_DIFFERENCE] = "difference",
};

/* "YoY 3Q16", but "FY16 target". */
static void put_together(const struct results_column *column, const char *of, const char *word,
                         char buffer[RESULTS_TEXT_MAX])
{
        bool of_first = column->kind == COLUMN_TARGET;

        snprintf(buffer, RESULTS_TEXT_MAX, "%s%s%s", of_first ? of : word, *of && *word ? " " : "",
                 of_first ? word : of);
}

void results_column_name(const struct results_column *column, char buffer[RESULTS_TEXT_MAX])
{
        put_together(column, column->of, column_words[column->kind], buffer);
}

void results_heading(const struct results_column *column, enum reader reader, char buffer[RESULTS_TEXT_MAX])
{
        char of[PERIOD_TEXT_MAX];

        put_together(column, period_text(column->of, reader, of), word_of(column_words[column->kind], reader),
                     buffer);
}

/* How the rows of the table are set; a label is the word of the item's name unless another is named. */
static const struct {
        int indent;
        enum result_style style;
        const char *word, *word_of_year;
} layout[RESULT_ITEM_COUNT] = {
    [RESULT_revenue] = {.style = STYLE_TOTAL},
    [RESULT_customer_fee] = {.indent = 1},
    [RESULT_interbank_fee] = {.indent = 1},
    [RESULT_base_fee] = {.indent = 1},
    [RESULT_earlier_periods] = {.indent = 1, .style = STYLE_OF_WHICH},
    [RESULT_cost_of_revenue] = {.style = STYLE_TOTAL},
    [RESULT_hall_share] = {.indent = 1},
    [RESULT_cash_in_transit] = {.indent = 1},
    [RESULT_network] = {.indent = 1},
    [RESULT_maintenance] = {.indent = 1},
    [RESULT_depreciation] = {.indent = 1},
    [RESULT_gross_margin] = {.style = STYLE_TOTAL},
    [RESULT_gross_margin_ratio] = {.indent = 1},
    [RESULT_operating_income] = {.style = STYLE_TOTAL},
    [RESULT_operating_margin] = {.indent = 1},
    [RESULT_net_income] = {.word_of_year = "net_income of the year"},
    [RESULT_non_controlling_interests] = {.indent = 1,
                                          .word_of_year = "non_controlling_interests of the year"},
    [RESULT_atms] = {.word = "atms at the end"},
    [RESULT_withdrawals] = {.word = "withdrawals of results"},
};

const char *results_label(const struct results *results, enum result_item item, enum reader reader)
{
        const char *word = layout[item].word;

        if (results->of_year == 4 && layout[item].word_of_year)
                word = layout[item].word_of_year;
        return word_of(word ? word : result_rows[item].name, reader);
}

int results_indent(enum result_item item)
{
        return layout[item].indent;
}

enum result_style results_style(enum result_item item)
{
        return layout[item].style;
}

/* what the reader must know -------------------------------------------------------------------------------- */

/* Sums whose parts, as they are printed, do not add up as printed. */
static const struct {
        enum result_item whole, part[6];
        int sign[6];
        size_t parts;
} sums[] = {
    {RESULT_revenue, {RESULT_customer_fee, RESULT_interbank_fee, RESULT_base_fee}, {1, 1, 1}, 3},
    {RESULT_cost_of_revenue,
     {RESULT_hall_share, RESULT_cash_in_transit, RESULT_network, RESULT_maintenance, RESULT_depreciation},
     {1, 1, 1, 1, 1},
     5},
    {RESULT_gross_margin, {RESULT_revenue, RESULT_cost_of_revenue}, {1, -1}, 2},
    {RESULT_operating_income, {RESULT_gross_margin, RESULT_sga}, {1, -1}, 2},
    {RESULT_ebitda, {RESULT_operating_income, RESULT_depreciation}, {1, 1}, 2},
};

static bool adds_up_down(const struct results_column *column)
{
        for (size_t i = 0; i < LENGTH(sums); i++) {
                int64_t printed = 0;
                bool known = column->figure[sums[i].whole].known;

                for (size_t p = 0; p < sums[i].parts; p++) {
                        const struct figure *part = &column->figure[sums[i].part[p]];

                        known = known && part->known;
                        printed += sums[i].sign[p] * tenths_of_million(part->value);
                }
                if (known && printed != tenths_of_million(column->figure[sums[i].whole].value))
                        return false;
        }
        return true;
}

static bool adds_up_across(const struct results *results, const struct results_column *whole,
                           const struct results_column *first)
{
        for (size_t i = 0; i < RESULT_ITEM_COUNT; i++) {
                int64_t printed = 0;

                if (result_rows[i].unit != UNIT_YEN || !whole->figure[i].known)
                        continue;
                for (size_t q = 0; q < results->of_year; q++)
                        printed += tenths_of_million(first[q].figure[i].value);
                if (printed != tenths_of_million(whole->figure[i].value))
                        return false;
        }
        return true;
}

static bool adds_up_as_printed(const struct results *results)
{
        for (size_t i = 0; i < results->columns; i++) {
                if (results_is_figures(&results->column[i]) && !adds_up_down(&results->column[i]))
                        return false;
        }
        return results->of_year == 1 ||
               adds_up_across(results, &results->column[results->of_year], results->column);
}

/* "4Q16: SG&A, network" of the quarters shown. */
static void missing_costs(const struct results *results, enum reader reader, char *buffer, size_t size)
{
        static const enum result_item entered[] = {RESULT_cash_in_transit, RESULT_network, RESULT_maintenance,
                                                   RESULT_depreciation,    RESULT_sga,     RESULT_capex};
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t q = results->quarters - results->of_year; q < results->quarters; q++) {
                const char *separator = reader ? "：" : ": ";
                char name[PERIOD_TEXT_MAX];
                bool named = false;

                for (size_t i = 0; i < LENGTH(entered) && used < size; i++) {
                        if (results->quarter[q].figure[entered[i]].known)
                                continue;
                        if (!named)
                                used += (size_t)snprintf(buffer + used, size - used, "%s%s",
                                                         !used    ? ""
                                                         : reader ? "；"
                                                                  : "; ",
                                                         period_text(results->quarter[q].name, reader, name));
                        if (used < size)
                                used += (size_t)snprintf(buffer + used, size - used, "%s%s", separator,
                                                         results_label(results, entered[i], reader));
                        separator = reader ? "、" : ", ";
                        named = true;
                }
        }
}

/* "3Q16: 6; 4Q16: 1": ATMs that earned without a contract, by quarter. */
static void strays(const struct results *results, enum reader reader, char *buffer, size_t size)
{
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t q = 0; q < results->quarters && used < size; q++) {
                const struct results_quarter *quarter = &results->quarter[q];
                char name[PERIOD_TEXT_MAX];

                if (quarter->without_contract)
                        used += (size_t)snprintf(
                            buffer + used, size - used, reader ? "%s%s：%" PRId64 "台" : "%s%s: %" PRId64,
                            !used    ? ""
                            : reader ? "；"
                                     : "; ",
                            period_text(quarter->name, reader, name), quarter->without_contract);
        }
}

static void add_note(struct results_notes *notes, const char *format, ...) ATM_PRINTF(2, 3);

static void add_note(struct results_notes *notes, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(notes->text[notes->count++], sizeof(notes->text[0]), format, arguments);
        va_end(arguments);
}

void results_notes(const struct results *results, enum results_figures figures, enum reader reader,
                   struct results_notes *ret_notes)
{
        const struct results_quarter *last = &results->quarter[results->quarters - 1];
        char text[512], name[PERIOD_TEXT_MAX];

        ret_notes->count = 0;
        period_text(last->name, reader, name);
        if (!last->figure[RESULT_withdrawals].known)
                add_note(ret_notes, reader ? "%sのデータはありません。" : "The books have nothing of %s.",
                         name);
        if (results->is_cut)
                add_note(ret_notes, reader ? "帳簿の開始前を含む四半期とは、基本料金、入力された費用および設"
                                             "置台数のほかは比較していません。"
                                           : "Of quarters that the books have not all of, only base fees, "
                                             "entered costs and ATMs are "
                                             "compared with.");
        if (results->base_fees_missing)
                add_note(ret_notes,
                         reader ? "設置契約がないため、基本料金は不明であり、売上高は算定できません。"
                                : "There are no contracts: base fees are missing, and so is revenue.");
        strays(results, reader, text, sizeof(text));
        if (*text)
                add_note(
                    ret_notes,
                    reader
                        ? "設置契約のない期間に出金のあったATMがあるため、基本料金は不明であり、売上高は算定"
                          "できません（%s）。"
                        : "ATMs that earned where they had no contract, so that base fees and revenue are "
                          "missing: %s.",
                    text);
        if (results->is_unpublished)
                add_note(ret_notes,
                         reader
                             ? "公表値は全台数の数値であり、一部の台数の生成データとは比較していません。"
                             : "Published figures are those of the whole fleet: what was generated of a part "
                               "of it is not compared with them.");
        missing_costs(results, reader, text, sizeof(text));
        if (*text)
                add_note(ret_notes,
                         reader ? "未入力のため算定できない項目があります（%s）。"
                                : "Not entered, and so missing: %s.",
                         text);
        if (figures == RESULTS_IN_MILLIONS && !adds_up_as_printed(results))
                add_note(ret_notes,
                         reader ? "四捨五入のため、合計が一致しない場合があります。"
                                : "Figures as printed do not all add up, because each is rounded by itself.");
}
