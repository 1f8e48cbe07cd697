/*
 * What atmd reads from the files of certificates and keys that its configuration names: at the start, for
 * --check-config, and at a reload. Whoever takes one of them for himself refers to it, or copies it.
 */
#ifndef DAEMON_KEYS_H
#define DAEMON_KEYS_H

#include <openssl/ssl.h>

#include "config/settings.h"
#include "daemon/banks/banks.h"
#include "lib/security/token.h"

struct keys {
        SSL_CTX *tls; /* towards ATMs */
        struct token_key *token;
        struct bank_keys *banks;
};

/* All or none; false with a text in error[], which names section and key. */
ATM_MUST_USE bool keys_load(const struct settings *settings, struct keys *ret_keys, char *error, size_t size);
void keys_free(struct keys *keys);

/* Whether both make the same tokens of the same cards. */
bool keys_same_token(const struct keys *a, const struct keys *b);

#endif
