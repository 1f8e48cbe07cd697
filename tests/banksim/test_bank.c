/*
 * Protects tools/banksim/bank.c: what a bank decides, what each message moves, that nothing moves twice, that
 * repeats are told from memory; and that records alone rebuild the same state.
 */
#include "tools/banksim/bank.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tests/suite.h"

enum { OPENING_YEN = 100000, AMOUNT_YEN = 20000, CHARGE_YEN = 108 };

static struct bank *bank;
static int64_t noon_ms;

/* Every record that was new, in order: the journal. */
static struct bank_record written[256];
static size_t written_count;

static void token_fill(uint8_t token[TOKEN_LENGTH], int card)
{
        memset(token, card, TOKEN_LENGTH);
}

static void add_accounts(struct bank *to)
{
        uint8_t token[TOKEN_LENGTH];
        token_fill(token, 1);
        ck_assert(bank_add_account(to, token, "2012", OPENING_YEN));
        token_fill(token, 2);
        ck_assert(bank_add_account(to, token, "1612", OPENING_YEN));
        token_fill(token, 3);
        ck_assert(bank_add_account(to, token, "1611", OPENING_YEN));
}

static void setup(void)
{
        noon_ms = calendar_from_utc(2016, 12, 30, 3, 0, 0);
        bank = bank_new("BANKA");
        ck_assert_ptr_nonnull(bank);
        add_accounts(bank);
        written_count = 0;
}

static void teardown(void)
{
        bank_free(bank);
}

static struct bank_identity identity_of(int stan)
{
        return (struct bank_identity){.terminal = "T0000001", .stan = stan, .transmitted_ms = noon_ms};
}

static struct bank_request withdrawal_of(int stan, int card)
{
        struct bank_request request = {
            .identity = identity_of(stan),
            .processing = PROCESSING_WITHDRAWAL,
            .processing_code = 10000,
            .amount_yen = AMOUNT_YEN,
            .charge_yen = CHARGE_YEN,
            .rrn = "636512000001",
            .mask = "990011******0001",
            .expiry_yymm = "2012",
        };
        token_fill(request.token, card);
        return request;
}

static void keep(enum bank_verdict verdict, const struct bank_record *record)
{
        if (verdict == BANK_NEW || verdict == BANK_ORDERED)
                written[written_count++] = *record;
}

static enum bank_verdict ask(const struct bank_request *request, struct bank_record *ret_record)
{
        enum bank_verdict verdict = bank_request(bank, request, ret_record);
        keep(verdict, ret_record);
        return verdict;
}

static enum bank_verdict advise(int stan, bool reversal, int64_t dispensed_yen,
                                struct bank_record *ret_record)
{
        struct bank_advice advice = {.original = identity_of(stan),
                                     .reversal = reversal,
                                     .processing_code = 10000,
                                     .amount_yen = AMOUNT_YEN,
                                     .dispensed_yen = dispensed_yen};
        enum bank_verdict verdict = bank_advise(bank, &advice, ret_record);
        keep(verdict, ret_record);
        return verdict;
}

static int64_t balance_of(const struct bank *of, int card)
{
        uint8_t token[TOKEN_LENGTH];
        int64_t yen = -1;
        token_fill(token, card);
        ck_assert(bank_balance(of, token, &yen));
        return yen;
}

static void approve(int stan)
{
        struct bank_request request = withdrawal_of(stan, 1);
        struct bank_record record;
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        ck_assert_str_eq(record.de39, "00");
}

