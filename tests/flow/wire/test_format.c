/* What a request must bring, what is answered to one that does not, and what is passed over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* The mandatory fields but for 11, without which nothing can be answered. */
static const struct {
        const char *mti;
        int fields[16];
} mandatory[] = {
    {"0800", {7, 41, 70}},
    {"0200", {2, 3, 4, 7, 14, 41, 49}},
    {"0201", {2, 3, 4, 7, 14, 41, 49}},
    {"0220", {3, 4, 7, 41, 49, 90}},
    {"0221", {3, 4, 7, 41, 49, 90}},
    {"0420", {3, 4, 7, 39, 41, 49, 90}},
    {"0421", {3, 4, 7, 39, 41, 49, 90}},
    {"0500", {7, 15, 41, 74, 75, 76, 77, 86, 87, 88, 89, 97}},
    {"0501", {7, 15, 41, 74, 75, 76, 77, 86, 87, 88, 89, 97}},
    {"0620", {7, 41, 48}},
    {"0621", {7, 41, 48}},
};

START_TEST(a_missing_field_is_answered_30)
{
        struct atm atm = atm_open(3, 0);
        for (const int *field = mandatory[_i].fields; *field; field++) {
                struct message request, answer;
                make_valid(&request, &atm, mandatory[_i].mti);
                message_drop(&request, *field);
                ask(&atm, &request, &answer, "30");
        }
        expect_echo(&atm);
}
END_TEST

START_TEST(a_missing_stan_ends_the_connection)
{
        struct atm atm = atm_open(3, 0);
        struct message request;
        make_valid(&request, &atm, mandatory[_i].mti);
        message_drop(&request, 11);
        send_message(&atm, &request);
        expect_closed(atm.client);
}
END_TEST

/* Values of the right length (or with an honest length), so that what follows them can be read. */
static const struct {
        const char *mti;
        int field;
        const char *value;
} malformed[] = {
    {"0800", 7, "061001000A"},
    {"0800", 7, "1310010000"},
    {"0800", 7, "0230010000"},
    {"0800", 7, "0610240000"},
    {"0800", 7, "0610236000"},
    {"0800", 7, "0000000000"},
    {"0800", 41, "T00\0010001"},
    {"0800", 70, "3O1"},
    {"0200", 2, "99000100000A0008"},
    {"0200", 2, "99000100000"},
    {"0200", 2, ""},
    {"0200", 2, "99000100000000000000"},
    {"0200", 3, "01000A"},
    {"0200", 4, "00000001000A"},
    {"0200", 4, "           1"},
    {"0200", 4, "-00000010000"},
    {"0200", 7, "0931010000"},
    {"0200", 14, "30A1"},
    {"0200", 32, "9900000A"},
    {"0200", 32, "990000010000"},
    {"0200", 42, "H00001\x7f        "},
    {"0200", 49, "840"},
    {"0200", 49, "JPY"},
    {"0200", 60, "caf\xc3\xa9"},
    {"0220", 3, "01-000"},
    {"0220", 4, "00000001000A"},
    {"0220", 49, "978"},
    {"0220", 90, "020000001213321050700000000000000000000000"},
    {"0220", 90, "0200A00012061005050700000000000000000000000"},
    {"0220", 90, "020A00001206100505070000000000000000000000"},
    {"0220", 95, "0000000100000000000000000D0000000D00000000"},
    {"0220", 95, "000000010000000000000000X00000000D00000000"},
    {"0420", 39, "!!"},
    {"0420", 90, "0200000012              0000000000000000000"},
    {"0420", 95, "A00000010000000000000000D00000000D00000000"},
    {"0500", 15, "1301"},
    {"0500", 74, "000000000A"},
    {"0500", 86, "000000000000000A"},
    {"0500", 97, "E0000000000000000"},
    {"0620", 48, ""},
    {"0620", 48, "CA010abcd"},
    {"0620", 48, "CAabc"},
};

