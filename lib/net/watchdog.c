/* The service manager's watchdog: see watchdog.h. */
#include "lib/net/watchdog.h"

#include <stdlib.h>
#include <systemd/sd-daemon.h>

struct watchdog {
        struct event *timer;
        int64_t period_us;
};

static void on_time(evutil_socket_t fd, short what, void *context)
{
        (void)fd;
        (void)what;
        (void)context;
        sd_notify(0, "WATCHDOG=1");
}

bool watchdog_new(struct event_base *base, struct watchdog **ret_watchdog)
{
        uint64_t limit_us = 0;
        *ret_watchdog = NULL;
        if (sd_watchdog_enabled(0, &limit_us) <= 0)
                return true;
        struct watchdog *watchdog = calloc(1, sizeof(*watchdog));
        if (!watchdog)
                return false;
        watchdog->period_us = limit_us > 1 ? (int64_t)(limit_us / 2) : 1;
        watchdog->timer = event_new(base, -1, EV_PERSIST, on_time, NULL);
        struct timeval period = {.tv_sec = watchdog->period_us / 1000000,
                                 .tv_usec = watchdog->period_us % 1000000};
        if (!watchdog->timer || event_add(watchdog->timer, &period) < 0) {
                watchdog_free(watchdog);
                return false;
        }
        *ret_watchdog = watchdog;
        return true;
}

void watchdog_free(struct watchdog *watchdog)
{
        if (!watchdog)
                return;
        if (watchdog->timer)
                event_free(watchdog->timer);
        free(watchdog);
}

int64_t watchdog_period_us(const struct watchdog *watchdog)
{
        return watchdog->period_us;
}
