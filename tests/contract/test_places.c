/* Halls that move keep their past: each day counts where it was earned. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/books.h"

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
        books_have(world, REPORTED_BY_AREA("report_atm"), expected);
        books_have(world, REPORTED_BY_AREA("report_place"), expected);
        books_have(world, REPORTED_BY_AREA("report_day"), expected);
        books_have(world, REPORTED_BY_AREA("report_hour"), expected);
}

static const struct desk_statement moves[] = {
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
        books_approve(&world, request, 1);
        books_dispense(&world, &request[0], 1, AMOUNT_YEN);
        books_have(&world, VIEWED, "2016-12-29 kanto 東京都 1");
        desk = world_session(&world, WORLD_OPERATOR);
        world_enter_costs(&world);
        books_have(&world, "SELECT summary_extend('2016-12-31')", "t");
        world_sql(&world, ALL_STEPS);
        desk_told(desk, CLOSE, "done 0");
        books_today(&world, "2016-12-31");
        desk_try(desk, moves, sizeof moves / sizeof moves[0]);
        books_have(&world, PLACES,
                   "0001-01-01 2017-01-04 kanto 東京都 0, 2017-01-04 infinity kansai 大阪府 500");
        world_refresh(&world);
        memset(&late, 0, sizeof late);
        ops_identify(&late, "2017-01-03T12:00", 6);
        play_fill_request(world_reference(&world), &late, 3, AMOUNT_YEN, 10000);
        ops_do(&world, &late);
        ck_assert_int_eq(late.answer.reason, REASON_APPROVED);
        ck_assert_int_eq(late.request.price.hall_share_yen, 0); /* the share of its day */
        books_dispense(&world, &late, 6, AMOUNT_YEN);
        memset(&late, 0, sizeof late);
        ops_identify(&late, "2017-01-04T12:00", 9);
        play_fill_request(world_reference(&world), &late, 4, AMOUNT_YEN, 10000);
        ops_do(&world, &late);
        ck_assert_int_eq(late.request.price.hall_share_yen, 10); /* 500 basis points of 200 yen */
        books_dispense(&world, &late, 9, AMOUNT_YEN);
        books_have(&world, VIEWED,
                   "2016-12-29 kanto 東京都 1, 2017-01-03 kanto 東京都 1, 2017-01-04 kansai 大阪府 1");
        expect_by_area(&world, "kanto 2016-12-01 1, kansai 2017-01-01 1, kanto 2017-01-01 1");
        books_today(&world, "2022-01-01");
        books_have(&world, "SELECT summary_extend('2017-01-31')", "t");
        world_sql(&world, ALL_STEPS);
        books_today(&world, "2017-01-04");
        books_have(&world, SUMMED_MONTHS, "2016-12-01, 2017-01-01");
        expect_by_area(&world, "kanto 2016-12-01 1, kansai 2017-01-01 1, kanto 2017-01-01 1");
        /* a month in which a hall moves is summed up anew */
        desk_told(desk, DAY("2017-01-05") "; UPDATE hall SET area = 'kanto' WHERE hall = 'H00001'", "");
        books_have(&world, SUMMED_MONTHS, "2016-12-01");
        world_check_sums(&world);
        expect_by_area(&world, "kanto 2016-12-01 1, kansai 2017-01-01 1, kanto 2017-01-01 1");
        world_sql(&world, ALL_STEPS);
        books_have(&world, SUMMED_MONTHS, "2016-12-01, 2017-01-01");
        /* and none, where it moves on a day that has no sums yet */
        desk_told(desk, DAY("2017-02-01") "; UPDATE hall SET area = 'kansai' WHERE hall = 'H00001'", "");
        books_have(&world, SUMMED_MONTHS, "2016-12-01, 2017-01-01");
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
        books_have(&world, PLACES, "0001-01-01 infinity kanto 東京都 100");
        world_refresh(&world);
        books_approve(&world, &request, 1);
        books_dispense(&world, &request, 1, AMOUNT_YEN);
        world_sql(&world, "UPDATE hall SET area = 'kansai' WHERE hall = 'H00001'");
        books_have(&world, PLACES,
                   "0001-01-01 2016-12-29 kanto 東京都 100, 2016-12-29 infinity kansai 東京都 100");
        world_close(&world);
}
END_TEST

TCase *places_tests(void)
{
        TCase *places = tcase_create("places");

        tcase_set_timeout(places, 120);
        tcase_add_test(places, a_hall_that_moves_keeps_its_past);
        tcase_add_test(places, who_moves_a_hall_without_a_day_moves_what_is_not_posted);
        return places;
}
