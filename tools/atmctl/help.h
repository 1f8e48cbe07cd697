/* --help and the man page, made of the command rows. groups: all of them, NULL at the end. */
#ifndef ATMCTL_HELP_H
#define ATMCTL_HELP_H

#include <stdio.h>

#include "tools/atmctl/command.h"

void help_all(FILE *stream, const struct command_group *const *groups);
void help_noun(FILE *stream, const struct command_group *const *groups, const char *noun);
void help_command(FILE *stream, const struct command *command);
/* docs/man/atmctl.1.scd */
void help_manual(FILE *stream, const struct command_group *const *groups);

#endif
