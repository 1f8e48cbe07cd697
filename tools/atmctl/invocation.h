/* A command as it was called: its words parsed, what they leave open settled (today, spans, the form), and run. */
#ifndef ATMCTL_INVOCATION_H
#define ATMCTL_INVOCATION_H

#include "tools/atmctl/command.h"

/* The words behind noun and verb. Returns the exit code. */
int invocation_run(const struct command *command, int argc, char **argv);

#endif
