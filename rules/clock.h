/*
 * Business time: start + (real - anchor) x speed, one formula for every program. Real time is the case
 * start = anchor, speed = 1. Only a laboratory may run another; time-outs always use real time.
 */
#ifndef RULES_CLOCK_H
#define RULES_CLOCK_H

#include <stdint.h>

#include "lib/base/attributes.h"

struct business_clock {
        int64_t start_ms;  /* business moment at the anchor */
        int64_t anchor_ms; /* real moment */
        int32_t speed;     /* business milliseconds a real millisecond, 1 or more */
};

extern const struct business_clock clock_real;

enum { CLOCK_VARIABLES = 3, CLOCK_ERROR_MAX = 256 };
extern const char
    *const clock_variable[CLOCK_VARIABLES]; /* of the environment, by which a laboratory tells it */

/* texts: the variables' values; NULL or "" where one is not set. All of them or none. */
enum clock_source { CLOCK_REAL, CLOCK_LABORATORY, CLOCK_WRONG /* with a text in error[] */ };
ATM_MUST_USE enum clock_source clock_parse(const char *const texts[CLOCK_VARIABLES],
                                           struct business_clock *ret_clock, char error[CLOCK_ERROR_MAX]);

int64_t clock_business_ms(const struct business_clock *clock, int64_t real_ms);
/* The real moment at which business time reaches `business_ms`. */
int64_t clock_real_at(const struct business_clock *clock, int64_t business_ms);

#endif
