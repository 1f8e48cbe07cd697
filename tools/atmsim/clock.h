/* Business time as atmsim is told it: by options, and by the laboratory's variables. */
#ifndef ATMSIM_CLOCK_H
#define ATMSIM_CLOCK_H

#include <stdbool.h>

#include "lib/cli/options.h"
#include "rules/clock.h"

option_take take_moment; /* int64_t: a business moment in milliseconds */

/* From the environment (clock_parse). False after a complaint. */
ATM_MUST_USE bool clock_of_laboratory(struct business_clock *ret_clock);

#endif
