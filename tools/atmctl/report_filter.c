/* The filters as rows. */
#include "tools/atmctl/report_filter.h"

#include <string.h>

const struct report_filter report_filters[] = {
    {"area", "h.area", REPORT_HALL, "SELECT FROM area WHERE area = $1", "area list"},
    {"prefecture", "h.prefecture", REPORT_HALL, "SELECT FROM hall WHERE prefecture = $1 LIMIT 1",
     "hall list"},
    {"hall", "s.hall", REPORT_HALL, "SELECT FROM hall WHERE hall = $1", "hall list"},
    {"atm", "s.terminal", REPORT_ATM, "SELECT FROM atm WHERE terminal = $1", "atm list"},
    {"issuer", "s.issuer", REPORT_ISSUER, "SELECT FROM issuer WHERE issuer = $1", "issuer list"},
    {"band", "s.band", REPORT_BAND, NULL, NULL},
    {.option = NULL},
};

static bool exists(struct database *database, const struct invocation *invocation,
                   const struct report_filter *filter)
{
        const char *value = invocation_value(invocation, filter->option);
        PGresult *result = database_query(database, filter->exists, 1, &value);
        bool found = result && PQntuples(result);

        if (result && !found) {
                complain("%s: --%s: there is no %s '%s'", invocation_name(invocation), filter->option,
                         strcmp(filter->option, "atm") ? filter->option : "ATM", value);
                note("'atmctl %s' shows them", filter->list);
        }
        PQclear(result);
        return found;
}

bool report_filters_exist(struct database *database, const struct invocation *invocation)
{
        for (const struct report_filter *filter = report_filters; filter->option; filter++) {
                if (filter->exists && invocation_has(invocation, filter->option) &&
                    !exists(database, invocation, filter))
                        return false;
        }
        return true;
}
