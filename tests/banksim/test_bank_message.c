/*
 * Protects tools/banksim/bank_message.c: each message of the acquirer gets the answer of the protocol, field
 * by field; what has no good form gets 30 and changes nothing; repeats get the same answer.
 */
#include "tools/banksim/bank_message.h"
#include "tools/chips/chips.h"

#include <check.h>
#include <inttypes.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keymodule/crypto/key_block.h"
#include "keymodule/crypto/pin_block.h"
#include "lib/base/hex.h"
#include "protocol/tags.h"
#include "rules/calendar.h"
#include "tests/suite.h"

static const char pan[] = "9900110000000017", unknown_pan[] = "9900110000000025";

static char key_path[64];
static struct bank_desk desk;
static struct bank_reply reply;

static void setup(void)
{
        char error[TOKEN_ERROR_MAX] = "";
        uint8_t token[TOKEN_LENGTH];
        strcpy(key_path, "/tmp/test_bank_message.XXXXXX");
        int fd = mkstemp(key_path);
        ck_assert_int_ge(fd, 0);
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(write(fd, "0123456789abcdef", 16), 16);
        close(fd);
        desk = (struct bank_desk){.bank = bank_new("BANKA"),
                                  .key = token_key_load(key_path, error),
                                  .business_ms = calendar_from_utc(2016, 12, 31, 15, 0, 5),
                                  .signed_on = true};
        ck_assert_msg(desk.key != NULL, "%s", error);
        token_of_pan(desk.key, pan, token);
        ck_assert(bank_add_account(desk.bank, token, "2012", 100000));
}

static void teardown(void)
{
        bank_free(desk.bank);
        token_key_free(desk.key);
        unlink(key_path);
}

static void take(const struct iso_message *message)
{
        bank_message_take(&desk, &iso_dialect_ascii, message, NULL, &reply);
}

static const char *answered(int field)
{
        static char text[8][64];
        static int turn;
        char *buffer = text[turn++ % 8];
        ck_assert(iso_copy(&reply.answer, field, buffer, sizeof(text[0])));
        return buffer;
}

/* A form of a withdrawal's request that every test changes. DE 7: 31 December 15:00:00 UTC, the New Year in
 * Japan. */
static struct iso_message request(const char *mti)
{
        struct iso_message message;
        iso_init(&message, mti);
        iso_set_string(&message, 2, pan);
        iso_set_string(&message, 3, "010000");
        iso_set_string(&message, 4, "000000020000");
        iso_set_string(&message, 7, "1231150000");
        iso_set_string(&message, 11, "000042");
        iso_set_string(&message, 14, "2012");
        iso_set_string(&message, 28, "D00000216");
        iso_set_string(&message, 32, "99000001");
        iso_set_string(&message, 37, "700100000042");
        iso_set_string(&message, 41, "T0000001");
        iso_set_string(&message, 42, "H00001         ");
        iso_set_string(&message, 49, "392");
        return message;
}

static struct iso_message advice(const char *mti, const char *dispensed)
{
        struct iso_message message = request(mti);
        iso_unset(&message, 2);
        iso_unset(&message, 14);
        iso_unset(&message, 28);
        iso_set_string(&message, 90, "020000004212311500000000000000000000000000");
        if (mti[1] == '4')
                iso_set_string(&message, 39, "32");
        if (dispensed) {
                char text[64];
                snprintf(text, sizeof(text), "%s000000000000D00000216D00000000", dispensed);
                iso_set_string(&message, 95, text);
        }
        return message;
}

static struct iso_message network(const char *code)
{
        struct iso_message message;
        iso_init(&message, "0800");
        iso_set_string(&message, 7, "1231150000");
        iso_set_string(&message, 11, "000001");
        iso_set_string(&message, 41, "HOST0001");
        iso_set_string(&message, 70, code);
        return message;
}

/* ---- requests ------------------------------------------------------------------------------------------ */

START_TEST(an_approval_says_all_that_the_protocol_asks_for)
{
        struct iso_message message = request("0200");
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        take(&message);
        ck_assert(!reply.close);
        ck_assert(reply.has_record);
        ck_assert_int_eq(reply.count, BANK_COUNT_APPROVED);
        ck_assert_str_eq(reply.answer.mti, "0210");
        ck_assert_str_eq(answered(39), "00");
        for (size_t i = 0; i < 9; i++) {
                static const int echoed[] = {2, 3, 4, 7, 11, 32, 41, 42, 49};
                char was[64];
                ck_assert(iso_copy(&message, echoed[i], was, sizeof(was)));
                ck_assert_str_eq(answered(echoed[i]), was);
        }
        ck_assert_str_eq(answered(15), "0101"); /* the business date in Japan */
        ck_assert_str_eq(answered(28), "D00000216");
        ck_assert_str_eq(answered(37), "700100000042");
        ck_assert_uint_eq(strlen(answered(38)), 6);
        ck_assert(!iso_has(&reply.answer, 14));
        ck_assert(!iso_has(&reply.answer, 54));
        ck_assert_int_gt(iso_encode(&iso_dialect_ascii, &reply.answer, bytes, sizeof(bytes), &error), 0);
        ck_assert_int_eq(reply.record.identity.transmitted_ms, calendar_from_utc(2016, 12, 31, 15, 0, 0));
        ck_assert_int_eq(reply.record.moved_yen, -20216);
        ck_assert_str_eq(reply.record.mask, "990011******0017");
        ck_assert_ptr_null(memmem(&reply.record, sizeof(reply.record), pan, strlen(pan)));
}
END_TEST

