/*
 * What a connection with PostgreSQL must be like for this system, whatever was set for its role, its database, by PGOPTIONS or in the
 * server's configuration: what can be set is set when it connects, what can't is looked at.
 */
#ifndef LIB_DB_PG_SESSION_H
#define LIB_DB_PG_SESSION_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "lib/base/attributes.h"
#include "lib/db/pg_query.h"

/* Statements without parameters, to be sent as one string right after connecting; of the rows of pg_settings.def. */
extern const char pg_session_sql
    []; /* of a person's command: how long his role waits for locks, and how long others for him, stays; without them it waits
                                     * ten seconds for a lock, and a minute without a word ends its transaction */
extern const char pg_daemon_session_sql[]; /* of a daemon: no time-outs but its own */

/* Asks what pg_server_judge judges. */
extern const char pg_server_sql[];
/* Whether the server keeps what it has committed (fsync, full_page_writes) and knows the names that it is given (version, encoding):
 * else an error that names the setting and what is expected of it. */
ATM_MUST_USE bool pg_server_judge(const PGresult *result, char error[PG_ERROR_MAX]);
/* Ask and judge. */
ATM_MUST_USE bool pg_server_check(PGconn *connection, char error[PG_ERROR_MAX]);

#endif
