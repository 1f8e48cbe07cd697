#include "lib/db/pg_conn.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/random.h"
#include "lib/db/pg_late.h"
#include "lib/db/pg_query.h"
#include "lib/db/pg_session.h"

enum {
        LOOK_UP_TIMEOUT_MS = 2000, /* of a name that was never known; the look-up itself goes on */
        PREPARE_TIMEOUT_MS = 5000,
        ANSWER_TIMEOUT_MS = 30000, /* longer than any ATM waits: then the server is taken for dead */
        ANSWER_TIMEOUT_MAX_MS = 60000,
        PAUSE_FIRST_MS = 100,
        PAUSE_MAX_MS = 2000,
        PAUSE_JITTER = 25, /* percent less or more */
};

enum state { DOWN, LOOKING_UP, CONNECTING, PREPARING, IDLE, BUSY, STATE_COUNT };

enum { SETTINGS = -3, SERVER, EPOCH }; /* are made, and are asked for, before any statement is prepared */

struct pg_conn {
        struct event_base *base;
        struct pg_seeker seeker;
        const char *application_name;
        const struct pg_statement *statements;
        const struct pg_conn_events *events;
        void *context;

        enum state state;
        PGconn *pg;
        struct pg_late_list late;
        struct event *readable, *writable; /* of the current socket */
        struct event *timer;               /* the state's time limit; the pause while DOWN */
        int prepared;                      /* statements that are; SETTINGS at first */
        unsigned generation;               /* of the hosts, when this server was found to be right */
        PGresult *result;                  /* the last one of the statement under way */
        char warning[160];                 /* of the commit under way; "": none */
        int64_t pause_ms;
        int64_t answer_first_ms, answer_ms;
        struct random random; /* so that instances don't come back in step */
};

static void on_socket(evutil_socket_t socket, short what, void *context);
static void on_timer(evutil_socket_t socket, short what, void *context);

static void timer_start(struct pg_conn *conn, int64_t ms)
{
        struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
        event_add(conn->timer, &tv);
}

static void result_clear(struct pg_conn *conn)
{
        PQclear(conn->result);
        conn->result = NULL;
}

static void socket_forget(struct pg_conn *conn)
{
        if (conn->readable)
                event_free(conn->readable);
        if (conn->writable)
                event_free(conn->writable);
        conn->readable = conn->writable = NULL;
}

/* libpq may change its socket while connecting, so the events are made anew at each step of that. */
static bool socket_watch(struct pg_conn *conn)
{
        socket_forget(conn);
        conn->readable = event_new(conn->base, PQsocket(conn->pg), EV_READ | EV_PERSIST, on_socket, conn);
        conn->writable = event_new(conn->base, PQsocket(conn->pg), EV_WRITE, on_socket, conn);
        return conn->readable && conn->writable;
}

/* The one door for changes of state; each state's time limit is set here. */
static void conn_enter(struct pg_conn *conn, enum state state)
{
        static const bool legal[STATE_COUNT][STATE_COUNT] = {
            [DOWN] = {[LOOKING_UP] = true},
            [LOOKING_UP] = {[DOWN] = true, [CONNECTING] = true},
            [CONNECTING] = {[DOWN] = true, [PREPARING] = true},
            [PREPARING] = {[DOWN] = true, [IDLE] = true},
            [IDLE] = {[DOWN] = true, [BUSY] = true},
            [BUSY] = {[DOWN] = true, [IDLE] = true},
        };
        assert(legal[conn->state][state]);
        conn->state = state;
        switch (state) {
        case DOWN: /* whoever comes here says how long */
        case IDLE:
                event_del(conn->timer);
                break;
        case LOOKING_UP:
                timer_start(conn, LOOK_UP_TIMEOUT_MS);
                break;
        case CONNECTING:
                timer_start(conn, pg_hosts_attempt_ms(conn->seeker.hosts));
                break;
        case PREPARING:
                timer_start(conn, PREPARE_TIMEOUT_MS);
                break;
        case BUSY:
                timer_start(conn, conn->answer_ms);
                break;
        case STATE_COUNT:
                break;
        }
}

