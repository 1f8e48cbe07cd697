/*
 * Settings that a login, its database or PGOPTIONS has (lib/db/pg_settings.def): none is without a row; those of the rows are set in every
 * session; and what is left as it is changes no answer and no row, at its least and at its most. The server says which there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/db/pg_session.h"
#include "tests/contract/ops.h"
#include "tests/contract/settings.h"

enum whose { FOR_ALL, FOR_DAEMON, OTHERWISE, LEFT_ALONE };

static const struct row {
        enum whose whose;
        const char *names, *value, *spoiled;
} rows[] = {
#define SET_FOR_ALL(name, value, spoiled, why)                {FOR_ALL, name, value, spoiled},
#define SET_WHERE_KNOWN                                       SET_FOR_ALL
#define SET_FOR_DAEMON(name, value, spoiled, why)             {FOR_DAEMON, name, value, spoiled},
#define SET_FOR_DAEMON_WHERE_KNOWN(name, value, spoiled, why) {FOR_DAEMON, name, value, spoiled},
#define TREATED(name, how)                                    {OTHERWISE, name, NULL, NULL},
#define LEFT(names, why)                                      {LEFT_ALONE, names, NULL, NULL},
#include "lib/db/pg_settings.def"
};

#define MAY_BE_SET "context IN ('user', 'superuser', 'backend', 'superuser-backend')"

/* "ARRAY['...', ...]" of the names of all rows, or of those that are left alone; to be freed. */
static char *names_of(bool left_alone)
{
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);

        fputs("string_to_array('", out);
        for (size_t i = 0; i < LENGTH(rows); i++)
                if (!left_alone || rows[i].whose == LEFT_ALONE)
                        fprintf(out, "%s ", rows[i].names);
        fputs("', ' ')", out);
        fclose(out);
        return text;
}

START_TEST(no_setting_that_a_login_may_have_is_without_a_row)
{
        struct world world;
        char *names = names_of(false), *sql, *missing;

        ops_open(&world);
        world_sql(&world, "LOAD 'plpgsql'"); /* whose settings the server knows from then on */
        ck_assert_int_ge(
            asprintf(&sql, "SELECT name FROM pg_settings WHERE " MAY_BE_SET " AND name <> ALL (%s)", names),
            0);
        missing = world_query(&world, sql);
        ck_assert_str_eq(missing, "");
        free(missing);
        free(sql);
        free(names);
        world_close(&world);
}
END_TEST

/* What the session has of it; "?": this version does not know it. */
static void shown(PGconn *pg, const char *name, char text[64])
{
        static const char sql[] = "SELECT coalesce(current_setting($1, true), '?')";
        char error[PG_ERROR_MAX];
        PGresult *result = pg_query(pg, sql, 1, &name, error);

        ck_assert_msg(result, "%s: %s", name, error);
        snprintf(text, 64, "%s", PQgetvalue(result, 0, 0));
        if (!strcmp(text, "\"\"")) /* of a list: one empty name, which is none */
                *text = '\0';
        PQclear(result);
}

START_TEST(whatever_a_login_has_a_session_has_what_its_program_needs)
{
        static const struct {
                const char *sql;
                enum whose most;
        } sessions[] = {{pg_session_sql, FOR_ALL}, {pg_daemon_session_sql, FOR_DAEMON}};
        struct world world;
        char is[64], error[PG_ERROR_MAX];

        ops_open(&world);
        world_sql(&world, "LOAD 'plpgsql'");
        world_sql(&world,
                  "CREATE ACCESS METHOD spoiled_heap TYPE TABLE HANDLER heap_tableam_handler;"
                  "CREATE SCHEMA nowhere; ALTER DATABASE %s SET search_path = nowhere",
                  world.name);
        for (size_t i = 0; i < LENGTH(rows); i++) {
                if (!rows[i].spoiled)
                        continue;
                shown(world.admin, rows[i].names, is);
                if (strcmp(is, "?") != 0)
                        world_sql(&world, "ALTER DATABASE %s SET %s = '%s'", world.name, rows[i].names,
                                  rows[i].spoiled);
        }
        for (size_t s = 0; s < LENGTH(sessions); s++) {
                PGconn *pg = world_session(&world, NULL);

                for (size_t i = 0; i < LENGTH(rows); i++) {
                        if (!rows[i].spoiled)
                                continue;
                        shown(pg, rows[i].names, is);
                        ck_assert_msg(strcmp(is, rows[i].value) != 0, "%s is not spoiled", rows[i].names);
                }
                ck_assert_msg(pg_execute(pg, sessions[s].sql, 0, NULL, error), "%s", error);
                for (size_t i = 0; i < LENGTH(rows); i++) {
                        if (!rows[i].spoiled)
                                continue;
                        shown(pg, rows[i].names, is);
                        if (strcmp(is, "?") != 0)
                                ck_assert_msg((strcmp(is, rows[i].value) == 0) ==
                                                  (rows[i].whose <= sessions[s].most),
                                              "%s is %s", rows[i].names, is);
                }
                shown(pg, "search_path", is);
                ck_assert_str_eq(is, "public, pg_temp");
                PQfinish(pg);
        }
        world_close(&world);
}
END_TEST

/* An administrator's limits and a debugger's pause are what they say. */
#define NO_LIMITS "name NOT IN ('temp_file_limit', 'max_stack_depth', 'post_auth_delay')"