START_TEST(a_malformed_field_is_answered_30)
{
        struct atm atm = atm_open(3, 0);
        struct message request, answer, echoed;
        make_valid(&request, &atm, malformed[_i].mti);
        echoed = request;
        /* some rows are a character too long on purpose: keep to the field's own length */
        message_set(&request, malformed[_i].field, malformed[_i].value);
        size_t valid = echoed.field[malformed[_i].field].length;
        bool is_variable = malformed[_i].field == 2 || malformed[_i].field == 32 ||
                           malformed[_i].field == 48 || malformed[_i].field == 60;
        if (!is_variable && request.field[malformed[_i].field].length > valid)
                message_set_bytes(&request, malformed[_i].field, malformed[_i].value, valid);
        send_message(&atm, &request);
        expect_answer(&atm, &answer);
        ck_assert_str_eq(message_get(&answer, 11), message_get(&request, 11));
        ck_assert_str_eq(message_get(&answer, 39), "30");
        /* the faulty field itself may be echoed or not */
        echoed = request;
        if (!answer.has[malformed[_i].field])
                message_drop(&echoed, malformed[_i].field);
        check_answer(&echoed, &answer, "30");
        expect_echo(&atm);
}
END_TEST

/* The fields of a request that end within its first `length` bytes. */
static void keep_whole_fields(struct message *message, size_t length)
{
        uint8_t bytes[MESSAGE_BYTES_MAX];
        struct message part;
        for (int field = MESSAGE_FIELDS; field >= 2; field--) {
                if (!message->has[field])
                        continue;
                part = *message; /* fields behind this one are gone already */
                if (message_encode(&part, bytes) > length)
                        message_drop(message, field);
        }
}

START_TEST(a_request_cut_at_any_byte_is_answered_30_or_ends_the_connection)
{
        struct atm atm = atm_open(3, 0);
        struct message request, whole, answer;
        uint8_t bytes[MESSAGE_BYTES_MAX + 2];
        make_withdrawal(&request, &atm, take_card(), 10000);
        size_t length = client_frame(&request, bytes) - 2;
        for (size_t cut = 1; cut < length; cut++) {
                bytes[0] = (uint8_t)(cut >> 8);
                bytes[1] = (uint8_t)cut;
                client_send_bytes(atm.client, bytes, cut + 2);
                whole = request;
                keep_whole_fields(&whole, cut);
                if (whole.has[11]) {
                        expect_answer(&atm, &answer);
                        check_answer(&whole, &answer, "30");
                } else {
                        expect_closed(atm.client);
                        atm_close(&atm);
                        atm = atm_open(3, 0);
                }
        }
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_withdrawal WHERE terminal = '%s' AND stan = %s",
                                    atm.terminal, message_get(&request, 11)),
                         0);
}
END_TEST

/* Bytes put into or spoilt in a request that is well-formed otherwise. */

static void add_byte(uint8_t *bytes, size_t *length)
{
        bytes[(*length)++] = '0';
}

/* Bitmap of 16 bytes whose second half is empty. */
static void add_empty_bitmap(uint8_t *bytes, size_t *length)
{
        memmove(bytes + 20, bytes + 12, *length - 12);
        memset(bytes + 12, 0, 8);
        bytes[4] |= 0x80;
        *length += 8;
}

static void add_bit_65(uint8_t *bytes, size_t *length)
{
        add_empty_bitmap(bytes, length);
        bytes[12] |= 0x80;
}

static void add_bit_128_without_value(uint8_t *bytes, size_t *length)
{
        add_empty_bitmap(bytes, length);
        bytes[19] |= 0x01;
}

static void spoil_length_of_pan(uint8_t *bytes, size_t *length)
{
        (void)length;
        bytes[12] = 'x';
}

static void spoil_length_of_acquirer(uint8_t *bytes, size_t *length)
{
        uint8_t *found = memmem(bytes, *length, "0899000001", 10);
        ck_assert_ptr_nonnull(found);
        found[1] = 'x';
}

static void stretch_length_of_acquirer(uint8_t *bytes, size_t *length)
{
        uint8_t *found = memmem(bytes, *length, "0899000001", 10);
        ck_assert_ptr_nonnull(found);
        found[0] = '9';
}

static void stretch_length_of_pan(uint8_t *bytes, size_t *length)
{
        (void)length;
        bytes[12] = '9';
}

static const struct {
        const char *name;
        void (*change)(uint8_t *bytes, size_t *length);
        const char *de39; /* NULL: the connection ends */
} broken[] = {
    {"a byte too many", add_byte, "30"},
    {"a second bitmap that is empty", add_empty_bitmap, "00"},
    {"a third bitmap", add_bit_65, "30"},
    {"a bit without its field", add_bit_128_without_value, "30"},
    {"a length that is no number, before the STAN", spoil_length_of_pan, NULL},
    {"a length that is no number, behind the STAN", spoil_length_of_acquirer, "30"},
    {"a length beyond the end, behind the STAN", stretch_length_of_acquirer, "30"},
    {"a length beyond the end, before the STAN", stretch_length_of_pan, NULL},
};

