/* The commands of atmsim: each takes the words behind its name and returns the exit code. */
#ifndef ATMSIM_COMMANDS_H
#define ATMSIM_COMMANDS_H

#include "tools/atmsim/options.h"

extern const struct command run_command, cards_command;

int command_run(int count, char **words);
int command_cards(int count, char **words);

#endif
