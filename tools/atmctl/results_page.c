/*
 * The results of a quarter as one page to hand on: title, table, charts of revenue and operating income, ATMs,
 * areas and the hours of the day, and what its reader must know.
 */
#include "tools/atmctl/results_page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/report_summary.h"
#include "tools/atmctl/results_text.h"
#include "tools/atmctl/rows.h"
#include "backoffice/pages/words.h"

enum { MILLION = 1000000, GROUPS_MAX = DOCUMENT_CATEGORIES_MAX };

/* Texts of the page: English and Japanese. */
enum word { PRELIMINARY, MONEY, MONEY_CHART, ATMS, AREAS, HOURS, WITHDRAWALS, UNITS };
static const char *const texts[][2] = {
    [PRELIMINARY] = {"Preliminary: %s is not over yet", "速報値：%s は終了していません"},
    [MONEY] = {"millions of yen", "百万円"},
    [MONEY_CHART] = {"Revenue and operating income by quarter", "売上高・営業利益（四半期）"},
    [ATMS] = {"ATMs placed at quarter end", "期末設置台数"},
    [AREAS] = {"Commission revenue by area, %s", "地域別手数料売上高（%s）"},
    [HOURS] = {"Withdrawals by hour of the day, %s", "時間帯別出金件数（%s）"},
    [WITHDRAWALS] = {"thousands", "千件"},
    [UNITS] = {"ATMs", "台"},
};

static const char *text_of(enum word word, bool japanese)
{
        return texts[word][japanese];
}

/* "%s" in the text becomes `text`. */
static void print_text(char *buffer, size_t size, enum word word, bool japanese, const char *text)
{
        const char *form = text_of(word, japanese), *at = strstr(form, "%s");

        snprintf(buffer, size, "%.*s%s%s", (int)(at - form), form, text, at + 2);
}

/* the table --------------------------------------------------------------------------------------------------- */

static enum document_row_style row_style(enum result_item item)
{
        if (result_rows[item].style == STYLE_TOTAL)
                return DOCUMENT_TOTAL;
        return result_rows[item].indent ? DOCUMENT_DETAIL : DOCUMENT_NORMAL;
}

