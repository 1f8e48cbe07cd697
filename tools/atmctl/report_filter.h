/*
 * What a report is narrowed to: an area, prefecture, hall, ATM, issuer or band, each an option. Who asks for
 * one that does not exist is told so, and not that it earned nothing.
 */
#ifndef ATMCTL_REPORT_FILTER_H
#define ATMCTL_REPORT_FILTER_H

#include "tools/atmctl/database.h"

/* The dimensions of the books. */
enum report_dimension {
        REPORT_ATM = 1,
        REPORT_HALL = 2,
        REPORT_ISSUER = 4,
        REPORT_BAND = 8,
        REPORT_HOUR = 16,
        REPORT_DAY = 32,
};

struct report_filter {
        const char *option;
        const char *column; /* SQL over a cube s and its hall h */
        unsigned needs;     /* dimensions */
        const char *exists; /* SQL: is there such a one, $1? NULL: its kind of value says what there is */
        const char *list;   /* the command that lists them */
};

/* A row without an option ends it. */
extern const struct report_filter report_filters[];

/* As options: rows of a table of fields. */
#define REPORT_FILTER_FIELDS                                                                                 \
        {.name = "area", .kind = VALUE_AREA, .text = "this area alone"},                                     \
            {.name = "prefecture", .kind = VALUE_PREFECTURE, .text = "this prefecture alone"},               \
            {.name = "hall", .kind = VALUE_HALL, .text = "this hall alone"},                                 \
            {.name = "atm", .kind = VALUE_TERMINAL, .text = "this ATM alone"},                               \
            {.name = "issuer", .kind = VALUE_ISSUER, .text = "this bank's cards alone"},                     \
        {                                                                                                    \
                .name = "band", .kind = VALUE_BAND, .text = "this band alone"                                \
        }

/* Whether what the options name exists; false after a complaint. */
ATM_MUST_USE bool report_filters_exist(struct database *database, const struct invocation *invocation);

#endif
