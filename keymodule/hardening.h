/* What keeps the module's memory to itself: not swapped out, not dumped, not looked into by other processes of its user. */
#ifndef KEYMODULE_HARDENING_H
#define KEYMODULE_HARDENING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"

/* All pages, also those to come, stay in memory; no core; no ptrace and no /proc/PID/mem but root's. Before any key is in memory. False: with words
 * in error[] (the memory can't be locked: everything else holds). */
ATM_MUST_USE bool hardening_apply(char *error, size_t size);

#endif