START_TEST(a_repeat_gets_the_same_answer_field_by_field)
{
        struct iso_message message = request("0200"), repeat = request("0201"), other = request("0200");
        struct iso_message first;
        iso_set_string(&other, 11, "000043");
        take(&message);
        first = reply.answer;
        take(&other); /* the balance is another now */
        for (int i = 0; i < 2; i++) {
                char one[1024], two[1024];
                take(i == 0 ? &message : &repeat);
                ck_assert(!reply.has_record);
                ck_assert_int_eq(reply.count, BANK_COUNT_REPEAT);
                iso_dump(&iso_dialect_ascii, &first, one, sizeof(one));
                iso_dump(&iso_dialect_ascii, &reply.answer, two, sizeof(two));
                ck_assert_str_eq(one, two);
        }
        /* An inquiry's too, though the balance has changed. */
        struct iso_message inquiry = request("0200");
        iso_set_string(&inquiry, 3, "310000");
        iso_set_string(&inquiry, 11, "000044");
        iso_unset(&inquiry, 4);
        take(&inquiry);
        char balance[64];
        strcpy(balance, answered(54));
        iso_set_string(&other, 11, "000045");
        take(&other);
        take(&inquiry);
        ck_assert_int_eq(reply.count, BANK_COUNT_REPEAT);
        ck_assert_str_eq(answered(54), balance);
}
END_TEST

START_TEST(an_inquiry_says_both_balances)
{
        struct iso_message message = request("0200");
        iso_set_string(&message, 3, "312000");
        iso_unset(&message, 4);
        iso_unset(&message, 28);
        take(&message);
        ck_assert_int_eq(reply.count, BANK_COUNT_INQUIRY);
        ck_assert_str_eq(answered(39), "00");
        ck_assert_str_eq(answered(28), "D00000000");
        ck_assert_str_eq(answered(54), "2002392C0000001000002001392C000000100000");
        ck_assert(!iso_has(&reply.answer, 38));
}
END_TEST

START_TEST(a_missing_rrn_is_made)
{
        struct iso_message message = request("0200");
        iso_unset(&message, 37);
        take(&message);
        ck_assert_str_eq(answered(37), "700100000042");
}
END_TEST

START_TEST(who_has_not_signed_on_is_refused_except_with_advices)
{
        struct iso_message message = request("0200"), reversal = advice("0420", NULL);
        desk.signed_on = false;
        take(&message);
        ck_assert_str_eq(answered(39), "58");
        ck_assert(!reply.has_record);
        ck_assert_int_eq(reply.count, BANK_COUNT_NOT_SIGNED_ON);
        take(&reversal);
        ck_assert_str_eq(answered(39), "00");
        ck_assert(reply.has_record);
        desk.signed_on = true;
        take(&message);
        ck_assert_str_eq(answered(39), "94"); /* its reversal came first */
}
END_TEST

START_TEST(a_contradiction_is_answered_94)
{
        struct iso_message message = request("0200");
        take(&message);
        iso_set_string(&message, 2, unknown_pan);
        take(&message);
        ck_assert_str_eq(answered(39), "94");
        ck_assert(!reply.has_record);
        ck_assert_int_eq(reply.count, BANK_COUNT_CONTRADICTION);
}
END_TEST

START_TEST(a_refusal_holds_no_approval)
{
        struct iso_message message = request("0200");
        iso_set_string(&message, 2, unknown_pan);
        take(&message);
        ck_assert_str_eq(answered(39), "14");
        ck_assert_int_eq(reply.count, BANK_COUNT_DECLINED);
        static const int absent[] = {15, 28, 37, 38, 54};
        for (size_t i = 0; i < 5; i++)
                ck_assert(!iso_has(&reply.answer, absent[i]));
}
END_TEST

START_TEST(an_order_to_decline_is_followed_and_said)
{
        struct iso_message message = request("0200");
        desk.order = (struct behaviour_order){.has_request = true, .de39 = "61"};
        take(&message);
        ck_assert_str_eq(answered(39), "61");
        ck_assert(reply.ordered);
        ck_assert_str_eq(reply.record.de39, "61");
        ck_assert_int_eq(reply.record.moved_yen, 0);
}
END_TEST

/* ---- advices ------------------------------------------------------------------------------------------- */

static const struct advice_row {
        const char *mti, *answer_mti, *dispensed;
        enum bank_kind kind;
        enum bank_count count;
        int64_t dispensed_yen, moved_yen;
} advice_rows[] = {
    {"0220", "0230", NULL, BANK_COMPLETION, BANK_COUNT_COMPLETION, 20000, 0},
    {"0221", "0230", NULL, BANK_COMPLETION, BANK_COUNT_COMPLETION, 20000, 0},
    {"0220", "0230", "000000005000", BANK_COMPLETION, BANK_COUNT_COMPLETION, 5000, 15000},
    {"0420", "0430", NULL, BANK_REVERSAL, BANK_COUNT_REVERSAL, 0, 20216},
    {"0421", "0430", NULL, BANK_REVERSAL, BANK_COUNT_REVERSAL, 0, 20216},
    {"0420", "0430", "000000000000", BANK_REVERSAL, BANK_COUNT_REVERSAL, 0, 20216},
    {"0420", "0430", "000000005000", BANK_PARTIAL, BANK_COUNT_PARTIAL, 5000, 15000},
};

