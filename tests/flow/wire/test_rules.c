/* Who may ask, and which refusal wins. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { FRESH = -1 }; /* a card without anything special */

/* One row a refusal, and rows where two hold and the first in order wins. */
static const struct {
        const char *de3, *expiry; /* expiry NULL: the card's */
        int card;
        int64_t amount_yen;
        const char *de39;
} requests[] = {
    {"010000", NULL, FRESH, 10000, "00"},
    {"011000", NULL, FRESH, 1000, "00"},
    {"012000", NULL, FRESH, 30000, "00"},
    {"010000", NULL, FRESH, 0, "13"},
    {"010000", NULL, FRESH, 1, "13"},
    {"010000", NULL, FRESH, 500, "13"},
    {"010000", NULL, FRESH, 1500, "13"},
    {"010000", NULL, FRESH, 10001, "13"},
    {"010000", NULL, FRESH, 999999999999, "13"},
    {"010000", NULL, FRESH, 999999999000, "61"},
    {"010000", NULL, FRESH, 31000, "61"},
    {"000000", NULL, FRESH, 10000, "12"},
    {"200000", NULL, FRESH, 10000, "12"},
    {"010001", NULL, FRESH, 10000, "12"},
    {"400000", NULL, FRESH, 10000, "12"},
    {"010000", "2605", FRESH, 10000, "54"},
    {"010000", "9912", FRESH, 10000, "54"},
    {"010000", "2613", FRESH, 10000, "54"},
    {"010000", "2600", FRESH, 10000, "54"},
    {"010000", NULL, CARD_EXPIRED, 10000, "54"},
    {"010000", NULL, CARD_LOST, 10000, "41"},
    {"010000", NULL, CARD_STOLEN, 10000, "43"},
    {"010000", NULL, CARD_EXCLUDED, 10000, "62"},
    {"010000", NULL, CARD_UNKNOWN, 10000, "14"},
    {"010000", NULL, CARD_CREDIT, 10000, "57"},
    {"010000", NULL, CARD_LOAN, 10000, "57"},
    {"010000", NULL, CARD_NO_ROUTE, 10000, "92"},
    {"010000", NULL, CARD_POOR, 10000, "51"},
    {"010000", NULL, CARD_JUST_COVERED, 11000, "51"},
    /* the first wins */
    {"200000", NULL, FRESH, 1500, "12"},
    {"010000", NULL, CARD_NO_ROUTE, 1500, "13"},
    {"010000", "2605", CARD_NO_ROUTE, 10000, "92"},
    {"010000", "9912", CARD_UNKNOWN, 10000, "14"},
    {"010000", NULL, CARD_UNKNOWN_CREDIT, 10000, "14"},
    {"010000", "2605", CARD_CREDIT, 10000, "57"},
    {"010000", "9912", CARD_LOST, 10000, "54"},
    {"010000", NULL, CARD_BROKE_AND_LOST, 31000, "41"},
    {"010000", NULL, CARD_POOR, 31000, "61"},
    /* inquiries */
    {"310000", NULL, FRESH, 0, "00"},
    {"311000", NULL, CARD_POOR, 0, "00"},
    {"310000", NULL, CARD_LOST, 0, "41"},
    {"310000", NULL, CARD_STOLEN, 0, "43"},
    {"310000", NULL, CARD_EXCLUDED, 0, "62"},
    {"310000", NULL, CARD_UNKNOWN, 0, "14"},
    {"310000", NULL, CARD_CREDIT, 0, "57"},
    {"310000", NULL, CARD_NO_ROUTE, 0, "92"},
    {"310000", "9912", FRESH, 0, "54"},
    {"310001", NULL, FRESH, 0, "12"},
};

START_TEST(each_refusal_and_which_of_two_wins)
{
        struct atm atm = atm_open(4, 0);
        const struct card *card =
            requests[_i].card == FRESH ? take_card() : special_card((enum special)requests[_i].card);
        bool is_inquiry = !strcmp(requests[_i].de3, "310000") || !strcmp(requests[_i].de3, "311000");
        struct message request, answer;
        struct trade trade;
        if (requests[_i].amount_yen || requests[_i].de3[0] == '0')
                make_withdrawal(&request, &atm, card, requests[_i].amount_yen);
        else
                make_inquiry(&request, &atm, card);
        message_set(&request, 3, requests[_i].de3);
        if (requests[_i].expiry)
                message_set(&request, 14, requests[_i].expiry);
        if (is_inquiry)
                ask(&atm, &request, &answer, requests[_i].de39);
        else
                trade_request(&atm, &request, card, requests[_i].de39, &trade);
}
END_TEST

