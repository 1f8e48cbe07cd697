/* Transactions: what a request becomes for the ledger, and what its answer becomes for the ATM. */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/txn.h"
#include "rules/calendar.h"
#include "tests/suite.h"
#include "tests/unit/token_key.h"

static struct txn txn;
static struct iso_message request, answer;

static int64_t moment(const char *text)
{
        int64_t ms = 0;
        ck_assert_msg(calendar_parse_moment(text, &ms), "%s", text);
        return ms;
}

static void make_request(const char *mti, const char *processing, const char *de7)
{
        iso_init(&request, mti);
        iso_set_string(&request, 2, "9900010000000001");
        iso_set_string(&request, 3, processing);
        iso_set_number(&request, 4, 10000, 12);
        iso_set_string(&request, 7, de7);
        iso_set_number(&request, 11, 42, 6);
        iso_set_string(&request, 14, "3012");
        iso_set_string(&request, 32, "99000001");
        iso_set_string(&request, 41, "T0000001");
        iso_set_string(&request, 49, "392");
}

static void make_advice(const char *mti, const char *de7, const char *original_de7)
{
        char original[43];
        make_request(mti, "010000", de7);
        iso_unset(&request, 2);
        iso_unset(&request, 14);
        snprintf(original, sizeof(original), "0200000007%s0000000000000000000000", original_de7);
        iso_set_string(&request, 90, original);
        if (mti[1] == '4')
                iso_set_string(&request, 39, "22");
}

static int read_it(const char *business)
{
        struct iso_error error;
        const struct profile_row *row = profile_find(request.mti);
        ck_assert_ptr_nonnull(row);
        ck_assert_int_eq(profile_check(row, &request, &error), 0);
        memset(&txn, 0, sizeof(txn));
        return txn_read(&txn, row, &request, "T0000001", moment(business), 300 * 1000, &error);
}

