/* Every cell of the table of states: what an advice makes of a withdrawal, its commission, the account and
 * the card's use, by a completion and by a reversal, on the instance that decided and on the other. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

enum before { UNKNOWN, BLOCKED, DECLINED, APPROVED, COMPLETED, PARTLY_COMPLETED, REVERSED };

enum { AMOUNT_YEN = 20000, PART_YEN = 12000, FEE_YEN = 100, TAX_YEN = 10 };

static const struct {
        enum before before;
        int64_t dispensed_yen; /* DE 95; NO_DE_95: all in a completion, nothing in a reversal */
        const char *mti;
        const char *state;
        int64_t counted_yen; /* dispensed_yen afterwards */
        bool earned, exception;
} cells[] = {
    {UNKNOWN, NO_DE_95, "0220", "blocked", 0, false, true},
    {UNKNOWN, 20000, "0220", "blocked", 0, false, true},
    {UNKNOWN, 5000, "0420", "blocked", 0, false, true},
    {UNKNOWN, 0, "0220", "blocked", 0, false, false},
    {UNKNOWN, 0, "0420", "blocked", 0, false, false},
    {UNKNOWN, NO_DE_95, "0420", "blocked", 0, false, false},

    {BLOCKED, NO_DE_95, "0220", "blocked", 0, false, true},
    {BLOCKED, 5000, "0420", "blocked", 0, false, true},
    {BLOCKED, 0, "0220", "blocked", 0, false, false},
    {BLOCKED, NO_DE_95, "0420", "blocked", 0, false, false},

    {DECLINED, NO_DE_95, "0220", "declined", 0, false, true},
    {DECLINED, 5000, "0420", "declined", 0, false, true},
    {DECLINED, 0, "0220", "declined", 0, false, false},
    {DECLINED, NO_DE_95, "0420", "declined", 0, false, false},

    {APPROVED, NO_DE_95, "0220", "completed", 20000, true, false},
    {APPROVED, 20000, "0220", "completed", 20000, true, false},
    {APPROVED, 20000, "0420", "completed", 20000, true, false},
    {APPROVED, 19000, "0220", "completed", 19000, true, false},
    {APPROVED, 19999, "0220", "approved", 0, false, true}, /* no notes add up to it */
    {APPROVED, 1000, "0420", "completed", 1000, true, false},
    {APPROVED, 20001, "0220", "approved", 0, false, true},
    {APPROVED, 999999999999, "0420", "approved", 0, false, true},
    {APPROVED, 0, "0220", "reversed", 0, false, false},
    {APPROVED, 0, "0420", "reversed", 0, false, false},
    {APPROVED, NO_DE_95, "0420", "reversed", 0, false, false},

    {COMPLETED, NO_DE_95, "0220", "completed", 20000, true, false},
    {COMPLETED, 20000, "0420", "completed", 20000, true, false},
    {COMPLETED, 5000, "0220", "completed", 5000, true, true}, /* a correction leaves a record */
    {COMPLETED, 5000, "0420", "completed", 5000, true, true},
    {COMPLETED, 21000, "0220", "completed", 20000, true, true},
    {COMPLETED, 21000, "0420", "completed", 20000, true, true},
    {COMPLETED, 0, "0220", "reversed", 0, false, true},
    {COMPLETED, NO_DE_95, "0420", "reversed", 0, false, true},

    {PARTLY_COMPLETED, PART_YEN, "0220", "completed", PART_YEN, true, false},
    {PARTLY_COMPLETED, 11000, "0420", "completed", 11000, true, true},
    {PARTLY_COMPLETED, 11999, "0420", "completed", PART_YEN, true, true},
    {PARTLY_COMPLETED, 20000, "0220", "completed", PART_YEN, true, true},
    {PARTLY_COMPLETED, NO_DE_95, "0220", "completed", PART_YEN, true, true},
    {PARTLY_COMPLETED, 12001, "0420", "completed", PART_YEN, true, true},
    {PARTLY_COMPLETED, 0, "0220", "reversed", 0, false, true},
    {PARTLY_COMPLETED, NO_DE_95, "0420", "reversed", 0, false, true},

    {REVERSED, NO_DE_95, "0220", "reversed", 0, false, true},
    {REVERSED, 5000, "0420", "reversed", 0, false, true},
    {REVERSED, 0, "0220", "reversed", 0, false, false},
    {REVERSED, NO_DE_95, "0420", "reversed", 0, false, false},
};

/* A withdrawal that has got as far as `before` says. */
static void bring_to(struct atm *atm, enum before before, const struct card *card, struct trade *ret_trade)
{
        struct message advice, answer;
        switch (before) {
        case UNKNOWN:
        case BLOCKED:
                make_withdrawal(&ret_trade->request, atm, card, AMOUNT_YEN);
                ret_trade->entry = book_blocked(&ret_trade->request, AMOUNT_YEN);
                if (before == BLOCKED) {
                        make_advice(&advice, atm, "0420", &ret_trade->request, AMOUNT_YEN, NO_DE_95);
                        ask(atm, &advice, &answer, "00");
                }
                return;
        case DECLINED:
                withdraw(atm, card, 31000, "61", ret_trade);
                return;
        default:
                withdraw(atm, card, AMOUNT_YEN, "00", ret_trade);
        }
        if (before == COMPLETED)
                advise(atm, ret_trade, "0220", AMOUNT_YEN, NO_DE_95);
        else if (before == PARTLY_COMPLETED)
                advise(atm, ret_trade, "0220", AMOUNT_YEN, PART_YEN);
        else if (before == REVERSED)
                advise(atm, ret_trade, "0420", AMOUNT_YEN, NO_DE_95);
}

