/* What is written, whatever the form: columns of rows, sections of a whole, reports. */
#ifndef ATMCTL_OUTPUT_SCHEMA_H
#define ATMCTL_OUTPUT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/documents/document.h"

/* What a form is good for. */
enum output_kind { OUTPUT_FOR_PEOPLE, OUTPUT_AS_ROWS, OUTPUT_AS_VALUE };

enum output_type {
        OUTPUT_TEXT,
        OUTPUT_NUMBER,   /* JSON integer */
        OUTPUT_YEN,      /* the same; in tables with thousands apart */
        OUTPUT_DECIMAL,  /* "-3.5": JSON number; in tables with thousands apart, '-' where there is none */
        OUTPUT_FIGURE,   /* a figure that is text already, in its final form; to the right */
        OUTPUT_QUANTITY, /* an integer or a decimal, as the text has it: JSON number; to the right */
        OUTPUT_VALUE,    /* JSON as the database writes it: in JSON itself, elsewhere its text */
        OUTPUT_BOOL,     /* "t"/"f" or "yes"/"no" from the database; yes/no in tables and CSV */
        OUTPUT_DAYS, /* a day, month, quarter or year, as its reader writes it (backoffice/pages/period_text.h) */
        OUTPUT_PERIOD, /* the name of quarters, as it is ("3Q16", "1Q-3Q16"), which sorts by time */
        OUTPUT_WORD,   /* one of a column's few words, or the name of an item: to its reader in words */
};

enum output_flags {
        OUTPUT_ONLY_TABLE = 1, /* for people: not in CSV and JSON */
        OUTPUT_NOT_TABLE = 2,
        OUTPUT_DASH = 4,      /* what is not there is missing: '-' to people */
        OUTPUT_MEMBER = 8,    /* named "OBJECT.NAME": in JSON NAME of that object, in CSV NAME */
        OUTPUT_STATE = 16,    /* words for a state (state.h), in colour at a terminal */
        OUTPUT_IN_WORDS = 32, /* "age": words for "age_minutes", another column, by which --sort goes */
};

struct output_column {
        const char *name;
        enum output_type type;
        unsigned flags;
};

/* Its name to programs. */
const char *schema_name(const struct output_column *column);
bool schema_is_right(enum output_type type); /* figures stand to the right */

enum output_shape {
        OUTPUT_ROWS, /* JSON: an array of objects */
        OUTPUT_ONE,  /* JSON: one object; table: name and value under each other */
};

enum { OUTPUT_COLUMNS_MAX = 40 };

struct output_section {
        const char
            *name; /* in JSON, its member of the whole; NULL: it is the whole, or the whole's own members */
        const char *
            heading; /* for people, set apart and left out where it has no rows, "" without words; NULL: it is the
                              * one table, which is said to be empty */
        enum output_shape shape;
        const struct output_column *columns;
        size_t count;
        unsigned flags; /* OUTPUT_ONLY_TABLE, OUTPUT_NOT_TABLE: for people alone, for programs alone */
        const char *const
            *words; /* what heads each column for people (backoffice/pages/words.c); NULL, or NULL of one: the
                                   * word of its name */
};

/* What heads a report. Programs get it, and every remark, as members of JSON's object. */
struct output_head {
        const char *title;     /* in its reader's language */
        const char *subtitle;  /* of when it is, or of whom */
        const char *period;    /* as programs know it: "3Q16" */
        const char *publisher; /* ""; who publishes it */
        const char *issued;    /* the day, as programs know it */
        int64_t made_s;        /* when, since 1970: what a document keeps in its properties */
        bool is_provisional;   /* its figures may still change: said in words, and marked on each page */
};

struct output;

/* A report: what stands above it (head and remarks), its rows, and its page for documents; NULL: its rows too. False after a complaint. */
struct output_report {
        void (*head)(struct output *output, void *context);
        bool (*rows)(struct output *output, void *context);
        bool (*page)(const struct document_functions *draw, struct document *document, void *context);
};

#endif
