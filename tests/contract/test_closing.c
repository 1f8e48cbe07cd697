/*
 * The contract of the books: whoever closes a quarter waits for batches on their way and counts them, what
 * comes later is posted on the first open day, and what is closed stays as it was; summaries catch up with
 * whatever is posted late, whenever it comes.
 *
 * Withdrawals are of 10,000 yen at noon of OPS_NOON, in quarter 3Q16.
 */
#include <check.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backoffice/books/closing.h"
#include "tests/contract/ops.h"
#include "tests/suite.h"

#define AMOUNT_YEN 10000
#define CLOSE      "SELECT coalesce(r_refusal, 'done') || ' ' || r_without_end FROM period_close('3Q16', false)"
#define CLOSE_FORCED                                                                                         \
        "SELECT coalesce(r_refusal, 'done') || ' ' || r_without_end FROM period_close('3Q16', true)"

/* sessions ------------------------------------------------------------------------------------------ */

/* What the statement that was sent ends with: its first value, or its error; to be freed. */
static char *hear(PGconn *pg)
{
        PGresult *result;
        char *text = strdup("");

        while ((result = PQgetResult(pg))) {
                const char *error = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

                if (error || PQntuples(result)) {
                        free(text);
                        text = strdup(error ? error : PQgetvalue(result, 0, 0));
                }
                PQclear(result);
        }
        return text;
}

static void say(PGconn *pg, const char *sql)
{
        ck_assert_msg(PQsendQuery(pg, sql), "%s", PQerrorMessage(pg));
}

/* Business today; the world's is after all days of the tests. */
static void set_today(struct world *world, const char *day)
{
        world_sql(world,
                  "UPDATE business_clock SET start_ms = extract(epoch FROM TIMESTAMP '%s 12:00' AT TIME ZONE "
                  "'Asia/Tokyo') "
                  "* 1000, anchor_ms = extract(epoch FROM clock_timestamp()) * 1000",
                  day);
}

static void expect_heard(PGconn *pg, const char *expected, const char *what)
{
        char *heard = hear(pg);

        ck_assert_msg(!strcmp(heard, expected), "%s: '%s' expected, '%s' heard", what, expected, heard);
        free(heard);
}

static void expect_told(PGconn *pg, const char *sql, const char *expected)
{
        say(pg, sql);
        expect_heard(pg, expected, sql);
}

static void await_lock(struct world *world, const PGconn *pg)
{
        char sql[160];

        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Lock'",
                 PQbackendPID(pg));
        for (int i = 0; i < 1000; i++) {
                if (world_number(world, sql))
                        return;
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        ck_abort_msg("a statement that must wait does not");
}

/* withdrawals --------------------------------------------------------------------------------------- */

/* The 0200s of the numbers [0, count): approved, without an end. */
static void approve(struct world *world, struct ledger_op *request, int count)
{
        int pending = 0;

        memset(request, 0, (size_t)count * sizeof *request);
        for (int i = 0; i < count; i++) {
                ops_ask(world, &request[i], i, i, AMOUNT_YEN);
                ops_submit(world, i % WORLD_INSTANCES, &request[i], &pending);
        }
        world_wait(world, &pending);
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(request[i].answer.reason, REASON_APPROVED);
}

static void dispense(struct world *world, const struct ledger_op *request, int number, int64_t dispensed_yen)
{
        struct ledger_op op;
        int pending = 0;

        ops_advise(&op, request, number, AMOUNT_YEN, dispensed_yen);
        ops_submit(world, 0, &op, &pending);
        world_wait(world, &pending);
        ck_assert_int_eq(op.answer.status, LEDGER_DECIDED);
}

/* A completion as a statement of its own, for a transaction that a test holds open. */
static const char *completion_sql(const struct ledger_op *request)
{
        static char sql[640];

        snprintf(sql, sizeof sql,
                 "SELECT r_stored FROM ledger_advice(ARRAY['%s'], ARRAY[to_timestamp(%" PRId64
                 " / 1000.0)], ARRAY[%" PRId32 "], ARRAY['completion'], ARRAY[to_timestamp(%" PRId64
                 " / 1000.0)], ARRAY[%" PRId32
                 "], ARRAY[NULL::text], ARRAY[%d::bigint], ARRAY[%d::bigint], 300000)",
                 request->identity.terminal, request->identity.transmitted_ms, request->identity.stan,
                 request->identity.transmitted_ms + 40000, request->identity.stan + 1000, AMOUNT_YEN,
                 AMOUNT_YEN);
        return sql;
}

static void expect_value(struct world *world, const char *sql, const char *expected)
{
        char *found = world_query(world, sql);

        found[strcspn(found, "\n")] = '\0';
        ck_assert_msg(!strcmp(found, expected), "%s: '%s' expected, '%s' found", sql, expected, found);
        free(found);
}

/* "business date, day of posting, sign, cash" of every commission row. */
#define POSTINGS                                                                                             \
        "SELECT coalesce(string_agg(concat_ws(' ', business_date, posted_on, sign, cash_yen), ', ' "         \
        "ORDER BY posted_on, stan, seq), '') FROM commission"
#define PERIOD                                                                                               \
        "SELECT concat_ws(' ', without_end, withdrawals, cash_yen, commission_yen) FROM period WHERE "       \
        "quarter = '3Q16'"
#define CLOSED_DAYS                                                                                          \
        "SELECT concat_ws(' ', sum(withdrawals), sum(cash_yen), sum(commission_yen)) "                       \
        "FROM v_revenue WHERE posted_on BETWEEN '2016-10-01' AND '2016-12-31'"
#define REPORTED "SELECT coalesce(sum(withdrawals), 0) FROM report_place('2016-10-01', '2016-12-31')"
/* Of what lies in December 2016: withdrawals that each cube has; those that are in none. */
#define SUMS                                                                                                 \
        "SELECT string_agg(cube || ' ' || n, ', ' ORDER BY cube) FROM (SELECT cube, sum(withdrawals) AS n "  \
        "FROM summary GROUP BY cube) s"
#define BY_DAY(n)   "bank " n ", day " n ", detail " n ", hour " n
#define BY_MONTH(n) "atm " n ", " BY_DAY(n) ", place " n
#define SUMMED_MONTHS                                                                                        \
        "SELECT string_agg(month::text, ', ' ORDER BY month) FROM summed_month WHERE month >= '2016-12-01'"
#define UNSUMMED "SELECT count(*) FROM unsummed_post"

#define ALL_STEPS "DO $$ BEGIN WHILE summary_step(true) IS NOT NULL LOOP END LOOP; END $$"

/* What a close adds up. */
/* Ready to be closed: the costs are entered too. */
static void sum_up_quarters(struct world *world)
{
        expect_value(world, "SELECT summary_extend('2017-03-31')", "t");
        world_sql(world, ALL_STEPS);
        world_enter_costs(world);
}

/* closing ------------------------------------------------------------------------------------------- */

