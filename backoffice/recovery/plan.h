/*
 * What would bring back what is lost, from all that ATMs and banks wrote of it: the row of the withdrawal, priced by rules/ from the
 * reference data of its moment, its bank's outcome, the ATM's advices in their order, and what its bank was told. A plan is a JSON
 * object that sql/066_recover.sql carries out; two persons who have the same journals and reference data have the same one.
 *
 * Before that it is played: what the database would then have is compared with the journals as reconcile does. Where they would still
 * differ, the journals disagree, and the loss is for people.
 */
#ifndef BACKOFFICE_RECOVERY_PLAN_H
#define BACKOFFICE_RECOVERY_PLAN_H

#include "backoffice/journals/records.h"
#include "backoffice/recovery/lost.h"

/* The place of a loss is that of its records. False with an error. */
ATM_MUST_USE bool plans_make(PGconn *connection, const struct records *records, struct losses *losses,
                             char error[PG_ERROR_MAX]);

#endif