static void add_table(const struct results *results, bool japanese, const struct document_functions *draw, struct document *document)
{
        char headings[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
        struct document_column columns[RESULTS_COLUMNS_MAX] = {0};

        for (size_t i = 0; i < results->columns; i++) {
                const struct results_column *column = &results->column[i];
                bool period = !strcmp(column->name, results->period);

                results_heading(column, japanese, headings[i]);
                columns[i] = (struct document_column){.heading = headings[i],
                                                      .align = DOCUMENT_RIGHT,
                                                      .strong = period,
                                                      .apart = i == results->of_year || !strcmp(column->name, "published") ||
                                                               strstr(column->name, " target") != NULL};
        }
        draw->table(document, "", text_of(MONEY, japanese), columns, results->columns);
        for (size_t item = 0; item < RESULT_ITEM_COUNT; item++) {
                char text[RESULTS_COLUMNS_MAX][RESULTS_TEXT_MAX];
                const char *cells[RESULTS_COLUMNS_MAX];

                for (size_t i = 0; i < results->columns; i++)
                        cells[i] = results_print(&results->column[i], (enum result_item)item, text[i]) ? text[i] : NULL;
                draw->row(document, row_style((enum result_item)item), results_label((enum result_item)item, japanese), cells);
        }
}

/* charts ------------------------------------------------------------------------------------------------------ */

static void take_series(const struct results *results, enum result_item item, struct document_value *ret_values)
{
        for (size_t i = 0; i < results->quarters; i++)
                ret_values[i] = (struct document_value){results->quarter[i].figure[item].value,
                                                        !results->quarter[i].figure[item].known};
}

static void add_quarter_charts(const struct results *results, bool japanese, const struct document_functions *draw, struct document *document)
{
        struct document_value revenue[RESULTS_QUARTERS_MAX], income[RESULTS_QUARTERS_MAX], atms[RESULTS_QUARTERS_MAX];
        const char *names[RESULTS_QUARTERS_MAX];
        struct document_series money[] = {{.name = results_label(RESULT_revenue, japanese), .values = revenue},
                                          {.name = results_label(RESULT_operating_income, japanese), .values = income}};
        struct document_series placed[] = {{.name = text_of(ATMS, japanese), .values = atms}};

        take_series(results, RESULT_revenue, revenue);
        take_series(results, RESULT_operating_income, income);
        take_series(results, RESULT_atms, atms);
        for (size_t i = 0; i < results->quarters; i++)
                names[i] = results->quarter[i].name;
        draw->chart(document, &(struct document_chart){.kind = DOCUMENT_COLUMNS,
                                                          .title = text_of(MONEY_CHART, japanese),
                                                          .unit = text_of(MONEY, japanese),
                                                          .categories = names,
                                                          .category_count = results->quarters,
                                                          .series = money,
                                                          .series_count = LENGTH(money),
                                                          .scale = MILLION,
                                                          .decimals = revenue[results->quarters - 1].amount < 10 * (int64_t)MILLION});
        draw->chart(document, &(struct document_chart){.kind = DOCUMENT_COLUMNS,
                                                          .title = text_of(ATMS, japanese),
                                                          .unit = text_of(UNITS, japanese),
                                                          .categories = names,
                                                          .category_count = results->quarters,
                                                          .series = placed,
                                                          .series_count = LENGTH(placed),
                                                          .scale = 1});
}

/* One series whose categories are rows of a query: name, amount. False after a complaint. */
static bool add_query_chart(struct database *database, const struct results *results, const char *sql,
                            struct document_chart *chart, const struct document_functions *draw, struct document *document)
{
        char first[11], last[11];
        const char *parameters[] = {first, last}, *names[GROUPS_MAX];
        struct document_value values[GROUPS_MAX];
        struct document_series series = {.name = chart->title, .values = values};
        PGresult *result;
        int64_t most = 0;
        int count;

        calendar_print_day(results->quarter[results->quarters - results->of_year].from_day, first);
        calendar_print_day(results->quarter[results->quarters - 1].to_day, last);
        result = database_query(database, sql, LENGTH(parameters), parameters);
        if (!result)
                return false;
        count = PQntuples(result) < GROUPS_MAX ? PQntuples(result) : GROUPS_MAX;
        for (int i = 0; i < count; i++) {
                names[i] = PQgetvalue(result, i, 0);
                values[i] = (struct document_value){strtoll(PQgetvalue(result, i, 1), NULL, 10), false};
                most = values[i].amount > most ? values[i].amount : most;
        }
        chart->categories = names;
        chart->category_count = (size_t)count;
        chart->series = &series;
        chart->series_count = 1;
        chart->decimals = most < 100 * chart->scale;
        if (count)
                draw->chart(document, chart);
        PQclear(result);
        return true;
}

static bool add_share_charts(struct database *database, const struct results *results, bool japanese,
                             const struct document_functions *draw, struct document *document)
{
        static const char areas[] =
            "SELECT a.name, sum(r.customer_fee_yen + r.interbank_fee_yen)::bigint FROM report_atm($1::date, $2::date) r "
            "JOIN hall h USING (hall) JOIN area a USING (area) GROUP BY a.area, a.name ORDER BY 2 DESC, 1";
        static const char english_areas[] =
            "SELECT initcap(a.area), sum(r.customer_fee_yen + r.interbank_fee_yen)::bigint FROM report_atm($1::date, $2::date) r "
            "JOIN hall h USING (hall) JOIN area a USING (area) GROUP BY a.area ORDER BY 2 DESC, 1";
        static const char hours[] = "SELECT r.hour, sum(r.withdrawals)::bigint FROM report_bank($1::date, $2::date) r "
                                    "GROUP BY r.hour ORDER BY r.hour";
        char title[2][128];
        struct document_chart area_chart = {.kind = DOCUMENT_SHARES,
                                            .title = title[0],
                                            .unit = text_of(MONEY, japanese),
                                            .scale = MILLION};
        struct document_chart hour_chart = {
            .kind = DOCUMENT_HOURS, .title = title[1], .unit = text_of(WITHDRAWALS, japanese), .scale = 1000};

        print_text(title[0], sizeof(title[0]), AREAS, japanese, results->period);
        print_text(title[1], sizeof(title[1]), HOURS, japanese, results->period);
        return add_query_chart(database, results, japanese ? areas : english_areas, &area_chart, draw, document) &&
               add_query_chart(database, results, hours, &hour_chart, draw, document);
}

/* the page ---------------------------------------------------------------------------------------------------- */

static void add_titles(const struct results *results, bool japanese, const struct document_functions *draw, struct document *document)
{
        const struct results_quarter *last = &results->quarter[results->quarters - 1];
        char from[11], to[11], text[256];

        snprintf(text, sizeof(text),
                 japanese ? "ATM運営事業　%s 業績（%d年度）" : "ATM operation business: results of %s (FY%d)", last->name,
                 results->fiscal_year);
        draw->title(document, text);
        calendar_print_day(results->quarter[results->quarters - results->of_year].from_day, from);
        calendar_print_day(last->to_day, to);
        snprintf(text, sizeof(text),
                 japanese ? "特記のない金額は百万円。%s：%s～%s" : "Millions of yen unless said otherwise. %s: %s to %s.",
                 results->period, from, to);
        draw->subtitle(document, text);
        if (!last->over) {
                print_text(text, sizeof(text), PRELIMINARY, japanese, last->name);
                draw->status(document, text);
        }
}

static bool add_footer(struct database *database, const struct results *results, bool japanese, const struct document_functions *draw, struct document *document)
{
        struct results_notes notes;
        char history[256];

        results_notes(results, japanese, &notes);
        for (size_t i = 0; i < notes.count; i++)
                draw->footnote(document, notes.text[i]);
        if (!report_history_text(database, japanese, history, sizeof(history)))
                return false;
        if (*history)
                draw->footnote(document, history);
        return true;
}

bool results_page(struct database *database, const struct results *results, bool japanese, const struct document_functions *draw, struct document *document)
{
        add_titles(results, japanese, draw, document);
        add_table(results, japanese, draw, document);
        add_quarter_charts(results, japanese, draw, document);
        return add_share_charts(database, results, japanese, draw, document) &&
               add_footer(database, results, japanese, draw, document);
}
