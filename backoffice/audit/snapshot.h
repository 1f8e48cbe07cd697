/*
 * The one snapshot of the database that a question of the audit is answered from: everything that was committed when it was
 * taken, and nothing else, however long the answer takes and whatever ATMs do meanwhile. A connection that is in a transaction
 * already stays in it: its snapshot is the caller's to take (repeatable read), and so is its end.
 */
#ifndef BACKOFFICE_AUDIT_SNAPSHOT_H
#define BACKOFFICE_AUDIT_SNAPSHOT_H

#include "lib/db/pg_query.h"

struct snapshot {
        PGconn *connection;
        bool is_callers;
};

/* False with an error. */
ATM_MUST_USE bool snapshot_begin(PGconn *connection, struct snapshot *ret_snapshot, char error[PG_ERROR_MAX]);
/* After a failure the connection is left in its transaction. */
ATM_MUST_USE bool snapshot_end(struct snapshot *snapshot, char error[PG_ERROR_MAX]);

#endif
