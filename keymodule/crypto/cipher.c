/* Block ciphers by OpenSSL: see cipher.h. A context lives for one call, and OpenSSL wipes what it held of the key. */
#include "keymodule/crypto/cipher.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/base/array.h"

static const struct length_row {
        enum cipher_algorithm algorithm;
        size_t length;
        int strength;
} lengths[] = {
    {CIPHER_TDES, 16, 80}, {CIPHER_TDES, 24, 112}, {CIPHER_AES, 16, 128},
    {CIPHER_AES, 24, 192}, {CIPHER_AES, 32, 256},
};

enum cipher_mode { MODE_BLOCKS, MODE_CHAIN, MODE_COUNT };

/* What OpenSSL is asked for, once: to look an algorithm up costs as much as a block of it. */
static struct fetched_row {
        enum cipher_algorithm algorithm;
        size_t length;
        const char *name[MODE_COUNT];
        EVP_CIPHER *cipher[MODE_COUNT];
} fetched[] = {
    {CIPHER_TDES, 24, {"DES-EDE3", "DES-EDE3-CBC"}, {NULL, NULL}},
    {CIPHER_AES, 16, {"AES-128-ECB", "AES-128-CBC"}, {NULL, NULL}},
    {CIPHER_AES, 24, {"AES-192-ECB", "AES-192-CBC"}, {NULL, NULL}},
    {CIPHER_AES, 32, {"AES-256-ECB", "AES-256-CBC"}, {NULL, NULL}},
};

static const struct length_row *find_length(enum cipher_algorithm algorithm, size_t length)
{
        for (size_t i = 0; i < LENGTH(lengths); i++) {
                if (lengths[i].algorithm == algorithm && lengths[i].length == length)
                        return &lengths[i];
        }
        return NULL;
}

void cipher_key_wipe(struct cipher_key *key)
{
        OPENSSL_cleanse(key, sizeof(*key));
}

bool cipher_key_is_zero(const struct cipher_key *key)
{
        uint8_t any = 0;

        for (size_t i = 0; i < key->length; i++)
                any |= key->bytes[i];
        return any == 0;
}

/* Without their parity bits: the four weak keys of DES, and the six pairs of semi-weak ones. */
static bool is_weak_part(const uint8_t part[TDES_BLOCK])
{
        static const uint8_t weak[][TDES_BLOCK] = {
            {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
            {0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE, 0xFE},
            {0xE0, 0xE0, 0xE0, 0xE0, 0xF0, 0xF0, 0xF0, 0xF0},
            {0x1E, 0x1E, 0x1E, 0x1E, 0x0E, 0x0E, 0x0E, 0x0E},
            {0x00, 0x1E, 0x00, 0x1E, 0x00, 0x0E, 0x00, 0x0E},
            {0x1E, 0x00, 0x1E, 0x00, 0x0E, 0x00, 0x0E, 0x00},
            {0x00, 0xE0, 0x00, 0xE0, 0x00, 0xF0, 0x00, 0xF0},
            {0xE0, 0x00, 0xE0, 0x00, 0xF0, 0x00, 0xF0, 0x00},
            {0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE},
            {0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00, 0xFE, 0x00},
            {0x1E, 0xE0, 0x1E, 0xE0, 0x0E, 0xF0, 0x0E, 0xF0},
            {0xE0, 0x1E, 0xE0, 0x1E, 0xF0, 0x0E, 0xF0, 0x0E},
            {0x1E, 0xFE, 0x1E, 0xFE, 0x0E, 0xFE, 0x0E, 0xFE},
            {0xFE, 0x1E, 0xFE, 0x1E, 0xFE, 0x0E, 0xFE, 0x0E},
            {0xE0, 0xFE, 0xE0, 0xFE, 0xF0, 0xFE, 0xF0, 0xFE},
            {0xFE, 0xE0, 0xFE, 0xE0, 0xFE, 0xF0, 0xFE, 0xF0},
        };
        for (size_t i = 0; i < LENGTH(weak); i++) {
                if (CRYPTO_memcmp(part, weak[i], TDES_BLOCK) == 0)
                        return true;
        }
        return false;
}

bool cipher_key_is_weak(const struct cipher_key *key)
{
        struct cipher_key bare = *key;
        bool is_weak = cipher_key_is_zero(key);
        for (size_t i = 0; i < key->length; i++)
                bare.bytes[i] &= 0xFE;
        for (size_t i = 0; key->algorithm == CIPHER_TDES && i < key->length; i += TDES_BLOCK) {
                is_weak = is_weak || is_weak_part(bare.bytes + i);
                for (size_t j = 0; j < i; j += TDES_BLOCK)
                        is_weak = is_weak || CRYPTO_memcmp(bare.bytes + i, bare.bytes + j, TDES_BLOCK) == 0;
        }
        cipher_key_wipe(&bare);
        return is_weak;
}

bool cipher_key_has_length(enum cipher_algorithm algorithm, size_t length)
{
        return find_length(algorithm, length);
}

int cipher_strength(enum cipher_algorithm algorithm, size_t length)
{
        const struct length_row *row = find_length(algorithm, length);
        return row ? row->strength : 0;
}

static void set_parity(uint8_t *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++)
                bytes[i] = (uint8_t)((bytes[i] & 0xFE) | (__builtin_parity(bytes[i] >> 1) ? 0 : 1));
}