START_TEST(a_broken_structure_is_answered_as_far_as_it_can_be_read)
{
        struct atm atm = atm_open(3, 0);
        struct message request, answer;
        const struct card *card = take_card();
        uint8_t bytes[MESSAGE_BYTES_MAX + 2];
        make_withdrawal(&request, &atm, card, 10000);
        size_t length = message_encode(&request, bytes + 2);
        broken[_i].change(bytes + 2, &length);
        bytes[0] = (uint8_t)(length >> 8);
        bytes[1] = (uint8_t)length;
        client_send_bytes(atm.client, bytes, length + 2);
        if (!broken[_i].de39) {
                expect_closed(atm.client);
                return;
        }
        expect_answer(&atm, &answer);
        if (!strcmp(broken[_i].de39, "00")) {
                check_answer(&request, &answer, "00");
                book_decision(&request, card, "00");
        }
        ck_assert_str_eq(message_get(&answer, 11), message_get(&request, 11));
        ck_assert_str_eq(message_get(&answer, 39), broken[_i].de39);
        expect_echo(&atm);
}
END_TEST

static const char *const unknown_mti[] = {"0000", "0100", "0202", "0210", "0230",
                                          "0400", "0810", "0822", "1200", "9999"};

START_TEST(an_unknown_mti_ends_the_connection)
{
        struct atm atm = atm_open(3, 0);
        struct message request;
        make_valid(&request, &atm, "0200");
        snprintf(request.mti, sizeof(request.mti), "%s", unknown_mti[_i]);
        send_message(&atm, &request);
        expect_closed(atm.client);
}
END_TEST

static const struct {
        const char *mti, *de70;
} unsupported[] = {{"0500", ""}, {"0501", ""}, {"0620", ""}, {"0621", ""}, {"0800", "101"}};

START_TEST(what_is_not_built_is_answered_40)
{
        struct atm atm = atm_open(3, 0);
        struct message request, answer;
        make_valid(&request, &atm, unsupported[_i].mti);
        if (*unsupported[_i].de70)
                message_set(&request, 70, unsupported[_i].de70);
        ask(&atm, &request, &answer, "40");
        expect_echo(&atm);
}
END_TEST

static const struct {
        const char *de70, *before, *after; /* DE 39 where not signed on, and where signed on */
} network[] = {
    {"001", "00", "00"}, {"301", "00", "00"}, {"201", "58", "00"}, {"002", "00", "00"},
    {"000", "12", "12"}, {"003", "12", "12"}, {"302", "12", "12"}, {"999", "12", "12"},
};

START_TEST(network_management_by_its_code)
{
        struct atm atm = atm_connect(3, 0);
        struct message request, answer;
        make_network(&request, &atm, network[_i].de70);
        message_set(&request, 32, world.acquirer);
        message_print(&request, 42, "%-15s", atm.hall);
        ask(&atm, &request, &answer, network[_i].before);
        atm_close(&atm);
        atm = atm_open(3, 0);
        make_network(&request, &atm, network[_i].de70);
        ask(&atm, &request, &answer, network[_i].after);
}
END_TEST

/* An ATM may send its PIN block and much else; test_wire.sh looks for both in every log. */
START_TEST(other_fields_are_passed_over)
{
        struct atm atm = atm_open(3, 0);
        const struct card *card = take_card();
        struct message request;
        struct trade trade;
        make_withdrawal(&request, &atm, card, 10000);
        message_set(&request, 12, "100000");
        message_set(&request, 13, "0610");
        message_set(&request, 22, "051");
        message_set(&request, 25, "02");
        message_set(&request, 37, "ABCDEF123456");
        message_set(&request, 48, "what 48 holds is for an 0620");
        message_set_bytes(&request, 52, PIN_BLOCK_SENT, sizeof PIN_BLOCK_SENT - 1);
        message_set(&request, 60, "private");
        message_set(&request, 62, "5555444433332222");
        trade_request(&atm, &request, card, "00", &trade);
}
END_TEST

