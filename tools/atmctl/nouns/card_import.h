/* Imports of files that hold card numbers. */
#ifndef ATMCTL_CARD_IMPORT_H
#define ATMCTL_CARD_IMPORT_H

#include "tools/atmctl/command.h"

/* The columns of the files, for help. */
extern const struct entity card_file, account_file, pin_file, exclusion_file;

int card_import(const struct invocation *invocation);
int account_import(const struct invocation *invocation);
int pin_import(const struct invocation *invocation);
int exclusion_import(const struct invocation *invocation);

#endif
