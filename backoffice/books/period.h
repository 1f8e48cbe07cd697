/*
 * The days that a report is about, both included, and what people call them. A fiscal year begins in April
 * and is named after its first year: FY2016 is April 2016 to March 2017, 3Q16 is October to December 2016.
 */
#ifndef BACKOFFICE_BOOKS_PERIOD_H
#define BACKOFFICE_BOOKS_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

struct period {
        int32_t first_day, last_day;
        char first[11], last[11]; /* the same as texts: parameters of queries */
        char label[32];           /* "3Q16", "1Q-3Q16", "FY2016", "2016-12", "2016-12-29 to 2016-12-31" */
        bool whole_quarters;      /* of one fiscal year, so that its quarters can be named */
};

/* How far back what it is compared with lies. */
enum period_step { PERIOD_STEP_QUARTER = 3, PERIOD_STEP_YEAR = 12 }; /* months */

/* Of what is known to be one: "3Q16", "1Q-3Q16"; "2016-12". */
void period_of_name(const char *name, struct period *ret_period);
void period_of_month(const char *month, struct period *ret_period);
/* Whole quarters of a fiscal year, both from 1 to 4. */
void period_of_quarters(int fiscal_year, int first, int last, struct period *ret_period);
void period_of_days(int32_t first_day, int32_t last_day, struct period *ret_period);

/* Whether it is whole months. */
bool period_is_of_months(const struct period *period);
/* The same so much earlier: of whole months, whole months, be they longer or shorter; else from the same day through the same day, and for one that
 * is not there the one before. */
void period_before(const struct period *period, enum period_step step, struct period *ret_before);
/* The twelve months that end with a day. */
void period_year_to(int32_t last_day, struct period *ret_period);
/* By business today: its last day is past. */
bool period_is_over(const struct period *period, int32_t today);
/* Two names of periods of a kind (quarters, months, days, fiscal years) in the order of time, as qsort wants it. */
int period_compare(const char *a, const char *b);
/* The last day of it that counts: days to come earn nothing, and owe nothing yet. */
int32_t period_counted(const struct period *period, int32_t today);

#endif
