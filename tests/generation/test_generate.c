/* Protects backoffice/generation/generate.c where it ends before any database is asked; flows ask it with one. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/generation/generate.h"
#include "tests/suite.h"

START_TEST(a_scale_takes_its_share_of_the_fleet_rounded_and_at_least_one)
{
        static const struct {
                const char *scale;
                int64_t fleet, atms;
        } cases[] = {{"1", 1066, 1066},       {"0.5", 1066, 533},  {"0.01", 1066, 11},
                     {"0.003", 1066, 3},      {"0.0001", 1066, 1}, {"0.000001", 1066, 1},
                     {"0.123456", 1000, 123}, {"0.0005", 3001, 2}};

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
                ck_assert_msg(generation_scaled_fleet(cases[i].scale, cases[i].fleet) == cases[i].atms,
                              "scale %s of %lld: %lld expected", cases[i].scale, (long long)cases[i].fleet,
                              (long long)cases[i].atms);
}
END_TEST

static int connects;

static PGconn *connect_nowhere(void *context)
{
        (void)context;
        connects++;
        return NULL;
}

static bool take_all(enum generation_word word, const char *text, char ret_canonical[GENERATION_WORD_MAX],
                     char ret_why[GENERATION_WHY_MAX])
{
        (void)word;
        (void)ret_why;
        snprintf(ret_canonical, GENERATION_WORD_MAX, "%s", text);
        return true;
}

START_TEST(a_scenario_that_can_not_be_read_is_refused_before_anybody_connects)
{
        const struct generation_question question = {.scenario_path = "/nowhere",
                                                     .scale = "1",
                                                     .processes = 1,
                                                     .connect = connect_nowhere,
                                                     .check = take_all};
        struct generation_answer answer;
        char error[PG_ERROR_MAX];

        connects = 0;
        ck_assert_int_eq(generate(&question, &answer, error), GENERATION_REFUSED);
        ck_assert_msg(strstr(error, "/nowhere"), "%s", error);
        ck_assert_int_eq(connects, 0);
}
END_TEST

START_TEST(without_a_connection_nothing_is_written_and_nothing_more_is_said)
{
        const struct generation_question question = {.scenario_path =
                                                         SOURCE_DIR "/etc/scenarios/fy2015-fy2016",
                                                     .scale = "0.01",
                                                     .processes = 1,
                                                     .connect = connect_nowhere,
                                                     .check = take_all};
        struct generation_answer answer;
        char error[PG_ERROR_MAX];

        connects = 0;
        ck_assert_int_eq(generate(&question, &answer, error), GENERATION_REFUSED);
        ck_assert_str_eq(error, "");
        ck_assert_int_eq(connects, 1);
}
END_TEST

START_TEST(a_process_that_can_not_connect_fails_the_whole)
{
        static const struct business_plan plan = {.atms = 2, .atms_whole = 2};
        static const char terminals[2][9] = {"T0000001", "T0000002"};
        static const bool is_done[2];
        const struct generation_job job = {.plan = &plan,
                                           .scenario = "none",
                                           .terminal = terminals,
                                           .is_done = is_done,
                                           .connect = connect_nowhere};
        struct generation_total total;
        char error[PG_ERROR_MAX];

        ck_assert(!generation_write(&job, 2, &total, error));
        ck_assert_int_eq(total.pieces, 0);
        ck_assert_str_eq(error, "");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("generate");
        TCase *tests = tcase_create("generate");

        tcase_add_test(tests, a_scale_takes_its_share_of_the_fleet_rounded_and_at_least_one);
        tcase_add_test(tests, a_scenario_that_can_not_be_read_is_refused_before_anybody_connects);
        tcase_add_test(tests, without_a_connection_nothing_is_written_and_nothing_more_is_said);
        tcase_add_test(tests, a_process_that_can_not_connect_fails_the_whole);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
