/* What people are told on standard error: a terminal's line of progress replaces itself and makes way for complaints,
 * elsewhere there is none, or whole lines where they were asked for. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/cli/program.h"
#include "lib/cli/say.h"
#include "tests/suite.h"

#define WIPED "\r\033[K"

/* From now on standard error is the writing end; the reading one is returned. Each test is a process of its own. */
static int catch_pipe(void)
{
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        close(ends[1]);
        return ends[0];
}

static int catch_terminal(void)
{
        int reading = posix_openpt(O_RDWR | O_NOCTTY);
        ck_assert_int_ge(reading, 0);
        ck_assert_int_eq(grantpt(reading), 0);
        ck_assert_int_eq(unlockpt(reading), 0);
        int writing = open(ptsname(reading), O_WRONLY | O_NOCTTY);
        ck_assert_int_ge(writing, 0);
        ck_assert_int_eq(dup2(writing, STDERR_FILENO), STDERR_FILENO);
        return reading;
}

static void expect(int reading, const char *wanted)
{
        char text[512] = "";
        size_t used = 0;
        while (used < strlen(wanted)) {
                ssize_t n = read(reading, text + used, sizeof(text) - 1 - used);
                ck_assert_msg(n > 0, "only '%s'", text);
                used += (size_t)n;
        }
        ck_assert_str_eq(text, wanted);
}

START_TEST(a_line_on_a_terminal_replaces_itself_and_makes_way_for_a_complaint)
{
        int reading = catch_terminal();
        say_as("program");
        progress("one of %d", 3);
        progress("two of %d", 3);
        complain("it %s", "broke");
        progress_end();
        progress("three");
        progress_end();
        expect(reading, WIPED "one of 3" WIPED "two of 3" WIPED "program: it broke\r\n" WIPED "three" WIPED);
}
END_TEST

START_TEST(elsewhere_there_is_no_progress)
{
        int reading = catch_pipe();
        say_as("program");
        ck_assert(!progress_is_due(1000));
        progress("one");
        progress_end();
        complain("it broke");
        expect(reading, "program: it broke\n");
}
END_TEST

START_TEST(what_a_message_quotes_steers_no_terminal)
{
        int reading = catch_pipe();
        say_as("program");
        complain("%s", "red \033[31m, turned \u202e, cut \xe4\xb8; 丸の内\nadvice");
        note("%s", "back\r");
        expect(reading,
               "program: red \\u001b[31m, turned \\u202e, cut \\xe4\\xb8; 丸の内\nadvice\nback\\u000d\n");
}
END_TEST

START_TEST(elsewhere_whole_lines_come_where_they_were_asked_for)
{
        int reading = catch_pipe();
        say_as("program");
        progress_everywhere();
        progress("one");
        complain("it broke");
        progress("two");
        progress_end();
        expect(reading, "one\nprogram: it broke\ntwo\n");
}
END_TEST

START_TEST(it_is_due_five_times_a_second_on_a_terminal)
{
        catch_terminal();
        ck_assert(progress_is_due(7000000));
        ck_assert(!progress_is_due(7199999));
        ck_assert(progress_is_due(7200000));
        ck_assert(!progress_is_due(7200001));
}
END_TEST

/* Operators' programs, too, have card numbers, PINs of a laboratory or key-encrypting keys in memory. */
START_TEST(whatever_program_begins_leaves_no_core)
{
        static const struct program program = {.name = "x"};
        struct rlimit limit;
        char filter[16] = "";
        ck_assert_int_eq(program_begin(&program, 0, NULL), PROGRAM_GOES_ON);
        ck_assert_int_eq(getrlimit(RLIMIT_CORE, &limit), 0);
        ck_assert_uint_eq(limit.rlim_max, 0);
        FILE *file = fopen("/proc/self/coredump_filter", "r");
        if (!file)
                return;
        ck_assert_ptr_nonnull(fgets(filter, sizeof(filter), file));
        fclose(file);
        ck_assert_uint_eq(strtoul(filter, NULL, 16), 0);
}
END_TEST

START_TEST(it_is_due_once_a_second_elsewhere)
{
        catch_pipe();
        progress_everywhere();
        ck_assert(progress_is_due(17000000));
        ck_assert(!progress_is_due(17999999));
        ck_assert(progress_is_due(18000000));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("say");
        TCase *tcase = tcase_create("say");
        tcase_add_test(tcase, a_line_on_a_terminal_replaces_itself_and_makes_way_for_a_complaint);
        tcase_add_test(tcase, elsewhere_there_is_no_progress);
        tcase_add_test(tcase, what_a_message_quotes_steers_no_terminal);
        tcase_add_test(tcase, elsewhere_whole_lines_come_where_they_were_asked_for);
        tcase_add_test(tcase, it_is_due_five_times_a_second_on_a_terminal);
        tcase_add_test(tcase, it_is_due_once_a_second_elsewhere);
        tcase_add_test(tcase, whatever_program_begins_leaves_no_core);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
