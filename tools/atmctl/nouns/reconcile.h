/* atmctl reconcile. */
#ifndef ATMCTL_NOUNS_RECONCILE_H
#define ATMCTL_NOUNS_RECONCILE_H

#include "tools/atmctl/command.h"

extern const struct field reconcile_fields[];
int reconcile_all(const struct invocation *invocation);

#endif
