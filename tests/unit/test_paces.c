/* How often each terminal may: a burst, then one at a time, each terminal and kind for itself, in bounded memory. */
#include <check.h>
#include <stdio.h>

#include "daemon/paces.h"
#include "tests/suite.h"

static const struct rate_rules rule = {.at_once = 3, .period_ms = 1000}, free_rule = {0};

static bool take(struct paces *paces, const char *terminal, int64_t now_ms)
{
        return paces_take(paces, PACE_GUESS, &rule, terminal, now_ms);
}

START_TEST(a_burst_is_free_and_then_one_comes_back_at_a_time)
{
        struct paces *paces = paces_new();
        int64_t now_ms = 1000000;
        for (int i = 0; i < 3; i++)
                ck_assert(take(paces, "T0000001", now_ms));
        ck_assert(!take(paces, "T0000001", now_ms));
        ck_assert_int_eq(paces_wait_ms(paces, PACE_GUESS, &rule, "T0000001", now_ms), 1000);
        ck_assert(!take(paces, "T0000001", now_ms + 999));
        ck_assert(take(paces, "T0000001", now_ms + 1000));
        ck_assert(!take(paces, "T0000001", now_ms + 1999));
        now_ms += 100000;
        for (int i = 0; i < 3; i++)
                ck_assert(take(paces, "T0000001", now_ms));
        ck_assert(!take(paces, "T0000001", now_ms));
        paces_free(paces);
}
END_TEST

START_TEST(neither_another_terminal_nor_another_kind_is_slowed)
{
        struct paces *paces = paces_new();
        for (int i = 0; i < 4; i++)
                take(paces, "T0000001", 5000);
        ck_assert_int_gt(paces_wait_ms(paces, PACE_GUESS, &rule, "T0000001", 5000), 0);
        ck_assert_int_eq(paces_wait_ms(paces, PACE_GUESS, &rule, "T0000002", 5000), 0);
        ck_assert_int_eq(paces_wait_ms(paces, PACE_REPLACE, &rule, "T0000001", 5000), 0);
        ck_assert(paces_take(paces, PACE_REPLACE, &rule, "T0000001", 5000));
        ck_assert(take(paces, "T0000002", 5000));
        paces_free(paces);
}
END_TEST

START_TEST(without_a_burst_there_is_no_limit)
{
        struct paces *paces = paces_new();
        for (int i = 0; i < 1000; i++)
                ck_assert(paces_take(paces, PACE_GUESS, &free_rule, "T0000001", 5000));
        ck_assert_int_eq(paces_wait_ms(paces, PACE_GUESS, &free_rule, "T0000001", 5000), 0);
        paces_free(paces);
}
END_TEST

/* Who took last is remembered, whatever number of others came before. */
START_TEST(the_one_that_took_longest_ago_makes_room)
{
        struct paces *paces = paces_new();
        for (int i = 0; i < 3; i++)
                take(paces, "T0000001", 5000);
        for (int i = 0; i < PACES_MAX - 1; i++) {
                char terminal[16];
                snprintf(terminal, sizeof(terminal), "U%07d", i);
                ck_assert(take(paces, terminal, 5000));
        }
        ck_assert_int_gt(paces_wait_ms(paces, PACE_GUESS, &rule, "T0000001", 5000), 0);
        ck_assert(take(paces, "V0000000", 5000));
        ck_assert_int_eq(paces_wait_ms(paces, PACE_GUESS, &rule, "T0000001", 5000), 0);
        for (int i = 0; i < 2; i++)
                ck_assert(take(paces, "U0000000", 5000));
        ck_assert(!take(paces, "U0000000", 5000));
        paces_free(paces);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("paces");
        TCase *tcase = tcase_create("paces");
        tcase_add_test(tcase, a_burst_is_free_and_then_one_comes_back_at_a_time);
        tcase_add_test(tcase, neither_another_terminal_nor_another_kind_is_slowed);
        tcase_add_test(tcase, without_a_burst_there_is_no_limit);
        tcase_add_test(tcase, the_one_that_took_longest_ago_makes_room);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
