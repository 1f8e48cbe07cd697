/*
 * The connections of one link: atmd as the TLS client of a bank. Each comes back by itself, for as long as atmd runs:
 *
 *      DOWN --pause over--> LOOKING_UP --> CONNECTING --> OPEN
 *       ^-------------------------'-------------'-----------'  failed, closed, hung up
 *
 * In OPEN a bank_session holds the dialogue, the sign-on first. Addresses are tried in turn, one connection begins
 * at the first, the next at the second and so on. Pauses grow from LIMIT_BANK_PAUSE_FIRST_MS to
 * LIMIT_BANK_PAUSE_MS, with jitter, and begin anew once a bank has accepted a sign-on.
 *
 * What is sent within one turn of the loop leaves in one write. Unlike an ATM's (conn.c), such a connection
 * is full duplex, carries many messages at once, and keeps its buffers: there are a few of them.
 */
#ifndef DAEMON_BANKS_BANK_CONN_H
#define DAEMON_BANKS_BANK_CONN_H

#include <event2/dns.h>
#include <event2/event.h>
#include <openssl/ssl.h>

#include "daemon/banks/bank_route.h"
#include "lib/base/address.h"
#include "lib/base/attributes.h"

struct bank_conns;

struct bank_conns_options {
        struct event_base *base;
        struct evdns_base *dns;
        struct bank_route *route;
        SSL_CTX *tls;                      /* referred to, not taken over */
        const struct addresses *addresses; /* copied */
        int connections;
};

/* Starts connecting. NULL: out of memory. */
ATM_MUST_USE struct bank_conns *bank_conns_new(const struct bank_conns_options *options);
/* Says nothing to the route, which is to be freed after it. The dns must be freed before. */
void bank_conns_free(struct bank_conns *conns);

/* For connections that are made from now on. */
void bank_conns_change(struct bank_conns *conns, SSL_CTX *tls, const struct addresses *addresses);

#endif
