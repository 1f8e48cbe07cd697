/* Books and desks for tests: see books.h. */
#include "tests/contract/books.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* sessions ------------------------------------------------------------------------------------------ */

/* What the statement that was sent ends with: its first value, or its error; to be freed. */
char *desk_hear(PGconn *pg)
{
        PGresult *result;
        char *text = strdup("");

        while ((result = PQgetResult(pg))) {
                const char *error = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

                if (error || PQntuples(result)) {
                        free(text);
                        text = strdup(error ? error : PQgetvalue(result, 0, 0));
                }
                PQclear(result);
        }
        return text;
}

void desk_say(PGconn *pg, const char *sql)
{
        ck_assert_msg(PQsendQuery(pg, sql), "%s", PQerrorMessage(pg));
}

/* Business today; the world's is after all days of the tests. */
void books_today(struct world *world, const char *day)
{
        world_sql(world,
                  "UPDATE business_clock SET start_ms = extract(epoch FROM TIMESTAMP '%s 12:00' AT TIME ZONE "
                  "'Asia/Tokyo') "
                  "* 1000, anchor_ms = extract(epoch FROM clock_timestamp()) * 1000",
                  day);
}

void desk_heard(PGconn *pg, const char *expected, const char *what)
{
        char *heard = desk_hear(pg);

        ck_assert_msg(!strcmp(heard, expected), "%s: '%s' expected, '%s' heard", what, expected, heard);
        free(heard);
}

void desk_told(PGconn *pg, const char *sql, const char *expected)
{
        desk_say(pg, sql);
        desk_heard(pg, expected, sql);
}

void desk_waits(struct world *world, const PGconn *pg)
{
        char sql[160];

        snprintf(sql, sizeof sql,
                 "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Lock'",
                 PQbackendPID(pg));
        for (int i = 0; i < 1000; i++) {
                if (world_number(world, sql))
                        return;
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        ck_abort_msg("a statement that must wait does not");
}

/* withdrawals --------------------------------------------------------------------------------------- */

/* The 0200s of the numbers [0, count): approved, without an end. */
void books_approve(struct world *world, struct ledger_op *request, int count)
{
        int pending = 0;

        memset(request, 0, (size_t)count * sizeof *request);
        for (int i = 0; i < count; i++) {
                ops_ask(world, &request[i], i, i, AMOUNT_YEN);
                ops_submit(world, i % WORLD_INSTANCES, &request[i], &pending);
        }
        world_wait(world, &pending);
        for (int i = 0; i < count; i++)
                ck_assert_int_eq(request[i].answer.reason, REASON_APPROVED);
}

void books_dispense(struct world *world, const struct ledger_op *request, int number, int64_t dispensed_yen)
{
        struct ledger_op op;
        int pending = 0;

        ops_advise(&op, request, number, AMOUNT_YEN, dispensed_yen);
        ops_submit(world, 0, &op, &pending);
        world_wait(world, &pending);
        ck_assert_int_eq(op.answer.status, LEDGER_DECIDED);
}

/* A completion as a statement of its own, for a transaction that a test holds open. */
const char *books_completion_sql(const struct ledger_op *request)
{
        static char sql[640];

        snprintf(sql, sizeof sql,
                 "SELECT r_stored FROM ledger_advice(ARRAY['%s'], ARRAY[to_timestamp(%" PRId64
                 " / 1000.0)], ARRAY[%" PRId32 "], ARRAY['completion'], ARRAY[to_timestamp(%" PRId64
                 " / 1000.0)], ARRAY[%" PRId32
                 "], ARRAY[NULL::text], ARRAY[%d::bigint], ARRAY[%d::bigint], 300000)",
                 request->identity.terminal, request->identity.transmitted_ms, request->identity.stan,
                 request->identity.transmitted_ms + 40000, request->identity.stan + 1000, AMOUNT_YEN,
                 AMOUNT_YEN);
        return sql;
}

void books_have(struct world *world, const char *sql, const char *expected)
{
        char *found = world_query(world, sql);

        found[strcspn(found, "\n")] = '\0';
        ck_assert_msg(!strcmp(found, expected), "%s: '%s' expected, '%s' found", sql, expected, found);
        free(found);
}

/* Ready to be closed: the costs are entered too. */
void books_sum_up_quarters(struct world *world)
{
        books_have(world, "SELECT summary_extend('2017-03-31')", "t");
        world_sql(world, ALL_STEPS);
        world_enter_costs(world);
}

void desk_try(PGconn *pg, const struct desk_statement *statements, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                char *heard;

                desk_say(pg, statements[i].sql);
                heard = desk_hear(pg);
                ck_assert_msg(statements[i].refusal ? strstr(heard, statements[i].refusal) != NULL : !*heard,
                              "%s: '%s' expected, '%s' heard", statements[i].sql,
                              statements[i].refusal ? statements[i].refusal : "nothing", heard);
                free(heard);
        }
}
