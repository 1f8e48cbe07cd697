/* The instances of atmd that run on this database, and the limits that they run with. */
#ifndef BACKOFFICE_CASES_INSTANCES_H
#define BACKOFFICE_CASES_INSTANCES_H

#include "lib/db/pg_query.h"

/* By name: instance, atm_wait_s, atm_dispense_s, correction_s, agrees: whether all of them have the same. NULL with an error. */
ATM_MUST_USE PGresult *instances_list(PGconn *connection, char error[PG_ERROR_MAX]);

#endif
