/* What this instance sees: see sightings.h. */
#include "daemon/sightings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/hash.h"
#include "lib/base/log.h"
#include "lib/base/utf8.h"
#include "lib/db/pg_array.h"
#include "lib/db/pg_conn.h"

enum { NAME_SHOWN = 60, NAME_BYTES = 128, MACHINE_MAX = 65, ARRAYS = 6 };

enum { WRITE, LEAVE, STATEMENT_COUNT };
static const struct pg_statement statements[STATEMENT_COUNT + 1] = {
    [WRITE] = {"sightings_write", "SELECT sightings_write($1,$2,$3,$4,$5,$6,$7)"},
    [LEAVE] = {"sightings_leave", "SELECT sightings_leave($1)"},
};

struct sightings {
        struct pg_conn *conn;
        const struct bank_routes *routes;
        char name[NAME_BYTES];
        uint64_t told; /* what was written last, as a hash */
        int64_t told_ms;
        bool is_told; /* the last look's words are in the database, or on their way */
        bool gone;
        struct pg_array array[ARRAYS];
};

size_t sightings_of_links(const struct bank_routes *routes, int64_t now_ms,
                          struct sighting ret_rows[BANK_ROUTES_MAX])
{
        for (size_t i = 0; i < routes->count; i++) {
                const struct bank_route *route = routes->route[i];

                ret_rows[i] = (struct sighting){
                    .kind = "link",
                    .name = route->settings.name,
                    .state = bank_route_state_name[bank_route_state(route)],
                    .why = bank_route_why(route),
                    .state_ms = now_ms - route->since_ms,
                    .silent_ms = route->env.heard_ms ? now_ms - route->env.heard_ms : -1,
                };
        }
        return routes->count;
}

/* What is new to people; times alone are not. */
static uint64_t hash_of(const struct sighting *rows, size_t count)
{
        uint64_t hash = HASH_FIRST;

        for (size_t i = 0; i < count; i++)
                hash = hash_text(hash_text(hash_text(hash, rows[i].name), rows[i].state), rows[i].why);
        return hash;
}

int64_t sightings_hold_ms(const struct sighting *rows, size_t count, int64_t age_ms)
{
        for (size_t i = 0; i < count; i++)
                if (rows[i].silent_ms >= 0 && rows[i].silent_ms < age_ms)
                        return SIGHTINGS_HEARD_MS;
        return SIGHTINGS_PERIOD_MS;
}

static void add_row(struct pg_array array[ARRAYS], const struct sighting *row)
{
        pg_array_text(&array[0], row->kind);
        pg_array_text(&array[1], row->name);
        pg_array_text(&array[2], row->state);
        pg_array_int8(&array[3], row->state_ms);
        if (row->silent_ms < 0)
                pg_array_null(&array[4]);
        else
                pg_array_int8(&array[4], row->silent_ms);
        pg_array_text(&array[5], row->why);
}

/* False: out of memory; the next look tries again. */
static bool send_rows(struct sightings *sightings, const struct sighting *rows, size_t count)
{
        static const enum pg_type types[ARRAYS] = {PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8, PG_INT8, PG_TEXT};
        struct pg_parameter parameters[1 + ARRAYS] = {{sightings->name, (int)strlen(sightings->name), 0}};
        bool good = true;

        for (int i = 0; i < ARRAYS; i++)
                pg_array_begin(&sightings->array[i], types[i]);
        for (size_t i = 0; i < count; i++)
                add_row(sightings->array, &rows[i]);
        for (int i = 0; i < ARRAYS; i++) {
                struct pg_array *array = &sightings->array[i];

                pg_array_end(array);
                good = good && pg_array_ok(array);
                parameters[1 + i] = (struct pg_parameter){array->bytes, (int)array->length, 1};
        }
        if (good)
                pg_conn_send(sightings->conn, statements[WRITE].name, parameters, 1 + ARRAYS, 0);
        return good;
}

void sightings_look(struct sightings *sightings, int64_t now_ms)
{
        struct sighting rows[BANK_ROUTES_MAX];
        int64_t age_ms = now_ms - sightings->told_ms;
        size_t count;
        uint64_t hash;

        if (sightings->gone || !pg_conn_is_idle(sightings->conn))
                return;
        count = sightings_of_links(sightings->routes, now_ms, rows);
        hash = hash_of(rows, count);
        if (sightings->is_told && hash == sightings->told && age_ms < sightings_hold_ms(rows, count, age_ms))
                return;
        sightings->is_told = send_rows(sightings, rows, count);
        sightings->told = hash;
        sightings->told_ms = now_ms;
}

void sightings_leave(struct sightings *sightings)
{
        const struct pg_parameter name = {sightings->name, (int)strlen(sightings->name), 0};

        sightings->gone = true;
        if (pg_conn_is_idle(sightings->conn))
                pg_conn_send(sightings->conn, statements[LEAVE].name, &name, 1, 0);
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct sightings *sightings = context;

        if (outcome == PG_DONE)
                return;
        sightings->is_told = false;
        if (outcome == PG_FAILED)
                log_limited(LEVEL_WARNING, "sightings",
                            LOG_TEXT("reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

/* The next look writes. */
static void on_up(void *context)
{
        (void)context;
}

/* The ledger tells of the database. */
static void on_down(void *context, const char *why)
{
        (void)context;
        (void)why;
}

/* Instances of several machines may bear one name, or listen on one address. */
static void name_instance(struct sightings *sightings, const char *name)
{
        char machine[MACHINE_MAX] = "", whole[NAME_BYTES];

        (void)gethostname(machine, sizeof(machine) - 1);
        snprintf(whole, sizeof(whole), "%.*s%s%s", NAME_SHOWN, name, *machine ? "@" : "", machine);
        utf8_show(whole, "", sightings->name, sizeof(sightings->name));
}

struct sightings *sightings_new(struct event_base *base, struct pg_hosts *hosts, const char *name,
                                const struct bank_routes *routes)
{
        static const struct pg_conn_events events = {.on_up = on_up, .on_end = on_end, .on_down = on_down};
        struct sightings *sightings = calloc(1, sizeof(*sightings));

        if (!sightings)
                return NULL;
        sightings->routes = routes;
        name_instance(sightings, name);
        sightings->conn = pg_conn_new(base, hosts, NULL, statements, &events, sightings);
        if (sightings->conn)
                return sightings;
        free(sightings);
        return NULL;
}

void sightings_free(struct sightings *sightings)
{
        if (!sightings)
                return;
        pg_conn_free(sightings->conn);
        for (int i = 0; i < ARRAYS; i++)
                pg_array_free(&sightings->array[i]);
        free(sightings);
}
