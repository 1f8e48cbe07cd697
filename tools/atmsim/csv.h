/*
 * Reading CSV: UTF-8, a header row that names the columns in any order, RFC 4180 quoting. One row at a time,
 * into a buffer of the reader; nothing is kept. Errors name file, line and column.
 */
#ifndef ATMSIM_CSV_H
#define ATMSIM_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/attributes.h"

enum { CSV_COLUMNS_MAX = 16, CSV_ROW_MAX = 4096, CSV_ERROR_MAX = 512 };

struct csv {
        const char *path;
        FILE *file;
        size_t line;                    /* of the current row */
        int columns;                    /* in the header */
        int wanted_at[CSV_COLUMNS_MAX]; /* position of each wanted column */
        int wanted;
        char *field[CSV_COLUMNS_MAX]; /* of the current row, in the header's order */
        char row[CSV_ROW_MAX];
};

/* wanted: names ended by NULL; each must be in the header, others are read past. */
ATM_MUST_USE bool csv_open(struct csv *ret_csv, const char *path, const char *const *wanted,
                           char error[CSV_ERROR_MAX]);
/* 1: a row; 0: the end; -1: error. */
ATM_MUST_USE int csv_next(struct csv *csv, char error[CSV_ERROR_MAX]);
/* The current row's value of the wanted column with that index. */
const char *csv_value(const struct csv *csv, int wanted);
void csv_close(struct csv *csv);

#endif
