/* Protects banksim as a process: wrong orders and wrong starts, which are named, and what the program says of itself. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/banksim/suites.h"
#include "tests/banksim/world.h"

START_TEST(wrong_orders_are_named)
{
        static const struct {
                const char *one, *two, *three;
                int status;
                const char *says;
        } rows[] = {
            {"BANKC", "slow", NULL, 2, "'BANKC' is no bank here; expected one of BANKA, BANKB, all"},
            {"BANKA", "rude", NULL, 2, "'rude': expected show, normal, ask-keys, or one of slow"},
            {"BANKA", "slow", "soon", 2, "'soon': expected seconds"},
            {"BANKA", "slow", "0", 2, "'0': expected seconds"},
            {"BANKA", "normal", "5", 2, "normal takes no seconds"},
            {"BANKA", "slow", "--json", 2, "--json and --csv: go with show"},
            {"BANKA", "slow", "--csv", 2, "--json and --csv: go with show"},
            {"BANKA", NULL, NULL, 2, "ORDER is missing: expected an order, such as slow or show"},
            {"BANKA", "--loud", NULL, 2, "unknown option --loud"},
        };
        banks_start("", NULL);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                ck_assert_int_eq(ctl(rows[i].one, rows[i].two, rows[i].three), rows[i].status);
                ck_assert_msg(strstr(output, rows[i].says), "wanted \"%s\", got \"%s\"", rows[i].says,
                              output);
        }
        banks_kill();
        ck_assert_int_eq(ctl("BANKA", "show", NULL), 1);
        ck_assert_msg(strstr(output, "expected the socket of a running banksim"), "%s", output);
}
END_TEST

START_TEST(a_second_banksim_on_the_same_files_does_not_start)
{
        char port[16];
        int fd;
        banks_start("", NULL);
        snprintf(port, sizeof(port), "%d", port_a);
        static const char *const says[] = {"another banksim writes it", "Address already in use",
                                           "Address already in use"};
        for (int i = 0; i < 3; i++) {
                const char *words[] = {
                    "run",       PROGRAM_FILES,
                    "--control", i == 2 ? control : in(folder, "other"),
                    "--bank",    "BANKA",
                    "--port",    i == 1 ? port : "0",
                    "--journal", i == 0 ? in(folder, "journal/BANKA.journal") : in(folder, "other.journal"),
                    NULL};
                pid_t pid = program_run(words, STDERR_FILENO, &fd);
                read_output(fd, NULL);
                close(fd);
                ck_assert_int_eq(await_end(pid), 1);
                ck_assert_msg(strstr(output, says[i]), "wanted \"%s\", got \"%s\"", says[i], output);
        }
        client_up(port_a);
}
END_TEST

START_TEST(the_program_explains_itself)
{
        static const struct {
                const char *words[4];
                int status, descriptor;
                const char *says;
        } rows[] = {
            {{"--help"}, 0, STDOUT_FILENO, "banksim run"},
            {{"run", "--help"}, 0, STDOUT_FILENO, "--token-key-file FILE"},
            {{"run", "--help"}, 0, STDOUT_FILENO, "--late-ms A-B"},
            {{"ctl", "--help"}, 0, STDOUT_FILENO, "wrong-echo"},
            {{NULL}, 2, STDERR_FILENO, "a verb is missing"},
            {{"walk"}, 2, STDERR_FILENO, "'walk' is no command: expected run or ctl"},
            {{"run"}, 2, STDERR_FILENO, "no bank: expected --bank NAME"},
            {{"run", "--config", "/no/such/file"}, 1, STDERR_FILENO, "/no/such/file: No such file"},
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                int fd;
                pid_t pid = program_run(rows[i].words, rows[i].descriptor, &fd);
                read_output(fd, NULL);
                close(fd);
                ck_assert_int_eq(await_end(pid), rows[i].status);
                ck_assert_msg(strstr(output, rows[i].says), "wanted \"%s\", got \"%s\"", rows[i].says,
                              output);
        }
}
END_TEST

void usage_add(TCase *tcase)
{
        tcase_add_test(tcase, wrong_orders_are_named);
        tcase_add_test(tcase, a_second_banksim_on_the_same_files_does_not_start);
        tcase_add_test(tcase, the_program_explains_itself);
}
