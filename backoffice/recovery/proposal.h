/*
 * Two persons' word about what is lost (lost.h), and how it then comes back: sql/065_recovery.sql, sql/066_recover.sql. Who speaks, and
 * why, the connection's settings say (trail_who and trail_note in sql/080_ledger.sql); the two must be two logins.
 */
#ifndef BACKOFFICE_RECOVERY_PROPOSAL_H
#define BACKOFFICE_RECOVERY_PROPOSAL_H

#include "backoffice/recovery/lost.h"

enum { PROPOSAL_STEP = 200 }; /* withdrawals a transaction */

struct proposal_step {
        int64_t brought, for_people; /* by this one */
        int64_t left;
};

/* The first one's. Each returns false with an error. */
ATM_MUST_USE bool proposal_propose(PGconn *connection, const struct losses *losses, int64_t *ret_recovery,
                                   char error[PG_ERROR_MAX]);
/* The second one's, who has found the same; more: what he has found beyond. Once more is fine. */
ATM_MUST_USE bool proposal_confirm(PGconn *connection, int64_t recovery, const struct losses *losses,
                                   int64_t *ret_more, char error[PG_ERROR_MAX]);
/* The next batch, a transaction. left 0: that was all. */
ATM_MUST_USE bool proposal_step(PGconn *connection, int64_t recovery, int64_t version,
                                struct proposal_step *ret_step, char error[PG_ERROR_MAX]);
/* What is not brought back yet will not be. */
ATM_MUST_USE bool proposal_drop(PGconn *connection, int64_t recovery, char error[PG_ERROR_MAX]);

/* The newest first: recovery, proposed_at, proposed_by, confirmed_at, confirmed_by, state, withdrawals, brought_back, for_people,
 * left, cash_yen. NULL with an error. */
ATM_MUST_USE PGresult *proposals_list(PGconn *connection, int64_t limit, char error[PG_ERROR_MAX]);
/* Of one: transmitted_at, terminal, stan, lost, amount_yen, cash_yen, state, problem, ended_at. NULL with an error. */
ATM_MUST_USE PGresult *proposal_items(PGconn *connection, int64_t recovery, int64_t limit,
                                      char error[PG_ERROR_MAX]);

#endif
