/* Instances that are killed and a PostgreSQL that goes away: nothing that was acknowledged is lost, nothing
 * is decided twice, and service resumes by itself (I1, I2, I7). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/flow/wire/suites.h"
#include "tests/flow/wire/world.h"

#define CONTROL "\"$WIRE_CONTROL\" "

enum { RESUME_MS = 120000, IN_FLIGHT = 4 };

static void expect_same(struct atm *atm, const struct trade *trade)
{
        struct message request = trade->request, answer;
        strcpy(request.mti, "0201");
        send_message(atm, &request);
        expect_answer(atm, &answer);
        ck_assert(message_equal(&answer, &trade->answer));
}

/* Repeat on connections of its own until it is answered otherwise than with 96. */
static void insist(int terminal, int instance, const struct message *request, struct message *ret_answer)
{
        int64_t until_ms = steady_ms() + RESUME_MS;
        struct message repeat = *request;
        repeat.mti[3] = '1';
        while (steady_ms() < until_ms) {
                struct atm atm = atm_open(terminal, instance);
                send_message(&atm, &repeat);
                enum client_result result = client_receive(atm.client, ret_answer, 1000);
                atm_close(&atm);
                if (result == CLIENT_RECEIVED && strcmp(message_get(ret_answer, 39), "96") != 0)
                        return;
        }
        ck_abort_msg("no answer within %d ms", RESUME_MS);
}

/* One row and one debit for each of these, all answered 00. */
static void check_once(const struct message *request, const struct card *card)
{
        int64_t charge_yen = charge_yen_at(business_ms());
        ck_assert_int_eq(sql_number("SELECT count(*) FROM v_withdrawal WHERE terminal = '%s' AND stan = %s",
                                    message_get(request, 41), message_get(request, 11)),
                         1);
        ck_assert_int_eq(sql_number("SELECT balance_yen FROM v_account WHERE card_token = '%s'", card->token),
                         card->opening_yen - 10000 - charge_yen);
}

START_TEST(an_instance_killed_and_started_knows_its_answers)
{
        struct atm a = atm_open(12, 0), b;
        struct trade approved, refused;
        struct message answer;
        const struct card *card = take_card();
        withdraw(&a, card, 10000, "00", &approved);
        withdraw(&a, card, 21000, "61", &refused);
        run(CONTROL "kill 1");
        expect_closed(a.client);
        b = atm_open(12, 1);
        expect_same(&b, &approved);
        expect_same(&b, &refused);
        run(CONTROL "start 1");
        a = atm_open(12, 0);
        expect_same(&a, &approved);
        expect_same(&a, &refused);
        advise(&a, &approved, "0220", 10000, NO_DE_95);
        approved.request.mti[3] = '1';
        ask(&b, &approved.request, &answer, "94"); /* at an end, whichever instance heard of it */
}
END_TEST

/* Requests that nobody waits for; what became of them is not known when `pid` is hit a moment later. */
static void hit_in_flight(pid_t pid, int hit, int delay_ms, struct message *requests,
                          const struct card **cards)
{
        struct atm atms[IN_FLIGHT];
        for (int i = 0; i < IN_FLIGHT; i++) {
                atms[i] = atm_open(12 + i, 0);
                cards[i] = take_card();
                make_withdrawal(&requests[i], &atms[i], cards[i], 10000);
        }
        for (int i = 0; i < IN_FLIGHT; i++)
                send_message(&atms[i], &requests[i]);
        sleep_ms(delay_ms);
        ck_assert_int_eq(kill(pid, hit), 0);
        for (int i = 0; i < IN_FLIGHT; i++)
                atm_close(&atms[i]);
}

START_TEST(an_instance_killed_in_flight_has_decided_once_or_not_at_all)
{
        static struct message requests[IN_FLIGHT], answer;
        const struct card *cards[IN_FLIGHT];
        hit_in_flight(pid_in(getenv("WIRE_LAB"), "run/atmd-1"), SIGKILL, _i * 2, requests, cards);
        for (int i = 0; i < IN_FLIGHT; i++) {
                insist(12 + i, 1, &requests[i], &answer);
                check_answer(&requests[i], &answer, "00");
                check_once(&requests[i], cards[i]);
                book_decision(&requests[i], cards[i], "00");
        }
        run(CONTROL "start 1");
}
END_TEST

START_TEST(a_postgresql_killed_in_flight_has_decided_once_or_not_at_all)
{
        static struct message requests[IN_FLIGHT], answer;
        const struct card *cards[IN_FLIGHT];
        hit_in_flight(pid_in(getenv("ATM_CLUSTER"), "data/postmaster.pid"), SIGQUIT, _i * 2, requests, cards);
        run(CONTROL "start-database");
        for (int i = 0; i < IN_FLIGHT; i++) {
                insist(12 + i, i % 2, &requests[i], &answer);
                check_answer(&requests[i], &answer, "00");
                check_once(&requests[i], cards[i]);
                book_decision(&requests[i], cards[i], "00");
        }
}
END_TEST

