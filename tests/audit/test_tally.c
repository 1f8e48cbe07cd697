/* Protects backoffice/audit's tally.c and findings.c: sums by key compared from both sides, and what is kept of differences. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/findings.h"
#include "backoffice/audit/tally.h"
#include "tests/suite.h"

static char told[512];

/* "KEY EXPECTED/FOUND, " */
static void tell(const void *key, const int64_t *expected, const int64_t *found, void *context)
{
        size_t used = strlen(told);
        uint32_t number;

        ck_assert_ptr_eq(context, told);
        memcpy(&number, key, sizeof(number));
        snprintf(told + used, sizeof(told) - used, "%u %lld/%lld, ", number, (long long)expected[0],
                 (long long)found[0]);
}

static void add(struct tally *tally, uint32_t key, int64_t yen)
{
        ck_assert(tally_add(tally, &key, &yen));
}

static void compare(struct tally *tally, uint32_t key, int64_t yen)
{
        tally_compare(tally, &key, &yen, tell, told);
}

START_TEST(each_side_that_lacks_a_key_counts_as_zero)
{
        struct tally tally;

        *told = '\0';
        tally_open(&tally, sizeof(uint32_t), 1);
        add(&tally, 1, 100);
        add(&tally, 1, 50);
        add(&tally, 2, 100); /* nobody else has it */
        add(&tally, 3, 70);
        add(&tally, 3, -70); /* the same as none */
        add(&tally, 4, 5);
        compare(&tally, 1, 150);
        compare(&tally, 4, 6);
        compare(&tally, 5, 9); /* only the others have it */
        compare(&tally, 6, 0);
        ck_assert_str_eq(told, "4 5/6, 5 0/9, ");
        ck_assert_uint_eq(tally_compare_rest(&tally, tell, told), 2);
        ck_assert_str_eq(told, "4 5/6, 5 0/9, 2 100/0, ");
        tally_close(&tally);
}
END_TEST

START_TEST(a_key_that_comes_twice_was_expected_once)
{
        struct tally tally;

        *told = '\0';
        tally_open(&tally, sizeof(uint32_t), 1);
        add(&tally, 1, 100);
        compare(&tally, 1, 100);
        compare(&tally, 1, 100);
        ck_assert_str_eq(told, "1 0/100, ");
        tally_close(&tally);
}
END_TEST

START_TEST(a_sum_over_the_largest_number_is_refused)
{
        struct tally tally;
        const uint32_t key = 1;
        const int64_t most = INT64_MAX, one = 1;

        tally_open(&tally, sizeof(uint32_t), 1);
        ck_assert(tally_add(&tally, &key, &most));
        ck_assert(!tally_add(&tally, &key, &one));
        tally_close(&tally);
}
END_TEST

START_TEST(many_keys_are_all_found_again_and_gone_after_clearing)
{
        enum { KEYS = 5000 };
        struct tally tally;

        tally_open(&tally, sizeof(uint32_t), 1);
        for (uint32_t key = 0; key < KEYS; key++)
                add(&tally, key, key);
        for (uint32_t key = 0; key < KEYS; key++)
                ck_assert_int_eq(*tally_find(&tally, &key), key);
        ck_assert_uint_eq(tally.count, KEYS);
        tally_clear(&tally);
        ck_assert_ptr_null(tally_find(&tally, &(uint32_t){7}));
        tally_close(&tally);
}
END_TEST

static struct fact said(const char *text)
{
        struct fact fact;

        fact_begin(&fact, FACT_VALUE);
        fact_text(&fact, text);
        return fact;
}

static void add_finding(struct findings *findings, enum verify_check check, const char *key,
                        const char *expected, const char *found)
{
        const struct fact facts[] = {said(key), said(expected), said(found)};

        findings_add(findings, check, &facts[0], &facts[1], &facts[2]);
}

START_TEST(findings_are_counted_by_check_and_named_by_check_and_key)
{
        struct findings findings = {.count = 0};

        add_finding(&findings, CHECK_SAF, "b", "1", "2");
        add_finding(&findings, CHECK_COMMISSION, "z", "1", "2");
        add_finding(&findings, CHECK_SAF, "a", "1", "2");
        findings_sort(&findings);
        ck_assert_uint_eq(findings.differences, 3);
        ck_assert_uint_eq(findings.differ[CHECK_SAF], 2);
        ck_assert_uint_eq(findings.differ[CHECK_PRICE], 0);
        ck_assert_str_eq(findings.named[0].key.values, "z");
        ck_assert_str_eq(findings.named[1].key.values, "a");
        ck_assert_str_eq(findings.named[2].key.values, "b");
        findings_free(&findings);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("tally");
        TCase *tests = tcase_create("tally");

        tcase_add_test(tests, each_side_that_lacks_a_key_counts_as_zero);
        tcase_add_test(tests, a_key_that_comes_twice_was_expected_once);
        tcase_add_test(tests, a_sum_over_the_largest_number_is_refused);
        tcase_add_test(tests, many_keys_are_all_found_again_and_gone_after_clearing);
        tcase_add_test(tests, findings_are_counted_by_check_and_named_by_check_and_key);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
