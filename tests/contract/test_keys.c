/*
 * Sets of keys come, are used and are retired (sql/078_keys.sql), and rings follow them (config/key_rings.h): those that have read all of it as those
 * that read what has changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "lib/base/array.h"
#include "tests/contract/keys.h"
#include "tests/contract/ops.h"

#define ADD(owner_kind, kind, owners, blocks, checks)                                                        \
        "SELECT key_set_add('" owner_kind "', '" kind "', '" owners "', NULL, '{" blocks "}', '" checks      \
        "', NULL, NULL, NULL)"
#define KEK     ADD("terminal", "kek", "{T0000001}", WORLD_KEK, "{0a1b2c3d4e}")
#define WORKING ADD("terminal", "working", "{T0000001}", WORLD_WORKING_SET, "{111111,222222,333333}")
#define ON_OFFER                                                                                             \
        "SELECT key_set_add('terminal', 'working', '{T0000001}', NULL, '{" WORLD_WORKING_SET                 \
        "}', '{111111,222222,333333}', NULL, NULL, NULL, '{" WORLD_WORKING_SET "}')"

/* What a ring has, as "kek 1 current, working 2 loaded"; "none": there is no ring. */
static const char *ring_text(const struct key_ring *ring, char text[200])
{
        size_t used = 0;

        snprintf(text, 200, "%s", ring ? "" : "none");
        for (size_t i = 0; ring && i < ring->count; i++)
                used += (size_t)snprintf(text + used, 200 - used, "%s%s %d %s", i ? ", " : "",
                                         key_set_kind_name[ring->sets[i].kind], ring->sets[i].number,
                                         key_set_state_name[ring->sets[i].state]);
        return text;
}

static enum key_rings_load follow(PGconn *atmd, struct key_rings *rings)
{
        char known[KEY_RINGS_KNOWN_MAX], error[PG_ERROR_MAX], why[KEY_RINGS_ERROR_MAX];
        struct pg_parameter parameter = key_rings_known(key_rings_version(rings), known);
        const char *values[] = {parameter.bytes};
        PGresult *result = pg_query(atmd, key_rings_statement.sql, 1, values, error);
        enum key_rings_load end;

        ck_assert_msg(result != NULL, "%s", error);
        end = key_rings_load(rings, result, why);
        ck_assert_msg(end != KEY_RINGS_REFUSED, "%s", why);
        PQclear(result);
        return end;
}

static const struct key_ring *first_terminal(const struct key_rings *rings)
{
        return key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001");
}

