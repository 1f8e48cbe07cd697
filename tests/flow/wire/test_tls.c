/* Who gets a connection, and as whom (I9). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

/* The connection is refused: in the handshake, or with an alert that the first receive sees. */
static void expect_refused(const struct client_options *options, const char *reason)
{
        char why[256] = "";
        struct message answer;
        struct client *client = client_connect(options, why, sizeof(why));
        if (client) {
                enum client_result result = client_receive(client, &answer, ANSWER_MS);
                ck_assert_msg(result == CLIENT_BROKEN || result == CLIENT_CLOSED, "%s",
                              client_result_name[result]);
                snprintf(why, sizeof(why), "%s", client_why(client));
                client_close(client);
        }
        ck_assert_msg(strstr(why, reason) != NULL, "expected '%s', got '%s'", reason, why);
}

static struct client_options options_of(const char *folder, const char *name)
{
        static char certificate[PATH_SIZE], key[PATH_SIZE];
        make_path(certificate, folder, name, ".crt");
        make_path(key, folder, name, ".key");
        return (struct client_options){.host = world.host,
                                       .port = world.port[0],
                                       .ca = world.ca,
                                       .certificate = certificate,
                                       .key = key};
}

/* Folders that test_wire.sh fills, in $WIRE_CERTS; an empty name is the first terminal's. */
static const struct {
        const char *folder, *name, *reason;
} refused[] = {
    {"foreign", "", "unknown ca"},
    {"expired", "", "certificate expired"},
    {"server", "atmd", "unsupported certificate"},
};

START_TEST(bad_certificates_are_refused)
{
        char folder[PATH_SIZE];
        const char *name = *refused[_i].name ? refused[_i].name : world.terminal[0];
        make_path(folder, getenv("WIRE_CERTS"), refused[_i].folder, "");
        struct client_options options = options_of(folder, name);
        expect_refused(&options, refused[_i].reason);
}
END_TEST

START_TEST(no_certificate_is_refused)
{
        struct client_options options = options_of(world.certs, world.terminal[0]);
        options.certificate = options.key = NULL;
        expect_refused(&options, "certificate required");
}
END_TEST

START_TEST(tls_1_2_is_refused)
{
        struct client_options options = options_of(world.certs, world.terminal[0]);
        options.tls_1_2 = true;
        expect_refused(&options, "protocol version");
}
END_TEST

START_TEST(plain_text_is_refused)
{
        struct client *client = client_connect_plain(world.host, world.port[0]);
        struct atm atm = {.client = client, .terminal = world.terminal[0], .hall = world.hall[0]};
        struct message request, answer;
        make_network(&request, &atm, "001");
        send_message(&atm, &request);
        /* what may come is TLS's alert; it is no answer */
        enum client_result result = client_receive(client, &answer, ANSWER_MS);
        ck_assert_msg(result == CLIENT_CLOSED || result == CLIENT_BROKEN, "%s", client_result_name[result]);
        client_close(client);
}
END_TEST

START_TEST(a_certificate_that_names_no_terminal_ends_the_connection)
{
        char folder[PATH_SIZE], why[256];
        make_path(folder, getenv("WIRE_CERTS"), "noname", "");
        struct client *client = connect_with(folder, "some-atm", 0, why, sizeof(why));
        ck_assert_msg(client != NULL, "%s", why);
        expect_closed(client);
}
END_TEST

static const char *const any_mti[] = {"0800", "0200", "0220", "0420", "0500", "0620"};

/* DE 41 of another terminal: 58, and the connection is over. The other terminal itself is not touched. */
START_TEST(the_terminal_of_another_certificate_is_refused)
{
        struct atm other = atm_open(2, 0), atm = atm_open(1, 0);
        struct message request, answer;
        make_valid(&request, &other, any_mti[_i]);
        ask(&atm, &request, &answer, "58");
        expect_closed(atm.client);
        expect_echo(&other);
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_withdrawal WHERE stan BETWEEN %s - 1 AND %s",
                                    message_get(&request, 11), message_get(&request, 11)),
                         0);
}
END_TEST

START_TEST(a_second_connection_replaces_the_first)
{
        struct atm first = atm_open(1, 0), second = atm_open(1, 0);
        struct trade trade;
        expect_closed(first.client);
        withdraw(&second, take_card(), 10000, "00", &trade);
}
END_TEST

START_TEST(both_instances_may_hold_a_connection_of_one_terminal)
{
        struct atm first = atm_open(1, 0), second = atm_open(1, 1);
        struct trade trade;
        withdraw(&first, take_card(), 10000, "00", &trade);
        advise(&second, &trade, "0220", 10000, NO_DE_95);
        expect_echo(&first);
}
END_TEST

Suite *suite_tls(void)
{
        Suite *suite = suite_create("tls");
        TCase *tcase = tcase_create("tls");
        tcase_set_timeout(tcase, 30);
        tcase_add_loop_test(tcase, bad_certificates_are_refused, 0, sizeof(refused) / sizeof(refused[0]));
        tcase_add_test(tcase, no_certificate_is_refused);
        tcase_add_test(tcase, tls_1_2_is_refused);
        tcase_add_test(tcase, plain_text_is_refused);
        tcase_add_test(tcase, a_certificate_that_names_no_terminal_ends_the_connection);
        tcase_add_loop_test(tcase, the_terminal_of_another_certificate_is_refused, 0,
                            sizeof(any_mti) / sizeof(any_mti[0]));
        tcase_add_test(tcase, a_second_connection_replaces_the_first);
        tcase_add_test(tcase, both_instances_may_hold_a_connection_of_one_terminal);
        suite_add_tcase(suite, tcase);
        return suite;
}
