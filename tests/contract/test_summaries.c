/* Days and months that are summed up: whatever is posted late is in the reports at once and in the sums with the next step, whenever it comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/books.h"

/* All days through 30 December. */
static void sum_up(struct world *world)
{
        books_have(world, "SELECT summary_extend('2016-12-30')", "t");
        world_sql(world, ALL_STEPS);
}

START_TEST(a_late_post_is_in_the_reports_at_once_and_in_the_sums_with_the_next_step)
{
        struct world world;
        struct ledger_op request[2];

        ops_open(&world);
        books_approve(&world, request, 2);
        books_dispense(&world, &request[0], 1, AMOUNT_YEN);
        sum_up(&world);
        books_have(&world, SUMS, BY_DAY("1"));
        books_have(&world, UNSUMMED, "0");
        books_dispense(&world, &request[1], 1, AMOUNT_YEN);
        books_have(&world, SUMS, BY_DAY("1"));
        books_have(&world, UNSUMMED, "1");
        books_have(&world, REPORTED, "2");
        world_check_sums(&world);
        books_have(&world, "SELECT summary_step(false)", "posts");
        books_have(&world, "SELECT summary_step(false) IS NULL", "t");
        books_have(&world, SUMS, BY_DAY("2"));
        books_have(&world, UNSUMMED, "0");
        books_have(&world, REPORTED, "2");
        world_check_sums(&world);
        /* what changes no sum is no post */
        books_dispense(&world, &request[1], 2, AMOUNT_YEN);
        books_have(&world, UNSUMMED, "0");
        /* its month is over: sums of its days become the month's, and what comes still later goes there */
        books_have(&world, "SELECT summary_extend('2016-12-31')", "t");
        books_have(&world, "SELECT summary_step(false)", "2016-12-31");
        books_have(&world, "SELECT summary_step(false) IS NULL", "t"); /* a report leaves it in its days */
        books_have(&world, REPORTED, "2");
        books_have(&world, "SELECT summary_step(true)", "2016-12");
        books_have(&world, SUMS, BY_MONTH("2"));
        books_have(&world, REPORTED, "2");
        world_check_sums(&world);
        books_dispense(&world, &request[0], 3, 0);
        books_have(&world, REPORTED, "1");
        books_have(&world, "SELECT summary_step(true)", "posts");
        books_have(&world, SUMS, BY_MONTH("1"));
        books_have(&world, REPORTED, "1");
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
        books_approve(&world, request, 4);
        books_dispense(&world, &request[0], 1, AMOUNT_YEN);
        books_have(&world, "SELECT summary_extend('2016-12-30')", "t");
        builder = world_session(&world, WORLD_OPERATOR);
        other = world_session(&world, WORLD_OPERATOR);
        batch = world_session(&world, NULL);
        /* a batch that begins first, and one that begins and ends while the day is summed up */
        desk_told(batch, "BEGIN", "");
        desk_told(batch, books_completion_sql(&request[1]), "f");
        desk_told(builder, "BEGIN", "");
        desk_told(builder, ALL_STEPS, "");
        books_dispense(&world, &request[2], 1, AMOUNT_YEN);
        books_have(&world, REPORTED, "2");
        desk_say(other, "SELECT coalesce(summary_step(true), 'nothing')"); /* one sums up at a time */
        desk_waits(&world, other);
        desk_told(builder, "COMMIT", "");
        books_have(&world, REPORTED, "2");
        desk_heard(other, "posts", "who sums up next");
        desk_told(batch, "COMMIT", "");
        books_have(&world, SUMS, BY_DAY("2"));
        books_have(&world, UNSUMMED, "1");
        books_have(&world, REPORTED, "3");
        world_check_sums(&world);
        /* likewise when what was posted late is added */
        desk_told(batch, "BEGIN", "");
        desk_told(batch, books_completion_sql(&request[3]), "f");
        desk_told(builder, "SELECT summary_step(true)", "posts");
        desk_told(batch, "COMMIT", "");
        books_have(&world, SUMS, BY_DAY("3"));
        books_have(&world, REPORTED, "4");
        world_check_sums(&world);
        world_sql(&world, ALL_STEPS);
        books_have(&world, SUMS, BY_DAY("4"));
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
        books_approve(&world, request, 2);
        builder = world_session(&world, WORLD_OPERATOR);
        batch = world_session(&world, NULL);
        desk_told(batch, "BEGIN", "");
        desk_told(batch, books_completion_sql(&request[0]), "f");
        desk_say(builder, "SELECT summary_extend('2016-12-30')");
        desk_waits(&world, builder);
        books_dispense(&world, &request[1], 1, AMOUNT_YEN); /* the fleet goes on */
        books_have(&world, "SELECT summed_through IS NULL FROM books", "t");
        desk_told(batch, "COMMIT", "");
        desk_heard(builder, "t", "the days");
        desk_told(builder, ALL_STEPS, "");
        books_have(&world, UNSUMMED, "0");
        books_have(&world, SUMS, BY_DAY("2"));
        books_have(&world, REPORTED, "2");
        world_check_sums(&world);
        PQfinish(builder);
        PQfinish(batch);
        world_close(&world);
}
END_TEST

TCase *summaries_tests(void)
{
        TCase *summaries = tcase_create("summaries");

        tcase_set_timeout(summaries, 120);
        tcase_add_test(summaries, a_late_post_is_in_the_reports_at_once_and_in_the_sums_with_the_next_step);
        tcase_add_test(summaries, nobody_who_posts_waits_for_who_sums_up_and_nothing_is_lost_between_them);
        tcase_add_test(summaries, days_are_summed_up_after_the_batches_that_did_not_know);
        return summaries;
}
