/* One change of one card. */
#include "tools/atmctl/nouns/card_change.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/db/pg_query.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/change.h"

bool print_today(const struct invocation *invocation, char ret_day[11])
{
        int32_t day;

        if (!business_today(invocation, &day))
                return false;
        calendar_print_day(day, ret_day);
        return true;
}

struct change {
        const char *sql;
        int count;
        const char *const *parameters;
        const char *what, *nothing; /* what is said of it, and where no row was like that */
};

static bool change(struct database *database, const struct invocation *invocation, void *context)
{
        const struct change *change = context;
        PGresult *result = database_query(database, change->sql, change->count, change->parameters);
        bool changed = result && pg_rows_written(result);

        if (changed)
                change_say(invocation, "card %s: %s\n", change->parameters[0], change->what);
        else if (result)
                complain("%s: %s", invocation_name(invocation), change->nothing);
        PQclear(result);
        return changed;
}

int change_card(const struct invocation *invocation, const char *sql, int count,
                const char *const *parameters, const char *what, const char *nothing)
{
        struct change asked = {sql, count, parameters, what, nothing};

        return change_run(invocation, change, &asked);
}
