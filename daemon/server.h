/*
 * The daemon's parts put together: door, connections, sessions, service, ledger, signals, time.
 *
 *      SERVING --SIGTERM, SIGINT--> DRAINING --all answered, or drain_timeout_ms--> (server_run returns)
 *
 * A reload (SIGHUP) builds everything new, checks it, then swaps; on any error all stays as it was. What
 * can't change while running is refused by name.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include <stdbool.h>

#include "config/settings.h"
#include "lib/base/attributes.h"

enum { SERVER_ERROR_MAX = 1280 };

struct server;

struct server_options {
        const char *config_path;
        struct address listen; /* over the configuration's; no host: as configured */
        int passed;            /* a socket that listens already, in place of both; -1: none */
        const char *instance;  /* NULL: unnamed */
};

/* Connects to the database, loads the reference data and listens. NULL with a text in error[];
 * *ret_bad_config says whether the configuration (or a file it names) is to blame, or the world around. */
ATM_MUST_USE struct server *server_new(const struct server_options *options, const struct settings *settings,
                                       bool *ret_bad_config, char error[SERVER_ERROR_MAX]);
/* Serves until told to stop. */
void server_run(struct server *server);
void server_free(struct server *server);

/* What --check-config checks: certificates, keys, what goes together. */
ATM_MUST_USE bool server_check(const struct settings *settings, char error[SERVER_ERROR_MAX]);

#endif
