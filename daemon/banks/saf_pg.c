/* Store and forward's store in PostgreSQL: see saf_pg.h, and sql/080_ledger.sql for the functions. */
#include "daemon/banks/saf_pg.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/now.h"
#include "lib/base/seldom.h"
#include "lib/db/pg_conn.h"
#include "lib/db/pg_array.h"
#include "lib/db/pg_time.h"

enum { TAKE, END, SWEEP, LOOK, STATEMENT_COUNT };
enum { RESULT_ARRAYS = 6 };

static const struct pg_statement statements[STATEMENT_COUNT + 1] = {
    [TAKE] = {"saf_take",
              "SELECT * FROM saf_take($1::text,$2::text,$3::bigint,$4::bigint,$5::bigint,$6::integer)"},
    [END] = {"saf_end", "SELECT saf_end($1,$2,$3,$4,$5,$6)"},
    [SWEEP] = {"ledger_sweep", "SELECT ledger_sweep($1::bigint,$2::integer)"},
    [LOOK] = {"saf_look", "SELECT * FROM saf_look()"},
};

struct saf_pg {
        struct pg_conn *conn;
        struct saf *saf;
        int statement; /* under way */
        struct seldom failures[STATEMENT_COUNT];
        struct pg_array array[RESULT_ARRAYS];
        struct bank_notice notice[SAF_BATCH];
        struct saf_age age[BANK_ROUTES_MAX];
};

/* ---- what is sent -------------------------------------------------------------------------------------- */

static struct pg_parameter text_parameter(const char *text)
{
        return (struct pg_parameter){text, (int)strlen(text), 0};
}

static struct pg_parameter number_parameter(int64_t number, char buffer[8])
{
        pg_put_int8(buffer, number);
        return (struct pg_parameter){buffer, 8, 1};
}

static void submit(struct saf_pg *store, int statement, const struct pg_parameter *parameters, int count)
{
        store->statement = statement;
        pg_conn_send(store->conn, statements[statement].name, parameters, count, 1);
}

static bool is_idle(void *context)
{
        struct saf_pg *store = context;
        return pg_conn_is_idle(store->conn);
}

static void begin_take(void *context, const struct saf_take *take)
{
        char number[3][8], max[16];
        snprintf(max, sizeof(max), "%d", take->max);
        struct pg_parameter parameters[] = {
            text_parameter(take->link),
            text_parameter(take->holder),
            number_parameter(take->lease_ms, number[0]),
            number_parameter(take->retry_first_ms, number[1]),
            number_parameter(take->retry_max_ms, number[2]),
            text_parameter(max),
        };
        submit(context, TAKE, parameters, sizeof(parameters) / sizeof(parameters[0]));
}

static void begin_end(void *context, const struct saf_result *results, int count)
{
        static const enum pg_type types[RESULT_ARRAYS] = {PG_TEXT, PG_TIMESTAMPTZ, PG_INT4,
                                                          PG_INT2, PG_TEXT,        PG_TEXT};
        struct saf_pg *store = context;
        struct pg_parameter parameters[RESULT_ARRAYS];
        bool good = true;
        for (int i = 0; i < RESULT_ARRAYS; i++)
                pg_array_begin(&store->array[i], types[i]);
        for (int i = 0; i < count; i++) {
                pg_array_text(&store->array[0], results[i].identity.terminal);
                pg_array_timestamptz(&store->array[1], results[i].identity.transmitted_ms);
                pg_array_int4(&store->array[2], results[i].identity.stan);
                pg_array_int2(&store->array[3], results[i].seq);
                pg_array_text(&store->array[4], notice_verdict_name[results[i].verdict]);
                pg_array_text(&store->array[5], results[i].said);
        }
        for (int i = 0; i < RESULT_ARRAYS; i++) {
                pg_array_end(&store->array[i]);
                good = good && pg_array_ok(&store->array[i]);
                parameters[i] = (struct pg_parameter){store->array[i].bytes, (int)store->array[i].length, 1};
        }
        if (!good) { /* a few kilobytes that were there before: nothing else would go on either */
                fputs("atmd: out of memory\n", stderr);
                abort();
        }
        submit(store, END, parameters, RESULT_ARRAYS);
}

static void begin_sweep(void *context, int64_t age_ms, int max)
{
        char number[8], text[16];
        snprintf(text, sizeof(text), "%d", max);
        struct pg_parameter parameters[] = {
            number_parameter(age_ms, number),
            text_parameter(text),
        };
        submit(context, SWEEP, parameters, sizeof(parameters) / sizeof(parameters[0]));
}

static void begin_look(void *context)
{
        submit(context, LOOK, NULL, 0);
}

/* ---- what comes back ----------------------------------------------------------------------------------- */

static void copy_text(const PGresult *result, int row, int column, char *buffer, size_t size)
{
        snprintf(buffer, size, "%.*s", PQgetlength(result, row, column), PQgetvalue(result, row, column));
}

static int64_t get_moment_ms(const PGresult *result, int row, int column)
{
        return (pg_get_int8(PQgetvalue(result, row, column)) + PG_EPOCH_US) / 1000;
}

