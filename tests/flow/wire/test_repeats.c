/* One identity, one decision (I2): repeats get the original's answer, contradictions 94, whichever instance.
 */
#include <string.h>

#include "tests/flow/wire/crowd.h"
#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void expect_same(struct atm *atm, const struct trade *trade, const char *mti)
{
        struct message request = trade->request, answer;
        memcpy(request.mti, mti, sizeof(request.mti));
        send_message(atm, &request);
        expect_answer(atm, &answer);
        ck_assert(message_equal(&answer, &trade->answer));
}

/* Once it has its end: nothing is paid out for it any more. */
static void expect_ended(struct atm *atm, const struct trade *trade)
{
        struct message request = trade->request, answer;
        strcpy(request.mti, "0201");
        ask(atm, &request, &answer, "94");
        ck_assert_str_eq(message_get(&answer, 38), "");
}

static int64_t rows_of(const struct trade *trade)
{
        return sql_number("SELECT count(*) FROM v_withdrawal WHERE terminal = '%s' AND stan = %s",
                          message_get(&trade->request, 41), message_get(&trade->request, 11));
}

static const struct {
        int64_t amount_yen;
        const char *de39;
} originals[] = {{10000, "00"}, {31000, "61"}, {1500, "13"}};

START_TEST(a_repeat_gets_the_originals_answer)
{
        struct atm atm = atm_open(10, 0);
        struct trade trade;
        withdraw(&atm, take_card(), originals[_i].amount_yen, originals[_i].de39, &trade);
        expect_same(&atm, &trade, "0201");
        expect_same(&atm, &trade, "0200");
        atm_close(&atm);
        atm = atm_open(10, 1);
        expect_same(&atm, &trade, "0201");
        expect_same(&atm, &trade, "0200");
        if (!strcmp(originals[_i].de39, "00")) {
                advise(&atm, &trade, "0220", originals[_i].amount_yen, NO_DE_95);
                expect_ended(&atm, &trade);
        }
        ck_assert_int_eq(rows_of(&trade), 1);
}
END_TEST

START_TEST(a_repeat_of_what_never_came_is_decided)
{
        struct atm atm = atm_open(10, 0);
        const struct card *card = take_card();
        struct message request;
        struct trade trade;
        make_withdrawal(&request, &atm, card, 10000);
        strcpy(request.mti, "0201");
        trade_request(&atm, &request, card, "00", &trade);
        expect_same(&atm, &trade, "0200");
        expect_same(&atm, &trade, "0201");
        ck_assert_int_eq(rows_of(&trade), 1);
}
END_TEST

static void change_amount(struct message *request)
{
        message_set(request, 4, "000000011000");
}

static void change_card(struct message *request)
{
        const struct card *card = take_card();
        message_set(request, 2, card->pan);
        message_set(request, 14, card->expiry);
}

static void change_code(struct message *request)
{
        message_set(request, 3, "011000");
}

static void make_it_an_inquiry(struct message *request)
{
        message_set(request, 3, "310000");
        message_drop(request, 4);
}

static void (*const contradictions[])(struct message *) = {change_amount, change_card, change_code,
                                                           make_it_an_inquiry};

START_TEST(a_duplicate_that_contradicts_is_answered_94)
{
        struct atm atm = atm_open(10, 0);
        struct message request, answer;
        struct trade trade;
        const struct card *card = take_card();
        withdraw(&atm, card, 10000, "00", &trade);
        request = trade.request;
        contradictions[_i](&request);
        ask(&atm, &request, &answer, "94");
        strcpy(request.mti, "0201");
        ask(&atm, &request, &answer, "94");
        expect_same(&atm, &trade, "0201");
        ck_assert_int_eq(rows_of(&trade), 1);
        ck_assert_int_eq(sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'", card->token),
                         card->opening_yen - 10000 - charge_yen_at(business_ms()));
}
END_TEST

START_TEST(the_same_stan_at_another_moment_is_another_withdrawal)
{
        struct atm atm = atm_open(10, 0);
        const struct card *card = take_card();
        struct message request;
        struct trade first, second;
        char de7[11];
        withdraw(&atm, card, 10000, "00", &first);
        request = first.request;
        de7_of(business_ms() + 60000, de7);
        message_set(&request, 7, de7);
        trade_request(&atm, &request, card, "00", &second);
        ck_assert_int_eq(rows_of(&first), 2);
}
END_TEST

