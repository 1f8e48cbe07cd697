/*
 * The ATMs of an instance: the door, their connections, and a session for each that is known by its certificate.
 *
 *      (listener) --accepted--> at the door --its turn--> shaking hands --certificate known--> with a session --closed--> (gone)
 *                                    '-------- closed, or made room for others ----'----------------------------^
 *
 * Who may come in: as many as the configuration and the system allow. Until its handshake is over a newcomer is in the
 * lobby (daemon/lobby.h), which says whose turn it is, and who makes room for others. While the service is congested
 * nothing is read from those who want to say something: they are held back until clients_relieve.
 *
 * Invariants: a newcomer is memory of this file from its acceptance until its handshake is over, a client from the
 * handshake's beginning until its connection's `closed`; it is the owner that a connection knows and the peer that a
 * session knows, and neither knows the other.
 */
#ifndef DAEMON_CLIENTS_H
#define DAEMON_CLIENTS_H

#include <event2/event.h>
#include <openssl/ssl.h>

#include "config/settings.h"
#include "daemon/session.h"
#include "daemon/stats.h"
#include "lib/net/listener.h"

struct clients;

struct clients_options {
        struct event_base *base;
        const struct settings *settings; /* nothing of it is kept */
        SSL_CTX *tls;                    /* referred to, not taken over */
        struct service *service;         /* to be freed after the clients */
        const struct session_keys *keys; /* not owned */
        int64_t (*steady_ms)(void *context);
        void (*on_gone)(void *context); /* one of them is gone, or its descriptor has come back */
        void *context;
};

/* NULL: out of memory. */
ATM_MUST_USE struct clients *clients_new(const struct clients_options *options);
/* Without a word to anybody. */
void clients_free(struct clients *clients);

/* Open the door. False with a text in error[]. */
ATM_MUST_USE bool clients_listen(struct clients *clients, const char *host, int port,
                                 char error[LISTENER_ERROR_MAX]);
/* The same with a socket that was passed (listener_adopt). */
ATM_MUST_USE bool clients_adopt(struct clients *clients, int fd, char error[LISTENER_ERROR_MAX]);
const char *clients_address(const struct clients *clients); /* "127.0.0.1:7583" */

/* A reload in two steps: what can fail (too many different time-outs since the start), then what can't. Who is connected
 * keeps the context that he began with, but has to stand before the new one: see admission.h. */
ATM_MUST_USE bool clients_set_timeouts(struct clients *clients, const struct settings *settings);
void clients_change(struct clients *clients, const struct settings *settings, SSL_CTX *tls);

/* What handshakes go by now; after a change of what it believes, those who are connected have to stand before it. */
SSL_CTX *clients_tls(const struct clients *clients);
void clients_trust_changed(struct clients *clients);

/* To be called every tenth of a second or so: the reference data may have barred somebody, a certificate may have ended. */
void clients_tick(struct clients *clients);
/* The service is congested no longer. */
void clients_relieve(struct clients *clients);
/* Close the door and whoever waits for nothing; the others once they are answered. */
void clients_drain(struct clients *clients);

size_t clients_count(const struct clients *clients); /* connections, also those that are closing */
size_t clients_max(const struct clients *clients);   /* what the configuration and the system allow */
const struct client_counters *clients_counters(const struct clients *clients);
const struct session_env *clients_sessions(const struct clients *clients);

#endif
