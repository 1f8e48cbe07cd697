/*
 * What people should look at, and what they found. Two kinds of things: advices that contradict what is known
 * (exception_record), and withdrawals that are still without an end when they should have one.
 */
#ifndef BACKOFFICE_CASES_EXCEPTIONS_H
#define BACKOFFICE_CASES_EXCEPTIONS_H

#include <stdint.h>

#include "lib/db/pg_query.h"

/* Texts in their canonical form; NULL: any. */
struct exception_question {
        const char *terminal, *from, *to;
        const char *resolved;    /* "true", "false" */
        const char *open_before; /* a withdrawal without an end counts where it was sent before this moment */
};

/* At most `limit` rows, the newest first: advice_at, terminal, advice_stan, kind, transmitted_at, stan, what, amount_yen,
 * dispensed_yen, resolved. NULL with an error. */
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
