/*
 * How the books stand when a report is made: since when there are any, through which day they are closed, what of them was generated. By that
 * a reader knows what a figure may lack, and whether it may still change.
 */
#ifndef BACKOFFICE_BOOKS_STANDING_H
#define BACKOFFICE_BOOKS_STANDING_H

#include "backoffice/books/period.h"
#include "lib/db/pg_query.h"

/* History that was generated, which every report says. */
struct generated {
        const char *scenario, *scale, *atms, *atms_whole; /* as they are read: "1,066" */
        bool finished;
};
enum { GENERATED_MAX = 8 };

struct standing {
        int32_t begun_day;  /* the business day of the first commission; INT32_MAX: there is none */
        int32_t closed_day; /* the last one that is closed; INT32_MIN: none is */
        bool is_part;       /* generated of a part of its fleet: what the whole published is no measure */
        struct generated run[GENERATED_MAX];
        size_t runs;
        PGresult *held[2]; /* the texts */
};

/* In a snapshot (summary.h). False with an error. standing_free in any case. */
ATM_MUST_USE bool standing_load(PGconn *connection, struct standing *ret_standing, char error[PG_ERROR_MAX]);
void standing_free(struct standing *standing);

/* Whether the books have only a part of a period, or nothing, because they began later: it is no measure of another. */
bool standing_lacks(const struct standing *standing, const struct period *period);
/* Whether figures of a period may still change: it is not over, or not closed. */
bool standing_is_provisional(const struct standing *standing, const struct period *period, int32_t today);

#endif
