/*
 * The sums of days and months that verify makes of the commission rows, and what they are compared with: the summaries, and
 * what is said to be missing in them.
 *
 * Days' sums by ATM and bank are made and compared quarter by quarter; what is posted in a later quarter than that of its
 * business date is kept aside until its quarter comes. All other sums (as many as the summary has rows) are kept over all
 * quarters.
 */
#ifndef BACKOFFICE_AUDIT_VERIFY_SUMS_H
#define BACKOFFICE_AUDIT_VERIFY_SUMS_H

#include "backoffice/audit/comparing.h"
#include "backoffice/audit/places.h"

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

struct sums {
        struct comparing *with;
        const struct places *places;
        struct tally detail, later_detail, summary;
        struct tally unsummed, summed_day, summed_month;
        int32_t summed_day_last; /* of books; COPY_NO_DAY: none */
        struct {
                int32_t day, month, quarter; /* the first days of */
                bool is_summed, is_month_summed;
        } posted; /* the last day that was posted on: many rows of a day follow each other */
        uint32_t cube[SUMMARY_CUBES]; /* their names */
};

/* False after a failure that the source says. sums_close in any case. */
ATM_MUST_USE bool sums_open(struct sums *sums, struct comparing *with, const struct places *places);
void sums_close(struct sums *sums);

void sums_quarter_begin(struct sums *sums);
void sums_post(struct sums *sums, const struct posting *posting);
/* Whether a day is summed up. */
bool sums_have(struct sums *sums, int32_t day);
ATM_MUST_USE bool sums_quarter_end(struct sums *sums);
ATM_MUST_USE bool sums_end(struct sums *sums);

#endif
