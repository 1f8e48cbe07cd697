#include "backoffice/audit/snapshot.h"

bool snapshot_begin(PGconn *connection, struct snapshot *ret_snapshot, char error[PG_ERROR_MAX])
{
        bool is_callers = PQtransactionStatus(connection) == PQTRANS_INTRANS;

        *ret_snapshot = (struct snapshot){.connection = connection, .is_callers = is_callers};
        if (is_callers)
                return true;
        /* the first statement after BEGIN takes it; nobody waits for it, however long it is looked into */
        return pg_execute(connection,
                          "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                          "SET LOCAL idle_in_transaction_session_timeout = 0",
                          0, NULL, error) &&
               pg_execute(connection, "SELECT FROM reference_version", 0, NULL, error);
}

bool snapshot_end(struct snapshot *snapshot, char error[PG_ERROR_MAX])
{
        return snapshot->is_callers || pg_execute(snapshot->connection, "COMMIT", 0, NULL, error);
}
