/* Protects banksim as a process: each behaviour to order and by rate, and the counts at the end. */
#include <check.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "tests/banksim/suites.h"
#include "tests/banksim/world.h"

START_TEST(slow_and_late_answers_come_after_their_time)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer;
        const bool late = _i == 1;
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", late ? "late" : "slow", NULL), 0);
        int64_t from_ms = steady_now_ms();
        say(&message);
        hear(&answer);
        ck_assert_int_ge(steady_now_ms() - from_ms, late ? LATE_MS : SLOW_MS);
        ck_assert_str_eq(field(&answer, 39), "00");
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108);
        ck_assert_int_eq(shown("behaviours", late ? "late" : "slow"), 1); /* what came after was not */
}
END_TEST

START_TEST(what_is_shown_is_a_line_a_figure_for_scripts)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(ctl("all", "show", "--csv"), 0);
        ck_assert_int_eq(strncmp(output, "bank,group,figure,value\nBANKA,,bank,BANKA\nBANKA,,state,up\n", 57),
                         0);
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,,links,1\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,,signed_on,1\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,counts,approved,1\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,behaviours,slow,0\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKB,,links,0\n"));
}
END_TEST

START_TEST(a_late_answer_does_not_hold_up_the_others)
{
        struct iso_message first = withdrawal("0200", 1, 0), second = withdrawal("0200", 2, 0), answer;
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "late", NULL), 0);
        say(&first);
        while (shown("behaviours", "late") == 0)
                ;
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_str_eq(ask(&second), "00");
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), "000001");
}
END_TEST

START_TEST(what_is_held_is_done_at_once_and_answered_at_the_next_order)
{
        struct iso_message first = withdrawal("0200", 1, 0), second = withdrawal("0200", 2, 0), answer;
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "held", NULL), 0);
        say(&first);
        say(&second);
        hear_nothing(A_MOMENT_MS);
        ck_assert_int_eq(shown("behaviours", "held"), 2);
        ck_assert_int_eq(shown("counts", "approved"), 2);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), "000001");
        ck_assert_str_eq(field(&answer, 39), "00");
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), "000002");
}
END_TEST

START_TEST(silent_does_what_it_is_asked_and_deaf_does_not)
{
        const bool deaf = _i == 1;
        struct iso_message message = withdrawal("0200", 1, 0), echo = network(301);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("all", deaf ? "deaf" : "silent", NULL), 0);
        say(&message);
        say(&echo);
        hear_nothing(A_MOMENT_MS);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - (deaf ? 0 : 10108));
        ck_assert_int_eq(shown("behaviours", deaf ? "deaf" : "silent"), 2);
        message = withdrawal("0201", 1, 0);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(shown("counts", "repeats"), !deaf);
}
END_TEST

START_TEST(an_order_for_some_seconds_ends_by_itself)
{
        struct iso_message echo = network(301);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "silent", "0.4"), 0);
        say(&echo);
        hear_nothing(500);
        ck_assert_str_eq(ask(&echo), "00");
}
END_TEST

START_TEST(a_wrong_echo_matches_no_request)
{
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "wrong-echo", NULL), 0);
        for (int stan = 1; stan <= 12; stan++) {
                struct iso_message message = withdrawal("0200", stan, 0), answer;
                static const int echoed[] = {4, 7, 11, 41};
                int wrong = 0;
                say(&message);
                hear(&answer);
                for (int i = 0; i < 4; i++)
                        wrong += strcmp(field(&answer, echoed[i]), field(&message, echoed[i])) != 0;
                ck_assert_int_eq(wrong, 1);
        }
        ck_assert_int_eq(shown("behaviours", "wrong-echo"), 12);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 12 * 10108);
}
END_TEST

START_TEST(a_duplicate_comes_twice)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer[2];
        char one[1024], two[1024];
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "duplicate", NULL), 0);
        say(&message);
        hear(&answer[0]);
        hear(&answer[1]);
        iso_dump(&iso_dialect_ascii, &answer[0], one, sizeof(one));
        iso_dump(&iso_dialect_ascii, &answer[1], two, sizeof(two));
        ck_assert_str_eq(one, two);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108);
}
END_TEST

