/*
 * Files that somebody names for reading, in a configuration, say: regular ones alone. A FIFO of that name would hold up
 * whoever opens it until somebody writes to it, a running daemon too; a folder can be opened and not be read.
 */
#ifndef LIB_BASE_FILE_H
#define LIB_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/base/attributes.h"

/* A descriptor, or -1 and why, in words for people that stand behind the path: "No such file or directory", "not a file". */
ATM_MUST_USE int file_open(const char *path, struct stat *ret_status, const char **ret_why);
/* The same as a stream; NULL and why. */
ATM_MUST_USE FILE *file_open_stream(const char *path, const char **ret_why);
/* Whether everybody may change it, so that nothing should rest on what is in it: an authority's certificate, say. */
ATM_MUST_USE bool file_is_everybodys(const struct stat *status, const char **ret_why);
/* Whether it can be opened, and is not everybody's, for those who open it by its name themselves. */
ATM_MUST_USE bool file_check(const char *path, const char **ret_why);

#endif
