/*
 * Protects tools/atmsim/message.c and answers.c: what an ATM sends passes the protocol's own checks, a right
 * answer is accepted and one that is wrong in any field is named, as is a repeat's that is not the
 * original's.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keymodule/crypto/pin_block.h"
#include "lib/base/hex.h"
#include "protocol/frame.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "protocol/tags.h"
#include "rules/reasons.h"
#include "tools/atmsim/answers.h"
#include "tools/atmsim/message.h"
#include "tools/chips/chips.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct message_place place = {.hall = "H00001         ", .acquirer = "99000001"};
static const struct lab_keys keys = {.set = 7,
                                     .pin = {CIPHER_AES, 16, "the key of PINs."},
                                     .up.key = {CIPHER_AES, 16, "the key up......"},
                                     .down.key = {CIPHER_AES, 16, "the key down...."}};
static enum mac_fault mac_fault;
static enum pin_fault pin_fault;
static bool mac_is_right; /* of what was sent last */
static const struct card card = {.pan = "9900010000000007", .expiry_yymm = "4912", .pin = "4711"};
static struct sim_atm atm;
static struct answers answers;
static struct iso_message request, reply;
static char why[ANSWER_WHY_MAX];

static void set_up(void)
{
        memset(&answers, 0, sizeof(answers));
        place.keys = NULL;
        place.chip_rate = 0;
        mac_fault = MAC_RIGHT;
        pin_fault = PIN_RIGHT;
        atm_init(&atm, "T0000001");
        atm.w = (struct withdrawal){.stan = 123,
                                    .transmitted_ms = 1483056000000,
                                    .amount_yen = 13000,
                                    .charge_yen = 108,
                                    .rrn = "636509000123",
                                    .approval = "ABC234"};
        atm.advice = (struct advice){.stan = 124, .transmitted_ms = 1483056001000, .dispensed_yen = 13000};
        atm.inquiry_stan = 122;
        atm.inquiry_ms = 1483055999000;
}

/* Compose, note it as sent, decode and check by the protocol's own rules. */
static const struct profile_row *send_out(enum atm_message what, bool repeat)
{
        struct message_identity identity = message_identity_of(&atm, what);
        const struct profile_row *row;
        struct iso_error error;
        const uint8_t *bytes;
        uint8_t frame[FRAME_MAX];
        size_t length;
        size_t whole = message_compose(&atm, &place, what, repeat, identity,
                                       what == ATM_REQUEST || what == ATM_INQUIRY ? &card : NULL,
                                       (struct message_faults){mac_fault, pin_fault}, frame);
        size_t covered;
        uint8_t mac[LAB_MAC_LENGTH];

        answers_expect(&answers, what, identity, atm.w.amount_yen);
        ck_assert_int_eq(frame_next(&iso_dialect_ascii, frame, whole, &bytes, &length), FRAME_READY);
        ck_assert_uint_eq(length + ISO_LENGTH_HEADER, whole);
        ck_assert_int_eq(iso_decode(&iso_dialect_ascii, bytes, length, &request, &error), 0);
        row = profile_find(request.mti);
        ck_assert_ptr_nonnull(row);
        ck_assert_int_eq(profile_check(row, &request, &error), 0);
        mac_is_right = iso_mac_covered(&iso_dialect_ascii, &request, length, &covered);
        if (mac_is_right) {
                lab_mac(&keys.up, bytes, covered, mac);
                mac_is_right = mac_is_same(mac, bytes + covered, sizeof(mac));
        }
        return row;
}

static bool check(struct atm_answer *ret_answer)
{
        struct iso_error error;
        uint8_t bytes[1024];
        int length = iso_encode(&iso_dialect_ascii, &reply, bytes, sizeof(bytes), &error);

        ck_assert_int_gt(length, 0);
        why[0] = '\0';
        return answers_check(&answers, &atm, &place, bytes, (size_t)length, ret_answer, why);
}

