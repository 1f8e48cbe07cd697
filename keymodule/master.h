/*
 * The master key, which wraps all others while they are outside the module: AES, 256 bits. It lies in a PKCS#11 token, which computes the CMACs from
 * which the two keys that wrap are derived and never gives the key itself away; or, in a laboratory, in a file of 64 hexadecimal digits, mode 0600.
 *
 * Whatever returns false has left words for people in error[].
 */
#ifndef KEYMODULE_MASTER_H
#define KEYMODULE_MASTER_H

#include <stdbool.h>

#include "keymodule/crypto/check_value.h"
#include "keymodule/crypto/key_block.h"
#include "lib/base/attributes.h"

enum { MASTER_ERROR_MAX = 512, MASTER_KEY_LENGTH = 32 };

struct master {
        struct key_block_guard guard;
        uint8_t check_value[CHECK_VALUE_MAX];
        bool is_laboratorys; /* anybody who can read a file has the key */
};

/* Where a key lies in a token. */
struct master_token {
        const char *module;   /* the token's library, a path */
        const char *label;    /* the token's */
        const char *key;      /* the key's label */
        const char *pin_file; /* the user's PIN: a line, mode 0600 */
};

ATM_MUST_USE bool master_from_file(const char *path, struct master *ret_master, char error[MASTER_ERROR_MAX]);
/* Refuses to replace a file. */
ATM_MUST_USE bool master_make_file(const char *path, char error[MASTER_ERROR_MAX]);

/* Refused: no such token or key, one that is not sensitive or may be taken out, or is no AES key of 256 bits. */
ATM_MUST_USE bool master_from_token(const struct master_token *token, struct master *ret_master,
                                    char error[MASTER_ERROR_MAX]);
/* Makes the key within the token. Refused where there is one of that label. */
ATM_MUST_USE bool master_make_in_token(const struct master_token *token, char error[MASTER_ERROR_MAX]);

void master_wipe(struct master *master);

#endif
