/*
 * The contract of the ledger where a bank decides: answer, time-out, the ATM's reversal and the sweep compete
 * for one outcome, on several instances; and what a bank must be told waits, is taken, and is acknowledged
 * once.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "lib/base/array.h"
#include "tests/contract/ops.h"
#include "tests/suite.h"

/* From here on, times that those who forward give; the ledgers' own are earlier. */
static int64_t later_ms(int64_t ms)
{
        static int64_t base_ms;

        if (!base_ms)
                base_ms = world_real_ms() + 3600000;
        return base_ms + ms;
}

static int link_card(int number)
{
        return WORLD_LINK_CARD + number % WORLD_LINK_CARDS;
}

/* Requests to banks, asked and without an outcome. */
static void ask_banks(struct world *world, struct ledger_op *request, int count)
{
        int pending = 0;

        memset(request, 0, (size_t)count * sizeof *request);
        for (int i = 0; i < count; i++) {
                ops_ask(world, &request[i], i, link_card(i), 1000);
                ops_submit(world, i % WORLD_INSTANCES, &request[i], &pending);
        }
        world_wait(world, &pending);
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(request[i].answer.status, LEDGER_ASK);
}

/* --- one outcome ----------------------------------------------------------------------------------- */

/* What happens to a withdrawal of 10,000 yen, letter by letter: 0 asked; A answered 00, D declined with 51,
 * T timed out, S swept; C completed, P half of it dispensed, R nothing; O asked once more; w an hour goes by, the
 * longest wait; x a person says that nothing left, y that all did. */
