/* Protects lib/base/rate.c: so many at once, one more a period, never more saved up than that. */
#include <check.h>

#include "lib/base/rate.h"
#include "tests/suite.h"

static const struct rate_rules rules = {.at_once = 3, .period_ms = 100};

/* How many of ten are let through at a moment. */
static int taken(struct rate *rate, int64_t now_ms)
{
        int count = 0;
        for (int i = 0; i < 10; i++)
                count += rate_take(rate, &rules, now_ms);
        return count;
}

START_TEST(so_many_at_once_and_one_more_each_period)
{
        static const struct {
                int64_t now_ms;
                int taken;
        } rows[] = {
            {5000, 3}, {5000, 0}, {5099, 0}, {5100, 1}, {5150, 0}, {5300, 2}, {5600, 3}, {9000, 3}, {9000, 0},
        };
        struct rate rate = {0};
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                ck_assert_msg(taken(&rate, rows[i].now_ms) == rows[i].taken, "row %zu", i);
        ck_assert_int_eq(rate_wait_ms(&rate, &rules, 9000), 100);
        ck_assert_int_eq(rate_wait_ms(&rate, &rules, 9099), 1);
        ck_assert_int_eq(rate_wait_ms(&rate, &rules, 9100), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("rate");
        TCase *tcase = tcase_create("rate");
        tcase_add_test(tcase, so_many_at_once_and_one_more_each_period);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
