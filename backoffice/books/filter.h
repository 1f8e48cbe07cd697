/* What a report is narrowed to: one area, prefecture, hall, ATM, issuer or band. */
#ifndef BACKOFFICE_BOOKS_FILTER_H
#define BACKOFFICE_BOOKS_FILTER_H

#include "lib/db/pg_query.h"

/* The dimensions of the books. */
enum books_dimension {
        BOOKS_ATM = 1,
        BOOKS_HALL = 2,
        BOOKS_ISSUER = 4,
        BOOKS_BAND = 8,
        BOOKS_HOUR = 16,
        BOOKS_DAY = 32,
};

enum filter {
        FILTER_AREA,
        FILTER_PREFECTURE,
        FILTER_HALL,
        FILTER_ATM,
        FILTER_ISSUER,
        FILTER_BAND,
        FILTER_COUNT
};

struct filter_row {
        const char *name;
        const char *column; /* SQL over a cube s and where its hall was, h */
        unsigned needs;     /* dimensions */
        const char *exists; /* SQL: is there such a one, $1? NULL: its kind of value says what there is */
};
extern const struct filter_row filter_rows[FILTER_COUNT];

/* Who asks for one that does not exist is told so, and not that it earned nothing. False with an error. */
ATM_MUST_USE bool filter_exists(PGconn *connection, enum filter filter, const char *value, bool *ret_exists,
                                char error[PG_ERROR_MAX]);

#endif
