/* A line from whoever sits at a terminal: what is typed is not shown. */
#ifndef LIB_CLI_HIDDEN_H
#define LIB_CLI_HIDDEN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"

/* Asked for with that text, on standard error; without its end, and of what is longer than `size` the first part. False: that is no terminal, it
 * can't be kept from showing what is typed, or nothing was. The caller wipes the line. */
ATM_MUST_USE bool hidden_ask(int terminal, const char *question, char *ret_line, size_t size);

#endif
