/* The filters as rows. */
#include "backoffice/books/filter.h"

const struct filter_row filter_rows[FILTER_COUNT] = {
    [FILTER_AREA] = {"area", "h.area", BOOKS_HALL, "SELECT FROM area WHERE area = $1"},
    [FILTER_PREFECTURE] = {"prefecture", "h.prefecture", BOOKS_HALL,
                           "SELECT FROM hall_place WHERE prefecture = $1 LIMIT 1"},
    [FILTER_HALL] = {"hall", "s.hall", BOOKS_HALL, "SELECT FROM hall WHERE hall = $1"},
    [FILTER_ATM] = {"atm", "s.terminal", BOOKS_ATM, "SELECT FROM atm WHERE terminal = $1"},
    [FILTER_ISSUER] = {"issuer", "s.issuer", BOOKS_ISSUER, "SELECT FROM issuer WHERE issuer = $1"},
    [FILTER_BAND] = {"band", "s.band", BOOKS_BAND, NULL},
};

bool filter_exists(PGconn *connection, enum filter filter, const char *value, bool *ret_exists,
                   char error[PG_ERROR_MAX])
{
        PGresult *result;

        *ret_exists = true;
        if (!filter_rows[filter].exists)
                return true;
        result = pg_query(connection, filter_rows[filter].exists, 1, &value, error);
        if (!result)
                return false;
        *ret_exists = PQntuples(result) > 0;
        PQclear(result);
        return true;
}
