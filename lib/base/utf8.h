/* Text in UTF-8: where its characters end, and which of them people can be shown. */
#ifndef LIB_BASE_UTF8_H
#define LIB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/attributes.h"

/* The length of the character at `bytes`, 0 where it is no UTF-8 (RFC 3629). */
size_t utf8_length(const unsigned char *bytes, size_t left);

/* Whether a text can stand in a line anywhere, be it a table, a page or a terminal: UTF-8, without control characters
 * (C0, DEL and C1), ends of lines, marks that turn the direction of what stands around them, and what is no character. */
ATM_MUST_USE bool utf8_is_line(const char *text);

/* Where the first character stands that such a text can't have; NULL: there is none. */
const char *utf8_not_line(const char *text);

enum { UTF8_GROWTH = 6 }; /* bytes that one byte of a text may become */
/* Write it as such a text: "\u202e", "\u001b", "\xff" (a byte of no character) stand for what it can't have, but those characters that
 * `kept` names stay. What `size` has no room for is left away, nothing by halves. The length is returned. */
size_t utf8_show(const char *text, const char *kept, char *buffer, size_t size);
/* JSON as it is, but for what such a text can't have, which can only stand within its strings: that as JSON has it ("\u202e", in two halves
 * beyond 16 bits), so that whoever reads the value gets it whole. Ends of lines (\n) stay. */
void utf8_print_json(const char *bytes, size_t length, FILE *stream);

#endif
