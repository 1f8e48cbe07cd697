/* A connection with an ATM: see conn.h. */
#include "daemon/conn.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/security.h"
#include "lib/base/log.h"
#include "lib/security/tls.h"
#include "protocol/frame.h"

/* Connections are ATMs'. */
static const struct iso_dialect *const conn_dialect = &iso_dialect_ascii;

enum { PEER_MAX = 56 };

struct conn {
        struct stream stream; /* first: see conn_of */
        void *owner;
        char name
            [TLS_NAME_MAX]; /* the certificate's, once one of our authorities is known to have signed it */
        char peer[PEER_MAX];
};

struct conn_env {
        struct stream_env *streams;
        const struct conn_events *events;
        void (*on_free)(void *context);
        void *context;
        uint8_t out[LIMIT_FRAME];
};

const char *const conn_end_name[CONN_END_COUNT] = {
    [CONN_END_PEER_CLOSED] = "peer_closed",
    [CONN_END_HUNG_UP] = "hung_up",
    [CONN_END_HANDSHAKE_FAILED] = "handshake_failed",
    [CONN_END_HANDSHAKE_TIMEOUT] = "handshake_timeout",
    [CONN_END_IDLE_TIMEOUT] = "idle_timeout",
    [CONN_END_MESSAGE_TIMEOUT] = "message_timeout",
    [CONN_END_UNREAD] = "unread",
    [CONN_END_FLOOD] = "flood",
    [CONN_END_PROTOCOL] = "protocol",
    [CONN_END_TERMINAL] = "terminal",
    [CONN_END_MAC] = "mac",
    [CONN_END_REPLACED] = "replaced",
    [CONN_END_REFUSED] = "refused",
    [CONN_END_FULL] = "full",
    [CONN_END_SHUTDOWN] = "shutdown",
    [CONN_END_ERROR] = "error",
};

static struct conn *conn_of(struct stream *stream)
{
        return (struct conn *)(void *)stream;
}

static struct conn_env *env_of(const struct conn *conn)
{
        return stream_env_context(conn->stream.env);
}

/* ---- what the stream says ------------------------------------------------------------------------------ */

static void on_open(struct stream *stream, const char *name)
{
        struct conn *conn = conn_of(stream);
        snprintf(conn->name, sizeof(conn->name), "%.*s", (int)sizeof(conn->name) - 1, name);
        env_of(conn)->events->ready(conn->owner, name);
}

static bool may_read(struct stream *stream)
{
        struct conn *conn = conn_of(stream);
        return env_of(conn)->events->may_read(conn->owner);
}

static void on_message(struct stream *stream, const uint8_t *message, size_t length)
{
        struct conn *conn = conn_of(stream);
        env_of(conn)->events->frame(conn->owner, message, length);
}

static enum log_level level_of(enum conn_end end)
{
        switch (end) {
        case CONN_END_PEER_CLOSED:
        case CONN_END_HUNG_UP:
        case CONN_END_REPLACED:
        case CONN_END_SHUTDOWN:
                return LEVEL_INFO;
        default:
                return LEVEL_WARNING;
        }
}

/* Subject: the address without its port, which is another each time. */
static void log_failed_handshake(const char *peer, const char *name, const char *reason)
{
        char address[PEER_MAX];
        snprintf(address, sizeof(address), "%s", peer);
        if (strrchr(address, ':'))
                *strrchr(address, ':') = '\0';
        if (*name)
                security_event(SECURITY_TERMINAL_REFUSED, name, LOG_TEXT("peer", peer),
                               LOG_TEXT("connected", "no"), LOG_TEXT("why", reason));
        else
                security_event(SECURITY_HANDSHAKE_REFUSED, address, LOG_TEXT("reason", reason));
}

/* Whoever is known is not crowded out of the log by those who are not, nor one kind of end by another. */
void conn_log_end(const char *peer, const char *name, enum conn_end end, const char *reason)
{
        static struct log_site site[2][CONN_END_COUNT];
        if (end == CONN_END_HANDSHAKE_FAILED)
                log_failed_handshake(peer, name, reason);
        log_limited_at(&site[*name != '\0'][end], level_of(end), "connection_closed", LOG_TEXT("peer", peer),
                       LOG_TEXT("terminal", name), LOG_TEXT("end", conn_end_name[end]),
                       LOG_TEXT("reason", reason));
}

static void on_closed(struct stream *stream, int end, const char *reason)
{
        struct conn *conn = conn_of(stream);
        if (*conn->name && (end == CONN_END_FLOOD || end == CONN_END_UNREAD))
                security_event(SECURITY_FLOOD, conn->name, LOG_TEXT("peer", conn->peer),
                               LOG_TEXT("reason", reason));
        conn_log_end(conn->peer, conn->name, (enum conn_end)end, reason);
        env_of(conn)->events->closed(conn->owner, (enum conn_end)end);
}