START_TEST(a_close_waits_for_a_batch_in_flight)
{
        static const struct {
                const char *end, *closed, *postings;
        } cases[] = {{"COMMIT", "done 0", "2016-12-29 2016-12-29 1 10000"},
                     {"ROLLBACK", "without end 1", ""}};
        struct world world;
        struct ledger_op request;
        PGconn *batch, *closer;

        ops_open(&world);
        approve(&world, &request, 1);
        sum_up_quarters(&world);
        batch = world_session(&world, NULL);
        closer = world_session(&world, WORLD_OPERATOR);
        expect_told(batch, "BEGIN", "");
        expect_told(batch, completion_sql(&request), "f");
        say(closer, CLOSE);
        await_lock(&world, closer);
        expect_told(batch, cases[_i].end, "");
        expect_heard(closer, cases[_i].closed, "the close");
        expect_value(&world, POSTINGS, cases[_i].postings);
        if (_i == 0)
                expect_value(&world, PERIOD, "0 1 10000 200");
        else
                expect_value(&world, "SELECT closed_through IS NULL FROM books", "t");
        world_check_sums(&world);
        PQfinish(batch);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

/* Whoever closes waits for the batches under way, and lets those pass that come meanwhile. */
START_TEST(a_batch_that_comes_while_a_close_waits_is_not_held_up)
{
        struct world world;
        struct ledger_op request[2], late;
        PGconn *batch, *closer;
        int pending = 0;

        ops_open(&world);
        approve(&world, request, 2);
        sum_up_quarters(&world);
        batch = world_session(&world, NULL);
        closer = world_session(&world, WORLD_OPERATOR);
        expect_told(batch, "BEGIN", "");
        expect_told(batch, completion_sql(&request[0]), "f");
        say(closer, CLOSE);
        await_lock(&world, closer);
        ops_advise(&late, &request[1], 1, AMOUNT_YEN, AMOUNT_YEN);
        ops_submit(&world, 1, &late, &pending);
        world_wait(&world, &pending);
        ck_assert_int_eq(late.answer.status, LEDGER_DECIDED);
        expect_told(batch, "COMMIT", "");
        expect_heard(closer, "done 0", "the close");
        expect_value(&world, POSTINGS, "2016-12-29 2016-12-29 1 10000, 2016-12-29 2016-12-29 1 10000");
        expect_value(&world, PERIOD, "0 2 20000 400");
        world_check_sums(&world);
        ck_assert_int_eq(world.problems, 0);
        PQfinish(batch);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

START_TEST(a_batch_that_comes_during_a_close_is_posted_on_the_first_open_day)
{
        struct world world;
        struct ledger_op request[2], late;
        PGconn *closer;
        int pending = 0;

        ops_open(&world);
        approve(&world, request, 2);
        dispense(&world, &request[0], 1, AMOUNT_YEN);
        sum_up_quarters(&world);
        closer = world_session(&world, WORLD_OPERATOR);
        expect_told(closer, "BEGIN", "");
        expect_told(closer, CLOSE_FORCED, "done 1");
        /* an instance of atmd, which now stands behind whoever closes */
        ops_advise(&late, &request[1], 1, AMOUNT_YEN, AMOUNT_YEN);
        ops_submit(&world, 1, &late, &pending);
        for (int i = 0; i < 20; i++) {
                event_base_loop(world.base, EVLOOP_NONBLOCK);
                nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
        ck_assert_int_eq(pending, 1);
        expect_told(closer, "COMMIT", "");
        world_wait(&world, &pending);
        ck_assert_int_eq(late.answer.status, LEDGER_DECIDED);
        expect_value(&world, POSTINGS, "2016-12-29 2016-12-29 1 10000, 2016-12-29 2017-01-01 1 10000");
        expect_value(&world, PERIOD, "1 1 10000 200");
        expect_value(&world, CLOSED_DAYS, "1 10000 200");
        expect_value(&world,
                     "SELECT concat_ws(' ', sum(withdrawals), sum(earlier_yen)) FROM "
                     "report_place('2017-01-01', '2017-03-31')",
                     "1 200");
        world_check_sums(&world);
        ck_assert_int_eq(world.problems, 0);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

/* What is said of a completed withdrawal once its quarter is closed. */
START_TEST(what_is_corrected_after_a_close_is_posted_on_the_first_open_day)
{
        static const struct {
                int64_t dispensed_yen;
                const char *posted; /* after the first row */
                const char *next;   /* withdrawals, cash, commission of the quarter after */
        } cases[] = {{0, ", 2016-12-29 2017-01-01 -1 -10000", "-1 -10000 -200"},
                     {6000, ", 2016-12-29 2017-01-01 0 -4000", "0 -4000 0"},
                     {AMOUNT_YEN, "", "  "}};
        enum { CASES = sizeof cases / sizeof cases[0] };

        for (int i = 0; i < CASES; i++) {
                struct world world;
                struct ledger_op request;
                PGconn *closer;
                char postings[160];

                ops_open(&world);
                approve(&world, &request, 1);
                dispense(&world, &request, 1, AMOUNT_YEN);
                sum_up_quarters(&world);
                closer = world_session(&world, WORLD_OPERATOR);
                expect_told(closer, CLOSE, "done 0");
                dispense(&world, &request, 2, cases[i].dispensed_yen);
                snprintf(postings, sizeof postings, "2016-12-29 2016-12-29 1 10000%s", cases[i].posted);
                expect_value(&world, POSTINGS, postings);
                expect_value(&world, PERIOD, "0 1 10000 200");
                expect_value(&world, CLOSED_DAYS, "1 10000 200");
                expect_value(
                    &world,
                    "SELECT sum(withdrawals) || ' ' || sum(cash_yen) || ' ' || sum(customer_fee_yen + "
                    "interbank_fee_yen) FROM report_place('2017-01-01', '2017-03-31')",
                    cases[i].posted[0] ? cases[i].next : "");
                world_check_sums(&world);
                PQfinish(closer);
                world_close(&world);
        }
}
END_TEST

/* Batches would wait while it is added up from its rows. */
START_TEST(a_quarter_whose_days_can_not_be_summed_up_is_not_closed)
{
        const struct closing_question question = {.quarter = "3Q16"};
        struct world world;
        struct ledger_op request;
        PGconn *closer;
        char error[PG_ERROR_MAX] = "";
        int64_t without_end;

        ops_open(&world);
        approve(&world, &request, 1);
        dispense(&world, &request, 1, AMOUNT_YEN);
        closer = world_session(&world, WORLD_OPERATOR);
        world_enter_costs(&world);
        expect_told(closer, CLOSE_FORCED, "not summed 0");
        world_sql(&world, "REVOKE EXECUTE ON FUNCTION summary_step FROM atm_operator");
        ck_assert_int_eq(closing_close(closer, &question, &without_end, error), CLOSING_FAILED);
        ck_assert_msg(strstr(error, "try again") && strstr(error, "permission denied"), "%s", error);
        expect_value(&world, "SELECT count(*) FROM period", "0");
        world_sql(&world, "GRANT EXECUTE ON FUNCTION summary_step TO atm_operator");
        ck_assert_int_eq(closing_close(closer, &question, &without_end, error), CLOSING_DONE);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

/* They can't be entered any more afterwards, of an earlier quarter neither, which has its sums as if it had been closed by itself. */
START_TEST(a_missing_cost_keeps_a_quarter_and_later_ones_open_unless_forced)
{
        static const char missing[] = "SELECT string_agg(concat_ws(' ', r_quarter, r_withdrawals, "
                                      "r_missing), ', ' ORDER BY r_from) FROM "
                                      "closing_quarters('4Q16')";
        struct world world;
        struct ledger_op request;
        PGconn *closer;

        ops_open(&world);
        sum_up_quarters(&world);
        world_sql(&world, "DELETE FROM cost WHERE quarter = '3Q16' AND item IN ('network', 'sga')");
        closer = world_session(&world, WORLD_OPERATOR);
        expect_value(&world, missing, "4Q16 0"); /* nothing is known of the one before */
        approve(&world, &request, 1);
        dispense(&world, &request, 1, AMOUNT_YEN);
        world_sql(&world, ALL_STEPS);
        expect_value(&world, missing, "3Q16 1 network sga, 4Q16 0");
        expect_told(closer, "SELECT r_refusal FROM period_close('4Q16', false)", "missing");
        expect_value(&world, "SELECT count(*) FROM period", "0");
        expect_value(&world, "SELECT closed_through IS NULL FROM books", "t");
        expect_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('4Q16', true)", "done");
        expect_value(&world, PERIOD, "0 1 10000 200");
        expect_value(&world, "SELECT concat_ws(' ', from_on, to_on) FROM period WHERE quarter = '3Q16'",
                     "2016-10-01 2016-12-31");
        expect_value(&world, "SELECT count(*) FROM closing_quarters('4Q16')", "0");
        world_check_sums(&world);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

/* The first open day may have no partition: no withdrawal was made near it, yet what is late is posted on it, and halls owe for it. */
START_TEST(quarters_without_partitions_have_what_is_posted_and_due_in_them)
{
        static const char reported[] =
            "SELECT coalesce(sum(withdrawals), 0) FROM report_place('2017-04-01', '2017-06-30')";
        static const char closing[] = "SELECT string_agg(concat_ws(' ', r_quarter, r_withdrawals, "
                                      "r_base_fee_yen, r_missing IS NULL), ', ' ORDER BY r_from) FROM "
                                      "closing_quarters('2Q17')";
        struct world world;
        struct ledger_op request;
        PGconn *closer;

        ops_open(&world);
        approve(&world, &request, 1);
        sum_up_quarters(&world);
        closer = world_session(&world, WORLD_OPERATOR);
        expect_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('4Q16', true)", "done");
        expect_value(&world, "SELECT max(to_on) FROM ledger_partition", "2017-04-01");
        dispense(&world, &request, 1, AMOUNT_YEN);
        expect_value(&world, POSTINGS, "2016-12-29 2017-04-01 1 10000");
        expect_value(&world, reported, "1");
        world_check_sums(&world);
        expect_value(&world, "SELECT summary_extend('2017-06-30')", "t");
        world_sql(&world, ALL_STEPS);
        expect_value(&world, UNSUMMED, "0");
        expect_value(&world, SUMS, BY_DAY("1"));
        expect_value(&world, reported, "1");
        dispense(&world, &request, 2, 0); /* and once more, on a day that has sums by now */
        expect_value(&world, reported, "0");
        expect_value(&world, UNSUMMED, "1");
        world_check_sums(&world);
        world_sql(&world, ALL_STEPS);
        expect_value(&world, UNSUMMED, "0");
        world_check_sums(&world);

        world_sql(&world,
                  "INSERT INTO contract VALUES ('T0000001', '2017-09-01', '2017-10-01', 'H00001', 3000)");
        expect_value(&world, closing, "1Q17 0 0 f, 2Q17 0 3000 f");
        expect_told(closer, "SELECT r_refusal FROM period_close('1Q17', false)", "missing");
        expect_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('1Q17', true)", "done");
        expect_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('3Q17', true)", "done");
        expect_value(&world,
                     "SELECT string_agg(concat_ws(' ', quarter, commission_yen, base_fee_yen), ', ' ORDER BY "
                     "to_on) FROM period",
                     "4Q16 0 0, 1Q17 0 0, 2Q17 0 3000, 3Q17 0 0");
        world_check_sums(&world);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

START_TEST(what_has_no_end_keeps_a_quarter_open_unless_forced)
{
        struct world world;
        struct ledger_op request[2], asked, later = {0};
        PGconn *closer;
        int pending = 0;

        ops_open(&world);
        approve(&world, request, 2);
        memset(&asked, 0, sizeof asked);
        ops_ask(&world, &asked, 7, WORLD_LINK_CARD, AMOUNT_YEN);
        ops_submit(&world, 0, &asked, &pending);
        ops_identify(&later, "2017-01-04T12:00", 8); /* of the next quarter: not in the way */
        play_fill_request(world_reference(&world), &later, 5, AMOUNT_YEN, 10000);
        ops_submit(&world, 0, &later, &pending);
        world_wait(&world, &pending);
        sum_up_quarters(&world);
        closer = world_session(&world, WORLD_OPERATOR);
        expect_told(closer, CLOSE, "without end 3");
        dispense(&world, &request[0], 1, AMOUNT_YEN);
        dispense(&world, &asked, 1, 0);
        expect_told(closer, CLOSE, "without end 1");
        expect_value(&world, "SELECT count(*) FROM period", "0");
        expect_told(closer, CLOSE_FORCED, "done 1");
        expect_value(&world, PERIOD, "1 1 10000 200");
        expect_value(&world, "SELECT who FROM period WHERE quarter = '3Q16'", WORLD_OPERATOR "/test");
        /* once is enough, be it forced, and what lies before it is closed with it */
        expect_told(closer, CLOSE, "closed 0");
        expect_told(closer, CLOSE_FORCED, "closed 0");
        expect_told(closer, "SELECT r_refusal FROM period_close('2Q16', true)", "closed");
        expect_value(&world, "SELECT closed_through FROM books", "2016-12-31");
        expect_told(closer, "SELECT r_refusal FROM period_close('4Q16', false)", "without end");
        dispense(&world, &request[1], 1, AMOUNT_YEN);
        dispense(&world, &later, 1, AMOUNT_YEN);
        expect_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('4Q16', false)", "done");
        expect_value(&world,
                     "SELECT concat_ws(' ', withdrawals, cash_yen) FROM period WHERE quarter = '4Q16'",
                     "2 20000");
        expect_value(&world, PERIOD, "1 1 10000 200");
        world_check_sums(&world);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

/* summaries ----------------------------------------------------------------------------------------- */

/* All days through 30 December. */
static void sum_up(struct world *world)
{
        expect_value(world, "SELECT summary_extend('2016-12-30')", "t");
        world_sql(world, ALL_STEPS);
}

START_TEST(a_late_post_is_in_the_reports_at_once_and_in_the_sums_with_the_next_step)
{
        struct world world;
        struct ledger_op request[2];

        ops_open(&world);
        approve(&world, request, 2);
        dispense(&world, &request[0], 1, AMOUNT_YEN);
        sum_up(&world);
        expect_value(&world, SUMS, BY_DAY("1"));
        expect_value(&world, UNSUMMED, "0");
        dispense(&world, &request[1], 1, AMOUNT_YEN);
        expect_value(&world, SUMS, BY_DAY("1"));
        expect_value(&world, UNSUMMED, "1");
        expect_value(&world, REPORTED, "2");
        world_check_sums(&world);
        expect_value(&world, "SELECT summary_step(false)", "posts");
        expect_value(&world, "SELECT summary_step(false) IS NULL", "t");
        expect_value(&world, SUMS, BY_DAY("2"));
        expect_value(&world, UNSUMMED, "0");
        expect_value(&world, REPORTED, "2");
        world_check_sums(&world);
        /* what changes no sum is no post */
        dispense(&world, &request[1], 2, AMOUNT_YEN);
        expect_value(&world, UNSUMMED, "0");
        /* its month is over: sums of its days become the month's, and what comes still later goes there */
        expect_value(&world, "SELECT summary_extend('2016-12-31')", "t");
        expect_value(&world, "SELECT summary_step(false)", "2016-12-31");
        expect_value(&world, "SELECT summary_step(false) IS NULL", "t"); /* a report leaves it in its days */
        expect_value(&world, REPORTED, "2");
        expect_value(&world, "SELECT summary_step(true)", "2016-12");
        expect_value(&world, SUMS, BY_MONTH("2"));
        expect_value(&world, REPORTED, "2");
        world_check_sums(&world);
        dispense(&world, &request[0], 3, 0);
        expect_value(&world, REPORTED, "1");
        expect_value(&world, "SELECT summary_step(true)", "posts");
        expect_value(&world, SUMS, BY_MONTH("1"));
        expect_value(&world, REPORTED, "1");
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

START_TEST(nobody_who_posts_waits_for_who_sums_up_and_nothing_is_lost_between_them)
{
        struct world world;
        struct ledger_op request[4];
        PGconn *builder, *other, *batch;

        ops_open(&world);
        approve(&world, request, 4);
        dispense(&world, &request[0], 1, AMOUNT_YEN);
        expect_value(&world, "SELECT summary_extend('2016-12-30')", "t");
        builder = world_session(&world, WORLD_OPERATOR);
        other = world_session(&world, WORLD_OPERATOR);
        batch = world_session(&world, NULL);
        /* a batch that begins first, and one that begins and ends while the day is summed up */
        expect_told(batch, "BEGIN", "");
        expect_told(batch, completion_sql(&request[1]), "f");
        expect_told(builder, "BEGIN", "");
        expect_told(builder, ALL_STEPS, "");
        dispense(&world, &request[2], 1, AMOUNT_YEN);
        expect_value(&world, REPORTED, "2");
        say(other, "SELECT coalesce(summary_step(true), 'nothing')"); /* one sums up at a time */
        await_lock(&world, other);
        expect_told(builder, "COMMIT", "");
        expect_value(&world, REPORTED, "2");
        expect_heard(other, "posts", "who sums up next");
        expect_told(batch, "COMMIT", "");
        expect_value(&world, SUMS, BY_DAY("2"));
        expect_value(&world, UNSUMMED, "1");
        expect_value(&world, REPORTED, "3");
        world_check_sums(&world);
        /* likewise when what was posted late is added */
        expect_told(batch, "BEGIN", "");
        expect_told(batch, completion_sql(&request[3]), "f");
        expect_told(builder, "SELECT summary_step(true)", "posts");
        expect_told(batch, "COMMIT", "");
        expect_value(&world, SUMS, BY_DAY("3"));
        expect_value(&world, REPORTED, "4");
        world_check_sums(&world);
        world_sql(&world, ALL_STEPS);
        expect_value(&world, SUMS, BY_DAY("4"));
        world_check_sums(&world);
        PQfinish(builder);
        PQfinish(other);
        PQfinish(batch);
        world_close(&world);
}
END_TEST

/* Who knows nothing of it yet marks nothing, and so must be in the sums. */
START_TEST(days_are_summed_up_after_the_batches_that_did_not_know)
{
        struct world world;
        struct ledger_op request[2];
        PGconn *builder, *batch;

        ops_open(&world);
        approve(&world, request, 2);
        builder = world_session(&world, WORLD_OPERATOR);
        batch = world_session(&world, NULL);
        expect_told(batch, "BEGIN", "");
        expect_told(batch, completion_sql(&request[0]), "f");
        say(builder, "SELECT summary_extend('2016-12-30')");
        await_lock(&world, builder);
        dispense(&world, &request[1], 1, AMOUNT_YEN); /* the fleet goes on */
        expect_value(&world, "SELECT summed_through IS NULL FROM books", "t");
        expect_told(batch, "COMMIT", "");
        expect_heard(builder, "t", "the days");
        expect_told(builder, ALL_STEPS, "");
        expect_value(&world, UNSUMMED, "0");
        expect_value(&world, SUMS, BY_DAY("2"));
        expect_value(&world, REPORTED, "2");
        world_check_sums(&world);
        PQfinish(builder);
        PQfinish(batch);
        world_close(&world);
}
END_TEST

/* guards -------------------------------------------------------------------------------------------- */

struct statement {
        const char *sql;
        const char *refusal; /* within what is said; NULL: it is done */
};

static void try_statements(PGconn *pg, const struct statement *statements, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                char *heard;

                say(pg, statements[i].sql);
                heard = hear(pg);
                ck_assert_msg(statements[i].refusal ? strstr(heard, statements[i].refusal) != NULL : !*heard,
                              "%s: '%s' expected, '%s' heard", statements[i].sql,
                              statements[i].refusal ? statements[i].refusal : "nothing", heard);
                free(heard);
        }
}

#define CLOSED ": the books are closed through 2016-12-31"

static const struct statement before_the_close[] = {
    {"INSERT INTO contract VALUES ('T0000001', '2016-10-01', NULL, 'H00001', 1000)", NULL},
    {"INSERT INTO contract VALUES ('T0000002', '2016-10-01', '2016-12-01', 'H00001', 1000)", NULL},
    {"INSERT INTO cost VALUES ('3Q16', 'network', 100)", NULL},
    {"INSERT INTO target VALUES (2016, 'revenue', '2016-05-10', 100)", NULL},
    {"INSERT INTO published VALUES ('3Q16', 'revenue', 100, 'x')", NULL},
    {"INSERT INTO finance_rate VALUES ('income_tax', '2016-04-01', 3000)", NULL},
    {"INSERT INTO peer VALUES ('SEVEN', 'revenue_yen', 100, 'x')", NULL},
};

static const struct statement after_the_close[] = {
    {"INSERT INTO contract VALUES ('T0000003', '2016-12-31', NULL, 'H00001', 1000)", "contract" CLOSED},
    {"INSERT INTO contract VALUES ('T0000003', '2017-01-01', NULL, 'H00001', 1000)", NULL},
    {"UPDATE contract SET base_fee_yen = 2000 WHERE terminal = 'T0000001'", "contract" CLOSED},
    {"UPDATE contract SET hall = 'H-3' WHERE terminal = 'T0000001'", "contract" CLOSED},
    {"UPDATE contract SET base_fee_yen = 1000 WHERE terminal = 'T0000001'", NULL}, /* as it is */
    {"UPDATE contract SET until_on = '2016-12-31' WHERE terminal = 'T0000001'", "contract" CLOSED},
    {"UPDATE contract SET until_on = '2017-01-01' WHERE terminal = 'T0000001'", NULL},
    {"UPDATE contract SET until_on = '2017-03-01' WHERE terminal = 'T0000001'", NULL},
    {"UPDATE contract SET until_on = '2016-12-15' WHERE terminal = 'T0000001'", "contract" CLOSED},
    {"UPDATE contract SET until_on = '2017-03-01', base_fee_yen = 1 WHERE terminal = 'T0000001'",
     "contract" CLOSED},
    {"UPDATE contract SET until_on = NULL WHERE terminal = 'T0000002'",
     "contract" CLOSED}, /* it ended before */
    {"UPDATE contract SET from_on = '2017-01-01' WHERE terminal = 'T0000002'", "contract" CLOSED},
    {"DELETE FROM contract WHERE terminal = 'T0000002'", "contract" CLOSED},
    {"DELETE FROM contract WHERE terminal = 'T0000003'", NULL},
    {"INSERT INTO cost VALUES ('3Q15', 'maintenance', 100)", "cost" CLOSED},
    {"INSERT INTO cost VALUES ('2Q16', 'maintenance', 100)", "cost" CLOSED},
    {"INSERT INTO cost VALUES ('1Q17', 'maintenance', 100)", NULL},
    {"UPDATE cost SET quarter = '3Q16' WHERE quarter = '1Q17'", "cost" CLOSED},
    {"UPDATE cost SET amount_yen = 1 WHERE quarter = '1Q17'", NULL},
    {"UPDATE cost SET amount_yen = 1 WHERE quarter = '3Q16'", "cost" CLOSED},
    {"UPDATE cost SET note = 'x' WHERE quarter = '3Q16'", "cost" CLOSED},
    {"DELETE FROM cost WHERE quarter = '3Q16'", "cost" CLOSED},
    {"DELETE FROM cost WHERE quarter = '1Q17'", NULL},
    {"INSERT INTO target VALUES (2016, 'revenue', '2016-12-31', 100)", "target" CLOSED},
    {"INSERT INTO target VALUES (2016, 'revenue', '2017-01-01', 100)", NULL},
    {"UPDATE target SET value = 1 WHERE announced_on = '2016-05-10'", "target" CLOSED},
    {"DELETE FROM target WHERE announced_on = '2016-05-10'", "target" CLOSED},
    {"INSERT INTO published VALUES ('3Q16', 'profit', 100, 'x')", NULL}, /* published after the close */
    {"INSERT INTO published VALUES ('1Q-3Q16', 'profit', 100, 'x')", NULL},
    {"UPDATE published SET value = 1 WHERE period = '3Q16' AND item = 'revenue'", "published" CLOSED},
    {"UPDATE published SET value = 1 WHERE period = '1Q-3Q16'", "published" CLOSED},
    {"DELETE FROM published WHERE period = '3Q16'", "published" CLOSED},
    {"INSERT INTO published VALUES ('1Q-4Q16', 'profit', 100, 'x')", NULL},
    {"UPDATE published SET value = 1 WHERE period = '1Q-4Q16'", NULL},
    {"INSERT INTO finance_rate VALUES ('income_tax', '2016-12-31', 3000)", "finance_rate" CLOSED},
    {"INSERT INTO finance_rate VALUES ('income_tax', '2017-01-01', 3000)", NULL},
    {"UPDATE finance_rate SET from_on = '2016-12-01' WHERE from_on = '2017-01-01'", "finance_rate" CLOSED},
    {"DELETE FROM finance_rate WHERE from_on = '2016-04-01'", "finance_rate" CLOSED},
    {"UPDATE peer SET value = 1", NULL}, /* others' figures are no part of the books */
    {"DELETE FROM peer", NULL},
};

START_TEST(what_counts_for_a_closed_day_neither_comes_nor_changes_nor_goes)
{
        struct world world;
        PGconn *desk;
        int64_t changes, done = 0;

        ops_open(&world);
        desk = world_session(&world, WORLD_OPERATOR);
        try_statements(desk, before_the_close, sizeof before_the_close / sizeof before_the_close[0]);
        sum_up_quarters(&world);
        changes = world_number(&world, "SELECT count(*) FROM trail WHERE noun <> 'period'");
        expect_told(desk, CLOSE, "done 0");
        expect_value(&world, "SELECT base_fee_yen FROM period WHERE quarter = '3Q16'",
                     "5000"); /* 3 months of one, 2 of the other */
        try_statements(desk, after_the_close, sizeof after_the_close / sizeof after_the_close[0]);
        for (size_t i = 0; i < sizeof after_the_close / sizeof after_the_close[0]; i++)
                done += !after_the_close[i].refusal;
        /* each that was done left its trace, but for the one that changed nothing */
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM trail WHERE noun <> 'period'") - changes,
                         done - 1);
        expect_value(&world, "SELECT sum(base_fee_yen) FROM report_base_fee('2016-10-01', '2016-12-31')",
                     "5000");
        PQfinish(desk);
        world_close(&world);
}
END_TEST

/* A transaction of people may stay open for long: no close, and so no batch, waits for it. */
START_TEST(who_changes_what_a_close_counted_meanwhile_is_refused_at_his_commit)
{
        static const struct {
                const char *before, *change, *refusal;
        } cases[] = {
            {"", "INSERT INTO contract VALUES ('T0000001', '2016-12-01', NULL, 'H00001', 1000)",
             "contract" CLOSED},
            {"", "INSERT INTO cost VALUES ('3Q15', 'network', 100)", "cost" CLOSED},
            {"",
             "SET LOCAL atm.business_day = '2016-12-30'; UPDATE hall SET area = 'kansai' WHERE hall = "
             "'H00001'",
             "hall H00001" CLOSED},
            {"SET atm.business_day = '2016-12-30'; UPDATE hall SET share_bp = 7 WHERE hall = 'H00001'",
             "UPDATE hall SET share_bp = 8 WHERE hall = 'H00001'", "hall H00001" CLOSED},
        };
        struct world world;
        PGconn *desk, *closer;

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                ops_open(&world);
                desk = world_session(&world, WORLD_OPERATOR);
                closer = world_session(&world, WORLD_OPERATOR);
                set_today(&world, "2016-12-30");
                expect_told(desk, cases[i].before, "");
                set_today(&world, "2022-01-01");
                sum_up_quarters(&world);
                set_today(&world, "2016-12-30");
                expect_told(desk, "BEGIN", "");
                expect_told(desk, cases[i].change, "");
                set_today(&world, "2022-01-01");
                expect_told(closer, CLOSE, "done 0");
                expect_told(desk, "COMMIT", cases[i].refusal);
                expect_value(&world, "SELECT base_fee_yen FROM period WHERE quarter = '3Q16'", "0");
                PQfinish(desk);
                PQfinish(closer);
                world_close(&world);
        }
}
END_TEST

#define PRICED ": withdrawals of that time are already priced"

static const struct {
        const char *change, *refusal;
} price_changes[] = {
    {"UPDATE tariff SET customer_fee_yen = 101 WHERE issuer = 'HOUSE' AND band = 'day'",
     "tariff from 2007-07-01" PRICED " (issuer HOUSE)"},
    {"INSERT INTO tariff VALUES ('HOUSE', 'day', '2016-12-29', 1, 1)",
     "tariff from 2016-12-29" PRICED " (issuer HOUSE)"},
    {"DELETE FROM tax_rate WHERE from_on = '2014-04-01'", "tax_rate from 2014-04-01" PRICED},
    {"INSERT INTO holiday VALUES ('2016-12-29', 'operator', 'x')", "holiday from 2016-12-29" PRICED},
    {"INSERT INTO card_prefix VALUES ('9900010', '2016-12-29', 'A', 'cash')",
     "card_prefix from 2016-12-29" PRICED " (prefix 9900010)"},
    {"SET atm.business_day = '2016-12-29'; UPDATE hall SET share_bp = 5 WHERE hall = 'H00001'",
     "share from 2016-12-29" PRICED " (hall H00001)"},
};
enum { PRICE_CHANGES = sizeof price_changes / sizeof price_changes[0] };

/* A batch that has seen the old price commits first, or not at all. */
START_TEST(no_price_changes_under_a_batch_on_its_way)
{
        for (int i = 0; i < 2 * PRICE_CHANGES; i++) {
                bool commits = i % 2;
                struct world world;
                struct ledger_op request = {0};
                PGconn *batch, *desk;

                ops_open(&world);
                set_today(&world, "2016-12-29");
                ops_ask(&world, &request, 3, 0, AMOUNT_YEN);
                batch = world_session(&world, NULL);
                desk = world_session(&world, WORLD_OPERATOR);
                expect_told(batch, "BEGIN", "");
                expect_told(batch, ops_request_sql(&request), "0");
                /* what the second check goes by is nobody's to say */
                expect_told(desk,
                            "SET atm.priced_since = 'infinity'; SET atm.priced_span = 'empty'; SET "
                            "atm.priced_lately = 'none'",
                            "");
                say(desk, price_changes[i / 2].change);
                await_lock(&world, desk);
                expect_told(batch, commits ? "COMMIT" : "ROLLBACK", "");
                expect_heard(desk, commits ? price_changes[i / 2].refusal : "", price_changes[i / 2].change);
                PQfinish(batch);
                PQfinish(desk);
                world_close(&world);
        }
}
END_TEST

/* The fleet waits for the second check: of days that no withdrawal is near it asks nothing, of others once, however many change. */
START_TEST(the_second_check_of_prices_reads_withdrawals_once_while_the_fleet_waits)
{
#define LOOK_UPS                                                                                             \
        "SELECT coalesce(sum(calls) FILTER (WHERE funcname = 'priced_between'), 0) || ' ' || "               \
        "coalesce(sum(calls) FILTER (WHERE funcname = 'priced_lately'), 0) FROM pg_stat_xact_user_functions"
        struct world world;
        struct ledger_op request;
        PGconn *desk;

        ops_open(&world);
        approve(&world, &request, 1);
        desk = world_session(&world, NULL);
        expect_told(desk, "SET track_functions = 'all'; BEGIN", "");
        expect_told(
            desk,
            "INSERT INTO holiday SELECT d::date, 'operator', 'x' FROM generate_series(DATE '2017-02-01', "
            "'2017-03-02', INTERVAL '1 day') d",
            "");
        expect_told(desk, LOOK_UPS, "30 0");
        expect_told(desk, "SET CONSTRAINTS ALL IMMEDIATE", "");
        expect_told(desk, LOOK_UPS, "30 0");
        expect_told(desk, "COMMIT; BEGIN", "");
        expect_told(desk,
                    "INSERT INTO card_prefix SELECT '99' || n, '2016-12-01', 'A', 'cash' FROM "
                    "generate_series(100, 119) n",
                    "");
        expect_told(desk, "SET CONSTRAINTS ALL IMMEDIATE", "");
        expect_told(desk, LOOK_UPS, "50 1");
        expect_told(desk, "COMMIT", "");
        PQfinish(desk);
        world_close(&world);
}
END_TEST

/* Approved is priced, whatever became of it; other days, issuers and cards are free. */
START_TEST(what_a_price_follows_from_is_fixed_where_anything_was_approved)
{
        static const char *const free_changes[] = {
            "INSERT INTO tariff VALUES ('HOUSE', 'day', '2016-12-30', 1, 1)",
            "UPDATE tariff SET customer_fee_yen = 101 WHERE issuer = 'OTHER' AND from_on = '2016-01-01'",
            "INSERT INTO tax_rate VALUES ('2016-12-30', 900, 'down')",
            "INSERT INTO holiday VALUES ('2016-12-28', 'operator', 'x'), ('2016-12-30', 'operator', 'x')",
            "UPDATE holiday SET name = 'another' WHERE day = '2016-12-30'",
            "INSERT INTO card_prefix VALUES ('990007', '2016-12-01', 'A', 'cash')",
            "INSERT INTO card_prefix VALUES ('990001', '2016-12-30', 'A', 'cash')",
            "SET atm.business_day = '2016-12-29'; UPDATE hall SET area = 'kansai' WHERE hall = 'H00001'",
            "UPDATE hall SET share_bp = 6 WHERE hall = 'H-3'",
            "UPDATE hall SET share_bp = 7, area = 'kansai' WHERE hall = 'H-3'",
            "SET atm.business_day = '2016-12-30'; UPDATE hall SET share_bp = 5 WHERE hall = 'H00001'",
            "UPDATE hall SET area = 'kanto' WHERE hall = 'H00001'",
        };
        struct world world;
        struct ledger_op request;
        PGconn *desk;

        ops_open(&world);
        set_today(&world, "2016-12-29");
        approve(&world, &request, 1);
        dispense(&world, &request, 1, 0);
        desk = world_session(&world, WORLD_OPERATOR);
        for (int i = 0; i < PRICE_CHANGES; i++)
                expect_told(desk, price_changes[i].change, price_changes[i].refusal);
        for (size_t i = 0; i < sizeof free_changes / sizeof free_changes[0]; i++)
                expect_told(desk, free_changes[i], "");
        PQfinish(desk);
        world_close(&world);
}
END_TEST

START_TEST(partitions_and_batches_do_not_wait_for_each_other)
{
        struct world world;
        struct ledger_op request[2] = {0}, later = {0};
        PGconn *batch, *desk;

        ops_open(&world);
        for (int i = 0; i < 2; i++)
                ops_ask(&world, &request[i], i, i, AMOUNT_YEN);
        batch = world_session(&world, NULL);
        desk = world_session(&world, WORLD_OPERATOR);
        expect_told(batch, "BEGIN", "");
        expect_told(batch, ops_request_sql(&request[0]), "0");
        expect_told(desk, "BEGIN", "");
        expect_told(desk, "SELECT ledger_make_partitions('2017-04-01', '2017-07-01')", "1");
        expect_told(batch, ops_request_sql(&request[1]), "0");
        expect_told(batch, "COMMIT", "");
        expect_told(desk, "COMMIT", "");
        expect_value(&world, "SELECT count(*) FROM withdrawal", "2");
        /* each is as those that were made with the tables */
        expect_value(&world,
                     "SELECT count(*) FROM pg_indexes a FULL JOIN pg_indexes b ON b.indexdef ="
                     " replace(a.indexdef, '2017q1', '2017q2') WHERE a.tablename LIKE '%_2017q1' AND "
                     "b.indexname IS NULL",
                     "0");
        world_refresh(&world);
        ops_identify(&later, "2017-06-30T12:00", 1);
        play_fill_request(world_reference(&world), &later, 1, AMOUNT_YEN, 10000);
        ops_do(&world, &later);
        ck_assert_int_eq(later.answer.reason, REASON_APPROVED);
        PQfinish(batch);
        PQfinish(desk);
        world_close(&world);
}
END_TEST

#define OVERLAPS "overlaps the one from "

static const struct statement contracts[] = {
    {"INSERT INTO contract VALUES ('T0000001', '2016-10-10', '2016-12-10', 'H00001', 1000)", NULL},
    {"INSERT INTO contract VALUES ('T0000001', '2016-10-09', '2016-10-10', 'H-3', 1000)",
     NULL}, /* to the day */
    {"INSERT INTO contract VALUES ('T0000001', '2016-10-01', '2016-10-11', 'H-3', 1000)",
     OVERLAPS "2016-10-09"},
    {"INSERT INTO contract VALUES ('T0000001', '2016-10-01', NULL, 'H-3', 1000)", OVERLAPS "2016-10-09"},
    {"INSERT INTO contract VALUES ('T0000001', '2016-11-01', '2016-11-02', 'H-3', 1000)",
     OVERLAPS "2016-10-10"},
    {"INSERT INTO contract VALUES ('T0000001', '2016-12-09', NULL, 'H-3', 1000)", OVERLAPS "2016-10-10"},
    {"INSERT INTO contract VALUES ('T0000001', '2016-12-10', NULL, 'H-3', 1000)", NULL},
    {"INSERT INTO contract VALUES ('T0000001', '2018-01-01', '2018-02-01', 'H-3', 1000)",
     OVERLAPS "2016-12-10, which has no end"},
    {"INSERT INTO contract VALUES ('T0000002', '2016-11-01', NULL, 'H00001', 1000)", NULL}, /* another ATM */
    {"UPDATE contract SET until_on = '2016-12-11' WHERE terminal = 'T0000001' AND from_on = '2016-10-10'",
     OVERLAPS "2016-12-10"},
    {"UPDATE contract SET until_on = NULL WHERE terminal = 'T0000001' AND from_on = '2016-10-10'",
     OVERLAPS "2016-12-10"},
    {"UPDATE contract SET until_on = '2016-12-09' WHERE terminal = 'T0000001' AND from_on = '2016-10-10'",
     NULL},
    {"UPDATE contract SET terminal = 'T0000001' WHERE terminal = 'T0000002'", OVERLAPS "2016-10-10"},
    /* ended and begun in one transaction, in whichever order */
    {"BEGIN; SET CONSTRAINTS contract_overlap DEFERRED;"
     "INSERT INTO contract VALUES ('T0000001', '2017-02-01', NULL, 'H00002', 1000);"
     "UPDATE contract SET until_on = '2017-02-01' WHERE terminal = 'T0000001' AND from_on = '2016-12-10'; "
     "COMMIT",
     NULL},
};

START_TEST(an_atm_stands_in_one_place_at_a_time)
{
        struct world world;
        PGconn *one, *other;

        ops_open(&world);
        one = world_session(&world, WORLD_OPERATOR);
        try_statements(one, contracts, sizeof contracts / sizeof contracts[0]);
        /* two operators at the same time: the second waits, and then sees the first's */
        other = world_session(&world, WORLD_OPERATOR);
        expect_told(one, "BEGIN", "");
        expect_told(one, "INSERT INTO contract VALUES ('T0000003', '2017-01-01', NULL, 'H00001', 1000)", "");
        say(other, "INSERT INTO contract VALUES ('T0000003', '2017-02-01', NULL, 'H-3', 1000)");
        await_lock(&world, other);
        expect_told(one, "COMMIT", "");
        expect_heard(other,
                     "contract of T0000003 from 2017-02-01: overlaps the one from 2017-01-01, which has no "
                     "end, in hall H00001",
                     "the second operator");
        PQfinish(one);
        PQfinish(other);
        world_close(&world);
}
END_TEST

/* who waits for whom -------------------------------------------------------------------------------- */

/* What a person's transaction does before it is left open. */
static const char *const left_open[] = {
    ("LOCK TABLE area, hall, atm, issuer, holiday, card_prefix, tariff, tax_rate, limit_rule, network_hours, "
     "contract, cost, target, published, peer, finance_rate IN SHARE ROW EXCLUSIVE MODE"),
    "INSERT INTO cost VALUES ('3Q16', 'network', 1)",
    "INSERT INTO contract VALUES ('T0000001', '2017-01-01', NULL, 'H00001', 1)",
    "INSERT INTO tariff VALUES ('HOUSE', 'day', '2017-02-01', 1, 1)",
    "INSERT INTO holiday VALUES ('2017-02-01', 'operator', 'x')",
    "INSERT INTO limit_rule VALUES ('day_yen', '2016-12-01', 1000)",
    "SET LOCAL atm.business_day = '2017-02-01'; UPDATE hall SET share_bp = 5, area = 'kansai'",
    "UPDATE atm SET enabled = false",
    "INSERT INTO exclusion SELECT card_token, '2030-01-01', NULL FROM card",
    "SELECT ledger_make_partitions('2017-04-01', '2017-07-01')",
    "SELECT summary_step(true) FROM generate_series(1, 9)",
    "SELECT count(*) FROM report_place('2016-10-01', '2016-12-31'), v_withdrawal, v_without_end",
};

/* A withdrawal of the house bank, one that a bank approves and one that it refuses, with their ends. */
static void pass(struct world *world, int number)
{
        struct ledger_op request[3] = {{0}}, op;

        for (int i = 0; i < 3; i++) {
                ops_ask(world, &request[i], 10 * number + i, i ? WORLD_LINK_CARD + i : number % 8, 1000);
                op = request[i];
                ops_do(world, &op);
                if (op.answer.status == LEDGER_ASK) {
                        ops_outcome(&op, &request[i], i == 1 ? OUTCOME_ANSWER : OUTCOME_TIMEOUT,
                                    i == 1 ? REASON_APPROVED : REASON_ISSUER_UNAVAILABLE);
                        ops_do(world, &op);
                }
                ops_advise(&op, &request[i], 1, 1000, i ? 1000 : 0);
                ops_do(world, &op);
        }
}

/* A batch that waited for one of them would wait until the test is given up. */
START_TEST(no_batch_waits_for_a_transaction_that_a_person_left_open)
{
        struct world world;

        ops_open(&world);
        set_today(&world, "2017-02-01");
        world_sql(&world, "SELECT summary_extend('2016-12-28')");
        for (size_t i = 0; i < sizeof left_open / sizeof left_open[0]; i++) {
                PGconn *desk = world_session(&world, WORLD_OPERATOR);

                expect_told(desk, "BEGIN", "");
                say(desk, left_open[i]);
                free(hear(desk));
                ck_assert_msg(PQtransactionStatus(desk) == PQTRANS_INTRANS, "%s: %s", left_open[i],
                              PQerrorMessage(desk));
                pass(&world, (int)i + 1);
                expect_told(desk, "ROLLBACK", "");
                PQfinish(desk);
        }
        world_check_sums(&world);
        world_close(&world);
}
END_TEST

/* Of a batch that asks for a card which a person is changing, the others don't wait for him. */
START_TEST(a_card_that_a_person_holds_keeps_only_its_own_withdrawals_waiting)
{
        enum { OPS = 4 };
        struct world world;
        struct ledger_op request[OPS] = {{0}};
        PGconn *desk;
        int held = 0, others = 0;

        ops_open(&world);
        desk = world_session(&world, NULL);
        expect_told(desk, "BEGIN", "");
        expect_told(desk, "UPDATE card SET status = 'lost' WHERE pan_mask = '990001******0000'", "");
        for (int i = 0; i < OPS; i++) {
                ops_ask(&world, &request[i], i, i, 1000);
                ops_submit(&world, 0, &request[i], i ? &others : &held);
        }
        world_wait(&world, &others);
        for (int i = 1; i < OPS; i++)
                ck_assert_int_eq(request[i].answer.reason, REASON_APPROVED);
        ck_assert_int_eq(held, 1);
        expect_told(desk, "COMMIT", "");
        world_wait(&world, &held);
        ck_assert_int_eq(request[0].answer.reason, REASON_CARD_LOST);
        ck_assert_int_eq(world.problems, 0);
        world_check_sums(&world);
        PQfinish(desk);
        world_close(&world);
}
END_TEST

/* All batches are held by one function, and whoever has called it gives up before he waits for a person. */
START_TEST(who_holds_all_batches_waits_for_nobody_left_open)
{
        struct world world;
        PGconn *open, *holder;

        ops_open(&world);
        expect_value(&world,
                     "SELECT string_agg(proname, ', ') FROM pg_proc WHERE prosrc ~ 'LOCK TABLE books IN "
                     "(?!ROW SHARE)'",
                     "books_hold");
        open = world_session(&world, WORLD_OPERATOR);
        holder = world_session(&world, WORLD_OPERATOR);
        expect_told(open, "BEGIN", "");
        expect_told(open, "INSERT INTO contract VALUES ('T0000003', '2017-01-01', NULL, 'H00001', 1000)", "");
        expect_told(holder, "BEGIN; SET CONSTRAINTS contract_overlap DEFERRED", "");
        expect_told(holder, "INSERT INTO contract VALUES ('T0000003', '2017-02-01', NULL, 'H-3', 1000)", "");
        expect_told(holder, "COMMIT", "canceling statement due to lock timeout");
        expect_told(holder, "SHOW lock_timeout", "0");
        pass(&world, 1);
        expect_told(open, "COMMIT", "");
        PQfinish(open);
        PQfinish(holder);
        world_close(&world);
}
END_TEST

/* everything at once -------------------------------------------------------------------------------- */

/* What banks must be told, from one end or the other. */
enum { NOTICE_FIRST = 2001, NOTICES = 20 };
#define KEYS(order)                                                                                          \
        "array_agg(t ORDER BY s " order "), array_agg(TIMESTAMPTZ '" OPS_NOON "+09:00'), "                   \
        "array_agg(s ORDER BY s " order "), array_agg(0::smallint)"
#define OF_KEYS " FROM (SELECT s, 'T000000' || s %% 3 + 1 AS t FROM generate_series(2001, 2020) s) n"

/* What desks ask, one after the other, %d counts; a transaction at a time. The last is none: it forwards. */
static const struct {
        const char *sql[3];
} desks[] = {
    {{"SELECT r_refusal FROM period_close('%dQ16', true)",
      "SELECT summary_extend(quarter_last_day(least(%d, 4) || 'Q16'))",
      "SELECT summary_step(%d > 0) FROM generate_series(1, 4)"}},
    {{"BEGIN; INSERT INTO cost VALUES ('2Q18', 'network', %d); COMMIT",
      "DELETE FROM cost WHERE amount_yen < %d"}},
    {{"BEGIN; INSERT INTO contract VALUES ('T0000001', '2017-01-01', NULL, 'H00001', %d); COMMIT",
      "DELETE FROM contract WHERE base_fee_yen < %d"}},
    {{"UPDATE tariff SET customer_fee_yen = 100 + %d WHERE issuer = 'HOUSE' AND band = 'day'"}},
    {{"INSERT INTO holiday VALUES (DATE '2018-01-01' + %d, 'operator', 'x')",
      "INSERT INTO card_prefix VALUES ('99001' || %d, '2016-12-01', 'A', 'cash')"}},
    {{"UPDATE hall SET area = CASE area WHEN 'kanto' THEN 'kansai' ELSE 'kanto' END WHERE hall = 'H-3' AND "
      "%d > 0"}},
    {{"SET atm.business_day = '2016-12-31'; UPDATE hall SET share_bp = %d WHERE hall = 'H00002'",
      "SET atm.business_day = '2016-12-31'; UPDATE hall SET share_bp = %d WHERE hall = 'H00001'"}},
    /* the first card gets one new number after the other */
    {{"SELECT r_problem FROM card c, card_replace(ARRAY[c.card_token], ARRAY[c.pan_mask], ARRAY['HOUSE'], "
      "ARRAY['cash'], "
      "ARRAY[md5(random()::text)::uuid], ARRAY['990001******0000'], ARRAY['cash'], ARRAY['HOUSE'], "
      "ARRAY['3111'], "
      "ARRAY[CASE WHEN %d < 0 THEN 'lost' END], ARRAY[NULL]) WHERE c.card_token = (SELECT card_token FROM "
      "card WHERE "
      "issuer = "
      "'HOUSE' AND "
      "successor IS NULL ORDER BY pan_mask LIMIT 1)",
      "INSERT INTO exclusion SELECT card_token, DATE '2020-04-01' + %d, NULL FROM card ORDER BY pan_mask "
      "LIMIT 1"}},
    {{"SELECT ledger_make_partitions('2017-04-01', DATE '2017-04-01' + 90 * %d)"}},
    {{"SELECT sum(withdrawals + %d) FROM report_place('2016-10-01', '2017-03-31')",
      "SELECT summary_extend(DATE '2016-12-28' + %d)", "SELECT summary_step(%d > 0)"}},
    {{"SELECT operator_saf(%d %% 2 = 0, " KEYS("DESC") ")" OF_KEYS}},
    {{"SELECT saf_end(" KEYS("") ", array_agg('again'::text), array_agg('96' || left('%d', 0)))" OF_KEYS,
      "SELECT count(*) FROM saf_take('BANKA', 'desk', 1000, 1, %d, 20)"}},
};
enum { DESKS = sizeof desks / sizeof desks[0] };

struct desk {
        PGconn *pg;
        int asked, done;
};

/* The next statement, once the last one has ended. */
static void desk_go_on(struct desk *desk, int number)
{
        enum { CASES = sizeof desks[0].sql / sizeof desks[0].sql[0] };
        int count = 0;
        char sql[640];
        PGresult *result;

        ck_assert_int_eq(PQconsumeInput(desk->pg), 1);
        while (!PQisBusy(desk->pg) && (result = PQgetResult(desk->pg))) {
                const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

                ck_assert_msg(!sqlstate || strcmp(sqlstate, "40P01") != 0, "%s",
                              PQresultErrorMessage(result));
                desk->done += !sqlstate;
                PQclear(result);
        }
        if (PQisBusy(desk->pg))
                return;
        while (count < CASES && desks[number].sql[count])
                count++;
        desk->asked++;
        if (PQtransactionStatus(desk->pg) == PQTRANS_INERROR) {
                say(desk->pg, "ROLLBACK");
                return;
        }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sql, sizeof sql, desks[number].sql[desk->asked % count], 1 + desk->asked % 8);
#pragma GCC diagnostic pop
        say(desk->pg, sql);
}

/* A request of one of eight cards about the end of a year, or what became of one. */
static void batch_op(struct world *world, struct ledger_op *ops, int i)
{
        static const char *const moments[] = {"2016-12-30T12:00", "2016-12-31T23:50", "2017-01-01T00:10"};
        struct ledger_op *op = &ops[i], *former = &ops[i / 2];

        *op = (struct ledger_op){0};
        if (i % 2 == 0 || former->kind != LEDGER_REQUEST || former->answer.status != LEDGER_DECIDED ||
            former->answer.reason != REASON_APPROVED) {
                ops_identify(op, moments[i % 3], i);
                play_fill_request(ledger_reference(world->pg[i % WORLD_INSTANCES]), op, i * 5 % 8, 1000,
                                  10000);
        } else {
                ops_advise(op, former, 1, 1000, i % 5 ? 1000 : 0);
        }
}

/* Reversals of withdrawals that the first link's bank has not answered in time. */
static void owe_notices(struct world *world)
{
        for (int i = 0; i < NOTICES; i++) {
                struct ledger_op request = {0}, outcome;
                int pending = 0;

                ops_ask(world, &request, NOTICE_FIRST + i, WORLD_LINK_CARD + i % 4, 1000);
                ops_outcome(&outcome, &request, OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE);
                ops_submit(world, 0, &request, &pending);
                world_wait(world, &pending);
                ops_submit(world, 0, &outcome, &pending);
                world_wait(world, &pending);
        }
        ck_assert_int_eq(world_number(world, "SELECT count(*) FROM saf"), NOTICES);
}

START_TEST(batches_closes_prices_replacements_partitions_and_reports_at_once_never_deadlock)
{
        enum { OPS = 1200, WAVE = 20 };
        struct world world;
        struct desk desk[DESKS] = {0};
        struct ledger_op *op = calloc(OPS, sizeof *op);
        int pending = 0, approved = 0;

        ck_assert_ptr_nonnull(op);
        ops_open(&world);
        owe_notices(&world);
        for (int i = 0; i < DESKS; i++)
                /* who owns the tables may change what was */
                desk[i].pg =
                    world_session(&world, i == DESKS - 1                                ? "atm_daemon"
                                          : strstr(desks[i].sql[0], "atm.business_day") ? NULL
                                                                                        : WORLD_OPERATOR);
        for (int i = 0; i < OPS; i++) {
                batch_op(&world, op, i);
                ops_submit(&world, i % WORLD_INSTANCES, &op[i], &pending);
                if (i % WAVE != WAVE - 1)
                        continue;
                for (int k = 0; k < DESKS; k++)
                        desk_go_on(&desk[k], k);
                world_wait(&world, &pending);
        }
        for (int i = 0; i < OPS; i++)
                approved += op[i].kind == LEDGER_REQUEST && op[i].answer.status == LEDGER_DECIDED &&
                            op[i].answer.reason == REASON_APPROVED;
        ck_assert_int_gt(approved, 0);
        for (int i = 0; i < DESKS; i++) {
                if (getenv("ATM_TEST_VERBOSE"))
                        fprintf(stderr, "desk %d: %d asked, %d done\n", i, desk[i].asked, desk[i].done);
                free(hear(desk[i].pg));
                ck_assert_msg(desk[i].asked > 1, "desk %d: asked %d", i, desk[i].asked);
                PQfinish(desk[i].pg);
        }
        ck_assert_int_eq(
            world_number(&world, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"),
            0);
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM saf WHERE last_error = '96' AND attempts > 0"),
            NOTICES);
        /* whatever was approved has the price that its day has for good */
        expect_value(
            &world,
            "SELECT count(*) FROM withdrawal w JOIN tariff t ON t.issuer = w.issuer AND t.band = w.band"
            " AND t.from_on = w.tariff_from JOIN hall_place p ON p.hall = w.hall AND p.from_on <= "
            "w.business_date AND "
            "p.until_on > w.business_date WHERE w.reason = 0 AND (t.customer_fee_yen <> w.customer_fee_yen "
            "OR "
            "(w.customer_fee_yen + w.interbank_fee_yen) * p.share_bp / 10000 <> w.hall_share_yen)",
            "0");
        ck_assert_int_eq(world.problems, 0);
        world_check_sums(&world);
        world_close(&world);
        free(op);
}
END_TEST

/* places -------------------------------------------------------------------------------------------- */

#define DAY(day) "SET atm.business_day = '" day "'"
#define PLACES                                                                                               \
        "SELECT string_agg(concat_ws(' ', from_on, until_on, area, prefecture, share_bp), ', ' ORDER BY "    \
        "from_on) "                                                                                          \
        "FROM hall_place WHERE hall = 'H00001'"
#define VIEWED                                                                                               \
        "SELECT string_agg(concat_ws(' ', business_date, area, prefecture, withdrawals), ', ' ORDER BY "     \
        "business_date) FROM "                                                                               \
        "v_revenue WHERE hall = 'H00001'"
/* What a report by area and month has of a hall: from the cubes. */
#define REPORTED_BY_AREA(cube)                                                                               \
        "SELECT string_agg(concat_ws(' ', area, month, n), ', ' ORDER BY month, area) FROM (SELECT p.area, " \
        "s.month, "                                                                                          \
        "sum(s.withdrawals) AS n FROM " cube                                                                 \
        "('2016-12-01', '2017-01-31') s JOIN hall_place p ON p.hall = s.hall AND "                           \
        "p.from_on <= s.place_on AND p.until_on > s.place_on WHERE s.hall = 'H00001' GROUP BY 1, 2) r"

static void expect_by_area(struct world *world, const char *expected)
{
        expect_value(world, REPORTED_BY_AREA("report_atm"), expected);
        expect_value(world, REPORTED_BY_AREA("report_place"), expected);
        expect_value(world, REPORTED_BY_AREA("report_day"), expected);
        expect_value(world, REPORTED_BY_AREA("report_hour"), expected);
}

static const struct statement moves[] = {
    {DAY("2016-12-31") "; UPDATE hall SET area = 'kansai' WHERE hall = 'H00001'",
     "hall H00001: the books are closed through 2016-12-31"},
    {DAY("2017-01-04") "; UPDATE hall SET area = 'kansai', prefecture = '大阪府' WHERE hall = 'H00001'",
     NULL},
    {"UPDATE hall SET share_bp = 500 WHERE hall = 'H00001'", NULL},                 /* the same day */
    {"UPDATE hall SET name = 'uno', opens_minute = 1 WHERE hall = 'H00001'", NULL}, /* moves nothing */
    {DAY("2017-01-03") "; UPDATE hall SET share_bp = 600 WHERE hall = 'H00001'",
     "hall H00001: it changes on 2017-01-04 already"},
    {"UPDATE hall SET name = 'one', opens_minute = 0 WHERE hall = 'H00001'", NULL},
};

START_TEST(a_hall_that_moves_keeps_its_past)
{
        struct world world;
        struct ledger_op request[2], late;
        PGconn *desk;

        ops_open(&world);
        approve(&world, request, 1);
        dispense(&world, &request[0], 1, AMOUNT_YEN);
        expect_value(&world, VIEWED, "2016-12-29 kanto 東京都 1");
        desk = world_session(&world, WORLD_OPERATOR);
        world_enter_costs(&world);
        expect_value(&world, "SELECT summary_extend('2016-12-31')", "t");
        world_sql(&world, ALL_STEPS);
        expect_told(desk, CLOSE, "done 0");
        set_today(&world, "2016-12-31");
        try_statements(desk, moves, sizeof moves / sizeof moves[0]);
        expect_value(&world, PLACES,
                     "0001-01-01 2017-01-04 kanto 東京都 0, 2017-01-04 infinity kansai 大阪府 500");
        world_refresh(&world);
        memset(&late, 0, sizeof late);
        ops_identify(&late, "2017-01-03T12:00", 6);
        play_fill_request(world_reference(&world), &late, 3, AMOUNT_YEN, 10000);
        ops_do(&world, &late);
        ck_assert_int_eq(late.answer.reason, REASON_APPROVED);
        ck_assert_int_eq(late.request.price.hall_share_yen, 0); /* the share of its day */
        dispense(&world, &late, 6, AMOUNT_YEN);
        memset(&late, 0, sizeof late);
        ops_identify(&late, "2017-01-04T12:00", 9);
        play_fill_request(world_reference(&world), &late, 4, AMOUNT_YEN, 10000);
        ops_do(&world, &late);
        ck_assert_int_eq(late.request.price.hall_share_yen, 10); /* 500 basis points of 200 yen */
        dispense(&world, &late, 9, AMOUNT_YEN);
        expect_value(&world, VIEWED,
                     "2016-12-29 kanto 東京都 1, 2017-01-03 kanto 東京都 1, 2017-01-04 kansai 大阪府 1");
        expect_by_area(&world, "kanto 2016-12-01 1, kansai 2017-01-01 1, kanto 2017-01-01 1");
        set_today(&world, "2022-01-01");
        expect_value(&world, "SELECT summary_extend('2017-01-31')", "t");
        world_sql(&world, ALL_STEPS);
        set_today(&world, "2017-01-04");
        expect_value(&world, SUMMED_MONTHS, "2016-12-01, 2017-01-01");
        expect_by_area(&world, "kanto 2016-12-01 1, kansai 2017-01-01 1, kanto 2017-01-01 1");
        /* a month in which a hall moves is summed up anew */
        expect_told(desk, DAY("2017-01-05") "; UPDATE hall SET area = 'kanto' WHERE hall = 'H00001'", "");
        expect_value(&world, SUMMED_MONTHS, "2016-12-01");
        world_check_sums(&world);
        expect_by_area(&world, "kanto 2016-12-01 1, kansai 2017-01-01 1, kanto 2017-01-01 1");
        world_sql(&world, ALL_STEPS);
        expect_value(&world, SUMMED_MONTHS, "2016-12-01, 2017-01-01");
        /* and none, where it moves on a day that has no sums yet */
        expect_told(desk, DAY("2017-02-01") "; UPDATE hall SET area = 'kansai' WHERE hall = 'H00001'", "");
        expect_value(&world, SUMMED_MONTHS, "2016-12-01, 2017-01-01");
        world_check_sums(&world);
        PQfinish(desk);
        world_close(&world);
}
END_TEST

START_TEST(who_moves_a_hall_without_a_day_moves_what_is_not_posted)
{
        struct world world;
        struct ledger_op request;

        ops_open(&world);
        world_sql(&world, "UPDATE hall SET share_bp = 100 WHERE hall = 'H00001'");
        expect_value(&world, PLACES, "0001-01-01 infinity kanto 東京都 100");
        world_refresh(&world);
        approve(&world, &request, 1);
        dispense(&world, &request, 1, AMOUNT_YEN);
        world_sql(&world, "UPDATE hall SET area = 'kansai' WHERE hall = 'H00001'");
        expect_value(&world, PLACES,
                     "0001-01-01 2016-12-29 kanto 東京都 100, 2016-12-29 infinity kansai 東京都 100");
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("closing");
        TCase *closing = tcase_create("closing"), *summaries = tcase_create("summaries"),
              *guards = tcase_create("guards"), *places = tcase_create("places"),
              *together = tcase_create("together");

        tcase_set_timeout(closing, 120);
        tcase_add_loop_test(closing, a_close_waits_for_a_batch_in_flight, 0, 2);
        tcase_add_test(closing, a_batch_that_comes_while_a_close_waits_is_not_held_up);
        tcase_add_test(closing, a_batch_that_comes_during_a_close_is_posted_on_the_first_open_day);
        tcase_add_test(closing, what_is_corrected_after_a_close_is_posted_on_the_first_open_day);
        tcase_add_test(closing, a_quarter_whose_days_can_not_be_summed_up_is_not_closed);
        tcase_add_test(closing, a_missing_cost_keeps_a_quarter_and_later_ones_open_unless_forced);
        tcase_add_test(closing, quarters_without_partitions_have_what_is_posted_and_due_in_them);
        tcase_add_test(closing, what_has_no_end_keeps_a_quarter_open_unless_forced);
        tcase_set_timeout(summaries, 120);
        tcase_add_test(summaries, a_late_post_is_in_the_reports_at_once_and_in_the_sums_with_the_next_step);
        tcase_add_test(summaries, nobody_who_posts_waits_for_who_sums_up_and_nothing_is_lost_between_them);
        tcase_add_test(summaries, days_are_summed_up_after_the_batches_that_did_not_know);
        tcase_set_timeout(places, 120);
        tcase_add_test(places, a_hall_that_moves_keeps_its_past);
        tcase_add_test(places, who_moves_a_hall_without_a_day_moves_what_is_not_posted);
        tcase_set_timeout(guards, 120);
        tcase_add_test(guards, what_counts_for_a_closed_day_neither_comes_nor_changes_nor_goes);
        tcase_add_test(guards, who_changes_what_a_close_counted_meanwhile_is_refused_at_his_commit);
        tcase_add_test(guards, partitions_and_batches_do_not_wait_for_each_other);
        tcase_add_test(guards, no_price_changes_under_a_batch_on_its_way);
        tcase_add_test(guards, the_second_check_of_prices_reads_withdrawals_once_while_the_fleet_waits);
        tcase_add_test(guards, what_a_price_follows_from_is_fixed_where_anything_was_approved);
        tcase_add_test(guards, an_atm_stands_in_one_place_at_a_time);
        suite_add_tcase(suite, closing);
        suite_add_tcase(suite, summaries);
        suite_add_tcase(suite, places);
        tcase_set_timeout(together, 120);
        tcase_add_test(together, no_batch_waits_for_a_transaction_that_a_person_left_open);
        tcase_add_test(together, a_card_that_a_person_holds_keeps_only_its_own_withdrawals_waiting);
        tcase_add_test(together, who_holds_all_batches_waits_for_nobody_left_open);
        tcase_add_test(together,
                       batches_closes_prices_replacements_partitions_and_reports_at_once_never_deadlock);
        suite_add_tcase(suite, guards);
        suite_add_tcase(suite, together);
        return suite_run(suite);
}