START_TEST(cash_and_fee_must_be_covered_to_the_yen)
{
        struct atm atm = atm_open(4, 0);
        const struct card *card = special_card(CARD_JUST_COVERED);
        struct trade trade;
        ck_assert_int_eq(sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'", card->token),
                         10000 + charge_yen_at(business_ms()));
        withdraw(&atm, card, 10000, "00", &trade);
        ck_assert_int_eq(sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'", card->token),
                         0);
        withdraw(&atm, card, 1000, "51", &trade);
        advise(&atm, &trade, "0420", 1000, NO_DE_95);
}
END_TEST

static const struct {
        int away_s;
        const char *de39;
} skews[] = {{-301, "58"},   {-299, "00"},  {299, "00"},        {301, "58"},
             {-86400, "58"}, {86400, "58"}, {100 * 86400, "58"}};

START_TEST(a_clock_far_off_is_refused)
{
        struct atm atm = atm_open(4, 0);
        const struct card *card = take_card();
        struct trade trade;
        wait_for_second();
        withdraw_at(&atm, card, 10000, business_ms() + (int64_t)skews[_i].away_s * 1000, skews[_i].de39,
                    &trade);
}
END_TEST

START_TEST(an_advice_is_taken_whatever_its_clock_says)
{
        static const int days[] = {-150, -30, -1, 1, 30, 150};
        struct atm atm = atm_open(4, 0);
        for (size_t i = 0; i < COUNT(days); i++) {
                struct trade trade;
                struct message advice, answer;
                char de7[11];
                withdraw(&atm, take_card(), 10000, "00", &trade);
                de7_of(business_ms() + (int64_t)days[i] * 86400 * 1000, de7);
                make_advice(&advice, &atm, "0220", &trade.request, 10000, NO_DE_95);
                message_set(&advice, 7, de7);
                ask(&atm, &advice, &answer, "00");
                book_advice(trade.entry, 10000);
        }
}
END_TEST

/* ---- sign-on, fleet ------------------------------------------------------------------------------------ */

START_TEST(requests_need_a_sign_on_and_advices_do_not)
{
        struct atm atm = atm_open(4, 0);
        const struct card *card = take_card();
        struct message request, answer;
        struct trade trade;
        withdraw(&atm, card, 10000, "00", &trade);
        make_network(&request, &atm, "002");
        ask(&atm, &request, &answer, "00");
        make_withdrawal(&request, &atm, card, 10000);
        ask(&atm, &request, &answer, "58");
        make_inquiry(&request, &atm, card);
        ask(&atm, &request, &answer, "58");
        request = trade.request; /* not even a repeat */
        strcpy(request.mti, "0201");
        ask(&atm, &request, &answer, "58");
        advise(&atm, &trade, "0220", 10000, NO_DE_95);
        expect_echo(&atm);
        make_network(&request, &atm, "001");
        ask(&atm, &request, &answer, "00");
        withdraw(&atm, card, 10000, "00", &trade);
        atm_close(&atm);
        atm = atm_connect(4, 0);
        make_withdrawal(&request, &atm, card, 10000);
        ask(&atm, &request, &answer, "58");
        advise(&atm, &trade, "0420", 10000, NO_DE_95);
}
END_TEST

START_TEST(a_disabled_atm_is_refused_but_its_advices_are_not)
{
        struct atm atm = atm_open(5, _i);
        const struct card *card = take_card();
        struct message request, answer;
        struct trade before, refused;
        withdraw(&atm, card, 10000, "00", &before);
        run("atmctl atm disable %s >/dev/null", atm.terminal);
        withdraw(&atm, card, 10000, "58", &refused); /* at once, without waiting for anybody's poll */
        make_inquiry(&request, &atm, card);
        ask(&atm, &request, &answer, "58");
        request = before.request;
        strcpy(request.mti, "0201");
        ask(&atm, &request, &answer, "00"); /* the stored answer comes before the ATM's state */
        ck_assert(message_equal(&answer, &before.answer));
        advise(&atm, &before, "0220", 10000, NO_DE_95);
        run("atmctl atm enable %s >/dev/null", atm.terminal);
        withdraw(&atm, card, 10000, "00", &before);
}
END_TEST

/* Sign-ons until one is answered: an instance looks for changed reference data once a second. */
static struct atm atm_once_let_in(int terminal, int instance)
{
        struct message request, answer;
        int64_t patience_ms = steady_ms() + ANSWER_MS;
        for (;;) {
                struct atm atm = atm_connect(terminal, instance);
                make_network(&request, &atm, "001");
                send_message(&atm, &request);
                enum client_result result = client_receive(atm.client, &answer, ANSWER_MS);
                if (result == CLIENT_RECEIVED)
                        return atm;
                ck_assert_msg(steady_ms() < patience_ms, "%s", client_result_name[result]);
                atm_close(&atm);
        }
}