START_TEST(a_decline_is_a_decision_that_stays)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        char first[3];
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "decline", NULL), 0);
        strcpy(first, ask(&message));
        ck_assert_str_ne(first, "00");
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_str_eq(ask(&message), first);
        ck_assert_int_eq(balance_at(0), OPENING_YEN);
        ck_assert_int_eq(shown("behaviours", "decline"), 1);
        message = advice("0420", 1, -1);
        ck_assert_int_eq(ctl("BANKA", "decline", NULL), 0);
        ck_assert_str_eq(ask(&message), "00"); /* advices are never declined, nor counted as such */
        ck_assert_int_eq(shown("behaviours", "decline"), 1);
}
END_TEST

/* The codes are those of the bank's dialect. */
START_TEST(an_advice_is_answered_as_ordered_and_counted)
{
        static const struct {
                const char *order, *codes;
                int64_t balance_yen;
        } orders[] = {{"again", "68 91 96", OPENING_YEN - 10108},
                      {"case", "05 12 13 14 41 43 51 54 55 57 61 62 65 75 92", OPENING_YEN - 10108},
                      {"missing", "25", OPENING_YEN},
                      {"repeated", "21 94", OPENING_YEN}};
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 0; i < (int)(sizeof(orders) / sizeof(orders[0])); i++) {
                struct iso_message message = withdrawal("0200", i + 1, i);
                ck_assert_str_eq(ask(&message), "00");
                ck_assert_int_eq(ctl("BANKA", orders[i].order, NULL), 0);
                message = advice("0420", i + 1, -1);
                ck_assert_ptr_nonnull(strstr(orders[i].codes, ask(&message)));
                ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
                ck_assert_int_eq(balance_at(i), orders[i].balance_yen);
                ck_assert_int_eq(shown("behaviours", orders[i].order), 1);
        }
        ck_assert_int_eq(shown("counts", "not_booked"), 1);
        ck_assert_int_eq(shown("counts", "put_off"), 1);
}
END_TEST

START_TEST(a_hang_up_comes_in_the_middle_of_an_answer)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "hang-up", NULL), 0);
        say(&message);
        hear_the_end();
        ck_assert_uint_gt(acquirer.in_length, 20);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108);
        ck_assert_int_eq(shown("behaviours", "hang-up"), 1);
}
END_TEST

START_TEST(down_is_gone_and_comes_back)
{
        struct client other;
        struct iso_message echo = network(301), answer;
        banks_start("", NULL);
        client_up(port_b);
        other = acquirer;
        acquirer = (struct client){.fd = -1};
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "down", "0.5"), 0);
        hear_the_end();
        client_close(&acquirer);
        ck_assert(!client_open(&acquirer, dialect, port_a, pki, "ACQUIRER"));
        ck_assert_msg(strstr(acquirer.reason, "refused"), "%s", acquirer.reason);
        ck_assert(client_send(&other, &echo)); /* the other bank is as it was */
        ck_assert_int_eq(client_receive(&other, &answer, PATIENCE_MS), CLIENT_MESSAGE);
        client_close(&other);
        client_up_again(port_a);

        ck_assert_int_eq(ctl("BANKA", "down", NULL), 0);
        usleep(600000);
        client_close(&acquirer);
        ck_assert(!client_open(&acquirer, dialect, port_a, pki, "ACQUIRER"));
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        client_up(port_a);
        ck_assert_int_eq(shown("behaviours", "down"), 2);
}
END_TEST

/* ---- by rate, and the end ------------------------------------------------------------------------------ */

