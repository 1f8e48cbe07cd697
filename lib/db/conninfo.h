/* Ways to reach PostgreSQL, as libpq takes them. */
#ifndef LIB_DB_CONNINFO_H
#define LIB_DB_CONNINFO_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "lib/base/attributes.h"

enum { CONNINFO_ERROR_MAX = 320 };

/* Whether nobody between can read or change what goes to the server and back: it is on this machine, or sslmode=verify-full. What the
 * text leaves open the environment says, as libpq has it. False with what is wrong and what to write; a text that libpq does not take
 * is not judged. */
ATM_MUST_USE bool conninfo_is_private(const char *conninfo, char error[CONNINFO_ERROR_MAX]);
/* The same of a connection, whose service file may have said more. */
ATM_MUST_USE bool conninfo_of_is_private(PGconn *connection, char error[CONNINFO_ERROR_MAX]);
/* A secret, which must not be where others can read it. A text that libpq does not take has none. */
ATM_MUST_USE bool conninfo_has_password(const char *conninfo);

#endif
