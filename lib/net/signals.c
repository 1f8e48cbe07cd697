/* One event a signal: see signals.h. */
#include "lib/net/signals.h"

#include <assert.h>
#include <stdlib.h>

enum { SIGNALS_MAX = 8 };

struct signals {
        struct event *event[SIGNALS_MAX];
        size_t count;
};

struct signals *signals_new(struct event_base *base, const struct signal_row *rows, size_t count,
                            void *context)
{
        struct signals *signals = calloc(1, sizeof(*signals));

        assert(count <= SIGNALS_MAX);
        if (!signals)
                return NULL;
        for (size_t i = 0; i < count; i++) {
                struct event *event = evsignal_new(base, rows[i].number, rows[i].handle, context);

                if (event)
                        signals->event[signals->count++] = event;
                if (!event || event_add(event, NULL) < 0) {
                        signals_free(signals);
                        return NULL;
                }
        }
        return signals;
}

void signals_free(struct signals *signals)
{
        if (!signals)
                return;
        for (size_t i = 0; i < signals->count; i++)
                event_free(signals->event[i]);
        free(signals);
}
