/*
 * verify: every sum that is kept, recomputed from the history, and every row of it held against the others.
 * One snapshot, and one connection: the server reads while this program compares, which takes both cores of a
 * small machine. The history is read once, quarter by quarter and table by table, as it lies
 * (verify_history.h); a quarter whose withdrawals would take over a quarter of the machine's memory is read
 * in parts, by ATM. The sums that cross withdrawals are made beside it (verify_books.h).
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_H
#define BACKOFFICE_AUDIT_VERIFY_H

#include "backoffice/audit/findings.h"
#include "lib/db/pg_query.h"

enum { VERIFY_PARTS_MAX = 1000 };

struct verify_progress {
        uint64_t rows;
        int64_t rows_about; /* in all; 0: nobody knows */
        char from[16];      /* the quarter's first day, as text; "" in the first */
};

struct verify_question {
        int parts; /* that a quarter is read in; 0: as memory wants */
        void (*on_progress)(const struct verify_progress *progress,
                            void *context); /* now and then; NULL: nobody wants it */
        void *context;
};

/* The findings are sorted. False with an error. findings_free in any case. The connection is in a transaction
 * meanwhile, and after a failure. */
ATM_MUST_USE bool verify(PGconn *connection, const struct verify_question *question,
                         struct findings *ret_findings, char error[PG_ERROR_MAX]);

#endif
