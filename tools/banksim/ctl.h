/*
 * Orders to a running banksim, over a unix socket: one line in, an answer out, then the connection ends.
 *
 *      WHAT BEHAVIOUR [SECONDS]     WHAT: a bank's name, or `all`
 *      WHAT show | show-json | show-csv
 *
 * The answer begins with the line `ok` or `error: why`; what was asked for follows.
 */
#ifndef BANKSIM_CTL_H
#define BANKSIM_CTL_H

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>

#include "lib/base/attributes.h"
#include "tools/banksim/host.h"

enum { CTL_ERROR_MAX = 512 };

struct ctl;

/* hosts is borrowed. A socket that a killed banksim left is replaced, a living one's is not. NULL with a text
 * in error[]. */
ATM_MUST_USE struct ctl *ctl_open(struct event_base *base, const char *path, struct host *const *hosts,
                                  size_t count, char error[CTL_ERROR_MAX]);
void ctl_close(struct ctl *ctl);

/* What `show` prints of one bank: its object, for people. */
char *ctl_text_of(const json_t *object); /* to be freed; NULL: out of memory */

/* `banksim ctl ...`: the words behind it. The exit code. */
int ctl_main(int count, char **words);

#endif
