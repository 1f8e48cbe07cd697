/* What the daemon says of partitions that its database lacks. */
#include <check.h>
#include <string.h>

#include "daemon/partitions.h"
#include "lib/base/log.h"
#include "rules/calendar.h"
#include "tests/suite.h"

static struct reference *reference;
static int64_t now_ms;

static void set_up(void)
{
        reference = reference_new();
        ck_assert_ptr_nonnull(reference);
        ck_assert(calendar_parse_moment("2016-12-29T12:00:00+09:00", &now_ms));
        log_open("stderr", "error", NULL);
}

static void tear_down(void)
{
        reference_free(reference);
}

START_TEST(without_todays_partitions_nothing_starts_and_the_day_is_named)
{
        char error[256] = "";
        reference_set_moments(reference, now_ms - DAY_MS, now_ms + DAY_MS);
        ck_assert(partitions_check(reference, now_ms, error, sizeof(error)));
        ck_assert_str_eq(error, "");
        reference_set_moments(reference, now_ms + DAY_MS, now_ms + 2 * DAY_MS);
        ck_assert(!partitions_check(reference, now_ms, error, sizeof(error)));
        ck_assert_str_eq(
            error, "database: no partitions for the business day 2016-12-29: run 'atmctl db partitions'");
}
END_TEST

START_TEST(each_missing_day_is_named_once)
{
        struct partitions partitions = {0};
        reference_set_moments(reference, now_ms - DAY_MS, now_ms + DAY_MS); /* neither back nor ahead */
        partitions_warn(&partitions, reference, now_ms);
        int32_t today = calendar_business_day(now_ms);
        ck_assert_int_eq(partitions.warned_day[0], 0); /* today's is there */
        ck_assert_int_lt(partitions.warned_day[1], today - 180);
        ck_assert_int_gt(partitions.warned_day[2], today + 180);
        struct partitions before = partitions;
        partitions_warn(&partitions, reference, now_ms);
        ck_assert_mem_eq(&partitions, &before, sizeof(before));
        partitions_warn(&partitions, reference, now_ms + DAY_MS / 2 * 3);
        ck_assert_int_gt(partitions.warned_day[2], before.warned_day[2]);
}
END_TEST

/* They are made a month before the log would name one that is missing. */
START_TEST(partitions_are_due_a_month_before_they_are_missed)
{
        static const struct {
                int32_t days; /* that there are partitions ahead */
                bool due, missed;
        } cases[] = {{400, false, false},
                     {246, false, false},
                     {245, true, false},
                     {215, true, false},
                     {214, true, true}};

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct partitions partitions = {0};

                reference_set_moments(reference, now_ms - 400 * (int64_t)DAY_MS,
                                      now_ms + cases[i].days * (int64_t)DAY_MS);
                ck_assert_int_eq(partitions_are_due(reference, now_ms), cases[i].due);
                partitions_warn(&partitions, reference, now_ms);
                ck_assert_int_eq(partitions.warned_day[2] != 0, cases[i].missed);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("partitions");
        TCase *tcase = tcase_create("partitions");
        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, partitions_are_due_a_month_before_they_are_missed);
        tcase_add_test(tcase, without_todays_partitions_nothing_starts_and_the_day_is_named);
        tcase_add_test(tcase, each_missing_day_is_named_once);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
