/*
 * What somebody claims of a withdrawal of which our own books are right: noted, listed, closed, with a note each. It moves no money;
 * who noted and who closed it, and why, the trail says.
 */
#ifndef BACKOFFICE_CASES_CLAIMS_H
#define BACKOFFICE_CASES_CLAIMS_H

#include <stdint.h>

#include "lib/db/pg_query.h"
#include "lib/db/selection.h"

/* Texts in their canonical form; NULL: any. */
struct claim_question {
        const char *claim, *terminal, *hall, *issuer, *from, *to;
        const char *open; /* "true", "false" */
};

/* Of a claim c, in SQL: when it was noted, by whom and why, and how it was closed; by the rows of the trail, n and e. */
#define CLAIM_COLUMNS                                                                                        \
        MOMENT("c.noted_at")                                                                                 \
        ", concat_ws('/', n.who, n.person), n.note, " MOMENT(                                                \
            "e.at") ", CASE WHEN e.at IS NOT NULL THEN "                                                     \
                    "concat_ws('/', e.who, e.person) END, e.note"
#define CLAIM_JOINS                                                                                          \
        "LEFT JOIN trail n ON n.noun = 'claim' AND n.key = c.claim::text AND n.before IS NULL "              \
        "LEFT JOIN trail e ON e.noun = 'claim' AND e.key = c.claim::text AND e.after ->> 'is_open' = "       \
        "'false' "

/* At most `limit` rows, the oldest first: claim, open, terminal, transmitted_at, stan, hall, issuer, amount_yen, claimed_yen, noted_at,
 * noted_by, note, closed_at, closed_by, closing_note. NULL with an error. */
ATM_MUST_USE PGresult *claims_list(PGconn *connection, const struct claim_question *question, int64_t limit,
                                   char error[PG_ERROR_MAX]);

/* Of a withdrawal, as a row of it has its terminal, moment and STAN: the claim's number; 0 with an error. */
ATM_MUST_USE int64_t claim_add(PGconn *connection, const char *terminal, const char *transmitted_at,
                               const char *stan, const char *claimed_yen, char error[PG_ERROR_MAX]);
/* False with an error: it is not open. */
ATM_MUST_USE bool claim_close(PGconn *connection, const char *claim, char error[PG_ERROR_MAX]);

#endif
