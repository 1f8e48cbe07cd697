/* What people should see of a withdrawal, and what they did to it: exceptions, their resolutions, operators' actions. */
#ifndef BACKOFFICE_AUDIT_VERIFY_PEOPLE_H
#define BACKOFFICE_AUDIT_VERIFY_PEOPLE_H

#include "backoffice/audit/verifying.h"

/* A row of exception_resolution, after the exceptions. */
void verify_people_resolution(struct verify_history *h, struct copy_out *copy);
/* Whether the withdrawal's exceptions are those that its advices and its bank's words call for, and whether what people did and
 * what operators' actions say is the same. */
void verify_people(struct verify_history *h, const struct withdrawal_key *key,
                   const struct kept_withdrawal *w);

#endif
