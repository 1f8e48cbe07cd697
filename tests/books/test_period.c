/* Protects backoffice/books/period.c: the days of a report, what people call them, and the same days earlier. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/period.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tests/suite.h"

static int32_t day(const char *text)
{
        int32_t number;

        ck_assert(calendar_parse_day(text, &number));
        return number;
}

static const struct {
        const char *first, *last, *label;
} names[] = {
    {"2016-10-01", "2016-12-31", "3Q16"},
    {"2017-01-01", "2017-03-31", "4Q16"},
    {"2016-04-01", "2016-12-31", "1Q-3Q16"},
    {"2016-04-01", "2017-03-31", "FY2016"},
    {"2016-01-01", "2016-12-31", "2016-01-01 to 2016-12-31"}, /* of two fiscal years */
    {"2016-12-01", "2016-12-31", "2016-12"},
    {"2016-11-01", "2016-12-31", "2016-11-01 to 2016-12-31"},
    {"2016-12-29", "2016-12-29", "2016-12-29"},
    {"2016-12-29", "2016-12-31", "2016-12-29 to 2016-12-31"},
};

START_TEST(whole_quarters_years_and_months_are_called_by_their_names)
{
        struct period period;

        period_of_days(day(names[_i].first), day(names[_i].last), &period);
        ck_assert_str_eq(period.label, names[_i].label);
        ck_assert_str_eq(period.first, names[_i].first);
        ck_assert_str_eq(period.last, names[_i].last);
}
END_TEST

START_TEST(a_name_is_its_days)
{
        static const struct {
                const char *name, *first, *last;
        } rows[] = {{"1Q16", "2016-04-01", "2016-06-30"},
                    {"4Q16", "2017-01-01", "2017-03-31"},
                    {"2Q-4Q15", "2015-07-01", "2016-03-31"}};
        struct period period;

        for (size_t i = 0; i < LENGTH(rows); i++) {
                period_of_name(rows[i].name, &period);
                ck_assert_str_eq(period.first, rows[i].first);
                ck_assert_str_eq(period.last, rows[i].last);
                ck_assert_str_eq(period.label, rows[i].name);
        }
        period_of_month("2016-02", &period);
        ck_assert_str_eq(period.last, "2016-02-29");
}
END_TEST

static const struct {
        const char *first, *last;
        enum period_step step;
        const char *before_first, *before_last;
} steps[] = {
    {"2016-10-01", "2016-12-31", PERIOD_STEP_YEAR, "2015-10-01", "2015-12-31"},
    {"2016-10-01", "2016-12-31", PERIOD_STEP_QUARTER, "2016-07-01", "2016-09-30"},
    {"2016-04-01", "2016-06-30", PERIOD_STEP_QUARTER, "2016-01-01", "2016-03-31"},
    {"2016-02-29", "2016-02-29", PERIOD_STEP_YEAR, "2015-02-28", "2015-02-28"}, /* a day that is not there */
    {"2015-02-01", "2015-02-28", PERIOD_STEP_YEAR, "2014-02-01", "2014-02-28"},
    {"2017-02-01", "2017-02-28", PERIOD_STEP_YEAR, "2016-02-01", "2016-02-29"}, /* a month stays one */
    {"2017-02-28", "2017-02-28", PERIOD_STEP_YEAR, "2016-02-28", "2016-02-28"}, /* and a day stays one day */
    {"2016-06-30", "2016-06-30", PERIOD_STEP_QUARTER, "2016-03-30", "2016-03-30"},
    {"2016-05-27", "2016-05-31", PERIOD_STEP_QUARTER, "2016-02-27", "2016-02-29"},
    {"2016-05-30", "2016-05-31", PERIOD_STEP_QUARTER, "2016-02-29", "2016-02-29"},
    {"2016-04-15", "2016-06-30", PERIOD_STEP_QUARTER, "2016-01-15", "2016-03-30"},
};

START_TEST(the_same_days_lie_so_much_earlier)
{
        struct period period, before;

        period_of_days(day(steps[_i].first), day(steps[_i].last), &period);
        period_before(&period, steps[_i].step, &before);
        ck_assert_str_eq(before.first, steps[_i].before_first);
        ck_assert_str_eq(before.last, steps[_i].before_last);
}
END_TEST

START_TEST(names_of_a_kind_stand_in_the_order_of_time)
{
        static const char *const rows[][2] = {
            {"2Q16", "1Q17"},       {"1Q16", "2Q16"},       {"4Q15", "1Q-3Q16"}, {"1Q-3Q16", "3Q16"},
            {"1Q-4Q15", "1Q-2Q16"}, {"2016-09", "2016-10"}, {"FY2015", "FY2016"}};

        for (size_t i = 0; i < LENGTH(rows); i++) {
                ck_assert_msg(period_compare(rows[i][0], rows[i][1]) < 0, "%s", rows[i][0]);
                ck_assert_msg(period_compare(rows[i][1], rows[i][0]) > 0, "%s", rows[i][0]);
                ck_assert_int_eq(period_compare(rows[i][0], rows[i][0]), 0);
        }
}
END_TEST

START_TEST(days_to_come_do_not_count)
{
        struct period period;

        period_of_name("3Q16", &period);
        ck_assert(!period_is_over(&period, period.last_day));
        ck_assert(period_is_over(&period, period.last_day + 1));
        ck_assert_int_eq(period_counted(&period, period.last_day - 3), period.last_day - 3);
        ck_assert_int_eq(period_counted(&period, period.last_day + 3), period.last_day);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("period");
        TCase *tests = tcase_create("period");

        tcase_add_loop_test(tests, whole_quarters_years_and_months_are_called_by_their_names, 0,
                            LENGTH(names));
        tcase_add_test(tests, a_name_is_its_days);
        tcase_add_loop_test(tests, the_same_days_lie_so_much_earlier, 0, LENGTH(steps));
        tcase_add_test(tests, names_of_a_kind_stand_in_the_order_of_time);
        tcase_add_test(tests, days_to_come_do_not_count);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