/* The other truth, the first or last word that it may be, the least or the most; what the server does not take stays. */
static const char spoil[] =
    "DO $do$ DECLARE s record; v text; BEGIN "
    "FOR s IN SELECT * FROM pg_settings WHERE " MAY_BE_SET " AND " NO_LIMITS " AND name = ANY (%1$s) LOOP "
    "v := CASE s.vartype WHEN 'bool' THEN CASE s.setting WHEN 'on' THEN 'off' ELSE 'on' END "
    "WHEN 'enum' THEN s.enumvals[CASE WHEN %2$s THEN 1 ELSE cardinality(s.enumvals) END] "
    "ELSE CASE WHEN %2$s THEN s.min_val ELSE s.max_val END END; "
    "BEGIN EXECUTE format('ALTER DATABASE %3$s SET %%I = %%L', s.name, v); "
    "EXCEPTION WHEN OTHERS THEN NULL; END; END LOOP; END $do$";

static bool are_up(const struct world *world)
{
        for (int i = 0; i < WORLD_INSTANCES; i++) {
                struct ledger_pg_stats stats;

                ledger_pg_get_stats(world->pg[i], &stats);
                if (stats.connections_up < 2)
                        return false;
        }
        return true;
}

/* Each says that it is down. */
static void connect_anew(struct world *world)
{
        enum { CONNECTIONS = WORLD_INSTANCES * 2 };

        while (!are_up(world))
                event_base_loop(world->base, EVLOOP_ONCE);
        world->problems = 0;
        world_sql(world, "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = "
                         "current_database() AND usename = 'atm_daemon'");
        while (world->problems < CONNECTIONS || !are_up(world))
                event_base_loop(world->base, EVLOOP_ONCE);
}

START_TEST(what_is_left_as_it_is_changes_no_answer_and_no_row)
{
        enum { CARDS = 3 };
        struct world world;
        struct ledger_op request, op;
        char *names = names_of(true);
        int spoiled;

        ops_open(&world);
        world_sql(&world, "LOAD 'plpgsql'");
        world_sql(&world, spoil, names, _i ? "true" : "false", world.name);
        spoiled = (int)world_number(&world, "SELECT sum(cardinality(setconfig)) FROM pg_db_role_setting JOIN "
                                            "pg_database d ON d.oid = setdatabase WHERE datname = "
                                            "current_database()");
        ck_assert_int_gt(spoiled, 100);
        connect_anew(&world);
        for (int i = 0; i < 4 * CARDS; i++) {
                memset(&request, 0, sizeof request);
                ops_ask(&world, &request, i, i % 2 ? WORLD_LINK_CARD + i % CARDS : i % CARDS, 1000);
                op = request;
                ops_do(&world, &op);
                if (op.answer.status == LEDGER_ASK) {
                        ops_outcome(&op, &request, i % 4 == 1 ? OUTCOME_ANSWER : OUTCOME_TIMEOUT,
                                    i % 4 == 1 ? REASON_APPROVED : REASON_ISSUER_UNAVAILABLE);
                        ops_do(&world, &op);
                }
                ops_advise(&op, &request, 1, 1000, i % 3 ? 1000 : 0);
                ops_do(&world, &op);
                ops_advise(&op, &request, 1, 1000, i % 3 ? 1000 : 0); /* repeated */
                ops_do(&world, &op);
        }
        world_same_rows(&world, "with others' settings");
        world_check_sums(&world);
        free(names);
        world_close(&world);
}
END_TEST

/* What no session can set for itself: each alone, wrong. */
START_TEST(a_server_that_may_lose_what_it_has_or_hide_who_holds_it_is_refused)
{
        static const struct {
                const char *value, *said;
        } wrong[] = {
            {"off", "the server's fsync is off; expected on: "},
            {"off", "the server's full_page_writes is off; expected on: "},
            {"SQL_ASCII", "the server's server_encoding is SQL_ASCII; expected UTF8: "},
            {"replica", "the server's session_replication_role is replica; expected origin: "},
            {"5", "the server's max_prepared_transactions is 5; expected 0: "},
            {"on", "the server's zero_damaged_pages is on; expected off: "},
            {"on", "the server's ignore_checksum_failure is on; expected off: "},
            {"140012", "the server is PostgreSQL 14; expected 15 or later"},
        };
        char error[PG_ERROR_MAX];
        PGconn *pg = PQconnectdb("");
        PGresult *right = pg_query(pg, pg_server_sql, 0, NULL, error);

        ck_assert_msg(right && pg_server_judge(right, error), "%s", error);
        ck_assert_int_eq(PQnfields(right), LENGTH(wrong));
        for (int i = 0; i < (int)LENGTH(wrong); i++) {
                PGresult *result = PQcopyResult(right, PG_COPYRES_TUPLES);

                ck_assert(
                    PQsetvalue(result, 0, i, (char *)(uintptr_t)wrong[i].value, (int)strlen(wrong[i].value)));
                ck_assert(!pg_server_judge(result, error));
                ck_assert_msg(!strncmp(error, wrong[i].said, strlen(wrong[i].said)), "%s", error);
                PQclear(result);
        }
        PQclear(right);
        PQfinish(pg);
}
END_TEST

TCase *settings_tests(void)
{
        TCase *settings_case = tcase_create("settings");

        tcase_set_timeout(settings_case, 120);
        tcase_add_test(settings_case, no_setting_that_a_login_may_have_is_without_a_row);
        tcase_add_test(settings_case, whatever_a_login_has_a_session_has_what_its_program_needs);
        tcase_add_test(settings_case, a_server_that_may_lose_what_it_has_or_hide_who_holds_it_is_refused);
        tcase_add_loop_test(settings_case, what_is_left_as_it_is_changes_no_answer_and_no_row, 0, 2);
        return settings_case;
}
