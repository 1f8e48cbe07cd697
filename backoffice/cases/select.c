#include "backoffice/cases/select.h"

#include <assert.h>

#include "lib/base/number.h"
#include "rules/calendar.h"

enum { RRN_YEARS = 10 };

/* Whoever asks has checked the text. */
static const char *moment_of(const char *text, bool end, char buffer[26])
{
        int32_t day;
        int64_t moment_ms;
        bool is_moment = true;

        if (calendar_parse_day(text, &day))
                moment_ms = calendar_day_start_ms(day + end);
        else
                is_moment = calendar_parse_moment(text, &moment_ms);
        assert(is_moment);
        calendar_print_moment(moment_ms, buffer);
        return buffer;
}

void select_time(struct selection *selection, const char *column, const char *from, const char *to)
{
        char moment[26];

        if (from)
                sql_add(&selection->conditions, " AND %s >= $%d::timestamptz", column,
                        selection_keep(selection, moment_of(from, false, moment)));
        if (to)
                sql_add(&selection->conditions, " AND %s < $%d::timestamptz", column,
                        selection_keep(selection, moment_of(to, true, moment)));
}

static int days_of_year(int year)
{
        return calendar_day(year + 1, 1, 1) - calendar_day(year, 1, 1);
}

/* YDDDHH and the STAN: an hour of each year with that last digit for which there are partitions. No year begins with a day
 * 000, nor has each a day 366. */
bool select_rrn(struct selection *selection, PGconn *connection, const char *prefix, const char *rrn,
                char error[PG_ERROR_MAX])
{
        PGresult *result = pg_query(connection,
                                    "SELECT extract(year FROM min(from_on))::integer, extract(year FROM "
                                    "max(to_on))::integer FROM ledger_partition",
                                    0, NULL, error);
        int first, last, digit, day_of_year, hour;

        if (!result)
                return false;
        first = (int)pg_number(result, 0, 0);
        last = (int)pg_number(result, 0, 1);
        PQclear(result);
        digit = (int)number_known_bytes(rrn, 1);
        day_of_year = (int)number_known_bytes(rrn + 1, 3);
        hour = (int)number_known_bytes(rrn + 4, 2);
        sql_add(&selection->conditions, " AND %sstan = %d AND (false", prefix, (int)number_known(rrn + 6));
        for (int year = first + (digit - first % 10 + RRN_YEARS) % RRN_YEARS; year <= last;
             year += RRN_YEARS) {
                int64_t start_ms = calendar_day_start_ms(calendar_day(year, 1, 1) + day_of_year - 1) +
                                   (int64_t)hour * 60 * MINUTE_MS;
                char from[26], to[26];

                if (day_of_year < 1 || day_of_year > days_of_year(year) || hour >= 24)
                        continue;
                calendar_print_moment(start_ms, from);
                calendar_print_moment(start_ms + 60 * MINUTE_MS, to);
                sql_add(&selection->conditions, " OR (%stransmitted_at >= '%s' AND %stransmitted_at < '%s')",
                        prefix, from, prefix, to);
        }
        sql_add(&selection->conditions, ")");
        return true;
}