START_TEST(track_2_serves_as_well)
{
        static const char *const separators[] = {"=", "D"};
        struct atm atm = atm_open(3, 0);
        const struct card *card = take_card();
        struct message request;
        struct trade trade;
        make_withdrawal(&request, &atm, card, 10000);
        message_drop(&request, 2);
        message_drop(&request, 14);
        message_print(&request, 35, "%s%s%s2010000000000", card->pan, separators[_i], card->expiry);
        trade_request(&atm, &request, card, "00", &trade);
        ck_assert_int_eq(
            sql_number("SELECT count(*) FROM v_withdrawal WHERE card_token = '%s' AND state = 'approved'",
                       card->token),
            1);
}
END_TEST

static const char *const bad_tracks[] = {
    "",      "=",        "9900010000000008",          "9900010000000008=30",
    "=3012", "123=3012", "99000100000000080000=3012", "9900010000000016=3012"};

START_TEST(a_bad_track_2_is_answered_30)
{
        struct atm atm = atm_open(3, 0);
        struct message request, answer;
        make_withdrawal(&request, &atm, take_card(), 10000);
        message_drop(&request, 14);
        if (_i != COUNT(bad_tracks) - 1)
                message_drop(&request, 2); /* the last row contradicts DE 2 */
        message_set(&request, 35, bad_tracks[_i]);
        ask(&atm, &request, &answer, "30");
}
END_TEST

START_TEST(an_inquiry_needs_no_amount_and_costs_nothing)
{
        struct atm atm = atm_open(3, 0);
        const struct card *card = take_card();
        struct message request, answer;
        char balance[24];
        make_inquiry(&request, &atm, card);
        ask(&atm, &request, &answer, "00");
        snprintf(balance, sizeof(balance), "%012lld", (long long)card->opening_yen);
        ck_assert_mem_eq(message_get(&answer, 54) + 8, balance, 12);
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_withdrawal WHERE card_token = '%s'", card->token),
                         0);
}
END_TEST

START_TEST(the_log_names_field_offset_wanted_and_available)
{
        struct atm atm = atm_open(3, 0);
        struct message request, answer;
        make_valid(&request, &atm, "0200");
        message_set_bytes(&request, 49, "3", 1);
        wait_for_second(); /* lines of one kind are limited by the second */
        sleep_ms(1000);
        send_message(&atm, &request);
        expect_answer(&atm, &answer);
        run("grep 'format_error' \"${ATMD_CONF%%/*}/log/atmd-1.log\" | grep -F 'terminal=%s' | "
            "grep -F 'field 49' | grep -F 'offset ' | grep -F '3 bytes wanted, 1 available' >/dev/null",
            atm.terminal);
}
END_TEST

Suite *suite_format(void)
{
        Suite *suite = suite_create("format");
        TCase *tcase = tcase_create("format");
        tcase_set_timeout(tcase, 30);
        tcase_add_loop_test(tcase, a_missing_field_is_answered_30, 0, COUNT(mandatory));
        tcase_add_loop_test(tcase, a_missing_stan_ends_the_connection, 0, COUNT(mandatory));
        tcase_add_loop_test(tcase, a_malformed_field_is_answered_30, 0, COUNT(malformed));
        tcase_add_test(tcase, a_request_cut_at_any_byte_is_answered_30_or_ends_the_connection);
        tcase_add_loop_test(tcase, a_broken_structure_is_answered_as_far_as_it_can_be_read, 0, COUNT(broken));
        tcase_add_loop_test(tcase, an_unknown_mti_ends_the_connection, 0, COUNT(unknown_mti));
        tcase_add_loop_test(tcase, what_is_not_built_is_answered_40, 0, COUNT(unsupported));
        tcase_add_loop_test(tcase, network_management_by_its_code, 0, COUNT(network));
        tcase_add_test(tcase, other_fields_are_passed_over);
        tcase_add_loop_test(tcase, track_2_serves_as_well, 0, 2);
        tcase_add_loop_test(tcase, a_bad_track_2_is_answered_30, 0, COUNT(bad_tracks));
        tcase_add_test(tcase, an_inquiry_needs_no_amount_and_costs_nothing);
        tcase_add_test(tcase, the_log_names_field_offset_wanted_and_available);
        suite_add_tcase(suite, tcase);
        return suite;
}
