/*
 * The servers that a conninfo names, shared by all connections of a process: whose turn it is, at which address, and what libpq is told.
 *
 * libpq's way of connecting without blocking has no time limit of a host's own and looks names up while the loop waits. So each attempt
 * is one host, one address, one port, and who connects (lib/db/pg_conn.h) sets the limit. Order: the hosts as they are written, round
 * and round, each with all the addresses that its name stands for. A round begins at the host that served last; who finds one silent,
 * refusing or in recovery moves that on for all, and who finds a good one tells the others, whoever is connected elsewhere among them: a
 * process never works with two servers for longer than that takes. A host that is silent, not one that refuses, is asked by one at a time:
 * the others find sooner who has taken its place.
 *
 * Names are looked up by evdns, on the loop. What a name stood for is kept: past its age it is still used, while the name server is asked
 * again, so that no name server is ever waited for twice. The time limit of an attempt begins when the address is known.
 *
 * What the conninfo leaves open: a dead line is noticed within five seconds (keepalives, tcp_user_timeout), an attempt takes three
 * (connect_timeout), and the server must be a primary (target_session_attrs): read-write would ask for a setting that pg_session.h makes.
 *
 * Where a process watches epochs (pg_epoch.h), a primary of an older one than it has seen is passed over like one that is silent, and
 * whoever meets a newer one takes all others there, those too that are still connected.
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
#include "lib/db/pg_epoch.h"

struct pg_hosts;

enum { PG_PLACE_MAX = 128 };

/* dns NULL: no names, only addresses and sockets; it must outlive the hosts, and they all that seek. base NULL: nobody seeks, hosts are
 * only surveyed. What libpq does not take it refuses when it connects. NULL: out of memory. */
ATM_MUST_USE struct pg_hosts *pg_hosts_new(struct event_base *base, struct evdns_base *dns,
                                           const char *conninfo);
void pg_hosts_free(struct pg_hosts *hosts);

/* How long one attempt may take. */
int64_t pg_hosts_attempt_ms(const struct pg_hosts *hosts);

struct pg_hosts_events {
        /* A newer epoch than any before; also the first one. */
        void (*on_newer)(void *context, const struct pg_epoch *seen);
        /* A primary that is refused; once for each that a host shows. */
        void (*on_refused)(void *context, const char *place, const struct pg_epoch *its,
                           const struct pg_epoch *seen);
        void *context;
};

/* Watch epochs from here on; known: what was seen before. The events are copied. */
void pg_hosts_watch(struct pg_hosts *hosts, const struct pg_epoch *known,
                    const struct pg_hosts_events *events);
bool pg_hosts_is_watching(const struct pg_hosts *hosts);
/* Changes where servers that were right may be so no more. */
unsigned pg_hosts_generation(const struct pg_hosts *hosts);

/* What a server says of its epoch: one that is newer than all before is known from here on, one that is older, or another database's, is
 * refused: false with a reason. */
ATM_MUST_USE bool pg_hosts_judge(struct pg_hosts *hosts, size_t host, const char *place,
                                 const struct pg_epoch *epoch, char why[PG_EPOCH_ERROR_MAX]);
/* The same of whoever is no primary itself, and refused for nothing. */
void pg_hosts_learn(struct pg_hosts *hosts, const struct pg_epoch *epoch);
/* Whoever seeks begins there. */
void pg_hosts_start_at(struct pg_hosts *hosts, size_t host);

/* For a survey (pg_survey.h), which is blocking. Looks names up, and keeps their addresses. */
size_t pg_hosts_count(const struct pg_hosts *hosts);
size_t pg_hosts_addresses(struct pg_hosts *hosts, size_t host);
/* Connect there, whatever the server is; see PQconnectStart. */
ATM_MUST_USE PGconn *pg_hosts_begin(const struct pg_hosts *hosts, size_t host, size_t address);
void pg_hosts_place(const struct pg_hosts *hosts, size_t host, size_t address, char text[PG_PLACE_MAX]);
const char *pg_hosts_lookup_error(const struct pg_hosts *hosts, size_t host);
/* Whether the conninfo wants a primary, or says nothing. */
bool pg_hosts_want_primary(const struct pg_hosts *hosts);

/* Somebody who looks for a server: member of a connection. */
struct pg_seeker {
        struct pg_hosts *hosts;
        void (*on_addresses)(void *context); /* the look-up that it waited for is over, well or not */
        void (*on_found)(void *context); /* somebody has found a server; it is where the next round begins */
        void *context;

        size_t host, address; /* whose turn it is */
        size_t hosts_left;    /* in this round, with that one */
        int64_t began_ms;     /* with that one */
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
/* What the server in turn says of its epoch. False with a reason where it is refused; where it is newer, all hear of it from the loop. */
ATM_MUST_USE bool pg_seeker_judge(struct pg_seeker *seeker, const struct pg_epoch *epoch,
                                  char why[PG_EPOCH_ERROR_MAX]);
/* There is a server that can be used: all hear of it from the loop. */
void pg_seeker_succeeded(struct pg_seeker *seeker);
/* Whether another host than the one in turn is known to serve. */
bool pg_seeker_is_astray(const struct pg_seeker *seeker);
/* For people, as libpq writes it: server at "db1" (192.0.2.1), port 5432. */
void pg_seeker_place(const struct pg_seeker *seeker, char text[PG_PLACE_MAX]);
/* Why the host in turn has no address. */
const char *pg_seeker_lookup_error(const struct pg_seeker *seeker);

#endif
