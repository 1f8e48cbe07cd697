/*
 * A connection with an ATM: a TLS stream (lib/net/stream.h) under the limits of a daemon that holds thousands, most of
 * them idle. Half-duplex: nothing is read while an answer waits to leave. Each end is logged, with its reason.
 *
 * The owner hears ready, frame and closed; `closed` comes once, at the end of the loop's turn and never from within
 * conn_close, and is the last. What was sent still leaves after it, and the peer's hanging up is awaited for
 * LIMIT_LINGER_MS.
 */
#ifndef DAEMON_CONN_H
#define DAEMON_CONN_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/limits.h"
#include "lib/base/attributes.h"
#include "lib/net/stream.h"

enum conn_end {
        CONN_END_PEER_CLOSED = STREAM_END_PEER_CLOSED,
        CONN_END_HUNG_UP = STREAM_END_HUNG_UP,
        CONN_END_HANDSHAKE_FAILED = STREAM_END_HANDSHAKE_FAILED,
        CONN_END_HANDSHAKE_TIMEOUT = STREAM_END_HANDSHAKE_TIMEOUT,
        CONN_END_IDLE_TIMEOUT = STREAM_END_IDLE_TIMEOUT,
        CONN_END_MESSAGE_TIMEOUT = STREAM_END_MESSAGE_TIMEOUT,
        CONN_END_UNREAD = STREAM_END_UNREAD,
        CONN_END_FLOOD = STREAM_END_FLOOD,
        CONN_END_PROTOCOL = STREAM_END_PROTOCOL,
        CONN_END_ERROR = STREAM_END_ERROR,
        CONN_END_TERMINAL = STREAM_END_OWNER, /* not the terminal that it should be */
        CONN_END_MAC,                         /* its messages' MACs are wrong */
        CONN_END_REPLACED,
        CONN_END_REFUSED, /* it may not be connected, or not any more */
        CONN_END_FULL,    /* made room for another */
        CONN_END_SHUTDOWN,
        CONN_END_COUNT
};
extern const char *const conn_end_name[CONN_END_COUNT];

struct conn;

struct conn_events {
        void (*ready)(void *owner, const char *certificate_name);
        /* False: stop reading; conn_resume starts it again. */
        bool (*may_read)(void *owner);
        /* One message without its length. The owner may send, pause or close; the bytes are wiped after. */
        void (*frame)(void *owner, const uint8_t *message, size_t length);
        void (*closed)(void *owner, enum conn_end end);
};

struct conn_timeouts {
        int64_t handshake_ms, idle_ms, message_ms;
};

struct conn_env; /* what all connections of a loop share */

/* on_free: a descriptor has come back. NULL: out of memory. */
struct conn_env *conn_env_new(struct event_base *base, const struct conn_events *events,
                              const struct conn_timeouts *timeouts, void (*on_free)(void *context),
                              void *context);
void conn_env_free(struct conn_env *env); /* after closing: frees what connections are left */
/* For connections and waits that begin from now on. False: too many different time-outs for libevent. */
ATM_MUST_USE bool conn_env_set_timeouts(struct conn_env *env, const struct conn_timeouts *timeouts);
size_t conn_env_count(const struct conn_env *env);

/* Takes over the descriptor. NULL: out of memory, and the descriptor is closed. peer: address for the log. */
struct conn *conn_new(struct conn_env *env, SSL_CTX *tls, int fd, const char *peer, void *owner);

void conn_send(struct conn *conn, const uint8_t *message, size_t length);
void conn_pause(struct conn *conn);
void conn_resume(struct conn *conn);

void conn_close(struct conn *conn, enum conn_end end, const char *format, ...) ATM_PRINTF(3, 4);

/* The log's line of an end; also for who did not get as far as a connection. name: of the certificate, or "". */
void conn_log_end(const char *peer, const char *name, enum conn_end end, const char *reason);

bool conn_is_opening(const struct conn *conn); /* the handshake is not over */
/* In a handshake, since when it is the peer's turn, in steady milliseconds: from our first answer on, so that who says little at a time gains
 * nothing by it; 0: it has not said enough for one. INT64_MAX: it is our turn, or nobody's. */
int64_t conn_awaited_since_ms(const struct conn *conn);
const char *conn_peer(const struct conn *conn);
SSL *conn_tls(const struct conn *conn); /* once it is ready; NULL when it is closed, told or not */

#endif
