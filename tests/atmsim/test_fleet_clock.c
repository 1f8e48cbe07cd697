/* Protects tools/atmsim/fleet_clock.c: a clock that has stood still is behind by that, and is never seen to go back. */
#include <check.h>
#include <stdlib.h>

#include "tests/suite.h"
#include "tools/atmsim/fleet_clock.h"

enum { START = 1000000, ANCHOR = 500, SPEED = 60 };

static const struct business_clock laboratory = {.start_ms = START, .anchor_ms = ANCHOR, .speed = SPEED};
static struct fleet_clock clock_;

static void set_up(void)
{
        fleet_clock_init(&clock_, &laboratory);
}

START_TEST(it_is_the_laboratorys_until_it_stands)
{
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 10), START + 10 * SPEED);
        ck_assert_int_eq(fleet_clock_real_at(&clock_, START + 20 * SPEED), ANCHOR + 20);
}
END_TEST

START_TEST(what_it_has_stood_it_stays_behind)
{
        fleet_clock_stop(&clock_, START + 20 * SPEED);
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 400), START + 20 * SPEED);
        fleet_clock_go_on(&clock_, ANCHOR + 420);
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 421), START + 21 * SPEED);
        ck_assert_int_eq(fleet_clock_real_at(&clock_, START + 30 * SPEED), ANCHOR + 430);
        /* and once more */
        fleet_clock_stop(&clock_, START + 30 * SPEED);
        fleet_clock_go_on(&clock_, ANCHOR + 1000);
        ck_assert_int_eq(fleet_clock_real_at(&clock_, START + 31 * SPEED), ANCHOR + 1001);
        ck_assert_int_eq(clock_.stood_ms, 400 + 570);
}
END_TEST

START_TEST(it_may_stop_at_a_moment_that_was_passed_and_is_not_seen_to_go_back)
{
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 50), START + 50 * SPEED);
        fleet_clock_stop(&clock_, START + 40 * SPEED);
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 55), START + 50 * SPEED);
        fleet_clock_go_on(&clock_, ANCHOR + 60);
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 65), START + 50 * SPEED);
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 75), START + 55 * SPEED);
}
END_TEST

START_TEST(a_stand_that_is_over_before_it_begins_costs_nothing)
{
        fleet_clock_stop(&clock_, START + 40 * SPEED);
        fleet_clock_go_on(&clock_, ANCHOR + 30);
        ck_assert_int_eq(clock_.stood_ms, 0);
        ck_assert_int_eq(fleet_clock_business_ms(&clock_, ANCHOR + 41), START + 41 * SPEED);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("fleet_clock");
        TCase *clock = tcase_create("clock");

        tcase_add_checked_fixture(clock, set_up, NULL);
        tcase_add_test(clock, it_is_the_laboratorys_until_it_stands);
        tcase_add_test(clock, what_it_has_stood_it_stays_behind);
        tcase_add_test(clock, it_may_stop_at_a_moment_that_was_passed_and_is_not_seen_to_go_back);
        tcase_add_test(clock, a_stand_that_is_over_before_it_begins_costs_nothing);
        suite_add_tcase(suite, clock);
        return suite_run(suite);
}