static void on_gone(struct stream *stream)
{
        struct conn *conn = conn_of(stream);
        struct conn_env *env = env_of(conn);
        free(conn);
        if (env->on_free)
                env->on_free(env->context);
}

static const struct stream_events stream_events = {.on_open = on_open,
                                                   .may_read = may_read,
                                                   .on_message = on_message,
                                                   .on_closed = on_closed,
                                                   .on_gone = on_gone};

/* ---- the shared part ----------------------------------------------------------------------------------- */

static struct stream_timeouts stream_timeouts_of(const struct conn_timeouts *timeouts)
{
        return (struct stream_timeouts){
            .handshake_ms = timeouts->handshake_ms,
            .idle_ms = timeouts->idle_ms,
            .message_ms = timeouts->message_ms,
            .output_ms = timeouts->message_ms,
            .linger_ms = LIMIT_LINGER_MS,
            .untaken_ms = LIMIT_UNTAKEN_MS,
        };
}

struct conn_env *conn_env_new(struct event_base *base, const struct conn_events *events,
                              const struct conn_timeouts *timeouts, void (*on_free)(void *context),
                              void *context)
{
        const struct stream_rules rules = {
            .framing = frame_framing(conn_dialect),
            .input_max = LIMIT_INPUT,
            .output_max = LIMIT_OUTPUT,
            .output_pause = 1,
            .messages_per_turn = LIMIT_FRAMES_PER_TURN,
            .lingering_max = LIMIT_LINGERING,
            .linger_bytes = LIMIT_LINGER_BYTES,
        };
        struct stream_timeouts limits = stream_timeouts_of(timeouts);
        struct conn_env *env = calloc(1, sizeof(*env));
        if (!env)
                return NULL;
        *env = (struct conn_env){.events = events, .on_free = on_free, .context = context};
        env->streams = stream_env_new(base, &rules, &stream_events, &limits, env);
        if (env->streams)
                return env;
        free(env);
        return NULL;
}

void conn_env_free(struct conn_env *env)
{
        if (!env)
                return;
        env->on_free = NULL;
        stream_env_free(env->streams);
        free(env);
}

bool conn_env_set_timeouts(struct conn_env *env, const struct conn_timeouts *timeouts)
{
        struct stream_timeouts limits = stream_timeouts_of(timeouts);
        return stream_env_set_timeouts(env->streams, &limits);
}

size_t conn_env_count(const struct conn_env *env)
{
        return stream_env_count(env->streams);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

struct conn *conn_new(struct conn_env *env, SSL_CTX *tls, int fd, const char *peer, void *owner)
{
        struct conn *conn = calloc(1, sizeof(*conn));
        if (!conn) {
                close(fd);
                return NULL;
        }
        conn->owner = owner;
        snprintf(conn->peer, sizeof(conn->peer), "%s", peer);
        stream_init(&conn->stream, env->streams);
        if (stream_accept(&conn->stream, tls, fd)) {
                if (tls_note_refused(stream_tls(&conn->stream), conn->name))
                        return conn;
                stream_drop(&conn->stream, false);
        }
        free(conn);
        return NULL;
}

void conn_send(struct conn *conn, const uint8_t *message, size_t length)
{
        uint8_t *out = env_of(conn)->out;
        assert(length > 0 && length <= ISO_MESSAGE_MAX);
        size_t header = frame_header(conn_dialect, out, length);
        memcpy(out + header, message, length);
        stream_send(&conn->stream, out, header + length);
        OPENSSL_cleanse(out, header + length);
}

void conn_pause(struct conn *conn)
{
        stream_pause(&conn->stream);
}

void conn_resume(struct conn *conn)
{
        stream_resume(&conn->stream);
}

void conn_close(struct conn *conn, enum conn_end end, const char *format, ...)
{
        char reason[STREAM_REASON_MAX];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(reason, sizeof(reason), format, arguments);
        va_end(arguments);
        stream_close(&conn->stream, (int)end, "%s", reason);
}

bool conn_is_opening(const struct conn *conn)
{
        return stream_state(&conn->stream) == STREAM_HANDSHAKE;
}

int64_t conn_awaited_since_ms(const struct conn *conn)
{
        return !conn_is_opening(conn) || stream_has_unread(&conn->stream) ? INT64_MAX
                                                                          : stream_answered_ms(&conn->stream);
}

SSL *conn_tls(const struct conn *conn)
{
        return stream_tls(&conn->stream);
}

const char *conn_peer(const struct conn *conn)
{
        return conn->peer;
}