static void approve(const struct profile_row *row)
{
        profile_answer(row, &request, &reply);
        iso_set_string(&reply, 39, "00");
        if (row->kind != MESSAGE_REQUEST)
                return;
        iso_set_string(&reply, 15, "1230");
        iso_set_string(&reply, 28, "D00000108");
        iso_set_string(&reply, 37, "636509000123");
        iso_set_string(&reply, 38, "ABC234");
}

static const struct {
        enum atm_message what;
        bool repeat;
        const char *mti;
} messages[] = {
    {ATM_SIGN_ON, false, "0800"},    {ATM_ECHO, false, "0800"},      {ATM_KEY_CHANGE, false, "0800"},
    {ATM_INQUIRY, false, "0200"},    {ATM_REQUEST, false, "0200"},   {ATM_REQUEST, true, "0201"},
    {ATM_COMPLETION, false, "0220"}, {ATM_COMPLETION, true, "0221"}, {ATM_REVERSAL, false, "0420"},
    {ATM_REVERSAL, true, "0421"},
};

START_TEST(each_message_passes_the_protocol_s_checks)
{
        char text[64];

        if (messages[_i].what == ATM_REVERSAL) {
                atm.advice.reversal = true;
                strcpy(atm.advice.why, "32");
                atm.advice.dispensed_yen = 10000;
        }
        send_out(messages[_i].what, messages[_i].repeat);
        ck_assert_str_eq(request.mti, messages[_i].mti);
        ck_assert(iso_copy(&request, 41, text, sizeof(text)) && !strcmp(text, "T0000001"));
        ck_assert(iso_copy(&request, 32, text, sizeof(text)) && !strcmp(text, "99000001"));
        ck_assert(!iso_has(&request, 35));
        ck_assert_int_eq(iso_has(&request, 2),
                         messages[_i].what == ATM_REQUEST || messages[_i].what == ATM_INQUIRY);
        if (messages[_i].what == ATM_REQUEST) {
                ck_assert(iso_copy(&request, 7, text, sizeof(text)) && !strcmp(text, "1230000000"));
                ck_assert(iso_copy(&request, 12, text, sizeof(text)) && !strcmp(text, "090000"));
                ck_assert(iso_copy(&request, 13, text, sizeof(text)) && !strcmp(text, "1230"));
                ck_assert(iso_copy(&request, 4, text, sizeof(text)) && !strcmp(text, "000000013000"));
        }
        if (messages[_i].what == ATM_COMPLETION || messages[_i].what == ATM_REVERSAL) {
                int64_t yen;

                ck_assert(iso_copy(&request, 90, text, sizeof(text)));
                ck_assert_str_eq(text, "020000012312300000000000000000000000000000");
                ck_assert(profile_dispensed_yen(profile_find(request.mti), &request, &yen));
                ck_assert_int_eq(yen, messages[_i].what == ATM_REVERSAL ? 10000 : 13000);
        }
}
END_TEST

/* Under the key of the other direction it is another one; so it is where a byte of what it covers is. */
START_TEST(an_atm_with_keys_seals_each_message_and_tells_a_sealed_answer)
{
        struct atm_answer answer;
        struct iso_error error;
        uint8_t bytes[1024], mac[LAB_MAC_LENGTH];
        size_t covered;
        struct tag set;

        place.keys = &keys;
        if (messages[_i].what == ATM_REVERSAL) {
                atm.advice.reversal = true;
                strcpy(atm.advice.why, "32");
        }
        approve(send_out(messages[_i].what, messages[_i].repeat));
        ck_assert(mac_is_right);
        ck_assert(tags_find(&request, 62, TAG_KEY_SET, &set) && set.length == 1 && *set.value == '7');
        if (messages[_i].what == ATM_INQUIRY)
                iso_set_string(&reply, 54, "0002392C0000002000000001392C000000200000");
        ck_assert(!check(&answer));
        iso_set_string(&reply, 62, "KS0017");
        ck_assert(!check(&answer));
        int length = iso_mac_encode(&iso_dialect_ascii, &reply, bytes, sizeof(bytes), &covered, &error);
        ck_assert_int_gt(length, 0);
        lab_mac(&keys.up, bytes, covered, bytes + covered);
        ck_assert(!answers_check(&answers, &atm, &place, bytes, (size_t)length, &answer, why));
        ck_assert_ptr_nonnull(strstr(why, "another MAC"));
        lab_mac(&keys.down, bytes, covered, mac);
        memcpy(bytes + covered, mac, sizeof(mac));
        ck_assert_msg(answers_check(&answers, &atm, &place, bytes, (size_t)length, &answer, why), "%s", why);
        iso_set_string(&reply, 62, "KS0018");
        length = iso_mac_encode(&iso_dialect_ascii, &reply, bytes, sizeof(bytes), &covered, &error);
        lab_mac(&keys.down, bytes, covered, bytes + covered);
        ck_assert(!answers_check(&answers, &atm, &place, bytes, (size_t)length, &answer, why));
}
END_TEST

