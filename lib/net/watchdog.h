/*
 * The service manager's watchdog: a word from the loop in half the time within which one is wanted (WATCHDOG_USEC, see
 * sd_watchdog_enabled(3)). A loop that stands says nothing, and the process is started anew.
 */
#ifndef LIB_NET_WATCHDOG_H
#define LIB_NET_WATCHDOG_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

struct watchdog; /* NULL: nobody watches */

/* False: somebody watches, and there is no memory for it. */
ATM_MUST_USE bool watchdog_new(struct event_base *base, struct watchdog **ret_watchdog);
void watchdog_free(struct watchdog *watchdog); /* NULL is fine */
int64_t watchdog_period_us(const struct watchdog *watchdog);

#endif