void cipher_key_generate(enum cipher_algorithm algorithm, size_t length, struct cipher_key *ret_key)
{
        assert(cipher_key_has_length(algorithm, length));
        *ret_key = (struct cipher_key){.algorithm = algorithm, .length = length};
        int drawn = RAND_priv_bytes(ret_key->bytes, (int)length);
        assert(drawn == 1);
        if (algorithm == CIPHER_TDES)
                set_parity(ret_key->bytes, length);
}

size_t cipher_block_size(enum cipher_algorithm algorithm)
{
        return algorithm == CIPHER_AES ? AES_BLOCK : TDES_BLOCK;
}

static const EVP_CIPHER *find_cipher(enum cipher_algorithm algorithm, size_t length, enum cipher_mode mode)
{
        for (size_t i = 0; i < LENGTH(fetched); i++) {
                struct fetched_row *row = &fetched[i];
                if (row->algorithm != algorithm || row->length != length)
                        continue;
                if (!row->cipher[mode])
                        row->cipher[mode] = EVP_CIPHER_fetch(NULL, row->name[mode], NULL);
                return row->cipher[mode];
        }
        return NULL;
}

/* K1 K2 as K1 K2 K1; K1 alone, which makes it DES, three times. */
static size_t expand(const struct cipher_key *key, uint8_t bytes[CIPHER_KEY_MAX])
{
        memcpy(bytes, key->bytes, key->length);
        if (key->algorithm == CIPHER_AES)
                return key->length;
        for (size_t i = key->length; i < 24; i++)
                bytes[i] = bytes[i - key->length];
        return 24;
}

static void run(const struct cipher_key *key, enum cipher_mode mode, enum cipher_direction direction,
                const uint8_t *iv, const uint8_t *in, size_t size, uint8_t *out)
{
        uint8_t bytes[CIPHER_KEY_MAX];
        size_t length = expand(key, bytes);
        const EVP_CIPHER *cipher = find_cipher(key->algorithm, length, mode);
        EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        int written = 0;

        assert(size % cipher_block_size(key->algorithm) == 0 && size <= INT_MAX);
        assert(cipher && context);
        int good = EVP_CipherInit_ex2(context, cipher, bytes, iv, direction == CIPHER_ENCIPHER, NULL) == 1 &&
                   EVP_CIPHER_CTX_set_padding(context, 0) == 1 &&
                   (size == 0 || EVP_CipherUpdate(context, out, &written, in, (int)size) == 1);
        assert(good && (size_t)written == size);
        EVP_CIPHER_CTX_free(context);
        OPENSSL_cleanse(bytes, sizeof(bytes));
}

void cipher_blocks(const struct cipher_key *key, enum cipher_direction direction, const uint8_t *in,
                   size_t size, uint8_t *out)
{
        run(key, MODE_BLOCKS, direction, NULL, in, size, out);
}

void cipher_chain(const struct cipher_key *key, enum cipher_direction direction, const uint8_t *iv,
                  const uint8_t *in, size_t size, uint8_t *out)
{
        run(key, MODE_CHAIN, direction, iv, in, size, out);
}