START_TEST(sets_are_used_in_their_order_and_rings_follow)
{
        static const struct {
                const char *user, *sql, *has;
        } steps[] = {
            {WORLD_KEEPER, KEK, "kek 1 current"},
            {WORLD_KEEPER, WORKING, "kek 1 current, working 1 loaded"},
            /* it was away while two came, and comes back with either */
            {"atm_daemon", "SELECT key_sets_used('{terminal}', '{T0000001}', '{1}')",
             "kek 1 current, working 1 current"},
            {WORLD_KEEPER, WORKING "; " WORKING,
             "kek 1 current, working 3 loaded, working 2 loaded, working 1 current"},
            {"atm_daemon", "SELECT key_sets_used('{terminal}', '{T0000001}', '{2}')",
             "kek 1 current, working 3 loaded, working 2 current"},
            /* what is retired comes back by no use, nor does what nobody has, nor a KEK */
            {"atm_daemon",
             "SELECT key_sets_used('{terminal,link,terminal}', '{T0000001,BANKA,T0000002}', '{1,1,1}')",
             "kek 1 current, working 3 loaded, working 2 current"},
            {"atm_daemon", "SELECT key_sets_used('{terminal,terminal}', '{T0000001,T0000001}', '{3,2}')",
             "kek 1 current, working 3 current"},
            /* a new KEK is in the former one's place */
            {WORLD_KEEPER, KEK, "kek 2 current, working 3 current"},
            {WORLD_KEEPER, "SELECT key_set_retire('terminal', 'T0000001', 'kek', 2)", "working 3 current"},
            /* it had keys: it is not one that needs none */
            {WORLD_KEEPER, "SELECT key_set_retire('terminal', 'T0000001', 'working', 3)", ""},
        };
        struct world world;
        struct key_rings *following, *fresh;
        PGconn *atmd;
        char error[PG_ERROR_MAX], text[200], fresh_text[200];

        ops_open(&world);
        atmd = world_session(&world, "atm_daemon");
        ck_assert_msg(key_rings_read(atmd, &following, error), "%s", error);
        ck_assert_str_eq(ring_text(first_terminal(following), text), "none");
        for (size_t i = 0; i < LENGTH(steps); i++) {
                PGconn *pg = world_session(&world, steps[i].user);

                world_run(pg, "SET atm.note = 'as planned'");
                world_run(pg, steps[i].sql);
                PQfinish(pg);
                (void)follow(atmd, following);
                ck_assert_msg(key_rings_read(atmd, &fresh, error), "%s", error);
                ck_assert_msg(!strcmp(ring_text(first_terminal(following), text), steps[i].has),
                              "%s: '%s' expected, the ring has '%s'", steps[i].sql, steps[i].has, text);
                ck_assert_str_eq(ring_text(first_terminal(fresh), fresh_text), text);
                key_rings_free(fresh);
        }
        ck_assert_int_eq(follow(atmd, following), KEY_RINGS_UNCHANGED);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM key_set WHERE block IS NOT NULL"), 0);

        /* the trail has all of it, atmd's part too, and no block */
        ck_assert_int_eq(
            world_number(&world, "SELECT count(*) FROM trail WHERE noun = 'key-set' AND before IS NULL"), 5);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM trail WHERE noun = 'key-set' AND who = "
                                              "'atm_daemon' AND note = 'it was used'"),
                         5);
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM trail t WHERE t::text ~ 'AB00E0000'"), 0);

        /* of a database that was restored all of it comes, and nothing else stays */
        world_sql(&world, "UPDATE key_version SET version = 1; TRUNCATE key_set");
        ck_assert_int_eq(follow(atmd, following), KEY_RINGS_CHANGED);
        ck_assert_ptr_null(key_rings_at(following, 0));
        key_rings_free(following);
        PQfinish(atmd);
        world_close(&world);
}
END_TEST

START_TEST(a_ring_has_the_blocks_of_its_owner)
{
        struct world world;
        struct key_rings *rings;
        const struct key_set *set;
        PGconn *pg;
        char error[PG_ERROR_MAX];

        ops_open(&world);
        pg = world_session(&world, WORLD_KEEPER);
        world_run(pg, "SET atm.note = 'as planned'");
        world_run(pg,
                  ADD("terminal", "working", "{T0000002,T0000001}", WORLD_WORKING_SET "," WORLD_WORKING_SET,
                      "{111111,222222,333333,444444,555555,666666}"));
        world_run(pg, ADD("link", "working", "{BANKA}", WORLD_WORKING_SET, "{111111,222222,333333}"));
        world_run(pg, ADD("issuer", "verification", "{HOUSE}", WORLD_BLOCK("V2"), "{777777}"));
        world_run(pg, ADD("issuer", "verification", "{HOUSE}", WORLD_BLOCK("V1"), "{888888}"));
        PQfinish(pg);
        pg = world_session(&world, "atm_daemon");
        ck_assert_msg(key_rings_read(pg, &rings, error), "%s", error);
        PQfinish(pg);

        set = key_ring_current(first_terminal(rings), KEY_SET_WORKING);
        ck_assert_ptr_nonnull(set);
        ck_assert_str_eq(set->block[KEY_PURPOSE_PIN], WORLD_BLOCK("P0"));
        ck_assert_str_eq(set->block[KEY_PURPOSE_MAC_DOWN], WORLD_BLOCK("M6"));
        ck_assert_ptr_null(set->block[KEY_PURPOSE_KEK]);
        ck_assert_str_eq(set->check_value[KEY_PURPOSE_MAC_UP], "555555");
        ck_assert_ptr_eq(key_ring_set(first_terminal(rings), KEY_SET_WORKING, 1), set);
        ck_assert_ptr_null(key_ring_set(first_terminal(rings), KEY_SET_WORKING, 2));
        ck_assert_ptr_null(key_rings_find(rings, KEY_OWNER_TERMINAL, "BANKA"));
        ck_assert_ptr_nonnull(key_rings_find(rings, KEY_OWNER_LINK, "BANKA"));
        /* an issuer has as many as its cards need */
        set = key_ring_set(key_rings_find(rings, KEY_OWNER_ISSUER, "HOUSE"), KEY_SET_VERIFICATION, 1);
        ck_assert_str_eq(set->block[KEY_PURPOSE_VERIFICATION], WORLD_BLOCK("V2"));
        set = key_ring_set(key_rings_find(rings, KEY_OWNER_ISSUER, "HOUSE"), KEY_SET_VERIFICATION, 2);
        ck_assert_str_eq(set->check_value[KEY_PURPOSE_VERIFICATION], "888888");
        key_rings_free(rings);
        world_close(&world);
}
END_TEST

