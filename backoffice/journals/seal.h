/* The end of a journal's line that tells whether all of it was written: a blank and its CRC-32 in 8 small digits. */
#ifndef BACKOFFICE_JOURNALS_SEAL_H
#define BACKOFFICE_JOURNALS_SEAL_H

#include <stddef.h>

enum { SEAL_LENGTH = 9 };

/* Writes the seal behind a line of `length`, where there must be room; returns the whole length. */
size_t seal_put(char *line, size_t length);
/* Of a line without its line end: NULL with the length before its seal, or why it is no whole line. */
const char *seal_check(const char *line, size_t length, size_t *ret_length);

#endif
