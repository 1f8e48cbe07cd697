/*
 * What this instance has seen of the database's epochs (lib/db/pg_epoch.h): said in the log, and kept in a file ([database] epoch_file, or
 * `epoch` in the folder that systemd gives for state) so that it refuses an old primary after a restart too, where it meets nobody else.
 * Without a file it knows only what the servers say that it can reach.
 */
#ifndef DAEMON_EPOCH_H
#define DAEMON_EPOCH_H

#include <stdbool.h>

#include "config/settings.h"
#include "lib/base/attributes.h"
#include "lib/db/pg_epoch.h"
#include "lib/db/pg_hosts.h"

struct epoch {
        char path[SETTINGS_TEXT_MAX]; /* "": none */
        struct pg_epoch seen;
        bool is_kept;
};

/* Reads the file, and watches the hosts from here on; the epoch must outlive them. False with an error where there is a file that can't be
 * read. */
ATM_MUST_USE bool epoch_begin(struct epoch *epoch, struct pg_hosts *hosts, const struct settings *settings,
                              char error[PG_EPOCH_ERROR_MAX]);
/* Write what could not be written yet: once a minute, and at the start, where it has to be. False with an error. */
ATM_MUST_USE bool epoch_keep(struct epoch *epoch, char error[PG_EPOCH_ERROR_MAX]);

#endif
