/*
 * Protects sql/017_replacement.sql, and what the ledger's functions do about cards that were replaced: account, use and
 * exclusions are the new card's, late words about the old one's withdrawals find them there, and nobody gets a limit
 * twice. The first tests ask both back ends, the last PostgreSQL alone, with batches in flight.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tests/contract/ops.h"
#include "tests/contract/pins.h"
#include "tests/suite.h"

/* Numbers that nobody has: of the house bank, and of the bank of WORLD_LINK_CARD. */
enum { NEW = WORLD_CARDS, NEWER = WORLD_CARDS + 2, NEW_LINK = WORLD_CARDS + 1 };

/* The 0200 of that number, of 0 yen an inquiry; its reason. */
static enum reason ask(struct world *world, struct ledger_op *op, int number, int card, int64_t amount_yen)
{
        *op = (struct ledger_op){0};
        ops_ask(world, op, number, card, amount_yen);
        ops_do(world, op);
        return op->answer.reason;
}

static void advise(struct world *world, const struct ledger_op *request, int number, int64_t dispensed_yen)
{
        struct ledger_op op;

        ops_advise(&op, request, number, request->request.amount_yen, dispensed_yen);
        ops_do(world, &op);
        ck_assert_int_eq(op.answer.status, LEDGER_DECIDED);
}

static void finish(struct world *world)
{
        world_same_rows(world, "the same is replaced");
        world_check_sums(world);
        world_close(world);
}

static void replace(struct world *world, int old_card, int new_card, enum memory_card_status status)
{
        const char *problem =
            world_replace(world, old_card, new_card, world_cards[new_card].expiry_yymm, status);

        ck_assert_msg(!problem, "%s", problem);
}

START_TEST(a_chain_of_cards_has_one_account_and_one_limit)
{
        struct world world;
        struct ledger_op first, repeat, op;

        ops_open(&world);
        ck_assert_int_eq(ask(&world, &first, 1, 0, 30000), REASON_APPROVED);
        replace(&world, 0, NEW, MEMORY_CARD_ACTIVE);
        ck_assert_int_eq(ask(&world, &op, 2, NEW, 1000), REASON_DAY_LIMIT);
        ck_assert_int_eq(ask(&world, &op, 3, 0, 1000), REASON_CARD_EXPIRED);
        replace(&world, NEW, NEWER, MEMORY_CARD_LOST);
        ck_assert_int_eq(ask(&world, &op, 4, NEWER, 1000), REASON_DAY_LIMIT);
        ck_assert_int_eq(ask(&world, &op, 5, NEW, 1000), REASON_CARD_LOST);
        ck_assert_int_eq(ask(&world, &op, 6, 0, 1000), REASON_CARD_EXPIRED);

        /* a repeat of the first card's hears what stands; its reversal gives back to the third */
        repeat = first;
        ops_do(&world, &repeat);
        ck_assert_int_eq(repeat.answer.status, LEDGER_STORED);
        ck_assert_int_eq(repeat.answer.reason, REASON_APPROVED);
        advise(&world, &first, 1, 0);
        ck_assert_int_eq(ask(&world, &op, 7, NEWER, 30000), REASON_APPROVED);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM v_card_day"), 1);
        advise(&world, &op, 1, 30000);
        ck_assert_int_eq(
            world_number(&world, "SELECT opening_yen - balance_yen FROM card WHERE pan_mask LIKE '%0035'"),
            30108);
        finish(&world);
}
END_TEST

START_TEST(an_exclusion_goes_over_to_the_new_card_and_later_ones_find_it)
{
        struct world world;
        struct ledger_op op;
        uint8_t token[CARD_TOKEN_LENGTH];
        int32_t from_day;

        world_open(&world, "2020-04-01", "2021-01-01");
        replace(&world, 21, NEW, MEMORY_CARD_STOLEN);
        op = (struct ledger_op){0};
        ops_identify(&op, "2020-04-15T12:00", 1);
        play_fill_request(world_reference(&world), &op, NEW, 1000, 10000);
        ops_do(&world, &op);
        ck_assert_int_eq(op.answer.reason, REASON_CARD_EXCLUDED);
        world_same_rows(&world, "the exclusion is the new card's");
        world_sql(&world,
                  "INSERT INTO exclusion SELECT card_token, '2020-06-01' FROM card WHERE status = 'stolen' "
                  "AND successor IS NOT NULL");
        world_token(21, token);
        ck_assert(calendar_parse_day("2020-06-01", &from_day));
        memory_add_exclusion(world.memory, token, from_day, INT32_MAX);
        world_same_rows(&world, "the later one is, too");
        ck_assert_int_eq(world_number(&world,
                                      "SELECT count(*) FROM exclusion e JOIN card c USING (card_token) "
                                      "WHERE c.pan_mask LIKE '%0033'"),
                         2);
        world_close(&world);
}
END_TEST

