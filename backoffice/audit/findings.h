/*
 * What verify has checked and where something differs. Of differences so many are named and the rest is
 * counted, so that a broken database can't fill the memory; they are named by check, then by key.
 */
#ifndef BACKOFFICE_AUDIT_FINDINGS_H
#define BACKOFFICE_AUDIT_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoffice/audit/fact.h"
#include "lib/base/attributes.h"

enum verify_check {
        CHECK_COMMISSION,
        CHECK_COMMISSION_ROW,
        CHECK_PRICE,
        CHECK_BAND,
        CHECK_ADVICE,
        CHECK_DAY_SUM,
        CHECK_CARD_DAY,
        CHECK_CARD_MONTH,
        CHECK_ACCOUNT,
        CHECK_OPEN_WITHDRAWAL,
        CHECK_OUTCOME,
        CHECK_NOTICE,
        CHECK_SAF,
        CHECK_ACKNOWLEDGEMENT,
        CHECK_EXCEPTION,
        CHECK_PERSON,
        CHECK_IDENTITY,
        CHECK_LIMIT,
        CHECK_PIN,
        CHECK_REFERENCE,
        CHECK_POSTING,
        CHECK_SUMMARY,
        CHECK_CONTRACT,
        CHECK_RULE,
        CHECK_TRAIL,
        CHECK_RECOVERY,
        CHECK_COUNT
};
extern const char *const verify_check_name[CHECK_COUNT];

enum { DIFFERENCES_NAMED_MAX = 1000000 };

struct kept_fact {
        enum fact_kind kind;
        char *values; /* as a fact has them */
};

struct difference {
        enum verify_check check;
        struct kept_fact key, expected, found;
};

/* What has no end yet, and is no difference. */
struct under_way {
        uint64_t asked, approved; /* withdrawals: a bank is asked; the ATM has not said what became of it */
        uint64_t notices;         /* that a bank has not acknowledged */
};

struct findings {
        struct under_way under_way;
        uint64_t recovered; /* withdrawals that journals brought something back of */
        uint64_t checked[CHECK_COUNT], differ[CHECK_COUNT];
        uint64_t differences; /* of all checks */
        struct difference *named;
        size_t count, capacity;
        bool failed; /* out of memory */
};

/* The facts are complete. */
void findings_add(struct findings *findings, enum verify_check check, const struct fact *key,
                  const struct fact *expected, const struct fact *found);
void findings_sort(struct findings *findings);
void findings_free(struct findings *findings);

#endif
