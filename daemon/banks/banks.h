/*
 * The banks of an instance put together from the configuration: for each link its route and its connections,
 * and store and forward for all of them.
 */
#ifndef DAEMON_BANKS_BANKS_H
#define DAEMON_BANKS_BANKS_H

#include <event2/event.h>

#include "config/settings.h"
#include "daemon/banks/bank_route.h"
#include "lib/db/pg_hosts.h"

struct banks;
struct bank_keys; /* the TLS contexts of all links */

/* From the files that the configuration names. NULL with a text in error[]. */
ATM_MUST_USE struct bank_keys *banks_load_keys(const struct settings *settings, char *error, size_t size);
void banks_free_keys(struct bank_keys *keys);

struct banks_options {
        struct event_base *base;
        struct evdns_base *dns;          /* outlives the banks, as do hosts */
        struct pg_hosts *hosts;          /* of the database */
        const struct settings *settings; /* stays where it is; its text is used while the banks live */
        const struct bank_keys *keys;    /* each connection refers to its own */
        const struct session_keys *session_keys; /* of links; stays where it is */
        const char *instance;                    /* NULL: unnamed */
        int64_t (*steady_ms)(void *context);
        int64_t (*business_ms)(void *context);
        void *context;
};

/* The dialects. False with a text in error[]. */
ATM_MUST_USE bool banks_check_dialects(const struct settings *settings, char *error, size_t size);

/* Starts connecting. NULL with a text in error[]. */
ATM_MUST_USE struct banks *banks_new(const struct banks_options *options, char *error, size_t size);
void banks_free(struct banks *banks);

const struct bank_routes *banks_routes(const struct banks *banks);

/* A reload: links as before, in the same order; nothing of the settings is kept. */
void banks_change(struct banks *banks, const struct settings *settings, const struct bank_keys *keys);

void banks_tick(struct banks *banks);
void banks_nudge(struct banks *banks); /* there may be something to tell a bank */
void banks_drain(struct banks *banks);
bool banks_are_quiet(const struct banks *banks); /* nothing of store and forward is under way */
void banks_stop(struct banks *banks);            /* signs off */
bool banks_have_left(const struct banks *banks); /* no sign-off waits for its MAC any more */
void banks_log(const struct banks *banks);

#endif
