/* The trace's names; see operator.h. */
#include "tools/atmctl/operator.h"

#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "tools/atmctl/business_clock.h"

enum { ATTEMPTS_MAX = 20, PAUSE_US = 20000 };

const char *operator_name(void)
{
        static char name[64];
        const struct passwd *user = getpwuid(getuid());

        if (user)
                snprintf(name, sizeof(name), "%s", user->pw_name);
        else
                snprintf(name, sizeof(name), "uid %ju", (uintmax_t)getuid());
        return name;
}

const char *operator_now(void)
{
        static char text[24];

        snprintf(text, sizeof(text), "%" PRId64, real_now_ms());
        return text;
}

bool operator_sign(struct database *database)
{
        const char *parameters[] = {operator_now(), operator_name()};

        return database_execute(
            database, "SELECT set_config('atm.now_ms', $1, false), set_config('atm.who', $2, false)", 2, parameters);
}

static bool is_collision(const PGresult *result)
{
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        return state && (!strcmp(state, "40001") || !strcmp(state, "40P01"));
}

PGresult *operator_query(struct database *database, const char *sql, int count, const char *const *parameters)
{
        PGresult *result = PQexecParams(database->connection, sql, count, NULL, parameters, NULL, NULL, 0);

        for (int attempt = 1; is_collision(result) && attempt < ATTEMPTS_MAX; attempt++) {
                PQclear(result);
                usleep(PAUSE_US);
                result = PQexecParams(database->connection, sql, count, NULL, parameters, NULL, NULL, 0);
        }
        if (PQresultStatus(result) == PGRES_TUPLES_OK)
                return result;
        database_complain(database, result);
        PQclear(result);
        return NULL;
}