/* The records, taken by a bank that knows nothing, leave what the bank itself holds. */
static void assert_rebuilds(void)
{
        struct bank *again = bank_new("BANKA");
        struct bank_totals totals, totals_again;
        add_accounts(again);
        for (size_t i = 0; i < written_count; i++) {
                const char *why = bank_replay(again, &written[i]);
                ck_assert_msg(!why, "record %zu: %s", i, why);
        }
        for (int card = 1; card <= 3; card++)
                ck_assert_int_eq(balance_of(again, card), balance_of(bank, card));
        bank_total(bank, &totals);
        bank_total(again, &totals_again);
        ck_assert_uint_eq(totals.accounts, totals_again.accounts);
        ck_assert_uint_eq(totals.withdrawals, totals_again.withdrawals);
        ck_assert_int_eq(totals.opening_yen, totals_again.opening_yen);
        ck_assert_int_eq(totals.balance_yen, totals_again.balance_yen);
        ck_assert_int_eq(totals.held_yen, totals_again.held_yen);
        ck_assert_uint_eq(totals.open, totals_again.open);
        ck_assert_int_eq(totals.settlement_day, totals_again.settlement_day);
        bank_free(again);
}

/* ---- requests ------------------------------------------------------------------------------------------ */

START_TEST(an_approval_debits_cash_and_charge)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record record;
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        ck_assert_int_eq(record.kind, BANK_WITHDRAWAL);
        ck_assert_str_eq(record.de39, "00");
        ck_assert_int_eq(record.moved_yen, -(AMOUNT_YEN + CHARGE_YEN));
        ck_assert_int_eq(record.balance_yen, OPENING_YEN - AMOUNT_YEN - CHARGE_YEN);
        ck_assert_int_eq(strlen(record.approval), 6);
        ck_assert_str_eq(record.rrn, "636512000001");
        ck_assert_int_eq(record.settlement_day, calendar_day(2016, 12, 30));
        ck_assert_int_eq(balance_of(bank, 1), record.balance_yen);
        assert_rebuilds();
}
END_TEST

static const struct decision {
        const char *name, *de39;
        int card;
        const char *expiry;
        enum processing_kind processing;
        int64_t amount_yen, charge_yen;
        const char *order;
} decisions[] = {
    {"covered to the yen", "00", 1, "2012", PROCESSING_WITHDRAWAL, OPENING_YEN - 108, 108, NULL},
    {"one yen short for the charge", "51", 1, "2012", PROCESSING_WITHDRAWAL, OPENING_YEN - 107, 108, NULL},
    {"far too much", "51", 1, "2012", PROCESSING_WITHDRAWAL, BANK_YEN_MAX, 99999999, NULL},
    {"no charge", "00", 1, "2012", PROCESSING_WITHDRAWAL, OPENING_YEN, 0, NULL},
    {"nothing asked for", "13", 1, "2012", PROCESSING_WITHDRAWAL, 0, 108, NULL},
    {"no such card", "14", 9, "2012", PROCESSING_WITHDRAWAL, 1000, 108, NULL},
    {"another DE 14", "54", 1, "2013", PROCESSING_WITHDRAWAL, 1000, 108, NULL},
    {"expires this month", "00", 2, "1612", PROCESSING_WITHDRAWAL, 1000, 108, NULL},
    {"expired last month", "54", 3, "1611", PROCESSING_WITHDRAWAL, 1000, 108, NULL},
    {"neither withdrawal nor inquiry", "12", 1, "2012", PROCESSING_OTHER, 1000, 108, NULL},
    {"unknown card before uncovered", "14", 9, "2012", PROCESSING_WITHDRAWAL, OPENING_YEN * 2, 108, NULL},
    {"expired before uncovered", "54", 3, "1611", PROCESSING_WITHDRAWAL, OPENING_YEN * 2, 108, NULL},
    {"an inquiry", "00", 1, "2012", PROCESSING_INQUIRY, 0, 0, NULL},
    {"an inquiry for no card", "14", 9, "2012", PROCESSING_INQUIRY, 0, 0, NULL},
    {"an inquiry for an expired card", "54", 3, "1611", PROCESSING_INQUIRY, 0, 0, NULL},
    {"ordered to decline", "61", 1, "2012", PROCESSING_WITHDRAWAL, 1000, 108, "61"},
    {"ordered, but declined anyway", "51", 1, "2012", PROCESSING_WITHDRAWAL, OPENING_YEN, 108, "61"},
};

