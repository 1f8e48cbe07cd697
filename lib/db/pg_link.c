#include "lib/db/pg_link.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        CONNECT_TIMEOUT_MS = 5000,
        ANSWER_TIMEOUT_MS = 30000, /* longer than any ATM waits: then the server is taken for dead */
        PAUSE_FIRST_MS = 100,
        PAUSE_MAX_MS = 10000,
};

enum state { DOWN, CONNECTING, PREPARING, IDLE, BUSY };

struct pg_link {
        struct event_base *base;
        const char *conninfo;
        const struct pg_statement *statements;
        const struct pg_link_events *events;
        void *context;

        enum state state;
        PGconn *pg;
        struct event *readable, *writable; /* of the current socket */
        struct event *timer;               /* the state's time limit; the pause while DOWN */
        int prepared;                      /* statements that are */
        PGresult *result;                  /* the last one of the statement under way */
        int64_t pause_ms;
};

static void on_socket(evutil_socket_t socket, short what, void *context);
static void on_timer(evutil_socket_t socket, short what, void *context);

static void timer_start(struct pg_link *link, int64_t ms)
{
        struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
        event_add(link->timer, &tv);
}

static void result_clear(struct pg_link *link)
{
        PQclear(link->result);
        link->result = NULL;
}

static void socket_forget(struct pg_link *link)
{
        if (link->readable)
                event_free(link->readable);
        if (link->writable)
                event_free(link->writable);
        link->readable = link->writable = NULL;
}

/* libpq may change its socket while connecting, so the events are made anew at each step of that. */
static bool socket_watch(struct pg_link *link)
{
        socket_forget(link);
        link->readable = event_new(link->base, PQsocket(link->pg), EV_READ | EV_PERSIST, on_socket, link);
        link->writable = event_new(link->base, PQsocket(link->pg), EV_WRITE, on_socket, link);
        return link->readable && link->writable;
}

/* The one door for changes of state; each state's time limit is set here. */
static void link_enter(struct pg_link *link, enum state state)
{
        static const bool legal[5][5] = {
                [DOWN] = { [CONNECTING] = true, [DOWN] = true },
                [CONNECTING] = { [DOWN] = true, [PREPARING] = true },
                [PREPARING] = { [DOWN] = true, [IDLE] = true },
                [IDLE] = { [DOWN] = true, [BUSY] = true },
                [BUSY] = { [DOWN] = true, [IDLE] = true },
        };
        assert(legal[link->state][state]);
        link->state = state;
        if (state == IDLE)
                event_del(link->timer);
        else if (state == BUSY)
                timer_start(link, ANSWER_TIMEOUT_MS);
        else if (state == CONNECTING || state == PREPARING)
                timer_start(link, CONNECT_TIMEOUT_MS);
        else
                timer_start(link, link->pause_ms * (75 + rand() % 51) / 100);
}

/* The one door for losing the connection. */
static void link_lose(struct pg_link *link, const char *why)
{
        char text[256];
        size_t length = strcspn(why, "\n");
        snprintf(text, sizeof(text), "%.*s", (int)(length < sizeof(text) ? length : sizeof(text) - 1), why);

        bool busy = link->state == BUSY;
        socket_forget(link);
        result_clear(link);
        PQfinish(link->pg);
        link->pg = NULL;
        link_enter(link, DOWN);
        link->pause_ms = link->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : link->pause_ms * 2;
        if (busy)
                link->events->on_end(link->context, PG_LOST, NULL);
        link->events->on_down(link->context, text);
}

/* Push what libpq still holds; wait for room in the socket where it does not all go. */
static void link_flush(struct pg_link *link)
{
        int left = PQflush(link->pg);
        if (left < 0)
                link_lose(link, PQerrorMessage(link->pg));
        else if (left > 0)
                event_add(link->writable, NULL);
}

static void prepare_next(struct pg_link *link)
{
        const struct pg_statement *statement = &link->statements[link->prepared];
        if (!statement->name) {
                link->pause_ms = PAUSE_FIRST_MS;
                link_enter(link, IDLE);
                link->events->on_up(link->context);
        } else if (PQsendPrepare(link->pg, statement->name, statement->sql, 0, NULL)) {
                link_flush(link);
        } else {
                link_lose(link, PQerrorMessage(link->pg));
        }
}

static void connect_step(struct pg_link *link)
{
        PostgresPollingStatusType poll = PQconnectPoll(link->pg);
        if (poll == PGRES_POLLING_FAILED) {
                link_lose(link, PQerrorMessage(link->pg));
                return;
        }
        if (!socket_watch(link)) {
                link_lose(link, "out of memory");
                return;
        }
        if (poll == PGRES_POLLING_READING) {
                event_add(link->readable, NULL);
        } else if (poll == PGRES_POLLING_WRITING) {
                event_add(link->writable, NULL);
        } else {
                PQsetnonblocking(link->pg, 1);
                event_add(link->readable, NULL);
                link->prepared = 0;
                link_enter(link, PREPARING);
                prepare_next(link);
        }
}

