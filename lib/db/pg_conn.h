/*
 * One connection to PostgreSQL on the event loop: never blocks, reconnects by itself.
 *
 *      DOWN --pause over--> LOOKING_UP --address--> CONNECTING --connected--> PREPARING --prepared--> IDLE <--> BUSY
 *       ^-----------------------'-----------------------'------------------------'------ lost ----'----------'
 *
 * Invariants: one statement at a time; a result is handed on only after ReadyForQuery, that is after its
 * commit. A statement that was sent and whose connection was then lost is reported as PG_LOST: whether it
 * was committed is unknown. So is one whose commit the server warns of, and its connection is made anew: it may be committed there alone.
 * An attempt that a server has accepted and not answered in time is left to itself (pg_late.h).
 * Whose turn it is to be connected to is pg_hosts.h's to say. Within a round one host follows another at once; pauses between rounds grow
 * from 0.1 s to 2 s, with jitter. Where one connection of the process is up again, those that are not follow it without a pause.
 * An answer that does not come in time ends the connection. The limit doubles each time until something is answered: a server that
 * is slow, and not the line, gets no heap of sessions that all wait for the same.
 * Its settings are pg_session.h's, whatever was set for its role or database. Each server that it connects to is judged as at the start
 * (pg_session.h) and, where epochs are watched (pg_hosts.h), asked for its own, before anything is prepared.
 */
#ifndef LIB_DB_PG_CONN_H
#define LIB_DB_PG_CONN_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "lib/base/attributes.h"
#include "lib/db/pg_hosts.h"

enum pg_outcome {
        PG_DONE,   /* the result's rows are durable */
        PG_FAILED, /* the server refused or aborted it: nothing was committed */
        PG_LOST,   /* unknown */
};

struct pg_statement {
        const char *name, *sql;
};
#define PG_AT_ONCE "" /* as a name: to be done once when connected, before those after it are prepared */

struct pg_conn_events {
        void (*on_up)(void *context);
        /* The end of what pg_conn_send began; result is NULL for PG_LOST and freed by the pg_conn. */
        void (*on_end)(void *context, enum pg_outcome outcome, const PGresult *result);
        /* It went down, or an attempt failed; why is text for people. on_end(PG_LOST) came first where it was busy. */
        void (*on_down)(void *context, const char *why);
};

struct pg_conn;

/* application_name NULL: as the conninfo says. statements ends with a NULL name; the array, the name and the hosts must outlive it. NULL:
 * out of memory. */
ATM_MUST_USE struct pg_conn *pg_conn_new(struct event_base *base, struct pg_hosts *hosts,
                                         const char *application_name, const struct pg_statement *statements,
                                         const struct pg_conn_events *events, void *context);
void pg_conn_free(struct pg_conn *conn);

/* How long a statement may take, the first time; 30 s where nobody says. */
void pg_conn_set_answer_timeout(struct pg_conn *conn, int64_t timeout_ms);

/* What the server says of its epoch, from within on_end. False where it is refused: the connection is down, and its host passed over. Who has
 * just connected is judged without that. */
ATM_MUST_USE bool pg_conn_judge(struct pg_conn *conn, const PGresult *result);

bool pg_conn_is_idle(const struct pg_conn *conn);
bool pg_conn_is_up(const struct pg_conn *conn); /* IDLE or BUSY */

/* One parameter of a statement; its bytes may go away after pg_conn_send. */
struct pg_parameter {
        const void *bytes;
        int length, format; /* 0 text, 1 binary */
};
enum { PG_PARAMETERS_MAX = 40 };

/* Start a prepared statement on an idle connection; everything else is told through the events. */
void pg_conn_send(struct pg_conn *conn, const char *statement, const struct pg_parameter *parameters,
                  int count, int result_format);

#endif
