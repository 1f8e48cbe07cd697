#include "lib/db/conninfo.h"

#include <stdio.h>
#include <string.h>

/* What the first of them says; NULL: neither does. */
static const char *option_value(const PQconninfoOption *given, const PQconninfoOption *otherwise,
                                const char *keyword)
{
        const PQconninfoOption *const both[] = {given, otherwise};

        for (size_t i = 0; i < sizeof(both) / sizeof(*both); i++) {
                for (const PQconninfoOption *option = both[i]; option && option->keyword; option++) {
                        if (!strcmp(option->keyword, keyword) && option->val && *option->val)
                                return option->val;
                }
        }
        return NULL;
}

/* A socket's folder or abstract name, or this machine by name or address. */
static bool is_here(const char *host, size_t length)
{
        static const char *const names[] = {"localhost", "::1"};

        if (!length || *host == '/' || *host == '@')
                return true;
        if (!strncmp(host, "127.", 4) && strspn(host, "0123456789.") >= length) /* no name, as 127.example */
                return true;
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
                if (strlen(names[i]) == length && !strncmp(host, names[i], length))
                        return true;
        }
        return false;
}

/* The next of a list, "" where there is none; *at goes on behind it, to NULL after the last. */
static const char *next_of(const char **at, size_t *ret_length)
{
        const char *value = *at ? *at : "";

        *ret_length = strcspn(value, ",");
        *at = value[*ret_length] ? value + *ret_length + 1 : NULL;
        return value;
}

static bool are_private(const PQconninfoOption *given, const PQconninfoOption *otherwise,
                        char error[CONNINFO_ERROR_MAX])
{
        const char *addresses = option_value(given, otherwise, "hostaddr"),
                   *mode = option_value(given, otherwise, "sslmode"),
                   *hosts = option_value(given, otherwise, "host");

        if (mode && !strcmp(mode, "verify-full"))
                return true;
        /* libpq goes to each by its own address, and by its name where that is empty */
        while (addresses || hosts) {
                size_t length, host_length;
                const char *to = next_of(&addresses, &length), *host = next_of(&hosts, &host_length);

                if (!length) {
                        to = host;
                        length = host_length;
                }
                if (is_here(to, length))
                        continue;
                snprintf(error, CONNINFO_ERROR_MAX,
                         "%.*s is another machine, and sslmode is %.20s: expected 'sslmode=verify-full "
                         "sslrootcert=FILE', FILE being "
                         "the authority of the server's certificate",
                         (int)(length < 120 ? length : 120), to, mode ? mode : "prefer");
                return false;
        }
        return true;
}

bool conninfo_is_private(const char *conninfo, char error[CONNINFO_ERROR_MAX])
{
        PQconninfoOption *given = PQconninfoParse(conninfo, NULL), *otherwise = PQconndefaults();
        bool good = !given || are_private(given, otherwise, error);

        PQconninfoFree(given);
        PQconninfoFree(otherwise);
        return good;
}

bool conninfo_of_is_private(PGconn *connection, char error[CONNINFO_ERROR_MAX])
{
        PQconninfoOption *options = PQconninfo(connection);
        bool good = are_private(options, NULL, error);

        PQconninfoFree(options);
        return good;
}

bool conninfo_has_password(const char *conninfo)
{
        PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
        bool has = option_value(given, NULL, "password") || option_value(given, NULL, "sslpassword");

        PQconninfoFree(given);
        return has;
}