/* The reply under that set's keys. */
static bool check_sealed(const struct lab_keys *under, const char *tags, struct atm_answer *ret_answer)
{
        struct iso_error error;
        uint8_t bytes[1024];
        size_t covered;
        int length;

        iso_set_string(&reply, 62, tags);
        length = iso_mac_encode(&iso_dialect_ascii, &reply, bytes, sizeof(bytes), &covered, &error);
        ck_assert_int_gt(length, 0);
        lab_mac(&under->down, bytes, covered, bytes + covered);
        why[0] = '\0';
        return answers_check(&answers, &atm, &place, bytes, (size_t)length, ret_answer, why);
}

#define BLOCK "KB016B0016K0TB00E0000"

START_TEST(a_newer_set_is_heard_of_and_its_keys_come_with_the_answer_to_a_key_change)
{
        static const struct {
                enum atm_message what;
                const char *tags;
                int offer; /* -1: it is wrong */
        } rows[] = {
            {ATM_ECHO, "KS0017", 0},
            {ATM_ECHO, "KS0017KN0018", 8},
            {ATM_ECHO, "KS0017KN0049999", 9999},
            {ATM_ECHO, "KS0017KN0017", -1}, /* the one that it has */
            {ATM_ECHO, "KS0017KN0016", -1},
            {ATM_ECHO, "KS0017KN0018" BLOCK BLOCK BLOCK, -1}, /* it did not ask */
            {ATM_KEY_CHANGE, "KS0017", 0},
            {ATM_KEY_CHANGE, "KS0017KN0018" BLOCK BLOCK BLOCK, 8},
            {ATM_KEY_CHANGE, "KS0017KN0018", -1},
            {ATM_KEY_CHANGE, "KS0017KN0018" BLOCK BLOCK, -1},
            {ATM_KEY_CHANGE, "KS0017KN0018" BLOCK BLOCK BLOCK BLOCK, -1},
            {ATM_KEY_CHANGE, "KS0017" BLOCK BLOCK BLOCK, -1},
        };
        struct atm_answer answer;

        place.keys = &keys;
        for (size_t i = 0; i < COUNT(rows); i++) {
                memset(&answers, 0, sizeof(answers)); /* both bear the same numbers here */
                approve(send_out(rows[i].what, false));
                ck_assert_msg(check_sealed(&keys, rows[i].tags, &answer) == (rows[i].offer >= 0),
                              "row %zu: %s", i, why);
                if (rows[i].offer < 0)
                        ck_assert_ptr_nonnull(strstr(why, "field 62"));
                else
                        ck_assert_int_eq(answer.offer, rows[i].offer);
        }
        approve(send_out(ATM_KEY_CHANGE, false));
        ck_assert(check_sealed(&keys,
                               "KS0017KN0018KB003one"
                               "KB003twoKB005three",
                               &answer) == false); /* none */
        approve(send_out(ATM_KEY_CHANGE, false));
        ck_assert(check_sealed(&keys, "KS0017KN0018" BLOCK BLOCK "KB016B0016M3TV00E0000", &answer));
        ck_assert(!strncmp(answer.key_blocks[0].text, "B0016K0TB00E0000", answer.key_blocks[0].length));
        ck_assert(!strncmp(answer.key_blocks[2].text, "B0016M3TV00E0000", answer.key_blocks[2].length));
}
END_TEST

