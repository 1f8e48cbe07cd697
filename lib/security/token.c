/*
 * Card tokens. One keyed context is made at the start and used for every token; a token costs one HMAC of a
 * short text and nothing is allocated here.
 *
 * Invariants: wherever the key's digits were on the way, they are wiped, whatever the outcome;
 * no error shows any of them.
 */
#include "lib/security/token.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/hex.h"

enum { KEY_LENGTH = 32, KEY_DIGITS = 2 * KEY_LENGTH, HMAC_LENGTH = 32 };

struct token_key {
        EVP_MAC_CTX *mac; /* keyed; started anew for each token */
};

/* 64 digits, then nothing but one line end. */
static bool key_parse(const char *text, size_t length, uint8_t ret_key[KEY_LENGTH])
{
        if (length > 0 && text[length - 1] == '\n')
                length--;
        if (length > 0 && text[length - 1] == '\r')
                length--;
        return length == KEY_DIGITS && hex_parse(text, ret_key, KEY_LENGTH);
}

static bool key_read(int fd, const struct stat *status, const char *path, uint8_t ret_key[KEY_LENGTH],
                     char error[TOKEN_ERROR_MAX])
{
        char text[KEY_DIGITS + 3]; /* two for the line end, one to see that there is more */
        size_t length = 0;
        ssize_t n = -1;

        if (status->st_mode & 077) {
                snprintf(error, TOKEN_ERROR_MAX,
                         "%s: mode %04o lets others at the key; expected 0600 (chmod 600)", path,
                         (unsigned)status->st_mode & 07777);
                return false;
        }
        while (length < sizeof(text) && (n = read(fd, text + length, sizeof(text) - length)) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        break;
                length += (size_t)n;
        }
        bool good = n >= 0 && key_parse(text, length, ret_key);
        if (n < 0)
                snprintf(error, TOKEN_ERROR_MAX, "%s: %s", path, strerror(errno));
        else if (!good)
                snprintf(error, TOKEN_ERROR_MAX, "%s: not a key; expected exactly %d hexadecimal digits",
                         path, KEY_DIGITS);
        OPENSSL_cleanse(text, sizeof(text));
        return good;
}

static EVP_MAC_CTX *mac_new(const uint8_t key[KEY_LENGTH])
{
        char digest[] = "SHA256";
        OSSL_PARAM parameter[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                  OSSL_PARAM_construct_end()};
        EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
        EVP_MAC_CTX *mac = algorithm ? EVP_MAC_CTX_new(algorithm) : NULL;
        EVP_MAC_free(algorithm);
        if (mac && EVP_MAC_init(mac, key, KEY_LENGTH, parameter) == 1)
                return mac;
        EVP_MAC_CTX_free(mac);
        return NULL;
}

struct token_key *token_key_load(const char *path, char error[TOKEN_ERROR_MAX])
{
        uint8_t bytes[KEY_LENGTH];
        struct stat status;
        const char *why;
        int fd = file_open(path, &status, &why);
        if (fd < 0) {
                snprintf(error, TOKEN_ERROR_MAX, "%s: %s; expected a file of %d hexadecimal digits", path,
                         why, KEY_DIGITS);
                return NULL;
        }
        bool good = key_read(fd, &status, path, bytes, error);
        close(fd);
        if (!good)
                return NULL;

        struct token_key *key = calloc(1, sizeof(*key));
        if (key)
                key->mac = mac_new(bytes);
        OPENSSL_cleanse(bytes, sizeof(bytes));
        if (key && key->mac)
                return key;
        free(key);
        snprintf(error, TOKEN_ERROR_MAX, "%s: OpenSSL can't set up HMAC-SHA-256", path);
        return NULL;
}

void token_key_free(struct token_key *key)
{
        if (!key)
                return;
        EVP_MAC_CTX_free(key->mac);
        free(key);
}

void token_of_text(struct token_key *key, const char *text, uint8_t ret_token[TOKEN_LENGTH])
{
        uint8_t full[HMAC_LENGTH];
        size_t length = 0;
        /* Without a key, init starts anew under the one that the context has. */
        bool good = EVP_MAC_init(key->mac, NULL, 0, NULL) == 1 &&
                    EVP_MAC_update(key->mac, (const uint8_t *)text, strlen(text)) == 1 &&
                    EVP_MAC_final(key->mac, full, &length, sizeof(full)) == 1;
        assert(good && length == HMAC_LENGTH);
        memcpy(ret_token, full, TOKEN_LENGTH);
        OPENSSL_cleanse(full, sizeof(full));
}

void token_of_pan(struct token_key *key, const char *pan, uint8_t ret_token[TOKEN_LENGTH])
{
        token_of_text(key, pan, ret_token);
}

void token_key_check_value(struct token_key *key, char ret_text[TOKEN_CHECK_TEXT])
{
        uint8_t token[TOKEN_LENGTH];
        token_of_text(key, "check value", token);
        hex_print(token, TOKEN_LENGTH, ret_text);
}

void token_print(const uint8_t token[TOKEN_LENGTH], char buffer[37])
{
        static const uint8_t group[] = {4, 2, 2, 2, 6};
        for (size_t i = 0; i < sizeof(group); token += group[i++]) {
                buffer = hex_put(buffer, token, group[i]);
                *buffer++ = '-';
        }
        buffer[-1] = '\0';
}