static void conn_go_down(struct pg_conn *conn)
{
        socket_forget(conn);
        result_clear(conn);
        PQfinish(conn->pg);
        conn->pg = NULL;
        conn_enter(conn, DOWN);
}

static void pause_start(struct pg_conn *conn)
{
        timer_start(conn, random_jitter(&conn->random, conn->pause_ms, PAUSE_JITTER));
        conn->pause_ms = conn->pause_ms * 2 > PAUSE_MAX_MS ? PAUSE_MAX_MS : conn->pause_ms * 2;
}

/* Whose fault it is that a connection ends: a server that falls silent is the last to be tried again. */
enum blame { BLAME_LINE, BLAME_SERVER, BLAME_NOBODY };

static bool goes_on_at_once(struct pg_seeker *seeker, bool was_up, enum blame blame)
{
        if (blame == BLAME_SERVER && was_up)
                return pg_seeker_begin_elsewhere(seeker);
        if (blame != BLAME_NOBODY && !was_up)
                return pg_seeker_failed(seeker);
        pg_seeker_begin(seeker);
        return blame == BLAME_NOBODY;
}

/* The one door for losing the connection. */
static void conn_lose(struct pg_conn *conn, enum blame blame, const char *why)
{
        char text[256];
        size_t length = strcspn(why, "\n");
        snprintf(text, sizeof(text), "%.*s", (int)(length < sizeof(text) ? length : sizeof(text) - 1), why);

        conn->warning[0] = '\0';
        bool busy = conn->state == BUSY, was_up = busy || conn->state == IDLE;
        conn_go_down(conn);
        if (goes_on_at_once(&conn->seeker, was_up, blame))
                timer_start(conn, 0);
        else
                pause_start(conn);
        if (busy)
                conn->events->on_end(conn->context, PG_LOST, NULL);
        conn->events->on_down(conn->context, text);
}

/* Push what libpq still holds; wait for room in the socket where it does not all go. */
static void conn_flush(struct pg_conn *conn)
{
        int left = PQflush(conn->pg);
        if (left < 0)
                conn_lose(conn, BLAME_LINE, PQerrorMessage(conn->pg));
        else if (left > 0)
                event_add(conn->writable, NULL);
}

static void prepare_next(struct pg_conn *conn)
{
        static const struct pg_statement settings = {PG_AT_ONCE, pg_daemon_session_sql},
                                         server = {PG_AT_ONCE, pg_server_sql},
                                         epoch = {PG_AT_ONCE, pg_epoch_sql};
        const struct pg_statement *statement = conn->prepared == SETTINGS ? &settings
                                               : conn->prepared == SERVER ? &server
                                               : conn->prepared == EPOCH  ? &epoch
                                                                          : &conn->statements[conn->prepared];
        if (!statement->name) {
                conn->pause_ms = PAUSE_FIRST_MS;
                conn_enter(conn, IDLE);
                pg_seeker_succeeded(&conn->seeker);
                conn->events->on_up(conn->context);
        } else if (*statement->name ? PQsendPrepare(conn->pg, statement->name, statement->sql, 0, NULL)
                                    : PQsendQuery(conn->pg, statement->sql)) {
                conn_flush(conn);
        } else {
                conn_lose(conn, BLAME_LINE, PQerrorMessage(conn->pg));
        }
}

static void connect_step(struct pg_conn *conn)
{
        PostgresPollingStatusType poll = PQconnectPoll(conn->pg);
        if (poll == PGRES_POLLING_FAILED) {
                conn_lose(conn, BLAME_LINE, PQerrorMessage(conn->pg));
                return;
        }
        if (!socket_watch(conn)) {
                conn_lose(conn, BLAME_LINE, "out of memory");
                return;
        }
        if (poll == PGRES_POLLING_READING) {
                event_add(conn->readable, NULL);
        } else if (poll == PGRES_POLLING_WRITING) {
                event_add(conn->writable, NULL);
        } else {
                PQsetnonblocking(conn->pg, 1);
                event_add(conn->readable, NULL);
                conn->prepared = SETTINGS;
                conn_enter(conn, PREPARING);
                prepare_next(conn);
        }
}