START_TEST(behaviours_by_rate_happen_and_money_stays_right)
{
        enum { COUNT = 400 };
        json_error_t error;
        banks_start("slow=0.02,late=0.02,silent=0.03,deaf=0.03,wrong-echo=0.03,duplicate=0.03,decline=0.05,"
                    "hang-up=0.02,down=0.01",
                    "--require-faults");
        client_up(port_a);
        for (int stan = 1; stan <= COUNT; stan++) {
                struct iso_message message = withdrawal("0200", stan, stan % CARDS), answer;
                iso_set_number(&message, 4, 1000, 12);
                if (!client_send(&acquirer, &message))
                        client_up_again(port_a);
                if (client_receive(&acquirer, &answer, 20) == CLIENT_OVER)
                        client_up_again(port_a);
        }
        ck_assert_int_eq(ctl("BANKA", "show", "--json"), 0);
        json_t *root = json_loads(output, 0, &error);
        ck_assert_ptr_nonnull(root);
        int64_t approved = 0, opening_yen, balance_yen;
        json_t *money = json_object_get(root, "money"), *row;
        const char *name;
        approved = json_integer_value(json_object_get(json_object_get(root, "counts"), "approved"));
        opening_yen = json_integer_value(json_object_get(money, "opening_yen"));
        balance_yen = json_integer_value(json_object_get(money, "balance_yen"));
        ck_assert_int_gt(approved, COUNT / 2);
        ck_assert_int_eq(opening_yen - balance_yen, approved * 1108);
        ck_assert_int_eq(json_integer_value(json_object_get(money, "open")), approved);
        json_object_foreach(json_object_get(root, "behaviours"), name, row)
            ck_assert_msg(json_number_value(json_object_get(row, "rate")) == 0 ||
                              json_integer_value(json_object_get(row, "happened")) > 0,
                          "%s never happened", name);
        json_decref(root);
        ck_assert_int_eq(banks_stop(), 0);
}
END_TEST

START_TEST(a_behaviour_that_never_happened_is_reported)
{
        const bool required = _i == 1;
        banks_start("slow=0.5", required ? "--require-faults" : NULL);
        ck_assert_int_eq(banks_stop(), required ? 1 : 0);
}
END_TEST

START_TEST(the_end_prints_one_object_where_json_is_asked_for)
{
        json_error_t error;
        int fd;
        const char *words[] = {"run",           "--json",   PROGRAM_FILES, "--control", control,
                               "--bank",        "BANKA",    "--port",      "0",         "--journal",
                               in(folder, "j"), "--faults", "late=0.25",   NULL};
        bank_pid = program_run(words, STDOUT_FILENO, &fd);
        for (int tries = 0; access(control, F_OK) != 0 && tries < 200; tries++)
                usleep(20000);
        kill(bank_pid, SIGTERM);
        read_output(fd, NULL);
        close(fd);
        ck_assert_int_eq(await_end(bank_pid), 0);
        bank_pid = 0;
        json_t *root = json_loads(output, 0, &error);
        ck_assert_msg(root != NULL, "%s in: %s", error.text, output);
        json_t *missing = json_object_get(root, "missing");
        ck_assert_uint_eq(json_array_size(missing), 1);
        ck_assert_str_eq(json_string_value(json_array_get(missing, 0)), "late");
        json_t *bank = json_array_get(json_object_get(root, "banks"), 0);
        ck_assert_str_eq(json_string_value(json_object_get(bank, "bank")), "BANKA");
        ck_assert(json_real_value(json_object_get(
                      json_object_get(json_object_get(bank, "behaviours"), "late"), "rate")) == 0.25);
        json_decref(root);
        ck_assert_int_ne(access(control, F_OK), 0); /* the socket goes with it */
}
END_TEST

void behaviours_add(TCase *tcase)
{
        tcase_add_loop_test(tcase, slow_and_late_answers_come_after_their_time, 0, 2);
        tcase_add_test(tcase, what_is_shown_is_a_line_a_figure_for_scripts);
        tcase_add_test(tcase, a_late_answer_does_not_hold_up_the_others);
        tcase_add_test(tcase, what_is_held_is_done_at_once_and_answered_at_the_next_order);
        tcase_add_loop_test(tcase, silent_does_what_it_is_asked_and_deaf_does_not, 0, 2);
        tcase_add_test(tcase, an_order_for_some_seconds_ends_by_itself);
        tcase_add_test(tcase, a_wrong_echo_matches_no_request);
        tcase_add_test(tcase, a_duplicate_comes_twice);
        tcase_add_test(tcase, a_decline_is_a_decision_that_stays);
        tcase_add_test(tcase, an_advice_is_answered_as_ordered_and_counted);
        tcase_add_test(tcase, a_hang_up_comes_in_the_middle_of_an_answer);
        tcase_add_test(tcase, down_is_gone_and_comes_back);
        tcase_add_test(tcase, behaviours_by_rate_happen_and_money_stays_right);
        tcase_add_loop_test(tcase, a_behaviour_that_never_happened_is_reported, 0, 2);
        tcase_add_test(tcase, the_end_prints_one_object_where_json_is_asked_for);
}
