/* report revenue: what the fleet earned, by one or two of place, bank and time. */
#ifndef ATMCTL_NOUNS_REPORT_REVENUE_H
#define ATMCTL_NOUNS_REPORT_REVENUE_H

#include "tools/atmctl/command.h"

int report_revenue(const struct invocation *invocation);
extern const struct field revenue_fields[];

#endif