/*
 * What the server says besides results. What it warns of in a function has that as its context; what it warns of in the commit has none:
 * that nobody waits any more for the standby's word, say, because somebody cancelled that.
 */
static void on_notice(void *context, const PGresult *notice)
{
        struct pg_conn *conn = context;
        const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
        const char *message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);

        if (conn->state == BUSY && severity && !strcmp(severity, "WARNING") &&
            !PQresultErrorField(notice, PG_DIAG_CONTEXT))
                snprintf(conn->warning, sizeof(conn->warning), "warned in a commit: %s",
                         message ? message : "no message");
}

static void connect_start(struct pg_conn *conn)
{
        char place[PG_PLACE_MAX], text[PG_PLACE_MAX + 80];

        conn_enter(conn, CONNECTING);
        pg_seeker_place(&conn->seeker, place);
        if (pg_late_is_there(&conn->late, place)) {
                snprintf(text, sizeof(text), "%s: it has taken an attempt to connect and still says nothing",
                         place);
                conn_lose(conn, BLAME_LINE, text);
                return;
        }
        conn->pg = pg_seeker_connect(&conn->seeker, conn->application_name);
        if (conn->pg)
                PQsetNoticeReceiver(conn->pg, on_notice, conn);
        if (!conn->pg || PQstatus(conn->pg) == CONNECTION_BAD)
                conn_lose(conn, BLAME_LINE, conn->pg ? PQerrorMessage(conn->pg) : "out of memory");
        else if (!socket_watch(conn))
                conn_lose(conn, BLAME_LINE, "out of memory");
        else
                event_add(conn->writable, NULL); /* PQconnectStart: begin as if POLLING_WRITING */
}

static void look_up_start(struct pg_conn *conn)
{
        conn_enter(conn, LOOKING_UP);
        conn->generation = pg_hosts_generation(conn->seeker.hosts);
        if (pg_seeker_is_ready(&conn->seeker))
                connect_start(conn);
}

static void look_up_lose(struct pg_conn *conn, const char *why)
{
        char place[PG_PLACE_MAX], text[PG_PLACE_MAX + 80];

        pg_seeker_place(&conn->seeker, place);
        snprintf(text, sizeof(text), "%s: looking it up: %s", place, why);
        conn_lose(conn, BLAME_LINE, text);
}

static void on_addresses(void *context)
{
        struct pg_conn *conn = context;

        if (conn->state != LOOKING_UP)
                return;
        if (pg_seeker_has_address(&conn->seeker))
                connect_start(conn);
        else
                look_up_lose(conn, pg_seeker_lookup_error(&conn->seeker));
}

/* All go where one has found a server: who has none, who looks elsewhere, and who is connected to one that serves no more, or not alone. (The
 * same name may lead to another server than it did.) */
static void on_found(void *context)
{
        struct pg_conn *conn = context;
        bool is_astray =
            pg_seeker_is_astray(&conn->seeker) || conn->generation != pg_hosts_generation(conn->seeker.hosts);

        switch (conn->state) {
        case DOWN:
                pg_seeker_begin(&conn->seeker);
                timer_start(conn, 0);
                break;
        case LOOKING_UP:
        case CONNECTING:
        case PREPARING:
        case IDLE:
        case BUSY:
                if (is_astray)
                        conn_lose(conn, BLAME_NOBODY, "another server is the primary");
                break;
        case STATE_COUNT:
                break;
        }
}

