/* The sets of keys of terminals, links and issuers (sql/078_keys.sql), listed: check values, states and days, and no block. */
#ifndef BACKOFFICE_CASES_KEYS_H
#define BACKOFFICE_CASES_KEYS_H

#include <stdint.h>

#include "lib/db/pg_query.h"

/* Texts in their canonical form; NULL: any. */
struct key_list_question {
        const char *terminal, *hall, *area, *link, *issuer, *kind, *state;
};

/* At most `limit` rows, a row a key, of an owner the newest set first: owner_kind, owner, kind, number, state, purpose, check_value, loaded_at, current_at,
 * retired_at, exported_at, days (in its state, by business time), custodians, bags. NULL with an error. */
ATM_MUST_USE PGresult *keys_list(PGconn *connection, const struct key_list_question *question, int64_t limit,
                                 char error[PG_ERROR_MAX]);

/*
 * How far those who have working sets are with the newest one: owner_kind, area ('all': of all areas, or of all links), owners, those who have used it, those
 * who have not, since when the first of these has had one to use, and for how many days. Kind and state are passed over. NULL with an error.
 */
ATM_MUST_USE PGresult *keys_progress(PGconn *connection, const struct key_list_question *question,
                                     int64_t limit, char error[PG_ERROR_MAX]);

#endif
