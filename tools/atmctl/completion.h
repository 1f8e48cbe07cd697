/* What a shell completes on the Tab key, as a script for it, made of the command rows. */
#ifndef ATMCTL_COMPLETION_H
#define ATMCTL_COMPLETION_H

#include <stdio.h>

#include "tools/atmctl/command.h"

/* groups: all of them, NULL at the end. */
void completion_bash(FILE *stream, const struct command_group *const *groups);
void completion_zsh(FILE *stream, const struct command_group *const *groups);

#endif
