/* What banks have not acknowledged yet: notices looked up, held back, and let go again. */
#ifndef BACKOFFICE_CASES_NOTICES_H
#define BACKOFFICE_CASES_NOTICES_H

#include <stdint.h>

#include "lib/db/pg_query.h"

/* Texts in their canonical form; NULL: any. */
struct notice_question {
        const char *link, *terminal, *stan, *seq, *rrn, *from, *to;
        const char *parked; /* "true", "false" */
};

/* At most `limit` rows, the oldest first: link, terminal, transmitted_at, stan, seq, rrn, kind, amount_yen, charge_yen,
 * dispensed_yen, why, age_s, attempts, state, next_s, last_error. NULL with an error. */
ATM_MUST_USE PGresult *notices_list(PGconn *connection, const struct notice_question *question, int64_t limit,
                                    char error[PG_ERROR_MAX]);

/* The same with more columns: withdrawal_state, outcome_cause, bank_de39, and the instance that sends for its link. NULL with
 * an error. */
ATM_MUST_USE PGresult *notices_show(PGconn *connection, const struct notice_question *question, int64_t limit,
                                    char error[PG_ERROR_MAX]);

enum notice_change { NOTICE_RETRY, NOTICE_PARK };

/* What an operator does to all that are like that; how many that were. Who, and why, is what the connection's settings say
 * (trail_who and trail_note in sql/080_ledger.sql); parking demands a note. -1 with an error. */
ATM_MUST_USE int notices_change(PGconn *connection, const struct notice_question *question,
                                enum notice_change change, char error[PG_ERROR_MAX]);

#endif
