/*
 * Rows to people and programs: one schema of columns in many forms: table, expanded, CSV, JSON, and documents
 * (HTML, PDF, SVG, PNG) for commands that have them.
 * With --output the file appears whole or not at all: it is written under a temporary name and renamed. What is there
 * and no file (a device, a pipe) is written to.
 */
#ifndef ATMCTL_OUTPUT_H
#define ATMCTL_OUTPUT_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/documents/document.h"
#include "tools/atmctl/command.h"

/* Expanded: a table whose rows stand under each other, a line a value. */
enum output_format {
        OUTPUT_TABLE,
        OUTPUT_EXPANDED,
        OUTPUT_CSV,
        OUTPUT_JSON,
        OUTPUT_HTML, /* from here on documents */
        OUTPUT_PDF,
        OUTPUT_SVG,
        OUTPUT_PNG,
};

enum output_type {
        OUTPUT_TEXT,
        OUTPUT_NUMBER, /* JSON integer */
        OUTPUT_YEN,    /* the same; in tables with thousands apart */
        OUTPUT_DECIMAL, /* "-3.5": JSON number; to the right, '-' where there is none */
        OUTPUT_FIGURE, /* a figure that is text already, in its final form; to the right */
        OUTPUT_BOOL,   /* "t"/"f" or "yes"/"no" from the database; yes/no in tables and CSV */
};

enum output_flags {
        OUTPUT_ONLY_TABLE = 1, /* for people: not in CSV and JSON */
        OUTPUT_NOT_TABLE = 2,
        OUTPUT_DASH = 4, /* what is not there is missing: '-' to people */
};

struct output_column {
        const char *name;
        enum output_type type;
        unsigned flags;
};

enum output_shape {
        OUTPUT_ROWS, /* JSON: an array of objects */
        OUTPUT_ONE,  /* JSON: one object; table: name and value under each other */
};

enum { OUTPUT_COLUMNS_MAX = 40 };

struct output;

enum output_format output_format_of(const struct invocation *invocation);

/* NULL after a complaint. `columns` must outlive it. */
struct output *output_open(const struct invocation *invocation, enum output_shape shape,
                           const struct output_column *columns, size_t count);
/* One value a column; NULL is no value. */
ATM_MUST_USE bool output_row(struct output *output, const char *const *values);
/* A row that only tables show, set apart: totals. */
ATM_MUST_USE bool output_total(struct output *output, const char *const *values);
/* The first rows of a result whose first columns are in the schema's order. */
ATM_MUST_USE bool output_result(struct output *output, const PGresult *result, int rows);
/* What people are told instead of "none" where there were no rows; must outlive it. */
void output_when_empty(struct output *output, const char *text);
/* Write the rest and put the file in place; frees in any case. False after a complaint. */
ATM_MUST_USE bool output_close(struct output *output);
void output_abandon(struct output *output); /* NULL is fine */

/* Does --lang ask for Japanese? */
bool output_is_japanese(const struct invocation *invocation);
/* A document is written in Japanese. */
bool output_writes_japanese(const struct output *output);
/* The document that is being made, for titles, notes and charts; NULL where the form is another. */
struct document *output_document(struct output *output);
const struct document_functions *output_draw(const struct output *output);
/* A remark for people: to standard error, or under a document. */
void output_note(struct output *output, const char *format, ...) ATM_PRINTF(2, 3);
/* 1234567 as 1,234,567 */
void output_group_digits(const char *number, char *buffer, size_t size);

/* Several tables under each other, or anything else: the stream alone, with the same care for --output. */
struct output *output_open_stream(const struct invocation *invocation);
FILE *output_stream(struct output *output);
/* A table with a heading, on the stream of `output`; nothing where there are no rows. */
ATM_MUST_USE bool output_section(struct output *output, const char *heading, enum output_shape shape,
                                 const struct output_column *columns, size_t count, const PGresult *result);
/* One row as a JSON object. NULL: out of memory. */
json_t *output_json_object(const struct output_column *columns, size_t count, const char *const *values);
/* The rows as JSON: an array of objects. NULL: out of memory. */
json_t *output_json_rows(const struct output_column *columns, size_t count, const PGresult *result);
/* One JSON value and a line end. */
ATM_MUST_USE bool output_json(const struct invocation *invocation, const json_t *value);

#endif
