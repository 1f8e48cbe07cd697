/*
 * The results of a quarter as one page to hand on: title, table, charts of revenue and operating income, ATMs,
 * areas and the hours of the day, and what its reader must know.
 */
#include "backoffice/pages/results_page.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/pages/period_text.h"
#include "backoffice/pages/results_text.h"
#include "lib/base/array.h"

enum { MILLION = 1000000, MONEY_DECIMALS = 1 /* those of the table */ };
_Static_assert((int)RESULTS_PARTS_MAX <= (int)DOCUMENT_CATEGORIES_MAX, "each part is a category of a chart");

struct page {
        const struct results_page *content;
        const struct document_functions *draw;
        struct document *document;
};

/* Texts of the page: English and Japanese. */
enum page_text { MONEY, MONEY_CHART, ATMS, AREAS, HOURS, WITHDRAWALS, UNITS };
static const char *const texts[][2] = {
    [MONEY] = {"millions of yen", "百万円"},
    [MONEY_CHART] = {"Revenue and operating income by quarter", "売上高・営業利益（四半期）"},
    [ATMS] = {"ATMs placed at quarter end", "期末設置台数"},
    [AREAS] = {"Commission by area, %s", "地域別手数料収入（%s）"},
    [HOURS] = {"Withdrawals by hour of the day, %s", "時間帯別出金件数（%s）"},
    [WITHDRAWALS] = {"withdrawals", "件"},
    [UNITS] = {"ATMs", "台"},
};

static const char *text_of(enum page_text text, enum reader reader)
{
        return texts[text][reader != READER_ENGLISH];
}

/* "%s" in the text becomes `text`. */
static void print_text(char *buffer, size_t size, enum page_text which, enum reader reader, const char *text)
{
        const char *form = text_of(which, reader), *at = strstr(form, "%s");

        snprintf(buffer, size, "%.*s%s%s", (int)(at - form), form, text, at + 2);
}

/* the table --------------------------------------------------------------------------------------------------- */

static enum document_row_style row_style(enum result_item item)
{
        if (results_style(item) == STYLE_TOTAL)
                return DOCUMENT_TOTAL;
        return results_indent(item) ? DOCUMENT_DETAIL : DOCUMENT_NORMAL;
}

