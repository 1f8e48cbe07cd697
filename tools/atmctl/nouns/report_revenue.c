/* report revenue: the books' revenue (backoffice/books/revenue.h) as rows. */
#include "tools/atmctl/nouns/report_revenue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/pivot.h"
#include "backoffice/books/revenue.h"
#include "backoffice/pages/amount_chart.h"
#include "backoffice/pages/period_text.h"
#include "backoffice/pages/report_text.h"
#include "backoffice/pages/words.h"
#include "lib/base/array.h"
#include "lib/base/digits.h"
#include "tools/atmctl/nouns/report_desk.h"
#include "tools/atmctl/nouns/revenue_pivot.h"

/* columns ----------------------------------------------------------------------------------------------- */

enum column { KEY, NAME, KEY2, NAME2, FIRST_SUM, BEFORE = FIRST_SUM + 6, CHANGE, COLUMNS };

/* Which of them are shown, is_shown says. */
static const struct output_column all_columns[COLUMNS] = {
    [KEY] = {"key", OUTPUT_TEXT, 0},
    [NAME] = {"name", OUTPUT_TEXT, 0},
    [KEY2] = {"key2", OUTPUT_TEXT, 0},
    [NAME2] = {"name2", OUTPUT_TEXT, 0},
    {"withdrawals", OUTPUT_YEN, 0},
    {"cash_yen", OUTPUT_YEN, 0},
    {"customer_fee_yen", OUTPUT_YEN, 0},
    {"interbank_fee_yen", OUTPUT_YEN, 0},
    {"tax_yen", OUTPUT_YEN, 0},
    {"commission_yen", OUTPUT_YEN, 0},
    [BEFORE] = {"before_yen", OUTPUT_YEN, OUTPUT_DASH},
    [CHANGE] = {"change_percent", OUTPUT_DECIMAL, 0},
};

static bool is_shown(const struct revenue_question *question, enum column column)
{
        switch (column) {
        case NAME:
                return revenue_key_has_name(question->key[0]);
        case KEY2:
                return question->key[1];
        case NAME2:
                return question->key[1] && revenue_key_has_name(question->key[1]);
        case BEFORE:
        case CHANGE:
                return question->compare;
        case KEY:
        case FIRST_SUM:
        case COLUMNS:
                break;
        }
        return true;
}

/* The columns that are shown, and what heads them: a key's its own word, what it is compared with of when that is. */
struct shown {
        struct output_column column[COLUMNS];
        const char *word[COLUMNS];
        size_t count;
};

/* Times are written as their reader does, bands in words. */
static enum output_type key_type(const char *key)
{
        static const struct {
                const char *key;
                enum output_type type;
        } types[] = {{"day", OUTPUT_DAYS},
                     {"month", OUTPUT_DAYS},
                     {"quarter", OUTPUT_DAYS},
                     {"fy", OUTPUT_DAYS},
                     {"band", OUTPUT_WORD}};

        for (size_t i = 0; i < LENGTH(types); i++) {
                if (!strcmp(types[i].key, key))
                        return types[i].type;
        }
        return OUTPUT_TEXT;
}

/* Of rows that are times themselves it is theirs, else the period's. */
static const char *before_word(const struct revenue_question *question)
{
        const char *span = NULL;

        for (int i = 0; i < REVENUE_KEYS_MAX && question->key[i]; i++) {
                if (revenue_key_is_span(question->key[i]) && (!span || strcmp(question->key[i], "fy") != 0))
                        span = question->key[i];
        }
        if (!span)
                return period_text_before(&question->period, question->compare);
        if (question->compare == PERIOD_STEP_YEAR)
                return strcmp(span, "fy") ? "before_yoy_yen" : "before_year_yen";
        return strcmp(span, "quarter") ? "before_months_yen" : "before_qoq_yen";
}

static const char *word_for(const struct revenue_question *question, enum column column)
{
        if (column == KEY || column == KEY2)
                return question->key[column == KEY2];
        if (column == BEFORE)
                return before_word(question);
        return NULL;
}

