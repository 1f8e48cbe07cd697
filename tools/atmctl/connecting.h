/*
 * Coming to the database: the connection, the password that is asked for, and, where there is none, why not and what helps.
 *
 *      connect --wanted, or wrong; a person at a terminal--> ask --> connect ... --> connection, or a complaint
 */
#ifndef ATMCTL_CONNECTING_H
#define ATMCTL_CONNECTING_H

#include <libpq-fe.h>

#include "lib/base/attributes.h"

/* By libpq's way, or, where the conninfo names several, to the server that serves (chosen; NULL: libpq is to choose). NULL after a
 * complaint. */
ATM_MUST_USE PGconn *connecting_connect(const char *conninfo, const PGconn *chosen);

#endif
