/*
 * What cards may take: limits of a day and of a calendar month, and that nobody has excluded them. What verify knows of a card's use
 * is what was taken in the end, which is never more than what was allowed for.
 *
 * A limit and an exclusion hold from their commit on. So on a limit's first day the one before it may have held still, and on an
 * exclusion's first day anything. What a card used before it took another's place counts only since, so such cards are left out of
 * the sums.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_LIMITS_H
#define BACKOFFICE_AUDIT_VERIFY_LIMITS_H

#include "backoffice/audit/copy_out.h"
#include "backoffice/audit/findings.h"
#include "rules/reference.h"

struct limit_row {
        int32_t from_day;
        int64_t value; /* LIMIT_NONE: none */
};

struct exclusion_row {
        uint8_t card[UUID_SIZE];
        int32_t from_day, until_day; /* [from, until); INT32_MAX: without an end */
};

struct limits {
        struct findings *findings;
        struct limit_row *limit[LIMIT_KIND_COUNT]; /* by from_day */
        size_t limits[LIMIT_KIND_COUNT];
        struct exclusion_row *exclusion; /* by card, from_day */
        size_t exclusions;
};

/* False after a failure that the source says. limits_close in any case. */
ATM_MUST_USE bool limits_open(struct limits *limits, struct copy_source *source, struct findings *findings);
void limits_close(struct limits *limits);

/* Whether a card was barred on all of a day. */
bool limits_exclude(const struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day);
/* What a card has used of a day; of the month that begins on a day. */
void limits_check_day(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day, int64_t withdrawals,
                      int64_t cash_yen);
void limits_check_month(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t month,
                        int64_t cash_yen);

#endif
