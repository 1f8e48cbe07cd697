/* What a restore has lost (lost.h), each with its plan (plan.h). */
#ifndef BACKOFFICE_RECOVERY_FIND_H
#define BACKOFFICE_RECOVERY_FIND_H

#include "backoffice/recovery/lost.h"

/* False with an error. losses_free in any case. The connection is in a transaction meanwhile, and after a failure. */
ATM_MUST_USE bool losses_find(PGconn *connection, const struct lost_question *question,
                              struct losses *ret_losses, char error[PG_ERROR_MAX]);

#endif
