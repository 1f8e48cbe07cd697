/* Business time from real time and back. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rules/clock.h"
#include "tests/suite.h"

static const struct {
        struct business_clock clock;
        int64_t real_ms, business_ms;
} rows[] = {
    {{0, 0, 1}, 1482965700123, 1482965700123},
    {{1000, 50, 1}, 50, 1000},
    {{1000, 50, 1}, 51, 1001},
    {{1000, 50, 4320}, 51, 5320},
    {{1000, 50, 4320}, 49, -3320},
    {{1482965700000, 1700000000000, 4320}, 1700000060000, 1482965700000 + 60000LL * 4320},
    /* beyond the last moment there is only the last */
    {{INT64_MAX - 5, 0, 1}, 10, INT64_MAX},
    {{0, 0, 1000}, INT64_MAX, INT64_MAX},
    {{0, 0, 1000}, INT64_MIN, INT64_MIN},
    {{0, INT64_MIN, 1}, INT64_MAX, INT64_MAX},
    {{0, INT64_MAX, 1}, INT64_MIN, INT64_MIN},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

START_TEST(business_time_runs_from_start_at_speed)
{
        ck_assert_int_eq(clock_business_ms(&rows[_i].clock, rows[_i].real_ms), rows[_i].business_ms);
}
END_TEST

START_TEST(the_real_clock_is_real)
{
        ck_assert_int_eq(clock_business_ms(&clock_real, 1482965700123), 1482965700123);
        ck_assert_int_eq(clock_real_at(&clock_real, 1482965700123), 1482965700123);
}
END_TEST

START_TEST(who_sleeps_until_the_real_moment_never_wakes_too_early)
{
        const int32_t speeds[] = {1, 2, 7, 60, 4320};

        for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
                struct business_clock clock = {1000, 500, speeds[i]};

                for (int64_t business_ms = -20000; business_ms < 20000; business_ms += 13) {
                        int64_t real_ms = clock_real_at(&clock, business_ms);

                        ck_assert_int_ge(clock_business_ms(&clock, real_ms), business_ms);
                        ck_assert_int_lt(clock_business_ms(&clock, real_ms - 1), business_ms);
                }
        }
}
END_TEST

START_TEST(a_moment_out_of_reach_is_the_last_one)
{
        struct business_clock clock = {-10, INT64_MAX - 5, 1};

        ck_assert_int_eq(clock_real_at(&clock, 10), INT64_MAX);
        ck_assert_int_eq(clock_real_at(&clock, INT64_MAX), INT64_MAX);
}
END_TEST

static const struct {
        const char *texts[CLOCK_VARIABLES];
        enum clock_source source;
        struct business_clock clock;
        const char *says;
} told[] = {
    {{NULL, NULL, NULL}, CLOCK_REAL, {0, 0, 1}, NULL},
    {{"", NULL, ""}, CLOCK_REAL, {0, 0, 1}, NULL},
    {{"1482965700000", "1700000000000", "60"}, CLOCK_LABORATORY, {1482965700000, 1700000000000, 60}, NULL},
    {{"0", "0", "2147483647"}, CLOCK_LABORATORY, {0, 0, INT32_MAX}, NULL},
    {{"5", NULL, "1"}, CLOCK_WRONG, {0, 0, 1}, "ATM_CLOCK_ANCHOR_MS: ''"},
    {{NULL, NULL, "1"}, CLOCK_WRONG, {0, 0, 1}, "ATM_CLOCK_START_MS: ''"},
    {{"5", "5", "0"},
     CLOCK_WRONG,
     {0, 0, 1},
     "ATM_CLOCK_SPEED: '0': expected a whole number from 1 to 2147483647"},
    {{"5", "5", "2147483648"}, CLOCK_WRONG, {0, 0, 1}, "ATM_CLOCK_SPEED: '2147483648'"},
    {{"-1", "5", "1"}, CLOCK_WRONG, {0, 0, 1}, "ATM_CLOCK_START_MS: '-1'"},
    {{"5", "5 ", "1"}, CLOCK_WRONG, {0, 0, 1}, "ATM_CLOCK_ANCHOR_MS: '5 '"},
    {{"99999999999999999999", "5", "1"}, CLOCK_WRONG, {0, 0, 1}, "ATM_CLOCK_START_MS: '9999"},
};
enum { TOLD = sizeof told / sizeof told[0] };

START_TEST(a_laboratory_tells_its_clock_whole_or_not_at_all)
{
        struct business_clock clock = clock_real;
        char error[CLOCK_ERROR_MAX] = "";

        ck_assert_int_eq(clock_parse(told[_i].texts, &clock, error), told[_i].source);
        ck_assert_int_eq(clock.start_ms, told[_i].clock.start_ms);
        ck_assert_int_eq(clock.anchor_ms, told[_i].clock.anchor_ms);
        ck_assert_int_eq(clock.speed, told[_i].clock.speed);
        if (told[_i].says)
                ck_assert_msg(strstr(error, told[_i].says), "%s", error);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("clock");
        TCase *tcase = tcase_create("clock");

        tcase_add_loop_test(tcase, business_time_runs_from_start_at_speed, 0, ROWS);
        tcase_add_test(tcase, the_real_clock_is_real);
        tcase_add_test(tcase, who_sleeps_until_the_real_moment_never_wakes_too_early);
        tcase_add_test(tcase, a_moment_out_of_reach_is_the_last_one);
        tcase_add_loop_test(tcase, a_laboratory_tells_its_clock_whole_or_not_at_all, 0, TOLD);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
