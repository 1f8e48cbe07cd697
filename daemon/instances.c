#include "daemon/instances.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/instance_label.h"
#include "lib/base/log.h"
#include "lib/db/pg_conn.h"

enum { OTHERS_MAX = 512 };

enum { TELL, LOOK, STATEMENT_COUNT };
static const struct pg_statement look = {
    "instances", "SELECT m[1] || ': ' || concat_ws('/', m[2], m[3], m[4]), concat_ws('/', m[2], m[3], m[4]) "
                 "FROM " INSTANCE_LABELS " WHERE m IS NOT NULL AND a.datname = current_database() AND a.pid "
                 "<> pg_backend_pid() ORDER BY 1"};

struct instances {
        struct event_base *base;
        char name[INSTANCE_LABEL_MAX];
        struct pg_hosts *hosts;
        char label[INSTANCE_LABEL_MAX]; /* the connection's name */
        struct pg_conn *conn;
        char tell[96]; /* what people's decisions have to wait for, to the database */
        struct pg_statement statements[STATEMENT_COUNT + 1];
        char limits[INSTANCE_LIMITS_MAX];
        char others[OTHERS_MAX]; /* those that differ, as the log has them already */
};

/* "two: 120/510/300, three: ..." */
static void list_others(const struct instances *instances, const PGresult *result, char others[OTHERS_MAX])
{
        size_t used = 0;

        others[0] = '\0';
        for (int row = 0; row < PQntuples(result) && used < OTHERS_MAX; row++) {
                if (strcmp(PQgetvalue(result, row, 1), instances->limits) != 0)
                        used += (size_t)snprintf(others + used, OTHERS_MAX - used, "%s%s", used ? ", " : "",
                                                 PQgetvalue(result, row, 0));
        }
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct instances *instances = context;
        char others[OTHERS_MAX];

        if (outcome != PG_DONE)
                return;
        list_others(instances, result, others);
        if (strcmp(others, instances->others) == 0)
                return;
        memcpy(instances->others, others, sizeof(others));
        if (*others)
                log_event(LEVEL_WARNING, "limits_differ", LOG_TEXT("limits", instances->limits),
                          LOG_TEXT("others", others),
                          LOG_TEXT("help", "atm_wait_s/atm_dispense_s/correction_s must be the same in all "
                                           "instances: 'atmctl instance list'"));
        else
                log_event(LEVEL_INFO, "limits_agree", LOG_TEXT("limits", instances->limits));
}

static void on_up(void *context)
{
        instances_look(context);
}

/* The ledger tells of the database. */
static void on_down(void *context, const char *why)
{
        (void)context;
        (void)why;
}

static const struct pg_conn_events events = {.on_up = on_up, .on_end = on_end, .on_down = on_down};

static void disconnect(struct instances *instances)
{
        pg_conn_free(instances->conn);
        instances->conn = NULL;
}

/* The label is the connection's name, so that other limits are another connection. */
static bool connect_as(struct instances *instances, const struct settings *settings)
{
        instance_limits_print(settings, instances->limits);
        instance_label_print(instances->name, settings, instances->label);
        snprintf(instances->tell, sizeof(instances->tell),
                 "SELECT instance_limits_are(%" PRId64 ", %" PRId64 ")", settings->atm_wait_s,
                 settings->atm_dispense_s);
        instances->statements[TELL] = (struct pg_statement){PG_AT_ONCE, instances->tell};
        instances->statements[LOOK] = look;
        instances->conn = pg_conn_new(instances->base, instances->hosts, instances->label,
                                      instances->statements, &events, instances);
        return instances->conn;
}

struct instances *instances_new(struct event_base *base, struct pg_hosts *hosts,
                                const struct settings *settings, const char *name)
{
        struct instances *instances = calloc(1, sizeof(*instances));

        if (!instances)
                return NULL;
        instances->base = base;
        instances->hosts = hosts;
        snprintf(instances->name, sizeof(instances->name), "%s", name);
        if (connect_as(instances, settings))
                return instances;
        instances_free(instances);
        return NULL;
}

void instances_free(struct instances *instances)
{
        if (!instances)
                return;
        disconnect(instances);
        free(instances);
}

void instances_change(struct instances *instances, const struct settings *settings)
{
        char limits[INSTANCE_LIMITS_MAX];

        instance_limits_print(settings, limits);
        if (strcmp(limits, instances->limits) == 0)
                return;
        disconnect(instances);
        if (!connect_as(instances, settings))
                log_event(LEVEL_ERROR, "limits_unknown", LOG_TEXT("reason", "out of memory"));
}

void instances_look(struct instances *instances)
{
        if (instances->conn && pg_conn_is_idle(instances->conn))
                pg_conn_send(instances->conn, look.name, NULL, 0, 0);
}