START_TEST(decisions_follow_the_account)
{
        const struct decision *row = &decisions[_i];
        struct bank_request request = withdrawal_of(1, row->card);
        struct bank_record record;
        bool approved = strcmp(row->de39, "00") == 0 && row->processing == PROCESSING_WITHDRAWAL;
        bool ordered = row->order && strcmp(row->order, row->de39) == 0;
        request.processing = row->processing;
        request.processing_code = row->processing == PROCESSING_WITHDRAWAL ? 10000
                                  : row->processing == PROCESSING_INQUIRY  ? 310000
                                                                           : 200000;
        request.amount_yen = row->amount_yen;
        request.charge_yen = row->charge_yen;
        request.order = row->order;
        strcpy(request.expiry_yymm, row->expiry);
        ck_assert_msg(ask(&request, &record) == (ordered ? BANK_ORDERED : BANK_NEW), "%s", row->name);
        ck_assert_msg(strcmp(record.de39, row->de39) == 0, "%s: %s", row->name, record.de39);
        ck_assert_int_eq(record.moved_yen, approved ? -(row->amount_yen + row->charge_yen) : 0);
        if (row->card != 9)
                ck_assert_int_eq(balance_of(bank, row->card), OPENING_YEN + record.moved_yen);
        ck_assert_int_eq(record.balance_yen, row->card == 9 ? -1 : OPENING_YEN + record.moved_yen);
        ck_assert_int_eq(record.approval[0] != '\0', approved);
        assert_rebuilds();
}
END_TEST

START_TEST(a_repeat_is_told_from_memory_and_moves_nothing)
{
        struct bank_request request = withdrawal_of(1, 1), other = withdrawal_of(2, 1);
        struct bank_record first, again;
        ck_assert_int_eq(ask(&request, &first), BANK_NEW);
        ck_assert_int_eq(ask(&other, &again), BANK_NEW);
        int64_t before_yen = balance_of(bank, 1);
        request.order = "51"; /* an order does not change what was said */
        ck_assert_int_eq(ask(&request, &again), BANK_REPEAT);
        ck_assert_mem_eq(&first, &again, sizeof(first));
        ck_assert_int_eq(balance_of(bank, 1), before_yen);
        ck_assert_uint_eq(written_count, 2);
}
END_TEST

START_TEST(a_refusal_is_remembered_as_well)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record record;
        request.amount_yen = OPENING_YEN;
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        ck_assert_str_eq(record.de39, "51");
        ck_assert_int_eq(ask(&request, &record), BANK_REPEAT);
        ck_assert_str_eq(record.de39, "51");
}
END_TEST

START_TEST(the_same_identity_with_other_content_contradicts)
{
        const struct bank_request first = withdrawal_of(1, 1);
        struct bank_request other[4] = {first, first, first, first};
        struct bank_record record;
        ck_assert_int_eq(ask(&first, &record), BANK_NEW);
        token_fill(other[0].token, 2);
        other[1].amount_yen += 1000;
        other[2].charge_yen += 1;
        other[3].processing_code = 11000;
        for (int i = 0; i < 4; i++)
                ck_assert_int_eq(ask(&other[i], &record), BANK_CONTRADICTS);
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN - AMOUNT_YEN - CHARGE_YEN);
        ck_assert_int_eq(balance_of(bank, 2), OPENING_YEN);
}
END_TEST

START_TEST(terminal_stan_and_moment_are_the_identity)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record record;
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        strcpy(request.identity.terminal, "T0000002");
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        request.identity.stan = 2;
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        request.identity.transmitted_ms += 1000;
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN - 4 * (AMOUNT_YEN + CHARGE_YEN));
        assert_rebuilds();
}
END_TEST

/* ---- advices ------------------------------------------------------------------------------------------- */