/* What the newest set of the terminal that can be fetched is, as a terminal with that number is told; 0: none. */
static int offer(const struct key_rings *rings, int number)
{
        const struct key_set *set = key_ring_offer(first_terminal(rings), number);

        return set ? set->number : 0;
}

START_TEST(a_set_is_on_offer_until_it_is_used_or_its_terminal_has_another_key_encrypting_key)
{
        static const struct {
                const char *user, *sql;
                int offer;
        } steps[] = {
            {WORLD_KEEPER, KEK, 0},
            {WORLD_KEEPER, WORKING, 0}, /* handed over as a file, or not at all */
            {WORLD_KEEPER, ON_OFFER, 2},
            {WORLD_KEEPER, ON_OFFER, 3},
            {WORLD_KEEPER, "SELECT key_set_retire('terminal', 'T0000001', 'working', 3)", 2},
            {"atm_daemon", "SELECT key_sets_used('{terminal}', '{T0000001}', '{2}')", 0},
            {WORLD_KEEPER, ON_OFFER, 4},
            {WORLD_KEEPER, KEK, 0},
            {WORLD_KEEPER, ON_OFFER, 5},
            {WORLD_KEEPER, "SELECT key_set_retire('terminal', 'T0000001', 'kek', 2)", 0},
            {WORLD_KEEPER, ON_OFFER, 6},
        };
        struct world world;
        struct key_rings *following, *fresh;
        char error[PG_ERROR_MAX];
        PGconn *atmd;

        ops_open(&world);
        atmd = world_session(&world, "atm_daemon");
        ck_assert_msg(key_rings_read(atmd, &following, error), "%s", error);
        for (size_t i = 0; i < LENGTH(steps); i++) {
                PGconn *pg = world_session(&world, steps[i].user);

                world_run(pg, "SET atm.note = 'as planned'");
                world_run(pg, steps[i].sql);
                PQfinish(pg);
                ck_assert_int_eq(follow(atmd, following), KEY_RINGS_CHANGED);
                ck_assert_msg(key_rings_read(atmd, &fresh, error), "%s", error);
                ck_assert_msg(offer(following, 0) == steps[i].offer && offer(fresh, 0) == steps[i].offer,
                              "step %zu: %d and %d are on offer", i, offer(following, 0), offer(fresh, 0));
                key_rings_free(fresh);
        }
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM key_set WHERE handover IS NOT NULL AND "
                                              "(retired_at IS NOT NULL OR current_at IS NOT NULL)"),
                         0);
        ck_assert_str_eq(key_ring_offer(first_terminal(following), 5)->handover[KEY_PURPOSE_MAC_UP],
                         WORLD_BLOCK("M6"));
        key_rings_free(following);
        PQfinish(atmd);
        world_close(&world);
}
END_TEST