bool pg_conn_judge(struct pg_conn *conn, const PGresult *result)
{
        struct pg_epoch epoch;
        char why[PG_EPOCH_ERROR_MAX] = "the server does not say its epoch";

        if (!pg_epoch_take(result, &epoch) || !pg_seeker_judge(&conn->seeker, &epoch, why)) {
                conn_lose(conn, BLAME_SERVER, why);
                return false;
        }
        conn->generation = pg_hosts_generation(conn->seeker.hosts);
        return true;
}

/* Whether it keeps what it commits, and the rest of what pg_session.h asks: another one than at the start may be connected to now. */
static bool judge_server(struct pg_conn *conn, const PGresult *result)
{
        char place[PG_PLACE_MAX], why[PG_ERROR_MAX], text[PG_PLACE_MAX + 300];

        if (pg_server_judge(result, why))
                return true;
        pg_seeker_place(&conn->seeker, place);
        snprintf(text, sizeof(text), "%s: %.290s", place, why);
        conn_lose(conn, BLAME_SERVER, text);
        return false;
}

static bool prepared_well(struct pg_conn *conn, const PGresult *result)
{
        switch (conn->prepared) {
        case SERVER:
                return judge_server(conn, result);
        case EPOCH:
                return pg_conn_judge(conn, result);
        default:
                return true;
        }
}

/* The statement under way has ended: ReadyForQuery was seen. */
static void statement_end(struct pg_conn *conn)
{
        PGresult *result = conn->result;
        conn->result = NULL;
        ExecStatusType status = PQresultStatus(result);
        bool done = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
        if (*conn->warning) {
                conn_lose(conn, BLAME_LINE, conn->warning);
        } else if (conn->state == PREPARING) {
                if (!done) {
                        conn_lose(conn, BLAME_LINE, PQresultErrorMessage(result));
                } else if (prepared_well(conn, result)) {
                        conn->prepared++;
                        if (conn->prepared == EPOCH && !pg_hosts_is_watching(conn->seeker.hosts))
                                conn->prepared++;
                        prepare_next(conn);
                }
        } else {
                conn->answer_ms = conn->answer_first_ms;
                conn_enter(conn, IDLE);
                conn->events->on_end(conn->context, done ? PG_DONE : PG_FAILED, result);
        }
        PQclear(result);
}

static void results_read(struct pg_conn *conn)
{
        if (!PQconsumeInput(conn->pg)) {
                conn_lose(conn, BLAME_LINE, PQerrorMessage(conn->pg));
                return;
        }
        while (conn->pg && (conn->state == BUSY || conn->state == PREPARING) && !PQisBusy(conn->pg)) {
                PGresult *result = PQgetResult(conn->pg);
                if (!result) {
                        if (PQstatus(conn->pg) != CONNECTION_OK || !conn->result) {
                                conn_lose(conn, BLAME_LINE, PQerrorMessage(conn->pg));
                                return;
                        }
                        statement_end(conn);
                        continue;
                }
                /* an error after the rows (a failed commit) replaces them */
                result_clear(conn);
                conn->result = result;
                if (PQstatus(conn->pg) == CONNECTION_BAD) {
                        conn_lose(conn, BLAME_LINE, PQresultErrorMessage(result));
                        return;
                }
        }
        if (conn->pg && conn->state == IDLE && PQstatus(conn->pg) != CONNECTION_OK)
                conn_lose(conn, BLAME_LINE, PQerrorMessage(conn->pg));
}

static void on_socket(evutil_socket_t socket, short what, void *context)
{
        struct pg_conn *conn = context;
        (void)socket;
        if (conn->state == CONNECTING) {
                connect_step(conn);
                return;
        }
        if (what & EV_WRITE)
                conn_flush(conn);
        if ((what & EV_READ) && conn->pg)
                results_read(conn);
}

static void time_is_over(struct pg_conn *conn, const char *what)
{
        char place[PG_PLACE_MAX], text[PG_PLACE_MAX + 80];

        pg_seeker_place(&conn->seeker, place);
        snprintf(text, sizeof(text), "%s: %s", place, what);
        conn_lose(conn, BLAME_SERVER, text);
}

