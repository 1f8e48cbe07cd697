/*
 * The sums that verify makes of the history, and what they are compared with.
 *
 *      opened --quarter_begin--> QUARTER --post, use--> --quarter_end--> ... --end--> done
 *
 * Days' sums by ATM and bank and the use of cards are made and compared quarter by quarter, so that memory follows the largest
 * quarter; what is posted in a later quarter than that of its business date is kept aside until its quarter
 * comes. Over all quarters are kept: all other sums (as many as the summary has rows), what was taken from
 * each account, a sum a day, and each card's place and how far back its row knows its use.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_BOOKS_H
#define BACKOFFICE_AUDIT_VERIFY_BOOKS_H

#include "backoffice/audit/copy_out.h"
#include "backoffice/audit/places.h"
#include "backoffice/audit/tally.h"
#include "backoffice/audit/findings.h"
#include "backoffice/audit/verify_limits.h"

enum posting_value {
        POSTING_WITHDRAWALS, /* the sign of the row */
        POSTING_CASH,
        POSTING_CUSTOMER_FEE,
        POSTING_CUSTOMER_TAX,
        POSTING_INTERBANK_FEE,
        POSTING_INTERBANK_TAX,
        POSTING_HALL_SHARE,
        POSTING_VALUES
};

enum { SUMMARY_CUBES = 5 };

/* A commission row. */
struct posting {
        uint32_t terminal, hall, issuer, band;
        int64_t moment_us; /* its withdrawal's, since 1970 */
        int32_t stan, seq;
        int32_t business_day, posted_day, tax_rate_bp;
        int16_t hour;
        int64_t value[POSTING_VALUES];
};

struct books {
        struct copy_source *source;
        struct names *names; /* of the source */
        struct findings *findings;
        struct tally detail, later_detail, card_day, card_month, account, summary, day;
        struct tally card;      /* the days and months that their rows have, up to the earlier of two */
        struct tally successor; /* of cards that were replaced: a token in the room of the numbers */
        struct tally unsummed, summed_day, summed_month, closed_day; /* closed: the last days of periods */
        struct tally heir;                                           /* cards that took another's place */
        struct places places;
        struct limits limits;
        int32_t summed_day_last;  /* of books; COPY_NO_DAY: none */
        int32_t from_day, to_day; /* the quarter: [from, to) */
        struct {
                int32_t day, month, quarter; /* the first days of */
                bool is_summed, is_month_summed;
        } posted; /* the last day that was posted on: many rows of a day follow each other */
        uint32_t cube[SUMMARY_CUBES]; /* their names */
        bool failed;                  /* the source says why */
};

/* False after a failure that the source says. books_close in any case. */
ATM_MUST_USE bool books_open(struct books *books, struct copy_source *source, struct findings *findings);
void books_close(struct books *books);

void books_quarter_begin(struct books *books, int32_t from_day, int32_t to_day);
void books_post(struct books *books, const struct posting *posting);
bool books_may_post(struct books *books, int32_t business_day, int32_t posted_day);
/* What a withdrawal counts for of its card's limits; charge_yen of its account, where the house bank has it. The use
 * stands with the card that has taken the place of this one since. (One that counts for nothing any more has dated the row.) */
void books_use(struct books *books, const uint8_t card[UUID_SIZE], int32_t business_day, bool is_used,
               int64_t used_yen, bool is_house, int64_t charge_yen);
/* Whether a card was barred by its holder on all of a day. */
bool books_exclude(struct books *books, const uint8_t card[UUID_SIZE], int32_t business_day);
bool books_has_summed(struct books *books, int32_t day);
bool books_has_card(struct books *books, const uint8_t card[UUID_SIZE]);
ATM_MUST_USE bool books_quarter_end(struct books *books);
ATM_MUST_USE bool books_end(struct books *books);

#endif
