/* Protects backoffice/books/figure.c: figures that may be missing, and quotients that are rounded once. */
#include <check.h>
#include <stdlib.h>

#include "backoffice/books/figure.h"
#include "lib/base/array.h"
#include "tests/suite.h"

#define EXPECT(figure, expected) expect_figure(__LINE__, figure, expected)

static void expect_figure(int line, struct figure figure, int64_t expected)
{
        ck_assert_msg(figure.known, "line %d: missing", line);
        ck_assert_msg(figure.value == expected, "line %d: %lld", line, (long long)figure.value);
}

static struct figure of(int64_t value)
{
        return figure_known(value);
}

START_TEST(what_is_made_of_a_missing_figure_is_missing)
{
        const struct figure missing = figure_missing;
        const struct figure made[] = {
            figure_add(missing, of(1)),      figure_add(of(1), missing),     figure_subtract(missing, of(1)),
            figure_subtract(of(1), missing), figure_scale(missing, 1, 1),    figure_ratio(missing, of(1)),
            figure_ratio(of(1), missing),    figure_share(of(1), missing),   figure_change(of(1), missing),
            figure_change(missing, of(1)),   figure_part(missing, of(3000)), figure_part(of(1), missing),
        };

        for (size_t i = 0; i < LENGTH(made); i++)
                ck_assert_msg(!made[i].known, "number %zu is known", i);
}
END_TEST

START_TEST(sums_are_whole)
{
        EXPECT(figure_add(of(3), of(-5)), -2);
        EXPECT(figure_subtract(of(3), of(-5)), 8);
        EXPECT(figure_add(of(INT64_MAX), of(0)), INT64_MAX);
}
END_TEST

/* a, factor, divisor, rounded */
static const int64_t rounded[][4] = {
    {5, 1, 10, 1},
    {4, 1, 10, 0},
    {15, 1, 10, 2},
    {-5, 1, 10, -1},
    {-4, 1, 10, 0},
    {-15, 1, 10, -2},
    {5, 1, -10, -1},
    {-5, 1, -10, 1},
    {0, 1, -10, 0},
    {1, 1, 3, 0},
    {2, 1, 3, 1},
    {-2, 1, 3, -1},
    {7, 10, 4, 18},
    {1, 1000, 3, 333},
    {2, 1000, 3, 667},
    {INT64_C(100000000000000000), 1000, INT64_C(100000000000000000), 1000}, /* no overflow on the way */
};

START_TEST(a_quotient_is_rounded_once_halves_away_from_zero)
{
        const int64_t *row = rounded[_i];

        EXPECT(figure_scale(of(row[0]), row[1], row[2]), row[3]);
}
END_TEST

START_TEST(shares_and_changes_are_tenths_of_a_percent)
{
        EXPECT(figure_share(of(123), of(1000)), 123);
        EXPECT(figure_share(of(1), of(3)), 333);
        EXPECT(figure_share(of(-1), of(3)), -333);
        EXPECT(figure_share(of(3000), of(1000)), 3000);
        EXPECT(figure_change(of(1094129), of(548000)), 997);
        EXPECT(figure_change(of(1051), of(1000)), 51);
        EXPECT(figure_change(of(0), of(1000)), -1000);
        EXPECT(figure_change(of(-1000), of(1000)), -2000);
        EXPECT(figure_ratio(of(7), of(2)), 35);
        EXPECT(figure_ratio(of(1), of(20)), 1); /* 0.05 */
}
END_TEST

START_TEST(nothing_is_compared_with_nothing_or_with_a_loss)
{
        ck_assert(!figure_scale(of(1), 1, 0).known);
        ck_assert(!figure_share(of(1), of(0)).known);
        ck_assert(!figure_share(of(1), of(-1)).known);
        ck_assert(!figure_change(of(1), of(0)).known);
        ck_assert(!figure_change(of(1), of(-1)).known);
        ck_assert(!figure_ratio(of(1), of(0)).known);
}
END_TEST

START_TEST(a_tax_is_rounded_down)
{
        EXPECT(figure_part(of(99999), of(3000)), 29999);
        EXPECT(figure_part(of(3), of(3000)), 0);
        EXPECT(figure_part(of(-3), of(3000)), -1);
        EXPECT(figure_part(of(-10000), of(2050)), -2050); /* nothing to round */
        EXPECT(figure_part(of(-10001), of(2050)), -2051);
        EXPECT(figure_part(of(10000), of(0)), 0);
}
END_TEST

START_TEST(programs_read_figures_as_they_are)
{
        char text[FIGURE_TEXT_MAX];

        ck_assert_ptr_null(figure_print(figure_missing, text));
        ck_assert_ptr_null(figure_print_tenths(figure_missing, text));
        ck_assert_str_eq(figure_print(of(-1234567), text), "-1234567");
        ck_assert_str_eq(figure_print_tenths(of(1234), text), "123.4");
        ck_assert_str_eq(figure_print_tenths(of(-5), text), "-0.5");
        ck_assert_str_eq(figure_print_tenths(of(0), text), "0.0");
        ck_assert_str_eq(figure_print_tenths(of(INT64_MIN), text), "-922337203685477580.8");
        ck_assert(!figure_read(NULL).known);
        EXPECT(figure_read("-42"), -42);
}
END_TEST

START_TEST(a_rate_is_a_percentage_to_people)
{
        static const struct {
                int64_t rate_bp;
                const char *text;
        } rows[] = {{0, "0 %"},      {20, "0.2 %"},   {800, "8 %"},
                    {805, "8.05 %"}, {825, "8.25 %"}, {10000, "100 %"}};
        char buffer[FIGURE_TEXT_MAX];

        for (size_t i = 0; i < LENGTH(rows); i++)
                ck_assert_str_eq(figure_print_rate(of(rows[i].rate_bp), buffer), rows[i].text);
        ck_assert_ptr_null(figure_print_rate(figure_missing, buffer));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("figure");
        TCase *tests = tcase_create("figure");

        tcase_add_test(tests, what_is_made_of_a_missing_figure_is_missing);
        tcase_add_test(tests, sums_are_whole);
        tcase_add_loop_test(tests, a_quotient_is_rounded_once_halves_away_from_zero, 0, LENGTH(rounded));
        tcase_add_test(tests, shares_and_changes_are_tenths_of_a_percent);
        tcase_add_test(tests, nothing_is_compared_with_nothing_or_with_a_loss);
        tcase_add_test(tests, a_tax_is_rounded_down);
        tcase_add_test(tests, programs_read_figures_as_they_are);
        tcase_add_test(tests, a_rate_is_a_percentage_to_people);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
