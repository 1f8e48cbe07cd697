/*
 * Keys of the block ciphers TDES (ANSI X3.92, ISO/IEC 18033-3) and AES (FIPS 197), and what is done with them alone: blocks one by one,
 * chained blocks. OpenSSL's default provider does the work; where it has no memory left the process ends, since a module
 * that can't compute has nothing to answer.
 *
 * A key lies in its owner's memory, who wipes it (cipher_key_wipe).
 */
#ifndef KEYMODULE_CRYPTO_CIPHER_H
#define KEYMODULE_CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum cipher_algorithm { CIPHER_TDES, CIPHER_AES };
enum cipher_direction { CIPHER_DECIPHER, CIPHER_ENCIPHER };

enum {
        CIPHER_KEY_MAX = 32,
        CIPHER_BLOCK_MAX = 16,
        TDES_BLOCK = 8,
        AES_BLOCK = 16,
};

struct cipher_key {
        enum cipher_algorithm algorithm;
        size_t
            length; /* bytes: TDES 16 or 24 (8: DES, a step of ISO 9797-1 algorithm 3 and of nothing else), AES 16, 24 or 32 */
        uint8_t bytes[CIPHER_KEY_MAX];
};

void cipher_key_wipe(struct cipher_key *key);
/* All its bytes are: what comes of a component that was given twice. */
bool cipher_key_is_zero(const struct cipher_key *key);
/*
 * It is less than its length says: zero, or of TDES one with two of its parts the same (single DES, or two keys for three), or with a weak or semi-weak key of DES as
 * a part (NIST SP 800-67, 3.3.2). Parity bits are no part of a key.
 */
bool cipher_key_is_weak(const struct cipher_key *key);
/* Whether a key of that algorithm can have this length: DES alone is none. */
bool cipher_key_has_length(enum cipher_algorithm algorithm, size_t length);
/* Security strength in bits (NIST SP 800-57 part 1, table 2): a key is wrapped by none that has less. */
int cipher_strength(enum cipher_algorithm algorithm, size_t length);
/* A new one, random. TDES keys get odd parity, as ANSI X9.24-1 has it. */
void cipher_key_generate(enum cipher_algorithm algorithm, size_t length, struct cipher_key *ret_key);

/* 8 or 16 bytes. */
size_t cipher_block_size(enum cipher_algorithm algorithm);
/* size: whole blocks. in and out may be the same. */
void cipher_blocks(const struct cipher_key *key, enum cipher_direction direction, const uint8_t *in,
                   size_t size, uint8_t *out);
/* CBC; iv: a block. */
void cipher_chain(const struct cipher_key *key, enum cipher_direction direction, const uint8_t *iv,
                  const uint8_t *in, size_t size, uint8_t *out);

#endif