START_TEST(two_instances_at_once_make_one_decision)
{
        enum { ROUNDS = 15 };
        struct atm atms[] = {atm_open(10, 0), atm_open(10, 1)};
        static struct rush rushes[2];
        for (int round = 0; round < ROUNDS; round++) {
                const struct card *card = take_card();
                struct message request;
                make_withdrawal(&request, &atms[0], card, 20000);
                for (int i = 0; i < 2; i++) {
                        rushes[i].atm = &atms[i];
                        rushes[i].request = request;
                }
                if (round % 2)
                        strcpy(rushes[1].request.mti, "0201");
                rush(rushes, 2);
                for (int i = 0; i < 2; i++) {
                        ck_assert_msg(rushes[i].result == CLIENT_RECEIVED, "%s",
                                      client_result_name[rushes[i].result]);
                        check_answer(&request, &rushes[i].answer, "00");
                }
                ck_assert(message_equal(&rushes[0].answer, &rushes[1].answer));
                book_decision(&request, card, "00");
        }
}
END_TEST

/* ---- advices ------------------------------------------------------------------------------------------- */

START_TEST(a_reversal_before_its_request_blocks_it)
{
        struct atm a = atm_open(10, 0), b = atm_open(10, 1);
        const struct card *card = take_card();
        struct message request, advice, answer;
        make_withdrawal(&request, &a, card, 10000);
        make_advice(&advice, &b, "0420", &request, 10000, NO_DE_95);
        ask(&b, &advice, &answer, "00");
        ask(&a, &request, &answer, "94");
        strcpy(request.mti, "0201");
        ask(&b, &request, &answer, "94");
        strcpy(advice.mti, "0421");
        ask(&a, &advice, &answer, "00");
        book_blocked(&request, 10000);
        ck_assert_int_eq(sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'", card->token),
                         card->opening_yen);
}
END_TEST

START_TEST(a_reversal_that_races_its_request_leaves_nothing_open)
{
        enum { ROUNDS = 15 };
        struct atm atms[] = {atm_open(10, 0), atm_open(10, 1)};
        static struct rush rushes[2];
        for (int round = 0; round < ROUNDS; round++) {
                const struct card *card = take_card();
                for (int i = 0; i < 2; i++)
                        rushes[i].atm = &atms[i];
                make_withdrawal(&rushes[0].request, &atms[0], card, 20000);
                make_advice(&rushes[1].request, &atms[1], "0420", &rushes[0].request, 20000, NO_DE_95);
                rush(rushes, 2);
                ck_assert(rushes[0].result == CLIENT_RECEIVED && rushes[1].result == CLIENT_RECEIVED);
                check_answer(&rushes[1].request, &rushes[1].answer, "00");
                bool approved = !strcmp(message_get(&rushes[0].answer, 39), "00");
                check_answer(&rushes[0].request, &rushes[0].answer, approved ? "00" : "94");
                if (approved)
                        book_advice(book_decision(&rushes[0].request, card, "00"), 0);
                else
                        book_blocked(&rushes[0].request, 20000);
                ck_assert_int_eq(
                    sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'", card->token),
                    card->opening_yen);
        }
}
END_TEST

static const struct {
        const char *mti, *repeat;
        int64_t dispensed_yen;
        const char *state;
} advices[] = {
    {"0220", "0221", NO_DE_95, "completed"},
    {"0220", "0221", 10000, "completed"},
    {"0420", "0421", 10000, "completed"},
    {"0420", "0421", NO_DE_95, "reversed"},
};

START_TEST(a_repeated_advice_does_nothing_more)
{
        struct atm a = atm_open(10, 0), b = atm_open(10, 1);
        struct message advice, answer, again;
        struct trade trade;
        withdraw(&a, take_card(), 20000, "00", &trade);
        make_advice(&advice, &a, advices[_i].mti, &trade.request, 20000, advices[_i].dispensed_yen);
        ask(&a, &advice, &answer, "00");
        for (int round = 0; round < 2; round++) {
                ask(&b, &advice, &again, "00");
                ck_assert(message_equal(&answer, &again));
                strcpy(advice.mti, advices[_i].repeat);
                ask(&a, &advice, &again, "00");
                ck_assert(message_equal(&answer, &again));
        }
        book_advice(trade.entry, advices[_i].dispensed_yen != NO_DE_95    ? advices[_i].dispensed_yen
                                 : !strcmp(advices[_i].state, "reversed") ? 0
                                                                          : 20000);
        ck_assert_str_eq(book_entry(trade.entry)->state, advices[_i].state);
        ck_assert_int_eq(sql_number("SELECT count(*) FROM advice WHERE terminal = '%s' AND stan = %s",
                                    a.terminal, message_get(&trade.request, 11)),
                         1);
        ck_assert_int_eq(
            sql_number("SELECT count(*) FROM exception_record WHERE terminal = '%s' AND stan = %s",
                       a.terminal, message_get(&trade.request, 11)),
            0);
}
END_TEST

