/*
 * What people should look at, and what they found: advices that contradict what is known (exception_record), withdrawals that are
 * still without an end when they should have one, and claims (claims.h).
 */
#ifndef BACKOFFICE_CASES_EXCEPTIONS_H
#define BACKOFFICE_CASES_EXCEPTIONS_H

#include <stdint.h>

#include "lib/db/pg_query.h"

/* Texts in their canonical form; NULL: any. */
struct exception_question {
        const char *terminal, *hall, *issuer, *from, *to;
        const char *resolved;    /* "true", "false" */
        const char *now;         /* that their ages go by */
        const char *open_before; /* a withdrawal without an end counts where it was sent before this moment */
};

/* What a row of the list says, as text. */
enum exception_column {
        EXCEPTION_ADVICE_AT,
        EXCEPTION_TERMINAL,
        EXCEPTION_ADVICE_STAN,
        EXCEPTION_KIND,
        EXCEPTION_TRANSMITTED_AT,
        EXCEPTION_STAN,
        EXCEPTION_WHAT,
        EXCEPTION_AMOUNT_YEN,
        EXCEPTION_DISPENSED_YEN,
        EXCEPTION_CLAIMED_YEN, /* of a claim, which has no other sum */
        EXCEPTION_IS_RESOLVED,
        EXCEPTION_HALL, /* of the withdrawal; NULL: the database has none */
        EXCEPTION_ISSUER,
        EXCEPTION_AGE_MINUTES, /* of what is open */
        EXCEPTION_RESOLVED_AT, /* by the server's clock */
        EXCEPTION_RESOLVED_BY,
        EXCEPTION_NOTE,
        /* of all that are like that, be they cut off or not */
        EXCEPTION_COUNT,
        EXCEPTION_AMOUNTS_YEN, /* each withdrawal once */
        EXCEPTION_DISPENSED_SUM_YEN,
        EXCEPTION_CLAIMED_SUM_YEN,
        EXCEPTION_COLUMN_COUNT
};

/* At most `limit` rows, the oldest first. NULL with an error. */
ATM_MUST_USE PGresult *exceptions_list(PGconn *connection, const struct exception_question *question,
                                       int64_t limit, char error[PG_ERROR_MAX]);

/* Withdrawals that a restore has lost and that could not be brought back, with exceptions that are not dealt with: transmitted_at,
 * terminal, stan, as a row of a withdrawal has them. At most two. NULL with an error. */
ATM_MUST_USE PGresult *exceptions_lost(PGconn *connection, const struct exception_question *question,
                                       const char *stan, char error[PG_ERROR_MAX]);

/* A finding: how much cash a withdrawal dispensed. Who found it, and how, the connection's settings say: trail_who and
 * trail_note in sql/080_ledger.sql. */
struct exception_finding {
        const char *terminal, *transmitted_at, *stan; /* the withdrawal, as a row of it has them */
        const char *dispensed_yen;
        /* the money was put right outside: deal with its exceptions, move nothing; reconcile shows it as settled */
        bool elsewhere;
        bool force;            /* although its ATM may still be at it: it is known to stand still */
        const char *advice_at; /* business time, to the millisecond */
};

enum exception_end {
        EXCEPTION_RESOLVED,
        EXCEPTION_NO_END,     /* with `elsewhere`: there is nothing yet that could be settled */
        EXCEPTION_NO_CHANGE,  /* it is recorded already, and no exception of it is open */
        EXCEPTION_YOUNG,      /* its ATM may still pay out, or correct what it said */
        EXCEPTION_IMPOSSIBLE, /* the finding can't be recorded any more */
        EXCEPTION_FAILED,
};

struct exception_outcome {
        char state_before[16], state[16];
        int64_t counted_before_yen, counted_yen;
        int exceptions; /* that were dealt with */
        int64_t left_s; /* YOUNG: how long its ATM may still do so, in real time */
};

/* FAILED with an error; of a refusal only what was before is told. */
ATM_MUST_USE enum exception_end exception_resolve(PGconn *connection, const struct exception_finding *finding,
                                                  struct exception_outcome *ret_outcome,
                                                  char error[PG_ERROR_MAX]);

#endif
