/*
 * The results of a quarter as one page to hand on: title, table, charts of revenue and operating income, ATMs,
 * areas and the hours of the day, and what its reader must know.
 */
#include "backoffice/pages/results_page.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/pages/report_text.h"
#include "backoffice/pages/results_text.h"
#include "lib/base/array.h"
#include "rules/calendar.h"

enum { MILLION = 1000000, MONEY_DECIMALS = 1 /* those of the table */ };
_Static_assert((int)RESULTS_PARTS_MAX <= (int)DOCUMENT_CATEGORIES_MAX, "each part is a category of a chart");

struct page {
        const struct results_page *content;
        const struct document_functions *draw;
        struct document *document;
};

/* Texts of the page: English and Japanese. */
enum page_text { PRELIMINARY, MONEY, MONEY_CHART, ATMS, AREAS, HOURS, WITHDRAWALS, UNITS };
static const char *const texts[][2] = {
    [PRELIMINARY] = {"Preliminary: %s is not over yet", "速報値：%s は終了していません"},
    [MONEY] = {"millions of yen", "百万円"},
    [MONEY_CHART] = {"Revenue and operating income by quarter", "売上高・営業利益（四半期）"},
    [ATMS] = {"ATMs placed at quarter end", "期末設置台数"},
    [AREAS] = {"Commission by area, %s", "地域別手数料収入（%s）"},
    [HOURS] = {"Withdrawals by hour of the day, %s", "時間帯別出金件数（%s）"},
    [WITHDRAWALS] = {"withdrawals", "件"},
    [UNITS] = {"ATMs", "台"},
};

static const char *text_of(enum page_text text, bool japanese)
{
        return texts[text][japanese];
}

