/* Rings of keys: found by their owners in whatever order they come, and what is no row of the database is refused. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "config/key_rings.h"
#include "lib/base/array.h"
#include "tests/suite.h"

static void put(struct key_rings *rings, enum key_owner owner_kind, const char *owner, int number,
                enum key_set_state state, const char *block)
{
        const struct key_row row = {.owner_kind = owner_kind,
                                    .owner = owner,
                                    .kind = KEY_SET_WORKING,
                                    .number = number,
                                    .state = state,
                                    .purpose = KEY_PURPOSE_PIN,
                                    .block = block,
                                    .check_value = "0a1b2c"};

        ck_assert(key_rings_put(rings, &row));
}

START_TEST(each_owner_is_found_in_whatever_order_they_came)
{
        enum { MANY = 1066 };
        struct key_rings *rings = key_rings_new();
        char terminal[9], block[16];
        size_t count = 0;

        for (int i = 0; i < MANY; i++) {
                int number = i * 487 % MANY; /* no common divisor: each once */

                snprintf(terminal, sizeof terminal, "T%07d", number);
                snprintf(block, sizeof block, "block %d", number);
                put(rings, KEY_OWNER_TERMINAL, terminal, 1 + number % 7, KEY_SET_LOADED, block);
        }
        put(rings, KEY_OWNER_LINK, "T0000001", 1, KEY_SET_CURRENT, "a link's");
        for (int i = 0; i < MANY; i++) {
                const struct key_set *set;

                snprintf(terminal, sizeof terminal, "T%07d", i);
                snprintf(block, sizeof block, "block %d", i);
                set = key_ring_set(key_rings_find(rings, KEY_OWNER_TERMINAL, terminal), KEY_SET_WORKING,
                                   1 + i % 7);
                ck_assert_ptr_nonnull(set);
                ck_assert_str_eq(set->block[KEY_PURPOSE_PIN], block);
        }
        ck_assert_ptr_null(key_rings_find(rings, KEY_OWNER_TERMINAL, "T0001066"));
        ck_assert_ptr_null(key_rings_find(rings, KEY_OWNER_ISSUER, "T0000001"));
        ck_assert_ptr_null(key_ring_set(NULL, KEY_SET_WORKING, 1));
        while (key_rings_at(rings, count))
                count++;
        ck_assert_uint_eq(count, MANY + 1);
        key_rings_free(rings);
}
END_TEST

START_TEST(one_begins_with_the_current_set_and_else_with_the_first_that_is_loaded)
{
        struct key_rings *rings = key_rings_new();
        const struct key_ring *ring;

        put(rings, KEY_OWNER_TERMINAL, "T0000001", 9, KEY_SET_LOADED, "nine");
        put(rings, KEY_OWNER_TERMINAL, "T0000001", 8, KEY_SET_LOADED, "eight");
        put(rings, KEY_OWNER_TERMINAL, "T0000001", 10, KEY_SET_LOADED, "ten");
        ring = key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001");
        ck_assert_int_eq(key_ring_current(ring, KEY_SET_WORKING)->number, 8);
        ck_assert_ptr_null(key_ring_current(ring, KEY_SET_KEK));
        ck_assert_ptr_null(key_ring_current(NULL, KEY_SET_WORKING));
        put(rings, KEY_OWNER_TERMINAL, "T0000001", 9, KEY_SET_CURRENT, "nine, wrapped anew");
        put(rings, KEY_OWNER_TERMINAL, "T0000001", 8, KEY_SET_RETIRED, "");
        ring = key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001");
        ck_assert_int_eq(key_ring_current(ring, KEY_SET_WORKING)->number, 9);
        ck_assert_str_eq(key_ring_current(ring, KEY_SET_WORKING)->block[KEY_PURPOSE_PIN],
                         "nine, wrapped anew");
        ck_assert_uint_eq(ring->count, 2);
        put(rings, KEY_OWNER_TERMINAL, "T0000001", 9, KEY_SET_RETIRED, "");
        put(rings, KEY_OWNER_TERMINAL, "T0000001", 10, KEY_SET_RETIRED, "");
        put(rings, KEY_OWNER_TERMINAL, "T0000001", 10, KEY_SET_RETIRED, ""); /* said twice */
        ring = key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001");
        ck_assert_ptr_nonnull(ring);
        ck_assert_ptr_null(key_ring_current(ring, KEY_SET_WORKING));
        key_rings_free(rings);
}
END_TEST

static int number_of(const struct key_set *set)
{
        return set ? set->number : 0;
}

