/* Protects banksim as a process: what was answered before a kill, a full disk or a torn line is there after it; and no card number is. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/banksim/suites.h"
#include "tests/banksim/world.h"

START_TEST(everything_that_was_answered_is_there_after_a_kill)
{
        struct iso_message message, answer[8], again;
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 0; i < 6; i++) {
                message = withdrawal("0200", 1 + i, 0);
                say(&message);
                hear(&answer[i]);
                ck_assert_str_eq(field(&answer[i], 39), "00");
        }
        message = advice("0220", 1, -1);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0420", 2, -1);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0420", 3, 4000);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0420", 50, -1); /* never heard of */
        ck_assert_str_eq(ask(&message), "00");
        message = withdrawal("0200", 7, CARDS);
        say(&message);
        hear(&answer[6]);
        ck_assert_str_eq(field(&answer[6], 39), "14");
        banks_kill();

        banks_start("", NULL);
        ck_assert_msg(strstr(output, "BANKA: 4 accounts, 11 records read back, "), "%s", output);
        client_up(port_a);
        /* 1 whole, 2 nothing, 3 in part, 4 to 6 still held */
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108 - 4108 - 3 * 10108);
        for (int i = 0; i < 7; i++) {
                char one[1024], two[1024];
                message = withdrawal("0201", 1 + i, i == 6 ? CARDS : 0);
                say(&message);
                hear(&again);
                iso_dump(&iso_dialect_ascii, &answer[i], one, sizeof(one));
                iso_dump(&iso_dialect_ascii, &again, two, sizeof(two));
                ck_assert_str_eq(one, two);
        }
        message = advice("0421", 2, -1);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0421", 3, 4000);
        ck_assert_str_eq(ask(&message), "00");
        message = withdrawal("0200", 50, 0);
        ck_assert_str_eq(ask(&message), "94");
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108 - 4108 - 3 * 10108);
        ck_assert_int_eq(shown("counts", "repeats"), 9);
}
END_TEST

START_TEST(a_journal_that_a_crash_cut_short_goes_on)
{
        struct iso_message message;
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 1; i <= 3; i++) {
                message = withdrawal("0200", i, 0);
                ck_assert_str_eq(ask(&message), "00");
        }
        banks_kill();
        int fd = open(in(folder, "journal/BANKA.journal"), O_WRONLY | O_APPEND);
        ck_assert_int_eq(write(fd, "withdrawal BANKA T00", 20), 20);
        close(fd);
        banks_start("", NULL);
        ck_assert_msg(strstr(output, "(20 bytes of a last line that a crash cut off are cut away)"), "%s",
                      output);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 3 * 10108);
        message = withdrawal("0200", 4, 0);
        ck_assert_str_eq(ask(&message), "00");
        banks_kill();
        banks_start("", NULL);
        ck_assert_msg(!strstr(output, "cut away"), "%s", output);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 4 * 10108);
}
END_TEST

/* Kills in the middle of a stream of withdrawals: what was answered counts, what was not may or may not. */
START_TEST(kills_at_any_moment_lose_no_answer)
{
        enum { ROUNDS = 6, EACH = 60 };
        int approved[ROUNDS * EACH] = {0}, stan = 1;
        banks_start("", NULL);
        for (int round = 0; round < ROUNDS; round++) {
                client_up(port_a);
                int from = stan;
                for (; stan < from + EACH; stan++) {
                        struct iso_message message = withdrawal("0200", stan, stan % CARDS);
                        iso_set_number(&message, 4, 1000, 12);
                        if (!client_send(&acquirer, &message))
                                break;
                }
                for (int heard = 0; heard < round * EACH / ROUNDS; heard++) {
                        struct iso_message answer;
                        hear(&answer);
                        approved[atoi(field(&answer, 11)) - 1] = strcmp(field(&answer, 39), "00") == 0;
                }
                banks_kill();
                banks_start("", NULL);
        }
        client_up(port_a);
        int before = 0, repeats = (int)shown("counts", "repeats");
        for (int i = 1; i < stan; i++) {
                struct iso_message message = withdrawal("0201", i, i % CARDS);
                iso_set_number(&message, 4, 1000, 12);
                before += approved[i - 1];
                ck_assert_str_eq(ask(&message), "00");
        }
        ck_assert_int_gt(before, 0);
        ck_assert_int_ge(shown("counts", "repeats") - repeats, before);
        int64_t sum_yen = 0;
        for (int card = 0; card < CARDS; card++)
                sum_yen += balance_at(card);
        ck_assert_int_eq(sum_yen, (int64_t)CARDS * OPENING_YEN - (int64_t)(stan - 1) * 1108);
}
END_TEST

START_TEST(a_journal_that_can_not_be_written_ends_all_answers)
{
        struct iso_message message, answer;
        int stan = 1, answered = 0;
        file_limit = 4096;
        banks_start("", NULL);
        file_limit = RLIM_INFINITY;
        client_up(port_a);
        for (; stan < 100; stan++) {
                message = withdrawal("0200", stan, 0);
                if (!client_send(&acquirer, &message) ||
                    client_receive(&acquirer, &answer, PATIENCE_MS) != CLIENT_MESSAGE)
                        break;
                ck_assert_str_eq(field(&answer, 39), "00");
                answered++;
        }
        ck_assert(answered > 5 && answered < 40);
        read_output(bank_output, NULL);
        ck_assert_int_eq(await_end(bank_pid), 1);
        bank_pid = 0;

        banks_start("", NULL);
        ck_assert_msg(strstr(output, "that a crash cut off are cut away"), "%s", output);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - answered * 10108);
        message = withdrawal("0201", answered, 0);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(shown("counts", "repeats"), 1);
}
END_TEST

static bool file_holds(const char *path, const char *text)
{
        static char bytes[1 << 20];
        int fd = open(path, O_RDONLY);
        ck_assert_int_ge(fd, 0);
        ssize_t n = read(fd, bytes, sizeof(bytes));
        close(fd);
        ck_assert_int_gt(n, 0);
        return memmem(bytes, (size_t)n, text, strlen(text));
}

START_TEST(no_card_number_is_written_anywhere)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert(!file_holds(in(folder, "journal/BANKA.journal"), pan_of(0)));
        ck_assert(file_holds(in(folder, "journal/BANKA.journal"), " 990011******0000 "));
        ck_assert_int_eq(ctl("BANKA", "show", NULL), 0);
        ck_assert(!strstr(output, pan_of(0)));
}
END_TEST

void kills_add(TCase *tcase)
{
        tcase_add_test(tcase, everything_that_was_answered_is_there_after_a_kill);
        tcase_add_test(tcase, a_journal_that_a_crash_cut_short_goes_on);
        tcase_add_test(tcase, kills_at_any_moment_lose_no_answer);
        tcase_add_test(tcase, a_journal_that_can_not_be_written_ends_all_answers);
        tcase_add_test(tcase, no_card_number_is_written_anywhere);
}