/* The card's cash that counts after it: of an approval whose end is not known, all. */
static int64_t used_yen(int cell)
{
        return !strcmp(cells[cell].state, "approved") ? AMOUNT_YEN : cells[cell].counted_yen;
}

static void check_cell(int cell, const struct trade *trade, const struct card *card)
{
        char found[256], wanted[256];
        const char *terminal = message_get(&trade->request, 41), *stan = message_get(&trade->request, 11);
        int64_t fee_yen = cells[cell].earned ? FEE_YEN : 0, used = used_yen(cell);
        bool holds_money = !strcmp(cells[cell].state, "approved") || !strcmp(cells[cell].state, "completed");

        snprintf(wanted, sizeof(wanted), "%s %lld %lld %lld %lld", cells[cell].state,
                 (long long)cells[cell].counted_yen, (long long)fee_yen, (long long)fee_yen,
                 (long long)(cells[cell].earned ? 2 * TAX_YEN : 0));
        sql_text(
            found, sizeof(found),
            "SELECT concat_ws(' ', state, dispensed_yen, customer_fee_yen, interbank_fee_yen, tax_yen) FROM "
            "v_withdrawal WHERE terminal = '%s' AND stan = %s AND transmitted_at = to_timestamp(%" PRId64 ")",
            terminal, stan, moment_of(&trade->request) / 1000);
        ck_assert_str_eq(found, wanted);
        ck_assert_int_eq(
            sql_number("SELECT count(*) FROM exception_record WHERE terminal = '%s' AND stan = %s", terminal,
                       stan),
            cells[cell].exception);
        ck_assert_int_eq(sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'", card->token),
                         card->opening_yen - used - (holds_money ? FEE_YEN + TAX_YEN : 0));
        ck_assert_int_eq(
            sql_number("SELECT coalesce(sum(cash_yen), 0)::bigint FROM v_card_day WHERE card_token = '%s'",
                       card->token),
            used);
        ck_assert_int_eq(
            sql_number("SELECT coalesce(sum(withdrawals), 0)::bigint FROM v_card_day WHERE card_token = '%s'",
                       card->token),
            holds_money);
        ck_assert_int_eq(
            sql_number("SELECT coalesce(sum(cash_yen), 0)::bigint FROM v_card_month WHERE card_token = '%s'",
                       card->token),
            used);
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_open WHERE card_token = '%s'", card->token),
                         !strcmp(cells[cell].state, "approved"));
}

/* Twice as many as there are cells: the second half advises the instance that did not decide. */
START_TEST(every_cell_of_the_state_table)
{
        int cell = _i / 2;
        struct atm decided = atm_open(11, 0), other = atm_open(11, 1);
        struct atm *advised = _i % 2 ? &other : &decided;
        const struct card *card = take_card();
        struct message advice, answer;
        struct trade trade;
        int64_t dispensed_yen = cells[cell].dispensed_yen;
        bring_to(&decided, cells[cell].before, card, &trade);
        make_advice(&advice, advised, cells[cell].mti, &trade.request, AMOUNT_YEN, dispensed_yen);
        ask(advised, &advice, &answer, "00");
        if (dispensed_yen == NO_DE_95)
                dispensed_yen = !strcmp(cells[cell].mti, "0220") ? AMOUNT_YEN : 0;
        book_advice(trade.entry, dispensed_yen);
        check_cell(cell, &trade, card);
        if (cells[cell].before == UNKNOWN || cells[cell].before == BLOCKED) {
                ask(&other, &trade.request, &answer, "94"); /* its 0200, should it still come */
                check_cell(cell, &trade, card);
        }
}
END_TEST

/* In a completion without DE 95 what was dispensed is DE 4, whatever the original asked for. */
START_TEST(de_4_of_a_completion_counts_without_de_95)
{
        struct atm atm = atm_open(11, 0);
        struct trade trade;
        withdraw(&atm, take_card(), 20000, "00", &trade);
        advise(&atm, &trade, "0220", 21000, NO_DE_95);
        ck_assert_str_eq(book_entry(trade.entry)->state, "approved");
        advise(&atm, &trade, "0220", 8000, NO_DE_95);
        ck_assert_int_eq(book_entry(trade.entry)->dispensed_yen, 8000);
}
END_TEST

Suite *suite_states(void)
{
        Suite *suite = suite_create("states");
        TCase *tcase = tcase_create("states");
        tcase_set_timeout(tcase, 30);
        tcase_add_loop_test(tcase, every_cell_of_the_state_table, 0, 2 * sizeof(cells) / sizeof(cells[0]));
        tcase_add_test(tcase, de_4_of_a_completion_counts_without_de_95);
        suite_add_tcase(suite, tcase);
        return suite;
}
