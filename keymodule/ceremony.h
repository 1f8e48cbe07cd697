/*
 * The components of a key-encrypting key, typed at the console by those who have them, each with its check value, one after the other: nobody sees
 * another's. What comes of them goes out as a key block under the master key.
 */
#ifndef KEYMODULE_CEREMONY_H
#define KEYMODULE_CEREMONY_H

#include "keymodule/crypto/check_value.h"
#include "keymodule/crypto/key_block.h"
#include "keymodule/master.h"

enum { CEREMONY_ERROR_MAX = 160, CEREMONY_CHECK_TEXT = 2 * CHECK_VALUE_MAX + 1 };

/* From standard input, asked for on standard error; a terminal does not show what is typed. False with an error: no component of that algorithm, another check
 * value than was typed, two of different lengths. */
ATM_MUST_USE bool ceremony_take(const struct master *master, enum cipher_algorithm algorithm,
                                char ret_block[KEY_BLOCK_TEXT], char ret_check[CEREMONY_CHECK_TEXT],
                                char error[CEREMONY_ERROR_MAX]);

#endif
