/* All that atmctl can do. */
#ifndef ATMCTL_COMMANDS_H
#define ATMCTL_COMMANDS_H

#include "tools/atmctl/command.h"

/* Find the command that the words name, parse, run. Returns the exit code. */
int commands_main(int argc, char **argv);

#endif
