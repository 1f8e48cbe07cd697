/*
 * Closing the books through the end of a quarter. What is closed prints the same for ever: later corrections are posted on
 * the first open day.
 *
 *      OPEN --closing_close: nothing up to its end is without an end, no cost is missing, or anyway--> CLOSED
 */
#ifndef BACKOFFICE_BOOKS_CLOSING_H
#define BACKOFFICE_BOOKS_CLOSING_H

#include <stdint.h>

#include "lib/db/pg_query.h"

/* Who closes, and why, the connection's settings say: trail_who and trail_note in sql/080_ledger.sql. */
struct closing_question {
        const char *quarter; /* "3Q16", which is over */
        bool anyway;         /* although withdrawals have no end yet, or costs are missing */
        bool dry;            /* only whether it would be closed */
};

enum closing {
        CLOSING_DONE,
        CLOSING_BEFORE,      /* it was closed already */
        CLOSING_WITHOUT_END, /* withdrawals have none: nothing was closed */
        CLOSING_MISSING,     /* costs: nothing was closed */
        CLOSING_FAILED,      /* with an error */
};

/* without_end: how many withdrawals up to its end have no end. */
enum closing closing_close(PGconn *connection, const struct closing_question *question,
                           int64_t *ret_without_end, char error[PG_ERROR_MAX]);

/* What it would close, the first quarter first: quarter, from, to, withdrawals, cash_yen, commission_yen, base_fee_yen, and the costs that
 * nobody has entered, separated by blanks (NULL: none is missing). NULL with an error. */
ATM_MUST_USE PGresult *closing_quarters(PGconn *connection, const char *quarter, char error[PG_ERROR_MAX]);

/* Those without an end, the oldest first, at most so many: transmitted_at, terminal, stan, issuer, amount_yen, state. NULL
 * with an error. */
ATM_MUST_USE PGresult *closing_without_end(PGconn *connection, const char *quarter, int64_t limit,
                                           char error[PG_ERROR_MAX]);

/* The closings, the first first, with the sums of that moment: quarter, from, to, closed_at, who, without_end, withdrawals,
 * cash_yen, commission_yen, base_fee_yen, the costs that nobody had entered (NULL: none was missing; none can be entered since), and why.
 * NULL with an error. */
ATM_MUST_USE PGresult *closing_list(PGconn *connection, char error[PG_ERROR_MAX]);

#endif
