/* Certificates and keys from files: see keys.h. */
#include "daemon/keys.h"

#include <stdio.h>
#include <string.h>

#include "lib/security/tls.h"

static bool load_tls(const struct settings *settings, struct keys *keys, char *error, size_t size)
{
        char why[TLS_ERROR_MAX];
        keys->tls = tls_server_context(settings->tls_ca, settings->tls_certificate, settings->tls_key,
                                       settings->tls_minimum, why);
        size_t revoked;
        if (keys->tls && (!*settings->tls_crl || tls_use_crl(keys->tls, settings->tls_crl, &revoked, why)))
                return true;
        snprintf(error, size, "[tls] %s", why);
        return false;
}

static bool load_token(const struct settings *settings, struct keys *keys, char *error, size_t size)
{
        char why[TOKEN_ERROR_MAX];
        keys->token = token_key_load(settings->token_key_file, why);
        if (!keys->token)
                snprintf(error, size, "[card] token_key_file: %s", why);
        return keys->token;
}

bool keys_load(const struct settings *settings, struct keys *ret_keys, char *error, size_t size)
{
        struct keys keys = {0};
        if (load_tls(settings, &keys, error, size) && load_token(settings, &keys, error, size) &&
            (keys.banks = banks_load_keys(settings, error, size))) {
                *ret_keys = keys;
                return true;
        }
        keys_free(&keys);
        return false;
}

void keys_free(struct keys *keys)
{
        SSL_CTX_free(keys->tls);
        token_key_free(keys->token);
        banks_free_keys(keys->banks);
        *keys = (struct keys){0};
}

bool keys_same_token(const struct keys *a, const struct keys *b)
{
        char of_a[TOKEN_CHECK_TEXT], of_b[TOKEN_CHECK_TEXT];
        token_key_check_value(a->token, of_a);
        token_key_check_value(b->token, of_b);
        return strcmp(of_a, of_b) == 0;
}
