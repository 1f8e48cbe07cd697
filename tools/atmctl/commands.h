/* All that atmctl can do. */
#ifndef ATMCTL_COMMANDS_H
#define ATMCTL_COMMANDS_H

#include "tools/atmctl/command.h"

/* The table: groups, NULL at the end. */
const struct command_group *const *commands_groups(void);
/* By its noun, which may be in the plural, and its verb or what other tools call it. NULL: there is none. */
const struct command *commands_find(const char *noun, const char *verb);

/* Find the command that the words name, parse, run. Returns the exit code. */
int commands_main(int argc, char **argv);

#endif
