/*
 * Names that rows repeat (ATMs, halls, issuers, states, ...) as small numbers: equal names have equal
 * numbers. NAME_NONE is NULL. The words of the rules come first, so that their numbers are known to the
 * compiler; whatever else a row says is there as it stands. Nothing is ever removed.
 */
#ifndef BACKOFFICE_AUDIT_NAMES_H
#define BACKOFFICE_AUDIT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "rules/reference.h"
#include "rules/withdrawal.h"

enum name {
        NAME_NONE,
        NAME_BAND,                                         /* + enum band */
        NAME_STATE = NAME_BAND + BAND_COUNT,               /* + enum withdrawal_state */
        NAME_ANSWER = NAME_STATE + WITHDRAWAL_STATE_COUNT, /* causes of outcomes */
        NAME_TIMEOUT,
        NAME_REVERSAL, /* also a kind of advice and of notice */
        NAME_OPERATOR, /* also a kind of advice */
        NAME_COMPLETION,
        NAME_PARTIAL,
        NAME_WHY_ALL,  /* "00" */
        NAME_RESOLVE,  /* what a person did */
        NAME_WHY_PART, /* "32" */
        NAME_PARK,
        NAME_WHY_NONE, /* "21" */
        NAME_RETRY,
        NAME_WHY_LATE,     /* "68" */
        NAME_BANK,         /* kind of an exception: what a bank said of a notice */
        NAME_CASE,         /* its verdict */
        NAME_MISSING,      /* likewise: it knows no such withdrawal */
        NAME_CORRECTED,    /* what an exception is, beside states */
        NAME_DECIDED,      /* of something that a person had decided */
        NAME_CONTRADICTS,  /* an advice with the numbers of another */
        NAME_OUT_OF_RANGE, /* one of an original outside of every partition; with blanks in the database */
        NAME_RECOVERY,     /* kind of an exception: what could not be brought back from journals */
        NAME_RULES_COUNT
};

struct name_text {
        char *text;
        size_t length;
        uint64_t hash;
};

struct names {
        struct name_text *name; /* by number */
        uint32_t *slot;         /* open addressing; 0 is free */
        uint32_t count, capacity, slots;
};

/* False: out of memory. */
ATM_MUST_USE bool names_open(struct names *names);
void names_close(struct names *names);

/* Its number; NAME_NONE: out of memory. */
uint32_t names_add(struct names *names, const char *text, size_t length);

/* "-" for NAME_NONE. */
static inline const char *names_text(const struct names *names, uint32_t name)
{
        return names->name[name].text;
}

/* WITHDRAWAL_UNKNOWN where it is no state. */
static inline enum withdrawal_state name_state(uint32_t name)
{
        return name >= NAME_STATE && name < NAME_STATE + WITHDRAWAL_STATE_COUNT
                   ? (enum withdrawal_state)(name - NAME_STATE)
                   : WITHDRAWAL_UNKNOWN;
}

#endif
