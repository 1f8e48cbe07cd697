/* Hours, bands, tax and limits of the old days: all follow from the moment of the withdrawal, DE 7. The clock
 * of these laboratories runs a thousand times as fast, and with it grows how far DE 7 may be from it: three
 * days. */
#include <stdio.h>
#include <string.h>

#include "tests/flow/wire/crowd.h"
#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct moment {
        const char *moment;
        int64_t charge_yen; /* 0: refused */
        const char *reason;
};

static void check_moment(const struct moment *row)
{
        struct atm atm = atm_open(3, 0);
        char reason[64];
        struct trade trade;
        if (row->charge_yen)
                ck_assert_int_eq(charge_yen_at(japan_ms(row->moment)), row->charge_yen);
        withdraw_at(&atm, take_card(), 10000, japan_ms(row->moment), row->charge_yen ? "00" : "58", &trade);
        sql_text(reason, sizeof(reason),
                 "SELECT reason FROM v_withdrawal WHERE terminal = '%s' AND stan = %s AND transmitted_at = "
                 "timestamptz '%s+09'",
                 atm.terminal, message_get(&trade.request, 11), row->moment);
        ck_assert_str_eq(reason, row->reason);
        ck_assert_int_eq(
            sql_number("SELECT count(*) FROM v_withdrawal WHERE terminal = '%s' AND stan = %s AND "
                       "business_date = '%.10s' AND transmitted_at = timestamptz '%s+09'",
                       atm.terminal, message_get(&trade.request, 11), row->moment, row->moment),
            1);
}

/* ---- the turn of 2016 and 2017 ------------------------------------------------------------------------- */

static const struct moment new_year[] = {
    {"2016-12-29 07:59:59", 0, "OUTSIDE_HOURS"}, /* a Thursday */
    {"2016-12-29 08:00:00", 216, "APPROVED"},    {"2016-12-29 08:44:59", 216, "APPROVED"},
    {"2016-12-29 08:45:00", 108, "APPROVED"},    {"2016-12-29 17:59:59", 108, "APPROVED"},
    {"2016-12-29 18:00:00", 216, "APPROVED"},    {"2016-12-29 20:59:59", 216, "APPROVED"},
    {"2016-12-29 21:00:00", 0, "OUTSIDE_HOURS"}, {"2016-12-30 23:59:59", 0, "OUTSIDE_HOURS"},
    {"2016-12-31 08:00:00", 216, "APPROVED"}, /* a Saturday; since 2016 open as on weekdays */
    {"2016-12-31 10:00:00", 216, "APPROVED"},    {"2016-12-31 20:59:59", 216, "APPROVED"},
    {"2017-01-01 12:00:00", 216, "APPROVED"}, /* the year that is nearest */
    {"2017-01-02 12:00:00", 216, "APPROVED"},    {"2016-12-26 12:00:00", 0, "CLOCK_OFF"},
    {"2017-01-05 12:00:00", 0, "CLOCK_OFF"},
};

START_TEST(hours_and_bands_of_2016)
{
        check_moment(&new_year[_i]);
}
END_TEST

START_TEST(the_months_amount_holds_and_returns_to_the_originals_month)
{
        struct atm a = atm_open(4, 0), b = atm_open(5, 1);
        const struct card *card = take_card();
        struct trade first, trade;
        withdraw_at(&a, card, 30000, japan_ms("2016-12-28 12:00:00"), "00", &first);
        withdraw_at(&b, card, 30000, japan_ms("2016-12-29 12:00:00"), "00", &trade);
        withdraw_at(&a, card, 21000, japan_ms("2016-12-30 12:00:00"), "61", &trade);
        withdraw_at(&b, card, 20000, japan_ms("2016-12-30 12:00:00"), "00", &trade);
        withdraw_at(&a, card, 1000, japan_ms("2016-12-31 12:00:00"), "61", &trade);
        withdraw_at(&b, card, 30000, japan_ms("2017-01-01 12:00:00"), "00", &trade); /* another month */
        advise(&a, &first, "0420", 30000, NO_DE_95);
        withdraw_at(&b, card, 30000, japan_ms("2016-12-31 12:00:00"), "00", &trade);
        withdraw_at(&b, card, 1000, japan_ms("2016-12-28 12:00:00"), "58",
                    &trade); /* it was used on two newer days */
        withdraw_at(&b, card, 1000, japan_ms("2017-01-01 12:00:00"), "61", &trade);
        advise(&b, &trade, "0420", 1000, NO_DE_95);
}
END_TEST

