/*
 * A bank's accounts from a laboratory's card file: CSV with the columns pan, expiry, issuer and balance_yen
 * in any order (others, pin among them, are read past). Rows of other issuers are passed over, so that
 * several banks can share a file. The card numbers are turned into tokens at once and wiped: none stays in
 * memory.
 */
#ifndef BANKSIM_ACCOUNTS_H
#define BANKSIM_ACCOUNTS_H

#include <stddef.h>

#include "lib/security/token.h"
#include "lib/base/attributes.h"
#include "tools/banksim/bank.h"

enum { ACCOUNTS_ERROR_MAX = 768 };

/* False with a text in error[] that names file, line and column; the bank is not to be used then. */
ATM_MUST_USE bool accounts_load(const char *path, const char *issuer, struct bank *bank,
                                struct token_key *key, size_t *ret_count, char error[ACCOUNTS_ERROR_MAX]);

#endif
