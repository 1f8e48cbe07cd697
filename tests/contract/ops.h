/* Ops for tests of several instances at the same time: short ways to make, submit and await them. */
#ifndef TESTS_CONTRACT_OPS_H
#define TESTS_CONTRACT_OPS_H

#include "tests/contract/play.h"

#define OPS_NOON "2016-12-29T12:00"

/* A world with partitions about OPS_NOON. */
void ops_open(struct world *world);

/* An identity of its own for each number. */
void ops_identify(struct ledger_op *op, const char *moment, int number);

/* The 0200 of that number at noon. */
void ops_ask(struct world *world, struct ledger_op *op, int number, int card, int64_t amount_yen);

/* What became of it with its bank. */
void ops_outcome(struct ledger_op *op, const struct ledger_op *request, enum outcome_cause cause,
                 enum reason reason);

/* That its ATM dispensed so much; `number` makes the advice's own identity. */
void ops_advise(struct ledger_op *op, const struct ledger_op *request, int number, int64_t amount_yen,
                int64_t dispensed_yen);

/* Its decision as a statement, for a transaction that a test holds open. Good until the next. */
const char *ops_request_sql(const struct ledger_op *request);

/* To an instance on PostgreSQL; *pending counts those without an answer. */
void ops_submit(struct world *world, int instance, struct ledger_op *op, int *pending);

/* To the memory, which does it at once. */
void ops_submit_kept(struct world *world, struct ledger_op *op, int *pending);

/* To both back ends, and wait: the answers must be the same. The op holds PostgreSQL's. */
void ops_do(struct world *world, struct ledger_op *op);

#endif