/* One correction by message a card and day, whatever its number was. */
START_TEST(a_correction_counts_for_the_chain)
{
        struct world world;
        struct ledger_op first, second, op;

        ops_open(&world);
        ask(&world, &first, 1, 0, 10000);
        ask(&world, &second, 2, 0, 10000);
        advise(&world, &first, 1, 10000);
        advise(&world, &second, 1, 10000);
        advise(&world, &first, 2, 5000);
        replace(&world, 0, NEW, MEMORY_CARD_ACTIVE);
        ops_advise(&op, &second, 2, 10000, 5000);
        ops_do(&world, &op);
        ck_assert_str_eq(op.answer.what, "settled");
        ck_assert_int_eq(world_number(&world, "SELECT cash_yen FROM v_card_day"), 15000);
        finish(&world);
}
END_TEST

/* Under way with its bank when the card is replaced: what the bank refuses, or is silent about, is given back. */
START_TEST(a_bank_is_asked_while_the_card_is_replaced)
{
        static const struct {
                enum outcome_cause cause;
                enum reason reason;
                int64_t used_yen;
        } cases[] = {{OUTCOME_ANSWER, REASON_APPROVED, 30000},
                     {OUTCOME_ANSWER, REASON_NOT_COVERED, 0},
                     {OUTCOME_TIMEOUT, REASON_ISSUER_UNAVAILABLE, 0}};

        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                struct world world;
                struct ledger_op first, op;

                ops_open(&world);
                ask(&world, &first, 1, WORLD_LINK_CARD, 30000);
                ck_assert_int_eq(first.answer.status, LEDGER_ASK);
                ck_assert_ptr_null(world_replace(&world, WORLD_LINK_CARD, NEW_LINK, NULL, MEMORY_CARD_LOST));
                ck_assert_int_eq(ask(&world, &op, 2, NEW_LINK, 1000), REASON_DAY_LIMIT);
                ck_assert_int_eq(ask(&world, &op, 3, WORLD_LINK_CARD, 1000), REASON_CARD_LOST);
                ops_outcome(&op, &first, cases[i].cause, cases[i].reason);
                ops_do(&world, &op);
                ck_assert_int_eq(world_number(&world, "SELECT sum(cash_yen) FROM v_card_day"),
                                 cases[i].used_yen);
                if (cases[i].reason == REASON_APPROVED)
                        advise(&world, &first, 1, 20000);
                ask(&world, &op, 4, NEW_LINK, 10000);
                ck_assert_int_eq(op.answer.status, LEDGER_ASK);
                finish(&world);
        }
}
END_TEST

/* A bank's new card may be in use before we hear whose place it has taken. */
START_TEST(what_a_banks_new_card_has_used_already_counts_too)
{
        struct world world;
        struct ledger_op op;

        ops_open(&world);
        ask(&world, &op, 1, WORLD_LINK_CARD, 12000);
        ask(&world, &op, 2, NEW_LINK, 10000);
        replace(&world, WORLD_LINK_CARD, NEW_LINK, MEMORY_CARD_ACTIVE);
        ck_assert_int_eq(ask(&world, &op, 3, NEW_LINK, 9000), REASON_DAY_LIMIT);
        ask(&world, &op, 4, NEW_LINK, 8000);
        ck_assert_int_eq(op.answer.status, LEDGER_ASK);
        finish(&world);
}
END_TEST

START_TEST(what_can_not_be_replaced_is_left_as_it_is)
{
        static const struct {
                int old_card, new_card;
                const char *expiry, *problem;
        } cases[] = {
            {20, NEWER, "3111", "unknown"}, {0, NEW, "3111", "already"}, {0, NEWER, "3111", "replaced"},
            {1, 2, "3111", "known"},        {1, 1, "3111", "known"},     {1, NEW, "3111", "known"},
            {1, NEWER, NULL, "expiry"},     {NEW, 0, "3111", "known"},   {1, NEW_LINK, "3111", "issuer"},
        };
        struct world world;
        char *rows, *after;

        ops_open(&world);
        replace(&world, 0, NEW, MEMORY_CARD_ACTIVE);
        rows = world_rows(&world);
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                const char *problem = world_replace(&world, cases[i].old_card, cases[i].new_card,
                                                    cases[i].expiry, MEMORY_CARD_ACTIVE);

                ck_assert_msg(problem != NULL, "%zu", i);
                ck_assert_str_eq(problem, cases[i].problem);
        }
        after = world_rows(&world);
        ck_assert_str_eq(rows, after);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM card_replacement"), 1);
        free(rows);
        free(after);
        world_close(&world);
}
END_TEST