/* Up to three advices about one approved withdrawal, and what the card-holder has paid in the end. */
static const struct ending {
        const char *name;
        struct {
                bool reversal;
                int64_t dispensed_yen;
                int64_t moved_yen;
                bool exception;
        } advice[3];
        int64_t paid_yen;
} endings[] = {
    {"all dispensed", {{false, AMOUNT_YEN, 0, false}}, AMOUNT_YEN + CHARGE_YEN},
    {"nothing dispensed", {{true, 0, AMOUNT_YEN + CHARGE_YEN, false}}, 0},
    {"a part dispensed: the charge stays", {{true, 5000, AMOUNT_YEN - 5000, false}}, 5000 + CHARGE_YEN},
    {"a completion with less", {{false, 5000, AMOUNT_YEN - 5000, false}}, 5000 + CHARGE_YEN},
    {"completed, then less, then nothing",
     {{false, AMOUNT_YEN, 0, false},
      {true, 5000, AMOUNT_YEN - 5000, false},
      {true, 0, 5000 + CHARGE_YEN, false}},
     0},
    {"a part, and the whole comes late: it takes nothing again",
     {{true, 5000, AMOUNT_YEN - 5000, false}, {false, AMOUNT_YEN, 0, true}},
     5000 + CHARGE_YEN},
    {"reversed, and a completion comes late: nothing is taken",
     {{true, 0, AMOUNT_YEN + CHARGE_YEN, false}, {false, AMOUNT_YEN, 0, true}, {true, 5000, 0, true}},
     0},
    {"more than was asked for", {{false, AMOUNT_YEN + 1000, 0, true}}, AMOUNT_YEN + CHARGE_YEN},
    {"more than was asked for, then the truth",
     {{false, AMOUNT_YEN + 1000, 0, true}, {true, 0, AMOUNT_YEN + CHARGE_YEN, false}},
     0},
    {"the same cash, said in another kind of message",
     {{false, AMOUNT_YEN, 0, false}, {true, AMOUNT_YEN, 0, false}},
     AMOUNT_YEN + CHARGE_YEN},
};

START_TEST(advices_give_back_what_was_not_dispensed_once)
{
        const struct ending *row = &endings[_i];
        struct bank_record record;
        approve(1);
        for (int i = 0; i < 3 && (i == 0 || row->advice[i].dispensed_yen || row->advice[i].reversal); i++) {
                enum bank_verdict verdict =
                    advise(1, row->advice[i].reversal, row->advice[i].dispensed_yen, &record);
                ck_assert_msg(verdict == BANK_NEW, "%s", row->name);
                ck_assert_msg(record.moved_yen == row->advice[i].moved_yen, "%s: advice %d moved %lld",
                              row->name, i, (long long)record.moved_yen);
                ck_assert_msg(record.exception == row->advice[i].exception, "%s: advice %d", row->name, i);
                ck_assert_str_eq(record.de39, "00");
                ck_assert_int_eq(record.amount_yen, AMOUNT_YEN);
                ck_assert_int_eq(record.charge_yen, CHARGE_YEN);
                ck_assert(record.has_card);
        }
        ck_assert_msg(balance_of(bank, 1) == OPENING_YEN - row->paid_yen, "%s", row->name);
        int64_t before_yen = balance_of(bank, 1);
        for (int i = 0; i < 3 && (i == 0 || row->advice[i].dispensed_yen || row->advice[i].reversal); i++)
                ck_assert_int_eq(advise(1, row->advice[i].reversal, row->advice[i].dispensed_yen, &record),
                                 BANK_REPEAT);
        ck_assert_int_eq(balance_of(bank, 1), before_yen);
        assert_rebuilds();
}
END_TEST

START_TEST(the_kind_in_the_record_is_what_was_said)
{
        struct bank_record record;
        approve(1);
        advise(1, false, AMOUNT_YEN, &record);
        ck_assert_int_eq(record.kind, BANK_COMPLETION);
        advise(1, true, 1000, &record);
        ck_assert_int_eq(record.kind, BANK_PARTIAL);
        advise(1, true, 0, &record);
        ck_assert_int_eq(record.kind, BANK_REVERSAL);
}
END_TEST

