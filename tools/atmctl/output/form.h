/*
 * A form that rows are written in: one table of functions each, so that nobody else asks which it is. output.c calls
 * them in this order, and counts sections and rows:
 *
 *      open --> { begin --> row... --> end }... [--> next --> { begin ... }...] --> close --> free
 *
 * Each returns false where it could not be written, which output.c complains of; open and close do so
 * themselves. NULL: the form does nothing there.
 */
#ifndef ATMCTL_OUTPUT_FORM_H
#define ATMCTL_OUTPUT_FORM_H

#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <sys/types.h>

#include "backoffice/pages/words.h"
#include "lib/base/attributes.h"
#include "tools/atmctl/output/arrange.h"
#include "tools/atmctl/output/schema.h"

struct output {
        const struct output_form *form;
        const struct invocation *invocation;
        struct output_section current;         /* with the columns that are shown */
        const struct output_section *section;  /* `current`, that rows go to; NULL: none yet */
        struct arrangement arrangement;        /* of this section */
        const char *words[OUTPUT_COLUMNS_MAX]; /* of what is shown of it */
        size_t sections, rows;                 /* begun; of this section */
        bool streamed;                         /* one table, whose rows are written as they come */
        const char *when_empty;
        size_t first; /* so many of sorted rows; 0: all */
        enum reader reader;
        FILE *stream;
        const char *path; /* NULL: standard output */
        char *target;     /* the file that path leads to, replaced at the end; NULL: written as it comes */
        char *temporary;
        mode_t mode;      /* of the file */
        char *remarks;    /* lines that a CSV file can't have: for the file beside it */
        bool is_remarked; /* something stands above the first table */
        bool at_terminal; /* text is gathered and shown in the end (terminal.h) */
        char *screen;     /* what was gathered */
        size_t screen_size;
        bool is_chosen; /* the form, by --format */
        /* the form's own */
        struct libscols_table *table;
        json_t *whole, *list; /* list: the section's rows, within the whole */
        json_t *wholes;       /* those before it, where there are several */
        const struct document_functions *draw;
        struct document *document;
        bool in_table; /* of the document */
        struct workbook *workbook;
};

enum form_flags {
        FORM_ONE_SECTION = 1, /* the first */
        FORM_BYTES = 2,       /* nothing for a terminal */
        FORM_DOCUMENT = 4,
};

struct output_form {
        const char *name; /* --format */
        enum output_kind kind;
        unsigned flags;
        bool (*open)(struct output *output, const char *title);
        bool (*begin)(struct output *output);
        bool (*row)(struct output *output, const char *const *values, bool total);
        bool (*end)(struct output *output);
        bool (*next)(struct output *output); /* the next of several wholes */
        bool (*members)(struct output *output, const struct output_column *columns, size_t count,
                        const char *const *values);
        bool (*report)(struct output *output, const struct output_report *report,
                       void *context); /* NULL: its rows */
        void (*head)(struct output *output, const struct output_head *head);
        void (*chart)(struct output *output, const struct document_chart *chart);
        void (*remark)(struct output *output, const char *text); /* above the rows */
        void (*note)(struct output *output, const char *text);
        bool (*close)(struct output *output);
        void (*free)(struct output *output);
};

extern const struct output_form form_table, form_expanded, form_csv, form_json, form_html, form_pdf, form_svg,
    form_png, form_xlsx;

/* Where it is written, for messages. */
const char *form_place(const struct output *output);
/* False, after a complaint that it can't be written. */
bool form_complain_unwritten(const struct output *output);
bool form_shows(const struct output *output, const struct output_column *column);
/* What heads a column: its name in English tables, else the word for it. */
const char *form_heading(const struct output *output, size_t column);
const char *form_yes_or_no(const char *value);
/* As people read a value, of a total its word; in `buffer` where it had to be written anew. */
enum { FORM_TEXT_MAX = 128 };
const char *form_readable(const struct output *output, size_t column, const char *value, bool total,
                          char buffer[FORM_TEXT_MAX]);
/* What marks a document whose figures may change; and who publishes it, of which day it is, and that mark: at the foot of each page. */
enum { FORM_FOOT_MAX = 512 };
const char *form_mark(const struct output *output);
void form_print_foot(const struct output *output, const struct output_head *head, char foot[FORM_FOOT_MAX]);
/* Above the first table, a line each, for forms that are text. */
void form_remark(struct output *output, const char *text);
/* An empty line between them and what follows. */
void form_end_remarks(struct output *output);
/* The sequence that begins the colour of a value; NULL: it has none, or nobody would see it. */
const char *form_colour(const struct output *output, const struct output_column *column, const char *value);
/* A text with ends of lines; nothing else in it steers a terminal. */
void form_print(struct output *output, const char *text);
/* The section's heading, set apart. */
void form_print_heading(struct output *output);
/* Write a JSON value; nothing in it steers a terminal or turns the text around it. */
ATM_MUST_USE bool form_dump(const json_t *value, size_t flags, FILE *stream);
/* "-[ 1 ]-", above a row whose values stand under each other. */
void form_print_record(struct output *output, size_t number);
/* One of those values, behind its name; `width` is the widest name's. */
void form_print_value(struct output *output, int width, size_t column, const char *text);
/* Of the section's columns that are shown. */
int form_name_width(const struct output *output);
/* A note to standard error. */
void form_say(struct output *output, const char *text);

#endif
