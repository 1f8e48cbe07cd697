/* Which form a file's name asks for: x.pdf is a PDF. */
#ifndef ATMCTL_OUTPUT_SUFFIX_H
#define ATMCTL_OUTPUT_SUFFIX_H

#include <stdbool.h>

/* Behind the last point of the file's name, after at least one character; NULL: there is none. */
const char *suffix_of(const char *path);
/* The format that files with this suffix are; NULL: no format's. Static. */
const char *suffix_format(const char *suffix);
/* The first suffix of files of this format. Static. */
const char *suffix_for(const char *format);
/* Whether it is one of a format's. */
bool suffix_suits(const char *suffix, const char *format);

#endif
