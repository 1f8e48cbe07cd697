/*
 * One batch on its way to PostgreSQL: which ops may go together, their arrays, and the answers from the
 * rows that come back. A batch has one kind. It holds an identity, a card (requests) and an original
 * (advices) at most once, as the functions of sql/ demand; what does not fit waits for the next.
 */
#ifndef DAEMON_LEDGER_LEDGER_BATCH_H
#define DAEMON_LEDGER_LEDGER_BATCH_H

#include <libpq-fe.h>

#include "daemon/ledger/ledger.h"
#include "lib/db/pg_conn.h"
#include "lib/db/pg_array.h"

enum { BATCH_MAX = 1024 };

TAILQ_HEAD(ledger_queue, ledger_op);

struct ledger_batch {
        enum ledger_kind kind;
        int count;
        struct ledger_op *op[BATCH_MAX];
        bool looks; /* it was sent looking for its identities first */
        /* private: */
        struct pg_array array[PG_PARAMETERS_MAX];
        struct ledger_one {
                char bytes[8];
                int length;
        } one[PG_PARAMETERS_MAX];         /* what is said of the whole batch */
        uint64_t key_slot[8 * BATCH_MAX]; /* open addressing: the keys that are in, of this generation */
        uint32_t key_generation[8 * BATCH_MAX];
        uint32_t generation;
};

/* What a connection for batches does first and prepares: its settings (sql/080_ledger.sql: ledger_session), a statement a kind. */
enum { LEDGER_STATEMENT_COUNT = LEDGER_KIND_COUNT + 1 };
void ledger_batch_statements(struct pg_statement statements[LEDGER_STATEMENT_COUNT]);

/* The function of sql/ that each kind is given to, also its statement's name, and its parameters in their order. */
extern const char *const ledger_function[LEDGER_KIND_COUNT];
struct ledger_parameter {
        const char *name;
        int type;  /* enum pg_type */
        bool each; /* an array with an element an op */
};
extern const struct ledger_parameters {
        const struct ledger_parameter *rows;
        int count;
} ledger_parameters[LEDGER_KIND_COUNT];

void ledger_batch_free(struct ledger_batch *batch); /* its arrays */

/* Move up to `max` ops that may go together from the queue into the empty batch. An op to be sent alone goes
 * alone. */
void ledger_batch_take(struct ledger_batch *batch, enum ledger_kind kind, struct ledger_queue *queue,
                       int max);

/* Encode and send on an idle connection. False: out of memory, nothing was sent. */
ATM_MUST_USE bool ledger_batch_send(struct ledger_batch *batch, int64_t reference_version,
                                    const struct ledger_times *times, struct pg_conn *conn);

/* Fill each op's answer from the rows. BATCH_STALE: nothing was done, the reference data has changed. */
enum ledger_batch_end { BATCH_ANSWERED, BATCH_STALE, BATCH_MALFORMED };
enum ledger_batch_end ledger_batch_answers(struct ledger_batch *batch, const PGresult *result);

#endif
