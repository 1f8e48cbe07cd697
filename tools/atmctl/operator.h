/* Who runs this program, as the trace of operators' acts names them. */
#ifndef ATMCTL_OPERATOR_H
#define ATMCTL_OPERATOR_H

#include "tools/atmctl/database.h"

/* The name of the machine's user; static room. */
const char *operator_name(void);
/* Real milliseconds as a parameter of a query; static room. */
const char *operator_now(void);
/* From now on this connection's changes bear the operator's name and the time: finance_change. False after a
 * complaint. */
ATM_MUST_USE bool operator_sign(struct database *database);

#endif