START_TEST(an_advice_is_accepted_and_recorded_with_its_withdrawal)
{
        const struct advice_row *row = &advice_rows[_i];
        struct iso_message message = request("0200"), told = advice(row->mti, row->dispensed);
        take(&message);
        take(&told);
        ck_assert_str_eq(reply.answer.mti, row->answer_mti);
        ck_assert_str_eq(answered(39), "00");
        ck_assert_int_eq(reply.count, row->count);
        ck_assert_int_eq(reply.record.kind, row->kind);
        ck_assert_int_eq(reply.record.dispensed_yen, row->dispensed_yen);
        ck_assert_int_eq(reply.record.moved_yen, row->moved_yen);
        ck_assert_int_eq(reply.record.identity.stan, 42);
        ck_assert_str_eq(answered(11), "000042");
        ck_assert_str_eq(answered(41), "T0000001");
        ck_assert(!iso_has(&reply.answer, 2));
        take(&told);
        ck_assert_int_eq(reply.count, BANK_COUNT_REPEAT);
        ck_assert_str_eq(answered(39), "00");
        ck_assert(!reply.has_record);
}
END_TEST

static const struct told_row {
        enum notice_verdict verdict;
        const char *code, *mti, *dispensed;
        bool refused;
        enum bank_count count;
        int64_t moved_yen;
} told_rows[] = {
    {NOTICE_REPEATED, "94", "0220", NULL, false, BANK_COUNT_COMPLETION, 0},
    {NOTICE_REPEATED, "21", "0420", "000000005000", false, BANK_COUNT_PARTIAL, 15000},
    {NOTICE_REPEATED, "94", "0420", NULL, false, BANK_COUNT_REVERSAL, 20216},
    {NOTICE_CASE, "12", "0220", NULL, true, BANK_COUNT_REFUSED, 0},
    {NOTICE_CASE, "05", "0420", "000000005000", true, BANK_COUNT_REFUSED, 0},
    {NOTICE_CASE, "12", "0420", NULL, true, BANK_COUNT_REFUSED, 0},
    {NOTICE_MISSING, "25", "0220", NULL, true, BANK_COUNT_REFUSED, 0},
    {NOTICE_MISSING, "25", "0420", "000000005000", true, BANK_COUNT_REFUSED, 0},
    {NOTICE_MISSING, "25", "0420", NULL, false, BANK_COUNT_REVERSAL, 20216}, /* it holds nothing of it */
};

START_TEST(an_order_to_answer_an_advice_with_a_code_is_followed_and_stays)
{
        const struct told_row *row = &told_rows[_i];
        struct iso_message message = request("0200"), told = advice(row->mti, row->dispensed);
        take(&message);
        desk.order = (struct behaviour_order){.has_notice = true, .verdict = row->verdict};
        strcpy(desk.order.de39, row->code);
        take(&told);
        ck_assert_str_eq(answered(39), row->code);
        ck_assert(reply.ordered && reply.has_record);
        ck_assert_int_eq(reply.count, row->count);
        ck_assert_int_eq(reply.record.refused, row->refused);
        ck_assert_str_eq(reply.record.de39, row->code);
        ck_assert_int_eq(reply.record.moved_yen, row->moved_yen);
        desk.order = (struct behaviour_order){.has_notice = false};
        take(&told);
        ck_assert_str_eq(answered(39), row->code);
        ck_assert(!reply.ordered && !reply.has_record);
}
END_TEST

START_TEST(an_advice_that_is_put_off_leaves_nothing_and_may_come_again)
{
        struct iso_message message = request("0200"), told = advice("0420", NULL);
        take(&message);
        desk.order = (struct behaviour_order){.has_notice = true, .de39 = "91", .verdict = NOTICE_AGAIN};
        take(&told);
        ck_assert_str_eq(answered(39), "91");
        ck_assert_int_eq(reply.count, BANK_COUNT_PUT_OFF);
        ck_assert(reply.ordered && !reply.has_record);
        desk.order = (struct behaviour_order){.has_notice = false};
        take(&told);
        ck_assert_str_eq(answered(39), "00");
        ck_assert_int_eq(reply.record.moved_yen, 20216);
}
END_TEST

START_TEST(an_order_of_the_other_kind_changes_nothing)
{
        struct iso_message message = request("0200"), told = advice("0420", NULL);
        desk.order = (struct behaviour_order){.has_notice = true, .de39 = "12", .verdict = NOTICE_CASE};
        take(&message);
        ck_assert_str_eq(answered(39), "00");
        desk.order = (struct behaviour_order){.has_request = true, .de39 = "51"};
        take(&told);
        ck_assert_str_eq(answered(39), "00");
        ck_assert(!reply.ordered);
}
END_TEST

