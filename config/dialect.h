/*
 * A bank's dialect, read from a file: the framing, the forms, one row a field, its codes of network management, and what its others mean (bank_codes.h),
 * checked whole before anybody uses it. docs/protocol.md ('A bank's dialect') describes the file; etc/dialects has three.
 *
 * What the checks are for: the messages towards a bank need certain fields (dialect_uses); a dialect that
 * lacks one, or has it in a form that our values do not fit, is refused when it is loaded and not when the
 * first withdrawal is lost. No dialect may show in a log what the built-in one masks.
 *
 * Errors name file and line, the field, what was wrong and what was expected: the first error of the file;
 * what is missing comes after all of them.
 */
#ifndef CONFIG_DIALECT_H
#define CONFIG_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/attributes.h"
#include "config/bank_codes.h"
#include "protocol/iso8583.h"

enum { DIALECT_ERROR_MAX = 512 };

/* A field that our programs write or read towards a bank. All others may have any form: they are passed over.
 */
struct dialect_use {
        uint8_t field;
        bool required;              /* else a dialect may lack it, and it is not sent */
        enum iso_format least;      /* the format that holds our values, and theirs */
        uint16_t shortest, longest; /* the lengths that do */
};
extern const struct dialect_use dialect_uses[];
extern const size_t dialect_use_count;

/* `path`: a file, or "ascii" for the built-in dialect. ret_codes may be NULL: only who asks the bank reads its codes.
 * False with a text in error[]. */
ATM_MUST_USE bool dialect_load(const char *path, struct iso_dialect *ret_dialect,
                               struct bank_codes *ret_codes, char error[DIALECT_ERROR_MAX]);

/* The same from an open file; `path` is for the errors. The caller closes it. */
ATM_MUST_USE bool dialect_read(FILE *file, const char *path, struct iso_dialect *ret_dialect,
                               struct bank_codes *ret_codes, char error[DIALECT_ERROR_MAX]);

#endif
