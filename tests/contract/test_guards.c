/* What may not change any more: what counts for a closed day, and what a price follows from that somebody was told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/books.h"

#define CLOSED ": the books are closed through 2016-12-31"

static const struct desk_statement before_the_close[] = {
    {"INSERT INTO contract VALUES ('T0000001', '2016-10-01', NULL, 'H00001', 1000)", NULL},
    {"INSERT INTO contract VALUES ('T0000002', '2016-10-01', '2016-12-01', 'H00001', 1000)", NULL},
    {"INSERT INTO cost VALUES ('3Q16', 'network', 100)", NULL},
    {"INSERT INTO target VALUES (2016, 'revenue', '2016-05-10', 100)", NULL},
    {"INSERT INTO published VALUES ('3Q16', 'revenue', 100, 'x')", NULL},
    {"INSERT INTO finance_rate VALUES ('income_tax', '2016-04-01', 3000)", NULL},
    {"INSERT INTO peer VALUES ('SEVEN', 'revenue_yen', 100, 'x')", NULL},
};

static const struct desk_statement after_the_close[] = {
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
        desk_try(desk, before_the_close, sizeof before_the_close / sizeof before_the_close[0]);
        books_sum_up_quarters(&world);
        changes = world_number(&world, "SELECT count(*) FROM trail WHERE noun <> 'period'");
        desk_told(desk, CLOSE, "done 0");
        books_have(&world, "SELECT base_fee_yen FROM period WHERE quarter = '3Q16'",
                   "5000"); /* 3 months of one, 2 of the other */
        desk_try(desk, after_the_close, sizeof after_the_close / sizeof after_the_close[0]);
        for (size_t i = 0; i < sizeof after_the_close / sizeof after_the_close[0]; i++)
                done += !after_the_close[i].refusal;
        /* each that was done left its trace, but for the one that changed nothing */
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM trail WHERE noun <> 'period'") - changes,
                         done - 1);
        books_have(&world, "SELECT sum(base_fee_yen) FROM report_base_fee('2016-10-01', '2016-12-31')",
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
                books_today(&world, "2016-12-30");
                desk_told(desk, cases[i].before, "");
                books_today(&world, "2022-01-01");
                books_sum_up_quarters(&world);
                books_today(&world, "2016-12-30");
                desk_told(desk, "BEGIN", "");
                desk_told(desk, cases[i].change, "");
                books_today(&world, "2022-01-01");
                desk_told(closer, CLOSE, "done 0");
                desk_told(desk, "COMMIT", cases[i].refusal);
                books_have(&world, "SELECT base_fee_yen FROM period WHERE quarter = '3Q16'", "0");
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
                books_today(&world, "2016-12-29");
                ops_ask(&world, &request, 3, 0, AMOUNT_YEN);
                batch = world_session(&world, NULL);
                desk = world_session(&world, WORLD_OPERATOR);
                desk_told(batch, "BEGIN", "");
                desk_told(batch, ops_request_sql(&request), "0");
                /* what the second check goes by is nobody's to say */
                desk_told(desk,
                          "SET atm.priced_since = 'infinity'; SET atm.priced_span = 'empty'; SET "
                          "atm.priced_lately = 'none'",
                          "");
                desk_say(desk, price_changes[i / 2].change);
                desk_waits(&world, desk);
                desk_told(batch, commits ? "COMMIT" : "ROLLBACK", "");
                desk_heard(desk, commits ? price_changes[i / 2].refusal : "", price_changes[i / 2].change);
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
        books_approve(&world, &request, 1);
        desk = world_session(&world, NULL);
        desk_told(desk, "SET track_functions = 'all'; BEGIN", "");
        desk_told(
            desk,
            "INSERT INTO holiday SELECT d::date, 'operator', 'x' FROM generate_series(DATE '2017-02-01', "
            "'2017-03-02', INTERVAL '1 day') d",
            "");
        desk_told(desk, LOOK_UPS, "30 0");
        desk_told(desk, "SET CONSTRAINTS ALL IMMEDIATE", "");
        desk_told(desk, LOOK_UPS, "30 0");
        desk_told(desk, "COMMIT; BEGIN", "");
        desk_told(desk,
                  "INSERT INTO card_prefix SELECT '99' || n, '2016-12-01', 'A', 'cash' FROM "
                  "generate_series(100, 119) n",
                  "");
        desk_told(desk, "SET CONSTRAINTS ALL IMMEDIATE", "");
        desk_told(desk, LOOK_UPS, "50 1");
        desk_told(desk, "COMMIT", "");
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
        books_today(&world, "2016-12-29");
        books_approve(&world, &request, 1);
        books_dispense(&world, &request, 1, 0);
        desk = world_session(&world, WORLD_OPERATOR);
        for (int i = 0; i < PRICE_CHANGES; i++)
                desk_told(desk, price_changes[i].change, price_changes[i].refusal);
        for (size_t i = 0; i < sizeof free_changes / sizeof free_changes[0]; i++)
                desk_told(desk, free_changes[i], "");
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
        desk_told(batch, "BEGIN", "");
        desk_told(batch, ops_request_sql(&request[0]), "0");
        desk_told(desk, "BEGIN", "");
        desk_told(desk, "SELECT ledger_make_partitions('2017-04-01', '2017-07-01')", "1");
        desk_told(batch, ops_request_sql(&request[1]), "0");
        desk_told(batch, "COMMIT", "");
        desk_told(desk, "COMMIT", "");
        books_have(&world, "SELECT count(*) FROM withdrawal", "2");
        /* each is as those that were made with the tables */
        books_have(&world,
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

static const struct desk_statement contracts[] = {
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
        desk_try(one, contracts, sizeof contracts / sizeof contracts[0]);
        /* two operators at the same time: the second waits, and then sees the first's */
        other = world_session(&world, WORLD_OPERATOR);
        desk_told(one, "BEGIN", "");
        desk_told(one, "INSERT INTO contract VALUES ('T0000003', '2017-01-01', NULL, 'H00001', 1000)", "");
        desk_say(other, "INSERT INTO contract VALUES ('T0000003', '2017-02-01', NULL, 'H-3', 1000)");
        desk_waits(&world, other);
        desk_told(one, "COMMIT", "");
        desk_heard(other,
                   "contract of T0000003 from 2017-02-01: overlaps the one from 2017-01-01, which has no "
                   "end, in hall H00001",
                   "the second operator");
        PQfinish(one);
        PQfinish(other);
        world_close(&world);
}
END_TEST

TCase *guards_tests(void)
{
        TCase *guards = tcase_create("guards");

        tcase_set_timeout(guards, 120);
        tcase_add_test(guards, what_counts_for_a_closed_day_neither_comes_nor_changes_nor_goes);
        tcase_add_test(guards, who_changes_what_a_close_counted_meanwhile_is_refused_at_his_commit);
        tcase_add_test(guards, partitions_and_batches_do_not_wait_for_each_other);
        tcase_add_test(guards, no_price_changes_under_a_batch_on_its_way);
        tcase_add_test(guards, the_second_check_of_prices_reads_withdrawals_once_while_the_fleet_waits);
        tcase_add_test(guards, what_a_price_follows_from_is_fixed_where_anything_was_approved);
        tcase_add_test(guards, an_atm_stands_in_one_place_at_a_time);
        return guards;
}