/* Of two transactions that change keys the second one's version is seen after the first one's. */
START_TEST(a_change_waits_for_the_one_before_it)
{
        struct world world;
        PGconn *first, *second, *atmd;
        struct key_rings *rings;
        char error[PG_ERROR_MAX], text[200], waits[200];
        PGresult *result;

        ops_open(&world);
        first = world_session(&world, WORLD_KEEPER);
        second = world_session(&world, WORLD_KEEPER);
        atmd = world_session(&world, "atm_daemon");
        world_run(first, "SET atm.note = 'as planned'; BEGIN");
        world_run(second, "SET atm.note = 'as planned'");
        world_run(first, KEK);
        ck_assert(PQsendQuery(second, ADD("terminal", "kek", "{T0000002}", WORLD_KEK, "{0a1b2c}")));
        snprintf(waits, sizeof waits, "SELECT cardinality(pg_blocking_pids(%d))", PQbackendPID(second));
        while (!world_number(&world, waits)) {
        }
        ck_assert_msg(key_rings_read(atmd, &rings, error), "%s", error);
        ck_assert_ptr_null(key_rings_at(rings, 0));
        world_run(first, "COMMIT");
        while ((result = PQgetResult(second))) {
                ck_assert_int_eq(PQresultStatus(result), PGRES_TUPLES_OK);
                PQclear(result);
        }
        ck_assert_int_eq(follow(atmd, rings), KEY_RINGS_CHANGED);
        ck_assert_str_eq(ring_text(first_terminal(rings), text), "kek 1 current");
        ck_assert_str_eq(ring_text(key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000002"), text),
                         "kek 1 current");
        key_rings_free(rings);
        PQfinish(first);
        PQfinish(second);
        PQfinish(atmd);
        world_close(&world);
}
END_TEST

/* Until an instance's ring of the first terminal has that, as it does by itself once it has told of a use. */
static void await_ring(struct world *world, int instance, const char *has)
{
        char text[200];

        while (strcmp(ring_text(first_terminal(ledger_pg_key_rings(world->pg[instance])), text), has) != 0)
                event_base_loop(world->base, EVLOOP_ONCE);
}

/* The same of one that has not told of it: it asks now what it would ask for within a minute. */
static void follow_ring(struct world *world, int instance, const char *has)
{
        ledger_pg_reload(world->pg[instance]);
        await_ring(world, instance, has);
}

START_TEST(instances_follow_and_tell_of_what_is_used)
{
        struct world world;
        PGconn *keeper;

        ops_open(&world);
        keeper = world_session(&world, WORLD_KEEPER);
        world_run(keeper, "SET atm.note = 'as planned'");
        world_run(keeper, WORKING "; " WORKING);
        PQfinish(keeper);
        for (int i = 0; i < WORLD_INSTANCES; i++)
                follow_ring(&world, i, "working 2 loaded, working 1 loaded");
        /* said twice, and by both */
        ledger_pg_key_set_used(world.pg[0], KEY_OWNER_TERMINAL, "T0000001", 1);
        ledger_pg_key_set_used(world.pg[0], KEY_OWNER_TERMINAL, "T0000001", 1);
        ledger_pg_key_set_used(world.pg[1], KEY_OWNER_TERMINAL, "T0000001", 1);
        for (int i = 0; i < WORLD_INSTANCES; i++)
                await_ring(&world, i, "working 2 loaded, working 1 current");
        ledger_pg_key_set_used(world.pg[1], KEY_OWNER_TERMINAL, "T0000001", 2);
        await_ring(&world, 1, "working 2 current");
        follow_ring(&world, 0, "working 2 current");
        ck_assert_int_eq(world_number(&world, "SELECT count(*) FROM trail WHERE noun = 'key-set' AND who = "
                                              "'atm_daemon'"),
                         3);
        world_close(&world);
}
END_TEST

TCase *keys_tests(void)
{
        TCase *keys_case = tcase_create("keys");

        tcase_set_timeout(keys_case, 120);
        tcase_add_test(keys_case, sets_are_used_in_their_order_and_rings_follow);
        tcase_add_test(keys_case,
                       a_set_is_on_offer_until_it_is_used_or_its_terminal_has_another_key_encrypting_key);
        tcase_add_test(keys_case, a_ring_has_the_blocks_of_its_owner);
        tcase_add_test(keys_case, instances_follow_and_tell_of_what_is_used);
        tcase_add_test(keys_case, a_change_waits_for_the_one_before_it);
        return keys_case;
}
