/*
 * The other instances of atmd on this database: whether they run with the same limits. Instances decide of each other's
 * withdrawals, so what one takes for too late must be too late for all. A connection of its own shows what this one runs with
 * (config/instance_label.h), for as long as it runs, and reads what the others show. Nothing depends on it: a difference is a
 * warning, and nobody is refused for it.
 */
#ifndef DAEMON_INSTANCES_H
#define DAEMON_INSTANCES_H

#include <event2/event.h>

#include "config/settings.h"
#include "lib/db/pg_hosts.h"

struct instances;

/* name: as the others see it. The settings are copied from. NULL: out of memory. */
struct instances *instances_new(struct event_base *base, struct pg_hosts *hosts,
                                const struct settings *settings, const char *name);
void instances_free(struct instances *instances);

/* Other limits may be in force now. */
void instances_change(struct instances *instances, const struct settings *settings);
/* Look at the others: a difference is logged once, until it is another. */
void instances_look(struct instances *instances);

#endif
