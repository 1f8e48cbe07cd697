/*
 * A key's check value, by which people and machines see that they have the same key. TDES: zeros enciphered, 3 bytes. AES: the CMAC of
 * zeros, 5 bytes, of which often the first 3 are shown (ANSI X9.24-1:2017, annex A).
 */
#ifndef KEYMODULE_CRYPTO_CHECK_VALUE_H
#define KEYMODULE_CRYPTO_CHECK_VALUE_H

#include "keymodule/crypto/cipher.h"

enum { CHECK_VALUE_MIN = 3, CHECK_VALUE_MAX = 5 };

/* How many bytes it has. */
size_t check_value_of(const struct cipher_key *key, uint8_t ret_value[CHECK_VALUE_MAX]);

#endif
