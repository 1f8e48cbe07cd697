/*
 * The servers that a conninfo names, shared by all connections of a process: whose turn it is, at which address, and what libpq is told.
 *
 * libpq's way of connecting without blocking has no time limit of a host's own and looks names up while the loop waits. So each attempt
 * is one host, one address, one port, and who connects (lib/db/pg_conn.h) sets the limit. Order: the hosts as they are written, round
 * and round, each with all the addresses that its name stands for. A round begins at the host that served last; who finds one silent,
 * refusing or in recovery moves that on for all, and who finds a good one tells the
 * others, whoever is connected elsewhere among them: a process never works with two servers for longer than that takes.
 *
 * Names are looked up by evdns, on the loop. What a name stood for is kept: past its age it is still used, while the name server is asked
 * again, so that no name server is ever waited for twice. The time limit of an attempt begins when the address is known.
 *
 * What the conninfo leaves open: a dead line is noticed within five seconds (keepalives, tcp_user_timeout), an attempt takes three
 * (connect_timeout), and the server must be a primary (target_session_attrs): read-write would ask for a setting that pg_session.h makes.
 */
#ifndef LIB_DB_PG_HOSTS_H
#define LIB_DB_PG_HOSTS_H

#include <event2/dns.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/base/attributes.h"

struct pg_hosts;

/* dns NULL: no names, only addresses and sockets; it must outlive the hosts, and they all that seek. What libpq does not take it refuses
 * when it connects. NULL: out of memory. */
ATM_MUST_USE struct pg_hosts *pg_hosts_new(struct event_base *base, struct evdns_base *dns,
                                           const char *conninfo);
void pg_hosts_free(struct pg_hosts *hosts);

/* How long one attempt may take. */
int64_t pg_hosts_attempt_ms(const struct pg_hosts *hosts);

/* Blocking, by libpq's own way through the hosts, with the same limits: for a start. Whoever seeks begins where it ended. NULL: out of
 * memory. */
ATM_MUST_USE PGconn *pg_hosts_connect(struct pg_hosts *hosts);

enum { PG_PLACE_MAX = 128 };

/* Somebody who looks for a server: member of a connection. */
struct pg_seeker {
        struct pg_hosts *hosts;
        void (*on_addresses)(void *context); /* the look-up that it waited for is over, well or not */
        void (*on_found)(void *context); /* somebody has found a server; it is where the next round begins */
        void *context;

        size_t host, address; /* whose turn it is */
        size_t hosts_left;    /* in this round, with that one */
        TAILQ_ENTRY(pg_seeker) entry;
};

void pg_seeker_join(struct pg_seeker *seeker, struct pg_hosts *hosts);
void pg_seeker_leave(struct pg_seeker *seeker);

/* A new round, from the host that served last. */
void pg_seeker_begin(struct pg_seeker *seeker);
/* The same, where the host in turn served and has fallen silent: from the next. False: there is no other. */
bool pg_seeker_begin_elsewhere(struct pg_seeker *seeker);
/* Whether the host in turn has an address. Where not, it is being looked up, and on_addresses comes (never from within this call). */
bool pg_seeker_is_ready(struct pg_seeker *seeker);
bool pg_seeker_has_address(const struct pg_seeker *seeker);
/* Connect there; see PQconnectStart. application_name NULL: as the conninfo says. */
ATM_MUST_USE PGconn *pg_seeker_connect(const struct pg_seeker *seeker, const char *application_name);
/* The attempt, or the look-up, came to nothing. False: so did the round, and a new one is begun. */
bool pg_seeker_failed(struct pg_seeker *seeker);
/* There is a server that can be used: all hear of it from the loop. */
void pg_seeker_succeeded(struct pg_seeker *seeker);
/* Whether another host than the one in turn is known to serve. */
bool pg_seeker_is_astray(const struct pg_seeker *seeker);
/* For people, as libpq writes it: server at "db1" (192.0.2.1), port 5432. */
void pg_seeker_place(const struct pg_seeker *seeker, char text[PG_PLACE_MAX]);
/* Why the host in turn has no address. */
const char *pg_seeker_lookup_error(const struct pg_seeker *seeker);

#endif
