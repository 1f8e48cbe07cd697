/*
 * CSV files as RFC 4180 has them, read a row at a time: UTF-8, a header row that names the columns,
 * fields quoted with '"' where needed, lines ending in LF or CRLF. A byte order mark and blank lines are
 * passed over. The buffer is wiped when the reader is closed: card files go through it.
 *
 *      HEADER --csv_header--> ROWS --csv_next: CSV_END--> END
 */
#ifndef ATMCTL_CSV_H
#define ATMCTL_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/attributes.h"

enum csv_result { CSV_ROW, CSV_END, CSV_BAD };
enum { CSV_FIELDS_MAX = 64, CSV_ROW_MAX = 65536 };

struct csv {
        const char *path; /* as messages call it: "cards.csv", "standard input" */
        long line;        /* on which the present row begins; the first is 1 */
        char *field[CSV_FIELDS_MAX];
        size_t count;
        size_t columns; /* in the header */
        long next_line;
        void *stream;
        char *buffer;
        unsigned long long bytes_read, bytes_total; /* total: 0 where unknown */
};

/* "-" is standard input. `secret`: the file holds card numbers, and is refused where others may read it.
 * False after a complaint. */
ATM_MUST_USE bool csv_open(struct csv *csv, const char *path, bool secret);
/* The next row into field[] and count; CSV_BAD after a complaint that names file and line. */
ATM_MUST_USE enum csv_result csv_next(struct csv *csv);
void csv_close(struct csv *csv);

/* "FILE:LINE: column NAME: ..." */
void csv_complain(const struct csv *csv, long line, const char *column, const char *format, ...)
    ATM_PRINTF(4, 5);

#endif
