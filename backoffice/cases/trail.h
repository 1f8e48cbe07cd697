/* Who changed what, when and why: the trail that the database keeps of people's changes (sql/032_trail.sql). */
#ifndef BACKOFFICE_CASES_TRAIL_H
#define BACKOFFICE_CASES_TRAIL_H

#include "lib/db/pg_query.h"

/* Texts in their canonical form; NULL: any. */
struct trail_question {
        const char *change; /* its number */
        const char *noun;
        const char *key;       /* of the row, or the first of its key's values */
        const char *person;    /* whom the program spoke for, or the database's user */
        const char *from, *to; /* by the server's clock */
};

/* At most `limit` rows, the latest first: change, at, who, person, command, noun, key, what, before, after, note. NULL with an
 * error. */
ATM_MUST_USE PGresult *trail_list(PGconn *connection, const struct trail_question *question, int64_t limit,
                                  char error[PG_ERROR_MAX]);

#endif