static void add_table(const struct page *page)
{
        const struct results *results = page->content->results;
        enum reader reader = page->content->reader;
        char headings[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
        struct document_column columns[RESULTS_COLUMNS_MAX] = {0};

        for (size_t i = 0; i < results->columns; i++) {
                const struct results_column *column = &results->column[i];
                bool period = column->kind == COLUMN_PERIOD && !strcmp(column->of, results->period);

                results_heading(column, reader, headings[i]);
                columns[i] = (struct document_column){.heading = headings[i],
                                                      .align = DOCUMENT_RIGHT,
                                                      .strong = period,
                                                      .apart = i == results->of_year ||
                                                               column->kind == COLUMN_PUBLISHED ||
                                                               column->kind == COLUMN_TARGET};
        }
        page->draw->table(page->document, "", text_of(MONEY, reader), columns, results->columns);
        for (size_t item = 0; item < RESULT_ITEM_COUNT; item++) {
                char text[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
                const char *cells[RESULTS_COLUMNS_MAX];

                for (size_t i = 0; i < results->columns; i++)
                        cells[i] = results_print(&results->column[i], (enum result_item)item, reader, text[i])
                                       ? text[i]
                                       : NULL;
                page->draw->row(page->document, row_style((enum result_item)item),
                                results_label(results, (enum result_item)item, reader), cells);
        }
}

/* charts ------------------------------------------------------------------------------------------------------ */

static void take_series(const struct results *results, enum result_item item,
                        struct document_value *ret_values)
{
        for (size_t i = 0; i < results->quarters; i++)
                ret_values[i] = (struct document_value){results->quarter[i].figure[item].value,
                                                        !results->quarter[i].figure[item].known};
}

static void add_quarter_charts(const struct page *page)
{
        const struct results *results = page->content->results;
        enum reader reader = page->content->reader;
        struct document_value revenue[RESULTS_QUARTERS_MAX], income[RESULTS_QUARTERS_MAX],
            atms[RESULTS_QUARTERS_MAX];
        char name[RESULTS_QUARTERS_MAX][PERIOD_TEXT_MAX];
        const char *names[RESULTS_QUARTERS_MAX];
        struct document_series money[] = {
            {.name = results_label(results, RESULT_revenue, reader), .values = revenue},
            {.name = results_label(results, RESULT_operating_income, reader), .values = income}};
        struct document_series placed[] = {{.name = text_of(ATMS, reader), .values = atms}};

        take_series(results, RESULT_revenue, revenue);
        take_series(results, RESULT_operating_income, income);
        take_series(results, RESULT_atms, atms);
        for (size_t i = 0; i < results->quarters; i++)
                names[i] = period_text_short(results->quarter[i].name, reader, name[i]);
        page->draw->chart(page->document, &(struct document_chart){.kind = DOCUMENT_COLUMNS,
                                                                   .title = text_of(MONEY_CHART, reader),
                                                                   .unit = text_of(MONEY, reader),
                                                                   .categories = names,
                                                                   .category_count = results->quarters,
                                                                   .series = money,
                                                                   .series_count = LENGTH(money),
                                                                   .scale = MILLION,
                                                                   .minus = chart_minus(reader),
                                                                   .decimals = MONEY_DECIMALS});
        page->draw->chart(page->document, &(struct document_chart){.kind = DOCUMENT_COLUMNS,
                                                                   .title = text_of(ATMS, reader),
                                                                   .unit = text_of(UNITS, reader),
                                                                   .categories = names,
                                                                   .category_count = results->quarters,
                                                                   .series = placed,
                                                                   .series_count = LENGTH(placed),
                                                                   .scale = 1});
}

/* One series, whose categories are named. */
static void add_parts_chart(const struct page *page, struct document_chart *chart, const char *const *names,
                            const struct results_part *parts, size_t count)
{
        struct document_value values[RESULTS_PARTS_MAX];
        struct document_series series = {.name = chart->title, .values = values};

        for (size_t i = 0; i < count; i++)
                values[i] = (struct document_value){parts[i].amount, false};
        chart->categories = names;
        chart->category_count = count;
        chart->series = &series;
        chart->series_count = 1;
        chart->decimals = chart->scale == MILLION ? MONEY_DECIMALS : 0;
        chart->minus = chart_minus(page->content->reader);
        if (count)
                page->draw->chart(page->document, chart);
}

enum { AREA_MAX = 32 };

/* Areas have Japanese names; their keys are English words. */
static const char *area_name(const struct results_part *part, enum reader reader, char buffer[AREA_MAX])
{
        if (reader)
                return part->name;
        snprintf(buffer, AREA_MAX, "%s", part->key);
        buffer[0] = (char)toupper((unsigned char)buffer[0]);
        return buffer;
}

static void add_area_chart(const struct page *page)
{
        const struct results_parts *parts = page->content->parts;
        enum reader reader = page->content->reader;
        char title[160], period[PERIOD_TEXT_MAX], buffers[RESULTS_PARTS_MAX][AREA_MAX];
        const char *names[RESULTS_PARTS_MAX];

        print_text(title, sizeof(title), AREAS, reader,
                   period_text(page->content->results->period, reader, period));
        for (size_t i = 0; i < parts->areas; i++)
                names[i] = area_name(&parts->area[i], reader, buffers[i]);
        add_parts_chart(
            page,
            &(struct document_chart){
                .kind = DOCUMENT_SHARES, .title = title, .unit = text_of(MONEY, reader), .scale = MILLION},
            names, parts->area, parts->areas);
}

static void add_hour_chart(const struct page *page)
{
        const struct results_parts *parts = page->content->parts;
        enum reader reader = page->content->reader;
        char title[160], period[PERIOD_TEXT_MAX];
        const char *names[RESULTS_PARTS_MAX];

        print_text(title, sizeof(title), HOURS, reader,
                   period_text(page->content->results->period, reader, period));
        for (size_t i = 0; i < parts->hours; i++)
                names[i] = parts->hour[i].key;
        add_parts_chart(
            page,
            &(struct document_chart){
                .kind = DOCUMENT_HOURS, .title = title, .unit = text_of(WITHDRAWALS, reader), .scale = 1},
            names, parts->hour, parts->hours);
}

/* the page ---------------------------------------------------------------------------------------------------- */

static void add_titles(const struct page *page)
{
        const struct results *results = page->content->results;
        enum reader reader = page->content->reader;
        const struct results_quarter *last = &results->quarter[results->quarters - 1];
        char from[PERIOD_TEXT_MAX], to[PERIOD_TEXT_MAX], name[PERIOD_TEXT_MAX], text[512];

        period_text(last->name, reader, name);
        if (reader)
                snprintf(text, sizeof(text), "ATM運営事業　%s 業績", name);
        else
                snprintf(text, sizeof(text), "ATM operation business: results of %s (FY%d)", name,
                         results->fiscal_year);
        page->draw->title(page->document, text);
        period_text_day(results->quarter[results->quarters - results->of_year].from_day, reader, from);
        period_text_day(last->to_day, reader, to);
        period_text(results->period, reader, name);
        snprintf(text, sizeof(text),
                 reader ? "特記のない金額は百万円。%s：%s～%s"
                        : "Millions of yen unless said otherwise. %s: %s to %s.",
                 name, from, to);
        page->draw->subtitle(page->document, text);
}

void results_page(const struct results_page *content, const struct document_functions *draw,
                  struct document *document)
{
        const struct page page = {content, draw, document};

        add_titles(&page);
        add_table(&page);
        add_quarter_charts(&page);
        add_area_chart(&page);
        add_hour_chart(&page);
}
