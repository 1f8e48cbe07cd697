/*
 * What the audit says, without words: a kind (facts.def) and its values, in the kind's order. Whoever tells people puts it into
 * words (backoffice/pages/audit_text.h).
 *
 *      fact_begin --fact_text, fact_number, ...: as many as the kind has--> complete
 */
#ifndef BACKOFFICE_AUDIT_FACT_H
#define BACKOFFICE_AUDIT_FACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fact_kind {
#define FACT(kind, values) FACT_##kind,
#include "backoffice/audit/facts.def"
#undef FACT
        FACT_KINDS
};

enum { FACT_ROOM = 1024, FACT_BETWEEN = '\x1f' };

struct fact {
        enum fact_kind kind;
        char values[FACT_ROOM]; /* FACT_BETWEEN between them; cut where they are longer */
        size_t count, used;
};

void fact_begin(struct fact *fact, enum fact_kind kind);
void fact_text(struct fact *fact, const char *text);
void fact_number(struct fact *fact, int64_t number);
void fact_numbers(struct fact *fact, const int64_t *numbers, size_t count);
void fact_day(struct fact *fact, int32_t day); /* "-" where there is none */
/* All of its values are there. */
bool fact_is_complete(const struct fact *fact);
bool fact_is_same(const struct fact *a, const struct fact *b);

/* How many values a kind has. */
size_t fact_values_of(enum fact_kind kind);

#endif
