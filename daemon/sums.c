/* Summing up days: see sums.h. */
#include "daemon/sums.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/db/pg_conn.h"
#include "rules/calendar.h"

/* A day is over for good once no clock of an ATM may be in it. */
enum { SETTLED_DAYS = 2 };

enum { EXTEND, STEP, STATEMENT_COUNT };

static const struct pg_statement statements[STATEMENT_COUNT + 1] = {
    [EXTEND] = {"summary_extend", "SELECT summary_extend($1::date)"},
    [STEP] = {"summary_step", "SELECT summary_step(true)"},
};

struct sums {
        char *conninfo;
        struct pg_conn *conn;
        int64_t (*business_ms)(void *context);
        void *context;
        int statement; /* under way */
};

static void extend(struct sums *sums)
{
        char day[11];
        struct pg_parameter through = {day, sizeof(day) - 1, 0};

        calendar_print_day(calendar_business_day(sums->business_ms(sums->context)) - SETTLED_DAYS, day);
        sums->statement = EXTEND;
        pg_conn_send(sums->conn, statements[EXTEND].name, &through, 1, 0);
}

static void step(struct sums *sums)
{
        sums->statement = STEP;
        pg_conn_send(sums->conn, statements[STEP].name, NULL, 0, 0);
}

/* Who waits for another, or gives up for him, tries again with the next look. */
static bool is_in_the_way(const char *state)
{
        return !strcmp(state, "55P03") || !strncmp(state, "40", 2);
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct sums *sums = context;

        if (outcome != PG_DONE) {
                const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

                if (state && !is_in_the_way(state))
                        log_limited(LEVEL_WARNING, "sums",
                                    LOG_TEXT("statement", statements[sums->statement].name),
                                    LOG_TEXT("reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
                return;
        }
        if (sums->statement == STEP) {
                if (PQgetisnull(result, 0, 0))
                        return;
                log_event(LEVEL_INFO, "sums", LOG_TEXT("made", PQgetvalue(result, 0, 0)));
        }
        step(sums);
}

static void on_up(void *context)
{
        sums_look(context);
}

static void on_down(void *context, const char *why)
{
        (void)context;
        log_event(LEVEL_WARNING, "sums", LOG_TEXT("text", "database connection is down"),
                  LOG_TEXT("reason", why));
}

struct sums *sums_new(struct event_base *base, const char *conninfo, int64_t (*business_ms)(void *context),
                      void *context)
{
        static const struct pg_conn_events events = {.on_up = on_up, .on_end = on_end, .on_down = on_down};
        struct sums *sums = calloc(1, sizeof(*sums));

        if (!sums)
                return NULL;
        sums->business_ms = business_ms;
        sums->context = context;
        sums->conninfo = strdup(conninfo);
        sums->conn = sums->conninfo ? pg_conn_new(base, sums->conninfo, statements, &events, sums) : NULL;
        if (sums->conn)
                return sums;
        free(sums->conninfo);
        free(sums);
        return NULL;
}

void sums_free(struct sums *sums)
{
        if (!sums)
                return;
        pg_conn_free(sums->conn);
        free(sums->conninfo);
        free(sums);
}

void sums_look(struct sums *sums)
{
        if (pg_conn_is_idle(sums->conn))
                extend(sums);
}