START_TEST(an_advice_with_numbers_of_its_own_finds_its_original)
{
        struct iso_message message = request("0200"), told = advice("0420", NULL);
        iso_set_string(&told, 7, "0101000230");
        iso_set_string(&told, 11, "000050");
        take(&message);
        take(&told);
        ck_assert_int_eq(reply.record.identity.stan, 42);
        ck_assert_int_eq(reply.record.identity.transmitted_ms, calendar_from_utc(2016, 12, 31, 15, 0, 0));
        ck_assert_int_eq(reply.record.moved_yen, 20216);
        ck_assert_str_eq(answered(11), "000050");
}
END_TEST

START_TEST(cash_that_does_not_fit_is_said_to_people)
{
        struct iso_message told = advice("0220", NULL);
        take(&told);
        ck_assert_str_eq(answered(39), "00");
        ck_assert(reply.record.exception);
        ck_assert_msg(strstr(reply.why, "T0000001") && strstr(reply.why, "20000 yen"), "%s", reply.why);
}
END_TEST

/* ---- form ---------------------------------------------------------------------------------------------- */

static const struct bad_form {
        const char *mti;
        int field;
        const char *value; /* NULL: left out */
        const char *says;
} bad_forms[] = {
    {"0200", 2, NULL, "field 14"},
    {"0200", 3, NULL, "field 3"},
    {"0200", 4, NULL, "field 4"},
    {"0200", 7, "1331150000", "field 7"},
    {"0200", 7, "0230150000", "field 7"},
    {"0200", 28, "C00000216", "field 28"},
    {"0200", 28, "D0000021x", "field 28"},
    {"0200", 37, "7001 0000042", "field 37"},
    {"0200", 41, "        ", "field 41"},
    {"0200", 41, "T 000001", "field 41"},
    {"0200", 41, "-       ", "field 41"},
    {"0200", 49, "840", "field 49"},
    {"0420", 39, NULL, "field 39"},
    {"0420", 90, NULL, "field 90"},
    {"0420", 90, "0200000042133115000000000000000000000000000", "field 90"},
    {"0420", 95, "12", "field 95"},
    {"0220", 4, NULL, "field 4"},
};

START_TEST(a_bad_form_is_answered_30_and_changes_nothing)
{
        const struct bad_form *row = &bad_forms[_i];
        struct iso_message message =
            row->mti[1] == '2' && row->mti[2] == '0' ? request(row->mti) : advice(row->mti, NULL);
        struct bank_totals totals;
        if (row->value)
                iso_set_string(&message, row->field, row->value);
        else
                iso_unset(&message, row->field);
        take(&message);
        ck_assert(!reply.close);
        ck_assert_msg(iso_has(&reply.answer, 39) && strcmp(answered(39), "30") == 0, "%s: %s", row->says,
                      reply.why);
        ck_assert_int_eq(reply.count, BANK_COUNT_FORMAT_ERROR);
        ck_assert(!reply.has_record);
        ck_assert_msg(strstr(reply.why, row->says) || row->field == 2, "wanted %s, got %s", row->says,
                      reply.why);
        bank_total(desk.bank, &totals);
        ck_assert_uint_eq(totals.withdrawals, 0);
}
END_TEST

START_TEST(what_could_not_be_read_is_answered_as_far_as_it_goes)
{
        struct iso_message message = request("0200");
        struct iso_error fault = {.field = 49, .offset = 80, .what = "length", .wanted = 3, .available = 1};
        bank_message_take(&desk, &iso_dialect_ascii, &message, &fault, &reply);
        ck_assert_str_eq(answered(39), "30");
        ck_assert_str_eq(answered(11), "000042");
        ck_assert_msg(strstr(reply.why, "field 49"), "%s", reply.why);
        iso_unset(&message, 11);
        bank_message_take(&desk, &iso_dialect_ascii, &message, &fault, &reply);
        ck_assert(reply.close);
        iso_init(&message, "0210");
        take(&message);
        ck_assert(reply.close);
        ck_assert_int_eq(reply.count, BANK_COUNT_UNREADABLE);
}
END_TEST

/* ---- network management -------------------------------------------------------------------------------- */

static const struct network_row {
        const char *code, *de39;
        bool before, after;
        enum bank_count count;
} network_rows[] = {
    {"001", "00", false, true, BANK_COUNT_SIGN_ON},    {"001", "00", true, true, BANK_COUNT_SIGN_ON},
    {"002", "00", true, false, BANK_COUNT_SIGN_OFF},   {"301", "00", false, false, BANK_COUNT_ECHO},
    {"301", "00", true, true, BANK_COUNT_ECHO},        {"201", "58", false, false, BANK_COUNT_NOT_SIGNED_ON},
    {"201", "00", true, true, BANK_COUNT_CUTOVER},     {"101", "40", true, true, BANK_COUNT_UNSUPPORTED},
    {"999", "12", true, true, BANK_COUNT_UNSUPPORTED},
};

START_TEST(network_management_follows_de_70)
{
        const struct network_row *row = &network_rows[_i];
        struct iso_message message = network(row->code);
        desk.signed_on = row->before;
        take(&message);
        ck_assert_str_eq(reply.answer.mti, "0810");
        ck_assert_str_eq(answered(39), row->de39);
        ck_assert_str_eq(answered(70), row->code);
        ck_assert_str_eq(answered(12), "000005"); /* Japan */
        ck_assert_str_eq(answered(13), "0101");
        ck_assert_int_eq(desk.signed_on, row->after);
        ck_assert_int_eq(reply.count, row->count);
}
END_TEST

