/*
 * The ways to the banks, as the database knows them: what waits to be sent, whose task that is, what the banks decided
 * lately. Which connections are up only the running instances of atmd know.
 */
#ifndef BACKOFFICE_CASES_LINKS_H
#define BACKOFFICE_CASES_LINKS_H

#include "lib/db/pg_query.h"

/* Texts in their canonical form. */
struct link_question {
        const char *link;  /* NULL: all */
        const char *since; /* business time: the outcomes of withdrawals sent since then are counted */
};

/* By name: link, issuers, waiting, parked, oldest_s, attempts, holder, asked, open, approved, declined, timeouts, reversed.
 * NULL with an error. */
ATM_MUST_USE PGresult *links_list(PGconn *connection, const struct link_question *question,
                                  char error[PG_ERROR_MAX]);
/* Of one link, the most first: cause, reason, de39, bank_de39, withdrawals. NULL with an error. */
ATM_MUST_USE PGresult *link_outcomes(PGconn *connection, const struct link_question *question,
                                     char error[PG_ERROR_MAX]);
/* Of one link, the most first: kind, last_error, notices, oldest_s, attempts. NULL with an error. */
ATM_MUST_USE PGresult *link_notices(PGconn *connection, const struct link_question *question,
                                    char error[PG_ERROR_MAX]);

#endif
