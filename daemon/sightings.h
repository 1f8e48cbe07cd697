/*
 * What this instance sees of those it talks with, in a table of the database (sql/075_sightings.sql): for people, who ask the database and
 * not each instance ('atmctl link list'). A row each, all in one statement: at the next look after something has changed, ten seconds after
 * the last time where a bank was heard since, for else it would look silent, and else once a minute, by whose age people know that this instance is there. On a connection of its own; nothing depends on it, and nobody waits for it.
 *
 *      RESTING --look: another state or reason, or its time is over--> WRITING --done--> RESTING
 *         '--leave: the daemon stops--> GONE                              '--failed, lost--> RESTING, and the next look writes
 */
#ifndef DAEMON_SIGHTINGS_H
#define DAEMON_SIGHTINGS_H

#include <event2/event.h>

#include "daemon/banks/bank_route.h"
#include "lib/base/attributes.h"
#include "lib/db/pg_hosts.h"

struct sighting {
        const char *kind, *name, *state;
        const char *why;   /* it is not as it should be; "": nothing is known */
        int64_t state_ms;  /* for how long it has been in that state */
        int64_t silent_ms; /* how long ago it was heard; -1: never */
};

/* A row each link. The text is the routes'. How many. */
size_t sightings_of_links(const struct bank_routes *routes, int64_t now_ms,
                          struct sighting ret_rows[BANK_ROUTES_MAX]);

enum { SIGHTINGS_PERIOD_MS = 60000, SIGHTINGS_HEARD_MS = 10000 };

/* For how long what was told age_ms ago holds, if no state has changed. */
int64_t sightings_hold_ms(const struct sighting *rows, size_t count, int64_t age_ms);

struct sightings;

/* name: as 'atmctl instance list' has this instance; its machine's is put behind it. The routes outlive it. NULL: out of memory. */
ATM_MUST_USE struct sightings *sightings_new(struct event_base *base, struct pg_hosts *hosts,
                                             const char *name, const struct bank_routes *routes);
void sightings_free(struct sightings *sightings);

/* To be called once a second or so, by steady time. */
void sightings_look(struct sightings *sightings, int64_t now_ms);
/* This instance stops: it sees nothing any more, and what it saw is taken away. */
void sightings_leave(struct sightings *sightings);

#endif