START_TEST(an_advice_may_carry_its_originals_numbers)
{
        struct atm atm = atm_open(10, 0);
        struct message advice, answer;
        struct trade trade;
        withdraw(&atm, take_card(), 20000, "00", &trade);
        make_advice(&advice, &atm, "0220", &trade.request, 20000, NO_DE_95);
        message_set(&advice, 7, message_get(&trade.request, 7));
        message_set(&advice, 11, message_get(&trade.request, 11));
        ask(&atm, &advice, &answer, "00");
        book_advice(trade.entry, 20000);
        make_advice(&advice, &atm, "0420", &trade.request, 20000, NO_DE_95);
        message_set(&advice, 7, message_get(&trade.request, 7));
        message_set(&advice, 11, message_get(&trade.request, 11));
        ask(&atm, &advice, &answer, "00");
        book_advice(trade.entry, 0);
        expect_ended(&atm, &trade);
}
END_TEST

START_TEST(an_advice_that_contradicts_itself_is_accepted_and_told_to_people)
{
        struct atm a = atm_open(10, 0), b = atm_open(10, 1);
        struct message advice, answer;
        struct trade trade;
        withdraw(&a, take_card(), 20000, "00", &trade);
        make_advice(&advice, &a, "0220", &trade.request, 20000, 20000);
        ask(&a, &advice, &answer, "00");
        book_advice(trade.entry, 20000);
        message_print(&advice, 95, "%012d%012dD00000000D00000000", 5000, 0);
        strcpy(advice.mti, "0221");
        ask(&b, &advice, &answer, "00");
        ck_assert_int_eq(
            sql_number("SELECT count(*) FROM exception_record WHERE terminal = '%s' AND stan = %s AND "
                       "what = 'contradicts'",
                       a.terminal, message_get(&trade.request, 11)),
            1);
}
END_TEST

START_TEST(only_stan_and_de_7_of_de_90_are_matched)
{
        static const char *const mtis[] = {"0200", "0201", "0000", "9999"};
        struct atm atm = atm_open(10, 0);
        for (size_t i = 0; i < COUNT(mtis); i++) {
                struct message advice, answer;
                struct trade trade;
                withdraw(&atm, take_card(), 20000, "00", &trade);
                make_advice(&advice, &atm, "0220", &trade.request, 20000, NO_DE_95);
                message_print(&advice, 90, "%s%s%s%011d%011d", mtis[i], message_get(&trade.request, 11),
                              message_get(&trade.request, 7), 99000001, 12345);
                ask(&atm, &advice, &answer, "00");
                book_advice(trade.entry, 20000);
        }
}
END_TEST

Suite *suite_repeats(void)
{
        Suite *suite = suite_create("repeats");
        TCase *tcase = tcase_create("repeats");
        tcase_set_timeout(tcase, 30);
        tcase_add_loop_test(tcase, a_repeat_gets_the_originals_answer, 0, COUNT(originals));
        tcase_add_test(tcase, a_repeat_of_what_never_came_is_decided);
        tcase_add_loop_test(tcase, a_duplicate_that_contradicts_is_answered_94, 0, COUNT(contradictions));
        tcase_add_test(tcase, the_same_stan_at_another_moment_is_another_withdrawal);
        tcase_add_test(tcase, two_instances_at_once_make_one_decision);
        tcase_add_test(tcase, a_reversal_before_its_request_blocks_it);
        tcase_add_test(tcase, a_reversal_that_races_its_request_leaves_nothing_open);
        tcase_add_loop_test(tcase, a_repeated_advice_does_nothing_more, 0, COUNT(advices));
        tcase_add_test(tcase, an_advice_may_carry_its_originals_numbers);
        tcase_add_test(tcase, an_advice_that_contradicts_itself_is_accepted_and_told_to_people);
        tcase_add_test(tcase, only_stan_and_de_7_of_de_90_are_matched);
        suite_add_tcase(suite, tcase);
        return suite;
}
