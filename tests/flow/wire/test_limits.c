/* Limits hold for a card across the fleet, under any concurrency (I4), and what was not dispensed is given
 * back. Since April 2020: 30,000 yen and two withdrawals a day, 80,000 yen a month. */
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/crowd.h"
#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

START_TEST(the_days_amount_holds_over_two_terminals_and_two_instances)
{
        struct atm a = atm_open(6, 0), b = atm_open(7, 1);
        const struct card *card = take_card();
        struct trade trade;
        withdraw(&a, card, 20000, "00", &trade);
        withdraw(&b, card, 11000, "61", &trade);
        withdraw(&b, card, 10000, "00", &trade);
}
END_TEST

START_TEST(the_days_number_holds_over_two_terminals_and_two_instances)
{
        struct atm a = atm_open(6, 0), b = atm_open(7, 1);
        const struct card *card = take_card();
        struct trade trade;
        withdraw(&a, card, 1000, "00", &trade);
        withdraw(&b, card, 1000, "00", &trade);
        withdraw(&a, card, 1000, "65", &trade);
        withdraw(&b, card, 30000, "65", &trade); /* over the amount too: the number is told */
}
END_TEST

START_TEST(refusals_and_inquiries_use_up_nothing)
{
        struct atm atm = atm_open(6, 0);
        const struct card *card = take_card();
        struct message request, answer;
        struct trade trade;
        for (int i = 0; i < 3; i++) {
                withdraw(&atm, card, 31000, "61", &trade);
                make_inquiry(&request, &atm, card);
                ask(&atm, &request, &answer, "00");
        }
        withdraw(&atm, card, 15000, "00", &trade);
        withdraw(&atm, card, 15000, "00", &trade);
}
END_TEST

START_TEST(what_is_reversed_is_given_back_and_a_part_counts_as_one)
{
        struct atm a = atm_open(6, 0), b = atm_open(7, 1);
        const struct card *card = take_card();
        struct message advice, answer;
        struct trade first, second;
        withdraw(&a, card, 30000, "00", &first);
        withdraw(&b, card, 1000, "61", &second);
        /* the same numbers from another terminal are another withdrawal */
        make_advice(&advice, &b, "0420", &first.request, 30000, NO_DE_95);
        ask(&b, &advice, &answer, "00");
        message_set(&first.request, 41, b.terminal);
        book_blocked(&first.request, 30000);
        message_set(&first.request, 41, a.terminal);
        withdraw(&b, card, 1000, "61", &second);
        advise(&a, &first, "0420", 30000, NO_DE_95);
        withdraw(&b, card, 30000, "00", &second);
        advise(&b, &second, "0420", 30000, 10000); /* a part */
        withdraw(&a, card, 21000, "61", &first);
        withdraw(&a, card, 20000, "00", &first);
        withdraw(&a, card, 1000, "65", &first);
}
END_TEST

static const struct {
        int64_t amount_yen;
        const char *refusal;
        int approved;
} races[] = {{20000, "61", 1}, {15000, "65", 2}, {30000, "61", 1}, {1000, "65", 2}};

START_TEST(no_race_passes_the_days_limits)
{
        enum { ROUNDS = 12 };
        struct atm atms[] = {atm_open(6, 0), atm_open(7, 1), atm_open(8, 0), atm_open(9, 1)};
        for (int round = 0; round < ROUNDS; round++) {
                const struct card *card = take_card();
                int approved =
                    rush_for_cash(atms, 4, card, races[_i].amount_yen, business_ms(), races[_i].refusal);
                ck_assert_int_eq(approved, races[_i].approved);
                ck_assert_int_le(
                    sql_number("SELECT sum(amount_yen)::bigint FROM v_withdrawal WHERE card_token = '%s' AND "
                               "state = 'approved'",
                               card->token),
                    30000);
        }
}
END_TEST

static void replace(const struct card *old_card, const struct card *new_card, const char *options)
{
        run("printf '%%s\\n' %s %s | atmctl card replace --card - --note renewed --expiry %s %s >/dev/null",
            old_card->pan, new_card->pan, new_card->expiry, options);
}

START_TEST(a_new_card_has_used_what_the_old_one_has)
{
        struct atm a = atm_open(6, 0), b = atm_open(7, 1);
        const struct card *old_card = take_card(), *new_card = special_card(CARD_NEW);
        struct message again, answer;
        struct trade first, second;
        withdraw(&a, old_card, 30000, "00", &first);
        replace(old_card, new_card, "--status lost");
        withdraw(&b, new_card, 1000, "61", &second);
        withdraw(&b, old_card, 1000, "41", &second);
        again = first.request;
        strcpy(again.mti, "0201");
        ask(&a, &again, &answer, "00"); /* nothing has changed for it */
        advise(&a, &first, "0420", 30000, NO_DE_95);
        withdraw(&b, new_card, 30000, "00", &second);
}
END_TEST

START_TEST(a_new_card_is_excluded_like_the_old_one)
{
        struct atm atm = atm_open(6, 0);
        const struct card *old_card = take_card(), *new_card = special_card(CARD_NEW_TOO);
        struct trade trade;
        run("printf '%%s\\n' %s | atmctl exclusion add --note trial --card - --from 2026-01-01 >/dev/null",
            old_card->pan);
        withdraw(&atm, old_card, 1000, "62", &trade);
        replace(old_card, new_card, "");
        withdraw(&atm, new_card, 1000, "62", &trade);
        withdraw(&atm, old_card, 1000, "54", &trade);
}
END_TEST

Suite *suite_limits(void)
{
        Suite *suite = suite_create("limits");
        TCase *tcase = tcase_create("limits");
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, the_days_amount_holds_over_two_terminals_and_two_instances);
        tcase_add_test(tcase, the_days_number_holds_over_two_terminals_and_two_instances);
        tcase_add_test(tcase, refusals_and_inquiries_use_up_nothing);
        tcase_add_test(tcase, what_is_reversed_is_given_back_and_a_part_counts_as_one);
        tcase_add_loop_test(tcase, no_race_passes_the_days_limits, 0, sizeof(races) / sizeof(races[0]));
        tcase_add_test(tcase, a_new_card_has_used_what_the_old_one_has);
        tcase_add_test(tcase, a_new_card_is_excluded_like_the_old_one);
        suite_add_tcase(suite, tcase);
        return suite;
}
