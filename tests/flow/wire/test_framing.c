/* Bytes that are no messages, messages in odd pieces, peers that are slow or say nothing: the one who does it
 * is answered or cut off, and nobody else notices. */
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

enum { ATM_UNDER_TEST = 0, OTHER_ATM = 1, LONGEST_MESSAGE = 2048 };

/* Somebody else's ATM withdraws as if nothing had happened. */
static void expect_others_served(int instance)
{
        struct atm atm = atm_open(OTHER_ATM, instance);
        struct trade trade;
        withdraw(&atm, take_card(), 10000, "00", &trade);
        advise(&atm, &trade, "0220", 10000, NO_DE_95);
        atm_close(&atm);
}

static const struct {
        const char *name;
        size_t length;
        const char *bytes;
} streams[] = {
    {"a length of zero", 2, "\x00\x00"},
    {"one more than the longest message", 2, "\x08\x01"},
    {"the longest length there is", 2, "\xff\xff"},
    {"text", 18, "GET / HTTP/1.0\r\n\r\n"},
    {"a message of one byte", 3,
     "\x00\x01"
     "0"},
    {"a message of noughts", 22,
     "\x00\x14"
     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"},
    {"an MTI and no bitmap", 6,
     "\x00\x04"
     "0200"},
    {"an MTI and half a bitmap", 10,
     "\x00\x08"
     "0200\x72\x00\x00\x00"},
    {"a bitmap and nothing else", 14,
     "\x00\x0c"
     "0200\x72\x00\x00\x00\x00\x00\x00\x00"},
    {"letters for an MTI", 14,
     "\x00\x0c"
     "02A0\x72\x00\x00\x00\x00\x00\x00\x00"},
};

START_TEST(what_is_no_message_ends_the_connection)
{
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        client_send_bytes(atm.client, streams[_i].bytes, streams[_i].length);
        expect_closed(atm.client);
        expect_others_served(0);
}
END_TEST

START_TEST(random_bytes_end_the_connection)
{
        uint8_t noise[3000];
        srand((unsigned)_i + 1);
        for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t)(rand() >> 7);
        noise[0] = 1; /* a length that is whole in what follows */
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        client_send_bytes(atm.client, noise, sizeof(noise));
        expect_closed(atm.client);
        expect_others_served(0);
}
END_TEST

START_TEST(half_a_message_and_a_hang_up_leave_nothing)
{
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        uint8_t bytes[MESSAGE_BYTES_MAX];
        struct message request;
        make_withdrawal(&request, &atm, take_card(), 10000);
        size_t length = client_frame(&request, bytes);
        client_send_bytes(atm.client, bytes, length / 2);
        atm_close(&atm);
        atm = atm_open(ATM_UNDER_TEST, 0);
        expect_echo(&atm);
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_withdrawal WHERE terminal = '%s' AND stan = %s",
                                    atm.terminal, message_get(&request, 11)),
                         0);
}
END_TEST

START_TEST(a_whole_request_and_a_hang_up_are_decided_once)
{
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        struct message request, repeat;
        struct trade trade;
        const struct card *card = take_card();
        make_withdrawal(&request, &atm, card, 10000);
        send_message(&atm, &request);
        atm_close(&atm);
        atm = atm_open(ATM_UNDER_TEST, 0);
        repeat = request;
        strcpy(repeat.mti, "0201");
        trade_request(&atm, &repeat, card, "00", &trade);
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_withdrawal WHERE card_token = '%s'", card->token),
                         1);
}
END_TEST

START_TEST(a_message_byte_by_byte_is_answered)
{
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        uint8_t bytes[MESSAGE_BYTES_MAX];
        struct message request, answer;
        const struct card *card = take_card();
        make_withdrawal(&request, &atm, card, 10000);
        size_t length = client_frame(&request, bytes);
        for (size_t i = 0; i < length; i++) {
                client_send_bytes(atm.client, bytes + i, 1);
                if (i % 16 == 0)
                        sleep_ms(1);
        }
        expect_answer(&atm, &answer);
        check_answer(&request, &answer, "00");
        book_decision(&request, card, "00");
}
END_TEST

