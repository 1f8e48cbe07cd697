#include "backoffice/cases/instances.h"

#include "config/instance_label.h"

PGresult *instances_list(PGconn *connection, char error[PG_ERROR_MAX])
{
        return pg_query(connection,
                        "SELECT m[1], m[2], m[3], m[4], count(*) OVER (PARTITION BY m[2], m[3], m[4]) = "
                        "count(*) OVER () FROM " INSTANCE_LABELS
                        " WHERE m IS NOT NULL AND a.datname = current_database() ORDER BY 1, 2, 3, 4",
                        0, NULL, error);
}