START_TEST(network_management_has_the_codes_of_the_dialect)
{
        static const struct {
                const char *code, *de39;
        } rows[] = {{"061", "00"}, {"270", "00"}, {"161", "40"}, {"162", "40"},
                    {"062", "00"}, {"001", "12"}, {"201", "12"}, {"000", "12"}};
        struct iso_dialect dialect = iso_dialect_ascii;
        memcpy(dialect.network, (const int16_t[ISO_NETWORK_COUNT]){61, 62, 270, 0, 161, 162},
               sizeof(dialect.network));
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct iso_message message = network(rows[i].code);
                bank_message_take(&desk, &dialect, &message, NULL, &reply);
                ck_assert_str_eq(answered(39), rows[i].de39);
        }
        ck_assert(!desk.signed_on);
}
END_TEST

/* ---- keys ---------------------------------------------------------------------------------------------- */

#define KEK_TEXT "000102030405060708090a0b0c0d0e0f"
static const struct cipher_key kek = {CIPHER_AES, 16, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
static char keys_folder[40], keks_file[64], keys_file[64], store_file[64];

/* A set's key block: each key of it is filled with the set's number and the block's place. */
static void print_key(int set, int place, char text[KEY_BLOCK_TEXT])
{
        static const char usages[][3] = {"P0", "M6", "M6"};
        struct key_block_guard guard;
        struct key_block_header header = {
            .mode = place ? 'C' : 'B', .key_version = "00", .exportability = 'E'};
        struct cipher_key key = {.algorithm = CIPHER_AES, .length = 16};
        memset(key.bytes, set * 16 + place, key.length);
        memcpy(header.usage, usages[place], sizeof(header.usage));
        key_block_guard_of(&kek, &guard);
        ck_assert_int_eq(key_block_wrap(&guard, &header, &key, text), KEY_BLOCK_GOOD);
}

static void write_keys(const char *path, const char *format, ...) ATM_PRINTF(2, 3);
static void write_keys(const char *path, const char *format, ...)
{
        va_list arguments;
        FILE *file = fopen(path, "w");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
        va_start(arguments, format);
        vfprintf(file, format, arguments);
        va_end(arguments);
        ck_assert_int_eq(fclose(file), 0);
}

/* A bank that was given set 1 by file. */
static void open_keys(struct host_keys *keys)
{
        char text[3][KEY_BLOCK_TEXT], error[LAB_KEYS_ERROR_MAX] = "";
        for (int i = 0; i < 3; i++)
                print_key(1, i, text[i]);
        if (!*keys_folder) {
                strcpy(keys_folder, "/tmp/test_bank_keys.XXXXXX");
                ck_assert_ptr_nonnull(mkdtemp(keys_folder));
                snprintf(keks_file, sizeof(keks_file), "%s/keks", keys_folder);
                snprintf(keys_file, sizeof(keys_file), "%s/keys", keys_folder);
                snprintf(store_file, sizeof(store_file), "%s/store", keys_folder);
        }
        write_keys(keks_file, "link,kek\nBANKA," KEK_TEXT "\n");
        write_keys(keys_file, "link,set,pin_key,mac_key_up,mac_key_down\nBANKA,1,%s,%s,%s\n", text[0],
                   text[1], text[2]);
        ck_assert_msg(host_keys_open(keys, keys_file, keks_file, "BANKA", store_file, error), "%s", error);
}

static void end_keys(struct host_keys *keys)
{
        host_keys_close(keys);
        unlink(keks_file), unlink(keys_file), unlink(store_file);
        ck_assert_int_eq(rmdir(keys_folder), 0);
        *keys_folder = '\0';
}

enum offer_fault { WHOLE, NO_KEYS, CUT, NO_NUMBER, NOTHING, ORDERED };

static struct iso_message offer_of(int set, enum offer_fault fault)
{
        struct iso_message message = network("101");
        char text[KEY_BLOCK_TEXT], number[16];
        snprintf(number, sizeof(number), "%d", set);
        if (fault != NO_NUMBER && fault != NOTHING)
                tags_add(&message, 62, TAG_KEY_OFFER, number);
        for (int i = 0; i < (fault == NOTHING ? 0 : fault == CUT ? 2 : 3); i++) {
                print_key(set, i, text);
                if (fault == NO_KEYS)
                        text[40] = text[40] == '0' ? '1' : '0';
                tags_add(&message, 62, TAG_KEY_BLOCK, text);
        }
        return message;
}

START_TEST(an_offer_of_keys_is_taken_or_refused_whole)
{
        static const struct {
                enum offer_fault fault;
                const char *de39;
                enum bank_count count;
        } rows[] = {
            {WHOLE, "00", BANK_COUNT_KEY_CHANGE},           {NO_KEYS, "30", BANK_COUNT_KEY_CHANGE_REFUSED},
            {CUT, "30", BANK_COUNT_KEY_CHANGE_REFUSED},     {NO_NUMBER, "30", BANK_COUNT_KEY_CHANGE_REFUSED},
            {NOTHING, "05", BANK_COUNT_KEY_CHANGE_REFUSED}, {ORDERED, "05", BANK_COUNT_KEY_CHANGE_REFUSED}};
        struct host_keys keys;
        open_keys(&keys);
        desk.ring = &keys;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct iso_message message = offer_of(2, rows[i].fault);
                desk.keys = host_keys_own(&keys, 1000);
                desk.refuses_keys = rows[i].fault == ORDERED;
                take(&message);
                ck_assert_str_eq(answered(39), rows[i].de39);
                ck_assert_int_eq(reply.count, rows[i].count);
                ck_assert_int_eq(reply.delivery.set, rows[i].fault == WHOLE ? 2 : 0);
                ck_assert_int_eq(reply.ordered, rows[i].fault == ORDERED);
                ck_assert_int_eq(iso_has(&reply.answer, 62), 0);
        }
        end_keys(&keys);
}
END_TEST

