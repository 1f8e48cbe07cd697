/*
 * Rows to people and programs: one schema of columns in many forms (form.h): table, expanded, CSV, JSON, and documents
 * (HTML, PDF, SVG, PNG) for commands that have them. Who writes rows never asks which form it is.
 *
 *      one table         output_open, output_row..., [output_total], output_close
 *      a whole of many   output_open_whole, then for each output_begin, output_row..., then output_close
 *      a report          output_write_report: its rows, and its page for documents, whichever the form takes
 *
 * With --output the file appears whole or not at all: it is written under a temporary name and renamed. What is there
 * and no file (a device, a pipe) is written to.
 */
#ifndef ATMCTL_OUTPUT_H
#define ATMCTL_OUTPUT_H

#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "backoffice/pages/words.h"
#include "tools/atmctl/command.h"
#include "tools/atmctl/output/schema.h"

/* One table. NULL after a complaint. `columns` must outlive it. */
struct output *output_open(const struct invocation *invocation, enum output_shape shape,
                           const struct output_column *columns, size_t count);
/* Several under each other, or one that is more than its rows: JSON has one value in the end, not a row at a time.
 * CSV has the first section alone. NULL after a complaint. */
struct output *output_open_whole(const struct invocation *invocation);
/* Whether the form can hold more than one table: for commands that are nothing without. */
/* The file of --output; NULL: standard output, which '-' is too. */
const char *output_path(const struct invocation *invocation);
bool output_holds_sections(const struct invocation *invocation);

/* Whether --columns and --sort name columns that there are; false after a complaint. For who asks before there are rows. */
ATM_MUST_USE bool output_arranges(const struct invocation *invocation, const struct output_column *columns,
                                  size_t count);

/* For what people are told in sentences, and programs as rows or as one value. */
enum output_kind output_kind_of(const struct invocation *invocation);

/* The next section of a whole; its columns and texts must live until the next one, or the end. */
ATM_MUST_USE bool output_begin(struct output *output, const struct output_section *section);
/* What follows is the next of several wholes of one kind: JSON is an array of them. */
ATM_MUST_USE bool output_next_whole(struct output *output);
/* One value a column; NULL is no value. */
ATM_MUST_USE bool output_row(struct output *output, const char *const *values);
/* A row that only people get, set apart: totals, and what a limit leaves out and a total has. Its first value says what it is: where --columns
 * leaves that out, so is the row. */
ATM_MUST_USE bool output_total(struct output *output, const char *const *values);
/* The first rows of a result whose first columns are in the schema's order. */
ATM_MUST_USE bool output_result(struct output *output, const PGresult *result, int rows);
/* A section with all rows of a result. */
ATM_MUST_USE bool output_section(struct output *output, const struct output_section *section,
                                 const PGresult *result);
/* What is said of the whole beside its sections: members of JSON's object. Other forms have it in titles and remarks. */
ATM_MUST_USE bool output_members(struct output *output, const struct output_column *columns, size_t count,
                                 const char *const *values);
/* Of what --sort has put in order, no more than these; totals stay. */
void output_show_first(struct output *output, size_t rows);
/* What people are told instead of "none" where there were no rows; must outlive it. */
void output_when_empty(struct output *output, const char *text);
/* Write the rest and put the file in place; frees in any case. False after a complaint. */
ATM_MUST_USE bool output_close(struct output *output);
void output_abandon(struct output *output); /* NULL is fine */

/* A whole: its page where the form is a document, else its rows. False after a complaint. */
ATM_MUST_USE bool output_write_report(const struct invocation *invocation, const struct output_report *report,
                                      void *context);

/* Who reads it, by --lang. */
enum reader output_reader_of(const struct invocation *invocation);
enum reader output_reader(const struct output *output);
/* What heads a report, before its remarks. */
void output_head(struct output *output, const struct output_head *head);
/* What a reader must know before the rows, so before the first section: above them, in a document's heading, among JSON's members; with CSV on
 * standard error, and in a file of its own beside the file that is written. */
void output_remark(struct output *output, const char *format, ...) ATM_PRINTF(2, 3);
/* Over the rows of the section that is begun next, where the form is a document. */
void output_chart(struct output *output, const struct document_chart *chart);
/* A remark beside a command's answer: to standard error, or under a document. A whole as JSON has none. */
void output_note(struct output *output, const char *format, ...) ATM_PRINTF(2, 3);

/* Sentences instead of rows, with the same care for --output and for what a text may hold. */
void output_say(struct output *output, const char *format, ...) ATM_PRINTF(2, 3);
/* One JSON value and a line end, as a whole is written. */
ATM_MUST_USE bool output_json(const struct invocation *invocation, const json_t *value);

#endif
