/* What the desks look things up by: times and retrieval reference numbers, as conditions of a selection. */
#ifndef BACKOFFICE_CASES_SELECT_H
#define BACKOFFICE_CASES_SELECT_H

#include "lib/db/pg_query.h"
#include "lib/db/selection.h"

/* [from, to) as texts; NULL: no bound. A day stands for its first moment, or, as an end, for all of it. */
void select_time(struct selection *selection, const char *column, const char *from, const char *to);

/* A retrieval reference number, over the columns PREFIXstan and PREFIXtransmitted_at. False with an error. */
ATM_MUST_USE bool select_rrn(struct selection *selection, PGconn *connection, const char *prefix,
                             const char *rrn, char error[PG_ERROR_MAX]);

#endif