START_TEST(the_number_a_day_was_not_limited)
{
        struct atm atm = atm_open(4, 0);
        const struct card *card = take_card();
        struct trade trade;
        for (int i = 0; i < 30; i++)
                withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 12:00:00"), "00", &trade);
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 12:00:00"), "61", &trade);
}
END_TEST

START_TEST(no_race_passes_the_days_amount)
{
        enum { ROUNDS = 15 };
        struct atm atms[] = {atm_open(4, 0), atm_open(5, 1), atm_open(6, 0), atm_open(7, 1)};
        for (int round = 0; round < ROUNDS; round++)
                ck_assert_int_eq(
                    rush_for_cash(atms, 4, take_card(), 10000, japan_ms("2016-12-29 12:00:00"), "61"), 3);
}
END_TEST

START_TEST(no_race_passes_the_months_amount)
{
        enum { ROUNDS = 8 };
        struct atm atms[] = {atm_open(4, 0), atm_open(5, 1), atm_open(6, 0), atm_open(7, 1)};
        for (int round = 0; round < ROUNDS; round++) {
                const struct card *card = take_card();
                struct trade trade;
                withdraw_at(&atms[0], card, 30000, japan_ms("2016-12-28 12:00:00"), "00", &trade);
                withdraw_at(&atms[1], card, 30000, japan_ms("2016-12-29 12:00:00"), "00", &trade);
                ck_assert_int_eq(rush_for_cash(atms, 4, card, 10000, japan_ms("2016-12-30 12:00:00"), "61"),
                                 2);
        }
}
END_TEST

START_TEST(halls_and_banks_may_have_narrower_hours)
{
        struct atm atm = atm_open(0, 0);
        const struct card *card = take_card();
        struct trade trade;
        run("atmctl hall set %s --opens 10:00 --closes 19:30 >/dev/null", atm.hall);
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 09:59:59"), "58", &trade);
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 10:00:00"), "00", &trade);
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 19:29:59"), "00", &trade);
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 19:30:00"), "58", &trade);
        advise(&atm, &trade, "0420", 1000, NO_DE_95);
        run("atmctl issuer set HOUSE --opens 11:00 --closes 19:00 >/dev/null");
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 10:59:59"), "91", &trade);
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 11:00:00"), "00", &trade);
        withdraw_at(&atm, special_card(CARD_POOR), 10000, japan_ms("2016-12-29 19:00:00"), "91",
                    &trade); /* before 51 */
        withdraw_at(&atm, special_card(CARD_LOST), 10000, japan_ms("2016-12-29 19:00:00"), "41",
                    &trade); /* after 41 */
        run("atmctl issuer set HOUSE --opens 00:00 --closes 24:00 >/dev/null");
        run("atmctl hall set %s --opens 00:00 --closes 24:00 >/dev/null", atm.hall);
        withdraw_at(&atm, card, 1000, japan_ms("2016-12-29 20:00:00"), "00", &trade);
}
END_TEST

static void revenue_of(const struct atm *atm, const char *day, int64_t *ret_withdrawals,
                       int64_t *ret_fees_yen)
{
        *ret_withdrawals = sql_number(
            "SELECT coalesce(sum(withdrawals), 0)::bigint FROM v_revenue WHERE terminal = '%s' AND "
            "business_date = '%s'",
            atm->terminal, day);
        *ret_fees_yen = sql_number(
            "SELECT coalesce(sum(customer_fee_yen), 0)::bigint FROM v_revenue WHERE terminal = '%s' "
            "AND business_date = '%s'",
            atm->terminal, day);
}