static int set_of(const struct lab_keys *keys)
{
        return keys ? keys->set : 0;
}

static void take_offer(struct host_keys *keys, int set, int64_t from_ms)
{
        struct iso_message message = offer_of(set, WHOLE);
        struct host_delivery delivery;
        ck_assert_ptr_null(host_keys_read(keys, &message, &delivery));
        host_keys_take(keys, "BANKA", &delivery, from_ms);
        ck_assert(host_keys_sync(keys));
}

START_TEST(a_former_set_is_good_until_the_next_one_was_used_for_a_while)
{
        struct host_keys keys;
        open_keys(&keys);
        take_offer(&keys, 2, 5000);
        ck_assert_int_eq(set_of(host_keys_own(&keys, 4999)), 1); /* it goes on with the old one */
        ck_assert_int_eq(set_of(host_keys_of(&keys, 2, 4999)), 0);
        ck_assert_int_eq(set_of(host_keys_own(&keys, 5000)), 2);
        ck_assert_int_eq(set_of(host_keys_of(&keys, 1, 900000)), 1);
        take_offer(&keys, 2, 900000); /* once more */
        take_offer(&keys, 1, 900000);
        ck_assert_int_eq(set_of(host_keys_own(&keys, 900000)), 2);
        host_keys_heard(&keys, 1, 900000);
        host_keys_heard(&keys, 2, 900000);
        host_keys_heard(&keys, 2, 910000);
        ck_assert_int_eq(set_of(host_keys_of(&keys, 1, 900000 + HOST_KEYS_FORMER_MS - 1)), 1);
        ck_assert_int_eq(set_of(host_keys_of(&keys, 1, 900000 + HOST_KEYS_FORMER_MS)), 0);
        ck_assert_int_eq(set_of(host_keys_of(&keys, 2, 900000 + HOST_KEYS_FORMER_MS)), 2);
        ck_assert_int_eq(set_of(host_keys_of(&keys, 0, 0)), 0);
        host_keys_close(&keys);
        open_keys(&keys); /* as after a crash */
        ck_assert_int_eq(set_of(host_keys_own(&keys, 0)), 2);
        ck_assert_uint_eq(keys.used.up.key.bytes[0], 2 * 16 + 1);
        end_keys(&keys);
}
END_TEST

static const struct cutover_row {
        const char *date, *de39;
        int year, month, day;
} cutover_rows[] = {
    {NULL, "00", 2017, 1, 2},     {"0101", "00", 2017, 1, 1}, {"0105", "00", 2017, 1, 5},
    {"1231", "00", 2016, 12, 31}, {"0230", "30", 0, 0, 0},    {"0001", "30", 0, 0, 0},
};

START_TEST(a_cutover_sets_the_settlement_date)
{
        const struct cutover_row *row = &cutover_rows[_i];
        struct iso_message message = network("201");
        if (row->date)
                iso_set_string(&message, 15, row->date);
        take(&message);
        ck_assert_str_eq(answered(39), row->de39);
        ck_assert_int_eq(reply.has_record, row->year > 0);
        if (row->year > 0)
                ck_assert_int_eq(reply.record.settlement_day, calendar_day(row->year, row->month, row->day));
}
END_TEST

START_TEST(what_banks_do_not_do_is_answered_40)
{
        struct iso_message message = network("001");
        strcpy(message.mti, "0620");
        iso_set_string(&message, 48, "AA003xyz");
        take(&message);
        ck_assert_str_eq(reply.answer.mti, "0630");
        ck_assert_str_eq(answered(39), "40");
}
END_TEST

START_TEST(a_spoilt_answer_matches_no_request_any_more)
{
        static const int fields[] = {4, 7, 11, 41};
        struct iso_message message = request("0200"), spoilt;
        int changed_ever[4] = {0};
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        take(&message);
        for (uint64_t choice = 0; choice < 12; choice++) {
                int changed = 0;
                spoilt = reply.answer;
                bank_message_spoil(&spoilt, choice);
                for (int i = 0; i < 4; i++) {
                        char now[64];
                        ck_assert(iso_copy(&spoilt, fields[i], now, sizeof(now)));
                        bool differs = strcmp(now, answered(fields[i])) != 0;
                        changed += differs;
                        changed_ever[i] += differs;
                }
                ck_assert_int_eq(changed, 1);
                ck_assert_int_gt(iso_encode(&iso_dialect_ascii, &spoilt, bytes, sizeof(bytes), &error), 0);
        }
        for (int i = 0; i < 4; i++)
                ck_assert_int_gt(changed_ever[i], 0);
}
END_TEST

