/* Bytes as hexadecimal digits, two a byte: written small, read small or capital. */
#ifndef LIB_BASE_HEX_H
#define LIB_BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

/* 2 * size digits at `at`, without an end; returns where they end. */
char *hex_put(char *at, const void *bytes, size_t size);
/* The same with an end: 2 * size + 1 characters. */
void hex_print(const void *bytes, size_t size, char *ret_text);
/* 0 to 15; -1: it is none. */
int hex_digit(char c);
/* The 2 * size digits that the text begins with. False where it does not: then the bytes are worth nothing. */
ATM_MUST_USE bool hex_parse(const char *text, uint8_t *ret_bytes, size_t size);

#endif
