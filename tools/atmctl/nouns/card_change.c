/* One change of one card. */
#include "tools/atmctl/nouns/card_change.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/db/pg_query.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/database.h"

bool print_today(const struct invocation *invocation, char ret_day[11])
{
        int32_t day;

        if (!business_today(invocation, &day))
                return false;
        calendar_print_day(day, ret_day);
        return true;
}

int change_card(const struct invocation *invocation, const char *sql, int count,
                const char *const *parameters, const char *what, const char *nothing)
{
        struct database database;
        PGresult *result;
        int exit_code = EXIT_FAILED;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        result = database_query(&database, sql, count, parameters);
        if (result && !pg_rows_written(result)) {
                complain("%s: %s", invocation_name(invocation), nothing);
        } else if (result) {
                printf("card %s: %s\n", parameters[0], what);
                exit_code = EXIT_DONE;
        }
        PQclear(result);
        database_close(&database);
        return exit_code;
}
