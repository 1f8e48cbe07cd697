/*
 * How often something may happen: so many times at once, and one more in each period from then on. The time is the
 * caller's, steady and in milliseconds.
 */
#ifndef LIB_BASE_RATE_H
#define LIB_BASE_RATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

struct rate {
        int64_t full_ms; /* when all may happen at once again; zeroed: they may */
};

struct rate_rules {
        int64_t at_once;   /* at least 1 */
        int64_t period_ms; /* until there is one more; at least 1 */
};

/* How long until it may happen; 0: it may. */
int64_t rate_wait_ms(const struct rate *rate, const struct rate_rules *rules, int64_t now_ms);
/* False: it is one too many, and counts for nothing. */
ATM_MUST_USE bool rate_take(struct rate *rate, const struct rate_rules *rules, int64_t now_ms);

#endif