/* Of a link that was used alone: nobody begins with it, but what names it is still good for a while. A terminal's, and what people retire, go at once. */
START_TEST(a_links_former_set_is_good_for_a_while_after_the_next_one_was_used)
{
        static const struct {
                enum key_owner owner_kind;
                enum key_set_state next;
                int former; /* that is found */
        } rows[] = {{KEY_OWNER_LINK, KEY_SET_CURRENT, 5},
                    {KEY_OWNER_LINK, KEY_SET_LOADED, 0},
                    {KEY_OWNER_TERMINAL, KEY_SET_CURRENT, 0}};

        for (size_t i = 0; i < LENGTH(rows); i++) {
                struct key_rings *rings = key_rings_new();
                const struct key_ring *ring;

                put(rings, rows[i].owner_kind, "BANKA", 5, KEY_SET_CURRENT, "five");
                put(rings, rows[i].owner_kind, "BANKA", 6, KEY_SET_LOADED, "six");
                key_rings_settle(rings, 1000);
                put(rings, rows[i].owner_kind, "BANKA", 5, KEY_SET_RETIRED, "");
                put(rings, rows[i].owner_kind, "BANKA", 6, rows[i].next, "six");
                ring = key_rings_find(rings, rows[i].owner_kind, "BANKA");
                ck_assert_int_eq(number_of(key_ring_set(ring, KEY_SET_WORKING, 5)), 0);
                for (int64_t now_ms = 2000; now_ms < 2000 + 2 * KEY_FORMER_MS; now_ms += KEY_FORMER_MS / 2) {
                        key_rings_settle(rings, now_ms);
                        ck_assert_int_eq(number_of(key_ring_set(ring, KEY_SET_WORKING, 5)),
                                         now_ms < 2000 + KEY_FORMER_MS ? rows[i].former : 0);
                        ck_assert_int_eq(number_of(key_ring_current(ring, KEY_SET_WORKING)), 6);
                        ck_assert_int_eq(number_of(key_ring_newest(ring, KEY_SET_WORKING)), 6);
                }
                put(rings, rows[i].owner_kind, "BANKA", 6, KEY_SET_RETIRED, "");
                key_rings_settle(rings, 2000 + 2 * KEY_FORMER_MS);
                ck_assert_int_eq(number_of(key_ring_current(ring, KEY_SET_WORKING)), 0);
                ck_assert_uint_eq(ring->count, 0);
                key_rings_free(rings);
        }
}
END_TEST

enum { COLUMNS = 10 };

/* An answer of the database: its version, and one row behind it. */
static PGresult *answer(const char *version, const char *const row[COLUMNS - 1])
{
        static char names[COLUMNS][2] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
        PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
        PGresAttDesc columns[COLUMNS];

        memset(columns, 0, sizeof columns);
        for (int i = 0; i < COLUMNS; i++)
                columns[i].name = names[i];
        ck_assert(PQsetResultAttrs(result, COLUMNS, columns));
        ck_assert(PQsetvalue(result, 0, 0, (char *)(uintptr_t)version, (int)strlen(version)));
        for (int i = 1; i < COLUMNS; i++) {
                ck_assert(PQsetvalue(result, 0, i, NULL, -1));
                ck_assert(PQsetvalue(result, 1, i, (char *)(uintptr_t)row[i - 1], (int)strlen(row[i - 1])));
        }
        ck_assert(PQsetvalue(result, 1, 0, NULL, -1));
        return result;
}

static void put_handover(struct key_rings *rings, int number, enum key_set_state state,
                         enum key_purpose purpose, const char *handover)
{
        const struct key_row row = {
            KEY_OWNER_TERMINAL, "T0000001", KEY_SET_WORKING, number, state, purpose, "block",
            "0a1b2c",           handover};

        ck_assert(key_rings_put(rings, &row));
}

