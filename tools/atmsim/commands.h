/* The commands of atmsim: each takes the words behind its name and returns the exit code. */
#ifndef ATMSIM_COMMANDS_H
#define ATMSIM_COMMANDS_H

#include "lib/cli/program.h"

extern const struct program_command run_command, cards_command;

int command_run(int count, char **words);
int command_cards(int count, char **words);

#endif
