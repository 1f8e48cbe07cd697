/*
 * The contract of the books: whoever closes a quarter waits for batches on their way and counts them, what comes later is posted on the first open day, and what
 * is closed stays as it was. Sums, guards, locks and places are tests of their own files in this program.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/closing.h"
#include "tests/contract/books.h"
#include "tests/suite.h"

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
        books_approve(&world, &request, 1);
        books_sum_up_quarters(&world);
        batch = world_session(&world, NULL);
        closer = world_session(&world, WORLD_OPERATOR);
        desk_told(batch, "BEGIN", "");
        desk_told(batch, books_completion_sql(&request), "f");
        desk_say(closer, CLOSE);
        desk_waits(&world, closer);
        desk_told(batch, cases[_i].end, "");
        desk_heard(closer, cases[_i].closed, "the close");
        books_have(&world, POSTINGS, cases[_i].postings);
        if (_i == 0)
                books_have(&world, PERIOD, "0 1 10000 200");
        else
                books_have(&world, "SELECT closed_through IS NULL FROM books", "t");
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
        books_approve(&world, request, 2);
        books_sum_up_quarters(&world);
        batch = world_session(&world, NULL);
        closer = world_session(&world, WORLD_OPERATOR);
        desk_told(batch, "BEGIN", "");
        desk_told(batch, books_completion_sql(&request[0]), "f");
        desk_say(closer, CLOSE);
        desk_waits(&world, closer);
        ops_advise(&late, &request[1], 1, AMOUNT_YEN, AMOUNT_YEN);
        ops_submit(&world, 1, &late, &pending);
        world_wait(&world, &pending);
        ck_assert_int_eq(late.answer.status, LEDGER_DECIDED);
        desk_told(batch, "COMMIT", "");
        desk_heard(closer, "done 0", "the close");
        books_have(&world, POSTINGS, "2016-12-29 2016-12-29 1 10000, 2016-12-29 2016-12-29 1 10000");
        books_have(&world, PERIOD, "0 2 20000 400");
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
        books_approve(&world, request, 2);
        books_dispense(&world, &request[0], 1, AMOUNT_YEN);
        books_sum_up_quarters(&world);
        closer = world_session(&world, WORLD_OPERATOR);
        desk_told(closer, "BEGIN", "");
        desk_told(closer, CLOSE_FORCED, "done 1");
        /* an instance of atmd, which now stands behind whoever closes */
        ops_advise(&late, &request[1], 1, AMOUNT_YEN, AMOUNT_YEN);
        ops_submit(&world, 1, &late, &pending);
        for (int i = 0; i < 20; i++) {
                event_base_loop(world.base, EVLOOP_NONBLOCK);
                nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        }
        ck_assert_int_eq(pending, 1);
        desk_told(closer, "COMMIT", "");
        world_wait(&world, &pending);
        ck_assert_int_eq(late.answer.status, LEDGER_DECIDED);
        books_have(&world, POSTINGS, "2016-12-29 2016-12-29 1 10000, 2016-12-29 2017-01-01 1 10000");
        books_have(&world, PERIOD, "1 1 10000 200");
        books_have(&world, CLOSED_DAYS, "1 10000 200");
        books_have(&world,
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
                books_approve(&world, &request, 1);
                books_dispense(&world, &request, 1, AMOUNT_YEN);
                books_sum_up_quarters(&world);
                closer = world_session(&world, WORLD_OPERATOR);
                desk_told(closer, CLOSE, "done 0");
                books_dispense(&world, &request, 2, cases[i].dispensed_yen);
                snprintf(postings, sizeof postings, "2016-12-29 2016-12-29 1 10000%s", cases[i].posted);
                books_have(&world, POSTINGS, postings);
                books_have(&world, PERIOD, "0 1 10000 200");
                books_have(&world, CLOSED_DAYS, "1 10000 200");
                books_have(&world,
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
        books_approve(&world, &request, 1);
        books_dispense(&world, &request, 1, AMOUNT_YEN);
        closer = world_session(&world, WORLD_OPERATOR);
        world_enter_costs(&world);
        desk_told(closer, CLOSE_FORCED, "not summed 0");
        world_sql(&world, "REVOKE EXECUTE ON FUNCTION summary_step FROM atm_operator");
        ck_assert_int_eq(closing_close(closer, &question, &without_end, error), CLOSING_FAILED);
        ck_assert_msg(strstr(error, "try again") && strstr(error, "permission denied"), "%s", error);
        books_have(&world, "SELECT count(*) FROM period", "0");
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
        books_sum_up_quarters(&world);
        world_sql(&world, "DELETE FROM cost WHERE quarter = '3Q16' AND item IN ('network', 'sga')");
        closer = world_session(&world, WORLD_OPERATOR);
        books_have(&world, missing, "4Q16 0"); /* nothing is known of the one before */
        books_approve(&world, &request, 1);
        books_dispense(&world, &request, 1, AMOUNT_YEN);
        world_sql(&world, ALL_STEPS);
        books_have(&world, missing, "3Q16 1 network sga, 4Q16 0");
        desk_told(closer, "SELECT r_refusal FROM period_close('4Q16', false)", "missing");
        books_have(&world, "SELECT count(*) FROM period", "0");
        books_have(&world, "SELECT closed_through IS NULL FROM books", "t");
        desk_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('4Q16', true)", "done");
        books_have(&world, PERIOD, "0 1 10000 200");
        books_have(&world, "SELECT concat_ws(' ', from_on, to_on) FROM period WHERE quarter = '3Q16'",
                   "2016-10-01 2016-12-31");
        books_have(&world, "SELECT count(*) FROM closing_quarters('4Q16')", "0");
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
        books_approve(&world, &request, 1);
        books_sum_up_quarters(&world);
        closer = world_session(&world, WORLD_OPERATOR);
        desk_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('4Q16', true)", "done");
        books_have(&world, "SELECT max(to_on) FROM ledger_partition", "2017-04-01");
        books_dispense(&world, &request, 1, AMOUNT_YEN);
        books_have(&world, POSTINGS, "2016-12-29 2017-04-01 1 10000");
        books_have(&world, reported, "1");
        world_check_sums(&world);
        books_have(&world, "SELECT summary_extend('2017-06-30')", "t");
        world_sql(&world, ALL_STEPS);
        books_have(&world, UNSUMMED, "0");
        books_have(&world, SUMS, BY_DAY("1"));
        books_have(&world, reported, "1");
        books_dispense(&world, &request, 2, 0); /* and once more, on a day that has sums by now */
        books_have(&world, reported, "0");
        books_have(&world, UNSUMMED, "1");
        world_check_sums(&world);
        world_sql(&world, ALL_STEPS);
        books_have(&world, UNSUMMED, "0");
        world_check_sums(&world);

        world_sql(&world,
                  "INSERT INTO contract VALUES ('T0000001', '2017-09-01', '2017-10-01', 'H00001', 3000)");
        books_have(&world, closing, "1Q17 0 0 f, 2Q17 0 3000 f");
        desk_told(closer, "SELECT r_refusal FROM period_close('1Q17', false)", "missing");
        desk_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('1Q17', true)", "done");
        desk_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('3Q17', true)", "done");
        books_have(&world,
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
        books_approve(&world, request, 2);
        memset(&asked, 0, sizeof asked);
        ops_ask(&world, &asked, 7, WORLD_LINK_CARD, AMOUNT_YEN);
        ops_submit(&world, 0, &asked, &pending);
        ops_identify(&later, "2017-01-04T12:00", 8); /* of the next quarter: not in the way */
        play_fill_request(world_reference(&world), &later, 5, AMOUNT_YEN, 10000);
        ops_submit(&world, 0, &later, &pending);
        world_wait(&world, &pending);
        books_sum_up_quarters(&world);
        closer = world_session(&world, WORLD_OPERATOR);
        desk_told(closer, CLOSE, "without end 3");
        books_dispense(&world, &request[0], 1, AMOUNT_YEN);
        books_dispense(&world, &asked, 1, 0);
        desk_told(closer, CLOSE, "without end 1");
        books_have(&world, "SELECT count(*) FROM period", "0");
        desk_told(closer, CLOSE_FORCED, "done 1");
        books_have(&world, PERIOD, "1 1 10000 200");
        books_have(&world, "SELECT who FROM period WHERE quarter = '3Q16'", WORLD_OPERATOR "/test");
        /* once is enough, be it forced, and what lies before it is closed with it */
        desk_told(closer, CLOSE, "closed 0");
        desk_told(closer, CLOSE_FORCED, "closed 0");
        desk_told(closer, "SELECT r_refusal FROM period_close('2Q16', true)", "closed");
        books_have(&world, "SELECT closed_through FROM books", "2016-12-31");
        desk_told(closer, "SELECT r_refusal FROM period_close('4Q16', false)", "without end");
        books_dispense(&world, &request[1], 1, AMOUNT_YEN);
        books_dispense(&world, &later, 1, AMOUNT_YEN);
        desk_told(closer, "SELECT coalesce(r_refusal, 'done') FROM period_close('4Q16', false)", "done");
        books_have(&world, "SELECT concat_ws(' ', withdrawals, cash_yen) FROM period WHERE quarter = '4Q16'",
                   "2 20000");
        books_have(&world, PERIOD, "1 1 10000 200");
        world_check_sums(&world);
        PQfinish(closer);
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("closing");
        TCase *closing = tcase_create("closing");

        tcase_set_timeout(closing, 120);
        tcase_add_loop_test(closing, a_close_waits_for_a_batch_in_flight, 0, 2);
        tcase_add_test(closing, a_batch_that_comes_while_a_close_waits_is_not_held_up);
        tcase_add_test(closing, a_batch_that_comes_during_a_close_is_posted_on_the_first_open_day);
        tcase_add_test(closing, what_is_corrected_after_a_close_is_posted_on_the_first_open_day);
        tcase_add_test(closing, a_quarter_whose_days_can_not_be_summed_up_is_not_closed);
        tcase_add_test(closing, a_missing_cost_keeps_a_quarter_and_later_ones_open_unless_forced);
        tcase_add_test(closing, quarters_without_partitions_have_what_is_posted_and_due_in_them);
        tcase_add_test(closing, what_has_no_end_keeps_a_quarter_open_unless_forced);
        suite_add_tcase(suite, closing);
        suite_add_tcase(suite, summaries_tests());
        suite_add_tcase(suite, places_tests());
        suite_add_tcase(suite, guards_tests());
        suite_add_tcase(suite, together_tests());
        return suite_run(suite);
}
