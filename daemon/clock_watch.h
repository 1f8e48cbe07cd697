/*
 * How far this machine's clock is from the database's, in real time, and what follows from it.
 *
 *      AGREES --off by more than LIMIT_CLOCK_WARN_MS--> DRIFTS --LIMIT_CLOCK_OFF_MS--> OFF --LIMIT_CLOCK_LOST_MS--> LOST
 *         '<----------by that at most----------------------'<--------likewise----------'<----------likewise-----------'
 *
 * A measurement takes a round trip, so that it knows the distance only within bounds. A state is entered when
 * the distance is beyond its limit for sure, and left when it is surely not: a slow answer changes nothing. What
 * was measured is kept in steady time, so that somebody who sets the clock is noticed before the next measurement.
 * Neither clock is known to be the right one, so who is OFF approves nothing, and does not say that ATMs' clocks are off (58). DE 7 has no
 * year: who is LOST may take it for another moment than the others do.
 */
#ifndef DAEMON_CLOCK_WATCH_H
#define DAEMON_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum clock_state { CLOCK_AGREES, CLOCK_DRIFTS, CLOCK_OFF, CLOCK_LOST, CLOCK_STATE_COUNT };

struct clock_watch {
        enum clock_state state;
        int64_t ahead_ms; /* of the database's, as well as is known; less than zero: behind it */
        bool is_measured;
        int64_t least_ms, most_ms; /* the database's time less steady time, when last measured */
};

/* The database has said what time it is, round_trip_ms after it was asked; real_ms and steady_ms are this machine's times at which
 * its answer came. True: the clock is in another state now. */
bool clock_watch_hear(struct clock_watch *watch, int64_t database_ms, int64_t round_trip_ms, int64_t real_ms,
                      int64_t steady_ms);
/* Between measurements. True likewise. */
bool clock_watch_look(struct clock_watch *watch, int64_t real_ms, int64_t steady_ms);
/* One event that says how it is. */
void clock_watch_log(const struct clock_watch *watch);

#endif
