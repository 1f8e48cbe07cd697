/* Bytes and keys of tests, written as hexadecimal digits. */
#ifndef TESTS_KEYMODULE_BYTES_H
#define TESTS_KEYMODULE_BYTES_H

#include <assert.h>
#include <string.h>

#include "keymodule/crypto/cipher.h"
#include "lib/base/hex.h"

enum { BYTES_MAX = 256 };

/* How many they are. */
static inline size_t bytes_of(const char *digits, uint8_t ret_bytes[BYTES_MAX])
{
        size_t size = strlen(digits) / 2;
        bool good = size <= BYTES_MAX && hex_parse(digits, ret_bytes, size);
        assert(good);
        return size;
}

static inline struct cipher_key key_of(enum cipher_algorithm algorithm, const char *digits)
{
        struct cipher_key key = {.algorithm = algorithm};
        uint8_t bytes[BYTES_MAX];
        key.length = bytes_of(digits, bytes);
        assert(key.length <= CIPHER_KEY_MAX);
        memcpy(key.bytes, bytes, key.length);
        return key;
}

#endif