/* ---- chip data ----------------------------------------------------------------------------------------- */

static struct chips_identity identity_of(int32_t stan)
{
        return (struct chips_identity){.terminal = "T0000001",
                                       .transmitted_ms = calendar_from_utc(2016, 12, 31, 15, 0, 0),
                                       .stan = stan,
                                       .amount_yen = 20000};
}

static void set_stan(struct iso_message *message, int32_t stan)
{
        char original[64];
        iso_set_number(message, 11, stan, 6);
        snprintf(original, sizeof(original), "0200%06" PRId32 "1231150000%022d", stan, 0);
        if (iso_has(message, 90))
                iso_set_string(message, 90, original);
}

static void ask_by_chip(int32_t stan, int32_t stan_of_data)
{
        struct iso_message message = request("0200");
        struct chips_identity identity = identity_of(stan_of_data);
        struct chip chip;
        chips_read_card(&identity, pan, true, &chip);
        chip_add(&chip, &iso_dialect_ascii, &message);
        set_stan(&message, stan);
        iso_set_string(&message, 4, "000000020000");
        take(&message);
        ck_assert_str_eq(answered(39), "00");
}

static void report(const char *mti, const char *dispensed, int32_t stan)
{
        struct iso_message message = advice(mti, dispensed);
        struct chips_identity identity = identity_of(stan);
        struct chip_data data;
        chips_report(&identity, &data);
        chip_data_add(&data, &iso_dialect_ascii, &message);
        set_stan(&message, stan);
        take(&message);
        ck_assert_str_eq(answered(39), "00");
}

/* The first STAN whose approval has a script, or has none. */
static int32_t stan_with(bool script)
{
        for (int32_t stan = 1;; stan++) {
                struct chips_identity identity = identity_of(stan);
                struct chip_data data;
                chips_report(&identity, &data);
                if ((chips_judge_report(&identity, &data) == CHIPS_RIGHT) == script)
                        return stan;
        }
}

START_TEST(a_chip_hears_from_its_bank_and_another_one_s_data_are_seen)
{
        for (int script = 0; script < 2; script++) {
                int32_t stan = stan_with(script);
                struct chips_identity identity = identity_of(stan);
                struct chip_data data;
                bool has_script;
                ask_by_chip(stan, stan);
                ck_assert(reply.has_chip && !reply.has_wrong_chip);
                ck_assert_int_eq(reply.has_script, script);
                chip_data_of(&reply.answer, &data);
                ck_assert(chips_is_answer(&identity, &data, "00", &has_script));
                ck_assert_int_eq(has_script, script);
        }
        ask_by_chip(999, 998);
        ck_assert(reply.has_chip && reply.has_wrong_chip && *reply.why);
        ck_assert(!iso_has(&reply.answer, 55));
}
END_TEST

START_TEST(what_became_of_a_script_is_told_with_one_advice)
{
        int32_t stan = stan_with(true), other = stan_with(false);
        ask_by_chip(stan, stan);
        report("0220", NULL, stan);
        ck_assert(reply.has_result && reply.record.reported && !reply.has_wrong_chip);
        report("0221", NULL, stan); /* the same once more */
        ck_assert(!reply.has_result && !reply.has_wrong_chip);
        report("0420", "000000010000", stan);
        ck_assert(!reply.has_result && !reply.record.reported && reply.has_wrong_chip);
        ask_by_chip(other, other);
        report("0220", NULL, other); /* of none that was sent */
        ck_assert(!reply.has_result && !reply.record.reported && reply.has_wrong_chip);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(table[0]))

START_TEST(a_message_under_a_wrong_mac_is_answered_so_and_nothing_else_comes_of_it)
{
        static const char *const mtis[][2] = {
            {"0200", "0210"}, {"0201", "0210"}, {"0220", "0230"}, {"0420", "0430"}, {"0800", "0810"}};
        struct iso_message message = request(mtis[_i][0]);
        int64_t before = 0, after = 0;
        uint8_t token[TOKEN_LENGTH];
        token_of_pan(desk.key, pan, token);
        ck_assert(bank_balance(desk.bank, token, &before));
        bank_message_refuse_mac(&message, "N8", "the MAC is another one", &reply);
        ck_assert_str_eq(reply.answer.mti, mtis[_i][1]);
        ck_assert_str_eq(answered(39), "N8");
        ck_assert_str_eq(answered(11), "000042");
        ck_assert_int_eq(reply.count, BANK_COUNT_WRONG_MAC);
        ck_assert(!reply.has_record && !reply.close);
        ck_assert(bank_balance(desk.bank, token, &after) && after == before);
        strcpy(message.mti, "0300");
        bank_message_refuse_mac(&message, "N8", "the MAC is another one", &reply);
        ck_assert(reply.close);
}
END_TEST