/* Whatever is in flight when a card is replaced, before, after or on its way: its limit is one. */
START_TEST(a_replacement_in_the_middle_of_batches_loses_and_doubles_no_use)
{
        enum { OPS = 240, WAVE = 40, YEN = 1000 };
        struct world world;
        struct ledger_op *op = calloc(2 * OPS, sizeof *op);
        int pending = 0, card = 0, advices = 0;

        ck_assert_ptr_nonnull(op);
        ops_open(&world);
        for (int i = 0; i < OPS; i++) {
                char sql[1024];
                PGresult *result;

                ops_ask(&world, &op[i], i, i % 5 ? card : 1 + i % 3, YEN);
                ops_submit(&world, i % WORLD_INSTANCES, &op[i], &pending);
                if (i >= WAVE && op[i - WAVE].answer.status == LEDGER_DECIDED &&
                    op[i - WAVE].answer.reason == REASON_APPROVED && i % 3 == 0) {
                        ops_advise(&op[OPS + advices], &op[i - WAVE], 1, YEN, 0);
                        ops_submit(&world, i % WORLD_INSTANCES, &op[OPS + advices++], &pending);
                }
                if (i % WAVE != WAVE - 1)
                        continue;
                /* on a connection of its own, while the batches go on */
                world_replace_text(card, NEW + 2 * (i / WAVE), "3111", MEMORY_CARD_ACTIVE, sql, sizeof sql);
                ck_assert_int_eq(PQsendQuery(world.admin, sql), 1);
                while (PQisBusy(world.admin)) {
                        event_base_loop(world.base, EVLOOP_NONBLOCK);
                        ck_assert_int_eq(PQconsumeInput(world.admin), 1);
                }
                result = PQgetResult(world.admin);
                ck_assert_str_eq(PQgetvalue(result, 0, 0), "done");
                PQclear(result);
                ck_assert_ptr_null(PQgetResult(world.admin));
                card = NEW + 2 * (i / WAVE);
        }
        world_wait(&world, &pending);
        ck_assert_int_gt(advices, 0);
        ck_assert_int_eq(world_number(&world, "SELECT count(DISTINCT successor) FROM card"), 1);
        ck_assert_int_eq(world_number(&world,
                                      "SELECT count(*) FROM v_card_day d JOIN card c USING (card_token) "
                                      "WHERE c.successor IS NOT NULL AND d.cash_yen > 0"),
                         0);
        world_check_sums(&world);
        world_close(&world);
        free(op);
}
END_TEST

/* What a session was told: its first value, or the server's message. */
static const char *told(PGconn *connection)
{
        static char text[256];
        PGresult *result, *next = PQgetResult(connection);

        ck_assert_ptr_nonnull(next);
        while ((result = next)) {
                if (PQresultStatus(result) == PGRES_FATAL_ERROR)
                        snprintf(text, sizeof(text), "%s",
                                 PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
                else
                        snprintf(text, sizeof(text), "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
                next = PQgetResult(connection);
                PQclear(result);
        }
        return text;
}

static const char *ask_session(PGconn *connection, const char *sql)
{
        ck_assert_int_eq(PQsendQuery(connection, sql), 1);
        return told(connection);
}

/* Until the session waits for a lock of another one. */
static void await_wait(struct world *world, PGconn *connection)
{
        char sql[128];

        snprintf(sql, sizeof sql, "SELECT cardinality(pg_blocking_pids(%d))", PQbackendPID(connection));
        while (world_number(world, sql) == 0)
                continue;
}

/* An import's transaction may be long: neither batches nor replacements wait for it. */
START_TEST(an_exclusion_that_is_not_committed_yet_follows_its_card)
{
        struct world world;
        PGconn *import;
        char sql[1024];

        ops_open(&world);
        import = world_session(&world, NULL);
        ask_session(import, "BEGIN");
        ck_assert_str_eq(ask_session(import,
                                     "INSERT INTO exclusion SELECT card_token, '2020-06-01' FROM card "
                                     "WHERE pan_mask LIKE '%0000' RETURNING from_on"),
                         "2020-06-01");
        world_replace_text(0, NEW, "3111", MEMORY_CARD_LOST, sql, sizeof sql);
        ck_assert_str_eq(ask_session(world.admin, sql), "done");
        ck_assert_str_eq(ask_session(import, "COMMIT"), "");
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM exclusion e JOIN card c USING (card_token) "
                                 "WHERE c.successor IS NULL AND e.from_on = '2020-06-01' AND "
                                 "c.card_token = (SELECT successor FROM card WHERE pan_mask LIKE '%0000')"),
            1);
        PQfinish(import);
        world_close(&world);
}
END_TEST