static void look_at_columns(const struct revenue_question *question, struct shown *ret_shown)
{
        ret_shown->count = 0;
        for (int i = 0; i < COLUMNS; i++) {
                if (!is_shown(question, (enum column)i))
                        continue;
                ret_shown->column[ret_shown->count] = all_columns[i];
                if (i == KEY || i == KEY2)
                        ret_shown->column[ret_shown->count].type = key_type(question->key[i == KEY2]);
                ret_shown->word[ret_shown->count++] = word_for(question, (enum column)i);
        }
}

static bool write_row(struct output *output, const struct revenue_question *question,
                      const struct revenue_row *row, bool total)
{
        const int64_t sums[] = {row->withdrawals,       row->cash_yen, row->customer_fee_yen,
                                row->interbank_fee_yen, row->tax_yen,  row->commission_yen};
        char text[LENGTH(sums)][FIGURE_TEXT_MAX], before[FIGURE_TEXT_MAX], change[FIGURE_TEXT_MAX];
        const char *all[COLUMNS] = {[KEY] = row->key[0],
                                    [KEY2] = row->key[1],
                                    [BEFORE] = figure_print(row->before_yen, before),
                                    [CHANGE] = figure_print_tenths(row->change_tenths, change)};
        const char *values[COLUMNS];
        char *names[REVENUE_KEYS_MAX] = {NULL};
        size_t count = 0;
        bool written;

        for (size_t i = 0; i < LENGTH(sums); i++)
                all[FIRST_SUM + i] = figure_print(figure_known(sums[i]), text[i]);
        for (int i = 0; i < REVENUE_KEYS_MAX; i++)
                all[i ? NAME2 : NAME] = names[i] = words_join(row->name[i], output_reader(output));
        for (int i = 0; i < COLUMNS; i++) {
                if (is_shown(question, (enum column)i))
                        values[count++] = all[i];
        }
        written = total ? output_total(output, values) : output_row(output, values);
        for (int i = 0; i < REVENUE_KEYS_MAX; i++)
                free(names[i]);
        return written;
}

/* the report -------------------------------------------------------------------------------------------- */

static bool write_rows(struct output *output, const struct revenue_question *question,
                       const struct revenue *revenue)
{
        for (size_t i = 0; i < revenue->rows; i++) {
                if (!write_row(output, question, &revenue->row[i], false))
                        return false;
        }
        return !revenue->rows || ((!revenue->more || write_row(output, question, &revenue->others, true)) &&
                                  write_row(output, question, &revenue->total, true));
}

static void remark_earlier(struct output *output, int64_t yen)
{
        char digits[FIGURE_TEXT_MAX], text[64];

        if (!yen)
                return;
        digits_group(figure_print(figure_known(yen < 0 ? -yen : yen), digits), text, sizeof(text));
        if (output_reader(output))
                output_remark(output, "うち前四半期以前分：%s%s円", yen < 0 ? "△" : "", text);
        else
                output_remark(output, "of which earlier periods: %s%s yen", yen < 0 ? "-" : "", text);
}

/* Days that are not there make a comparison of more with less. */
static void remark_days(struct output *output, const struct period *now, const struct period *before)
{
        int32_t days = now->last_day - now->first_day + 1,
                days_before = before->last_day - before->first_day + 1;
        enum reader reader = output_reader(output);
        char text[PERIOD_TEXT_MAX];

        if (days == days_before || period_is_of_months(now))
                return;
        output_remark(output,
                      reader ? "比較対象は%s（%" PRId32 "日間）であり、対象期間は%" PRId32 "日間です。"
                             : "compared with %s: %" PRId32 " of its days with %" PRId32,
                      period_text(before->label, reader, text), days_before, days);
}

static void remark_unpaired(struct output *output, const struct revenue *revenue)
{
        char digits[FIGURE_TEXT_MAX], text[64];
        int64_t yen = revenue->unpaired_yen;

        if (!yen)
                return;
        digits_group(figure_print(figure_known(yen < 0 ? -yen : yen), digits), text, sizeof(text));
        if (output_reader(output))
                output_remark(output, "比較対象のうち、対象期間に同じ日のない分：%s%s円（合計にのみ含む）",
                              yen < 0 ? "△" : "", text);
        else
                output_remark(
                    output,
                    "of what is compared with, %s%s yen are of days that the later months do not have: the "
                    "total has them, and no row",
                    yen < 0 ? "-" : "", text);
}

