/* Figures as people read them, and those that they may not read. */
#ifndef LIB_BASE_DIGITS_H
#define LIB_BASE_DIGITS_H

#include <stdbool.h>
#include <stddef.h>

/* Are these bytes all digits, '0' to '9'? */
bool digits_all(const char *text, size_t length);
/* "1234567.25" as "1,234,567.25", cut where the buffer ends. */
void digits_group(const char *number, char *buffer, size_t size);

/* Of each number of 12 digits or more, in one piece or in groups, the first 6 and the last 4 are left. Whatever it is in: a card number in
 * the wrong column of a file, or where a command has no word, is a card number still. */
void digits_mask(char *text);

#endif