START_TEST(a_completion_that_comes_later_belongs_to_its_originals_day)
{
        struct atm atm = atm_open(4, 0);
        int64_t withdrawals, fees_yen, withdrawals_after, fees_after_yen;
        struct trade trade;
        revenue_of(&atm, "2016-12-28", &withdrawals, &fees_yen);
        withdraw_at(&atm, take_card(), 10000, japan_ms("2016-12-28 12:00:00"), "00", &trade);
        advise(&atm, &trade, "0220", 10000, NO_DE_95); /* its own DE 7 is now: 30 December */
        revenue_of(&atm, "2016-12-28", &withdrawals_after, &fees_after_yen);
        ck_assert_int_eq(withdrawals_after, withdrawals + 1);
        ck_assert_int_eq(fees_after_yen, fees_yen + 100);
}
END_TEST

/* ---- before 2016 --------------------------------------------------------------------------------------- */

static const struct moment before_2016[] = {
    {"2015-08-28 08:00:00", 216, "APPROVED"}, /* a Friday */
    {"2015-08-28 12:00:00", 108, "APPROVED"},
    {"2015-08-28 20:59:59", 216, "APPROVED"},
    {"2015-08-28 21:00:00", 0, "OUTSIDE_HOURS"},
    {"2015-08-29 08:59:59", 0, "OUTSIDE_HOURS"}, /* Saturday and Sunday: from 9 to 17 */
    {"2015-08-29 09:00:00", 216, "APPROVED"},
    {"2015-08-30 16:59:59", 216, "APPROVED"},
    {"2015-08-30 17:00:00", 0, "OUTSIDE_HOURS"},
    {"2015-08-31 17:00:00", 108, "APPROVED"},
};

START_TEST(hours_and_bands_before_2016)
{
        check_moment(&before_2016[_i]);
}
END_TEST

START_TEST(the_months_amount_was_150000_until_september_2015)
{
        struct atm a = atm_open(4, 0), b = atm_open(5, 1);
        const struct card *card = take_card();
        struct trade trade;
        for (int day = 26; day <= 30; day++) {
                char moment[32];
                snprintf(moment, sizeof(moment), "2015-08-%02d 12:00:00", day);
                withdraw_at(day % 2 ? &a : &b, card, 30000, japan_ms(moment), "00", &trade);
        }
        withdraw_at(&a, card, 1000, japan_ms("2015-08-31 12:00:00"), "61", &trade);
        withdraw_at(&a, card, 30000, japan_ms("2015-09-01 12:00:00"), "00", &trade);
}
END_TEST

Suite *suite_new_year(void)
{
        Suite *suite = suite_create("new year");
        TCase *tcase = tcase_create("new year");
        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, hours_and_bands_of_2016, 0, COUNT(new_year));
        tcase_add_test(tcase, the_months_amount_holds_and_returns_to_the_originals_month);
        tcase_add_test(tcase, the_number_a_day_was_not_limited);
        tcase_add_test(tcase, no_race_passes_the_days_amount);
        tcase_add_test(tcase, no_race_passes_the_months_amount);
        tcase_add_test(tcase, halls_and_banks_may_have_narrower_hours);
        tcase_add_test(tcase, a_completion_that_comes_later_belongs_to_its_originals_day);
        suite_add_tcase(suite, tcase);
        return suite;
}

Suite *suite_before_2016(void)
{
        Suite *suite = suite_create("before 2016");
        TCase *tcase = tcase_create("before 2016");
        tcase_set_timeout(tcase, 60);
        tcase_add_loop_test(tcase, hours_and_bands_before_2016, 0, COUNT(before_2016));
        tcase_add_test(tcase, the_months_amount_was_150000_until_september_2015);
        suite_add_tcase(suite, tcase);
        return suite;
}
