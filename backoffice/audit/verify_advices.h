/* What advices and its bank did to a withdrawal, and what the bank must be told of it. */
#ifndef BACKOFFICE_AUDIT_VERIFY_ADVICES_H
#define BACKOFFICE_AUDIT_VERIFY_ADVICES_H

#include "backoffice/audit/verifying.h"

enum { SEQ_LATE_APPROVAL = 32767 }; /* of a notice: the bank approved when something else stood */

/* Its advices, outcome and notices, and what is to be sent of these. */
void verify_advices(struct verify_history *h, const struct withdrawal_key *key,
                    const struct kept_withdrawal *w);

#endif
