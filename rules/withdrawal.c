/* What an advice does to a withdrawal, as rows. The states and their meaning are in withdrawal.h. */
#include "rules/withdrawal.h"

#include <assert.h>

const char *const withdrawal_state_name[WITHDRAWAL_STATE_COUNT] = {
    [WITHDRAWAL_UNKNOWN] = "unknown",   [WITHDRAWAL_BLOCKED] = "blocked",
    [WITHDRAWAL_DECLINED] = "declined", [WITHDRAWAL_ASKED] = "asked",
    [WITHDRAWAL_APPROVED] = "approved", [WITHDRAWAL_COMPLETED] = "completed",
    [WITHDRAWAL_REVERSED] = "reversed", [WITHDRAWAL_SETTLED] = "settled",
};

const char *const dispensed_relation_name[DISPENSED_RELATION_COUNT] = {
    [DISPENSED_ZERO] = "zero",
    [DISPENSED_LESS] = "less",
    [DISPENSED_EQUAL] = "equal",
    [DISPENSED_MORE] = "more",
};

/* clang-format off */
#define ROW(from_, relation_, to_, commission_, exception_)                                                    \
        [WITHDRAWAL_##from_ * DISPENSED_RELATION_COUNT + DISPENSED_##relation_] = {                            \
                WITHDRAWAL_##from_, DISPENSED_##relation_, WITHDRAWAL_##to_, commission_, exception_}

const struct withdrawal_rule withdrawal_rules[WITHDRAWAL_STATE_COUNT * DISPENSED_RELATION_COUNT] = {
        /*  from       relation  to       commission  exception */
        ROW(UNKNOWN,   ZERO,     BLOCKED,    0, false),
        ROW(UNKNOWN,   LESS,     BLOCKED,    0, true),
        ROW(UNKNOWN,   EQUAL,    BLOCKED,    0, true),
        ROW(UNKNOWN,   MORE,     BLOCKED,    0, true),
        ROW(BLOCKED,   ZERO,     BLOCKED,    0, false),
        ROW(BLOCKED,   LESS,     BLOCKED,    0, true),
        ROW(BLOCKED,   EQUAL,    BLOCKED,    0, true),
        ROW(BLOCKED,   MORE,     BLOCKED,    0, true),
        ROW(DECLINED,  ZERO,     DECLINED,   0, false),
        ROW(DECLINED,  LESS,     DECLINED,   0, true),
        ROW(DECLINED,  EQUAL,    DECLINED,   0, true),
        ROW(DECLINED,  MORE,     DECLINED,   0, true),
        ROW(ASKED,     ZERO,     REVERSED,   0, false),
        ROW(ASKED,     LESS,     ASKED,      0, true),
        ROW(ASKED,     EQUAL,    ASKED,      0, true),
        ROW(ASKED,     MORE,     ASKED,      0, true),
        ROW(APPROVED,  ZERO,     REVERSED,   0, false),
        ROW(APPROVED,  LESS,     COMPLETED,  1, false),
        ROW(APPROVED,  EQUAL,    COMPLETED,  1, false),
        ROW(APPROVED,  MORE,     APPROVED,   0, true),
        ROW(COMPLETED, ZERO,     REVERSED,  -1, false),
        ROW(COMPLETED, LESS,     COMPLETED,  0, false),
        ROW(COMPLETED, EQUAL,    COMPLETED,  0, false),
        ROW(COMPLETED, MORE,     COMPLETED,  0, true),
        ROW(REVERSED,  ZERO,     REVERSED,   0, false),
        ROW(REVERSED,  LESS,     REVERSED,   0, true),
        ROW(REVERSED,  EQUAL,    REVERSED,   0, true),
        ROW(REVERSED,  MORE,     REVERSED,   0, true),
        ROW(SETTLED,   ZERO,     COMPLETED,  0, true),
        ROW(SETTLED,   LESS,     COMPLETED,  0, true),
        ROW(SETTLED,   EQUAL,    COMPLETED,  0, false),
        ROW(SETTLED,   MORE,     COMPLETED,  0, true),
};
/* clang-format on */

enum dispensed_relation withdrawal_relation(enum withdrawal_state state, int64_t counted_yen,
                                            int64_t dispensed_yen)
{
        assert(counted_yen >= 0 && dispensed_yen >= 0);
        if (dispensed_yen == 0)
                return DISPENSED_ZERO;
        if (state != WITHDRAWAL_ASKED && state != WITHDRAWAL_APPROVED && state != WITHDRAWAL_COMPLETED &&
            state != WITHDRAWAL_SETTLED)
                return DISPENSED_MORE;
        if (dispensed_yen % SMALLEST_NOTE_YEN != 0)
                return DISPENSED_MORE;
        if (dispensed_yen == counted_yen)
                return DISPENSED_EQUAL;
        return dispensed_yen < counted_yen ? DISPENSED_LESS : DISPENSED_MORE;
}

int64_t withdrawal_counted_yen(const struct withdrawal_rule *rule, int64_t counts_yen, int64_t dispensed_yen)
{
        if (rule->to != WITHDRAWAL_COMPLETED)
                return 0;
        return rule->exception ? counts_yen : dispensed_yen;
}

const struct withdrawal_rule *withdrawal_on_advice(enum withdrawal_state state,
                                                   enum dispensed_relation relation)
{
        assert((unsigned)state < WITHDRAWAL_STATE_COUNT && (unsigned)relation < DISPENSED_RELATION_COUNT);
        return &withdrawal_rules[state * DISPENSED_RELATION_COUNT + relation];
}
