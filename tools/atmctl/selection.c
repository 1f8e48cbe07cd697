/* Options to conditions. */
#include "tools/atmctl/selection.h"

#include <assert.h>
#include <stdlib.h>

#include "rules/calendar.h"

enum { RRN_YEARS = 10 };

int selection_parameter(struct selection *selection, const char *value)
{
        assert(selection->count < SELECTION_PARAMETERS_MAX);
        selection->parameters[selection->count] = value;
        return ++selection->count;
}

/* A day stands for its first moment, or, as an end, for the first moment of the next day. */
static const char *moment_of(const char *text, bool end, char buffer[26])
{
        int32_t day;
        int64_t moment_ms;

        if (calendar_parse_day(text, &day))
                moment_ms = calendar_day_start_ms(day + end);
        else if (!calendar_parse_moment(text, &moment_ms))
                return NULL;
        calendar_print_moment(moment_ms, buffer);
        return buffer;
}

void select_time(struct selection *selection, const struct invocation *invocation, const char *column)
{
        const char *from = invocation_value(invocation, "from"), *to = invocation_value(invocation, "to");

        if (from)
                sql_add(&selection->conditions, " AND %s >= $%d::timestamptz", column,
                        selection_parameter(selection, moment_of(from, false, selection->from)));
        if (to)
                sql_add(&selection->conditions, " AND %s < $%d::timestamptz", column,
                        selection_parameter(selection, moment_of(to, true, selection->to)));
}

/* YDDDHH and the STAN: an hour of each year with that last digit for which there are partitions. */
bool select_rrn(struct selection *selection, struct database *database, const char *prefix, const char *rrn)
{
        PGresult *result =
            database_query(database,
                           "SELECT extract(year FROM min(from_on))::integer, extract(year FROM "
                           "max(to_on))::integer FROM ledger_partition",
                           0, NULL);
        int first, last, day_of_year, hour;

        if (!result)
                return false;
        first = atoi(PQgetvalue(result, 0, 0));
        last = atoi(PQgetvalue(result, 0, 1));
        PQclear(result);
        day_of_year = (rrn[1] - '0') * 100 + (rrn[2] - '0') * 10 + rrn[3] - '0';
        hour = (rrn[4] - '0') * 10 + rrn[5] - '0';
        sql_add(&selection->conditions, " AND %sstan = %d AND (false", prefix, atoi(rrn + 6));
        for (int year = first + (rrn[0] - '0' - first % 10 + RRN_YEARS) % RRN_YEARS; year <= last;
             year += RRN_YEARS) {
                int64_t start_ms = calendar_day_start_ms(calendar_day(year, 1, 1) + day_of_year - 1) +
                                   (int64_t)hour * 60 * MINUTE_MS;
                char from[26], to[26];

                calendar_print_moment(start_ms, from);
                calendar_print_moment(start_ms + 60 * MINUTE_MS, to);
                sql_add(&selection->conditions, " OR (%stransmitted_at >= '%s' AND %stransmitted_at < '%s')",
                        prefix, from, prefix, to);
        }
        sql_add(&selection->conditions, ")");
        return true;
}

void select_equal(struct selection *selection, const char *column, const char *type, const char *value)
{
        if (value)
                sql_add(&selection->conditions, " AND %s = $%d::%s", column,
                        selection_parameter(selection, value), type);
}
