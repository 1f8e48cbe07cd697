/* Whole numbers as texts: what is one, what is none, and the bounds, which belong to it. */
#include <check.h>

#include "lib/base/number.h"
#include "tests/suite.h"

#define LEAST "-9223372036854775808"
#define MOST  "9223372036854775807"

static const struct {
        const char *text;
        int64_t least, most;
        bool good;
        int64_t number;
} rows[] = {
    {"0", 0, 9, true, 0},
    {"9", 0, 9, true, 9},
    {"10", 0, 9, false, 0},
    {"1", 1, 9, true, 1},
    {"0", 1, 9, false, 0},
    {"007", 1, 9, true, 7},
    {"0000000000000000000000000000007", 1, 9, true, 7},
    {"-1", 0, 9, false, 0},
    {"-0", 0, 9, false, 0},
    {"-0", -1, 9, true, 0},
    {"-1", -1, 9, true, -1},
    {"-2", -1, 9, false, 0},
    {"5", -9, -1, false, 0},
    {"", 0, 9, false, 0},
    {"-", -9, 9, false, 0},
    {"--1", -9, 9, false, 0},
    {"+1", -9, 9, false, 0},
    {" 1", 0, 9, false, 0},
    {"1 ", 0, 9, false, 0},
    {"1x", 0, 9, false, 0},
    {"0x1", 0, 9, false, 0},
    {"1.0", 0, 9, false, 0},
    {"1e3", 0, 9999, false, 0},
    {"1,000", 0, 9999, false, 0},
    {"\xef\xbc\x91", 0, 9, false, 0}, /* a wide 1 */
    {"1\n", 0, 9, false, 0},
    {MOST, 0, INT64_MAX, true, INT64_MAX},
    {"9223372036854775808", 0, INT64_MAX, false, 0},
    {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
    {"99999999999999999999999999", 0, INT64_MAX, false, 0},
    {LEAST, INT64_MIN, INT64_MAX, true, INT64_MIN},
    {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
};

START_TEST(a_text_is_a_number_within_its_bounds_or_changes_nothing)
{
        int64_t number = 42;
        bool good = number_parse(rows[_i].text, rows[_i].least, rows[_i].most, &number);
        ck_assert_msg(good == rows[_i].good, "'%s'", rows[_i].text);
        ck_assert_int_eq(number, good ? rows[_i].number : 42);
}
END_TEST

START_TEST(bytes_are_read_as_far_as_they_are_asked_for)
{
        int64_t number = 42;
        ck_assert(number_parse_bytes("20161231", 4, 0, 9999, &number));
        ck_assert_int_eq(number, 2016);
        ck_assert(!number_parse_bytes("12", 4, 0, 9999, &number)); /* its end is no digit */
        ck_assert(!number_parse_bytes("12", 0, 0, 9999, &number));
        ck_assert_int_eq(number, 2016);
        ck_assert_int_eq(number_known_bytes("0812", 2), 8);
}
END_TEST

START_TEST(what_was_expected_names_both_bounds)
{
        char text[NUMBER_EXPECTED_MAX];
        ck_assert_str_eq(number_expected(1, 1000, text), "a whole number from 1 to 1000");
        ck_assert_str_eq(number_expected(INT64_MIN, INT64_MAX, text),
                         "a whole number from " LEAST " to " MOST);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("number");
        TCase *tcase = tcase_create("number");
        tcase_add_loop_test(tcase, a_text_is_a_number_within_its_bounds_or_changes_nothing, 0,
                            (int)(sizeof(rows) / sizeof(rows[0])));
        tcase_add_test(tcase, bytes_are_read_as_far_as_they_are_asked_for);
        tcase_add_test(tcase, what_was_expected_names_both_bounds);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