START_TEST(a_request_behind_its_advice_is_refused)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record record;
        bool with_cash = _i == 1;
        ck_assert_int_eq(advise(1, true, with_cash ? 5000 : 0, &record), BANK_NEW);
        ck_assert_int_eq(record.exception, with_cash);
        ck_assert(!record.has_card);
        ck_assert_int_eq(record.balance_yen, -1);
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        ck_assert_str_eq(record.de39, "94");
        ck_assert_int_eq(ask(&request, &record), BANK_REPEAT);
        ck_assert_str_eq(record.de39, "94");
        ck_assert_int_eq(advise(1, true, with_cash ? 5000 : 0, &record), BANK_REPEAT);
        ck_assert_int_eq(advise(1, false, AMOUNT_YEN, &record), BANK_NEW);
        ck_assert(record.exception);
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN);
        assert_rebuilds();
}
END_TEST

START_TEST(an_advice_about_a_refusal_moves_nothing)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record record;
        request.amount_yen = OPENING_YEN;
        ask(&request, &record);
        ck_assert_int_eq(advise(1, true, 0, &record), BANK_NEW);
        ck_assert(!record.exception);
        ck_assert_int_eq(advise(1, false, AMOUNT_YEN, &record), BANK_NEW);
        ck_assert(record.exception);
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN);
        assert_rebuilds();
}
END_TEST

START_TEST(an_advice_about_an_inquiry_moves_nothing)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record record;
        request.processing = PROCESSING_INQUIRY;
        request.processing_code = 310000;
        request.amount_yen = 0;
        ask(&request, &record);
        ck_assert_int_eq(record.balance_yen, OPENING_YEN);
        advise(1, true, 0, &record);
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN);
        assert_rebuilds();
}
END_TEST

START_TEST(what_has_no_end_yet_is_summed)
{
        struct bank_totals totals;
        struct bank_record record;
        approve(1);
        approve(2);
        advise(2, false, AMOUNT_YEN, &record);
        bank_total(bank, &totals);
        ck_assert_uint_eq(totals.accounts, 3);
        ck_assert_uint_eq(totals.withdrawals, 2);
        ck_assert_uint_eq(totals.open, 1);
        ck_assert_int_eq(totals.held_yen, AMOUNT_YEN + CHARGE_YEN);
        ck_assert_int_eq(totals.opening_yen, 3 * OPENING_YEN);
        ck_assert_int_eq(totals.balance_yen, 3 * OPENING_YEN - 2 * (AMOUNT_YEN + CHARGE_YEN));
}
END_TEST

static enum bank_verdict advise_refused(int stan, bool reversal, int64_t dispensed_yen, const char *code,
                                        struct bank_record *ret_record)
{
        struct bank_advice advice = {.original = identity_of(stan),
                                     .reversal = reversal,
                                     .processing_code = 10000,
                                     .amount_yen = AMOUNT_YEN,
                                     .dispensed_yen = dispensed_yen,
                                     .order = code,
                                     .refuse = true};
        enum bank_verdict verdict = bank_advise(bank, &advice, ret_record);
        keep(verdict, ret_record);
        return verdict;
}

START_TEST(an_advice_that_was_refused_moves_nothing_and_stays_refused)
{
        struct bank_totals totals;
        struct bank_record record;
        approve(1);
        ck_assert_int_eq(advise_refused(1, true, 0, "12", &record), BANK_ORDERED);
        ck_assert(record.refused);
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN - AMOUNT_YEN - CHARGE_YEN);
        ck_assert_int_eq(advise(1, true, 0, &record), BANK_REPEAT);
        ck_assert_str_eq(record.de39, "12");
        bank_total(bank, &totals);
        ck_assert_uint_eq(totals.open, 1);
        ck_assert_uint_eq(totals.refused, 1);
        assert_rebuilds();
        ck_assert_int_eq(advise(1, false, AMOUNT_YEN, &record), BANK_NEW); /* another end it may book */
        bank_total(bank, &totals);
        ck_assert_uint_eq(totals.open, 0);
        ck_assert_uint_eq(totals.refused, 0);
        assert_rebuilds();
}
END_TEST

