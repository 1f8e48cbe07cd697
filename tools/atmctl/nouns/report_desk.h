/*
 * What all reports have in common at the command line: the options that say which days and what of, the way to the books,
 * and the remarks beside the rows.
 *
 *      options --> report_run: connect, the filters, a snapshot --> the report's own question, report_notes --> close
 */
#ifndef ATMCTL_NOUNS_REPORT_DESK_H
#define ATMCTL_NOUNS_REPORT_DESK_H

#include "backoffice/books/filter.h"
#include "backoffice/books/period.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/output/output.h"

/* The options of a report's days: rows of a table of fields. */
#define REPORT_PERIOD_FIELDS                                                                                 \
        {.name = "fy", .kind = VALUE_FISCAL_YEAR, .text = "the fiscal year from April of it, as 2016"},      \
            {.name = "quarter",                                                                              \
             .kind = VALUE_QUARTER_NUMBER,                                                                   \
             .text = "one quarter of it: 1 is April to June"},                                               \
            {.name = "from", .kind = VALUE_DATE, .text = "instead of --fy: the first day"},                  \
        {                                                                                                    \
                .name = "to", .kind = VALUE_DATE, .text = "the last day, included"                           \
        }

/* The filters (backoffice/books/filter.h) likewise, of the same names. */
#define REPORT_FILTER_FIELDS                                                                                 \
        {.name = "area", .kind = VALUE_AREA, .text = "this area alone"},                                     \
            {.name = "prefecture", .kind = VALUE_PREFECTURE, .text = "this prefecture alone"},               \
            {.name = "hall", .kind = VALUE_HALL, .text = "this hall alone"},                                 \
            {.name = "atm", .kind = VALUE_TERMINAL, .text = "this ATM alone"},                               \
            {.name = "issuer", .kind = VALUE_ISSUER, .text = "this bank's cards alone"},                     \
        {                                                                                                    \
                .name = "band", .kind = VALUE_BAND, .text = "this band alone"                                \
        }

/* Of --fy [--quarter] or --from --to. EXIT_DONE, or EXIT_USAGE after a complaint. */
int report_period_of(const struct invocation *invocation, struct period *ret_period);
/* --limit; NULL: there is none. */
const int64_t *report_limit_of(const struct invocation *invocation, int64_t *room);

struct report_desk {
        const struct invocation *invocation;
        struct database database;
        int32_t today; /* by business */
};

/* A report's own work, in one snapshot of the books: what it asks, and its rows. False after a complaint. */
typedef bool report_work(struct report_desk *desk, void *context);
/* Whatever the filters' options name must exist. The exit code. */
int report_run(const struct invocation *invocation, report_work *work, void *context);
/* What a document is called, and of when it is. */
void report_head(struct output *output, const char *english, const char *japanese, const char *label);
/* That the period is not over, that the history was generated. False after a complaint. */
ATM_MUST_USE bool report_notes(struct report_desk *desk, struct output *output, const struct period *period);
#endif