START_TEST(a_barred_atm_is_shut_out_everywhere_and_its_advices_wait)
{
        struct atm a = atm_open(5, 0), b = atm_open(5, 1), other = atm_open(6, 0);
        struct trade before;
        withdraw(&a, take_card(), 10000, "00", &before);
        run("atmctl atm bar %s --note 'stolen' >/dev/null", a.terminal);
        expect_closed(a.client);
        expect_closed(b.client);
        atm_close(&a);
        atm_close(&b);
        expect_echo(&other);
        a = atm_connect(5, 0); /* the refusal comes after the handshake */
        expect_closed(a.client);
        atm_close(&a);
        ck_assert_int_eq(sql_number("SELECT count(*) FROM advice WHERE terminal = '%s' AND stan = %s",
                                    a.terminal, message_get(&before.request, 11)),
                         0);
        run("atmctl atm unbar %s --note 'found' >/dev/null", a.terminal);
        a = atm_once_let_in(5, 0);
        b = atm_once_let_in(5, 1);
        advise(&a, &before, "0220", 10000, NO_DE_95);
        expect_echo(&b);
}
END_TEST

/* An inquiry leaves no row: whoever tries card numbers by it is slowed, and nobody else. */
START_TEST(an_atm_that_guesses_cards_by_inquiries_is_slowed)
{
        enum { BURST = 30 }; /* guess_burst, unless the configuration says otherwise */
        struct atm atm = atm_open(11, _i), other = atm_open(12, _i);
        struct message request, answer;
        struct trade trade;
        for (int i = 0; i < BURST; i++) {
                make_inquiry(&request, &atm, special_card(CARD_UNKNOWN));
                ask(&atm, &request, &answer, "14");
        }
        make_inquiry(&request, &atm, special_card(CARD_UNKNOWN));
        ask(&atm, &request, &answer, "65");
        const struct card *card = take_card();
        make_inquiry(&request, &atm, card);
        ask(&atm, &request, &answer, "65");
        make_inquiry(&request, &other, card);
        ask(&other, &request, &answer, "00");
        withdraw(&atm, card, 1000, "00", &trade);
}
END_TEST

/* A good certificate for a terminal that is not in the fleet; test_wire.sh issues it. */
START_TEST(an_unknown_terminal_is_refused_but_its_advices_are_not)
{
        char folder[PATH_SIZE], why[256] = "";
        struct message request, answer, original;
        make_path(folder, getenv("WIRE_CERTS"), "unknown", "");
        struct atm atm = {.client = connect_with(folder, "T9999999", 0, why, sizeof(why)),
                          .terminal = "T9999999",
                          .hall = "H00001"};
        ck_assert_msg(atm.client != NULL, "%s", why);
        make_network(&request, &atm, "001");
        ask(&atm, &request, &answer, "58");
        make_withdrawal(&original, &atm, take_card(), 10000);
        ask(&atm, &original, &answer, "58");
        make_advice(&request, &atm, "0220", &original, 10000, NO_DE_95);
        ask(&atm, &request, &answer, "00");
        book_blocked(&original, 10000);
        ck_assert_int_eq(
            sql_number("SELECT count(*) FROM exception_record WHERE terminal = 'T9999999' AND stan = %s",
                       message_get(&original, 11)),
            1);
        expect_echo(&atm);
}
END_TEST

Suite *suite_rules(void)
{
        Suite *suite = suite_create("rules");
        TCase *tcase = tcase_create("rules");
        tcase_set_timeout(tcase, 30);
        tcase_add_loop_test(tcase, each_refusal_and_which_of_two_wins, 0, COUNT(requests));
        tcase_add_test(tcase, cash_and_fee_must_be_covered_to_the_yen);
        tcase_add_loop_test(tcase, a_clock_far_off_is_refused, 0, COUNT(skews));
        tcase_add_test(tcase, an_advice_is_taken_whatever_its_clock_says);
        tcase_add_test(tcase, requests_need_a_sign_on_and_advices_do_not);
        tcase_add_loop_test(tcase, a_disabled_atm_is_refused_but_its_advices_are_not, 0, 2);
        tcase_add_test(tcase, a_barred_atm_is_shut_out_everywhere_and_its_advices_wait);
        tcase_add_loop_test(tcase, an_atm_that_guesses_cards_by_inquiries_is_slowed, 0, 2);
        tcase_add_test(tcase, an_unknown_terminal_is_refused_but_its_advices_are_not);
        suite_add_tcase(suite, tcase);
        return suite;
}
