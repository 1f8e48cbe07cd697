/*
 * CSV files as RFC 4180 has them, read a row at a time: UTF-8, a header row that names the columns in any
 * order, fields quoted with '"' where needed, lines ending in LF or CRLF. A byte order mark and blank lines
 * are passed over; a row with more or fewer fields than the header is refused, and so are bytes that are no
 * text, control characters and marks that turn the direction of writing (lib/base/utf8.h). Nothing but the
 * header is kept beyond its row, and the buffers are wiped when the reader is closed: card files go through it.
 *
 * A spreadsheet takes a cell that begins with =, +, -, @ or their full-width forms for a formula, whatever quotes are around it. So a
 * cell that begins so and is no plain number is written with an apostrophe before it, and one that begins with apostrophes and then so
 * with one more; the reader takes that apostrophe off again. What was read can thus be written and read again, and is the same.
 *
 *      csv_open --csv_header, or csv_next--> ROWS --csv_next: CSV_END--> csv_close
 *
 * Whatever returns false or CSV_BAD has left a text for people in error[]: file, line, column, what was
 * expected.
 */
#ifndef LIB_BASE_CSV_H
#define LIB_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/base/attributes.h"

enum csv_result { CSV_ROW, CSV_END, CSV_BAD };
enum { CSV_FIELDS_MAX = 64, CSV_ROW_MAX = 65536, CSV_ERROR_MAX = 768, CSV_NAME_MAX = 32 };

struct csv {
        const char *path; /* as messages call it: "cards.csv", "standard input" */
        long line;        /* on which the present row begins; the first is 1 */
        char *field[CSV_FIELDS_MAX];
        size_t count;
        size_t columns;                /* in the header */
        size_t wanted[CSV_FIELDS_MAX]; /* where csv_header found each column */
        char name[CSV_FIELDS_MAX]
                 [CSV_NAME_MAX]; /* the columns', for messages; "": what stands there may be a card number */
        bool secret;             /* it holds card numbers: no message may show a cell */
        long next_line;
        FILE *stream;
        char *buffer;
        unsigned long long bytes_read, bytes_total; /* total: 0 where unknown */
        char error[CSV_ERROR_MAX];
};

/* One cell, the separator before it unless it is the row's first. */
void csv_write_cell(FILE *stream, bool first, const char *value);
void csv_write_none(FILE *stream, bool first); /* a cell without a value */
void csv_write_end(FILE *stream);
void csv_write_row(FILE *stream, const char *const *cells, size_t count);

/* "-" is standard input. `secret`: the file holds card numbers, and is refused where others may read it. A
 * reader that did not open needs no close. */
ATM_MUST_USE bool csv_open(struct csv *csv, const char *path, bool secret);
/* What is open already; csv_close closes it. */
ATM_MUST_USE bool csv_open_stream(struct csv *csv, const char *path, FILE *stream);
/* The next row into field[] and count; the first one is the header. */
ATM_MUST_USE enum csv_result csv_next(struct csv *csv);
void csv_close(struct csv *csv);

/* Read the header, in which each of the columns must be named, once; others are read past. names: NULL at the
 * end. */
ATM_MUST_USE bool csv_header(struct csv *csv, const char *const *names);
/* The present row's value of the column that was wanted in that place. */
const char *csv_value(const struct csv *csv, size_t wanted);

/* Put "FILE:LINE: column NAME: ..." into error[]; line 0: of the file as a whole; column NULL: of the row.
 * False. */
bool csv_refuse(struct csv *csv, long line, const char *column, const char *format, ...) ATM_PRINTF(4, 5);

#endif