static void remark_comparison(const struct report_desk *desk, struct output *output,
                              const struct revenue_question *question, const struct revenue *revenue)
{
        char text[REPORT_TEXT_MAX];
        struct period before;

        if (!question->compare)
                return;
        period_before(&question->period, question->compare, &before);
        remark_days(output, &question->period, &before);
        if (report_text_incomparable(&desk->standing, &before, output_reader(output), text))
                output_remark(output, "%s", text);
        remark_unpaired(output, revenue);
}

/* A key as its reader has it: a span, a band, a place or bank by its name; an ATM by its own, not its halls'. */
static const char *label_of(const char *key, const char *value, const char *name, enum reader reader,
                            char buffer[PERIOD_TEXT_MAX])
{
        if (revenue_key_is_span(key))
                return period_text_short(value, reader, buffer);
        if (strcmp(key, "band"))
                return name && !strchr(name, '\n') ? name : value;
        snprintf(buffer, PERIOD_TEXT_MAX, "band %s", value);
        return word_of(buffer, reader);
}

/* By the second key where that is a pivot's, so by its columns; else by the first. */
static void draw_chart(struct output *output, const struct revenue_question *question,
                       const struct revenue *revenue, const struct pivot *pivot)
{
        struct amount_chart chart;
        enum reader reader = output_reader(output);
        bool spans = pivot || revenue_key_is_span(question->key[0]);
        char text[PERIOD_TEXT_MAX];

        amount_chart_start(&chart, spans ? AMOUNT_BY_SPAN : AMOUNT_BY_PLACE, reader, "commission",
                           period_text(question->period.label, reader, text));
        for (size_t i = 0; pivot && i < pivot->columns; i++) {
                if (!pivot->column[i].subtotal)
                        amount_chart_add(&chart, pivot->column[i].name,
                                         period_text_short(pivot->column[i].name, reader, text),
                                         pivot->total.cell_yen[i]);
        }
        for (size_t i = 0; !pivot && i < revenue->rows; i++) {
                const struct revenue_row *row = &revenue->row[i];

                amount_chart_add(&chart, row->key[0],
                                 label_of(question->key[0], row->key[0], row->name[0], reader, text),
                                 row->commission_yen);
        }
        if (!pivot && revenue->more)
                amount_chart_add(&chart, revenue->others.key[0], word_of("others", reader),
                                 revenue->others.commission_yen);
        output_chart(output, amount_chart_ready(&chart));
}

static bool write_table(struct output *output, const struct revenue_question *question,
                        const struct revenue *revenue, const struct shown *shown)
{
        return output_begin(output, &(struct output_section){.name = "rows",
                                                             .columns = shown->column,
                                                             .count = shown->count,
                                                             .words = shown->word}) &&
               write_rows(output, question, revenue);
}

/* `pivot`: NULL where it is not turned. */
static bool print_report(struct report_desk *desk, const struct revenue_question *question,
                         const struct revenue *revenue, const struct pivot *pivot)
{
        struct output *output = output_open_whole(desk->invocation);
        struct pivot_shown turned;
        struct shown shown;
        char empty[160], days[PERIOD_TEXT_MAX];

        if (!output)
                return false;
        look_at_columns(question, &shown);
        if (output_reader(output))
                snprintf(empty, sizeof(empty), "%sの出金はありません。",
                         period_text(question->period.label, output_reader(output), days));
        else
                snprintf(empty, sizeof(empty), "no withdrawals from %s to %s", question->period.first,
                         question->period.last);
        output_when_empty(output, empty);
        report_head(desk, output,
                    &(struct report_title){"Commission", "手数料収入", &question->period, NULL});
        remark_comparison(desk, output, question, revenue);
        remark_earlier(output, revenue->earlier_yen);
        report_remark_more(desk, output, pivot ? pivot->more : revenue->more);
        draw_chart(output, question, revenue, pivot);
        if (pivot ? revenue_pivot_rows(output, question, pivot, &turned)
                  : write_table(output, question, revenue, &shown))
                return output_close(output);
        output_abandon(output);
        return false;
}

