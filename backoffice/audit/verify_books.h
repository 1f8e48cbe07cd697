/*
 * The sums that verify makes of the history, and what they are compared with: of days and months (verify_sums.h), of cards
 * (verify_cards.h), and of the periods that were closed.
 *
 *      opened --quarter_begin--> QUARTER --post, use--> --quarter_end--> ... --end--> done
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_BOOKS_H
#define BACKOFFICE_AUDIT_VERIFY_BOOKS_H

#include "backoffice/audit/verify_cards.h"
#include "backoffice/audit/verify_sums.h"

struct books {
        struct comparing with;
        struct places places;
        struct sums sums;
        struct cards cards;
        struct tally day;          /* what is posted on each */
        struct tally closed_day;   /* the last days of periods */
        struct tally reported_day; /* those whose postings reports have */
};

/* False after a failure that the source says. books_close in any case. */
ATM_MUST_USE bool books_open(struct books *books, struct copy_source *source, struct findings *findings);
void books_close(struct books *books);

void books_quarter_begin(struct books *books, int32_t from_day, int32_t to_day);
void books_post(struct books *books, const struct posting *posting);
bool books_may_post(struct books *books, int32_t business_day, int32_t posted_day);
bool books_are_reported(struct books *books, int32_t posted_day);
ATM_MUST_USE bool books_quarter_end(struct books *books);
ATM_MUST_USE bool books_end(struct books *books);

#endif
