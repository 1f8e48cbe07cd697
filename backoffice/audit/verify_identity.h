/*
 * Advices' own numbers: each says one original for good (advice_identity, by the moment of the advice). Where both moments are of
 * the quarter that is being read they meet at once; of the others the rest of both sides is kept until the end.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_IDENTITY_H
#define BACKOFFICE_AUDIT_VERIFY_IDENTITY_H

#include "backoffice/audit/verifying.h"

bool verify_identity_open(struct verify_history *h);
void verify_identity_close(struct verify_history *h);
/* A row of advice_identity, after the advices and the exceptions. */
void verify_identity_row(struct verify_history *h, struct copy_out *copy);
/* Of the advices of a withdrawal. */
void verify_identity(struct verify_history *h, const struct withdrawal_key *key,
                     const struct kept_withdrawal *w);
/* Of all quarters. */
void verify_identity_end(struct verify_history *h);

#endif
