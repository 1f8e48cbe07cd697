/* What setup has of db init. */
#ifndef ATMCTL_NOUNS_DATABASE_H
#define ATMCTL_NOUNS_DATABASE_H

#include "tools/atmctl/database.h"

/* Sets up a database that is open and empty; whoever does so at the same time is waited for. The exit code, after a complaint. */
ATM_MUST_USE int database_init(struct database *database, const struct invocation *invocation);

#endif