START_TEST(what_was_refused_before_its_request_came_is_no_block)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record record;
        advise_refused(1, true, 0, "05", &record);
        ck_assert(!record.exception);
        ck_assert_int_eq(ask(&request, &record), BANK_NEW);
        ck_assert_str_eq(record.de39, "00");
        assert_rebuilds();
}
END_TEST

START_TEST(after_a_cutover_withdrawals_settle_on_its_day)
{
        struct bank_identity message = identity_of(900);
        struct bank_record record;
        int32_t today = calendar_day(2016, 12, 30);
        ck_assert_int_eq(bank_cutover(bank, &message, today + 1, &record), BANK_NEW);
        keep(BANK_NEW, &record);
        ck_assert_int_eq(bank_cutover(bank, &message, today + 1, &record), BANK_REPEAT);
        ck_assert_int_eq(bank_cutover(bank, &message, today, &record), BANK_REPEAT);
        struct bank_request request = withdrawal_of(1, 1);
        ask(&request, &record);
        ck_assert_int_eq(record.settlement_day, today + 1);
        request = withdrawal_of(2, 1);
        request.identity.transmitted_ms += 2 * (int64_t)DAY_MS;
        ask(&request, &record);
        ck_assert_int_eq(record.settlement_day, today + 2);
        assert_rebuilds();
}
END_TEST

START_TEST(a_card_has_one_account)
{
        uint8_t token[TOKEN_LENGTH];
        token_fill(token, 1);
        ck_assert(!bank_add_account(bank, token, "2012", 5));
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN);
}
END_TEST

/* ---- records that can't be ----------------------------------------------------------------------------- */

static void refused(const struct bank_record *record, const char *why)
{
        const char *said = bank_replay(bank, record);
        ck_assert_msg(said && strstr(said, why), "wanted \"%s\", got \"%s\"", why, said ? said : "nothing");
}

START_TEST(a_record_that_does_not_follow_is_refused)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record good, bad;
        struct bank_record reversal;
        struct bank *other = bank;
        ask(&request, &good);
        advise(1, true, 0, &reversal);
        setup();

        bad = good;
        bad.balance_yen += 1;
        refused(&bad, "the balance is not");
        bad = good;
        bad.moved_yen -= 1;
        refused(&bad, "not amount and charge");
        bad = good;
        bad.amount_yen = OPENING_YEN;
        bad.moved_yen = -(OPENING_YEN + CHARGE_YEN);
        bad.balance_yen = -CHARGE_YEN;
        refused(&bad, "the balance is not");
        bad = good;
        token_fill(bad.token, 9);
        refused(&bad, "no account");
        bad = good;
        bad.has_card = false;
        refused(&bad, "without a card");
        refused(&reversal, "not what this advice does");

        ck_assert_ptr_null(bank_replay(bank, &good));
        refused(&good, "in an earlier line");
        bad = reversal;
        bad.balance_yen -= 1;
        refused(&bad, "the balance is not");
        bad = reversal;
        bad.exception = true;
        refused(&bad, "not what this advice does");
        ck_assert_ptr_null(bank_replay(bank, &reversal));
        refused(&reversal, "in an earlier line");
        ck_assert_int_eq(balance_of(bank, 1), OPENING_YEN);
        bank_free(other);
}
END_TEST

START_TEST(an_approval_behind_its_reversal_can_not_be)
{
        struct bank_request request = withdrawal_of(1, 1);
        struct bank_record approval, reversal;
        struct bank *other = bank;
        ask(&request, &approval);
        setup();
        advise(1, true, 0, &reversal);
        refused(&approval, "although its reversal");
        bank_free(other);
}
END_TEST

/* What is entered, in turn, and what comes of it. */
static const struct {
        const char *pins[6], *answers[6];
} pin_rows[] = {
    {{"1234"}, {"00"}},
    {{"9999", "1234", "9999", "9999", "1234"}, {"55", "00", "55", "55", "00"}},
    {{"9999", "", "0000", "1234", "9999"}, {"55", "55", "55", "75", "75"}},
};

