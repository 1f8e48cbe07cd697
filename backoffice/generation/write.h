/*
 * What was generated on its way into the database: one ATM is one piece, and one transaction that ends with its
 * row of history_chunk. Several processes share the pieces, each with a connection of its own.
 */
#ifndef BACKOFFICE_GENERATION_WRITE_H
#define BACKOFFICE_GENERATION_WRITE_H

#include <libpq-fe.h>

#include "backoffice/generation/business.h"
#include "lib/db/pg_query.h"

/* Held shared by who writes, alone by who looks at what is there: also the server's processes of a run that was
 * killed come to their end first. */
#define GENERATION_LOCK "hashtext('atm history generate')"

struct generation_total {
        int64_t pieces, withdrawals, rows;
};

struct generation_job {
        const struct business_plan *plan;
        const char *scenario;      /* its name: history_run's key */
        const char (*terminal)[9]; /* of each ATM, in order */
        const bool *is_done;       /* of each ATM: it is there already */
        /* A connection as the tables' owner, for a process of its own. NULL after it was said why. */
        PGconn *(*connect)(void *context);
        void (*on_piece)(const struct generation_total *total, void *context); /* NULL: nobody wants it */
        void *context;
};

/* Write what is missing with so many processes. False with an error, "" where whoever connects has said it; what was
 * committed stays. */
ATM_MUST_USE bool generation_write(const struct generation_job *job, int processes,
                                   struct generation_total *ret_total, char error[PG_ERROR_MAX]);

#endif
