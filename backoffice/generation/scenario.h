/*
 * A scenario: what a history that never was looks like. Read from an ini file whose every assumption stands
 * beside its reason; the figures that finance enters stand in it too and are passed on as they are.
 *
 * The sections: period, fleet, placed, demand, demand quarter, weekday, hours, amounts, issuers, cards, ends;
 * and cost QUARTER, target YEAR DATE, published PERIOD, peer NAME, rate ITEM, parlors.
 *
 * Shares are per mille (1000 is all), frequencies in basis points (10000 is always): integers, so that the same
 * file and seed give the same history on any machine.
 */
#ifndef BACKOFFICE_GENERATION_SCENARIO_H
#define BACKOFFICE_GENERATION_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "rules/reference.h"

enum {
        SCENARIO_ERROR_MAX = 512,
        SCENARIO_NAME_MAX = 48,
        SCENARIO_PLACED_MAX = 24,
        SCENARIO_QUARTERS_MAX = 16,
        SCENARIO_AMOUNTS_MAX = 32,
        SCENARIO_ISSUERS_MAX = 8,
        SCENARIO_ENTRIES_MAX = 256,
        SCENARIO_CARDS_MAX = 4000,
};

struct scenario_placed {
        int32_t day; /* at its end so many ATMs stand */
        int64_t atms;
};

struct scenario_quarter {
        char name[8]; /* "1Q15" */
        int32_t from_day, to_day;
        int64_t permille; /* of the usual demand */
};

struct scenario_amount {
        int64_t yen, weight;
};

struct scenario_issuer {
        char issuer[ISSUER_MAX + 1];
        int64_t permille; /* of the cards */
};

/* A figure that finance would enter. */
enum scenario_entry_kind {
        ENTRY_COST,
        ENTRY_TARGET,
        ENTRY_PUBLISHED,
        ENTRY_PEER,
        ENTRY_RATE,
        ENTRY_PARLORS,
        ENTRY_KINDS
};

struct scenario_entry {
        enum scenario_entry_kind kind;
        int line;
        char key[2][24]; /* of the section: quarter; fiscal year, date; period; peer; item */
        char name[40];   /* the key: an item, a date, an area */
        char value[40];
        char source[160]; /* of the section; "": none */
};

struct scenario {
        char path[256];
        char name[SCENARIO_NAME_MAX]; /* the file's */
        char digest[65];              /* SHA-256 of the file, hexadecimal */
        int32_t from_day, to_day;     /* both included */
        struct scenario_placed placed[SCENARIO_PLACED_MAX];
        size_t placed_count;
        int64_t base_fee_low_yen, base_fee_high_yen; /* a month; steps of 1,000 between them */
        int64_t demand_hundredths;                   /* withdrawals asked for, an ATM and day */
        int64_t spread_permille;                     /* from ATM to ATM */
        int64_t holiday_permille, new_year_permille, obon_permille, payday_permille;
        int64_t weekday_permille[7]; /* Sunday first */
        struct scenario_quarter quarter[SCENARIO_QUARTERS_MAX];
        size_t quarter_count;
        int64_t hour_weight[24];
        struct scenario_amount amount[SCENARIO_AMOUNTS_MAX];
        size_t amount_count;
        struct scenario_issuer issuer[SCENARIO_ISSUERS_MAX];
        size_t issuer_count;
        int64_t cards_per_atm, empty_permille;                    /* house bank's accounts without money */
        int64_t none_bp, partial_bp, corrected_bp, taken_back_bp; /* how an approved one ends */
        int64_t refused_bp, silent_bp;                            /* what a bank over a link does */
        struct scenario_entry entry[SCENARIO_ENTRIES_MAX];
        size_t entry_count;
};

/* False with "FILE:LINE: [section] key: ..." in error. */
ATM_MUST_USE bool scenario_load(const char *path, struct scenario *ret_scenario,
                                char error[SCENARIO_ERROR_MAX]);

/* How many ATMs stand at the end of a day, of the whole fleet: straight lines between the days that are given. */
int64_t scenario_placed_on(const struct scenario *scenario, int32_t day);
/* How many there are at most: the whole fleet. */
int64_t scenario_fleet(const struct scenario *scenario);
/* The demand of a day, in per mille of the usual one: quarter, weekday, holidays, pay day. */
int64_t scenario_day_permille(const struct scenario *scenario, const struct reference *reference,
                              int32_t day);

#endif
