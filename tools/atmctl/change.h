/*
 * A command's change of the database, or, with --dry-run, what it would come to: the same statements in a transaction that is
 * rolled back, so that whatever refuses the real one refuses this one. What is shown is what the trail would get.
 *
 * Whichever command changes something is marked so in the command table (COMMAND_CHANGES), which gives it the option, or says
 * why it has none; others' sessions may only read (database.c).
 */
#ifndef ATMCTL_CHANGE_H
#define ATMCTL_CHANGE_H

#include "tools/atmctl/database.h"

/* For who has a transaction of his own. False after a complaint; of change_commit, which has rolled back then. */
ATM_MUST_USE bool change_begin(struct database *database);
ATM_MUST_USE bool change_commit(struct database *database, const struct invocation *invocation);
/* For who is one statement, and so its own transaction, but with --dry-run. */
ATM_MUST_USE bool change_begin_dry(struct database *database, const struct invocation *invocation);
ATM_MUST_USE bool change_end_dry(struct database *database, const struct invocation *invocation);

/* database_run for such work. */
int change_run(const struct invocation *invocation, database_work *work, void *context);

/* What was done, to standard output; with --dry-run it says that it was not. */
void change_say(const struct invocation *invocation, const char *format, ...) ATM_PRINTF(2, 3);
bool change_is_dry(const struct invocation *invocation);

#endif
