/* Protects lib/documents/ticks.c: which numbers stand on an axis, and how amounts read. */
#include <check.h>
#include <stdlib.h>

#include "lib/documents/document.h"
#include "lib/documents/ticks.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct tick_case {
        int64_t low, high;
        unsigned most;
        int64_t least_step, first, step;
        unsigned count;
} tick_cases[] = {
    {0, 3056, 5, 1, 0, 1000, 5},
    {0, 3056, 8, 1, 0, 500, 8},
    {0, 9, 6, 1, 0, 2, 6},
    {0, 10, 6, 1, 0, 2, 6},
    {0, 11, 6, 1, 0, 5, 4},
    {-182, 3056, 6, 1, -1000, 1000, 6},
    {-500, -20, 4, 1, -600, 200, 4},
    {801, 1066, 7, 1, 800, 50, 7},
    {0, 0, 5, 1, 0, 1, 2}, /* nothing at all still has an axis */
    {7, 7, 5, 1, 7, 1, 2},
    {0, 3, 5, 10, 0, 10, 2}, /* ticks finer than the labels can tell apart are of no use */
    {0, 1, 3, 1, 0, 1, 2},
    {-DOCUMENT_AMOUNT_MAX, DOCUMENT_AMOUNT_MAX, 5, 1, -DOCUMENT_AMOUNT_MAX, DOCUMENT_AMOUNT_MAX / 2, 5},
};

START_TEST(ticks_are_round_and_enclose_what_they_measure)
{
        for (size_t i = 0; i < COUNT(tick_cases); i++) {
                const struct tick_case *c = &tick_cases[i];
                struct ticks ticks;

                ticks_choose(c->low, c->high, c->most, c->least_step, &ticks);
                ck_assert_int_eq(ticks.first, c->first);
                ck_assert_int_eq(ticks.step, c->step);
                ck_assert_uint_eq(ticks.count, c->count);
                ck_assert_int_le(ticks.first, c->low);
                ck_assert_int_ge(ticks_last(&ticks), c->high);
                ck_assert_uint_le(ticks.count, c->most);
        }
}
END_TEST

static const struct amount_case {
        int64_t amount, scale;
        unsigned decimals;
        const char *text;
} amount_cases[] = {
    {0, 1, 0, "0"},
    {999, 1, 0, "999"},
    {1000, 1, 0, "1,000"},
    {3056100000, 1000000, 1, "3,056.1"},
    {-11400000, 1000000, 1, "\u221211.4"},
    {-40000, 1000000, 1, "0.0"}, /* no minus before nothing */
    {-50000, 1000000, 1, "\u22120.1"},
    {999950000, 1000000, 1, "1,000.0"},
    {999949999, 1000000, 1, "999.9"},
    {1499, 1000, 0, "1"},
    {1500, 1000, 0, "2"},
    {-1500, 1000, 0, "\u22122"},
    {DOCUMENT_AMOUNT_MAX, 1, 3, "100,000,000,000,000,000.000"},
    {-DOCUMENT_AMOUNT_MAX, DOCUMENT_SCALE_MAX, 3, "\u2212100,000.000"},
};

START_TEST(amounts_are_rounded_half_away_from_zero_and_have_commas)
{
        char text[AMOUNT_TEXT_SIZE];

        for (size_t i = 0; i < COUNT(amount_cases); i++) {
                const struct amount_case *c = &amount_cases[i];

                amount_text(text, c->amount, c->scale, c->decimals, NULL);
                ck_assert_str_eq(text, c->text);
        }
        amount_text(text, -8100000, 1000000, 1, "△");
        ck_assert_str_eq(text, "△8.1");
}
END_TEST

static const struct percent_case {
        int64_t part, whole;
        const char *text;
} percent_cases[] = {
    {0, 0, "0.0%"},    {0, 5, "0.0%"},
    {5, 5, "100.0%"},  {1, 3, "33.3%"},
    {2, 3, "66.7%"},   {1, 2000, "0.1%"},
    {1, 2001, "0.0%"}, {DOCUMENT_AMOUNT_MAX, 60 * DOCUMENT_AMOUNT_MAX, "1.7%"},
};

START_TEST(shares_are_percentages_with_one_decimal)
{
        for (size_t i = 0; i < COUNT(percent_cases); i++) {
                char text[AMOUNT_TEXT_SIZE];

                percent_text(text, percent_cases[i].part, percent_cases[i].whole);
                ck_assert_str_eq(text, percent_cases[i].text);
        }
}
END_TEST

START_TEST(ticks_get_as_many_decimals_as_tell_them_apart)
{
        ck_assert_uint_eq(ticks_decimals(1000000, 1000000, 3), 0);
        ck_assert_uint_eq(ticks_decimals(500000, 1000000, 3), 1);
        ck_assert_uint_eq(ticks_decimals(20000, 1000000, 3), 2);
        ck_assert_uint_eq(ticks_decimals(500000, 1000000, 0), 0);
        ck_assert_uint_eq(ticks_decimals(1, 1, 3), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("documents/ticks");
        TCase *cases = tcase_create("ticks");

        tcase_add_test(cases, ticks_are_round_and_enclose_what_they_measure);
        tcase_add_test(cases, amounts_are_rounded_half_away_from_zero_and_have_commas);
        tcase_add_test(cases, shares_are_percentages_with_one_decimal);
        tcase_add_test(cases, ticks_get_as_many_decimals_as_tell_them_apart);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
