/* Protects backoffice/books/pivot.c: rows by place and time, turned, with subtotals, and a row for those beyond a limit. */
#include <check.h>

#include "backoffice/books/pivot.h"
#include "lib/base/array.h"
#include "tests/suite.h"

static void expect_columns(const struct pivot *pivot, const char *expected)
{
        char text[PIVOT_COLUMNS_MAX * (PIVOT_NAME_MAX + 3)] = "";
        size_t used = 0;

        for (size_t i = 0; i < pivot->columns; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s%s", i ? " " : "",
                                         pivot->column[i].subtotal ? "=" : "", pivot->column[i].name);
        ck_assert_str_eq(text, expected);
}

static void expect_row(const struct pivot *pivot, const struct pivot_row *row, const char *expected)
{
        char text[512];
        size_t used = (size_t)snprintf(text, sizeof(text), "%s", row->key);

        for (size_t i = 0; i < pivot->columns; i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, " %ld", (long)row->cell_yen[i]);
        snprintf(text + used, sizeof(text) - used, " | %ld", (long)row->total_yen);
        ck_assert_str_eq(text, expected);
}

static struct revenue_row rows[] = {
    {.key = {"kanto", "4Q15"}, .commission_yen = 4, .before_yen = {2, true}},
    {.key = {"kanto", "1Q16"}, .commission_yen = 10, .before_yen = {5, true}},
    {.key = {"kanto", "2Q16"}, .commission_yen = 20},
    {.key = {"kyushu", "3Q15"}, .commission_yen = 1},
    {.key = {"kyushu", "1Q16"}, .commission_yen = 3},
    {.key = {"tokai", "2Q16"}, .commission_yen = 2},
};
static const struct revenue revenue = {.row = rows, .rows = LENGTH(rows), .total = {.before_yen = {9, true}}};

START_TEST(quarters_are_columns_in_their_order_and_years_their_subtotals)
{
        struct pivot pivot;

        ck_assert(pivot_make(&revenue, NULL, &pivot));
        expect_columns(&pivot, "3Q15 4Q15 =FY2015 1Q16 2Q16 =FY2016");
        ck_assert_uint_eq(pivot.rows, 3);
        ck_assert_uint_eq(pivot.more, 0);
        expect_row(&pivot, &pivot.row[0], "kanto 0 4 4 10 20 30 | 34");
        expect_row(&pivot, &pivot.row[1], "kyushu 1 0 1 3 0 3 | 4");
        expect_row(&pivot, &pivot.total, "total 1 4 5 13 22 35 | 40");
        ck_assert_int_eq(pivot.row[0].before_yen.value, 7);
        ck_assert_int_eq(pivot.row[0].change_tenths.value, 3857);
        ck_assert(!pivot.row[1].before_yen.known);
        ck_assert_int_eq(pivot.total.before_yen.value, 9);
        pivot_free(&pivot);
}
END_TEST

START_TEST(what_the_books_have_a_part_of_is_no_measure_of_the_whole)
{
        struct revenue cut = revenue;
        int64_t limit = 1;
        struct pivot pivot;

        cut.total.before_yen = figure_missing;
        ck_assert(pivot_make(&cut, &limit, &pivot));
        ck_assert(!pivot.row[0].before_yen.known && !pivot.row[0].change_tenths.known);
        ck_assert(!pivot.others.before_yen.known && !pivot.total.change_tenths.known);
        expect_row(&pivot, &pivot.row[0], "kanto 0 4 4 10 20 30 | 34");
        pivot_free(&pivot);
}
END_TEST

START_TEST(what_is_beyond_the_limit_is_one_row_so_that_the_total_is_the_sum)
{
        int64_t limit = 1;
        struct pivot pivot;

        ck_assert(pivot_make(&revenue, &limit, &pivot));
        ck_assert_uint_eq(pivot.rows, 1);
        ck_assert_uint_eq(pivot.more, 2);
        expect_row(&pivot, &pivot.others, "others 1 0 1 3 2 5 | 6");
        expect_row(&pivot, &pivot.total, "total 1 4 5 13 22 35 | 40");
        pivot_free(&pivot);
}
END_TEST

static void expect_spans(const char *const *spans, size_t count, const char *expected)
{
        struct revenue_row some[PIVOT_COLUMNS_MAX + 1] = {0};
        struct pivot pivot;

        for (size_t i = 0; i < count; i++)
                some[i] = (struct revenue_row){.key = {"kanto", spans[i]}, .commission_yen = 1};
        ck_assert(pivot_make(&(struct revenue){.row = some, .rows = count}, NULL, &pivot));
        expect_columns(&pivot, expected);
        pivot_free(&pivot);
}

START_TEST(a_subtotal_is_left_out_where_it_would_have_everything)
{
        static const char *const days[] = {"2016-12-30", "2016-12-31", "2017-01-01"},
                                 *const months[] = {"2016-03", "2016-04", "2016-06", "2016-07"},
                                 *const quarters[] = {"1Q16", "2Q16"}, *const years[] = {"FY2015", "FY2016"};

        expect_spans(days, LENGTH(days), "2016-12-30 2016-12-31 =2016-12 2017-01-01 =2017-01");
        expect_spans(months, LENGTH(months), "2016-03 =4Q15 2016-04 2016-06 =1Q16 2016-07 =2Q16");
        expect_spans(quarters, LENGTH(quarters), "1Q16 2Q16");
        expect_spans(years, LENGTH(years), "FY2015 FY2016");
}
END_TEST

START_TEST(more_columns_than_a_page_has_room_for_are_none)
{
        struct revenue_row some[PIVOT_COLUMNS_MAX + 1] = {0};
        char span[PIVOT_COLUMNS_MAX + 1][PIVOT_NAME_MAX];
        struct pivot pivot;

        for (size_t i = 0; i < LENGTH(some); i++) {
                snprintf(span[i], sizeof(span[i]), "2016-12-%02zu", i + 1);
                some[i] = (struct revenue_row){.key = {"kanto", span[i]}, .commission_yen = 1};
        }
        ck_assert(!pivot_make(&(struct revenue){.row = some, .rows = LENGTH(some)}, NULL, &pivot));
        pivot_free(&pivot);
}
END_TEST

START_TEST(only_a_place_or_a_bank_by_a_span_of_time_is_turned)
{
        static const struct {
                const char *key[2];
                bool suits;
        } questions[] = {{{"area", "quarter"}, true}, {{"hall", "month"}, true}, {{"issuer", "fy"}, true},
                         {{"area", NULL}, false},     {{"area", "band"}, false}, {{"quarter", "area"}, false},
                         {{"fy", "quarter"}, false},  {{"area", "hour"}, false}};

        for (size_t i = 0; i < LENGTH(questions); i++)
                ck_assert_int_eq(pivot_suits(&(struct revenue_question){
                                     .key = {questions[i].key[0], questions[i].key[1]}}),
                                 questions[i].suits);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("books/pivot");
        TCase *cases = tcase_create("pivot");

        tcase_add_test(cases, quarters_are_columns_in_their_order_and_years_their_subtotals);
        tcase_add_test(cases, what_the_books_have_a_part_of_is_no_measure_of_the_whole);
        tcase_add_test(cases, what_is_beyond_the_limit_is_one_row_so_that_the_total_is_the_sum);
        tcase_add_test(cases, a_subtotal_is_left_out_where_it_would_have_everything);
        tcase_add_test(cases, more_columns_than_a_page_has_room_for_are_none);
        tcase_add_test(cases, only_a_place_or_a_bank_by_a_span_of_time_is_turned);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
