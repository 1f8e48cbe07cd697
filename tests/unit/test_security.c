/*
 * Security events: each subject's first is written whatever else comes, what is not written is counted and told, and
 * docs/operations.md has the rows of the code.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "daemon/security.h"
#include "tests/suite.h"

static struct security_limit limit;
static struct {
        int calls;
        int64_t more, ms;
        char name[SECURITY_SUBJECT_MAX];
} told;

static void on_tell(void *context, const struct security_subject *subject, int64_t ms)
{
        (void)context;
        told.calls++;
        told.more = subject->more;
        told.ms = ms;
        snprintf(told.name, sizeof(told.name), "%s", subject->name);
}

static void look(int64_t now_ms, bool all)
{
        memset(&told, 0, sizeof(told));
        security_limit_tell(&limit, now_ms, all, on_tell, NULL);
}

static void start(void)
{
        memset(&limit, 0, sizeof(limit));
}

START_TEST(the_first_of_each_span_is_written_and_the_others_are_counted_until_it_ends)
{
        ck_assert(security_limit_take(&limit, "T0000001", 1000));
        for (int i = 0; i < 312; i++)
                ck_assert(!security_limit_take(&limit, "T0000001", 1000 + i));
        look(1000 + SECURITY_SPAN_MS - 1, false);
        ck_assert_int_eq(told.calls, 0);
        look(1000 + SECURITY_SPAN_MS, false);
        ck_assert_int_eq(told.calls, 1);
        ck_assert_int_eq(told.more, 312);
        ck_assert_int_eq(told.ms, SECURITY_SPAN_MS);
        ck_assert_str_eq(told.name, "T0000001");
        /* it goes on: whole once more, with the reason and the address that it has now, and counted */
        ck_assert(security_limit_take(&limit, "T0000001", 20000));
        ck_assert(!security_limit_take(&limit, "T0000001", 20001));
        look(20000 + SECURITY_SPAN_MS, false);
        ck_assert_int_eq(told.more, 1);
        /* a span of quiet: nothing is to be told */
        ck_assert(security_limit_take(&limit, "T0000001", 40000));
        look(40000 + SECURITY_SPAN_MS, false);
        ck_assert_int_eq(told.calls, 0);
        ck_assert(security_limit_take(&limit, "T0000001", 50000));
}
END_TEST

START_TEST(what_is_counted_is_told_at_the_end)
{
        security_limit_take(&limit, "T0000001", 1000);
        security_limit_take(&limit, "T0000001", 1001);
        look(1002, true);
        ck_assert_int_eq(told.calls, 1);
        ck_assert_int_eq(told.more, 1);
}
END_TEST

START_TEST(no_subject_crowds_out_another)
{
        char name[32];
        for (int i = 0; i < SECURITY_SUBJECTS; i++) {
                snprintf(name, sizeof(name), "192.0.2.%d", i);
                ck_assert(security_limit_take(&limit, name, 1000));
                for (int j = 0; j < 100; j++)
                        ck_assert(!security_limit_take(&limit, name, 1000));
        }
        /* beyond the table they are counted together */
        for (int i = 0; i < 50; i++) {
                snprintf(name, sizeof(name), "198.51.100.%d", i);
                ck_assert(!security_limit_take(&limit, name, 1000));
        }
        look(1000 + SECURITY_SPAN_MS, false);
        ck_assert_int_eq(told.calls, SECURITY_SUBJECTS + 1);
        ck_assert_str_eq(told.name, "others");
        ck_assert_int_eq(told.more, 50);
        /* and in the next span they have their places, though the former ones go on */
        for (int i = 0; i < 50; i++) {
                snprintf(name, sizeof(name), "198.51.100.%d", i);
                ck_assert(security_limit_take(&limit, name, 1001 + SECURITY_SPAN_MS));
        }
        ck_assert(security_limit_take(&limit, "192.0.2.1", 1001 + SECURITY_SPAN_MS));
}
END_TEST

START_TEST(a_long_subject_is_cut_and_remains_itself)
{
        char name[3 * SECURITY_SUBJECT_MAX];
        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        ck_assert(security_limit_take(&limit, name, 1000));
        ck_assert(!security_limit_take(&limit, name, 1000));
        ck_assert_uint_eq(limit.count, 1);
}
END_TEST

/* Its table of security events has each row of the code, and no other. */
START_TEST(the_handbook_has_the_rows_of_the_code)
{
        static char text[400000], wanted[2048];
        FILE *file = fopen(SOURCE_DIR "/docs/operations.md", "r");
        ck_assert_ptr_nonnull(file);
        text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
        fclose(file);
        char *at = strstr(text, "| security event | about | means |\n|---|---|---|\n");
        ck_assert_ptr_nonnull(at);
        at = strstr(at, "|---|---|---|\n") + strlen("|---|---|---|\n");
        for (int i = 0; i < SECURITY_COUNT; i++) {
                snprintf(wanted, sizeof(wanted), "| `%s` | %s | %s |\n", security_rows[i].event,
                         security_rows[i].subject, security_rows[i].text);
                ck_assert_msg(strncmp(at, wanted, strlen(wanted)) == 0,
                              "docs/operations.md should have\n  %s", wanted);
                at += strlen(wanted);
        }
        ck_assert_msg(*at != '|', "docs/operations.md has a row too many: %.60s", at);
}
END_TEST

START_TEST(all_names_begin_alike)
{
        for (int i = 0; i < SECURITY_COUNT; i++)
                ck_assert_msg(strncmp(security_rows[i].event, "security_", 9) == 0, "%s",
                              security_rows[i].event);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("security");
        TCase *tcase = tcase_create("security");
        tcase_add_checked_fixture(tcase, start, NULL);
        tcase_add_test(tcase, the_first_of_each_span_is_written_and_the_others_are_counted_until_it_ends);
        tcase_add_test(tcase, what_is_counted_is_told_at_the_end);
        tcase_add_test(tcase, no_subject_crowds_out_another);
        tcase_add_test(tcase, a_long_subject_is_cut_and_remains_itself);
        tcase_add_test(tcase, the_handbook_has_the_rows_of_the_code);
        tcase_add_test(tcase, all_names_begin_alike);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
