/* The reasons of an answer, their DE 39 and their order: rules/reasons.def as an enum and a table. */
#ifndef RULES_REASONS_H
#define RULES_REASONS_H

#include <stdbool.h>
#include <stddef.h>

enum reason {
#define REASON(name, de39, kept, text) REASON_##name,
#include "rules/reasons.def"
#undef REASON
        REASON_COUNT
};

struct reason_row {
        const char *name; /* "DAY_LIMIT" */
        const char *de39; /* "61" */
        bool kept;
        const char *text;
};

extern const struct reason_row reason_rows[REASON_COUNT];

const char *reason_de39(enum reason reason);

/* The one that wins of two refusals; REASON_APPROVED stands for none. */
enum reason reason_first(enum reason a, enum reason b);

#endif
