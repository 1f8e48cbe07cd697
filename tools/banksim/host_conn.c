/* The connections of acquirers to a bank: see host_conn.h. */
#include "tools/banksim/host_conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "lib/net/stream.h"
#include "protocol/frame.h"

enum { END_CUT = STREAM_END_OWNER, END_CLOSED };

struct host_conn {
        struct stream stream; /* first: see conn_of */
        struct host_conns *conns;
        uint64_t id;
        bool signed_on;
        bool cut; /* without a word, once what is queued has left */
        LIST_ENTRY(host_conn) entry;
        char peer[HOST_CONN_PEER_MAX];
};

struct host_conns {
        SSL_CTX *tls;
        struct stream_env *streams;
        const struct host_conn_events *events;
        void *context;
        uint64_t last_id;
        LIST_HEAD(, host_conn) all;
};

static struct host_conn *conn_of(struct stream *stream)
{
        return (struct host_conn *)(void *)stream;
}

/* ---- what the stream says ------------------------------------------------------------------------------ */

static void on_open(struct stream *stream, const char *name)
{
        struct host_conn *conn = conn_of(stream);
        conn->conns->events->on_open(conn, name, conn->conns->context);
}

static void on_message(struct stream *stream, const uint8_t *message, size_t length)
{
        struct host_conn *conn = conn_of(stream);
        conn->conns->events->on_message(conn, message, length, conn->conns->context);
}

static void on_sent(struct stream *stream)
{
        if (conn_of(stream)->cut)
                stream_break(stream, END_CUT, "hung up in the middle of an answer");
}

static void on_closed(struct stream *stream, int end, const char *reason)
{
        struct host_conn *conn = conn_of(stream);
        (void)end;
        conn->conns->events->on_closed(conn, reason, conn->conns->context);
}

static void on_gone(struct stream *stream)
{
        struct host_conn *conn = conn_of(stream);
        LIST_REMOVE(conn, entry);
        free(conn);
}

static const struct stream_events stream_events = {.on_open = on_open,
                                                   .on_message = on_message,
                                                   .on_sent = on_sent,
                                                   .on_closed = on_closed,
                                                   .on_gone = on_gone};

/* ---- one of them --------------------------------------------------------------------------------------- */

bool host_conn_add(struct host_conns *conns, int fd, const char *peer)
{
        struct host_conn *conn = calloc(1, sizeof(*conn));
        if (!conn) {
                close(fd);
                return false;
        }
        conn->conns = conns;
        conn->id = ++conns->last_id;
        snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
        stream_init(&conn->stream, conns->streams);
        if (!stream_accept(&conn->stream, conns->tls, fd)) {
                free(conn);
                return false;
        }
        LIST_INSERT_HEAD(&conns->all, conn, entry);
        return true;
}

uint64_t host_conn_id(const struct host_conn *conn)
{
        return conn->id;
}

const char *host_conn_peer(const struct host_conn *conn)
{
        return conn->peer;
}

bool *host_conn_signed_on(struct host_conn *conn)
{
        return &conn->signed_on;
}

void host_conn_queue(struct host_conn *conn, const uint8_t *frame, size_t length)
{
        if (!conn->cut)
                stream_queue(&conn->stream, frame, length);
}

void host_conn_hang_up(struct host_conn *conn, const uint8_t *frame, size_t length)
{
        host_conn_queue(conn, frame, length / 2);
        conn->cut = true;
        stream_pause(&conn->stream);
}

void host_conn_close(struct host_conn *conn, const char *format, ...)
{
        char reason[STREAM_REASON_MAX];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(reason, sizeof(reason), format, arguments);
        va_end(arguments);
        stream_close(&conn->stream, END_CLOSED, "%s", reason);
}

/* ---- all of them --------------------------------------------------------------------------------------- */

struct host_conns *host_conns_new(struct event_base *base, SSL_CTX *tls, const struct wire *wire,
                                  const struct host_conn_events *events, void *context)
{
        const struct stream_rules rules = {
            .framing = frame_framing(wire_dialect(wire)),
            .input_max = 2 * WIRE_FRAME_MAX,
            .output_max = HOST_CONN_OUT_MAX,
            .output_pause = HOST_CONN_OUT_MAX / 2,
            .messages_per_turn = HOST_CONN_MESSAGES_PER_TURN,
            .keeps_buffers = true,
        };
        static const struct stream_timeouts timeouts = {.handshake_ms = HOST_CONN_HANDSHAKE_TIMEOUT_MS,
                                                        .message_ms = HOST_CONN_MESSAGE_TIMEOUT_MS};
        struct host_conns *conns = calloc(1, sizeof(*conns));
        if (!conns)
                return NULL;
        *conns = (struct host_conns){.tls = tls, .events = events, .context = context};
        LIST_INIT(&conns->all);
        conns->streams = stream_env_new(base, &rules, &stream_events, &timeouts, conns);
        if (conns->streams)
                return conns;
        free(conns);
        return NULL;
}

void host_conns_free(struct host_conns *conns)
{
        if (!conns)
                return;
        stream_env_free(conns->streams);
        free(conns);
}

size_t host_conns_count(const struct host_conns *conns)
{
        return stream_env_count(conns->streams);
}

size_t host_conns_signed_on(const struct host_conns *conns)
{
        const struct host_conn *conn;
        size_t count = 0;
        LIST_FOREACH(conn, &conns->all, entry)
        count += conn->signed_on && stream_state(&conn->stream) == STREAM_OPEN;
        return count;
}

struct host_conn *host_conns_any_signed_on(const struct host_conns *conns)
{
        struct host_conn *conn;
        LIST_FOREACH(conn, &conns->all, entry)
        if (conn->signed_on && stream_state(&conn->stream) == STREAM_OPEN)
                return conn;
        return NULL;
}

struct host_conn *host_conns_find(const struct host_conns *conns, uint64_t id)
{
        struct host_conn *conn;
        LIST_FOREACH(conn, &conns->all, entry)
        if (conn->id == id && stream_state(&conn->stream) == STREAM_OPEN)
                return conn;
        return NULL;
}

void host_conns_close_all(struct host_conns *conns, const char *reason)
{
        struct host_conn *conn;
        LIST_FOREACH(conn, &conns->all, entry)
        host_conn_close(conn, "%s", reason);
}

void host_conns_flush(struct host_conns *conns)
{
        struct host_conn *conn;
        LIST_FOREACH(conn, &conns->all, entry)
        if (conn->cut || stream_waiting(&conn->stream) > 0)
                stream_flush(&conn->stream);
}
