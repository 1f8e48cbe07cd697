/*
 * What all reports have in common at the command line: the options that say which days and what of, the way to the books,
 * and the remarks beside the rows.
 *
 *      options --> report_run: connect, the filters, a snapshot --> the report's own question, report_head, rows --> close
 */
#ifndef ATMCTL_NOUNS_REPORT_DESK_H
#define ATMCTL_NOUNS_REPORT_DESK_H

#include "backoffice/books/filter.h"
#include "backoffice/books/period.h"
#include "backoffice/books/standing.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/output/output.h"

/* The options of a report's days: rows of a table of fields. */
#define REPORT_PERIOD_FIELDS                                                                                 \
        {.name = "fy", .kind = VALUE_FISCAL_YEAR, .text = "the fiscal year from April of it, as 2016"},      \
            {.name = "quarter",                                                                              \
             .kind = VALUE_QUARTER_NUMBER,                                                                   \
             .text = "one quarter: of --fy, or with its year"},                                              \
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
        struct standing standing;
        int64_t made_s; /* when it is made; SOURCE_DATE_EPOCH says otherwise */
        char issued[11];
        const char *publisher;    /* ATM_PUBLISHER; "" */
        const char *registration; /* ATM_REGISTRATION, that of the publisher; "" */
};

/* A report's own work, in one snapshot of the books: what it asks, and its rows. False after a complaint. */
typedef bool report_work(struct report_desk *desk, void *context);
/* Whatever the filters' options name must exist. The exit code. */
int report_run(const struct invocation *invocation, report_work *work, void *context);

struct report_title {
        const char *english, *japanese;
        const struct period *period;
        const char *whose; /* whom it is about; NULL: everybody */
};
/* What a report is called, and the remarks that every report has: of when a replica's data are, that figures may change, that the books have but
 * a part, that business was generated. Before its own remarks and its rows. */
void report_head(const struct report_desk *desk, struct output *output, const struct report_title *title);

/* How many rows a limit leaves out. */
void report_remark_more(const struct report_desk *desk, struct output *output, size_t rows);

#endif
