/*
 * The connection that brings the reference data and the key blocks, asks who is in the way, whether a standby is there and what time it is: no batch travels
 * on it, so that whoever makes it wait keeps no withdrawal waiting. Where it met a lock it asks who holds one.
 *
 *      IDLE --due--> asks for the reference --came--> IDLE
 *                          '--a lock in the way--> ends people's sessions that a batch waits for, and that are old --> asks for those
 *                                  who hold locks --> IDLE
 */
#ifndef DAEMON_LEDGER_REFERENCE_FEED_H
#define DAEMON_LEDGER_REFERENCE_FEED_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdint.h>

#include "config/key_rings.h"
#include "config/lock_holder.h"
#include "lib/base/attributes.h"
#include "lib/db/pg_hosts.h"

struct reference_feed;

struct reference_feed_events {
        int64_t (*known)(void *context);                        /* the version in force */
        void (*on_rows)(void *context, const PGresult *result); /* as reference_load takes them */
        int64_t (*known_keys)(void *context);                   /* the same of the keys */
        /* As key_rings_load takes them; NULL: they could not be read. Of the read with this number. */
        void (*on_key_rows)(void *context, int64_t read, const PGresult *result);
        void (*on_holder)(void *context,
                          const struct lock_holder *holder); /* one that was not named the last time */
        void (*on_ended)(void *context, const struct ended_session *ended);
        void (*on_standby)(
            void *context,
            const char *problem); /* NULL: one confirms each commit; also what keeps it unknown */
        /* The database's real time, so long after it was asked for. */
        void (*on_clock)(void *context, int64_t database_ms, int64_t round_trip_ms);
        void (*on_problem)(void *context, const char *text);
};

/* hosts and events must outlive it. NULL: out of memory. */
ATM_MUST_USE struct reference_feed *reference_feed_new(struct event_base *base, struct pg_hosts *hosts,
                                                       const struct reference_feed_events *events,
                                                       void *context);
void reference_feed_free(struct reference_feed *feed);

/* Ask as soon as it can: for newer rows, whether the server is still what it was when it was connected to (pg_session.h), and whether a
 * promotion has been told of since (where epochs are watched); for those who hold locks; what time it is (which it also asks when it comes
 * to another server). */
void reference_feed_ask(struct reference_feed *feed);
void reference_feed_look(struct reference_feed *feed);
/* Ask for changed keys as soon as it can: the number of that read, which begins after this. */
int64_t reference_feed_read_keys(struct reference_feed *feed);
/* Tell the database that a set of keys was used, until it knows. */
void reference_feed_tell_used(struct reference_feed *feed, enum key_owner owner_kind, const char *owner,
                              int number);
void reference_feed_ask_clock(struct reference_feed *feed);
/* Ask whether a standby confirms each commit; whoever asked once hears also that it is not known: the question failed, its connection is
 * down, or ten of them have no answer. */
void reference_feed_ask_standby(struct reference_feed *feed);

/* What it asks then, for who waits: NULL, or what is wrong. */
extern const char standby_problem_sql[];
extern const char database_clock_sql[]; /* real milliseconds */

#endif