static void read_notice(const PGresult *result, int row, struct bank_notice *notice)
{
        char kind[16];
        *notice = (struct bank_notice){
            .identity = {.transmitted_ms = get_moment_ms(result, row, 1),
                         .stan = pg_get_int4(PQgetvalue(result, row, 2))},
            .seq = pg_get_int2(PQgetvalue(result, row, 3)),
            .kind = BANK_NOTICE_REVERSAL,
            .amount_yen = pg_get_int8(PQgetvalue(result, row, 5)),
            .charge_yen = pg_get_int8(PQgetvalue(result, row, 6)),
            .dispensed_yen = pg_get_int8(PQgetvalue(result, row, 7)),
            .attempts = pg_get_int4(PQgetvalue(result, row, 9)),
        };
        copy_text(result, row, 0, notice->identity.terminal, sizeof(notice->identity.terminal));
        copy_text(result, row, 8, notice->why, sizeof(notice->why));
        notice->chip.length =
            (uint8_t)PQgetlength(result, row, 10); /* NULL: 0; the column holds no more than fits */
        memcpy(notice->chip.bytes, PQgetvalue(result, row, 10), notice->chip.length);
        copy_text(result, row, 4, kind, sizeof(kind));
        for (int i = 0; i < BANK_NOTICE_KIND_COUNT; i++)
                if (strcmp(kind, bank_notice_kind_name[i]) == 0)
                        notice->kind = (enum bank_notice_kind)i;
}

static void end_take(struct saf_pg *store, const PGresult *result)
{
        int count = PQntuples(result);
        if (count > SAF_BATCH)
                count = SAF_BATCH;
        for (int i = 0; i < count; i++)
                read_notice(result, i, &store->notice[i]);
        saf_taken(store->saf, true, store->notice, count);
        for (int i = 0; i < count; i++)
                explicit_bzero(&store->notice[i].chip, sizeof(store->notice[i].chip));
}

static void end_look(struct saf_pg *store, const PGresult *result)
{
        int count = 0;
        for (int i = 0; i < PQntuples(result) && count < BANK_ROUTES_MAX; i++) {
                struct saf_age *age = &store->age[count++];
                copy_text(result, i, 0, age->link, sizeof(age->link));
                age->waiting = pg_get_int8(PQgetvalue(result, i, 1));
                age->parked = pg_get_int8(PQgetvalue(result, i, 2));
                age->oldest_age_ms = PQgetisnull(result, i, 3) ? 0 : pg_get_int8(PQgetvalue(result, i, 3));
        }
        saf_looked(store->saf, true, store->age, count);
}

static void end_badly(struct saf_pg *store)
{
        switch (store->statement) {
        case TAKE:
                saf_taken(store->saf, false, NULL, 0);
                break;
        case END:
                saf_ended(store->saf, false);
                break;
        case SWEEP:
                saf_swept(store->saf, false, 0);
                break;
        default:
                saf_looked(store->saf, false, NULL, 0);
                break;
        }
}

static void log_failure(struct saf_pg *store, const char *state, const char *reason)
{
        int64_t more;
        if (seldom_may(&store->failures[store->statement], hash_text(HASH_FIRST, state), steady_now_ms(),
                       &more))
                log_event(LEVEL_WARNING, "saf", LOG_TEXT("statement", statements[store->statement].name),
                          LOG_TEXT("reason", reason), LOG_NUMBER("more", more));
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct saf_pg *store = context;
        if (outcome != PG_DONE) {
                const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
                /* the sweep meets answers that come at the same moment; it is to be repeated */
                if (state && strcmp(state, "40001") != 0 && strcmp(state, "40P01") != 0)
                        log_failure(store, state, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
                end_badly(store);
                return;
        }
        switch (store->statement) {
        case TAKE:
                end_take(store, result);
                break;
        case END:
                saf_ended(store->saf, true);
                break;
        case SWEEP:
                saf_swept(store->saf, true, pg_get_int4(PQgetvalue(result, 0, 0)));
                break;
        default:
                end_look(store, result);
                break;
        }
}

static void on_up(void *context)
{
        struct saf_pg *store = context;
        log_event(LEVEL_INFO, "saf", LOG_TEXT("text", "database connection is up"));
        saf_tick(store->saf);
}

static void on_down(void *context, const char *why)
{
        (void)context;
        log_event(LEVEL_WARNING, "saf", LOG_TEXT("text", "database connection is down"),
                  LOG_TEXT("reason", why));
}

static const struct pg_conn_events conn_events = {.on_up = on_up, .on_end = on_end, .on_down = on_down};

struct saf_pg *saf_pg_new(struct event_base *base, struct pg_hosts *hosts)
{
        struct saf_pg *store = calloc(1, sizeof(*store));
        if (!store)
                return NULL;
        store->conn = pg_conn_new(base, hosts, NULL, statements, &conn_events, store);
        if (store->conn)
                return store;
        free(store);
        return NULL;
}

void saf_pg_free(struct saf_pg *store)
{
        if (!store)
                return;
        pg_conn_free(store->conn);
        for (int i = 0; i < RESULT_ARRAYS; i++)
                pg_array_free(&store->array[i]);
        free(store);
}

void saf_pg_attach(struct saf_pg *store, struct saf *saf)
{
        store->saf = saf;
}

struct saf_store saf_pg_store(struct saf_pg *store)
{
        return (struct saf_store){.is_idle = is_idle,
                                  .take = begin_take,
                                  .end = begin_end,
                                  .sweep = begin_sweep,
                                  .look = begin_look,
                                  .context = store};
}