START_TEST(wrong_pins_are_counted_until_a_right_one)
{
        uint8_t token[TOKEN_LENGTH];
        token_fill(token, 1);
        bank_set_pin(bank, token, "1234");
        for (int i = 0; i < 6 && pin_rows[_i].pins[i]; i++) {
                struct bank_request request = withdrawal_of(i + 1, 1);
                struct bank_record record;
                request.wants_pin = true;
                strcpy(request.pin, pin_rows[_i].pins[i]);
                ck_assert_int_eq(ask(&request, &record), BANK_NEW);
                ck_assert_str_eq(record.de39, pin_rows[_i].answers[i]);
                ck_assert_int_eq(ask(&request, &record), BANK_REPEAT); /* counted once */
        }
        assert_rebuilds();
}
END_TEST

START_TEST(a_journal_has_the_wrong_pins_of_its_cards)
{
        uint8_t token[TOKEN_LENGTH];
        struct bank_record record;
        struct bank_request request;
        token_fill(token, 1);
        bank_set_pin_codes(bank, "W1", "B1");
        bank_set_pin(bank, token, "1234");
        for (int i = 1; i <= BANK_PIN_TRIES; i++) {
                request = withdrawal_of(i, 1);
                request.wants_pin = true;
                ck_assert_int_eq(ask(&request, &record), BANK_NEW);
                ck_assert_str_eq(record.de39, "W1");
        }
        struct bank *again = bank_new("BANKA");
        add_accounts(again);
        bank_set_pin_codes(again, "W1", "B1");
        bank_set_pin(again, token, "1234");
        for (size_t i = 0; i < written_count; i++)
                ck_assert_ptr_null(bank_replay(again, &written[i]));
        request = withdrawal_of(9, 1);
        request.wants_pin = true;
        strcpy(request.pin, "1234");
        ck_assert_int_eq(bank_request(again, &request, &record), BANK_NEW);
        ck_assert_str_eq(record.de39, "B1");
        request = withdrawal_of(10, 1); /* where nobody asks for one */
        ck_assert_int_eq(bank_request(again, &request, &record), BANK_NEW);
        ck_assert_str_eq(record.de39, "00");
        bank_free(again);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank");
        TCase *tcase = tcase_create("bank");
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, an_approval_debits_cash_and_charge);
        tcase_add_loop_test(tcase, decisions_follow_the_account, 0,
                            (int)(sizeof(decisions) / sizeof(decisions[0])));
        tcase_add_test(tcase, a_repeat_is_told_from_memory_and_moves_nothing);
        tcase_add_test(tcase, a_refusal_is_remembered_as_well);
        tcase_add_test(tcase, the_same_identity_with_other_content_contradicts);
        tcase_add_test(tcase, terminal_stan_and_moment_are_the_identity);
        tcase_add_loop_test(tcase, advices_give_back_what_was_not_dispensed_once, 0,
                            (int)(sizeof(endings) / sizeof(endings[0])));
        tcase_add_test(tcase, the_kind_in_the_record_is_what_was_said);
        tcase_add_loop_test(tcase, a_request_behind_its_advice_is_refused, 0, 2);
        tcase_add_test(tcase, an_advice_about_a_refusal_moves_nothing);
        tcase_add_test(tcase, an_advice_about_an_inquiry_moves_nothing);
        tcase_add_test(tcase, what_has_no_end_yet_is_summed);
        tcase_add_test(tcase, an_advice_that_was_refused_moves_nothing_and_stays_refused);
        tcase_add_test(tcase, what_was_refused_before_its_request_came_is_no_block);
        tcase_add_test(tcase, after_a_cutover_withdrawals_settle_on_its_day);
        tcase_add_test(tcase, a_card_has_one_account);
        tcase_add_test(tcase, a_record_that_does_not_follow_is_refused);
        tcase_add_test(tcase, an_approval_behind_its_reversal_can_not_be);
        tcase_add_loop_test(tcase, wrong_pins_are_counted_until_a_right_one, 0,
                            (int)(sizeof(pin_rows) / sizeof(pin_rows[0])));
        tcase_add_test(tcase, a_journal_has_the_wrong_pins_of_its_cards);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
