/*
 * A reload is a transaction: reload_prepare builds everything new and checks it, and on any error nothing has
 * changed; server.c then hands to each part what is its own, which can't fail. What can't change while atmd runs
 * is refused by name.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "config/settings.h"
#include "daemon/keys.h"

struct reload {
        struct settings settings;
        struct keys keys;
};

/* path: the configuration; running, keys: what is in force. False with a text in error[]. */
ATM_MUST_USE bool reload_prepare(const char *path, const struct settings *running, const struct keys *keys,
                                 struct reload *ret_reload, char *error, size_t size);
void reload_end(struct reload *reload);

#endif