START_TEST(messages_in_one_segment_are_answered_in_order)
{
        enum { ECHOES = 40 }; /* more than one turn of the loop takes */
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        uint8_t bytes[(ECHOES + 3) * 256];
        struct message request, completion, echo[ECHOES], answer;
        const struct card *card = take_card();
        size_t length = 0;
        make_withdrawal(&request, &atm, card, 10000);
        make_advice(&completion, &atm, "0220", &request, 10000, NO_DE_95);
        uint8_t one[MESSAGE_BYTES_MAX];
        size_t size = client_frame(&request, one);
        memcpy(bytes + length, one, size);
        length += size;
        size = client_frame(&completion, one);
        memcpy(bytes + length, one, size);
        length += size;
        for (int i = 0; i < ECHOES; i++) {
                make_network(&echo[i], &atm, "301");
                size = client_frame(&echo[i], one);
                memcpy(bytes + length, one, size);
                length += size;
        }
        client_send_bytes(atm.client, bytes, length);
        expect_answer(&atm, &answer);
        check_answer(&request, &answer, "00");
        book_advice(book_decision(&request, card, "00"), 10000);
        expect_answer(&atm, &answer);
        check_answer(&completion, &answer, "00");
        for (int i = 0; i < ECHOES; i++) {
                expect_answer(&atm, &answer);
                check_answer(&echo[i], &answer, "00");
        }
}
END_TEST

START_TEST(the_longest_message_is_taken)
{
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        uint8_t bytes[MESSAGE_BYTES_MAX];
        char filling[MESSAGE_VALUE_MAX + 1];
        struct message request, answer;
        memset(filling, 'x', sizeof(filling));
        make_network(&request, &atm, "301");
        message_set_bytes(&request, 60, filling, 999);
        message_set_bytes(&request, 61, filling, 900);
        message_set_bytes(&request, 62, filling, 0);
        size_t length = message_encode(&request, bytes);
        message_set_bytes(&request, 62, filling, LONGEST_MESSAGE - length);
        ck_assert_uint_eq(message_encode(&request, bytes), LONGEST_MESSAGE);
        ask(&atm, &request, &answer, "00");
        message_set_bytes(&request, 62, filling, LONGEST_MESSAGE - length + 1);
        send_message(&atm, &request);
        expect_closed(atm.client);
}
END_TEST

/* test_wire.sh sets the time limits for a message and for a handshake of the first instance to 1.5 s; which
 * of them ended the connection from a port is in its log. */
static void await_end(int port, const char *end)
{
        run("for i in $(seq 600); do grep 'event=connection_closed' \"${ATMD_CONF%%/*}/log/atmd-1.log\" | "
            "grep -F 'peer=%s:%d ' | grep -qF 'end=%s' && exit; sleep 0.1; done; exit 1",
            world.host, port, end);
}

START_TEST(a_message_that_does_not_end_is_cut_off)
{
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        uint8_t bytes[MESSAGE_BYTES_MAX];
        struct message request, answer;
        make_network(&request, &atm, "301");
        size_t length = client_frame(&request, bytes);
        int port = client_port(atm.client);
        /* a byte now and then does not buy more time: before the last one it is over */
        enum client_result result = CLIENT_SILENT;
        for (size_t i = 0; i < length && result == CLIENT_SILENT; i++) {
                client_send_bytes(atm.client, bytes + i, 1);
                result = client_receive(atm.client, &answer, 100);
        }
        ck_assert_msg(result == CLIENT_CLOSED || result == CLIENT_BROKEN, "%s", client_result_name[result]);
        await_end(port, "message_timeout");
        expect_others_served(0);
}
END_TEST

