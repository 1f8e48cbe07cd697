/*
 * Ini files, read a line at a time: [section], key = value (or key: value), comments after '#' or ';' (behind a value:
 * ';' after a blank), with or without a byte order mark, lines ending in LF or CRLF. libinih splits the lines; what it
 * would silently cut, join or pass over is refused before it gets there: lines and names that are too long, zero bytes,
 * lines without '=', text behind a [section], indented lines, keys before the first section.
 *
 *      ini_file_open --ini_file_read: on_section, on_pair--> ini_file_close
 *
 * Reading ends at the first thing that is wrong. The error that is kept is the one that comes first in the file, with
 * file and line, what was wrong and what was expected; what belongs to the file as a whole comes behind all of them. No
 * error shows a line that was not understood: it may hold a secret.
 */
#ifndef LIB_BASE_INI_FILE_H
#define LIB_BASE_INI_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/attributes.h"

enum {
        INI_FILE_NAME_MAX = 49,   /* of a section, of a key: what libinih keeps of them */
        INI_FILE_WHOLE = INT_MAX, /* in the place of a line */
};

struct ini_file {
        /* the caller's to fill in */
        const char *path;   /* as errors call it */
        const char *wanted; /* "a configuration file", for who can't read it */
        char *error;
        size_t error_size;
        /* A header, also of a section without keys; NULL: they are taken as they come. */
        bool (*on_section)(void *context, const char *section);
        /* Both return false after ini_file_refuse alone. */
        bool (*on_pair)(void *context, const char *section, const char *key, const char *value);
        void *context;
        bool may_go_on; /* an indented line is more of the value above it: on_pair once more, with goes_on */
        FILE *stream;   /* of ini_file_open, or the caller's own */

        /* while it is read */
        int line; /* at hand; the first is 1 */
        bool goes_on;
        int error_line; /* 0: no error yet */
        bool has_section, has_key;
};

/* All three return false with a text in error[]. */
ATM_MUST_USE bool ini_file_open(struct ini_file *file);
ATM_MUST_USE bool ini_file_read(struct ini_file *file);
bool ini_file_refuse(struct ini_file *file, int line, const char *format, ...) ATM_PRINTF(3, 4);
void ini_file_close(struct ini_file *file);

/* A name from a file as an error may show it: whatever is no plain word could be part of a secret. */
const char *ini_file_word(const char *name);

#endif
