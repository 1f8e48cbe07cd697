/* PINs (sql/074_pins.sql): a withdrawal that was refused for one has its event, and each event has one that fits. Of inquiries, and of the counts
 * that cards have, verify_entries.c asks. */
#ifndef BACKOFFICE_AUDIT_VERIFY_PINS_H
#define BACKOFFICE_AUDIT_VERIFY_PINS_H

#include "backoffice/audit/verifying.h"

/* A row of pin_event of a withdrawal. */
void verify_pin_event(struct verify_history *h, struct copy_out *copy);
/* Once all rows are read. */
void verify_pins(struct verify_history *h, const struct withdrawal_key *key, const struct kept_withdrawal *w);

#endif
