/* atmctl verify. */
#ifndef ATMCTL_VERIFY_H
#define ATMCTL_VERIFY_H

#include "tools/atmctl/command.h"

int verify_all(const struct invocation *invocation);

#endif
