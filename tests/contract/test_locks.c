/*
 * What people's open transactions keep waiting: no batch for reference data, whichever of it is locked; for a card, that card's operations
 * alone. Which tables an operator may lock the catalogue says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "tests/contract/locks.h"
#include "tests/contract/ops.h"

/* What an instance asks of the database beside its batches. */
static const char *const asked[] = {
    "SET lock_timeout = '1s'",
    "SELECT * FROM reference_current(-1)",
    "SELECT * FROM key_sets_since(0)",
    "SELECT key_sets_used('{terminal}', '{T0000001}', '{1}')",
    "SELECT ledger_sweep(0, 10)",
    "SELECT saf_take('BANKA', 'one', 1, 1, 1, 1)",
    "SELECT saf_end('{T0000001}', '{2016-12-29}', '{1}', '{1}', '{done}', '{00}')",
    "SELECT summary_extend('2016-10-02')",
    "SELECT summary_step(true)",
    "SELECT instance_limits_are(90, 510)",
    "SELECT sightings_write('one', '{link}', '{BANKA}', '{up}', '{1}', '{1}', '{NULL}')",
    "SELECT sightings_leave('one')",
    "SELECT token_key_is(repeat('0', 32))",
    "SELECT * FROM lock_holders(2)",
    "SELECT * FROM ledger_unblock(600000, 600000, 600000)",
};

START_TEST(a_lock_on_reference_data_keeps_no_batch_waiting)
{
        static const char lockable[] =
            "SELECT string_agg(format('LOCK TABLE %I', relname), ';' ORDER BY relname) FROM pg_class WHERE "
            "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND "
            "has_table_privilege('" WORLD_OPERATOR "', oid, 'UPDATE, DELETE, TRUNCATE')";
        struct world world;
        struct ledger_op completed, op, request;
        PGconn *desk, *atmd;
        char *locks;

        ops_open(&world);
        memset(&completed, 0, sizeof completed);
        ops_ask(&world, &completed, 1, 0, 10000);
        ops_do(&world, &completed);
        ops_advise(&op, &completed, 1, 10000, 10000);
        ops_do(&world, &op);
        locks = world_query(&world, lockable);
        ck_assert_ptr_nonnull(strstr(locks, "hall"));
        ck_assert_ptr_nonnull(strstr(locks, "issuer"));
        desk = world_session(&world, WORLD_OPERATOR);
        world_run(desk, "BEGIN");
        world_run(desk, locks);
        world_run(desk, "SELECT FROM exclusion FOR UPDATE");
        free(locks);

        /* each of these would not come back */
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 2, 0, 10000);
        ops_do(&world, &request);
        ck_assert_int_eq(request.answer.reason, REASON_APPROVED);
        ops_advise(&op, &request, 1, 10000, 9000);
        ops_do(&world, &op);
        ops_advise(&op, &completed, 2, 10000, 0); /* corrects what is completed, if its ATM may */
        ops_do(&world, &op);
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 4, WORLD_LINK_CARD, 10000); /* a bank's card, seen for the first time */
        ops_do(&world, &request);
        ck_assert_int_eq(request.answer.status, LEDGER_ASK);
        ops_outcome(&op, &request, OUTCOME_ANSWER, REASON_APPROVED);
        ops_do(&world, &op);
        ops_advise(&op, &request, 1, 10000, 0);
        ops_do(&world, &op);
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 5, 1, 10000);
        request.kind = LEDGER_INQUIRY;
        ops_do(&world, &request);
        memset(&request, 0, sizeof request);
        ops_ask(&world, &request, 7, 1, 10000);
        ops_advise(&op, &request, 1, 10000, 0); /* of one that nobody knows */
        ops_do(&world, &op);

        atmd = world_session(&world, "atm_daemon");
        for (size_t i = 0; i < LENGTH(asked); i++)
                world_run(atmd, asked[i]);
        PQfinish(atmd);
        PQfinish(desk);
        world_close(&world);
}
END_TEST

static int held(const struct world *world, int instance)
{
        struct ledger_pg_stats stats;

        ledger_pg_get_stats(world->pg[instance], &stats);
        return stats.held;
}

START_TEST(a_lock_on_a_card_keeps_the_others_from_no_batch)
{
        enum { CARDS = 3, OTHERS = 20 };
        struct world world;
        struct ledger_op locked[2 * CARDS], other[OTHERS];
        int locked_pending = 0, other_pending = 0;
        PGconn *desk;

        ops_open(&world);
        desk = world_session(&world, WORLD_OPERATOR);
        world_run(desk, "BEGIN");
        world_run(desk, "SELECT FROM card WHERE pan_mask IN ('990001******0000', '990001******0001', "
                        "'990001******0002') FOR UPDATE");
        memset(locked, 0, sizeof locked);
        memset(other, 0, sizeof other);
        for (int i = 0; i < CARDS; i++) {
                ops_ask(&world, &locked[i], 1 + i, i, 1000);
                ops_submit(&world, 0, &locked[i], &locked_pending);
        }
        while (held(&world, 0) < CARDS - 1) /* one is tried at a time */
                event_base_loop(world.base, EVLOOP_ONCE);

        /* what is asked of those cards now waits with them, and spoils no batch of others */
        for (int i = 0; i < CARDS; i++) {
                ops_ask(&world, &locked[CARDS + i], 1 + CARDS + i, i, 1000);
                ops_submit(&world, 0, &locked[CARDS + i], &locked_pending);
        }
        ck_assert_int_ge(held(&world, 0), 2 * CARDS - 2);
        for (int i = 0; i < OTHERS; i++) {
                ops_ask(&world, &other[i], 100 + i, 3 + i, 1000);
                ops_submit(&world, 0, &other[i], &other_pending);
        }
        world_wait(&world, &other_pending);
        ck_assert_int_eq(locked_pending, 2 * CARDS);
        for (int i = 0; i < OTHERS; i++)
                ck_assert(!other[i].alone);

        world_run(desk, "ROLLBACK");
        world_wait(&world, &locked_pending);
        ck_assert_int_eq(held(&world, 0), 0);
        for (int i = 0; i < 2 * CARDS; i++)
                ck_assert_int_eq(locked[i].answer.status, LEDGER_DECIDED);
        PQfinish(desk);
        world_close(&world);
}
END_TEST

TCase *locks_tests(void)
{
        TCase *locks_case = tcase_create("locks");

        tcase_set_timeout(locks_case, 120);
        tcase_add_test(locks_case, a_lock_on_reference_data_keeps_no_batch_waiting);
        tcase_add_test(locks_case, a_lock_on_a_card_keeps_the_others_from_no_batch);
        return locks_case;
}
