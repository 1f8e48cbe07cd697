/* Text in UTF-8: where its characters end, and which of them people can be shown. */
#ifndef LIB_BASE_UTF8_H
#define LIB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"

/* The length of the character at `bytes`, 0 where it is no UTF-8 (RFC 3629). */
size_t utf8_length(const unsigned char *bytes, size_t left);

/* Whether a text can stand in a line anywhere, be it a table, a page or a terminal: UTF-8, without control characters
 * (C0, DEL and C1), ends of lines, marks that turn the direction of what stands around them, and what is no character. */
ATM_MUST_USE bool utf8_is_line(const char *text);

/* Make it such a text: a '?' stands for each character that it can't have. */
void utf8_make_line(char *text);

#endif
