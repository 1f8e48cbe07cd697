/* How the books stand; see standing.h. */
#include "backoffice/books/standing.h"

#include "rules/calendar.h"

/* The first moment is at the front of an index in each quarter. */
static const char stand_sql[] =
    "SELECT (min(transmitted_at) AT TIME ZONE 'Asia/Tokyo')::date - DATE '1970-01-01', (SELECT "
    "closed_through - DATE '1970-01-01' FROM "
    "books), EXISTS (SELECT FROM history_run WHERE atms < atms_whole) FROM commission";

static const char runs_sql[] =
    "SELECT scenario, scale, to_char(atms, 'FM999,999,999'), to_char(atms_whole, 'FM999,999,999'), finished "
    "FROM history_run ORDER BY from_on, scenario";

static int32_t day_at(const PGresult *result, int column, int32_t fallback)
{
        return PQgetisnull(result, 0, column) ? fallback : (int32_t)pg_number(result, 0, column);
}

bool standing_load(PGconn *connection, struct standing *ret_standing, char error[PG_ERROR_MAX])
{
        PGresult *stand = pg_query(connection, stand_sql, 0, NULL, error);
        PGresult *runs = stand ? pg_query(connection, runs_sql, 0, NULL, error) : NULL;

        *ret_standing = (struct standing){.held = {stand, runs}};
        if (!runs)
                return false;
        ret_standing->begun_day = day_at(stand, 0, INT32_MAX);
        ret_standing->closed_day = day_at(stand, 1, INT32_MIN);
        ret_standing->is_part = *PQgetvalue(stand, 0, 2) == 't';
        for (int i = 0; i < PQntuples(runs) && ret_standing->runs < GENERATED_MAX; i++)
                ret_standing->run[ret_standing->runs++] =
                    (struct generated){PQgetvalue(runs, i, 0), PQgetvalue(runs, i, 1), PQgetvalue(runs, i, 2),
                                       PQgetvalue(runs, i, 3), *PQgetvalue(runs, i, 4) == 't'};
        return true;
}

void standing_free(struct standing *standing)
{
        PQclear(standing->held[0]);
        PQclear(standing->held[1]);
}

bool standing_lacks(const struct standing *standing, const struct period *period)
{
        return period->first_day < standing->begun_day;
}

bool standing_is_provisional(const struct standing *standing, const struct period *period, int32_t today)
{
        return !period_is_over(period, today) || standing->closed_day < period->last_day;
}
