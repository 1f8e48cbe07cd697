/*
 * A generated history on its way into the database: one ATM is one piece, and one transaction that ends with its
 * row of history_chunk. Several processes share the pieces, each with a connection of its own.
 */
#ifndef ATMCTL_HISTORY_WRITE_H
#define ATMCTL_HISTORY_WRITE_H

#include "backoffice/generation/business.h"
#include "tools/atmctl/database.h"

/* Held shared by who writes, alone by who looks at what is there: also the server's processes of a run that was
 * killed come to their end first. */
#define HISTORY_LOCK "hashtext('atm history generate')"

struct history_job {
        const struct business_plan *plan;
        const char *scenario;      /* its name: history_run's key */
        const char (*terminal)[9]; /* of each ATM, in order */
        const bool *is_done;       /* of each ATM: it is there already */
        const struct invocation *invocation; /* says where the database is */
};

struct history_total {
        int64_t pieces, withdrawals, rows;
};

/* Write what is missing with so many processes. False after a complaint; what was committed stays. */
ATM_MUST_USE bool history_write(const struct history_job *job, int processes, struct history_total *ret_total);

#endif
