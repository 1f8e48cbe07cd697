/*
 * Protects banksim as a process: who may connect, what is answered and in which dialect, and that wrong input harms nobody else. What a kill
 * leaves, behaviours to order and wrong usage have files of their own (suites.h).
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/dialect.h"
#include "protocol/frame.h"
#include "tests/banksim/suites.h"
#include "tests/banksim/world.h"
#include "tests/suite.h"

START_TEST(two_banks_serve_their_own_cards)
{
        struct iso_message message;
        banks_start("", NULL);
        client_up(port_a);
        message = withdrawal("0200", 1, 0);
        ck_assert_str_eq(ask(&message), "00");
        message = withdrawal("0200", 2, CARDS); /* a card of BANKB */
        ck_assert_str_eq(ask(&message), "14");
        client_up(port_b);
        message = withdrawal("0200", 2, CARDS);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(balance_at(CARDS), OPENING_YEN - 10108);
        ck_assert_int_eq(banks_stop(), 0);
        ck_assert_msg(strstr(output, "BANKA up") && strstr(output, "BANKB up"), "%s", output);
}
END_TEST

START_TEST(sign_on_is_the_connection_s)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer, echo = network(301), off = network(2);
        banks_start("", NULL);
        ck_assert(client_open(&acquirer, dialect, port_a, pki, "ACQUIRER"));
        ck_assert_str_eq(ask(&echo), "00");
        ck_assert_str_eq(ask(&message), "58");
        client_up(port_a);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_str_eq(ask(&off), "00");
        message = withdrawal("0200", 2, 0);
        ck_assert_str_eq(ask(&message), "58");
        say(&echo);
        hear(&answer);
        ck_assert_uint_eq(strlen(field(&answer, 12)), 6);
        ck_assert_uint_eq(strlen(field(&answer, 13)), 4);
}
END_TEST

START_TEST(only_the_acquirer_s_certificate_is_let_in)
{
        struct iso_message echo = network(301);
        static const struct {
                const char *name;
                char *folder;
        } strangers[] = {{"T0000001", pki}, {"ACQUIRER", foreign}};
        banks_start("", NULL);
        for (size_t i = 0; i < 2; i++) {
                char mixed[64];
                strcpy(mixed, strangers[i].folder);
                if (strcmp(mixed, foreign) == 0) { /* trusts the bank, but comes from elsewhere */
                        char command[256];
                        snprintf(command, sizeof(command), "cp %s/ca.crt %s/ca.crt", pki, foreign);
                        ck_assert_int_eq(system(command), 0);
                }
                if (client_open(&acquirer, dialect, port_a, mixed, strangers[i].name)) {
                        client_send(&acquirer, &echo);
                        hear_the_end();
                }
                client_close(&acquirer);
        }
        client_up(port_a);
        ck_assert_str_eq(ask(&echo), "00");
        ck_assert_int_ge(shown("counts", "refused"), 1);
}
END_TEST

START_TEST(many_messages_in_one_write_are_all_answered)
{
        enum { COUNT = 300 };
        static uint8_t bytes[COUNT * 400];
        size_t length = 0;
        bool answered[COUNT] = {false};
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 0; i < COUNT; i++) {
                struct iso_message message = inquiry(1000 + i, i % CARDS);
                struct iso_error error;
                int size = iso_encode(&iso_dialect_ascii, &message, bytes + length + 2, 398, &error);
                ck_assert_int_gt(size, 0);
                length += frame_header(&iso_dialect_ascii, bytes + length, (size_t)size) + (size_t)size;
        }
        ck_assert(client_send_bytes(&acquirer, bytes, length));
        for (int i = 0; i < COUNT; i++) {
                struct iso_message answer;
                hear(&answer);
                ck_assert_str_eq(field(&answer, 39), "00");
                int at = atoi(field(&answer, 11)) - 1000;
                ck_assert(at >= 0 && at < COUNT && !answered[at]);
                answered[at] = true;
        }
        ck_assert_int_lt(shown("journal", "flushes"), COUNT / 2); /* flushed in groups */
}
END_TEST

