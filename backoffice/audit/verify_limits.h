/*
 * What cards may take: limits of a day and of a calendar month, and that nobody has excluded them. What verify knows of a card's use
 * is what was taken in the end, which is never more than what it was when its last withdrawal was decided. So it is held to what
 * held at that moment: limits and exclusions hold from their commit on, and people change them for days that are gone, too.
 *
 * What held before is found backwards: from the rows as they are now, by what the trail says of each change, the newest first. Where a
 * moment isn't known (history that was generated, or is of an earlier release), anything may have held that ever did, and on an
 * exclusion's first day nothing. What a card used before it took another's place counts only since, so such cards are left out
 * of the sums.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_LIMITS_H
#define BACKOFFICE_AUDIT_VERIFY_LIMITS_H

#include "backoffice/audit/copy_out.h"
#include "backoffice/audit/findings.h"
#include "rules/reference.h"

/* When a withdrawal was decided, in microseconds since 1970; of several the greatest counts. */
#define DECIDED_NEVER  INT64_C(0)
#define DECIDED_ONCE   INT64_C(1) /* nobody wrote it down */
#define DECIDED_LATELY INT64_MAX  /* its bank is being asked */

struct limit_row {
        int32_t from_day;
        int64_t value; /* LIMIT_NONE: none */
        int64_t held_from_us,
            held_until_us; /* [from, until); INT64_MIN: as long as anybody knows; INT64_MAX: still */
};

struct exclusion_row {
        uint8_t card[UUID_SIZE];
        int32_t from_day, until_day; /* [from, until); INT32_MAX: without an end */
        int64_t held_from_us;        /* all of these days since; INT64_MIN: as long as anybody knows */
};

struct limits {
        struct findings *findings;
        struct limit_row *limit[LIMIT_KIND_COUNT]; /* as they are and were */
        size_t limits[LIMIT_KIND_COUNT];
        struct exclusion_row *exclusion; /* by card, from_day */
        size_t exclusions;
};

/* False after a failure that the source says. limits_close in any case. */
ATM_MUST_USE bool limits_open(struct limits *limits, struct copy_source *source, struct findings *findings);
void limits_close(struct limits *limits);

/* Whether a card was barred when a withdrawal of that day was decided. */
bool limits_exclude(const struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day,
                    int64_t decided_us);
/* What a card has used of a day; of the month that begins on a day: and when the last of it was decided. */
void limits_check_day(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t day, int64_t decided_us,
                      int64_t withdrawals, int64_t cash_yen);
void limits_check_month(struct limits *limits, const uint8_t card[UUID_SIZE], int32_t month,
                        int64_t decided_us, int64_t cash_yen);

#endif
