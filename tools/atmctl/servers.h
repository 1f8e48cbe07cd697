/*
 * Which of the servers that a conninfo names a command is to use: the primary of the newest epoch (lib/db/pg_epoch.h). They are asked all at
 * once, so that an old primary that has returned is noticed by whoever can reach the new one, or a standby of it. One server alone is
 * nobody to compare with.
 */
#ifndef ATMCTL_SERVERS_H
#define ATMCTL_SERVERS_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "lib/base/attributes.h"

/* A connection with it; NULL: libpq is to choose, since there is one server, no primary, or the conninfo wants another. False after a
 * complaint: only an old primary is there. */
ATM_MUST_USE bool servers_choose(const char *conninfo, PGconn **ret_chosen);

#endif
