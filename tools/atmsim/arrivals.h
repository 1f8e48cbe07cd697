/*
 * When customers come: a Poisson stream in business time whose density follows the day. PROFILE_DAY has
 * customers from 8 to 21 o'clock in Japan, most of them in the evening, when a parlor is full; PROFILE_FLAT
 * is even around the clock.
 */
#ifndef ATMSIM_ARRIVALS_H
#define ATMSIM_ARRIVALS_H

#include <stdint.h>

#include "lib/base/random.h"

enum profile_kind { PROFILE_DAY, PROFILE_FLAT };

struct arrivals {
        enum profile_kind profile;
        double per_day; /* of the whole fleet */
        int32_t day;    /* the last arrival's, in the calendar of Japan */
        double used;    /* share of that day's customers that came by then, [0, 1) */
        struct random random;
};

/* Arrivals after the business moment from_ms. per_day is more than zero. */
void arrivals_init(struct arrivals *arrivals, enum profile_kind profile, double per_day, int64_t from_ms,
                   uint64_t seed);
/* The business moment of the next arrival; never earlier than the last. */
int64_t arrivals_next_ms(struct arrivals *arrivals);

#endif
