/* Signals on the event loop, as rows. */
#ifndef LIB_NET_SIGNALS_H
#define LIB_NET_SIGNALS_H

#include <event2/event.h>
#include <stddef.h>

#include "lib/base/attributes.h"

struct signal_row {
        int number;
        event_callback_fn handle;
};

struct signals;

/* From now on the loop hears of them. NULL where they can't be handled. The rows are copied. */
ATM_MUST_USE struct signals *signals_new(struct event_base *base, const struct signal_row *rows, size_t count,
                                         void *context);
void signals_free(struct signals *signals);

#endif