START_TEST(a_repeat_under_a_new_set_has_its_original_s_answer)
{
        static const struct lab_keys next = {.set = 8,
                                             .up.key = {CIPHER_AES, 16, "another key up.."},
                                             .down.key = {CIPHER_AES, 16, "another down...."}};
        struct atm_answer answer;

        place.keys = &keys;
        approve(send_out(ATM_REQUEST, false));
        ck_assert_msg(check_sealed(&keys, "KS0017KN0018", &answer), "%s", why);
        place.keys = &next;
        approve(send_out(ATM_REQUEST, true));
        ck_assert(!check_sealed(&keys, "KS0017KN0018", &answer));
        ck_assert_msg(check_sealed(&next, "KS0018", &answer), "%s", why);
        iso_set_string(&reply, 28, "D00000216");
        ck_assert(!check_sealed(&next, "KS0018", &answer));
        ck_assert_ptr_nonnull(strstr(why, "not the original's"));
}
END_TEST

START_TEST(a_message_leaves_with_the_mac_that_its_fault_says)
{
        for (mac_fault = MAC_RIGHT; mac_fault <= MAC_OF_ANOTHER; mac_fault++) {
                place.keys = &keys;
                send_out(ATM_REQUEST, false);
                ck_assert_int_eq(iso_has(&request, 64), mac_fault != MAC_MISSING);
                ck_assert_int_eq(mac_is_right, mac_fault == MAC_RIGHT);
                place.keys = NULL;
                send_out(ATM_REQUEST, false);
                ck_assert(!iso_has(&request, 64) && !iso_has(&request, 62));
        }
}
END_TEST

static const struct lab_keys tdes_keys = {.set = 8,
                                          .pin = {CIPHER_TDES, 16, "another PIN key."},
                                          .up.key = {CIPHER_AES, 16, "the key up......"},
                                          .down.key = {CIPHER_AES, 16, "the key down...."}};
static const char *const pin_formats[] = {"4", "03"};

/* The PIN of what was sent last, in the format that it is of, 0: it is in none. False: there is no block. */
static bool open_pin(const struct lab_keys *of, struct pin *ret_pin, char *ret_format)
{
        uint8_t block[PIN_BLOCK_MAX];
        bool is_aes = of->pin.algorithm == CIPHER_AES;
        size_t length = 0;
        const char *field = iso_get(&request, 52, &length);
        enum pin_format format;
        struct tag tag;
        bool has_tag = tags_find(&request, 62, TAG_PIN_BLOCK, &tag);

        ck_assert(is_aes ? !field : !has_tag);
        *ret_format = 0;
        if (!field && !has_tag)
                return false;
        if (is_aes)
                ck_assert(tag.length == 32 && hex_parse(tag.value, block, 16));
        else
                memcpy(block, field, 8);
        for (const char *digit = pin_formats[is_aes ? 0 : 1]; *digit && !*ret_format; digit++)
                if (pin_format_of(*digit, &format) &&
                    pin_block_open(format, &of->pin, block, is_aes ? 16 : 8, card.pan, strlen(card.pan),
                                   ret_pin) == PIN_GOOD)
                        *ret_format = *digit;
        return true;
}