/* A PIN block in its place, of a PIN that the card has or not. */
static const struct {
        char format;
        enum cipher_algorithm algorithm;
        const char *pin, *for_pan; /* NULL: the card's */
        const char *de39;
} pin_rows[] = {
    {'4', CIPHER_AES, "1234", NULL, "00"},        {'4', CIPHER_AES, "1235", NULL, "55"},
    {'4', CIPHER_AES, "1234", unknown_pan, "55"}, /* of another card */
    {'4', CIPHER_AES, NULL, NULL, "55"},          {'0', CIPHER_TDES, "1234", NULL, "00"},
    {'0', CIPHER_TDES, "4321", NULL, "55"},       {'3', CIPHER_TDES, "1234", NULL, "00"},
    {'0', CIPHER_TDES, NULL, NULL, "55"},
};

START_TEST(a_bank_with_keys_finds_wrong_pins)
{
        struct lab_keys keys = {.set = 1, .pin = {pin_rows[_i].algorithm, 16, "the key of PINs!"}};
        struct iso_dialect dialect = iso_dialect_ascii;
        struct iso_message message = request("0200");
        const char *of = pin_rows[_i].for_pan ? pin_rows[_i].for_pan : pan;
        uint8_t token[TOKEN_LENGTH], block[PIN_BLOCK_MAX];
        enum pin_format format;
        struct pin pin = {.length = 4};
        token_of_pan(desk.key, pan, token);
        bank_set_pin(desk.bank, token, "1234");
        dialect.pin = pin_rows[_i].format;
        desk.keys = &keys;
        ck_assert(pin_format_of(pin_rows[_i].format, &format));
        if (pin_rows[_i].pin) {
                char text[2 * PIN_BLOCK_MAX + 1];
                strcpy(pin.digits, pin_rows[_i].pin);
                ck_assert_int_eq(pin_block_seal(format, &keys.pin, &pin, of, strlen(of), block), PIN_GOOD);
                hex_print(block, PIN_BLOCK_MAX, text);
                if (pin_rows[_i].format == '4')
                        tags_add(&message, 62, TAG_PIN_BLOCK, text);
                else
                        iso_set(&message, 52, (const char *)block, 8);
        }
        bank_message_take(&desk, &dialect, &message, NULL, &reply);
        ck_assert_str_eq(answered(39), pin_rows[_i].de39);
        ck_assert(!iso_has(&reply.answer, 52) && !iso_has(&reply.answer, 62));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank_message");
        TCase *tcase = tcase_create("bank_message");
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, an_approval_says_all_that_the_protocol_asks_for);
        tcase_add_test(tcase, a_repeat_gets_the_same_answer_field_by_field);
        tcase_add_test(tcase, an_inquiry_says_both_balances);
        tcase_add_test(tcase, a_missing_rrn_is_made);
        tcase_add_test(tcase, who_has_not_signed_on_is_refused_except_with_advices);
        tcase_add_test(tcase, a_contradiction_is_answered_94);
        tcase_add_test(tcase, a_refusal_holds_no_approval);
        tcase_add_test(tcase, an_order_to_decline_is_followed_and_said);
        tcase_add_loop_test(tcase, an_advice_is_accepted_and_recorded_with_its_withdrawal, 0,
                            ROWS(advice_rows));
        tcase_add_loop_test(tcase, an_order_to_answer_an_advice_with_a_code_is_followed_and_stays, 0,
                            (int)(sizeof(told_rows) / sizeof(told_rows[0])));
        tcase_add_test(tcase, an_advice_that_is_put_off_leaves_nothing_and_may_come_again);
        tcase_add_test(tcase, an_order_of_the_other_kind_changes_nothing);
        tcase_add_test(tcase, an_advice_with_numbers_of_its_own_finds_its_original);
        tcase_add_test(tcase, cash_that_does_not_fit_is_said_to_people);
        tcase_add_loop_test(tcase, a_bad_form_is_answered_30_and_changes_nothing, 0, ROWS(bad_forms));
        tcase_add_test(tcase, what_could_not_be_read_is_answered_as_far_as_it_goes);
        tcase_add_test(tcase, network_management_has_the_codes_of_the_dialect);
        tcase_add_test(tcase, an_offer_of_keys_is_taken_or_refused_whole);
        tcase_add_test(tcase, a_former_set_is_good_until_the_next_one_was_used_for_a_while);
        tcase_add_loop_test(tcase, network_management_follows_de_70, 0, ROWS(network_rows));
        tcase_add_loop_test(tcase, a_cutover_sets_the_settlement_date, 0, ROWS(cutover_rows));
        tcase_add_test(tcase, what_banks_do_not_do_is_answered_40);
        tcase_add_test(tcase, a_chip_hears_from_its_bank_and_another_one_s_data_are_seen);
        tcase_add_test(tcase, what_became_of_a_script_is_told_with_one_advice);
        tcase_add_test(tcase, a_spoilt_answer_matches_no_request_any_more);
        tcase_add_loop_test(tcase, a_bank_with_keys_finds_wrong_pins, 0,
                            (int)(sizeof(pin_rows) / sizeof(pin_rows[0])));
        tcase_add_loop_test(tcase, a_message_under_a_wrong_mac_is_answered_so_and_nothing_else_comes_of_it, 0,
                            5);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