START_TEST(a_handshake_that_does_not_end_is_cut_off)
{
        static const char *const beginnings[] = {"", "\x16", "\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03"};
        static const size_t lengths[] = {0, 1, 11};
        struct client *client = client_connect_plain(world.host, world.port[0]);
        int port = client_port(client);
        if (lengths[_i])
                client_send_bytes(client, beginnings[_i], lengths[_i]);
        expect_closed(client);
        await_end(port, "handshake_timeout");
        client_close(client);
        expect_others_served(0);
}
END_TEST

/* Peers that open connections and then say nothing, or just begin to; at the instance that has the time
 * limits of the defaults. They are more than may be opening at once, so some are put out to let others in: none of
 * them gets anything, and who comes late is served while most of them stand there. */
static void crowd(const char *begin, size_t length)
{
        enum { CROWD = 400 };
        struct client *client[CROWD];
        struct atm open = atm_open(ATM_UNDER_TEST, 1);
        for (int i = 0; i < CROWD; i++) {
                client[i] = client_connect_plain(world.host, world.port[1]);
                ck_assert_ptr_nonnull(client[i]);
                if (length)
                        client_send_bytes(client[i], begin, length);
        }
        expect_echo(&open);
        struct atm late = atm_open(OTHER_ATM, 1);
        struct message answer;
        struct trade trade;
        withdraw(&late, take_card(), 10000, "00", &trade);
        int standing = 0;
        for (int i = 0; i < CROWD; i++) {
                enum client_result result = client_receive(client[i], &answer, 0);
                ck_assert_msg(result != CLIENT_RECEIVED, "one of the crowd is answered");
                standing += result == CLIENT_SILENT;
                client_close(client[i]);
        }
        ck_assert_int_gt(standing, 0);
}

START_TEST(a_crowd_that_says_nothing_does_not_keep_others_out)
{
        crowd("", 0);
}
END_TEST

START_TEST(a_crowd_that_only_begins_does_not_keep_others_out)
{
        crowd("\x16", 1);
}
END_TEST

START_TEST(a_peer_that_does_not_take_its_answers_is_cut_off)
{
        struct atm atm = atm_open(ATM_UNDER_TEST, 0);
        struct message request, answer;
        enum client_result result;
        make_network(&request, &atm, "301");
        int port = client_port(atm.client);
        client_flood(atm.client, &request);
        expect_others_served(0);
        await_end(port, "");
        while ((result = client_receive(atm.client, &answer, ANSWER_MS)) == CLIENT_RECEIVED)
                continue;
        ck_assert_msg(result == CLIENT_CLOSED || result == CLIENT_BROKEN, "%s", client_result_name[result]);
}
END_TEST

Suite *suite_framing(void)
{
        Suite *suite = suite_create("framing");
        TCase *tcase = tcase_create("framing");
        tcase_set_timeout(tcase, 30);
        tcase_add_loop_test(tcase, what_is_no_message_ends_the_connection, 0,
                            sizeof(streams) / sizeof(streams[0]));
        tcase_add_loop_test(tcase, random_bytes_end_the_connection, 0, 10);
        tcase_add_test(tcase, half_a_message_and_a_hang_up_leave_nothing);
        tcase_add_test(tcase, a_whole_request_and_a_hang_up_are_decided_once);
        tcase_add_test(tcase, a_message_byte_by_byte_is_answered);
        tcase_add_test(tcase, messages_in_one_segment_are_answered_in_order);
        tcase_add_test(tcase, the_longest_message_is_taken);
        tcase_add_test(tcase, a_message_that_does_not_end_is_cut_off);
        tcase_add_loop_test(tcase, a_handshake_that_does_not_end_is_cut_off, 0, 3);
        tcase_add_test(tcase, a_crowd_that_says_nothing_does_not_keep_others_out);
        tcase_add_test(tcase, a_crowd_that_only_begins_does_not_keep_others_out);
        tcase_add_test(tcase, a_peer_that_does_not_take_its_answers_is_cut_off);
        suite_add_tcase(suite, tcase);
        return suite;
}
