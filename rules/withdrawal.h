/*
 * The states of a withdrawal and what an advice does to it: the table of docs/protocol.md as rows.
 *
 *      (unknown) --advice--> BLOCKED                        its 0200, should it come, is refused (94)
 *      (unknown) --0200----> DECLINED | APPROVED            the house bank's, decided at once
 *      (unknown) --0200----> ASKED                          another bank's: limits taken, the bank not heard yet
 *      ASKED     --outcome-> DECLINED | APPROVED            its answer or a time-out, whichever is durable first
 *      ASKED     --d = 0---> REVERSED                       that is its outcome; nothing was earned yet
 *      APPROVED  --d > 0---> COMPLETED --less--> COMPLETED  cash corrected, commission kept
 *      APPROVED  --d = 0---> REVERSED
 *      COMPLETED --d = 0---> REVERSED                       commission taken back
 *
 * SETTLED is a completed withdrawal to an advice that may not correct it any more: it comes too late, is the
 * second of its card and day, its ATM is disabled, or a person has decided. It stays COMPLETED.
 *
 * Everything else changes nothing; what people should see becomes an exception, which moves no money.
 * sql's table advice_rule holds the same rows for the ledger in PostgreSQL; a test compares them.
 */
#ifndef RULES_WITHDRAWAL_H
#define RULES_WITHDRAWAL_H

#include <stdbool.h>
#include <stdint.h>

enum { SMALLEST_NOTE_YEN = 1000 };

enum withdrawal_state {
        WITHDRAWAL_UNKNOWN,
        WITHDRAWAL_BLOCKED,
        WITHDRAWAL_DECLINED,
        WITHDRAWAL_ASKED,
        WITHDRAWAL_APPROVED,
        WITHDRAWAL_COMPLETED,
        WITHDRAWAL_REVERSED,
        WITHDRAWAL_SETTLED,
        WITHDRAWAL_STATE_COUNT
};
extern const char *const withdrawal_state_name[WITHDRAWAL_STATE_COUNT]; /* "unknown", "blocked", ... */

/* What an advice's dispensed cash d is against the cash that counts so far (asked, approved: DE 4 of the 0200;
 * completed: d0; otherwise nothing counts and any d > 0 is MORE, as is a d that no notes add up to). */
enum dispensed_relation {
        DISPENSED_ZERO,
        DISPENSED_LESS,
        DISPENSED_EQUAL,
        DISPENSED_MORE,
        DISPENSED_RELATION_COUNT
};
extern const char
    *const dispensed_relation_name[DISPENSED_RELATION_COUNT]; /* "zero", "less", "equal", "more" */

struct withdrawal_rule {
        enum withdrawal_state from;
        enum dispensed_relation relation;
        enum withdrawal_state to;
        int commission; /* +1 earned, -1 taken back, 0 as it was */
        bool exception;
};
/* One row for each state and relation, in that order. */
extern const struct withdrawal_rule withdrawal_rules[WITHDRAWAL_STATE_COUNT * DISPENSED_RELATION_COUNT];

enum dispensed_relation withdrawal_relation(enum withdrawal_state state, int64_t counted_yen,
                                            int64_t dispensed_yen);
const struct withdrawal_rule *withdrawal_on_advice(enum withdrawal_state state,
                                                   enum dispensed_relation relation);
/* The cash that counts as dispensed after it. */
int64_t withdrawal_counted_yen(const struct withdrawal_rule *rule, int64_t counts_yen, int64_t dispensed_yen);

#endif