static const char *value_of(int field)
{
        static char text[ISO_TEXT_MAX];
        ck_assert(iso_copy(&answer, field, text, sizeof(text)));
        return text;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static const struct {
        const char *de7, *business, *transmitted;
} year_rows[] = {
    {"1231150000", "2017-01-01T00:00:10+09:00", "2016-12-31T15:00:00Z"},
    {"0101000000", "2016-12-31T23:59:59Z", "2017-01-01T00:00:00Z"},
    {"1231235959", "2017-01-01T00:00:00Z", "2016-12-31T23:59:59Z"},
    {"0615120000", "2016-06-15T12:00:00Z", "2016-06-15T12:00:00Z"},
};

START_TEST(the_year_of_de7_puts_it_nearest_to_business_time)
{
        make_request("0200", "010000", year_rows[_i].de7);
        ck_assert_int_eq(read_it(year_rows[_i].business), 0);
        ck_assert_int_eq(txn.op.identity.transmitted_ms, moment(year_rows[_i].transmitted));
        ck_assert_int_eq(txn.op.identity.stan, 42);
        ck_assert_str_eq(txn.op.identity.terminal, "T0000001");
}
END_TEST

/* An advice may come months late and is never of the future; 2016 has a 29 February. */
static const struct {
        const char *de7, *original_de7, *business, *original;
} original_rows[] = {
    {"0101000500", "1231235900", "2017-01-01T00:10:00Z", "2016-12-31T23:59:00Z"},
    {"1231235900", "1231235800", "2017-05-01T00:00:00Z", "2016-12-31T23:58:00Z"},
    {"0102000000", "0101000000", "2016-12-30T00:00:00Z", "2016-01-01T00:00:00Z"},
    {"0617120000", "0101000000", "2017-07-18T00:00:00Z", "2017-01-01T00:00:00Z"}, /* 198 days late */
    {"0101000000", "0101000000", "2017-12-31T23:55:00Z", "2018-01-01T00:00:00Z"}, /* within the skew */
    {"0101000000", "0101000001", "2017-12-31T23:55:00Z", "2017-01-01T00:00:01Z"}, /* beyond it */
    {"0301000000", "0229120000", "2019-03-01T00:00:00Z", "2016-02-29T12:00:00Z"},
    {"0301000000", "0229120060", "2016-03-01T00:00:00Z", "2016-02-29T12:00:59Z"},
};

START_TEST(the_year_of_de90_is_the_latest_before_the_advice)
{
        make_advice("0220", original_rows[_i].de7, original_rows[_i].original_de7);
        ck_assert_int_eq(read_it(original_rows[_i].business), 0);
        ck_assert_int_eq(txn.op.kind, LEDGER_ADVICE);
        ck_assert_int_eq(txn.op.advice.original.transmitted_ms, moment(original_rows[_i].original));
        ck_assert_int_eq(txn.op.advice.original.stan, 7);
        ck_assert_str_eq(txn.op.advice.original.terminal, "T0000001");
}
END_TEST

static const struct {
        const char *de7, *business, *transmitted;
} advice_year_rows[] = {
    {"0102000000", "2017-01-01T00:00:00Z", "2017-01-02T00:00:00Z"}, /* its clock may be a day ahead */
    {"0102000001", "2017-01-01T00:00:00Z", "2016-01-02T00:00:01Z"},
    {"0601000000", "2017-05-01T00:00:00Z", "2016-06-01T00:00:00Z"},
};

START_TEST(the_year_of_an_advices_de7_is_the_latest_that_is_not_of_the_future)
{
        make_advice("0420", advice_year_rows[_i].de7, "1231235900");
        ck_assert_int_eq(read_it(advice_year_rows[_i].business), 0);
        ck_assert_int_eq(txn.op.identity.transmitted_ms, moment(advice_year_rows[_i].transmitted));
}
END_TEST

static const struct {
        const char *mti, *replacement;
        bool reversal, repeat;
        int64_t dispensed_yen;
        const char *why;
} advice_rows[] = {
    {"0220", NULL, false, false, 10000, ""},
    {"0221", "000000004000000000000000D00000108D00000000", false, true, 4000, ""},
    {"0420", NULL, true, false, 0, "22"},
    {"0421", "000000003000000000000000D00000108D00000000", true, true, 3000, "22"},
};

START_TEST(an_advice_says_how_much_was_dispensed)
{
        make_advice(advice_rows[_i].mti, "0615120000", "0615115900");
        if (advice_rows[_i].replacement)
                iso_set_string(&request, 95, advice_rows[_i].replacement);
        ck_assert_int_eq(read_it("2016-06-15T12:00:00Z"), 0);
        ck_assert_int_eq(txn.op.advice.reversal, advice_rows[_i].reversal);
        ck_assert_int_eq(txn.op.advice.dispensed_yen, advice_rows[_i].dispensed_yen);
        ck_assert_int_eq(txn.op.advice.amount_yen, 10000);
        ck_assert_str_eq(txn.op.advice.why, advice_rows[_i].why);
}
END_TEST

static const struct {
        const char *processing;
        enum ledger_kind kind;
        int64_t amount_yen;
        int32_t code;
} kind_rows[] = {
    {"010000", LEDGER_REQUEST, 10000, 10000},
    {"013000", LEDGER_REQUEST, 10000, 13000},
    {"310000", LEDGER_INQUIRY, 0, 310000},
    {"999999", LEDGER_REQUEST, 10000, 999999}, /* refused with 12, and that is kept too */
};

START_TEST(a_request_of_each_kind_becomes_its_op)
{
        make_request("0200", kind_rows[_i].processing, "0615120000");
        ck_assert_int_eq(read_it("2016-06-15T12:00:00Z"), 0);
        ck_assert_int_eq(txn.op.kind, kind_rows[_i].kind);
        ck_assert_int_eq(txn.op.request.amount_yen, kind_rows[_i].amount_yen);
        ck_assert_int_eq(txn.op.request.processing_code, kind_rows[_i].code);
        ck_assert_str_eq(txn.op.request.pan_mask, "990001******0001");
        ck_assert_str_eq(txn.op.request.expiry_yymm, "3012");
}
END_TEST

START_TEST(stan_000000_is_a_format_error)
{
        make_request("0200", "010000", "0615120000");
        iso_set_string(&request, 11, "000000");
        ck_assert_int_eq(read_it("2016-06-15T12:00:00Z"), -1);
        make_advice("0420", "0615120000", "0615115900");
        iso_set_string(&request, 11, "000000");
        ck_assert_int_eq(read_it("2016-06-15T12:00:00Z"), -1);
}
END_TEST

START_TEST(no_card_number_gets_into_the_op)
{
        make_request("0200", "010000", "0615120000");
        ck_assert_int_eq(read_it("2016-06-15T12:00:00Z"), 0);
        ck_assert_ptr_null(memmem(&txn.op, sizeof(txn.op), "9900010000000001", 16));
}
END_TEST

/* ---- answering ----------------------------------------------------------------------------------------- */

static void answer_with(enum ledger_status status, enum reason reason)
{
        txn.op.answer = (struct ledger_answer){.status = status,
                                               .reason = reason,
                                               .business_day = calendar_day(2016, 12, 31),
                                               .customer_charge_yen = 216,
                                               .approval_code = "ABC234",
                                               .balance_yen = 123456};
}

START_TEST(an_approval_carries_date_charge_reference_and_code)
{
        make_request("0200", "010000", "1231145900");
        iso_set_string(&request, 42, "H00001         ");
        ck_assert_int_eq(read_it("2016-12-31T14:59:00Z"), 0);
        answer_with(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert(txn_answer(&txn, &answer));
        static const struct {
                int field;
                const char *value;
        } wanted[] = {
            {2, "9900010000000001"}, {3, "010000"},  {4, "000000010000"}, {7, "1231145900"},
            {11, "000042"},          {15, "1231"},   {28, "D00000216"},   {32, "99000001"},
            {37, "636623000042"},    {38, "ABC234"}, {39, "00"},          {41, "T0000001"},
            {42, "H00001         "}, {49, "392"},
        };
        ck_assert_str_eq(answer.mti, "0210");
        int fields = 0;
        for (int field = 2; field <= ISO_FIELD_MAX; field++)
                fields += iso_has(&answer, field);
        ck_assert_int_eq(fields, (int)(sizeof(wanted) / sizeof(wanted[0])));
        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
                ck_assert_str_eq(value_of(wanted[i].field), wanted[i].value);
}
END_TEST

START_TEST(a_banks_short_approval_code_fills_its_field)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        make_request("0200", "010000", "1231145900");
        ck_assert_int_eq(read_it("2016-12-31T14:59:00Z"), 0);
        answer_with(LEDGER_DECIDED, REASON_APPROVED);
        strcpy(txn.op.answer.approval_code, "AB");
        ck_assert(txn_answer(&txn, &answer));
        ck_assert_str_eq(value_of(38), "0000AB");
        ck_assert_int_gt(iso_encode(&iso_dialect_ascii, &answer, bytes, sizeof(bytes), &error), 0);
}
END_TEST

START_TEST(a_stored_answer_to_a_repeat_equals_the_original_field_by_field)
{
        uint8_t first[ISO_MESSAGE_MAX], second[ISO_MESSAGE_MAX];
        struct iso_error error;
        make_request("0200", "010000", "1231145900");
        ck_assert_int_eq(read_it("2016-12-31T14:59:00Z"), 0);
        answer_with(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert(txn_answer(&txn, &answer));
        int length = iso_encode(&iso_dialect_ascii, &answer, first, sizeof(first), &error);
        make_request("0201", "010000", "1231145900");
        ck_assert_int_eq(read_it("2016-12-31T14:59:20Z"), 0);
        answer_with(LEDGER_STORED, REASON_APPROVED);
        ck_assert(txn_answer(&txn, &answer));
        ck_assert_int_eq(iso_encode(&iso_dialect_ascii, &answer, second, sizeof(second), &error), length);
        ck_assert_mem_eq(first, second, (size_t)length);
}
END_TEST

START_TEST(every_refusal_says_its_reason_and_nothing_of_an_approval)
{
        enum reason reason = (enum reason)_i;
        make_request("0200", "010000", "1231145900");
        ck_assert_int_eq(read_it("2016-12-31T14:59:00Z"), 0);
        answer_with(LEDGER_DECIDED, reason);
        ck_assert(txn_answer(&txn, &answer));
        ck_assert_str_eq(value_of(39), reason_de39(reason));
        ck_assert(!iso_has(&answer, 15) && !iso_has(&answer, 28) && !iso_has(&answer, 37) &&
                  !iso_has(&answer, 38));
}
END_TEST

START_TEST(an_inquiry_is_answered_with_both_balances_and_costs_nothing)
{
        make_request("0200", "311000", "1231145900");
        iso_unset(&request, 4);
        ck_assert_int_eq(read_it("2016-12-31T14:59:00Z"), 0);
        answer_with(LEDGER_DECIDED, REASON_APPROVED);
        ck_assert(txn_answer(&txn, &answer));
        ck_assert_str_eq(value_of(39), "00");
        ck_assert_str_eq(value_of(28), "D00000000");
        ck_assert_str_eq(value_of(54), "1002392C000000123456"
                                       "1001392C000000123456");
        ck_assert(!iso_has(&answer, 15) && !iso_has(&answer, 38));
        txn.op.answer.balance_yen = INT64_C(1000000000000);
        ck_assert(txn_answer(&txn, &answer));
        ck_assert_str_eq(value_of(54), "1002392C999999999999"
                                       "1001392C999999999999");
}
END_TEST

static const struct {
        const char *mti, *processing;
        enum ledger_status status;
        const char *de39; /* NULL: silence */
} status_rows[] = {
    {"0200", "010000", LEDGER_UNAVAILABLE, NULL}, {"0201", "010000", LEDGER_UNAVAILABLE, NULL},
    {"0200", "310000", LEDGER_UNAVAILABLE, "96"}, {"0201", "310000", LEDGER_UNAVAILABLE, "96"},
    {"0220", "010000", LEDGER_UNAVAILABLE, NULL}, {"0421", "010000", LEDGER_UNAVAILABLE, NULL},
    {"0200", "010000", LEDGER_STALE, NULL},       {"0201", "010000", LEDGER_STALE, NULL},
    {"0200", "010000", LEDGER_UNKNOWN, NULL},     {"0201", "010000", LEDGER_UNKNOWN, NULL},
    {"0420", "010000", LEDGER_UNKNOWN, NULL},     {"0220", "010000", LEDGER_DECIDED, "00"},
    {"0420", "010000", LEDGER_DECIDED, "00"},     {"0421", "010000", LEDGER_STORED, "00"},
};

START_TEST(only_what_is_known_is_said)
{
        const char *mti = status_rows[_i].mti;
        if (mti[1] == '2' && mti[2] == '0')
                make_request(mti, status_rows[_i].processing, "1231145900");
        else
                make_advice(mti, "1231145900", "1231145800");
        ck_assert_int_eq(read_it("2016-12-31T14:59:00Z"), 0);
        answer_with(status_rows[_i].status, REASON_APPROVED);
        ck_assert_int_eq(txn_answer(&txn, &answer), status_rows[_i].de39 != NULL);
        if (status_rows[_i].de39)
                ck_assert_str_eq(value_of(39), status_rows[_i].de39);
}
END_TEST

#define ONE_KEY   "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER_KEY "10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

START_TEST(an_approval_code_follows_from_the_identity_and_the_key)
{
        struct token_key *key = token_key_of(ONE_KEY), *other = token_key_of(OTHER_KEY);
        struct ledger_identity identity = {
            .terminal = "T0000001", .transmitted_ms = 1483196340000, .stan = 42};
        char first[APPROVAL_CODE_LENGTH + 1], second[APPROVAL_CODE_LENGTH + 1];
        txn_approval_code(key, &identity, first);
        txn_approval_code(key, &identity, second);
        ck_assert_str_eq(first, second);
        ck_assert_uint_eq(strlen(first), APPROVAL_CODE_LENGTH);
        for (const char *c = first; *c; c++)
                ck_assert(isupper((unsigned char)*c) || isdigit((unsigned char)*c));
        txn_approval_code(other, &identity, second);
        ck_assert_str_ne(first, second); /* who has no key can't compute it */
        identity.stan++;
        txn_approval_code(key, &identity, second);
        ck_assert_str_ne(first, second);
        token_key_free(key);
        token_key_free(other);
}
END_TEST

/* ---- the pool ------------------------------------------------------------------------------------------ */

START_TEST(the_pool_stops_at_its_limit_and_wipes_what_comes_back)
{
        enum { LIMIT = 100 };
        struct txn_pool pool;
        struct txn *taken[LIMIT];
        txn_pool_init(&pool, LIMIT);
        for (int i = 0; i < LIMIT; i++) {
                taken[i] = txn_take(&pool);
                ck_assert_ptr_nonnull(taken[i]);
        }
        ck_assert_ptr_null(txn_take(&pool));
        make_request("0200", "010000", "1231145900");
        ck_assert_int_eq(read_it("2016-12-31T14:59:00Z"), 0);
        memcpy(taken[0], &txn, sizeof(txn));
        ck_assert_ptr_nonnull(memmem(taken[0], sizeof(txn), "9900010000000001", 16));
        txn_give_back(&pool, taken[0]);
        ck_assert_ptr_null(memmem(taken[0], sizeof(txn), "9900010000000001", 16));
        ck_assert_ptr_eq(txn_take(&pool), taken[0]);
        for (int i = 0; i < LIMIT; i++)
                txn_give_back(&pool, taken[i]);
        ck_assert_uint_eq(pool.taken, 0);
        txn_pool_clear(&pool);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
        Suite *suite = suite_create("txn");
        TCase *tcase = tcase_create("txn");
        tcase_add_loop_test(tcase, the_year_of_de7_puts_it_nearest_to_business_time, 0, COUNT(year_rows));
        tcase_add_loop_test(tcase, the_year_of_an_advices_de7_is_the_latest_that_is_not_of_the_future, 0,
                            COUNT(advice_year_rows));
        tcase_add_test(tcase, stan_000000_is_a_format_error);
        tcase_add_loop_test(tcase, the_year_of_de90_is_the_latest_before_the_advice, 0, COUNT(original_rows));
        tcase_add_loop_test(tcase, an_advice_says_how_much_was_dispensed, 0, COUNT(advice_rows));
        tcase_add_loop_test(tcase, a_request_of_each_kind_becomes_its_op, 0, COUNT(kind_rows));
        tcase_add_test(tcase, no_card_number_gets_into_the_op);
        tcase_add_test(tcase, an_approval_carries_date_charge_reference_and_code);
        tcase_add_test(tcase, a_banks_short_approval_code_fills_its_field);
        tcase_add_test(tcase, a_stored_answer_to_a_repeat_equals_the_original_field_by_field);
        tcase_add_loop_test(tcase, every_refusal_says_its_reason_and_nothing_of_an_approval,
                            REASON_APPROVED + 1, REASON_COUNT);
        tcase_add_test(tcase, an_inquiry_is_answered_with_both_balances_and_costs_nothing);
        tcase_add_loop_test(tcase, only_what_is_known_is_said, 0, COUNT(status_rows));
        tcase_add_test(tcase, an_approval_code_follows_from_the_identity_and_the_key);
        tcase_add_test(tcase, the_pool_stops_at_its_limit_and_wipes_what_comes_back);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
