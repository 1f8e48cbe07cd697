/* The business clock as atmctl knows it: from atmd's configuration, a laboratory's variables, or real time.
 */
#ifndef ATMCTL_BUSINESS_CLOCK_H
#define ATMCTL_BUSINESS_CLOCK_H

#include "lib/base/now.h"
#include "rules/clock.h"
#include "tools/atmctl/command.h"

/* False after a complaint. *ret_source: where it was taken from, for people. */
ATM_MUST_USE bool business_clock_of(const struct invocation *invocation, struct business_clock *ret_clock,
                                    const char **ret_source);
/* The business date of now. */
ATM_MUST_USE bool business_today(const struct invocation *invocation, int32_t *ret_day);

#endif
