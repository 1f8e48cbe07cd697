/*
 * What keeps a change of the reference data from harming cards: before its COMMIT the change builds the snapshot that
 * atmd will build, and is refused where atmd would have to refuse it, or where an issuer that cards lead to would
 * lack a price that it did not lack before. What was lacking before hinders no other change.
 *
 * Between begin and end the caller changes what it likes in its transaction. One such transaction at a time: the
 * tables that make a price are locked against other changes, not against reading.
 */
#ifndef ATMCTL_REFERENCE_GUARD_H
#define ATMCTL_REFERENCE_GUARD_H

#include "tools/atmctl/database.h"

struct reference_guard {
        char *lacking; /* a line for each thing that was lacking before; freed by end */
};

/* First in the transaction. False after a complaint. */
ATM_MUST_USE bool reference_guard_begin(struct reference_guard *ret_guard, struct database *database);
/* Before its COMMIT. False after a complaint that says what would be lacking. `go_on` false: the change has failed
 * already, there is nothing to look at. */
ATM_MUST_USE bool reference_guard_end(struct reference_guard *guard, struct database *database, bool go_on);

#endif
