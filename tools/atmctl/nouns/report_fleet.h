/* report fleet: what ATMs, halls or areas earn and cost, where they stand, and how that compares with others.
 */
#ifndef ATMCTL_NOUNS_REPORT_FLEET_H
#define ATMCTL_NOUNS_REPORT_FLEET_H

#include "tools/atmctl/command.h"

int report_fleet(const struct invocation *invocation);
extern const struct field fleet_fields[];

#endif
