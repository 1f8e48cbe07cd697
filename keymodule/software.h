/* The back end that is software: OpenSSL under a master key (master.h). It answers at once. */
#ifndef KEYMODULE_SOFTWARE_H
#define KEYMODULE_SOFTWARE_H

#include "keymodule/backend.h"
#include "keymodule/master.h"
#include "lib/security/token.h"

/* The master is copied; wiped with the back end. token: for card tokens, taken over; NULL: it makes none. NULL: out of memory. */
ATM_MUST_USE struct backend *software_new(const struct master *master, struct token_key *token);

#endif
