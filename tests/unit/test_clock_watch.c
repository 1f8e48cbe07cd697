/* How far this machine's clock is from the database's, and what is made of it. */
#include <check.h>

#include "config/limits.h"
#include "daemon/clock_watch.h"
#include "lib/base/array.h"
#include "tests/suite.h"

enum { WARN = LIMIT_CLOCK_WARN_MS, OFF = LIMIT_CLOCK_OFF_MS, LOST = LIMIT_CLOCK_LOST_MS };
#define DATABASE_MS INT64_C(1482980400000)
#define STEADY_MS   INT64_C(777)

/* One measurement after the other; ahead_ms is this clock's when the answer comes, had that taken no time. */
static const struct {
        int64_t ahead_ms, round_trip_ms;
        enum clock_state state;
} steps[] = {
    {0, 0, CLOCK_AGREES},
    {WARN, 0, CLOCK_AGREES},
    {WARN + 1, 0, CLOCK_DRIFTS},
    {WARN, 0, CLOCK_AGREES},
    {-WARN, 0, CLOCK_AGREES},
    {-WARN - 1, 0, CLOCK_DRIFTS},
    {-WARN - 1 + 500, 500, CLOCK_DRIFTS}, /* or less: it takes its time to say so */
    {500, 500, CLOCK_AGREES},
    {-OFF, 0, CLOCK_DRIFTS},
    {-OFF - 1, 0, CLOCK_OFF},
    {-WARN - 1, 0, CLOCK_DRIFTS},
    {OFF + 700, 700, CLOCK_DRIFTS}, /* whoever waits long for an answer knows little */
    {OFF + 701, 700, CLOCK_OFF},
    {OFF + 700, 700, CLOCK_OFF}, /* and stays what he was */
    {OFF, 700, CLOCK_DRIFTS},
    {0, 0, CLOCK_AGREES},
    {60000, 120000, CLOCK_AGREES}, /* anything from a minute behind to a minute ahead */
    {LOST, 0, CLOCK_OFF},
    {LOST + 1, 0, CLOCK_LOST},
    {-365 * (int64_t)LOST, 20, CLOCK_LOST},
    {-LOST, 0, CLOCK_OFF},
    {60000, 120000, CLOCK_OFF},
    {3, 5, CLOCK_AGREES},
};

START_TEST(a_clock_is_off_when_it_is_so_for_sure_and_right_when_that_is_sure)
{
        struct clock_watch watch = {0};
        for (size_t i = 0; i < LENGTH(steps); i++) {
                enum clock_state before = watch.state;
                bool changed =
                    clock_watch_hear(&watch, DATABASE_MS, steps[i].round_trip_ms,
                                     DATABASE_MS + steps[i].ahead_ms, STEADY_MS + (int64_t)i * 1000);
                ck_assert_msg(watch.state == steps[i].state, "step %zu: %d", i, watch.state);
                ck_assert_msg(changed == (before != watch.state), "step %zu", i);
                ck_assert_int_le(watch.ahead_ms, steps[i].ahead_ms);
                ck_assert_int_ge(watch.ahead_ms, steps[i].ahead_ms - steps[i].round_trip_ms);
        }
}
END_TEST

START_TEST(a_clock_that_somebody_sets_is_off_before_it_is_measured_again)
{
        struct clock_watch watch = {0};
        ck_assert(!clock_watch_look(&watch, DATABASE_MS + OFF + 1, STEADY_MS)); /* nothing is known yet */
        ck_assert(!clock_watch_hear(&watch, DATABASE_MS, 0, DATABASE_MS + 3, STEADY_MS));
        ck_assert(!clock_watch_look(&watch, DATABASE_MS + 3 + 60000, STEADY_MS + 60000));
        ck_assert_int_eq(watch.ahead_ms, 3);
        ck_assert(clock_watch_look(&watch, DATABASE_MS - OFF - 1, STEADY_MS));
        ck_assert_int_eq(watch.state, CLOCK_OFF);
        ck_assert(clock_watch_look(&watch, DATABASE_MS + 500, STEADY_MS + 500));
        ck_assert_int_eq(watch.state, CLOCK_AGREES);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("clock_watch");
        TCase *tcase = tcase_create("clock_watch");
        tcase_add_test(tcase, a_clock_is_off_when_it_is_so_for_sure_and_right_when_that_is_sure);
        tcase_add_test(tcase, a_clock_that_somebody_sets_is_off_before_it_is_measured_again);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