START_TEST(wrong_bytes_end_their_connection_and_harm_nobody)
{
        static const uint8_t too_long[] = {0xff, 0xff, '0', '8'}, none[] = {0, 0},
                             garbage[] = {0, 3, 'x', 'y', 'z'};
        static const struct {
                const uint8_t *bytes;
                size_t length;
        } wrong[] = {{too_long, sizeof(too_long)}, {none, sizeof(none)}, {garbage, sizeof(garbage)}};
        struct client other;
        struct iso_message echo = network(301), answer, message = start_message("0210", 1);
        banks_start("", NULL);
        client_up(port_a);
        other = acquirer;
        acquirer = (struct client){.fd = -1};
        for (size_t i = 0; i < 3; i++) {
                client_up(port_a);
                ck_assert(client_send_bytes(&acquirer, wrong[i].bytes, wrong[i].length));
                hear_the_end();
        }
        client_up(port_a);
        say(&message);
        hear_the_end();
        client_close(&acquirer);
        ck_assert(client_send(&other, &echo));
        ck_assert_int_eq(client_receive(&other, &answer, PATIENCE_MS), CLIENT_MESSAGE);
        client_close(&other);
}
END_TEST

START_TEST(single_bytes_make_a_message_too)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer;
        uint8_t bytes[512];
        struct iso_error error;
        banks_start("", NULL);
        client_up(port_a);
        int size = iso_encode(&iso_dialect_ascii, &message, bytes + 2, sizeof(bytes) - 2, &error);
        frame_header(&iso_dialect_ascii, bytes, (size_t)size);
        for (int i = 0; i < size + 2; i++)
                ck_assert(client_send_bytes(&acquirer, bytes + i, 1));
        hear(&answer);
        ck_assert_str_eq(field(&answer, 39), "00");
}
END_TEST

START_TEST(a_bank_speaks_its_dialect)
{
        static const char *const names[] = {"BANKA", "BANKB", "BANKC"};
        static struct iso_dialect loaded;
        char error[DIALECT_ERROR_MAX] = "";
        struct iso_message message, answer;
        snprintf(dialect_path, sizeof(dialect_path), "%s/etc/dialects/%s.dialect", SOURCE_DIR, names[_i]);
        ck_assert_msg(dialect_load(dialect_path, &loaded, NULL, error), "%s", error);
        dialect = &loaded;
        banks_start("", NULL);
        snprintf(error, sizeof(error), "dialect %s, listening", names[_i]);
        ck_assert_msg(strstr(output, error), "%s", output);
        client_up(port_a);
        message = withdrawal("0200", 1, 0);
        say(&message);
        hear(&answer);
        ck_assert_str_eq(field(&answer, 39), "00");
        ck_assert_str_eq(field(&answer, 28), "D00000108");
        ck_assert_uint_eq(strlen(field(&answer, 38)), 6);
        static const int echoed[] = {3, 4, 7, 11, 37, 41, 49};
        for (size_t i = 0; i < sizeof(echoed) / sizeof(echoed[0]); i++)
                ck_assert_str_eq(field(&answer, echoed[i]), field(&message, echoed[i]));
        message = withdrawal("0200", 2, 0);
        iso_set_number(&message, 4, 2000000, 12);
        ck_assert_str_eq(ask(&message), "51");
        message = advice("0420", 1, 4000);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0220", 3, -1);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 4108);
        message = network(201);
        ck_assert_str_eq(ask(&message), "00");
        message = network(2);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(banks_stop(), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("banksim");
        TCase *tcase = tcase_create("banksim");
        signal(SIGPIPE, SIG_IGN);
        tcase_set_timeout(tcase, 60);
        tcase_add_unchecked_fixture(tcase, world_pki_make, world_pki_remove);
        tcase_add_checked_fixture(tcase, world_open, world_close);
        tcase_add_test(tcase, two_banks_serve_their_own_cards);
        tcase_add_test(tcase, sign_on_is_the_connection_s);
        tcase_add_test(tcase, only_the_acquirer_s_certificate_is_let_in);
        tcase_add_test(tcase, many_messages_in_one_write_are_all_answered);
        tcase_add_test(tcase, wrong_bytes_end_their_connection_and_harm_nobody);
        tcase_add_test(tcase, single_bytes_make_a_message_too);
        tcase_add_loop_test(tcase, a_bank_speaks_its_dialect, 0, 3);
        kills_add(tcase);
        behaviours_add(tcase);
        usage_add(tcase);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
