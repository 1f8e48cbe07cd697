/*
 * Random histories of a fleet, given to both back ends of the ledger, op by op the same.
 *
 * A round is a group of ops that have neither identity, card nor original in common, so that its outcome
 * does not depend on their order; PostgreSQL gets it over two instances at once, the memory one by one.
 * After each round the answers must be the same, after the history the rows.
 */
#ifndef TESTS_CONTRACT_HISTORY_H
#define TESTS_CONTRACT_HISTORY_H

#include "tests/contract/random.h"
#include "tests/contract/world.h"

/* How often each cell of the state table and each reason was met: a history that never gets somewhere
 * protects nothing there. */
struct coverage {
        int cell[WITHDRAWAL_STATE_COUNT][DISPENSED_RELATION_COUNT];
        int reason[REASON_COUNT];
        int stored_reason[REASON_COUNT];
        int inquiry_reason[REASON_COUNT];
        int repeated_advice, contradicting_advice, out_of_range;
        int asked, pending, passed_on; /* requests, repeats and inquiries of banks over links */
        int outcome[OUTCOME_CAUSE_COUNT], late_outcome[OUTCOME_CAUSE_COUNT], late_approval;
        int taken, taken_again, refused_lease, acknowledged, acknowledged_twice, swept, parked;
        int notice[3]; /* by memory_notice_kind */
};

struct history;

struct history *history_new(struct world *world, uint64_t seed, const char *start);
void history_round(struct history *history);
void history_cover(const struct history *history, struct coverage *coverage);
void history_free(struct history *history);

/* What a 0200 of this card at this moment asks of the ledger. */
void history_fill_request(const struct reference *reference, struct ledger_op *op, int card,
                          int64_t amount_yen, int32_t processing_code);
void history_fill_advice(struct ledger_op *op, const struct ledger_identity *original, bool reversal,
                         int64_t amount_yen, int64_t dispensed_yen);

/* NULL where both say the same, else what differs; static text. */
const char *history_difference(const struct ledger_op *a, const struct ledger_op *b);

#endif