/* Of each key and fault, over many STANs: all formats and all that can be wrong with a block are among them. */
START_TEST(a_request_has_the_pin_block_that_its_keys_and_its_fault_say)
{
        const struct lab_keys *of = _i ? &tdes_keys : &keys;
        char seen[3] = "", format;
        struct pin pin;

        place.keys = of;
        for (atm.w.stan = 1; atm.w.stan <= 60; atm.w.stan++) {
                pin_fault = PIN_RIGHT;
                send_out(ATM_REQUEST, atm.w.stan % 2);
                ck_assert(open_pin(of, &pin, &format) && format && !strcmp(pin.digits, card.pin));
                if (!strchr(seen, format))
                        seen[strlen(seen)] = format;
                pin_fault = PIN_MISTYPED;
                send_out(ATM_REQUEST, false);
                ck_assert(open_pin(of, &pin, &format) && format && strlen(pin.digits) == 4 &&
                          strcmp(pin.digits, card.pin));
                pin_fault = PIN_UNREADABLE;
                send_out(ATM_REQUEST, false);
                ck_assert(open_pin(of, &pin, &format) && !format);
                pin_fault = PIN_MISSING;
                send_out(ATM_REQUEST, false);
                ck_assert(!open_pin(of, &pin, &format));
        }
        ck_assert_uint_eq(strlen(seen), strlen(pin_formats[_i]));
        pin_fault = PIN_RIGHT;
        send_out(ATM_INQUIRY, false);
        ck_assert(open_pin(of, &pin, &format) && format);
        send_out(ATM_COMPLETION, false);
        ck_assert(!open_pin(of, &pin, &format));
        place.keys = NULL;
        send_out(ATM_REQUEST, false);
        ck_assert(!iso_has(&request, 52) && !iso_has(&request, 62));
}
END_TEST

/* 22 says how the card was read; 23 and 55 are a chip's alone; without a rate nothing is said. */
START_TEST(a_request_says_how_the_card_was_read)
{
        static const double rates[] = {0, 1e-9, 1};
        static const char *const modes[] = {"", "021", "051"};
        char mode[4];

        for (int inquiry = 0; inquiry < 2; inquiry++) {
                place.chip_rate = rates[_i];
                send_out(inquiry ? ATM_INQUIRY : ATM_REQUEST, false);
                ck_assert(iso_copy(&request, 22, mode, sizeof(mode)));
                ck_assert_str_eq(mode, modes[_i]);
                ck_assert_int_eq(iso_has(&request, 23), _i == 2);
                ck_assert_int_eq(iso_has(&request, 55), _i == 2);
        }
        send_out(ATM_COMPLETION, false);
        ck_assert(!iso_has(&request, 22) && !iso_has(&request, 55));
}
END_TEST

static void answer_chip(const char *de39)
{
        struct chip_data data, authentication;

        chip_data_of(&request, &data);
        chips_answer(&data, de39, true, &authentication);
        chip_data_add(&authentication, &iso_dialect_ascii, &reply);
}

/* With the first answer alone, and only what this ATM's chip is to hear of this withdrawal. */
START_TEST(a_bank_s_data_must_be_for_the_chip_that_asked)
{
        struct atm_answer answer;
        int scripts = 0;

        for (int32_t stan = 1; stan <= 60; stan++) {
                set_up();
                place.chip_rate = 1;
                atm.w.stan = stan;
                approve(send_out(ATM_REQUEST, false));
                iso_set_number(&reply, 37, 636509000000 + stan, 12);
                answer_chip("00");
                ck_assert_msg(check(&answer), "%s", why);
                ck_assert(answer.has_chip);
                scripts += answer.has_script;
                iso_unset(&reply, 55); /* a repeat's */
                ck_assert_msg(check(&answer), "%s", why);
                ck_assert(!answer.has_chip && !answer.has_script);
        }
        ck_assert_int_gt(scripts, 0);
        ck_assert_int_lt(scripts, 30);
        answer_chip("05"); /* of a refusal */
        ck_assert(!check(&answer));
        ck_assert_ptr_nonnull(strstr(why, "field 55"));
        atm.w.stan++; /* of the next withdrawal */
        send_out(ATM_REQUEST, false);
        answer_chip("00");
        ck_assert(!check(&answer));
        ck_assert_ptr_nonnull(strstr(why, "field 55"));
}
END_TEST

START_TEST(what_became_of_a_script_is_in_the_advice_that_reports_it)
{
        struct chips_identity identity = {"T0000001", atm.w.transmitted_ms, atm.w.stan, atm.w.amount_yen};
        struct chip_data wanted, sent;

        chips_report(&identity, &wanted);
        atm.advice.reports = true;
        for (int repeat = 0; repeat < 2; repeat++) {
                send_out(ATM_COMPLETION, repeat);
                chip_data_of(&request, &sent);
                ck_assert_uint_eq(sent.length, wanted.length);
                ck_assert_mem_eq(sent.bytes, wanted.bytes, wanted.length);
        }
}
END_TEST