START_TEST(a_card_that_is_being_replaced_gets_no_account)
{
        struct world world;
        PGconn *import;
        char sql[1024];

        ops_open(&world);
        world_sql(&world,
                  "UPDATE card SET opening_yen = NULL, balance_yen = NULL WHERE pan_mask LIKE '%%0000'");
        import = world_session(&world, NULL);
        ask_session(world.admin, "BEGIN");
        world_replace_text(0, NEW, "3111", MEMORY_CARD_LOST, sql, sizeof sql);
        ck_assert_str_eq(ask_session(world.admin, sql), "done");
        ck_assert_int_eq(PQsendQuery(import,
                                     "SELECT account_open(ARRAY[card_token], ARRAY[1]) FROM card WHERE "
                                     "pan_mask LIKE '%0000' AND successor IS NULL"),
                         1);
        await_wait(&world, import);
        ask_session(world.admin, "COMMIT");
        ck_assert_ptr_nonnull(strstr(told(import), "was replaced"));
        ck_assert_int_eq(world_number(&world,
                                      "SELECT count(*) FROM v_account JOIN card USING (card_token) WHERE "
                                      "successor IS NOT NULL"),
                         0);
        PQfinish(import);
        world_close(&world);
}
END_TEST

/* Of two who bring the same card the later one changes nothing of what the first one brought. */
START_TEST(a_card_that_two_bring_at_once_is_the_first_ones)
{
        static const char opening[] =
            "SET atm.note = 'trial'; SELECT card_open('{00000000-0000-0000-0000-000000000001}', "
            "'{990001******0001}', '{HOUSE}', '{%s}', '{cash}', '{%s}', '{NULL}')";
        struct world world;
        PGconn *import;
        char sql[1024];

        ops_open(&world);
        import = world_session(&world, NULL);
        ask_session(world.admin, "BEGIN");
        snprintf(sql, sizeof sql, opening, "3105", "1000");
        ck_assert_str_eq(ask_session(world.admin, sql), "1");
        snprintf(sql, sizeof sql, opening, "3106", "NULL");
        ck_assert_int_eq(PQsendQuery(import, sql), 1);
        await_wait(&world, import);
        ask_session(world.admin, "COMMIT");
        ck_assert_ptr_nonnull(strstr(told(import), "expected new ones"));
        ck_assert_int_eq(
            world_number(&world, "SELECT expiry_yymm::integer + opening_yen FROM card WHERE card_token = "
                                 "'00000000-0000-0000-0000-000000000001'"),
            3105 + 1000);
        PQfinish(import);
        world_close(&world);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("replacement");
        TCase *tests = tcase_create("replacement");

        tcase_set_timeout(tests, 120);
        tcase_add_test(tests, a_chain_of_cards_has_one_account_and_one_limit);
        tcase_add_test(tests, a_card_that_two_bring_at_once_is_the_first_ones);
        tcase_add_test(tests, an_exclusion_goes_over_to_the_new_card_and_later_ones_find_it);
        tcase_add_test(tests, a_correction_counts_for_the_chain);
        tcase_add_test(tests, a_bank_is_asked_while_the_card_is_replaced);
        tcase_add_test(tests, what_a_banks_new_card_has_used_already_counts_too);
        tcase_add_test(tests, what_can_not_be_replaced_is_left_as_it_is);
        tcase_add_test(tests, an_exclusion_that_is_not_committed_yet_follows_its_card);
        tcase_add_test(tests, a_card_that_is_being_replaced_gets_no_account);
        tcase_add_test(tests, a_replacement_in_the_middle_of_batches_loses_and_doubles_no_use);
        suite_add_tcase(suite, tests);
        suite_add_tcase(suite, pins_case());
        return suite_run(suite);
}
