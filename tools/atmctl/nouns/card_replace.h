/* card replace: new cards for old ones, one pair from standard input or many from a file. */
#ifndef ATMCTL_CARD_REPLACE_H
#define ATMCTL_CARD_REPLACE_H

#include "tools/atmctl/command.h"

int card_replace(const struct invocation *invocation);

#endif
