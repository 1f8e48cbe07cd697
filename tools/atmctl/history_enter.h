/* What a scenario says that finance entered: contracts of its ATMs, costs, targets, published figures and so on. */
#ifndef ATMCTL_HISTORY_ENTER_H
#define ATMCTL_HISTORY_ENTER_H

#include "backoffice/generation/business.h"
#include "tools/atmctl/database.h"

/* One transaction; what is there already stays as it is. False after a complaint that names file and line. */
ATM_MUST_USE bool history_enter(struct database *database, const struct business_plan *plan, const char (*terminal)[9]);

#endif
