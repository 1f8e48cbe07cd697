/*
 * Summing up the days that are over (sql/021_days.sql), beside everything else: on a connection of its own, and nobody
 * waits for it. Each instance looks now and then; a lock of the database lets one at a time work, and whoever comes later finds
 * nothing left. Reports do without it and take longer.
 *
 *      RESTING --look--> EXTENDING --done--> STEPPING --one step--> STEPPING
 *         ^----------------'- failed, lost ------'--- nothing is left
 */
#ifndef DAEMON_SUMS_H
#define DAEMON_SUMS_H

#include <event2/event.h>
#include <stdint.h>

#include "lib/base/attributes.h"

struct sums;

/* business_ms: the time by which days are over. NULL: out of memory. */
ATM_MUST_USE struct sums *sums_new(struct event_base *base, const char *conninfo,
                                   int64_t (*business_ms)(void *context), void *context);
void sums_free(struct sums *sums);

/* Unless it works already, or its connection is down. */
void sums_look(struct sums *sums);

#endif
