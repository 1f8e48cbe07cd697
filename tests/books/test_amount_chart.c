/* Protects backoffice/pages/amount_chart.c: what stands over a report's table sums up to it, in whole yen. */
#include <check.h>

#include "backoffice/pages/amount_chart.h"
#include "tests/suite.h"

START_TEST(places_beyond_the_first_are_one_share_so_that_nothing_is_lost)
{
        static struct amount_chart chart;
        const struct document_chart *ready;
        static char label[60][16];
        int64_t sum = 0;

        amount_chart_start(&chart, AMOUNT_BY_PLACE, READER_ENGLISH, "commission", "3Q16");
        ck_assert_ptr_null(amount_chart_ready(&chart));
        for (int i = 0; i < 20; i++) {
                snprintf(label[i], sizeof(label[i]), "H%05d", i);
                amount_chart_add(&chart, label[i], "of the same name", 100);
                amount_chart_add(&chart, label[i], "of the same name", 1);
        }
        ready = amount_chart_ready(&chart);
        ck_assert_int_eq(ready->kind, DOCUMENT_SHARES);
        ck_assert_uint_eq(ready->category_count, AMOUNT_CHART_SHARES);
        ck_assert_str_eq(ready->categories[0], "of the same name");
        ck_assert_str_eq(ready->categories[AMOUNT_CHART_SHARES - 1], "Others");
        for (size_t i = 0; i < ready->category_count; i++)
                sum += ready->series[0].values[i].amount;
        ck_assert_int_eq(sum, 2020);
        ck_assert_int_eq(ready->scale, 1);
        ck_assert_uint_eq(ready->decimals, 0);
        ck_assert_str_eq(ready->title, "Commission, 3Q16");
}
END_TEST

START_TEST(spans_are_columns_and_more_than_a_chart_holds_are_none)
{
        static struct amount_chart chart;
        static char label[60][16];

        amount_chart_start(&chart, AMOUNT_BY_SPAN, READER_JAPANESE, "commission", "3Q16");
        for (int i = 0; i < DOCUMENT_CATEGORIES_MAX; i++) {
                snprintf(label[i], sizeof(label[i]), "%d", i);
                amount_chart_add(&chart, label[i], NULL, -1);
        }
        ck_assert_int_eq(amount_chart_ready(&chart)->kind, DOCUMENT_COLUMNS);
        ck_assert_str_eq(amount_chart_ready(&chart)->minus, "△");
        amount_chart_add(&chart, "one more", NULL, 1);
        ck_assert_ptr_null(amount_chart_ready(&chart));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("books/amount_chart");
        TCase *cases = tcase_create("amount_chart");

        tcase_add_test(cases, places_beyond_the_first_are_one_share_so_that_nothing_is_lost);
        tcase_add_test(cases, spans_are_columns_and_more_than_a_chart_holds_are_none);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
