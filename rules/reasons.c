/* rules/reasons.def as a table. */
#include "rules/reasons.h"

#include <assert.h>

const struct reason_row reason_rows[REASON_COUNT] = {
#define REASON(name_, de39_, kept_, text_)                                                                   \
        [REASON_##name_] = {.name = #name_, .de39 = de39_, .kept = kept_, .text = text_},
#include "rules/reasons.def"
#undef REASON
};

const char *reason_de39(enum reason reason)
{
        assert((unsigned)reason < REASON_COUNT);
        return reason_rows[reason].de39;
}

enum reason reason_first(enum reason a, enum reason b)
{
        if (a == REASON_APPROVED)
                return b;
        if (b == REASON_APPROVED)
                return a;
        return a < b ? a : b;
}
