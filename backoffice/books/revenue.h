/*
 * Commission: what the fleet earned by withdrawals, by one key or two (the first varying slowest), compared with the same so much earlier.
 * Places and banks come in the order of their commission, times in their own. Commission is both fees, without tax: revenue is
 * commission and base fees, which no bank, band or hour has.
 */
#ifndef BACKOFFICE_BOOKS_REVENUE_H
#define BACKOFFICE_BOOKS_REVENUE_H

#include "backoffice/books/figure.h"
#include "backoffice/books/filter.h"
#include "backoffice/books/period.h"

enum { REVENUE_KEYS_MAX = 2 };

struct revenue_question {
        struct period period;
        const char *key
            [REVENUE_KEYS_MAX]; /* area, prefecture, hall, atm, issuer, band, hour, day, month, quarter, fy; NULL: one */
        const char *filter[FILTER_COUNT]; /* NULL: all */
        enum period_step compare;         /* 0: with nothing */
        int32_t begun_day;                /* of the books: what began before it is compared with nothing */
        const int64_t *limit;             /* rows at most, NULL: all; the total is of all of them */
};

struct revenue_row {
        const char *key[REVENUE_KEYS_MAX];  /* NULL: there is none; "total" */
        const char *name[REVENUE_KEYS_MAX]; /* NULL: the key says it */
        int64_t withdrawals, cash_yen, customer_fee_yen, interbank_fee_yen, tax_yen, commission_yen;
        struct figure before_yen,
            change_tenths; /* of a percent; missing where the books have not all of before */
};

struct revenue {
        struct revenue_row *row;
        size_t rows, more;         /* within the question's limit, and beyond it */
        struct revenue_row others; /* the sum of those beyond it: its key is "others" */
        struct revenue_row total;  /* of whole periods */
        int64_t unpaired_yen; /* of its before_yen: of days that the later months do not have, in no row */
        int64_t earlier_yen;  /* of it: posted in a later quarter than that of the business date */
        PGresult *held;       /* the texts */
};

/* Whether a key is a span of time: not an hour, which comes round. */
bool revenue_key_is_span(const char *key);
/* Whether a key's rows have names. */
bool revenue_key_has_name(const char *key);
/* Whether there is nothing so much earlier to compare a key's rows with: a fiscal year has no quarter before. */
bool revenue_key_lacks_step(const char *key, enum period_step step);

/* In a snapshot (summary.h). False with an error. revenue_free in any case. */
ATM_MUST_USE bool revenue_load(PGconn *connection, const struct revenue_question *question,
                               struct revenue *ret_revenue, char error[PG_ERROR_MAX]);
void revenue_free(struct revenue *revenue);

#endif
