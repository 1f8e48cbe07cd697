/*
 * The days that a report is about, both included, and what people call them. A fiscal year begins in April
 * and is named after its first year: FY2016 is April 2016 to March 2017, 3Q16 is October to December 2016.
 */
#ifndef ATMCTL_REPORT_PERIOD_H
#define ATMCTL_REPORT_PERIOD_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/atmctl/command.h"

struct report_period {
        int32_t first_day, last_day;
        char first[11], last[11]; /* the same as texts: parameters of queries */
        char label[32];           /* "3Q16", "1Q-3Q16", "FY2016", "2016-12", "2016-12-29 to 2016-12-31" */
        bool whole_quarters;      /* of one fiscal year, so that its quarters can be named */
};

/* How far back what it is compared with lies. */
enum report_step { REPORT_STEP_QUARTER = 3, REPORT_STEP_YEAR = 12 }; /* months */

/* The options of a report that read it: rows of a table of fields. */
#define REPORT_PERIOD_FIELDS                                                                                 \
        {.name = "fy", .kind = VALUE_FISCAL_YEAR, .text = "the fiscal year from April of it, as 2016"},      \
            {.name = "quarter",                                                                              \
             .kind = VALUE_QUARTER_NUMBER,                                                                   \
             .text = "one quarter of it: 1 is April to June"},                                               \
            {.name = "from", .kind = VALUE_DATE, .text = "instead of --fy: the first day"},                  \
        {                                                                                                    \
                .name = "to", .kind = VALUE_DATE, .text = "the last day, included"                           \
        }

/* Of --fy [--quarter] or --from --to. EXIT_DONE, or EXIT_USAGE after a complaint. */
int report_period_of(const struct invocation *invocation, struct report_period *ret_period);
/* Of a canonical value: VALUE_PERIOD or VALUE_QUARTER ("3Q16", "1Q-3Q16"); VALUE_MONTH ("2016-12"). */
void report_period_of_name(const char *name, struct report_period *ret_period);
void report_period_of_month(const char *month, struct report_period *ret_period);
/* Whole quarters of a fiscal year, both from 1 to 4. */
void report_period_of_quarters(int fiscal_year, int first, int last, struct report_period *ret_period);
void report_period_of_days(int32_t first_day, int32_t last_day, struct report_period *ret_period);

/* The same days so much earlier: the last day of a month stays one, a day that is not there is the one
 * before. */
void report_period_before(const struct report_period *period, enum report_step step,
                          struct report_period *ret_before);
/* By business today: its last day is past. */
bool report_period_is_over(const struct report_period *period, int32_t today);
/* The last day of it that counts: days to come earn nothing, and owe nothing yet. */
int32_t report_period_counted(const struct report_period *period, int32_t today);

#endif
