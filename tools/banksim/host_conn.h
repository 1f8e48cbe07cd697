/*
 * The connections of acquirers to a bank: TLS streams (lib/net/stream.h) with client certificates.
 *
 *      (handshake) --certificate is the client's--> open --host_conn_close, fault, end--> closed --> (freed)
 *          '-------------------------------------------------------------------------------^
 *
 * on_closed and freeing wait for the end of the loop's turn, so that whoever is called from here may close any
 * connection. What is queued leaves at host_conns_flush: many answers wait for one flush of the journal, and go in
 * one write. Limits: the handshake's time, a message's once begun, HOST_CONN_OUT_MAX bytes that the peer does not
 * take; at half of them nothing more is read from it.
 */
#ifndef BANKSIM_HOST_CONN_H
#define BANKSIM_HOST_CONN_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "tools/banksim/wire.h"

enum {
        HOST_CONN_PEER_MAX = 64,
        HOST_CONN_OUT_MAX = 1 << 18,
        HOST_CONN_HANDSHAKE_TIMEOUT_MS = 10000,
        HOST_CONN_MESSAGE_TIMEOUT_MS = 10000, /* a message once begun must be whole by then */
        HOST_CONN_MESSAGES_PER_TURN = 64,
};

struct host_conn;

struct host_conn_events {
        /* The handshake is done. Who is not the client is closed, with a reason, by host_conn_close. */
        void (*on_open)(struct host_conn *conn, const char *certificate_name, void *context);
        void (*on_message)(struct host_conn *conn, const uint8_t *message, size_t length, void *context);
        /* Once, at the end of the turn; the connection is gone afterwards. */
        void (*on_closed)(struct host_conn *conn, const char *reason, void *context);
};

/* All of a bank's. */
struct host_conns;

struct host_conns *host_conns_new(struct event_base *base, SSL_CTX *tls, const struct wire *wire,
                                  const struct host_conn_events *events, void *context);
void host_conns_free(struct host_conns *conns); /* without telling anybody */
size_t host_conns_count(const struct host_conns *conns);
size_t host_conns_signed_on(const struct host_conns *conns);                    /* so many of these */
struct host_conn *host_conns_any_signed_on(const struct host_conns *conns);     /* NULL: none */
struct host_conn *host_conns_find(const struct host_conns *conns, uint64_t id); /* among the open ones */
void host_conns_close_all(struct host_conns *conns, const char *reason);
void host_conns_flush(struct host_conns *conns);

/* Takes over the descriptor. False: out of memory, and it is closed. */
ATM_MUST_USE bool host_conn_add(struct host_conns *conns, int fd, const char *peer);
uint64_t host_conn_id(const struct host_conn *conn);
const char *host_conn_peer(const struct host_conn *conn);
bool *host_conn_signed_on(struct host_conn *conn);

/* A whole frame, header included. */
void host_conn_queue(struct host_conn *conn, const uint8_t *frame, size_t length);
/* The first half of a frame, then the line is cut. */
void host_conn_hang_up(struct host_conn *conn, const uint8_t *frame, size_t length);
void host_conn_close(struct host_conn *conn, const char *format, ...) ATM_PRINTF(2, 3);

#endif
