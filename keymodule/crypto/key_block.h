/*
 * Key blocks of ANSI X9.143:2021 (formerly TR-31), versions B (protected by a TDES key) and D (by an AES key), both by the key derivation
 * binding method: from the protection key one key to encipher and one to authenticate are derived by CMAC; the MAC over header and key
 * is the iv under which the key is enciphered. A changed byte anywhere, header included, makes the block worthless.
 *
 *      header: version, length, usage, algorithm, mode of use, key version, exportability, count of optional blocks, context
 *      optional blocks: id, length, text; PB fills up to whole cipher blocks
 *      the enciphered key (its length in bits, key, random fill up to the longest of its algorithm), the MAC; both as hexadecimal digits
 *
 * Versions A and C bind by variants and are refused. A key wraps no stronger one: no AES key goes under TDES, in either direction.
 */
#ifndef KEYMODULE_CRYPTO_KEY_BLOCK_H
#define KEYMODULE_CRYPTO_KEY_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keymodule/crypto/cipher.h"

enum {
        KEY_BLOCK_HEADER = 16,
        KEY_BLOCK_OPTIONAL_MAX = 256, /* characters of all optional blocks together, PB included */
        KEY_BLOCK_MAX = KEY_BLOCK_HEADER + KEY_BLOCK_OPTIONAL_MAX + 2 * (64 + 16),
        KEY_BLOCK_TEXT = KEY_BLOCK_MAX + 1,
};

/* Our own optional block, among the numbers that are left to whoever uses them: the 16 digits of a decimalisation table, by which it is bound
 * to the PIN verification key (usage V1). */
#define KEY_BLOCK_TABLE "10"

struct key_block_header {
        char version;   /* 'B' or 'D' */
        char usage[3];  /* "K1", "P0", "M3", "M6", "V1", "V2", ... */
        char algorithm; /* 'T' or 'A' */
        char
            mode; /* of use: 'B' both ways, 'C' make and check, 'D' decipher, 'E' encipher, 'G' make, 'N' any, 'V' check, 'X' derive */
        char key_version[3];
        char exportability; /* 'E' under a trusted key, 'N' not, 'S' under any */
        char optional[KEY_BLOCK_OPTIONAL_MAX +
                      1]; /* as they stand there; PB is left out when written, and made anew */
};

enum key_block_error {
        KEY_BLOCK_GOOD,
        KEY_BLOCK_BAD_FORM,      /* length, characters, optional blocks */
        KEY_BLOCK_BAD_VERSION,   /* neither B nor D, or not that of the protection key */
        KEY_BLOCK_BAD_ALGORITHM, /* of the wrapped key: neither T nor A */
        KEY_BLOCK_BAD_MAC,       /* changed, or under another key */
        KEY_BLOCK_BAD_KEY,       /* what is inside is no key of its algorithm */
        KEY_BLOCK_TOO_WEAK,      /* the protection key is weaker than what it wraps */
};

/* What a protection key does, ready for use: derived once, then the key itself is not needed. Wiped by its owner. */
struct key_block_guard {
        struct cipher_key enciphering, authenticating;
        int strength;
};

/* CMAC under a key that the caller has, or that never leaves where it is: one block of its cipher. False: failed. */
typedef bool key_block_cmac(void *context, const uint8_t *data, size_t size, uint8_t *ret_mac);

ATM_MUST_USE bool key_block_guard_derive(enum cipher_algorithm algorithm, size_t length, key_block_cmac *cmac,
                                         void *context, struct key_block_guard *ret_guard);
void key_block_guard_of(const struct cipher_key *protection, struct key_block_guard *ret_guard);
void key_block_guard_wipe(struct key_block_guard *guard);

/* What a block says of itself, not yet proved by its MAC. */
ATM_MUST_USE enum key_block_error key_block_read(const char *text, size_t length,
                                                 struct key_block_header *ret_header);
ATM_MUST_USE enum key_block_error key_block_unwrap(const struct key_block_guard *guard, const char *text,
                                                   size_t length, struct key_block_header *ret_header,
                                                   struct cipher_key *ret_key);
/* The header's version is the guard's, its algorithm the key's: both are written by this function. */
ATM_MUST_USE enum key_block_error key_block_wrap(const struct key_block_guard *guard,
                                                 const struct key_block_header *header,
                                                 const struct cipher_key *key, char ret_text[KEY_BLOCK_TEXT]);

/* The text of the first optional block of that id; NULL: there is none. */
const char *key_block_optional(const struct key_block_header *header, const char *id, size_t *ret_length);
/* Put one more behind the others. False: no printable text, or no room. */
ATM_MUST_USE bool key_block_add(struct key_block_header *header, const char *id, const char *text);

/* Whether the header names this usage and its mode of use is one of `modes`. */
bool key_block_may(const struct key_block_header *header, const char *usage, const char *modes);

/* A usage that this house has: which algorithms and modes such a key can have. */
struct key_usage_row {
        const char *usage;
        const char *algorithms, *modes;
        const char *text;
};
extern const struct key_usage_row key_usages[];
extern const size_t key_usage_count;
/* NULL: none of them. */
const struct key_usage_row *key_usage_find(const char *usage);

#endif
