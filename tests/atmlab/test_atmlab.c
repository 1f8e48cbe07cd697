/* atmlab starts, awaits and ends processes, and takes no other process for one of them. */
#include <check.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/suite.h"

static char folder[64];

/* The exit code of `atmlab ...`; what it says goes to FOLDER/said. */
static int atmlab(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
static int atmlab(const char *format, ...)
{
        char words[512], line[2048];
        va_list arguments;
        int status;

        va_start(arguments, format);
        vsnprintf(words, sizeof(words), format, arguments);
        va_end(arguments);
        /* descriptor 7 and an ignored signal, for it to hand down to nobody */
        snprintf(line, sizeof(line), "trap '' INT; exec 7>%s/other; %s %s >%s/said 2>&1", folder, ATMLAB,
                 words, folder);
        status = system(line);
        ck_assert(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static const char *content(const char *name)
{
        static char text[8192];
        char path[128];
        FILE *file;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        file = fopen(path, "r");
        text[file ? fread(text, 1, sizeof(text) - 1, file) : 0] = '\0';
        if (file)
                fclose(file);
        return text;
}

static void assert_says(const char *name, const char *wanted)
{
        const char *text = content(name);

        ck_assert_msg(strstr(text, wanted), "%s: expected '%s' in '%s'", name, wanted, text);
}

static pid_t number_of(const char *name)
{
        ck_assert_int_eq(atmlab("pid --dir %s %s", folder, name), 0);
        return (pid_t)atoi(content("said"));
}

/* One that was never started, or was forgotten: a 0 would be the caller's whole group to 'kill'. */
static void assert_has_no_number(const char *name)
{
        char wanted[64];

        snprintf(wanted, sizeof(wanted), "atmlab: %s was not started here\n", name);
        ck_assert_int_eq(atmlab("pid --dir %s %s", folder, name), 1);
        ck_assert_str_eq(content("said"), wanted);
}

/* Is the process there, and no zombie? */
static int lives(pid_t pid)
{
        char path[64], state = 'X';
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        file = fopen(path, "r");
        if (!file)
                return 0;
        if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
                state = 'X';
        fclose(file);
        return state != 'Z' && state != 'X';
}

static void make_folder(void)
{
        char path[96];

        strcpy(folder, "/tmp/atmlab.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/run", folder);
        ck_assert_int_eq(mkdir(path, 0755), 0);
        snprintf(path, sizeof(path), "%s/log", folder);
        ck_assert_int_eq(mkdir(path, 0755), 0);
}

static void remove_folder(void)
{
        char line[128];

        atmlab("kill --dir %s one two", folder);
        snprintf(line, sizeof(line), "rm -rf %s", folder);
        ck_assert_int_eq(system(line), 0);
}

START_TEST(a_process_is_started_with_nothing_inherited_and_awaited)
{
        char place[96];

        ck_assert_int_eq(atmlab("start --dir %s one -- %s --dir ready", folder, PART), 0);
        ck_assert_str_eq(content("said"), "");
        ck_assert(lives(number_of("one")));
        snprintf(place, sizeof(place), "folder=%s\n", folder);
        assert_says("log/one.log", "descriptors=3\n");
        assert_says("log/one.log", "leads=1\n");
        assert_says("log/one.log", place);
        assert_says("log/one.log", "hears_interrupts=1\n");
        assert_says("log/one.log",
                    "word=--dir\nword=ready\n"); /* its own, though atmlab has one of that name */
}
END_TEST

START_TEST(one_that_ends_instead_of_getting_ready_is_a_failure_with_its_log)
{
        ck_assert_int_eq(atmlab("start --dir %s one -- %s ends", folder, PART), 1);
        assert_says("said", "atmlab: one ended instead of serving\n");
        assert_says("said", "    word=ends\n");
        ck_assert_int_eq(atmlab("start --dir %s one -- %s ready", folder, PART), 0);
}
END_TEST

START_TEST(one_that_does_not_get_ready_in_time_is_a_failure_and_can_be_ended)
{
        pid_t pid;

        ck_assert_int_eq(atmlab("start --dir %s --patience 1 one -- %s waits", folder, PART), 1);
        assert_says("said", "one does not serve after 1 s");
        pid = number_of("one");
        ck_assert(lives(pid));
        ck_assert_int_eq(atmlab("stop --dir %s one", folder), 0);
        ck_assert(!lives(pid));
}
END_TEST

START_TEST(what_is_no_program_is_named_and_leaves_nothing)
{
        ck_assert_int_eq(atmlab("start --dir %s one -- /nowhere/program", folder), 1);
        assert_says("said", "one: /nowhere/program can't be started: No such file or directory\n");
        assert_has_no_number("one");
        ck_assert_int_eq(atmlab("start --dir /nowhere one -- %s ready", PART), 1);
        assert_says("said", "one can't be started: No such file or directory\n");
}
END_TEST

START_TEST(what_runs_is_not_started_again)
{
        pid_t pid;

        ck_assert_int_eq(atmlab("start --dir %s one -- %s ready", folder, PART), 0);
        pid = number_of("one");
        ck_assert_int_eq(atmlab("start --dir %s one -- %s ready", folder, PART), 1);
        assert_says("said", "one is running already (process ");
        ck_assert_int_eq(number_of("one"), pid);
}
END_TEST

START_TEST(a_kill_is_a_crash_and_only_of_what_runs)
{
        pid_t one, two;

        ck_assert_int_eq(atmlab("start --dir %s one -- %s deaf ready", folder, PART), 0);
        ck_assert_int_eq(atmlab("start --dir %s two -- %s ready", folder, PART), 0);
        one = number_of("one");
        two = number_of("two");
        ck_assert_int_eq(atmlab("kill --dir %s one", folder), 0);
        ck_assert(!lives(one) && lives(two));
        ck_assert_int_eq(atmlab("kill --dir %s one", folder), 1);
        assert_says("said", "one is not running");
        ck_assert_int_eq(number_of("one"), one);
        ck_assert_int_eq(atmlab("kill --dir %s never", folder), 1);
}
END_TEST

START_TEST(a_stop_ends_all_and_kills_who_does_not_listen)
{
        pid_t one, two;

        ck_assert_int_eq(atmlab("start --dir %s one -- %s deaf ready", folder, PART), 0);
        ck_assert_int_eq(atmlab("start --dir %s two -- %s ready", folder, PART), 0);
        one = number_of("one");
        two = number_of("two");
        ck_assert_int_eq(atmlab("stop --dir %s --seconds 1 two one never", folder), 0);
        ck_assert(!lives(one) && !lives(two));
        ck_assert_int_eq(atmlab("stop --dir %s two one", folder), 0);
}
END_TEST

/* Its number, but not the tick at which it started: the number was another's before. */
START_TEST(another_process_under_an_old_number_is_left_alone)
{
        char path[128];
        FILE *file;
        pid_t child = fork();

        if (child == 0)
                for (;;)
                        pause();
        snprintf(path, sizeof(path), "%s/run/one", folder);
        file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        fprintf(file, "%d 1\n", (int)child);
        fclose(file);
        ck_assert_int_eq(atmlab("kill --dir %s one", folder), 1);
        ck_assert_int_eq(atmlab("stop --dir %s one", folder), 0);
        ck_assert(lives(child));
        ck_assert_int_eq(atmlab("start --dir %s one -- %s ready", folder, PART), 0);
        ck_assert(lives(child));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
}
END_TEST

START_TEST(a_process_that_was_never_started_has_no_number)
{
        assert_has_no_number("never");
}
END_TEST

START_TEST(wrong_words_are_named)
{
        static const struct {
                const char *words, *said;
        } cases[] = {
            {"begin", "'begin' is no command: expected start, kill, stop or pid"},
            {"start one -- true", "--dir is missing"},
            {"start --dir /tmp one", "what to start is missing: expected -- PROGRAM"},
            {"start --dir /tmp one --", "what to start is missing: expected -- PROGRAM"},
            {"start --dir /tmp one two -- true", "two"},
            {"kill --dir /tmp", "NAME is missing"},
            {"kill --dir /tmp ../one", "'../one': expected at most 32 letters, digits and '-'"},
            {"stop --dir /tmp --seconds x one", "--seconds: 'x'"},
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                ck_assert_int_eq(atmlab("%s", cases[i].words), 2);
                assert_says("said", cases[i].said);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("atmlab");
        TCase *cases = tcase_create("atmlab");

        tcase_add_checked_fixture(cases, make_folder, remove_folder);
        tcase_add_test(cases, a_process_is_started_with_nothing_inherited_and_awaited);
        tcase_add_test(cases, one_that_ends_instead_of_getting_ready_is_a_failure_with_its_log);
        tcase_add_test(cases, one_that_does_not_get_ready_in_time_is_a_failure_and_can_be_ended);
        tcase_add_test(cases, what_is_no_program_is_named_and_leaves_nothing);
        tcase_add_test(cases, what_runs_is_not_started_again);
        tcase_add_test(cases, a_kill_is_a_crash_and_only_of_what_runs);
        tcase_add_test(cases, a_stop_ends_all_and_kills_who_does_not_listen);
        tcase_add_test(cases, another_process_under_an_old_number_is_left_alone);
        tcase_add_test(cases, a_process_that_was_never_started_has_no_number);
        tcase_add_test(cases, wrong_words_are_named);
        suite_add_tcase(suite, cases);
        return suite_run(suite);
}
