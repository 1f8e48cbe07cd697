/*
 * The ledger in PostgreSQL: group commit over a few connections. What waits while a batch is in flight goes
 * together in the next one; a batch leaves as soon as a connection is free, without any timer.
 */
#ifndef DAEMON_LEDGER_LEDGER_PG_H
#define DAEMON_LEDGER_LEDGER_PG_H

#include <event2/event.h>

#include "config/key_rings.h"
#include "config/lock_holder.h"
#include "daemon/ledger/ledger.h"
#include "lib/db/pg_hosts.h"

enum { LEDGER_PG_ERROR_MAX = 512, LEDGER_PG_CONNECTIONS_MAX = 8 };

struct ledger_pg_options {
        const char *conninfo;   /* for ledger_pg_check */
        struct pg_hosts *hosts; /* of that conninfo; for ledger_pg_new, and they outlive the ledger */
        int connections;        /* 1 to LEDGER_PG_CONNECTIONS_MAX */
        int batch_max;          /* ops in a batch, 1 to 1024 */
        int queue_max;          /* ops that may wait */
        const char *
            token_check_value; /* of the key that makes card tokens (lib/security/token.h); for ledger_pg_new alone */
        bool synchronous;      /* nothing is decided unless a standby confirms each commit */
        int reference_poll_ms; /* how often to look for changed reference data, and at the clock (real time) */
        int64_t
            answer_timeout_ms; /* a batch without an answer is in doubt by then, and its connection made anew */
        struct ledger_times times;
        /* Something that people should know: a connection lost or found, a batch refused, reference data
         * changed or refused. */
        void (*on_message)(void *context, bool is_problem, const char *text);
        /* The database's real time, so long after it was asked for: from ledger_pg_new, and at every reference_poll_ms. NULL: nobody
         * wants to know. */
        void (*on_clock)(void *context, int64_t database_ms, int64_t round_trip_ms);
        /* A session is in the way of others, or holds a lock that would be. NULL: nobody wants to know. */
        void (*on_holder)(void *context, const struct lock_holder *holder);
        /* A person's session was ended, since batches waited for it. NULL likewise. */
        void (*on_ended)(void *context, const struct ended_session *ended);
        /* The keys were read again, or could not be: the read with this number (ledger_pg_read_keys). NULL likewise. */
        void (*on_keys)(void *context, int64_t read, bool is_read);
        /* Batches can be decided from now on, or can't; the first time when the first connection is up. NULL likewise. */
        void (*on_serving)(void *context, bool serves);
        void *context;
};

struct ledger_pg_stats {
        int64_t batches, ops, repeated_batches, lost_batches, refused_ops;
        int waiting, in_doubt, connections_up;
        int held; /* of those that wait: for somebody's lock */
};

/* What can be wrong with the options before anybody connects. False with a text in error[]. */
ATM_MUST_USE bool ledger_pg_check(const struct ledger_pg_options *options, char error[LEDGER_PG_ERROR_MAX]);

/*
 * Connects and loads the first reference data, blocking: for start-up only. NULL with a text in error[]:
 * no server, no such database, not migrated, newer than the program, cards under another token key, reference data that
 * can't be used.
 */
ATM_MUST_USE struct ledger *ledger_pg_new(struct event_base *base, const struct ledger_pg_options *options,
                                          char error[LEDGER_PG_ERROR_MAX]);

/* Load the reference data now (SIGHUP); the outcome comes as a message. */
void ledger_pg_reload(struct ledger *ledger);

/* The key blocks, as they were read with the reference data. */
const struct key_rings *ledger_pg_key_rings(const struct ledger *ledger);

/* Have them read as soon as the database can be asked: the number of that read, which begins after this. */
int64_t ledger_pg_read_keys(struct ledger *ledger);

/* An owner has used a set that is loaded: the database is told until it knows, and the rings have it then. May be said again. */
void ledger_pg_key_set_used(struct ledger *ledger, enum key_owner owner_kind, const char *owner, int number);

/* Look who holds locks; what is new comes through on_holder. It is also done when a batch has waited for a second. */
void ledger_pg_look(struct ledger *ledger);

/* For batches to come. */
void ledger_pg_set_times(struct ledger *ledger, struct ledger_times times);

void ledger_pg_get_stats(const struct ledger *ledger, struct ledger_pg_stats *ret_stats);

/* Whether any op waits or is in flight: a draining daemon stays until there is none. */
bool ledger_pg_is_busy(const struct ledger *ledger);

#endif
