/*
 * Random plays of a fleet, given to both back ends of the ledger, op by op the same.
 *
 * A round is a group of ops that have neither identity, card nor original in common, so that its outcome
 * does not depend on their order; PostgreSQL gets it over two instances at once, the memory one by one.
 * After each round the answers must be the same, after the play the rows.
 */
#ifndef TESTS_CONTRACT_PLAY_H
#define TESTS_CONTRACT_PLAY_H

#include "tests/contract/draws.h"
#include "tests/contract/world.h"

/* How often each cell of the state table and each reason was met: a play that never gets somewhere
 * protects nothing there. */
struct coverage {
        int cell[WITHDRAWAL_STATE_COUNT][DISPENSED_RELATION_COUNT];
        int reason[REASON_COUNT];
        int stored_reason[REASON_COUNT];
        int inquiry_reason[REASON_COUNT];
        int repeated_advice, contradicting_advice, out_of_range;
        int corrected, against_people; /* advices of what was completed, or decided by a person */
        int resolved, too_young;       /* people's decisions */
        int asked, pending, passed_on; /* requests, repeats and inquiries of banks over links */
        int outcome[OUTCOME_CAUSE_COUNT], late_outcome[OUTCOME_CAUSE_COUNT], late_approval;
        int taken, taken_again, refused_lease, acknowledged, acknowledged_twice, cases, missing, swept,
            parked, summed;
        int changed, change_refused, stale;  /* reference data; requests and inquiries by former ones */
        int parted;                          /* rounds of which a change came in the middle */
        int closed, not_closed, posted_late; /* quarters, and what was earned of their days since */
        int notice[3];                       /* by memory_notice_kind */
        int replaced, replaced_again, not_replaced; /* cards; those that had taken another's place */
        int stored_inquiry[REASON_COUNT], unblocked;
        int followed; /* advices and banks' words about withdrawals with a card that was replaced since */
};

struct play;

struct play *play_new(struct world *world, uint64_t seed, const char *start);
void play_round(struct play *play);
void play_cover(const struct play *play, struct coverage *coverage);
void play_free(struct play *play);

/* What a 0200 of this card at this moment asks of the ledger. */
void play_fill_request(const struct reference *reference, struct ledger_op *op, int card, int64_t amount_yen,
                       int32_t processing_code);
void play_fill_advice(struct ledger_op *op, const struct ledger_identity *original, bool reversal,
                      int64_t amount_yen, int64_t dispensed_yen);

/* NULL where both say the same, else what differs; static text. */
const char *play_difference(const struct ledger_op *a, const struct ledger_op *b);

#endif
