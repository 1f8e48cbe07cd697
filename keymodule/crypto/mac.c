/* Message authentication codes: see mac.h. */
#include "keymodule/crypto/mac.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

enum { PIECE = 512 /* bytes that are chained in one call */ };

static EVP_MAC *find_cmac(void)
{
        static EVP_MAC *algorithm;
        if (!algorithm)
                algorithm = EVP_MAC_fetch(NULL, "CMAC", NULL);
        return algorithm;
}

/* OpenSSL's name of the chained cipher, which CMAC is built on. */
static const char *cipher_name(const struct cipher_key *key)
{
        if (key->algorithm == CIPHER_TDES)
                return "DES-EDE3-CBC";
        return key->length == 16 ? "AES-128-CBC" : key->length == 24 ? "AES-192-CBC" : "AES-256-CBC";
}

void mac_cmac(const struct cipher_key *key, const uint8_t *data, size_t size, uint8_t *ret_mac)
{
        uint8_t bytes[CIPHER_KEY_MAX];
        size_t length = key->length, written = 0, block = cipher_block_size(key->algorithm);
        char name[16];

        assert(cipher_key_has_length(key->algorithm, key->length));
        strcpy(name, cipher_name(key));
        memcpy(bytes, key->bytes, length);
        if (key->algorithm == CIPHER_TDES && length == 16) {
                memcpy(bytes + 16, bytes, 8);
                length = 24;
        }
        OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, name, 0),
                                   OSSL_PARAM_construct_end()};
        EVP_MAC_CTX *context = EVP_MAC_CTX_new(find_cmac());
        int good = context && EVP_MAC_init(context, bytes, length, parameters) == 1 &&
                   EVP_MAC_update(context, data, size) == 1 &&
                   EVP_MAC_final(context, ret_mac, &written, block) == 1;
        assert(good && written == block);
        EVP_MAC_CTX_free(context);
        OPENSSL_cleanse(bytes, sizeof(bytes));
}

/* The last whole block of the chain goes on as the next one's iv. */
static void chain_on(const struct cipher_key *key, const uint8_t *data, size_t size, uint8_t *state)
{
        uint8_t piece[PIECE];
        size_t block = cipher_block_size(key->algorithm);

        while (size > 0) {
                size_t now = size < PIECE ? size : PIECE;
                cipher_chain(key, CIPHER_ENCIPHER, state, data, now, piece);
                memcpy(state, piece + now - block, block);
                data += now;
                size -= now;
        }
        OPENSSL_cleanse(piece, sizeof(piece));
}

void mac_chained(const struct cipher_key *key, enum mac_padding padding, const uint8_t *data, size_t size,
                 uint8_t *ret_mac)
{
        uint8_t state[CIPHER_BLOCK_MAX] = {0}, last[CIPHER_BLOCK_MAX] = {0};
        size_t block = cipher_block_size(key->algorithm), rest = size % block;

        chain_on(key, data, size - rest, state);
        if (rest > 0)
                memcpy(last, data + size - rest, rest);
        if (padding == MAC_PADDING_2)
                last[rest] = 0x80;
        if (padding == MAC_PADDING_2 || rest > 0 || size == 0)
                chain_on(key, last, block, state);
        memcpy(ret_mac, state, block);
        OPENSSL_cleanse(state, sizeof(state));
        OPENSSL_cleanse(last, sizeof(last));
}

void mac_retail(const struct cipher_key *first, const struct cipher_key *second, enum mac_padding padding,
                const uint8_t *data, size_t size, uint8_t ret_mac[TDES_BLOCK])
{
        uint8_t state[TDES_BLOCK];

        assert(first->algorithm == CIPHER_TDES && second->algorithm == CIPHER_TDES);
        mac_chained(first, padding, data, size, state);
        cipher_blocks(second, CIPHER_DECIPHER, state, TDES_BLOCK, state);
        cipher_blocks(first, CIPHER_ENCIPHER, state, TDES_BLOCK, state);
        memcpy(ret_mac, state, TDES_BLOCK);
        OPENSSL_cleanse(state, sizeof(state));
}

void mac_retail_halves(const struct cipher_key *key, struct cipher_key *ret_first,
                       struct cipher_key *ret_second)
{
        assert(key->algorithm == CIPHER_TDES && key->length == 16);
        *ret_first = *ret_second = (struct cipher_key){.algorithm = CIPHER_TDES, .length = 8};
        memcpy(ret_first->bytes, key->bytes, 8);
        memcpy(ret_second->bytes, key->bytes + 8, 8);
}

bool mac_is_same(const uint8_t *a, const uint8_t *b, size_t size)
{
        return CRYPTO_memcmp(a, b, size) == 0;
}