START_TEST(while_postgresql_is_gone_inquiries_get_96_and_the_rest_silence)
{
        struct atm atms[] = {atm_open(12, 0), atm_open(13, 1)};
        static struct trade before[2];
        static struct message undecided[2], advice[2], repeat, answer;
        const struct card *card[2];
        for (int i = 0; i < 2; i++) {
                card[i] = take_card();
                withdraw(&atms[i], take_card(), 10000, "00", &before[i]);
                make_withdrawal(&undecided[i], &atms[i], card[i], 10000);
                make_advice(&advice[i], &atms[i], "0220", &before[i].request, 10000, NO_DE_95);
        }
        run(CONTROL "stop-database");
        for (int i = 0; i < 2; i++) {
                send_message(&atms[i], &undecided[i]); /* what another instance has committed nobody knows */
                expect_silence(&atms[i]);
                expect_echo(&atms[i]);
                make_inquiry(&repeat, &atms[i], card[i]);
                ask(&atms[i], &repeat, &answer, "96");
                repeat = before[i].request;
                strcpy(repeat.mti, "0201");
                send_message(&atms[i], &repeat);
                expect_silence(&atms[i]);
                expect_echo(&atms[i]);
                send_message(&atms[i], &advice[i]);
                expect_silence(&atms[i]);
                expect_echo(&atms[i]);
                send_message(&atms[i], &undecided[i]);
                expect_silence(&atms[i]);
                expect_echo(&atms[i]);
        }
        run(CONTROL "start-database");
        for (int i = 0; i < 2; i++) {
                insist(12 + i, i, &before[i].request, &answer);
                ck_assert(message_equal(&answer, &before[i].answer));
                insist(12 + i, i, &advice[i], &answer);
                check_answer(&advice[i], &answer, "00");
                book_advice(before[i].entry, 10000);
                insist(12 + i, i, &undecided[i], &answer); /* it never came: decided now */
                check_answer(&undecided[i], &answer, "00");
                check_once(&undecided[i], card[i]);
                book_decision(&undecided[i], card[i], "00");
        }
}
END_TEST

/* The connection of an ATM that did nothing meanwhile serves again without being made anew. */
START_TEST(an_idle_connection_outlives_the_loss_of_postgresql)
{
        struct atm atm = atm_open(14, 0);
        struct message request, answer;
        const struct card *card = take_card();
        run(CONTROL "stop-database && " CONTROL "start-database");
        int64_t until_ms = steady_ms() + RESUME_MS;
        do {
                ck_assert_int_lt(steady_ms(), until_ms);
                sleep_ms(100);
                make_inquiry(&request, &atm, card);
                send_message(&atm, &request);
                expect_answer(&atm, &answer);
        } while (!strcmp(message_get(&answer, 39), "96"));
        check_answer(&request, &answer, "00");
}
END_TEST

START_TEST(sigterm_answers_what_is_in_flight)
{
        static struct message requests[IN_FLIGHT], answer;
        struct atm atms[IN_FLIGHT];
        const struct card *cards[IN_FLIGHT];
        for (int i = 0; i < IN_FLIGHT; i++) {
                atms[i] = atm_open(12 + i, 0);
                cards[i] = take_card();
                make_withdrawal(&requests[i], &atms[i], cards[i], 10000);
        }
        expect_echo(&atms[0]);
        pid_t pid = pid_in(getenv("WIRE_LAB"), "run/atmd-1");
        for (int i = 0; i < IN_FLIGHT; i++)
                send_message(&atms[i], &requests[i]);
        sleep_ms(1);
        ck_assert_int_eq(kill(pid, SIGTERM), 0);
        for (int i = 0; i < IN_FLIGHT; i++) {
                /* answered, or not read any more: then the repeat decides */
                if (client_receive(atms[i].client, &answer, ANSWER_MS) == CLIENT_RECEIVED)
                        expect_closed(atms[i].client);
                else
                        insist(12 + i, 1, &requests[i], &answer);
                check_answer(&requests[i], &answer, "00");
                check_once(&requests[i], cards[i]);
                book_decision(&requests[i], cards[i], "00");
        }
        for (int64_t until_ms = steady_ms() + ANSWER_MS; kill(pid, 0) == 0 && steady_ms() < until_ms;)
                sleep_ms(20);
        run(CONTROL "start 1");
}
END_TEST

Suite *suite_losses(void)
{
        Suite *suite = suite_create("losses");
        TCase *tcase = tcase_create("losses");
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, an_instance_killed_and_started_knows_its_answers);
        tcase_add_loop_test(tcase, an_instance_killed_in_flight_has_decided_once_or_not_at_all, 0, 3);
        tcase_add_test(tcase, sigterm_answers_what_is_in_flight);
        tcase_add_loop_test(tcase, a_postgresql_killed_in_flight_has_decided_once_or_not_at_all, 0, 2);
        tcase_add_test(tcase, while_postgresql_is_gone_inquiries_get_96_and_the_rest_silence);
        tcase_add_test(tcase, an_idle_connection_outlives_the_loss_of_postgresql);
        suite_add_tcase(suite, tcase);
        return suite;
}
