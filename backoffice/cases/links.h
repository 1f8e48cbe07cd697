/*
 * The ways to the banks, as the database knows them: what each instance of atmd sees of them, what waits to be sent, whose task that is, what
 * the banks decided lately, and what was refused for want of them.
 */
#ifndef BACKOFFICE_CASES_LINKS_H
#define BACKOFFICE_CASES_LINKS_H

#include "lib/db/pg_query.h"

/* Texts in their canonical form. */
struct link_question {
        const char *link;  /* NULL: all */
        const char *since; /* business time: the outcomes of withdrawals sent since then are counted */
};

/* What instances see is known for as long as they say it, once a minute: rows of one that doesn't grow old and say nothing of now.
 *
 * By name: link; state, the worst that an instance sees (down, signed_off, up), unknown where none has said anything lately; state_s, for how
 * long; up_at and seen_by, how many instances see it up, and how many see it at all; old, how many have not said anything lately; seen_s,
 * how long ago that was said which state and why tell; heard_s, how long ago any instance heard the bank; issuers, waiting, parked, oldest_s, attempts,
 * holder, asked, open, approved, declined, timeouts, reversed; refused, for want of the bank; why. NULL with an error. */
ATM_MUST_USE PGresult *links_list(PGconn *connection, const struct link_question *question,
                                  char error[PG_ERROR_MAX]);
/* What each instance sees of one link, the worst first, what is old last: instance, state, fresh, state_s, heard_s, seen_s, why. NULL with an error. */
ATM_MUST_USE PGresult *link_sightings(PGconn *connection, const struct link_question *question,
                                      char error[PG_ERROR_MAX]);
/* Of one link, the most first, what was refused for want of the bank included (not asked): cause, reason, de39, bank_de39, withdrawals. NULL with an error. */
ATM_MUST_USE PGresult *link_outcomes(PGconn *connection, const struct link_question *question,
                                     char error[PG_ERROR_MAX]);
/* Of one link, the most first: kind, last_error, notices, oldest_s, attempts. NULL with an error. */
ATM_MUST_USE PGresult *link_notices(PGconn *connection, const struct link_question *question,
                                    char error[PG_ERROR_MAX]);

#endif
