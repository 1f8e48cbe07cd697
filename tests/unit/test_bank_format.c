/* The messages towards a bank: what is in each, in every dialect that is shipped, and what its answers mean.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/banks/bank_format.h"
#include "config/dialect.h"
#include "rules/calendar.h"
#include "tests/suite.h"

#define PAN "9900110000000001"

static struct iso_message message, decoded;

static const struct ledger_identity identity = {
    .terminal = "T0000001", .transmitted_ms = INT64_C(1482980400000), .stan = 42}; /* 2016-12-29T03:00:00Z */

static void expect(const struct iso_message *m, const char *fields)
{
        char text[1024] = "", value[256];
        size_t used = 0;
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                if (!iso_has(m, field))
                        continue;
                ck_assert(iso_copy(m, field, value, sizeof(value)));
                used += (size_t)snprintf(text + used, sizeof(text) - used, " %d=%s", field, value);
        }
        ck_assert_str_eq(text, fields);
}

#define PLACE  "7=1229030000 11=000042 12=120000 13=1229"
#define ENDS   "32=99000001 37=636412000042 41=T0000001"
#define ORIGIN " 90=020000004212290300000000000000000000000000"

static void build_request(int64_t amount_yen)
{
        struct ledger_request request = {
            .processing_code = amount_yen ? 10000 : 313000, .amount_yen = amount_yen, .hall = "H00001"};
        struct profile_card card = {PAN, "3012"};
        bank_format_request(&identity, &request, &card, 108, "99000001", &message);
}

START_TEST(a_request_says_card_cash_and_charge)
{
        build_request(10000);
        ck_assert_str_eq(message.mti, "0200");
        expect(&message, " 2=" PAN " 3=010000 4=000000010000 " PLACE " 14=3012 28=D00000108 " ENDS
                         " 42=H00001          49=392");
}
END_TEST

START_TEST(an_inquiry_has_no_amount)
{
        build_request(0);
        expect(&message, " 2=" PAN " 3=313000 " PLACE " 14=3012 " ENDS " 42=H00001          49=392");
}
END_TEST

static const struct {
        enum bank_notice_kind kind;
        int32_t attempts;
        int64_t dispensed_yen;
        const char *why, *mti, *fields;
} notice_rows[] = {
    {BANK_NOTICE_COMPLETION, 1, 10000, "00", "0220",
     " 3=010000 4=000000010000 " PLACE " " ENDS " 49=392" ORIGIN},
    {BANK_NOTICE_COMPLETION, 2, 10000, "00", "0221",
     " 3=010000 4=000000010000 " PLACE " " ENDS " 49=392" ORIGIN},
    {BANK_NOTICE_REVERSAL, 1, 0, "17", "0420",
     " 3=010000 4=000000010000 " PLACE " 32=99000001 37=636412000042 39=17 41=T0000001 49=392" ORIGIN},
    {BANK_NOTICE_REVERSAL, 7, 0, "68", "0421",
     " 3=010000 4=000000010000 " PLACE " 32=99000001 37=636412000042 39=68 41=T0000001 49=392" ORIGIN},
    {BANK_NOTICE_PARTIAL, 1, 4000, "32", "0420",
     " 3=010000 4=000000010000 " PLACE " 32=99000001 37=636412000042 39=32 41=T0000001 49=392" ORIGIN
     " 95=000000004000000000000000D00000108D00000000"},
    {BANK_NOTICE_PARTIAL, 3, 4000, "32", "0421",
     " 3=010000 4=000000010000 " PLACE " 32=99000001 37=636412000042 39=32 41=T0000001 49=392" ORIGIN
     " 95=000000004000000000000000D00000108D00000000"},
};

static void build_notice(int i)
{
        struct bank_notice notice = {.identity = identity,
                                     .seq = 1,
                                     .kind = notice_rows[i].kind,
                                     .amount_yen = 10000,
                                     .charge_yen = 108,
                                     .dispensed_yen = notice_rows[i].dispensed_yen,
                                     .attempts = notice_rows[i].attempts};
        strcpy(notice.why, notice_rows[i].why);
        bank_format_notice(&notice, "99000001", &message);
}

START_TEST(a_notice_keeps_the_withdrawals_numbers_and_has_no_card)
{
        build_notice(_i);
        ck_assert_str_eq(message.mti, notice_rows[_i].mti);
        expect(&message, notice_rows[_i].fields);
}
END_TEST

/* The bank reads them by the profile: what it demands is there, and the cash is what was dispensed. */
START_TEST(a_notice_is_what_the_profile_says_an_advice_is)
{
        struct iso_error error;
        int64_t dispensed_yen = -1;
        build_notice(_i);
        const struct profile_row *row = profile_find(message.mti);
        ck_assert_int_eq(profile_check(row, &message, &error), 0);
        ck_assert(profile_dispensed_yen(row, &message, &dispensed_yen));
        ck_assert_int_eq(dispensed_yen, notice_rows[_i].dispensed_yen);
}
END_TEST

static const char *const dialects[] = {"ascii", SOURCE_DIR "/etc/dialects/BANKA.dialect",
                                       SOURCE_DIR "/etc/dialects/BANKB.dialect",
                                       SOURCE_DIR "/etc/dialects/BANKC.dialect"};

static void assert_passes(const struct iso_dialect *dialect)
{
        static const uint8_t may_lack[] = {12, 13, 42};
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        for (size_t i = 0; i < sizeof(may_lack); i++)
                if (dialect->field[may_lack[i]].format == ISO_NONE)
                        iso_unset(&message, may_lack[i]);
        int length = iso_encode(dialect, &message, bytes, sizeof(bytes), &error);
        ck_assert_msg(length > 0, "%s: MTI %s, field %d: %s", dialect->name, message.mti, error.field,
                      error.what);
        ck_assert_int_eq(iso_decode(dialect, bytes, (size_t)length, &decoded, &error), 0);
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                char a[256], b[256];
                ck_assert(iso_copy(&message, field, a, sizeof(a)) && iso_copy(&decoded, field, b, sizeof(b)));
                ck_assert_msg(!strcmp(a, b), "%s: MTI %s, field %d", dialect->name, message.mti, field);
        }
}

START_TEST(every_message_can_be_said_in_every_dialect)
{
        static struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX];
        ck_assert_msg(dialect_load(dialects[_i], &dialect, NULL, error), "%s", error);
        build_request(10000);
        assert_passes(&dialect);
        build_request(0);
        assert_passes(&dialect);
        for (int i = 0; i < (int)(sizeof(notice_rows) / sizeof(notice_rows[0])); i++) {
                build_notice(i);
                assert_passes(&dialect);
        }
        bank_format_network(&iso_dialect_ascii, ISO_NETWORK_SIGN_ON, identity.transmitted_ms, 1, "99000001",
                            &message);
        assert_passes(&dialect);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
        Suite *suite = suite_create("bank_format");
        TCase *tcase = tcase_create("bank_format");
        tcase_add_test(tcase, a_request_says_card_cash_and_charge);
        tcase_add_test(tcase, an_inquiry_has_no_amount);
        tcase_add_loop_test(tcase, a_notice_keeps_the_withdrawals_numbers_and_has_no_card, 0,
                            COUNT(notice_rows));
        tcase_add_loop_test(tcase, a_notice_is_what_the_profile_says_an_advice_is, 0, COUNT(notice_rows));
        tcase_add_loop_test(tcase, every_message_can_be_said_in_every_dialect, 0, COUNT(dialects));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