/* What the server says besides results also comes as the reason of a loss: nothing for standard error. */
static void on_notice(void *context, const char *text)
{
        (void)context;
        (void)text;
}

static void connect_start(struct pg_link *link)
{
        link_enter(link, CONNECTING);
        link->pg = PQconnectStart(link->conninfo);
        if (link->pg)
                PQsetNoticeProcessor(link->pg, on_notice, NULL);
        if (!link->pg || PQstatus(link->pg) == CONNECTION_BAD)
                link_lose(link, link->pg ? PQerrorMessage(link->pg) : "out of memory");
        else if (!socket_watch(link))
                link_lose(link, "out of memory");
        else
                event_add(link->writable, NULL); /* PQconnectStart: begin as if POLLING_WRITING */
}

/* The statement under way has ended: ReadyForQuery was seen. */
static void statement_end(struct pg_link *link)
{
        PGresult *result = link->result;
        link->result = NULL;
        ExecStatusType status = PQresultStatus(result);
        bool done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
        if (link->state == PREPARING) {
                if (done) {
                        link->prepared++;
                        prepare_next(link);
                } else {
                        link_lose(link, PQresultErrorMessage(result));
                }
        } else {
                link_enter(link, IDLE);
                link->events->on_end(link->context, done ? PG_DONE : PG_FAILED, result);
        }
        PQclear(result);
}

static void results_read(struct pg_link *link)
{
        if (!PQconsumeInput(link->pg)) {
                link_lose(link, PQerrorMessage(link->pg));
                return;
        }
        while (link->pg && (link->state == BUSY || link->state == PREPARING) && !PQisBusy(link->pg)) {
                PGresult *result = PQgetResult(link->pg);
                if (!result) {
                        if (PQstatus(link->pg) != CONNECTION_OK || !link->result) {
                                link_lose(link, PQerrorMessage(link->pg));
                                return;
                        }
                        statement_end(link);
                        continue;
                }
                /* an error after the rows (a failed commit) replaces them */
                result_clear(link);
                link->result = result;
                if (PQstatus(link->pg) == CONNECTION_BAD) {
                        link_lose(link, PQresultErrorMessage(result));
                        return;
                }
        }
        if (link->pg && link->state == IDLE && PQstatus(link->pg) != CONNECTION_OK)
                link_lose(link, PQerrorMessage(link->pg));
}

static void on_socket(evutil_socket_t socket, short what, void *context)
{
        struct pg_link *link = context;
        (void)socket;
        if (link->state == CONNECTING) {
                connect_step(link);
                return;
        }
        if (what & EV_WRITE)
                link_flush(link);
        if ((what & EV_READ) && link->pg)
                results_read(link);
}

static void on_timer(evutil_socket_t socket, short what, void *context)
{
        struct pg_link *link = context;
        (void)socket;
        (void)what;
        if (link->state == DOWN)
                connect_start(link);
        else
                link_lose(link, link->state == BUSY ? "the server did not answer in time" : "connecting took too long");
}

struct pg_link *pg_link_new(struct event_base *base, const char *conninfo, const struct pg_statement *statements,
                            const struct pg_link_events *events, void *context)
{
        struct pg_link *link = calloc(1, sizeof(*link));
        if (!link)
                return NULL;
        *link = (struct pg_link){ .base = base, .conninfo = conninfo, .statements = statements, .events = events,
                                  .context = context, .state = DOWN, .pause_ms = PAUSE_FIRST_MS };
        link->timer = evtimer_new(base, on_timer, link);
        if (!link->timer) {
                free(link);
                return NULL;
        }
        timer_start(link, 0);
        return link;
}

void pg_link_free(struct pg_link *link)
{
        if (!link)
                return;
        socket_forget(link);
        event_free(link->timer);
        result_clear(link);
        PQfinish(link->pg);
        free(link);
}

bool pg_link_is_idle(const struct pg_link *link)
{
        return link->state == IDLE;
}

bool pg_link_is_up(const struct pg_link *link)
{
        return link->state == IDLE || link->state == BUSY;
}

void pg_link_send(struct pg_link *link, const char *statement, const struct pg_parameter *parameters, int count,
                  int result_format)
{
        const char *values[PG_PARAMETERS_MAX];
        int lengths[PG_PARAMETERS_MAX], formats[PG_PARAMETERS_MAX];
        assert(link->state == IDLE && count <= PG_PARAMETERS_MAX);
        for (int i = 0; i < count; i++) {
                values[i] = parameters[i].bytes;
                lengths[i] = parameters[i].length;
                formats[i] = parameters[i].format;
        }
        link_enter(link, BUSY);
        if (PQsendQueryPrepared(link->pg, statement, count, values, lengths, formats, result_format))
                link_flush(link);
        else
                link_lose(link, PQerrorMessage(link->pg));
}
