/* The trace's names; see operator.h. */
#include "tools/atmctl/operator.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "lib/base/now.h"

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
