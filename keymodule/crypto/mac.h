/*
 * Message authentication codes: CMAC (NIST SP 800-38B), and ISO/IEC 9797-1 algorithms 1 and 3 with padding methods 1 and 2.
 * Whoever wants fewer bytes takes the leftmost.
 */
#ifndef KEYMODULE_CRYPTO_MAC_H
#define KEYMODULE_CRYPTO_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keymodule/crypto/cipher.h"

enum mac_padding {
        MAC_PADDING_1 = 1, /* zeros, where the last block is not full */
        MAC_PADDING_2 = 2, /* 0x80 always, then zeros */
};

/* One block of the key's cipher. */
void mac_cmac(const struct cipher_key *key, const uint8_t *data, size_t size, uint8_t *ret_mac);
/* Algorithm 1: the last of the chained blocks. One block. */
void mac_chained(const struct cipher_key *key, enum mac_padding padding, const uint8_t *data, size_t size,
                 uint8_t *ret_mac);
/* Algorithm 3: chained under the first, and of the last block deciphered with the second and enciphered with the first. Both of TDES:
 * the two halves of a double-length key as DES ("retail MAC"), or two double-length ones. 8 bytes. */
void mac_retail(const struct cipher_key *first, const struct cipher_key *second, enum mac_padding padding,
                const uint8_t *data, size_t size, uint8_t ret_mac[TDES_BLOCK]);
/* The halves of a TDES key of 16 bytes. */
void mac_retail_halves(const struct cipher_key *key, struct cipher_key *ret_first,
                       struct cipher_key *ret_second);

/* In a time that says nothing of where they differ. */
ATM_MUST_USE bool mac_is_same(const uint8_t *a, const uint8_t *b, size_t size);

#endif
