/*
 * Whole numbers as texts: digits, with '-' before them where the least that is good is below zero, and nothing else.
 * Read once, where they come in, within bounds that whoever reads them knows. What ISO 8583 writes in its fields is
 * protocol/'s own.
 */
#ifndef LIB_BASE_NUMBER_H
#define LIB_BASE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { NUMBER_EXPECTED_MAX = 80 };

/* False, and *ret_number as it was, where the text is no number from least to most. */
ATM_MUST_USE bool number_parse(const char *text, int64_t least, int64_t most, int64_t *ret_number);
/* The same of `length` bytes, which need no end; where a text ends before, it is no number. */
ATM_MUST_USE bool number_parse_bytes(const char *bytes, size_t length, int64_t least, int64_t most,
                                     int64_t *ret_number);
/* Of digits that were checked before: asserts that they are a number. */
int64_t number_known(const char *text);
int64_t number_known_bytes(const char *bytes, size_t length);
/* "a whole number from 1 to 9": what was expected, for who is refused. */
const char *number_expected(int64_t least, int64_t most, char text[NUMBER_EXPECTED_MAX]);

#endif
