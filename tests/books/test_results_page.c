/* Protects backoffice/pages/results_page.c: its charts show figures with the decimals that its table has. */
#include <check.h>
#include <stdlib.h>

#include "backoffice/pages/results_page.h"
#include "tests/suite.h"

static struct document_chart charts[8];
static size_t chart_count;

static void take_text(struct document *document, const char *text)
{
        (void)document, (void)text;
}

static void take_table(struct document *document, const char *caption, const char *label_heading,
                       const struct document_column *columns, size_t count)
{
        (void)document, (void)caption, (void)label_heading, (void)columns, (void)count;
}

static void take_row(struct document *document, enum document_row_style style, const char *label,
                     const char *const cells[])
{
        (void)document, (void)style, (void)label, (void)cells;
}

static void take_chart(struct document *document, const struct document_chart *chart)
{
        (void)document;
        ck_assert_uint_lt(chart_count, sizeof(charts) / sizeof(*charts));
        charts[chart_count++] = *chart;
}

/* Millions with one decimal; ATMs and withdrawals one by one. */
START_TEST(charts_show_the_decimals_of_the_table)
{
        static const struct document_functions draw = {.title = take_text,
                                                       .subtitle = take_text,
                                                       .status = take_text,
                                                       .footnote = take_text,
                                                       .table = take_table,
                                                       .row = take_row,
                                                       .chart = take_chart};
        struct results *results = calloc(1, sizeof(*results));
        struct results_parts *parts = calloc(1, sizeof(*parts));

        ck_assert(results && parts);
        results->quarters = results->of_year = 1;
        results->quarter[0] = (struct results_quarter){.name = "3Q16"};
        results->quarter[0].figure[RESULT_revenue] = figure_known(1037240000);
        parts->area[parts->areas++] = (struct results_part){"kanto", "関東", 411000000};
        parts->hour[parts->hours++] = (struct results_part){"18", NULL, 316049};
        results_page(&(struct results_page){.results = results, .parts = parts}, &draw, NULL);
        ck_assert_uint_eq(chart_count, 4);
        for (size_t i = 0; i < chart_count; i++)
                ck_assert_uint_eq(charts[i].decimals, charts[i].scale == 1000000 ? 1 : 0);
        ck_assert_int_eq(charts[0].scale, 1000000);
        ck_assert_int_eq(charts[3].scale, 1);
        free(results);
        free(parts);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("books/results_page");
        TCase *cases = tcase_create("results_page");

        tcase_add_test(cases, charts_show_the_decimals_of_the_table);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