/* "%s" in the text becomes `text`. */
static void print_text(char *buffer, size_t size, enum page_text which, bool japanese, const char *text)
{
        const char *form = text_of(which, japanese), *at = strstr(form, "%s");

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
        bool japanese = page->content->japanese;
        char headings[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
        struct document_column columns[RESULTS_COLUMNS_MAX] = {0};

        for (size_t i = 0; i < results->columns; i++) {
                const struct results_column *column = &results->column[i];
                bool period = column->kind == COLUMN_PERIOD && !strcmp(column->of, results->period);

                results_heading(column, japanese, headings[i]);
                columns[i] = (struct document_column){.heading = headings[i],
                                                      .align = DOCUMENT_RIGHT,
                                                      .strong = period,
                                                      .apart = i == results->of_year ||
                                                               column->kind == COLUMN_PUBLISHED ||
                                                               column->kind == COLUMN_TARGET};
        }
        page->draw->table(page->document, "", text_of(MONEY, japanese), columns, results->columns);
        for (size_t item = 0; item < RESULT_ITEM_COUNT; item++) {
                char text[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
                const char *cells[RESULTS_COLUMNS_MAX];

                for (size_t i = 0; i < results->columns; i++)
                        cells[i] = results_print(&results->column[i], (enum result_item)item, text[i])
                                       ? text[i]
                                       : NULL;
                page->draw->row(page->document, row_style((enum result_item)item),
                                results_label(results, (enum result_item)item, japanese), cells);
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
        bool japanese = page->content->japanese;
        struct document_value revenue[RESULTS_QUARTERS_MAX], income[RESULTS_QUARTERS_MAX],
            atms[RESULTS_QUARTERS_MAX];
        const char *names[RESULTS_QUARTERS_MAX];
        struct document_series money[] = {
            {.name = results_label(results, RESULT_revenue, japanese), .values = revenue},
            {.name = results_label(results, RESULT_operating_income, japanese), .values = income}};
        struct document_series placed[] = {{.name = text_of(ATMS, japanese), .values = atms}};

        take_series(results, RESULT_revenue, revenue);
        take_series(results, RESULT_operating_income, income);
        take_series(results, RESULT_atms, atms);
        for (size_t i = 0; i < results->quarters; i++)
                names[i] = results->quarter[i].name;
        page->draw->chart(page->document, &(struct document_chart){.kind = DOCUMENT_COLUMNS,
                                                                   .title = text_of(MONEY_CHART, japanese),
                                                                   .unit = text_of(MONEY, japanese),
                                                                   .categories = names,
                                                                   .category_count = results->quarters,
                                                                   .series = money,
                                                                   .series_count = LENGTH(money),
                                                                   .scale = MILLION,
                                                                   .decimals = MONEY_DECIMALS});
        page->draw->chart(page->document, &(struct document_chart){.kind = DOCUMENT_COLUMNS,
                                                                   .title = text_of(ATMS, japanese),
                                                                   .unit = text_of(UNITS, japanese),
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
        if (count)
                page->draw->chart(page->document, chart);
}

enum { AREA_MAX = 32 };

/* Areas have Japanese names; their keys are English words. */
static const char *area_name(const struct results_part *part, bool japanese, char buffer[AREA_MAX])
{
        if (japanese)
                return part->name;
        snprintf(buffer, AREA_MAX, "%s", part->key);
        buffer[0] = (char)toupper((unsigned char)buffer[0]);
        return buffer;
}

static void add_area_chart(const struct page *page)
{
        const struct results_parts *parts = page->content->parts;
        bool japanese = page->content->japanese;
        char title[128], buffers[RESULTS_PARTS_MAX][AREA_MAX];
        const char *names[RESULTS_PARTS_MAX];

        print_text(title, sizeof(title), AREAS, japanese, page->content->results->period);
        for (size_t i = 0; i < parts->areas; i++)
                names[i] = area_name(&parts->area[i], japanese, buffers[i]);
        add_parts_chart(
            page,
            &(struct document_chart){
                .kind = DOCUMENT_SHARES, .title = title, .unit = text_of(MONEY, japanese), .scale = MILLION},
            names, parts->area, parts->areas);
}

static void add_hour_chart(const struct page *page)
{
        const struct results_parts *parts = page->content->parts;
        bool japanese = page->content->japanese;
        char title[128];
        const char *names[RESULTS_PARTS_MAX];

        print_text(title, sizeof(title), HOURS, japanese, page->content->results->period);
        for (size_t i = 0; i < parts->hours; i++)
                names[i] = parts->hour[i].key;
        add_parts_chart(
            page,
            &(struct document_chart){
                .kind = DOCUMENT_HOURS, .title = title, .unit = text_of(WITHDRAWALS, japanese), .scale = 1},
            names, parts->hour, parts->hours);
}

/* the page ---------------------------------------------------------------------------------------------------- */

static void add_titles(const struct page *page)
{
        const struct results *results = page->content->results;
        bool japanese = page->content->japanese;
        const struct results_quarter *last = &results->quarter[results->quarters - 1];
        char from[11], to[11], text[256];

        snprintf(text, sizeof(text),
                 japanese ? "ATM運営事業　%s 業績（%d年度）" : "ATM operation business: results of %s (FY%d)",
                 last->name, results->fiscal_year);
        page->draw->title(page->document, text);
        calendar_print_day(results->quarter[results->quarters - results->of_year].from_day, from);
        calendar_print_day(last->to_day, to);
        snprintf(text, sizeof(text),
                 japanese ? "特記のない金額は百万円。%s：%s～%s"
                          : "Millions of yen unless said otherwise. %s: %s to %s.",
                 results->period, from, to);
        page->draw->subtitle(page->document, text);
        if (!last->over) {
                print_text(text, sizeof(text), PRELIMINARY, japanese, last->name);
                page->draw->status(page->document, text);
        }
}

static void add_footnotes(const struct page *page)
{
        struct results_notes notes;
        char history[REPORT_TEXT_MAX];

        results_notes(page->content->results, page->content->japanese, &notes);
        for (size_t i = 0; i < notes.count; i++)
                page->draw->footnote(page->document, notes.text[i]);
        if (report_text_generated(page->content->generated, page->content->japanese, history))
                page->draw->footnote(page->document, history);
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
        add_footnotes(&page);
}
