/* The trace's names; see operator.h. */
#include "tools/atmctl/operator.h"

#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

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
