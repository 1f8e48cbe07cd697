/* The commission rows of a withdrawal: each by itself as it comes, their sum in the end. */
#ifndef BACKOFFICE_AUDIT_VERIFY_COMMISSION_H
#define BACKOFFICE_AUDIT_VERIFY_COMMISSION_H

#include "backoffice/audit/verifying.h"

/* A row of commission, after those of its withdrawal and of its advices: checked, added to its withdrawal's, and posted. */
void verify_commission_row(struct verify_history *h, struct copy_out *copy);
/* That they add up to what the withdrawal earned. */
void verify_commission(struct verify_history *h, const struct withdrawal_key *key,
                       const struct kept_withdrawal *w, const struct kept_ending *end);

#endif