static void connect_is_late(struct pg_conn *conn)
{
        char place[PG_PLACE_MAX];

        pg_seeker_place(&conn->seeker, place);
        socket_forget(conn);
        pg_late_keep(&conn->late, conn->base, conn->pg, place);
        conn->pg = NULL;
        time_is_over(conn, "connecting took too long");
}

static void on_timer(evutil_socket_t socket, short what, void *context)
{
        struct pg_conn *conn = context;
        (void)socket;
        (void)what;
        switch (conn->state) {
        case DOWN:
                look_up_start(conn);
                break;
        case LOOKING_UP:
                look_up_lose(conn, "no answer in time");
                break;
        case CONNECTING:
                connect_is_late(conn);
                break;
        case PREPARING:
                time_is_over(conn, "preparing statements took too long");
                break;
        case BUSY:
                conn->answer_ms =
                    conn->answer_ms * 2 > ANSWER_TIMEOUT_MAX_MS ? ANSWER_TIMEOUT_MAX_MS : conn->answer_ms * 2;
                time_is_over(conn, "the server did not answer in time");
                break;
        case IDLE:
        case STATE_COUNT:
                break;
        }
}

struct pg_conn *pg_conn_new(struct event_base *base, struct pg_hosts *hosts, const char *application_name,
                            const struct pg_statement *statements, const struct pg_conn_events *events,
                            void *context)
{
        struct pg_conn *conn = calloc(1, sizeof(*conn));
        if (!conn)
                return NULL;
        *conn = (struct pg_conn){.base = base,
                                 .application_name = application_name,
                                 .statements = statements,
                                 .events = events,
                                 .context = context,
                                 .state = DOWN,
                                 .pause_ms = PAUSE_FIRST_MS,
                                 .answer_first_ms = ANSWER_TIMEOUT_MS,
                                 .answer_ms = ANSWER_TIMEOUT_MS};
        conn->timer = evtimer_new(base, on_timer, conn);
        if (!conn->timer) {
                free(conn);
                return NULL;
        }
        TAILQ_INIT(&conn->late);
        conn->seeker =
            (struct pg_seeker){.on_addresses = on_addresses, .on_found = on_found, .context = conn};
        pg_seeker_join(&conn->seeker, hosts);
        random_seed_anew(&conn->random);
        timer_start(conn, 0);
        return conn;
}

void pg_conn_free(struct pg_conn *conn)
{
        if (!conn)
                return;
        pg_seeker_leave(&conn->seeker);
        socket_forget(conn);
        event_free(conn->timer);
        result_clear(conn);
        PQfinish(conn->pg);
        pg_late_forget(&conn->late);
        free(conn);
}

void pg_conn_set_answer_timeout(struct pg_conn *conn, int64_t timeout_ms)
{
        conn->answer_first_ms = conn->answer_ms = timeout_ms;
}

bool pg_conn_is_idle(const struct pg_conn *conn)
{
        return conn->state == IDLE;
}

bool pg_conn_is_up(const struct pg_conn *conn)
{
        return conn->state == IDLE || conn->state == BUSY;
}

void pg_conn_send(struct pg_conn *conn, const char *statement, const struct pg_parameter *parameters,
                  int count, int result_format)
{
        const char *values[PG_PARAMETERS_MAX];
        int lengths[PG_PARAMETERS_MAX], formats[PG_PARAMETERS_MAX];
        assert(conn->state == IDLE && count <= PG_PARAMETERS_MAX);
        for (int i = 0; i < count; i++) {
                values[i] = parameters[i].bytes;
                lengths[i] = parameters[i].length;
                formats[i] = parameters[i].format;
        }
        conn_enter(conn, BUSY);
        if (PQsendQueryPrepared(conn->pg, statement, count, values, lengths, formats, result_format))
                conn_flush(conn);
        else
                conn_lose(conn, BLAME_LINE, PQerrorMessage(conn->pg));
}
