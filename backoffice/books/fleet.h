/*
 * What ATMs, halls or areas earn and cost, where they stand, and how others do.
 *
 * Costs of a quarter go to the ATM-days of that quarter evenly: each ATM gets its part of the running sum, so that the parts
 * add up to the cost to the yen. A cost that was not entered is missing, and so is every profit that would need it; an ATM
 * that earned without a contract has no days, and no costs either.
 */
#ifndef BACKOFFICE_BOOKS_FLEET_H
#define BACKOFFICE_BOOKS_FLEET_H

#include "backoffice/books/figure.h"
#include "backoffice/books/period.h"
#include "backoffice/books/standing.h"
#include "lib/db/pg_query.h"

struct fleet_question {
        struct period period;
        int32_t today; /* by business; a period that is not over counts up to it */
        const struct standing *standing;
        const char *by;       /* atm, hall, area */
        const int64_t *limit; /* of the ranking, NULL: all; its total is of all */
};

/* The most profitable first. */
struct fleet_row {
        const char *key, *name; /* name: of an ATM those of its halls, '\n' between them */
        struct figure rank, atms, days, withdrawals, commission_yen, base_fee_yen, revenue_yen,
            hall_share_yen;
        struct figure cash_in_transit_yen, network_yen, maintenance_yen, depreciation_yen, cost_yen,
            profit_yen;
        struct figure withdrawals_per_day_tenths, revenue_per_day_tenths,
            profit_tenths; /* the last of a percent */
};

/* ATMs in place on the last day that counts, for each hundred parlors, whoever serves them. */
struct fleet_area {
        const char *area, *name;
        struct figure atms, halls, parlors, penetration_tenths; /* of a percent */
};

/* Theirs as it was published, which is of a year, and ours of the twelve months that end with the period; in decimals, as many in one as in the
 * others. NULL: missing, as ours is where the books have not all of the twelve months, or, where it is a measure of size, but a part of the fleet. */
struct fleet_peer {
        const char *peer, *item, *ours, *theirs, *difference, *source;
};

struct fleet {
        struct fleet_row *row;
        struct fleet_area *area;
        struct fleet_peer *peer;
        size_t rows, areas, peers;
        size_t more;            /* rows beyond the question's limit */
        struct period year;     /* that ours is of, where there are peers */
        struct fleet_row total; /* its key is "total" */
        struct fleet_area areas_total;
        int64_t without_contract; /* ATMs that earned where they had none */
        const char *missing;      /* "3Q16: network, maintenance": costs that were not entered; NULL: none */
        PGresult *held[5];        /* the texts */
};

/* What the total has beyond the rows that are shown; false: nothing. Its key is "others". */
bool fleet_others(const struct fleet *fleet, struct fleet_row *ret_others);
/* The quotients of a row. */
void fleet_derive(struct fleet_row *row);

/* In a snapshot (summary.h). False with an error. fleet_free in any case. */
ATM_MUST_USE bool fleet_load(PGconn *connection, const struct fleet_question *question,
                             struct fleet *ret_fleet, char error[PG_ERROR_MAX]);
void fleet_free(struct fleet *fleet);

#endif
