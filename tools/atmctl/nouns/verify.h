/* atmctl verify. */
#ifndef ATMCTL_NOUNS_VERIFY_H
#define ATMCTL_NOUNS_VERIFY_H

#include "tools/atmctl/command.h"

int verify_all(const struct invocation *invocation);

#endif
