/* Who waits for whom: batches for no person, and everything at once for nobody for ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/contract/books.h"

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
        books_today(&world, "2017-02-01");
        world_sql(&world, "SELECT summary_extend('2016-12-28')");
        for (size_t i = 0; i < sizeof left_open / sizeof left_open[0]; i++) {
                PGconn *desk = world_session(&world, WORLD_OPERATOR);

                desk_told(desk, "BEGIN", "");
                desk_say(desk, left_open[i]);
                free(desk_hear(desk));
                ck_assert_msg(PQtransactionStatus(desk) == PQTRANS_INTRANS, "%s: %s", left_open[i],
                              PQerrorMessage(desk));
                pass(&world, (int)i + 1);
                desk_told(desk, "ROLLBACK", "");
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
        desk_told(desk, "BEGIN", "");
        desk_told(desk, "UPDATE card SET status = 'lost' WHERE pan_mask = '990001******0000'", "");
        for (int i = 0; i < OPS; i++) {
                ops_ask(&world, &request[i], i, i, 1000);
                ops_submit(&world, 0, &request[i], i ? &others : &held);
        }
        world_wait(&world, &others);
        for (int i = 1; i < OPS; i++)
                ck_assert_int_eq(request[i].answer.reason, REASON_APPROVED);
        ck_assert_int_eq(held, 1);
        desk_told(desk, "COMMIT", "");
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
        books_have(&world,
                   "SELECT string_agg(proname, ', ') FROM pg_proc WHERE prosrc ~ 'LOCK TABLE books IN "
                   "(?!ROW SHARE)'",
                   "books_hold");
        open = world_session(&world, WORLD_OPERATOR);
        holder = world_session(&world, WORLD_OPERATOR);
        desk_told(open, "BEGIN", "");
        desk_told(open, "INSERT INTO contract VALUES ('T0000003', '2017-01-01', NULL, 'H00001', 1000)", "");
        desk_told(holder, "BEGIN; SET CONSTRAINTS contract_overlap DEFERRED", "");
        desk_told(holder, "INSERT INTO contract VALUES ('T0000003', '2017-02-01', NULL, 'H-3', 1000)", "");
        desk_told(holder, "COMMIT", "canceling statement due to lock timeout");
        desk_told(holder, "SHOW lock_timeout", "0");
        pass(&world, 1);
        desk_told(open, "COMMIT", "");
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
                desk_say(desk->pg, "ROLLBACK");
                return;
        }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(sql, sizeof sql, desks[number].sql[desk->asked % count], 1 + desk->asked % 8);
#pragma GCC diagnostic pop
        desk_say(desk->pg, sql);
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
                free(desk_hear(desk[i].pg));
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
        books_have(
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

TCase *together_tests(void)
{
        TCase *together = tcase_create("together");

        tcase_set_timeout(together, 120);
        tcase_add_test(together, no_batch_waits_for_a_transaction_that_a_person_left_open);
        tcase_add_test(together, a_card_that_a_person_holds_keeps_only_its_own_withdrawals_waiting);
        tcase_add_test(together, who_holds_all_batches_waits_for_nobody_left_open);
        tcase_add_test(together,
                       batches_closes_prices_replacements_partitions_and_reports_at_once_never_deadlock);
        return together;
}