static const struct {
        const char *story;
        enum reason heard; /* by a repeat, in the end; REASON_COUNT: that it waits */
        enum withdrawal_state state;
        const char *notices; /* c, p, r: what the bank is told, in order */
} stories[] = {
    {"0", REASON_COUNT, WITHDRAWAL_ASKED, ""},
    {"0O", REASON_COUNT, WITHDRAWAL_ASKED, ""},
    {"0A", REASON_APPROVED, WITHDRAWAL_APPROVED, ""},
    {"0Aw", REASON_ENDED, WITHDRAWAL_APPROVED, ""}, /* nobody waits for it any more */
    {"0AwR", REASON_ENDED, WITHDRAWAL_REVERSED, "r"},
    {"0AC", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"},
    {"0AP", REASON_ENDED, WITHDRAWAL_COMPLETED, "p"},
    {"0AR", REASON_ENDED, WITHDRAWAL_REVERSED, "r"},
    {"0ACP", REASON_ENDED, WITHDRAWAL_COMPLETED, "cp"},
    {"0ACPR", REASON_ENDED, WITHDRAWAL_COMPLETED, "cp"}, /* a second correction that day */
    {"0ACR", REASON_ENDED, WITHDRAWAL_REVERSED, "cr"},
    {"0ACwR", REASON_ENDED, WITHDRAWAL_REVERSED, "cr"},
    {"0ACwwR", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"}, /* too late */
    {"0ACC", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"},
    {"0Ax", REASON_APPROVED, WITHDRAWAL_APPROVED, ""}, /* too early for people */
    {"0Awx", REASON_ENDED, WITHDRAWAL_REVERSED, "r"},
    {"0AwxC", REASON_ENDED, WITHDRAWAL_REVERSED, "r"},
    {"0Awy", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"},
    {"0AwyR", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"},
    {"0AwyC", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"},
    {"0ACwx", REASON_ENDED, WITHDRAWAL_REVERSED, "cr"},
    {"0wx", REASON_BLOCKED, WITHDRAWAL_REVERSED, "r"},
    {"0wxA", REASON_BLOCKED, WITHDRAWAL_REVERSED, "rr"},
    {"0AT", REASON_APPROVED, WITHDRAWAL_APPROVED, ""},
    {"0AS", REASON_APPROVED, WITHDRAWAL_APPROVED, ""},
    {"0ADTSC", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"},
    {"0D", REASON_NOT_COVERED, WITHDRAWAL_DECLINED, ""},
    {"0DA", REASON_NOT_COVERED, WITHDRAWAL_DECLINED, "r"}, /* whatever it has done: undo it */
    {"0DAA", REASON_NOT_COVERED, WITHDRAWAL_DECLINED, "r"},
    {"0DR", REASON_NOT_COVERED, WITHDRAWAL_DECLINED, ""},
    {"0DT", REASON_NOT_COVERED, WITHDRAWAL_DECLINED, ""},
    {"0T", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "r"},
    {"0TA", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "rr"},
    {"0TO", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "r"},
    {"0TAR", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "rr"},
    {"0TTS", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "r"},
    {"0SA", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "rr"},
    {"0SR", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "r"},
    {"0R", REASON_BLOCKED, WITHDRAWAL_REVERSED, "r"},
    {"0RA", REASON_BLOCKED, WITHDRAWAL_REVERSED, "rr"},
    {"0RD", REASON_BLOCKED, WITHDRAWAL_REVERSED, "r"},
    {"0RT", REASON_BLOCKED, WITHDRAWAL_REVERSED, "r"},
    {"0RSA", REASON_BLOCKED, WITHDRAWAL_REVERSED, "rr"},
    {"0C", REASON_COUNT, WITHDRAWAL_ASKED, ""}, /* nobody honest says so: an exception */
    {"0CA", REASON_APPROVED, WITHDRAWAL_APPROVED, ""},
    {"0CAC", REASON_ENDED, WITHDRAWAL_COMPLETED, "c"},
    {"0CR", REASON_BLOCKED, WITHDRAWAL_REVERSED, "r"},
    {"0CT", REASON_ISSUER_UNAVAILABLE, WITHDRAWAL_DECLINED, "r"},
};
enum { STORIES = sizeof stories / sizeof stories[0] };

static void tell(struct world *world, const struct ledger_op *request, char letter, int place)
{
        struct ledger_op op = *request;
        int64_t amount_yen = request->request.amount_yen;

        switch (letter) {
        case 'A':
                ops_outcome(&op, request, OUTCOME_ANSWER, REASON_APPROVED);
                break;
        case 'D':
                ops_outcome(&op, request, OUTCOME_ANSWER, REASON_NOT_COVERED);
                break;
        case 'T':
                ops_outcome(&op, request, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
                break;
        case 'w':
                world_age(world, WORLD_WAIT_MS);
                return;
        case 'x':
        case 'y':
                (void)world_resolve(world, &request->identity, letter == 'x' ? 0 : amount_yen,
                                    request->identity.transmitted_ms + 5000, WORLD_WAIT_MS / 2);
                return;
        case 'S':
                world_sweep(world, later_ms(0), later_ms(0));
                return;
        case 'C':
                ops_advise(&op, request, place, amount_yen, amount_yen);
                break;
        case 'P':
                ops_advise(&op, request, place, amount_yen, amount_yen / 2);
                break;
        case 'R':
                ops_advise(&op, request, place, amount_yen, 0);
                break;
        default:
                break; /* the request, for the first time or once more */
        }
        ops_do(world, &op);
}

static void check_story(const struct world *world, const struct ledger_op *request, int number)
{
        const struct memory_withdrawal *w = memory_withdrawal(world->memory, &request->identity);
        const char *told = stories[number].notices;

        ck_assert_msg(memory_state(w) == stories[number].state, "%s: %s", stories[number].story,
                      withdrawal_state_name[memory_state(w)]);
        ck_assert_msg(w->notice_count == strlen(told), "%s: the bank is told %zu times",
                      stories[number].story, w->notice_count);
        for (size_t i = 0; i < w->notice_count; i++)
                ck_assert_msg("cpr"[w->notices[i].kind] == told[i], "%s: notice %zu is of kind %d",
                              stories[number].story, i, (int)w->notices[i].kind);
}

START_TEST(what_is_durable_first_stands_and_whoever_comes_late_hears_it)
{
        struct world world;
        struct ledger_op request[STORIES] = {0}, repeat;

        ops_open(&world);
        for (int i = 0; i < STORIES; i++) {
                ops_identify(&request[i], "2016-12-01T12:00", i);
                request[i].identity.transmitted_ms += (i / WORLD_LINK_CARDS) * (int64_t)DAY_MS;
                play_fill_request(world_reference(&world), &request[i], link_card(i), 10000, 10000);
                for (int place = 0; stories[i].story[place]; place++)
                        tell(&world, &request[i], stories[i].story[place], place);
                check_story(&world, &request[i], i);
                repeat = request[i];
                ops_do(&world, &repeat);
                if (stories[i].heard == REASON_COUNT) {
                        ck_assert_int_eq(repeat.answer.status, LEDGER_PENDING);
                        tell(&world, &request[i], 'D', 9); /* so that no later sweep meets it */
                } else {
                        ck_assert_int_eq(repeat.answer.status, LEDGER_STORED);
                        ck_assert_msg(repeat.answer.reason == stories[i].heard, "%s: %s is heard",
                                      stories[i].story, reason_rows[repeat.answer.reason].name);
                }
        }
        world_same_rows(&world, "after all stories");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Answer, time-out (twice) and the ATM's reversal of each withdrawal, at once, in every order. */
START_TEST(of_answer_time_out_and_reversal_at_two_instances_one_stands)
{
        enum { COUNT = 150, RIVALS = 4 };
        struct world world;
        static struct ledger_op request[COUNT], rival[COUNT][RIVALS], repeat[COUNT];
        struct draws random = {.state = (uint64_t)_i + 1};
        int pending = 0;

        ops_open(&world);
        ask_banks(&world, request, COUNT);
        for (int i = 0; i < COUNT; i++) {
                int first = draw_below(&random, RIVALS);

                ops_outcome(&rival[i][0], &request[i], OUTCOME_ANSWER,
                            i % 3 ? REASON_APPROVED : REASON_NOT_COVERED);
                ops_outcome(&rival[i][1], &request[i], OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
                ops_outcome(&rival[i][2], &request[i], OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
                ops_advise(&rival[i][3], &request[i], 1, 1000, 0);
                for (int k = 0; k < RIVALS; k++)
                        ops_submit(&world, draw_below(&random, WORLD_INSTANCES),
                                   &rival[i][(first + k) % RIVALS], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < COUNT; i++) {
                int decided = 0;

                for (int k = 0; k < 3; k++) {
                        decided += rival[i][k].answer.status == LEDGER_DECIDED;
                        ck_assert_int_eq(rival[i][k].answer.reason, rival[i][0].answer.reason);
                }
                /* none of them: the reversal came first */
                ck_assert_int_eq(decided, rival[i][0].answer.reason != REASON_BLOCKED);
                ck_assert_int_eq(rival[i][3].answer.status, LEDGER_DECIDED);
                repeat[i] = request[i];
                ops_submit(&world, i % WORLD_INSTANCES, &repeat[i], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < COUNT; i++) {
                ck_assert_int_eq(repeat[i].answer.status, LEDGER_STORED);
                /* what was approved has been reversed since */
                ck_assert_int_eq(repeat[i].answer.reason, rival[i][0].answer.reason == REASON_APPROVED
                                                              ? REASON_ENDED
                                                              : rival[i][0].answer.reason);
        }
        ck_assert_int_ge(world_number(&world, "SELECT count(DISTINCT cause) FROM bank_outcome"), 2);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM bank_outcome"), COUNT);
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM bank_notice WHERE kind = 'reversal' AND seq < 32767"),
            world_number(&world,
                         "SELECT count(*) FROM bank_outcome WHERE NOT (cause = 'answer' AND reason <> 0)"));
        ck_assert_int_eq(
            world_number(
                &world,
                "SELECT count(*) - count(DISTINCT (terminal, stan)) FROM bank_notice WHERE seq < 32767"),
            0);
        /* those whose bank approved when something else stood are reversed once more */
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM bank_notice WHERE seq = 32767"),
            world_number(&world,
                         "SELECT count(*) FROM bank_outcome WHERE cause <> 'answer' AND stan % 3 <> 0"));
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM open_withdrawal"), 0);
        ck_assert_int_eq(world_number(&world, "SELECT sum(cash_yen) FROM v_card_month"), 0);
        ck_assert_int_eq(world_number(&world, "SELECT sum(withdrawals) FROM v_card_day"), 0);
        world_check_sums(&world);
        ck_assert_int_eq(world.problems, 0);
        world_close(&world);
}
END_TEST

START_TEST(outcomes_over_a_lost_connection_are_decided_once)
{
        enum { COUNT = 160, WAVE = 40 };
        struct world world;
        static struct ledger_op request[COUNT], outcome[COUNT];
        int pending = 0, known = 0;

        ops_open(&world);
        ask_banks(&world, request, COUNT);
        for (int i = 0; i < COUNT; i++) {
                if (i % 2)
                        ops_outcome(&outcome[i], &request[i], OUTCOME_ANSWER, REASON_APPROVED);
                else
                        ops_outcome(&outcome[i], &request[i], OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
                ops_submit(&world, i % WORLD_INSTANCES, &outcome[i], &pending);
                if (i % WAVE != WAVE - 1)
                        continue;
                for (int turn = 0; turn < i / WAVE; turn++)
                        event_base_loop(world.base, EVLOOP_NONBLOCK);
                world_sql(&world, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                  " WHERE usename = 'atm_daemon' AND datname = current_database()");
                world_wait(&world, &pending);
        }
        for (int i = 0; i < COUNT; i++) {
                char sql[256];
                int64_t rows;

                snprintf(sql, sizeof sql,
                         "SELECT count(*) FROM bank_outcome WHERE terminal = '%s' AND stan = %" PRId32
                         " AND reason = %d",
                         request[i].identity.terminal, request[i].identity.stan,
                         (int)outcome[i].outcome.reason);
                rows = world_number(&world, sql);
                if (outcome[i].answer.status == LEDGER_UNAVAILABLE)
                        ck_assert_int_eq(rows, 0);
                if (outcome[i].answer.status != LEDGER_DECIDED && outcome[i].answer.status != LEDGER_STORED)
                        continue;
                known++;
                ck_assert_int_eq(rows, 1);
                ck_assert_int_eq(outcome[i].answer.reason, outcome[i].outcome.reason);
        }
        ck_assert_int_gt(known, 0);
        ck_assert_int_gt(world.problems, 0);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(an_intent_that_breaks_a_constraint_is_not_kept)
{
        struct world world;
        struct ledger_op op = {0};

        ops_open(&world);
        ops_ask(&world, &op, 1, link_card(0), 1000);
        op.request.amount_yen = 1500;
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.status, LEDGER_UNAVAILABLE);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM withdrawal"), 0);
        world_close(&world);
}
END_TEST

/* --- the sweep ------------------------------------------------------------------------------------- */

/* Two sessions of the database do the same at once; repeated where they meet. Their numbers, added. */
static int64_t do_twice_at_once(const struct world *world, const char *const sql[2])
{
        PGconn *pg[2];
        int64_t sum = 0;

        for (int i = 0; i < 2; i++)
                pg[i] = world_session(world, NULL);
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(PQsendQuery(pg[i], sql[i]), 1);
        for (int i = 0; i < 2; i++) {
                PGresult *result = PQgetResult(pg[i]);

                while (PQresultStatus(result) == PGRES_FATAL_ERROR) {
                        ck_assert_str_eq(PQresultErrorField(result, PG_DIAG_SQLSTATE), "40001");
                        PQclear(result);
                        while ((result = PQgetResult(pg[i])))
                                PQclear(result);
                        result = PQexec(pg[i], sql[i]);
                }
                ck_assert_int_eq(PQresultStatus(result), PGRES_TUPLES_OK);
                sum += strtoll(PQgetvalue(result, 0, 0), NULL, 10);
                PQclear(result);
        }
        for (int i = 0; i < 2; i++)
                PQfinish(pg[i]);
        return sum;
}

START_TEST(two_sweeps_at_once_time_each_out_once)
{
        enum { COUNT = 150 };
        struct world world;
        static struct ledger_op request[COUNT];
        static const char *const sql[2] = {"SELECT ledger_sweep(0, 1000)", "SELECT ledger_sweep(0, 1000)"};

        ops_open(&world);
        ask_banks(&world, request, COUNT);
        ck_assert_int_eq(do_twice_at_once(&world, sql), COUNT);
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM bank_outcome WHERE cause = 'timeout' AND reason = 25"),
            COUNT);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM saf"), COUNT);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM open_withdrawal"), 0);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Somebody decides, but has not committed when the sweep comes to the same withdrawals. */
START_TEST(a_sweep_that_meets_a_decision_leaves_it_out_and_fails_for_nobody)
{
        enum { COUNT = 6, ANSWERED = 2 };
        struct world world;
        static struct ledger_op request[COUNT];
        static const char sweep[] = "SELECT ledger_sweep(0, 1000)";
        char answer[512], waits[128];
        PGconn *other, *sweeper;
        PGresult *result;

        ops_open(&world);
        ask_banks(&world, request, COUNT);
        other = world_session(&world, NULL);
        sweeper = world_session(&world, NULL);
        snprintf(answer, sizeof answer,
                 "SELECT count(*) FROM (SELECT array_agg(terminal) a, array_agg(transmitted_at) b, "
                 "array_agg(stan) c"
                 " FROM open_withdrawal WHERE stan < %d) o, ledger_outcome(a, b, c, "
                 "array_fill(reason_of('APPROVED'), "
                 "ARRAY[%d]), array_fill('B00001'::text, ARRAY[%d]), array_fill('00'::text, ARRAY[%d]), "
                 "array_fill('answer'::text, ARRAY[%d]))",
                 ANSWERED, ANSWERED, ANSWERED, ANSWERED, ANSWERED);
        snprintf(waits, sizeof waits,
                 "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Lock'",
                 PQbackendPID(sweeper));
        PQclear(PQexec(other, "BEGIN"));
        result = PQexec(other, _i ? sweep : answer);
        ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s", PQerrorMessage(other));
        PQclear(result);
        ck_assert_int_eq(PQsendQuery(sweeper, sweep), 1);
        /* one who approves has no card; another sweep has them all */
        while (!_i && !world_number(&world, waits))
                ck_assert_msg(PQconsumeInput(sweeper) && PQisBusy(sweeper),
                              "a sweep that must wait does not");
        if (!_i)
                PQclear(PQexec(other, "COMMIT"));
        result = PQgetResult(sweeper);
        ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s",
                      PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
        ck_assert_str_eq(PQgetvalue(result, 0, 0), _i ? "0" : "4");
        PQclear(result);
        if (_i)
                PQclear(PQexec(other, "COMMIT"));
        PQfinish(other);
        PQfinish(sweeper);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM bank_outcome"), COUNT);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Somebody's open transaction, as a person may leave one. */
static PGconn *left_open(const struct world *world, const char *sql)
{
        PGconn *pg = world_session(world, WORLD_OPERATOR);
        PGresult *result;

        PQclear(PQexec(pg, "BEGIN"));
        result = PQexec(pg, sql);
        ck_assert_msg(PQntuples(result) == 1, "%s: %s", sql, PQerrorMessage(pg));
        PQclear(result);
        return pg;
}

/* Two at a time: those of the card that is locked are the oldest. */
START_TEST(a_sweep_leaves_a_card_that_somebody_holds_for_the_next_time)
{
        enum { COUNT = 2 * WORLD_LINK_CARDS };
        struct world world;
        static struct ledger_op request[COUNT];
        PGconn *desk;

        ops_open(&world);
        ask_banks(&world, request, COUNT);
        desk = left_open(&world, "SELECT FROM card WHERE card_token = (SELECT card_token FROM "
                                 "open_withdrawal ORDER BY asked_ms LIMIT 1) FOR UPDATE");
        world_sql(&world, "UPDATE open_withdrawal SET asked_ms = CASE WHEN card_token = (SELECT card_token "
                          "FROM open_withdrawal ORDER BY asked_ms LIMIT 1) THEN 1 ELSE 1000 + stan END");
        world_sql(&world, "SET lock_timeout = '10s'"); /* it would not come back */
        for (int left = COUNT - 2; left > 0; left -= 2)
                ck_assert_int_eq(world_number(&world, "SELECT ledger_sweep(0, 2)"), 2);
        ck_assert_int_eq(world_number(&world, "SELECT ledger_sweep(0, 2)"), 0);
        PQclear(PQexec(desk, "ROLLBACK"));
        PQfinish(desk);
        while (world_number(&world, "SELECT ledger_sweep(0, 2)")) {
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM bank_outcome WHERE cause = 'timeout'"),
                         COUNT);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(a_sweep_takes_the_oldest_and_leaves_the_young_and_the_approved)
{
        enum { COUNT = 12 };
        struct world world;
        static struct ledger_op request[COUNT], outcome;
        int pending = 0;

        ops_open(&world);
        ask_banks(&world, request, COUNT);
        world_sql(&world, "UPDATE open_withdrawal SET asked_ms = 1000 + stan");
        world_set_clock(&world, 2000);
        ops_outcome(&outcome, &request[0], OUTCOME_ANSWER, REASON_APPROVED);
        ops_submit(&world, 0, &outcome, &pending);
        world_wait(&world, &pending);
        /* 0 is approved, 1 to 7 are old enough, and five of them are the most for once */
        ck_assert_int_eq(world_number(&world, "SELECT ledger_sweep(993, 5)"), 5);
        ck_assert_int_eq(world_number(&world, "SELECT max(stan) FROM bank_outcome WHERE cause = 'timeout'"),
                         5);
        ck_assert_int_eq(world_number(&world, "SELECT ledger_sweep(993, 5)"), 2);
        ck_assert_int_eq(world_number(&world, "SELECT ledger_sweep(993, 5)"), 0);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM open_withdrawal"), COUNT - 7);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* --- store and forward ----------------------------------------------------------------------------- */

/* What the bank of the first link card must be told of a withdrawal that was completed, corrected, reversed.
 */
static struct ledger_identity queue_three(struct world *world)
{
        struct ledger_op request = {0}, op;

        ops_ask(world, &request, 1, link_card(0), 10000);
        op = request;
        ops_do(world, &op);
        tell(world, &request, 'A', 0);
        tell(world, &request, 'C', 1);
        tell(world, &request, 'P', 2);
        world_age(world, WORLD_WAIT_MS);
        tell(world, &request, 'x', 3);
        return request.identity;
}

static size_t take(struct world *world, const char *holder, int64_t ms, struct memory_taken *taken)
{
        return world_saf_take(world, "BANKA", holder, later_ms(ms), 10, taken);
}

/* said: a bank's code of the usual dialect. */
static int end(struct world *world, const struct ledger_identity *identity, int seq, const char *said,
               int64_t ms)
{
        struct bank_codes codes;
        struct memory_ended ended = {.identity = *identity, .seq = (int16_t)seq, .said = said};

        bank_codes_init(&codes);
        ended.verdict = bank_codes_verdict(&codes, said);

        return world_saf_end(world, &ended, 1, later_ms(ms));
}

START_TEST(the_end_of_a_notice_that_somebody_holds_keeps_no_other_from_its_own)
{
        struct world world;
        struct ledger_op request[2] = {{0}}, op;
        PGconn *desk;

        ops_open(&world);
        for (int i = 0; i < 2; i++) {
                ops_ask(&world, &request[i], 1 + i, link_card(0), 10000);
                op = request[i];
                ops_do(&world, &op);
                tell(&world, &request[i], 'T', 1);
        }
        desk = left_open(&world, "SELECT operator_saf(true, ARRAY[terminal], ARRAY[transmitted_at], "
                                 "ARRAY[stan], ARRAY[seq]) FROM saf ORDER BY stan LIMIT 1");
        world_sql(&world, "SET lock_timeout = '10s'"); /* it would not come back */
        for (int left = 1; left >= 0; left--)
                ck_assert_int_eq(
                    world_number(&world, "SELECT saf_end(array_agg(terminal), array_agg(transmitted_at), "
                                         "array_agg(stan), array_agg(seq), array_agg('done'::text), "
                                         "array_agg('00'::text)) FROM saf"),
                    left);
        PQfinish(desk);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM saf WHERE stan = (SELECT min(stan) FROM "
                                              "withdrawal)"),
                         1);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM bank_ack"), 1);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Once, whether the first reversal waits, so that it may reach the bank before it approves, or is acknowledged. */
START_TEST(an_approval_that_something_else_came_before_is_reversed_once_more)
{
        struct world world;
        struct ledger_op request = {0}, op;
        struct memory_taken taken[10];
        bool waits = _i % 2;

        ops_open(&world);
        ops_ask(&world, &request, 1, link_card(0), 10000);
        op = request;
        ops_do(&world, &op);
        tell(&world, &request, _i / 2 ? 'T' : 'R', 1);
        if (waits)
                tell(&world, &request, 'A', 2);
        ck_assert_int_eq(take(&world, "one", 1000, taken), 1);
        ck_assert_int_lt(taken[0].notice.seq, MEMORY_SEQ_LATE);
        ck_assert_int_eq(end(&world, &request.identity, taken[0].notice.seq, "00", 1000), 1);
        tell(&world, &request, 'A', 3);
        ck_assert_int_eq(take(&world, "one", 2000, taken), 1);
        ck_assert_int_eq(taken[0].notice.seq, MEMORY_SEQ_LATE);
        ck_assert_int_eq(taken[0].notice.kind, MEMORY_NOTICE_REVERSAL);
        ck_assert_int_eq(end(&world, &request.identity, taken[0].notice.seq, "00", 2000), 1);
        tell(&world, &request, 'A', 4); /* that is enough */
        ck_assert_int_eq(take(&world, "one", 3000, taken), 0);
        world_same_rows(&world, "reversed once more");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(a_bank_is_told_of_a_withdrawal_in_order_one_notice_after_the_other)
{
        static const int64_t dispensed_yen[] = {10000, 5000, 0};
        struct world world;
        struct memory_taken taken[10];
        struct ledger_identity identity;

        ops_open(&world);
        identity = queue_three(&world);
        for (int seq = 1; seq <= 3; seq++) {
                ck_assert_int_eq(take(&world, "one", seq * 1000, taken), 1);
                ck_assert_int_eq(taken[0].notice.seq, seq);
                ck_assert_int_eq(taken[0].notice.dispensed_yen, dispensed_yen[seq - 1]);
                ck_assert_int_eq(take(&world, "one", seq * 1000, taken), 0); /* the next waits for this one */
                ck_assert_int_eq(end(&world, &identity, seq, "00", seq * 1000), 1);
        }
        ck_assert_int_eq(take(&world, "one", 1000000, taken), 0);
        world_same_rows(&world, "all is told");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Where the chip data of STAN 3 stand, by the text of any table's rows. */
#define WHERE_CHIP_DATA_ARE                                                                                  \
        "SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class WHERE relnamespace = "                  \
        "'public'::regnamespace"                                                                             \
        " AND relkind = 'r' AND strpos(query_to_xml(format('SELECT t::text FROM %I t', relname), true, "     \
        "false, '')::text,"                                                                                  \
        " '9f5bf8') > 0"

static const struct {
        const char *told; /* of one withdrawal, one after the other */
        bool has_chip;    /* the last notice */
} reports[] = {
    {"AC", true},   {"AP", true},   {"AR", true}, /* it ends what was approved */
    {"R", false},   {"T", false},                 /* of what was not */
    {"ACP", false}, {"ACx", false},               /* it corrects; a person says so */
};

START_TEST(what_a_chip_reports_waits_with_its_notice_and_goes_with_it)
{
        struct world world;
        struct ledger_op request = {0}, op;
        struct memory_taken taken[10];
        char *where;
        int seq = 0;

        ops_open(&world);
        ops_ask(&world, &request, 3, link_card(0), 10000);
        op = request;
        ops_do(&world, &op);
        for (int i = 0; reports[_i].told[i]; i++) {
                if (seq++ > 1)
                        ck_assert_int_eq(end(&world, &request.identity, 1, "00", 500), 1);
                if (reports[_i].told[i] == 'x')
                        world_age(&world, WORLD_WAIT_MS);
                tell(&world, &request, reports[_i].told[i], i);
        }
        for (int attempt = 1; attempt <= 2; attempt++) {
                ck_assert_int_eq(take(&world, "one", 1000 * attempt, taken), 1);
                ck_assert_int_eq(taken[0].notice.attempts, attempt);
                ck_assert_int_eq(taken[0].chip.length, reports[_i].has_chip ? CHIP_DATA_MAX : 0);
                ck_assert_int_eq(end(&world, &request.identity, taken[0].notice.seq, "96", 1000 * attempt),
                                 0);
        }
        where = world_query(&world, WHERE_CHIP_DATA_ARE);
        ck_assert_str_eq(where, reports[_i].has_chip ? "saf\n" : "\n");
        free(where);
        world_same_rows(&world, "still waiting");
        ck_assert_int_eq(end(&world, &request.identity, taken[0].notice.seq, "00", 9000), 1);
        where = world_query(&world, WHERE_CHIP_DATA_ARE);
        ck_assert_str_eq(where, "\n");
        free(where);
        world_close(&world);
}
END_TEST

START_TEST(what_is_not_acknowledged_is_due_again_after_growing_pauses)
{
        static const int64_t pauses_ms[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
        struct world world;
        struct memory_taken taken[10];
        struct ledger_identity identity;
        int64_t ms = 0;

        ops_open(&world);
        identity = queue_three(&world);
        for (int attempt = 1; attempt <= 8; attempt++) {
                ck_assert_int_eq(take(&world, "one", ms, taken), 1);
                ck_assert_int_eq(taken[0].notice.attempts, attempt);
                if (attempt % 2)
                        ck_assert_int_eq(end(&world, &identity, 1, "96", ms), 0);
                ck_assert_int_eq(take(&world, "one", ms + pauses_ms[attempt - 1] - 1, taken), 0);
                ms += pauses_ms[attempt - 1];
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM saf WHERE last_error = '96'"), 1);
        world_same_rows(&world, "still waiting");
        world_close(&world);
}
END_TEST

/* A bank that approved says that it knows no such withdrawal, at once or when it is told again. */
static const struct {
        char ending;       /* of the withdrawal */
        const char *first; /* what it says the first time, "": nothing, in time; NULL: it is the first time */
        int exceptions;
} unknowns[] = {
    {'R', NULL, 1}, {'R', "", 0}, /* it may have booked it, and put it away */
    {'R', "96", 1},               /* it has not */
    {'C', NULL, 1}, {'C', "", 1}, {'C', "96", 1},
};

START_TEST(an_original_that_a_bank_does_not_know_is_a_case_unless_it_may_be_put_away)
{
        const char *first = unknowns[_i].first;
        struct world world;
        struct memory_taken taken[10];
        struct ledger_op request = {0}, op;

        ops_open(&world);
        ops_ask(&world, &request, 1, link_card(0), 10000);
        op = request;
        ops_do(&world, &op);
        tell(&world, &request, 'A', 0);
        tell(&world, &request, unknowns[_i].ending, 1);
        for (int attempt = first ? 1 : 2; attempt <= 2; attempt++)
                ck_assert_int_eq(take(&world, "one", attempt * 10000, taken), 1);
        if (first && *first)
                ck_assert_int_eq(end(&world, &request.identity, 1, first, 10000), 0);
        ck_assert_int_eq(end(&world, &request.identity, 1, "25", 20000), 1);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM exception_record WHERE kind = 'bank'"),
                         unknowns[_i].exceptions);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM bank_ack WHERE verdict = 'missing'"),
                         1 - unknowns[_i].exceptions);
        world_same_rows(&world, "told");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(a_parked_notice_is_held_back_with_those_after_it_until_an_operator_lets_it_go)
{
        struct world world;
        struct memory_taken taken[10];
        struct ledger_identity identity;

        ops_open(&world);
        identity = queue_three(&world);
        ck_assert(world_operator_saf(&world, true, &identity, 1, later_ms(0)));
        ck_assert(!world_operator_saf(&world, true, &identity, 1, later_ms(0)));
        ck_assert_int_eq(take(&world, "one", 100000, taken), 0);
        ck_assert(world_operator_saf(&world, false, &identity, 1, later_ms(100000)));
        ck_assert_int_eq(take(&world, "one", 100000, taken), 1);
        ck_assert(!world_operator_saf(&world, false, &identity, 9, later_ms(100000)));
        world_same_rows(&world, "parked and let go");
        world_close(&world);
}
END_TEST

/* The holder stalls, another takes over; then the first wakes up and goes on as if nothing had happened. */
START_TEST(a_lease_is_taken_over_when_it_has_run_out_and_who_wakes_up_does_no_harm)
{
        struct world world;
        struct memory_taken taken[10], stalled[10];
        struct ledger_identity identity;

        ops_open(&world);
        identity = queue_three(&world);
        ck_assert_int_eq(take(&world, "one", 0, stalled), 1);
        ck_assert_int_eq(take(&world, "two", WORLD_LEASE_MS, taken), 0);
        ck_assert_int_eq(take(&world, "two", WORLD_LEASE_MS + 1, taken), 1);
        ck_assert_int_eq(taken[0].notice.seq, 1);
        ck_assert_int_eq(taken[0].notice.attempts, 2);
        ck_assert_int_eq(end(&world, &identity, 1, "00", WORLD_LEASE_MS + 2), 1);
        /* the first again: nothing for it, and what it ends is gone already, or not its to say */
        ck_assert_int_eq(take(&world, "one", WORLD_LEASE_MS + 3, taken), 0);
        ck_assert_int_eq(end(&world, &stalled[0].identity, stalled[0].notice.seq, "00", WORLD_LEASE_MS + 4),
                         0);
        ck_assert_int_eq(end(&world, &stalled[0].identity, stalled[0].notice.seq, "91", WORLD_LEASE_MS + 4),
                         0);
        ck_assert_int_eq(take(&world, "two", WORLD_LEASE_MS + 5, taken), 1);
        ck_assert_int_eq(taken[0].notice.seq, 2);
        world_same_rows(&world, "taken over");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* The clock was ahead when somebody took the lease and put a notice off, or another server's is behind. */
static const struct {
        int64_t back_ms;
        int taken; /* by another instance, at once */
        int swept; /* what was asked about then */
} set_back[] = {
    {0, 0, 0},
    {1, 1, 0}, /* the lease ends later than any that is taken now */
    {WORLD_LONGEST_MS, 1, 0},
    {10 * WORLD_LONGEST_MS, 1, 1},
};
enum { SWEEP_AGE_MS = 2 * WORLD_LONGEST_MS };

START_TEST(a_lease_a_pause_and_a_question_from_the_future_keep_nobody_waiting)
{
        struct world world;
        struct memory_taken taken[10];
        struct ledger_identity identity;
        struct ledger_op request = {0}, op;
        int64_t ms = 0;

        ops_open(&world);
        identity = queue_three(&world);
        for (int attempt = 1; attempt <= 7; attempt++, ms += WORLD_LONGEST_MS)
                ck_assert_int_eq(take(&world, "one", ms, taken), 1);
        ms -= WORLD_LONGEST_MS; /* now it pauses for the longest, and so long belongs the link to one */
        ck_assert_int_eq(take(&world, "two", ms - set_back[_i].back_ms, taken), set_back[_i].taken);
        world_same_rows(&world, "set back");
        if (set_back[_i].taken) {
                ck_assert_int_eq(taken[0].notice.attempts, 8);
                ck_assert_int_eq(end(&world, &identity, 1, "00", ms - set_back[_i].back_ms), 1);
        }

        ops_ask(&world, &request, 2, link_card(1), 10000);
        op = request;
        ops_do(&world, &op);
        world_age(&world, -set_back[_i].back_ms);
        ck_assert_int_eq(world_sweep(&world, world_real_ms() - SWEEP_AGE_MS, world_real_ms()),
                         set_back[_i].swept);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Its holder stands still, or thinks that it does not. */
START_TEST(an_operator_s_retry_breaks_the_lease)
{
        struct world world;
        struct memory_taken taken[10];
        struct ledger_identity identity;

        ops_open(&world);
        identity = queue_three(&world);
        ck_assert_int_eq(take(&world, "one", 0, taken), 1);
        ck_assert(world_operator_saf(&world, true, &identity, 3, later_ms(1)));
        ck_assert_int_eq(take(&world, "two", 1, taken), 0);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM saf_lease WHERE holder = 'one'"), 1);
        ck_assert(world_operator_saf(&world, false, &identity, 1, later_ms(2)));
        ck_assert_int_eq(take(&world, "two", 2, taken), 1);
        ck_assert_int_eq(take(&world, "one", 3, taken), 0);
        world_same_rows(&world, "retried");
        world_close(&world);
}
END_TEST

START_TEST(two_who_take_at_once_never_get_the_same_notice)
{
        enum { COUNT = 60 };
        struct world world;
        static struct ledger_op request[COUNT];
        char text[2][256];
        const char *const sql[2] = {text[0], text[1]};

        ops_open(&world);
        ask_banks(&world, request, COUNT);
        world_sql(&world, "SELECT ledger_sweep(0, 1000)");
        for (int i = 0; i < 2; i++)
                snprintf(text[i], sizeof text[i],
                         "SELECT count(*) FROM saf_take('BANKA', 'holder %d', 5000, 1000, 60000, 1000)", i);
        ck_assert_int_eq(do_twice_at_once(&world, sql),
                         world_number(&world, "SELECT count(*) FROM saf WHERE link = 'BANKA'"));
        ck_assert_int_eq(world_number(&world, "SELECT max(attempts) FROM saf"), 1);
        /* and the same at the end of it */
        for (int i = 0; i < 2; i++)
                snprintf(text[i], sizeof text[i],
                         "SELECT saf_end(array_agg(terminal), array_agg(transmitted_at),"
                         " array_agg(stan), array_agg(seq), array_agg('done'::text), array_agg('00'::text))"
                         " FROM bank_notice WHERE link = 'BANKA'");
        ck_assert_int_eq(do_twice_at_once(&world, sql),
                         world_number(&world, "SELECT count(*) FROM bank_ack"));
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM saf WHERE link = 'BANKA'"), 0);
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* --- everything at once ---------------------------------------------------------------------------- */

static void make_something(struct world *world, struct draws *random, struct ledger_op *op, int number,
                           const struct ledger_op *former)
{
        /* a card of two banks among them, so that one batch gives back at both */
        int card = draw_permille(random, 150) ? 30 : link_card(draw_below(random, WORLD_LINK_CARDS));
        int what = draw_below(random, 10);

        if (!former || what < 3) {
                ops_ask(world, op, number, card, 1000 * draw_between(random, 1, 8));
                op->identity.transmitted_ms += DAY_MS * draw_between(random, 0, 8);
                play_fill_request(world_reference(world), op, card, op->request.amount_yen, 10000);
        } else if (what < 5) {
                op->identity = former->identity;
                play_fill_request(world_reference(world), op,
                                  former->request.card_token[CARD_TOKEN_LENGTH - 1] - 1,
                                  former->request.amount_yen, 10000);
        } else if (what < 7) {
                ops_advise(op, former, number, former->request.amount_yen,
                           draw_permille(random, 500) ? 0 : former->request.amount_yen);
        } else if (draw_permille(random, 700)) {
                ops_outcome(op, former, OUTCOME_ANSWER,
                            draw_permille(random, 800) ? REASON_APPROVED : REASON_NOT_COVERED);
        } else {
                ops_outcome(op, former, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
        }
}

static void forward_and_sweep(struct world *world, int wave)
{
        world_set_clock(world, later_ms(wave * 2000));
        for (int i = 0; i < WORLD_LINKS; i++)
                world_sql(
                    world,
                    "SELECT saf_end(array_agg(r_terminal), array_agg(r_transmitted_at), array_agg(r_stan),"
                    " array_agg(r_seq), array_agg(CASE WHEN r_stan %% 3 = 0 AND r_attempts = 1 THEN 'again' "
                    "WHEN r_stan %% 7 = 0 THEN 'case' ELSE 'done' END), array_agg('91'::text))"
                    " FROM saf_take('%s', 'storm', 5000, 1000, 60000, 1000)",
                    world_links[i]);
        if (wave % 3 == 2)
                world_sql(world, "SELECT ledger_sweep(0, 20)");
}

START_TEST(a_storm_with_banks_over_two_instances_keeps_every_sum_and_limit)
{
        enum { OPS = 3000, WAVE = 200 };
        struct world world;
        struct draws random = {.state = (uint64_t)_i + 1};
        struct ledger_op *op = calloc(OPS, sizeof *op);
        int pending = 0, asked_before = 0; /* outcomes come for what was surely asked */

        ck_assert_ptr_nonnull(op);
        ops_open(&world);
        for (int i = 0; i < OPS; i++) {
                const struct ledger_op *former = asked_before ? &op[draw_below(&random, asked_before)] : NULL;

                if (i % WAVE == 0) {
                        world_wait(&world, &pending);
                        forward_and_sweep(&world, i / WAVE);
                        asked_before = i;
                }
                if (former && (former->kind != LEDGER_REQUEST || former->answer.status != LEDGER_ASK))
                        former = NULL;
                make_something(&world, &random, &op[i], i, former);
                ops_submit(&world, draw_below(&random, WORLD_INSTANCES), &op[i], &pending);
        }
        world_wait(&world, &pending);
        for (int i = 0; i < OPS; i++)
                ck_assert_int_le(op[i].answer.status, LEDGER_PENDING);
        ck_assert_int_gt(world_number(&world, "SELECT count(*) FROM bank_ack"), 0);
        world_check_sums(&world);
        ck_assert_int_eq(world.problems, 0);
        world_close(&world);
        free(op);
}
END_TEST

START_TEST(an_altered_row_of_a_bank_is_seen_by_the_sums)
{
        static const struct {
                const char *found, *sql;
        } alterations[] = {
            {"saf", "DELETE FROM saf"},
            {"saf", "DELETE FROM bank_notice WHERE seq = 1"},
            {"bank_notice", "UPDATE bank_notice SET dispensed_yen = dispensed_yen + 1"},
            {"bank_notice", "UPDATE bank_notice SET charge_yen = charge_yen + 1"},
            {"bank_notice", "DELETE FROM bank_notice; DELETE FROM saf"},
            {"open_withdrawal", "DELETE FROM bank_outcome"},
            {"open_withdrawal", "UPDATE open_withdrawal SET asked_ms = NULL"},
            {"order",
             "INSERT INTO bank_ack SELECT terminal, transmitted_at, stan, 3, 1, 1 FROM saf WHERE seq = 3;"
             " DELETE FROM saf WHERE seq = 3"},
        };
        struct world world;
        struct ledger_op request = {0};

        ops_open(&world);
        queue_three(&world);
        for (int i = 0; i < 2; i++) { /* one asked, one declined */
                struct ledger_op op;

                ops_ask(&world, &request, 2 + i, link_card(1), 10000);
                op = request;
                ops_do(&world, &op);
                if (i == 1)
                        tell(&world, &request, 'D', 1);
        }
        world_check_sums(&world);
        for (size_t i = 0; i < sizeof alterations / sizeof alterations[0]; i++) {
                char *found;

                world_sql(&world, "BEGIN; %s", alterations[i].sql);
                found = world_contradictions(&world);
                ck_assert_msg(strstr(found, alterations[i].found) != NULL, "after \"%s\": %s",
                              alterations[i].sql, *found ? found : "nothing is found");
                world_sql(&world, "ROLLBACK");
                free(found);
        }
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("banks");
        TCase *outcome = tcase_create("outcome"), *forward = tcase_create("forward");

        tcase_set_timeout(outcome, 120);
        tcase_add_test(outcome, what_is_durable_first_stands_and_whoever_comes_late_hears_it);
        tcase_add_loop_test(outcome, of_answer_time_out_and_reversal_at_two_instances_one_stands, 0, 3);
        tcase_add_test(outcome, outcomes_over_a_lost_connection_are_decided_once);
        tcase_add_test(outcome, an_intent_that_breaks_a_constraint_is_not_kept);
        tcase_add_test(outcome, two_sweeps_at_once_time_each_out_once);
        tcase_add_loop_test(outcome, a_sweep_that_meets_a_decision_leaves_it_out_and_fails_for_nobody, 0, 2);
        tcase_add_test(outcome, a_sweep_leaves_a_card_that_somebody_holds_for_the_next_time);
        tcase_add_test(outcome, a_sweep_takes_the_oldest_and_leaves_the_young_and_the_approved);
        tcase_add_loop_test(outcome, a_storm_with_banks_over_two_instances_keeps_every_sum_and_limit, 0, 3);
        tcase_add_test(outcome, an_altered_row_of_a_bank_is_seen_by_the_sums);
        tcase_set_timeout(forward, 120);
        tcase_add_loop_test(forward, an_approval_that_something_else_came_before_is_reversed_once_more, 0, 4);
        tcase_add_test(forward, a_bank_is_told_of_a_withdrawal_in_order_one_notice_after_the_other);
        tcase_add_loop_test(forward,
                            an_original_that_a_bank_does_not_know_is_a_case_unless_it_may_be_put_away, 0,
                            LENGTH(unknowns));
        tcase_add_loop_test(forward, what_a_chip_reports_waits_with_its_notice_and_goes_with_it, 0,
                            LENGTH(reports));
        tcase_add_test(forward, what_is_not_acknowledged_is_due_again_after_growing_pauses);
        tcase_add_test(forward,
                       a_parked_notice_is_held_back_with_those_after_it_until_an_operator_lets_it_go);
        tcase_add_test(forward, the_end_of_a_notice_that_somebody_holds_keeps_no_other_from_its_own);
        tcase_add_test(forward, a_lease_is_taken_over_when_it_has_run_out_and_who_wakes_up_does_no_harm);
        tcase_add_loop_test(forward, a_lease_a_pause_and_a_question_from_the_future_keep_nobody_waiting, 0,
                            LENGTH(set_back));
        tcase_add_test(forward, an_operator_s_retry_breaks_the_lease);
        tcase_add_test(forward, two_who_take_at_once_never_get_the_same_notice);
        suite_add_tcase(suite, outcome);
        suite_add_tcase(suite, forward);
        return suite_run(suite);
}
