/* A password from whoever sits at a terminal: what is typed is not shown. */
#ifndef ATMCTL_PASSWORD_H
#define ATMCTL_PASSWORD_H

#include <stdbool.h>

#include "lib/base/attributes.h"

enum { PASSWORD_MAX = 256 };

/* Asked for with that text. False: there is no terminal, or none was given. */
ATM_MUST_USE bool password_ask(const char *question, char ret_password[PASSWORD_MAX]);

#endif
