/*
 * What verify's sums share: where the rows that they are compared with come from, where differences go, and the quarter that is
 * being made. verify_books.h has one; verify_sums.h and verify_cards.h work with it.
 */
#ifndef BACKOFFICE_AUDIT_COMPARING_H
#define BACKOFFICE_AUDIT_COMPARING_H

#include "backoffice/audit/copy_out.h"
#include "backoffice/audit/fact.h"
#include "backoffice/audit/findings.h"
#include "backoffice/audit/tally.h"

struct comparing {
        struct copy_source *source;
        struct names *names; /* of the source */
        struct findings *findings;
        int32_t from_day, to_day; /* the quarter: [from, to) */
        bool failed;              /* the source says why */
};

/* The quarter's bounds as SQL has them; the first and the last have none. */
struct bounds {
        char from[16], to[16];
};
struct bounds comparing_quarter(const struct comparing *comparing);

/* Add numbers to a key's. */
void comparing_add(struct comparing *comparing, struct tally *tally, const void *key, const int64_t *values);

/* A query's rows. False after a failure. */
ATM_MUST_USE ATM_PRINTF(3, 4) bool comparing_begin(struct comparing *comparing, struct copy_out *copy,
                                                   const char *format, ...);
/* Their end, and the rest of a tally that they were compared with; NULL: they were not. False after a failure. */
ATM_MUST_USE bool comparing_end(struct comparing *comparing, struct copy_out *copy, enum verify_check check,
                                struct tally *tally, tally_told *on_difference, void *context);
/* A set of days. */
ATM_MUST_USE bool comparing_read_days(struct comparing *comparing, struct tally *set, const char *query);

/* "2017-02" */
void comparing_add_month(struct fact *fact, int32_t month);

#endif
