/* The trace's names; see operator.h. */
#include "tools/atmctl/operator.h"

#include <inttypes.h>
#include <pwd.h>
#include <unistd.h>

#include "tools/atmctl/business_clock.h"

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
            database, "SELECT set_config('atm.now_ms', $1, false), set_config('atm.who', $2, false)", 2,
            parameters);
}
