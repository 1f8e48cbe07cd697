/*
 * What the database wants done beside all else, by whichever instance comes first: once a day partitions for the months to come and sums
 * of the days that are over (sql/021_days.sql); every few seconds the end of what people said until when it is (atm_end_due in
 * sql/080_ledger.sql). On a connection of its own, and nobody waits for it. Each instance looks now and then; locks of the database let
 * one at a time work, and whoever comes later finds nothing left.
 *
 *      RESTING --look, partitions are due--> PARTITIONS --done--> EXTENDING --done--> STEPPING --one step--> STEPPING
 *         |'-----look--------------------------------------------->'                       |
 *         |'--every five seconds--> ENDS --done--> RESTING                                   |
 *         '<------------- failed, lost ---------------'-----------------'------------------'--- nothing is left
 */
#ifndef DAEMON_UPKEEP_H
#define DAEMON_UPKEEP_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "lib/db/pg_hosts.h"

struct upkeep;

struct upkeep_events {
        int64_t (*business_ms)(void *context); /* the time by which days are over */
        bool (*partitions_are_due)(void *context);
        void *context;
};

/* NULL: out of memory. */
ATM_MUST_USE struct upkeep *upkeep_new(struct event_base *base, struct pg_hosts *hosts,
                                       const struct upkeep_events *events);
void upkeep_free(struct upkeep *upkeep);

/* Unless it works already, or its connection is down. */
void upkeep_look(struct upkeep *upkeep);

#endif