START_TEST(a_right_answer_is_accepted)
{
        struct atm_answer answer;

        approve(send_out(ATM_REQUEST, false));
        ck_assert_msg(check(&answer), "%s", why);
        ck_assert_int_eq(answer.what, ATM_REQUEST);
        ck_assert_int_eq(answer.stan, 123);
        ck_assert_int_eq(answer.transmitted_ms, 1483056000000);
        ck_assert_int_eq(answer.charge_yen, 108);
        ck_assert_str_eq(answer.approval, "ABC234");
        approve(send_out(ATM_COMPLETION, false));
        ck_assert_msg(check(&answer), "%s", why);
        ck_assert_int_eq(answer.what, ATM_COMPLETION);
}
END_TEST

/* But for the format error: what an ATM sends is well-formed. */
START_TEST(every_refusal_of_the_protocol_is_taken)
{
        struct atm_answer answer;

        approve(send_out(ATM_REQUEST, false));
        iso_set_string(&reply, 39, reason_de39((enum reason)_i));
        ck_assert_int_eq(check(&answer), _i != REASON_FORMAT_ERROR);
}
END_TEST

/* One field of a right answer is set to a wrong value, or (NULL) left out. */
static const struct {
        int field;
        const char *value;
} faults[] = {
    {2, NULL},
    {3, "310000"},
    {3, NULL},
    {4, "000000014000"},
    {4, NULL},
    {7, "1230000001"},
    {7, NULL},
    {11, "000124"},
    {15, "1229"},
    {15, NULL},
    {28, NULL},
    {28, "C00000108"},
    {32, "99000002"},
    {32, NULL},
    {37, "636509000124"},
    {37, NULL},
    {38, NULL},
    {39, "30"},
    {39, "77"},
    {39, NULL},
    {41, "T0000002"},
    {41, NULL},
    {42, NULL},
    {49, "840"},
    {49, NULL},
    {35, "9900010000000007=4912"},
};

START_TEST(an_answer_that_is_wrong_in_a_field_is_named)
{
        struct atm_answer answer;

        approve(send_out(ATM_REQUEST, false));
        if (faults[_i].value)
                iso_set_string(&reply, faults[_i].field, faults[_i].value);
        else
                iso_unset(&reply, faults[_i].field);
        ck_assert_msg(!check(&answer), "field %d passed", faults[_i].field);
        ck_assert(why[0]);
        ck_assert_ptr_null(strstr(why, card.pan));
}
END_TEST

START_TEST(a_repeat_s_answer_must_be_the_original_s)
{
        struct atm_answer answer;

        approve(send_out(ATM_REQUEST, false));
        ck_assert(check(&answer));
        approve(send_out(ATM_REQUEST, true));
        ck_assert(check(&answer));
        iso_set_string(&reply, 28, "D00000216");
        ck_assert(!check(&answer));
        approve(send_out(ATM_REQUEST, true));
        iso_set_string(&reply, 39, "61");
        ck_assert(!check(&answer));
        ck_assert_ptr_nonnull(strstr(why, "not the original's"));
}
END_TEST

START_TEST(an_approval_may_become_94_and_never_an_approval_again)
{
        struct atm_answer answer;

        approve(send_out(ATM_REQUEST, false));
        ck_assert(check(&answer));
        profile_answer(send_out(ATM_REQUEST, true), &request, &reply);
        iso_set_string(&reply, 39, "94");
        ck_assert_msg(check(&answer), "%s", why);
        ck_assert_msg(check(&answer), "%s", why);
        approve(send_out(ATM_REQUEST, true));
        ck_assert(!check(&answer));
        ck_assert_ptr_nonnull(strstr(why, "not the original's"));
}
END_TEST

