/*
 * Store and forward's store in PostgreSQL: one connection of its own, on which nothing ever blocks the loop.
 */
#ifndef DAEMON_BANKS_SAF_PG_H
#define DAEMON_BANKS_SAF_PG_H

#include <event2/event.h>

#include "daemon/banks/saf.h"
#include "lib/db/pg_hosts.h"

struct saf_pg;

/* NULL: out of memory. */
struct saf_pg *saf_pg_new(struct event_base *base, struct pg_hosts *hosts);
void saf_pg_free(struct saf_pg *store);

/* Whom to tell of ends; before the loop runs. */
void saf_pg_attach(struct saf_pg *store, struct saf *saf);
struct saf_store saf_pg_store(struct saf_pg *store);

#endif
