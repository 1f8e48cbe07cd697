/* --watch: a command that is run again and again, until somebody ends it. */
#ifndef ATMCTL_WATCH_H
#define ATMCTL_WATCH_H

#include "tools/atmctl/command.h"

/* At a terminal each time in the same place, elsewhere one after the other. A first time that fails is the last one, for most likely it
 * was asked wrongly; what fails later is shown and tried again. The exit code. */
int watch(const struct invocation *invocation);

#endif
