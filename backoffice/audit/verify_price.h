/* What a withdrawal was priced by: its moment, its card's issuer, its hall, and that there are such. */
#ifndef BACKOFFICE_AUDIT_VERIFY_PRICE_H
#define BACKOFFICE_AUDIT_VERIFY_PRICE_H

#include "backoffice/audit/verifying.h"

/* Of one that is priced (kept_is_priced). */
void verify_price(struct verify_history *h, const struct withdrawal_key *key,
                  const struct kept_withdrawal *w);

#endif