START_TEST(only_what_is_not_kept_may_be_decided_anew)
{
        static const struct {
                const char *first;
                bool may_change;
        } rows[] = {{"96", true}, {"58", true}, {"61", false}, {"94", false}, {"00", false}};
        struct atm_answer answer;

        for (size_t i = 0; i < COUNT(rows); i++) {
                set_up();
                approve(send_out(ATM_REQUEST, false));
                iso_set_string(&reply, 39, rows[i].first);
                ck_assert_msg(check(&answer), "%s", why);
                approve(send_out(ATM_REQUEST, true));
                iso_set_string(&reply, 39, "51");
                ck_assert_int_eq(check(&answer), rows[i].may_change);
        }
}
END_TEST

START_TEST(a_balance_has_its_form)
{
        static const char *const good = "0002392C0000002000000001392C000000200000";
        static const char *const bad[] = {"0001392C0000002000000002392C000000200000", "0002392C000000200000",
                                          "0002840C0000002000000001392C000000200000",
                                          "0002392X0000002000000001392C000000200000",
                                          "0002392C00000020000A0001392C000000200000"};
        struct atm_answer answer;

        approve(send_out(ATM_INQUIRY, false));
        iso_set_string(&reply, 54, good);
        ck_assert_msg(check(&answer), "%s", why);
        for (size_t i = 0; i < COUNT(bad); i++) {
                iso_set_string(&reply, 54, bad[i]);
                ck_assert(!check(&answer));
        }
}
END_TEST

START_TEST(an_answer_to_nothing_is_told)
{
        struct atm_answer answer;

        approve(send_out(ATM_REQUEST, false));
        memset(&answers, 0, sizeof(answers));
        ck_assert(!check(&answer));
        ck_assert_ptr_nonnull(strstr(why, "answers nothing that was sent"));
        ck_assert_ptr_null(strstr(why, card.pan));
}
END_TEST

START_TEST(garbage_is_told_with_field_and_offset)
{
        static const uint8_t garbage[] = "0210 this is no message";
        struct atm_answer answer;

        ck_assert(!answers_check(&answers, &atm, &place, garbage, sizeof(garbage), &answer, why));
        ck_assert_ptr_nonnull(strstr(why, "offset"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("messages");
        TCase *all = tcase_create("all");

        tcase_add_checked_fixture(all, set_up, NULL);
        tcase_add_loop_test(all, each_message_passes_the_protocol_s_checks, 0, (int)COUNT(messages));
        tcase_add_loop_test(all, a_request_has_the_pin_block_that_its_keys_and_its_fault_say, 0, 2);
        tcase_add_loop_test(all, an_atm_with_keys_seals_each_message_and_tells_a_sealed_answer, 0,
                            (int)COUNT(messages));
        tcase_add_test(all, a_newer_set_is_heard_of_and_its_keys_come_with_the_answer_to_a_key_change);
        tcase_add_test(all, a_repeat_under_a_new_set_has_its_original_s_answer);
        tcase_add_test(all, a_message_leaves_with_the_mac_that_its_fault_says);
        tcase_add_loop_test(all, a_request_says_how_the_card_was_read, 0, 3);
        tcase_add_test(all, a_bank_s_data_must_be_for_the_chip_that_asked);
        tcase_add_test(all, what_became_of_a_script_is_in_the_advice_that_reports_it);
        tcase_add_test(all, a_right_answer_is_accepted);
        tcase_add_loop_test(all, every_refusal_of_the_protocol_is_taken, 0, REASON_COUNT);
        tcase_add_loop_test(all, an_answer_that_is_wrong_in_a_field_is_named, 0, (int)COUNT(faults));
        tcase_add_test(all, a_repeat_s_answer_must_be_the_original_s);
        tcase_add_test(all, an_approval_may_become_94_and_never_an_approval_again);
        tcase_add_test(all, only_what_is_not_kept_may_be_decided_anew);
        tcase_add_test(all, a_balance_has_its_form);
        tcase_add_test(all, an_answer_to_nothing_is_told);
        tcase_add_test(all, garbage_is_told_with_field_and_offset);
        suite_add_tcase(suite, all);
        return suite_run(suite);
}
