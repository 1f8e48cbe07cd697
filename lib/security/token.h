/*
 * The card token: HMAC-SHA-256 of the card number under a key of our own, cut to 128 bits. It stands for
 * the card everywhere outside the moment of a message: database, logs, journals (I8). The key is a file of
 * 64 hexadecimal digits, mode 0600; without it a token can't be turned back by trying all numbers.
 */
#ifndef LIB_SECURITY_TOKEN_H
#define LIB_SECURITY_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { TOKEN_LENGTH = 16, TOKEN_ERROR_MAX = 512, TOKEN_CHECK_TEXT = 2 * TOKEN_LENGTH + 1 };

struct token_key;

/* NULL with a text in error[]: no such file, readable by others, not 64 hexadecimal digits. */
ATM_MUST_USE struct token_key *token_key_load(const char *path, char error[TOKEN_ERROR_MAX]);
void token_key_free(struct token_key *key);

void token_of_pan(struct token_key *key, const char *pan, uint8_t ret_token[TOKEN_LENGTH]);
/* The same of any text: one that is no number of digits alone is no card's. */
void token_of_text(struct token_key *key, const char *text, uint8_t ret_token[TOKEN_LENGTH]);

/* A value that tells keys apart and gives none away: the token of a text that is no card number, 32 hexadecimal digits. */
void token_key_check_value(struct token_key *key, char ret_text[TOKEN_CHECK_TEXT]);

/* As PostgreSQL prints a uuid: 8-4-4-4-12 lower-case digits. */
void token_print(const uint8_t token[TOKEN_LENGTH], char buffer[37]);

#endif
