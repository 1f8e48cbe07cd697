/* Partitions ahead, sums of days, and ends that have come: see upkeep.h. */
#include "daemon/upkeep.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/db/pg_conn.h"
#include "rules/calendar.h"

enum {
        AHEAD_DAYS = 430, /* partitions: as many months as 'atmctl db partitions' makes */
        DAY_TEXT = 11,
        ENDS_S = 5, /* how late an end may come */
};

enum { PARTITIONS, EXTEND, STEP, ENDS, STATEMENT_COUNT };

static const struct pg_statement statements[STATEMENT_COUNT + 1] = {
    [PARTITIONS] = {"ledger_make_partitions", "SELECT ledger_make_partitions($1::date, $2::date)"},
    [EXTEND] = {"summary_extend", "SELECT summary_extend($1::date)"},
    [STEP] = {"summary_step", "SELECT summary_step(true)"},
    [ENDS] = {"atm_end_due", "SELECT atm_end_due()"},
};

struct upkeep {
        struct pg_conn *conn;
        struct event *ends;
        struct upkeep_events events;
        int statement; /* under way */
        bool refused;  /* the role may not make partitions: said once */
};

static int32_t today(const struct upkeep *upkeep)
{
        return calendar_business_day(upkeep->events.business_ms(upkeep->events.context));
}

static struct pg_parameter day_parameter(int32_t day, char text[DAY_TEXT])
{
        calendar_print_day(day, text);
        return (struct pg_parameter){text, DAY_TEXT - 1, 0};
}

static void submit(struct upkeep *upkeep, int statement, const struct pg_parameter *parameters, int count)
{
        upkeep->statement = statement;
        pg_conn_send(upkeep->conn, statements[statement].name, parameters, count, 0);
}

static void make_partitions(struct upkeep *upkeep)
{
        char text[2][DAY_TEXT];
        const struct pg_parameter days[] = {day_parameter(today(upkeep), text[0]),
                                            day_parameter(today(upkeep) + AHEAD_DAYS, text[1])};

        submit(upkeep, PARTITIONS, days, 2);
}

static void extend(struct upkeep *upkeep)
{
        char text[DAY_TEXT];
        struct pg_parameter through = day_parameter(today(upkeep) - CALENDAR_SETTLED_DAYS, text);

        submit(upkeep, EXTEND, &through, 1);
}

static void step(struct upkeep *upkeep)
{
        submit(upkeep, STEP, NULL, 0);
}

/* Who waits for another, or gives up for him, tries again with the next look. */
static bool is_in_the_way(const char *state)
{
        return !strcmp(state, "55P03") || !strncmp(state, "40", 2);
}

static void on_failed(struct upkeep *upkeep, const PGresult *result)
{
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        bool refused = upkeep->statement == PARTITIONS && state && !strcmp(state, "42501");

        if (state && !is_in_the_way(state) && !(refused && upkeep->refused))
                log_limited(LEVEL_WARNING, "upkeep",
                            LOG_TEXT("statement", statements[upkeep->statement].name),
                            LOG_TEXT("reason", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
        upkeep->refused = upkeep->refused || refused;
        if (upkeep->statement == PARTITIONS)
                extend(upkeep);
}

static void on_end(void *context, enum pg_outcome outcome, const PGresult *result)
{
        struct upkeep *upkeep = context;

        if (outcome == PG_LOST)
                return;
        if (outcome == PG_FAILED) {
                on_failed(upkeep, result);
                return;
        }
        switch (upkeep->statement) {
        case PARTITIONS:
                log_event(LEVEL_INFO, "upkeep", LOG_TEXT("partitions", PQgetvalue(result, 0, 0)));
                extend(upkeep);
                break;
        case EXTEND:
                step(upkeep);
                break;
        case ENDS:
                if (strcmp(PQgetvalue(result, 0, 0), "0"))
                        log_event(LEVEL_INFO, "upkeep", LOG_TEXT("ended", PQgetvalue(result, 0, 0)));
                break;
        default:
                if (PQgetisnull(result, 0, 0))
                        break;
                log_event(LEVEL_INFO, "upkeep", LOG_TEXT("sums", PQgetvalue(result, 0, 0)));
                step(upkeep);
                break;
        }
}

static void on_up(void *context)
{
        upkeep_look(context);
}

/* While there is other work it is later: sums are made step by step, and never for long. */
static void on_ends(evutil_socket_t fd, short what, void *context)
{
        struct upkeep *upkeep = context;

        (void)fd;
        (void)what;
        if (pg_conn_is_idle(upkeep->conn))
                submit(upkeep, ENDS, NULL, 0);
}

static void on_down(void *context, const char *why)
{
        (void)context;
        log_event(LEVEL_WARNING, "upkeep", LOG_TEXT("text", "database connection is down"),
                  LOG_TEXT("reason", why));
}

struct upkeep *upkeep_new(struct event_base *base, struct pg_hosts *hosts, const struct upkeep_events *events)
{
        static const struct pg_conn_events conn_events = {
            .on_up = on_up, .on_end = on_end, .on_down = on_down};
        static const struct timeval pause = {.tv_sec = ENDS_S};
        struct upkeep *upkeep = calloc(1, sizeof(*upkeep));

        if (!upkeep)
                return NULL;
        upkeep->events = *events;
        upkeep->conn = pg_conn_new(base, hosts, NULL, statements, &conn_events, upkeep);
        upkeep->ends = event_new(base, -1, EV_PERSIST, on_ends, upkeep);
        if (upkeep->conn && upkeep->ends && event_add(upkeep->ends, &pause) == 0)
                return upkeep;
        upkeep_free(upkeep);
        return NULL;
}

void upkeep_free(struct upkeep *upkeep)
{
        if (!upkeep)
                return;
        if (upkeep->ends)
                event_free(upkeep->ends);
        pg_conn_free(upkeep->conn);
        free(upkeep);
}

void upkeep_look(struct upkeep *upkeep)
{
        if (!pg_conn_is_idle(upkeep->conn))
                return;
        if (upkeep->events.partitions_are_due(upkeep->events.context))
                make_partitions(upkeep);
        else
                extend(upkeep);
}