/* the command ------------------------------------------------------------------------------------------- */

/* "area,quarter": the first is left in keys, the comma made its end. */
static void read_keys(char keys[VALUE_MAX], struct revenue_question *question)
{
        char *comma = strchr(keys, ',');

        question->key[0] = keys;
        if (!comma)
                return;
        *comma = '\0';
        question->key[1] = comma + 1;
}

static int read_compare(const struct invocation *invocation, struct revenue_question *question)
{
        const char *compare = invocation_value(invocation, "compare");

        if (!compare)
                return EXIT_DONE;
        question->compare = strcmp(compare, "yoy") ? PERIOD_STEP_QUARTER : PERIOD_STEP_YEAR;
        for (int i = 0; i < REVENUE_KEYS_MAX && question->key[i]; i++) {
                if (revenue_key_lacks_step(question->key[i], question->compare))
                        return usage_error(invocation->command,
                                           "--compare qoq: fiscal years have no quarter before: "
                                           "expected yoy, or --by quarter");
        }
        return EXIT_DONE;
}

/* People get it turned where it suits; of all rows, since a limit is of the turned ones. False: it does not suit. */
static bool report_turned(struct report_desk *desk, const struct revenue_question *question,
                          bool *ret_printed)
{
        struct revenue_question whole = *question;
        struct revenue revenue;
        struct pivot pivot;
        char error[PG_ERROR_MAX];
        bool turned = true;

        if (!pivot_suits(question) || output_kind_of(desk->invocation) != OUTPUT_FOR_PEOPLE)
                return false;
        whole.limit = NULL;
        *ret_printed = false;
        if (revenue_load(desk->database.connection, &whole, &revenue, error)) {
                turned = pivot_make(&revenue, question->limit, &pivot);
                if (turned)
                        *ret_printed = print_report(desk, question, &revenue, &pivot);
                pivot_free(&pivot);
        } else {
                database_complain_of(error);
        }
        revenue_free(&revenue);
        return turned;
}

static bool report(struct report_desk *desk, void *context)
{
        struct revenue_question *question = context;
        struct revenue revenue;
        char error[PG_ERROR_MAX];
        bool printed = false;

        question->begun_day = desk->standing.begun_day;
        if (report_turned(desk, question, &printed))
                return printed;
        if (revenue_load(desk->database.connection, question, &revenue, error))
                printed = print_report(desk, question, &revenue, NULL);
        else
                database_complain_of(error);
        revenue_free(&revenue);
        return printed;
}

int report_revenue(const struct invocation *invocation)
{
        struct revenue_question question = {.compare = 0};
        char keys[VALUE_MAX];
        int64_t limit;
        int usage = report_period_of(invocation, &question.period);

        if (usage != EXIT_DONE)
                return usage;
        snprintf(keys, sizeof(keys), "%s", invocation_value(invocation, "by"));
        read_keys(keys, &question);
        usage = read_compare(invocation, &question);
        if (usage != EXIT_DONE)
                return usage;
        for (size_t i = 0; i < FILTER_COUNT; i++)
                question.filter[i] = invocation_value(invocation, filter_rows[i].name);
        question.limit = report_limit_of(invocation, &limit);
        return report_run(invocation, report, &question);
}

const struct field revenue_fields[] = {
    REPORT_PERIOD_FIELDS,
    {.name = "by",
     .kind = VALUE_REPORT_KEY,
     .flags = FIELD_REQUIRED,
     .text = "one row for each, or each pair"},
    REPORT_FILTER_FIELDS,
    {.name = "compare", .kind = VALUE_COMPARISON, .text = "with the same days a year or a quarter before"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many rows; the total is of all of them"},
    {.name = NULL},
};
