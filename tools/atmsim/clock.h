/* Business time as atmsim is told it. */
#ifndef ATMSIM_CLOCK_H
#define ATMSIM_CLOCK_H

#include <stdbool.h>

#include "lib/cli/options.h"
#include "rules/clock.h"

option_take take_moment; /* int64_t: a business moment in milliseconds */

/* ATM_CLOCK_START_MS, _ANCHOR_MS and _SPEED; real time where none of them is set. False after a complaint. */
ATM_MUST_USE bool clock_of_laboratory(struct business_clock *ret_clock);

#endif