START_TEST(the_newest_set_that_is_whole_is_on_offer_to_whoever_has_an_older_one)
{
        static const enum key_purpose purposes[] = {KEY_PURPOSE_PIN, KEY_PURPOSE_MAC_UP,
                                                    KEY_PURPOSE_MAC_DOWN};
        struct key_rings *rings = key_rings_new();
        const struct key_ring *ring;

        for (int number = 3; number <= 5; number++)
                for (size_t i = 0; i < LENGTH(purposes); i++)
                        put_handover(rings, number, KEY_SET_LOADED, purposes[i],
                                     number == 5 && i == 1 ? "" : "under its key-encrypting key");
        ring = key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001");
        ck_assert_int_eq(key_ring_newest(ring, KEY_SET_WORKING)->number, 5);
        ck_assert_ptr_null(key_ring_newest(ring, KEY_SET_KEK));
        ck_assert_ptr_null(key_ring_newest(NULL, KEY_SET_WORKING));
        ck_assert_int_eq(key_ring_offer(ring, 0)->number, 4);
        ck_assert_int_eq(key_ring_offer(ring, 3)->number, 4);
        ck_assert_str_eq(key_ring_offer(ring, 3)->handover[KEY_PURPOSE_MAC_DOWN],
                         "under its key-encrypting key");
        ck_assert_ptr_null(key_ring_offer(ring, 4));
        ck_assert_ptr_null(key_ring_offer(ring, 5));
        ck_assert_ptr_null(key_ring_offer(NULL, 0));
        /* used, its blocks are needed no longer; and those before it are none that anybody should fetch */
        for (size_t i = 0; i < LENGTH(purposes); i++)
                put_handover(rings, 4, KEY_SET_CURRENT, purposes[i], NULL);
        put_handover(rings, 3, KEY_SET_RETIRED, KEY_PURPOSE_PIN, NULL);
        ck_assert_ptr_null(key_ring_offer(key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001"), 0));
        key_rings_free(rings);
}
END_TEST

START_TEST(what_is_no_row_of_the_database_is_refused_and_named)
{
        static const char *const good[COLUMNS - 1] = {"terminal", "T0000001", "working", "7", "loaded",
                                                      "pin",      "a block",  "0a1b2c",  ""};
        static const struct {
                int column;
                const char *value;
        } wrong[] = {
            {0, "hall"},         {1, "a name of more than eleven"},
            {2, "master"},       {3, "0"},
            {3, "10000"},        {3, "seven"},
            {4, "perhaps"},      {5, "mac_sideways"},
            {7, "0a1b2c3d4e5f"},
        };
        char error[KEY_RINGS_ERROR_MAX];
        struct key_rings *rings = key_rings_new();
        PGresult *result;

        for (size_t i = 0; i < LENGTH(wrong); i++) {
                const char *row[COLUMNS - 1];

                memcpy(row, good, sizeof row);
                row[wrong[i].column] = wrong[i].value;
                result = answer("5", row);
                ck_assert_int_eq(key_rings_load(rings, result, error), KEY_RINGS_REFUSED);
                ck_assert_msg(strstr(error, "is not of the expected form") && strstr(error, row[2]) &&
                                  strstr(error, row[3]),
                              "%s", error);
                ck_assert_int_eq(key_rings_version(rings), 0);
                PQclear(result);
        }
        result = answer("", good);
        ck_assert_int_eq(key_rings_load(rings, result, error), KEY_RINGS_REFUSED);
        ck_assert_str_eq(error, "keys: the version is missing");
        PQclear(result);

        result = answer("5", good);
        ck_assert_int_eq(key_rings_load(rings, result, error), KEY_RINGS_CHANGED);
        ck_assert_int_eq(key_rings_version(rings), 5);
        ck_assert_int_eq(key_rings_load(rings, result, error), KEY_RINGS_UNCHANGED);
        PQclear(result);
        key_rings_free(rings);
}
END_TEST

/* Whoever has no keys needs no MAC: so a restored database's rows that can't be read take nothing from those that are there. */
START_TEST(the_former_keys_are_good_until_a_restored_database_s_are_read)
{
        static const char *const former[COLUMNS - 1] = {"terminal", "T0000001", "working", "7", "current",
                                                        "pin",      "a block",  "0a1b2c",  ""};
        static const char *const wrong[COLUMNS - 1] = {"terminal", "T0000001", "working", "none", "current",
                                                       "pin",      "a block",  "0a1b2c",  ""};
        static const char *const restored[COLUMNS - 1] = {"terminal", "T0000002", "working", "3", "current",
                                                          "pin",      "a block",  "0a1b2c",  ""};
        char error[KEY_RINGS_ERROR_MAX];
        struct key_rings *rings = key_rings_new();
        PGresult *result = answer("9", former);

        ck_assert_int_eq(key_rings_load(rings, result, error), KEY_RINGS_CHANGED);
        PQclear(result);
        result = answer("5", wrong);
        ck_assert_int_eq(key_rings_load(rings, result, error), KEY_RINGS_REFUSED);
        PQclear(result);
        ck_assert_ptr_nonnull(
            key_ring_set(key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001"), KEY_SET_WORKING, 7));
        ck_assert_int_eq(key_rings_version(rings), 9);
        result = answer("5", restored);
        ck_assert_int_eq(key_rings_load(rings, result, error), KEY_RINGS_CHANGED);
        PQclear(result);
        ck_assert_ptr_null(key_rings_find(rings, KEY_OWNER_TERMINAL, "T0000001"));
        ck_assert_int_eq(key_rings_version(rings), 5);
        key_rings_free(rings);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("key_rings");
        TCase *rings_case = tcase_create("rings");

        tcase_add_test(rings_case, each_owner_is_found_in_whatever_order_they_came);
        tcase_add_test(rings_case, one_begins_with_the_current_set_and_else_with_the_first_that_is_loaded);
        tcase_add_test(rings_case, a_links_former_set_is_good_for_a_while_after_the_next_one_was_used);
        tcase_add_test(rings_case, the_newest_set_that_is_whole_is_on_offer_to_whoever_has_an_older_one);
        tcase_add_test(rings_case, what_is_no_row_of_the_database_is_refused_and_named);
        tcase_add_test(rings_case, the_former_keys_are_good_until_a_restored_database_s_are_read);
        suite_add_tcase(suite, rings_case);
        return suite_run(suite);
}
