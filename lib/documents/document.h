/* A report as a document that can be handed on: an HTML page, a PDF, an SVG or a PNG.
 *
 * The caller fills a document with plain data, in the order in which it is to be read, then writes it. Every
 * text comes from the caller, already in the language of its readers; numbers in tables come as text, numbers
 * in charts as integers. The document keeps copies: whatever was passed may be freed at once.
 *
 * The builders return nothing. The first that fails (no memory, over a limit, not UTF-8, called out of order)
 * is remembered, those after it do nothing, and document_write says what it was.
 *
 * The same document gives the same bytes: nothing is taken from the clock, the environment, or the fonts of
 * the person who calls. Not thread-safe: fontconfig's current configuration belongs to the process. */
#ifndef LIB_DOCUMENTS_DOCUMENT_H
#define LIB_DOCUMENTS_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/attributes.h"

#define DOCUMENT_TEXT_MAX       2000 /* bytes of one text */
#define DOCUMENT_BLOCKS_MAX     40   /* tables and charts */
#define DOCUMENT_COLUMNS_MAX    32   /* of a table, not counting the labels */
#define DOCUMENT_ROWS_MAX       20000
#define DOCUMENT_FOOTNOTES_MAX  40
#define DOCUMENT_SERIES_MAX     2
#define DOCUMENT_CATEGORIES_MAX 60
#define DOCUMENT_AMOUNT_MAX     INT64_C(100000000000000000) /* so that no sum of a chart overflows */
#define DOCUMENT_SCALE_MAX      INT64_C(1000000000000)
#define DOCUMENT_DECIMALS_MAX   3

/* A picture is one piece. PNG: pixels, at DOCUMENT_PNG_WIDTH across; SVG: units of about a point. */
#define DOCUMENT_PNG_WIDTH      1600
#define DOCUMENT_PICTURE_HEIGHT 20000

/* The Debian package whose fonts documents are set in: Japanese shapes, and Latin and figures to go with
 * them. */
#define DOCUMENT_FONT_PACKAGE "fonts-noto-cjk"

enum document_language { DOCUMENT_ENGLISH, DOCUMENT_JAPANESE };
enum document_align { DOCUMENT_LEFT, DOCUMENT_RIGHT, DOCUMENT_CENTRE };

struct document;

/* NULL: out of memory, which every function below takes as a document that has failed. */
struct document *document_new(enum document_language language);
void document_free(struct document *document);

/* The first thing that went wrong, NULL: nothing yet. */
const char *document_problem(const struct document *document);

void document_title(struct document *document, const char *text);
/* The period, the unit of money. */
void document_subtitle(struct document *document, const char *text);
/* What the reader must know before the figures, as that they are preliminary: a line each time. */
void document_status(struct document *document, const char *text);
/* What stands for a missing value; an en dash unless said otherwise. */
void document_dash(struct document *document, const char *text);
void document_footnote(struct document *document, const char *text);
/* At the foot of each page: made when, from what. */
void document_footer(struct document *document, const char *text);
/* When it was made, as seconds since 1970, for the PDF's properties; 1970 itself if never said. */
void document_made(struct document *document, int64_t moment);

/* ---- tables ---- */

struct document_column {
        const char *heading;
        enum document_align align;
        bool strong; /* the period that the report is about: set apart by a tint */
        bool apart;  /* begins a group: some more room before it */
};

enum document_row_style {
        DOCUMENT_NORMAL,
        DOCUMENT_DETAIL,  /* indented: a part of the row above ("of which") */
        DOCUMENT_TOTAL,   /* bold, with a rule above */
        DOCUMENT_SECTION, /* a heading among the rows; has no cells */
};

/* Begins a table; caption and label_heading may be "". */
void document_table(struct document *document, const char *caption, const char *label_heading,
                    const struct document_column *columns, size_t count);
/* A row of the table begun last: as many cells as it has columns; NULL in it: missing. SECTION takes NULL. */
void document_row(struct document *document, enum document_row_style style, const char *label,
                  const char *const cells[]);

/* ---- charts ---- */

enum document_chart_kind {
        DOCUMENT_COLUMNS, /* columns from zero, a figure on each where there is room */
        DOCUMENT_LINE,    /* for levels: the axis need not begin at zero */
        DOCUMENT_SHARES, /* bars across with figure and percentage of the sum; one series, nothing negative */
        DOCUMENT_HOURS,  /* narrow columns, a figure on the highest alone */
};

struct document_value {
        int64_t amount;
        bool missing; /* a gap, never zero */
};

struct document_series {
        const char *name;
        bool line;                           /* in COLUMNS: drawn as a line over them */
        const struct document_value *values; /* as many as there are categories */
};

struct document_chart {
        enum document_chart_kind kind;
        const char *title;
        const char *unit; /* "millions of yen", may be "" */
        const char *const *categories;
        size_t category_count;
        const struct document_series *series;
        size_t series_count; /* 1 or 2 */
        int64_t scale;       /* labels show amount / scale: 1, 1000, 1000000 ...; a power of ten */
        unsigned decimals;   /* and that many decimals at most */
        const char *minus;   /* what stands before amounts below zero; NULL: U+2212 */
        bool wide;           /* takes the whole width; others stand in pairs */
};

void document_chart(struct document *document, const struct document_chart *chart);

/* ---- writing ---- */

enum document_format { DOCUMENT_HTML, DOCUMENT_PDF, DOCUMENT_SVG, DOCUMENT_PNG };

/* Writes the whole document to out, which stays open. font_folder: where the package's font files are, NULL:
 * where Debian puts them. False with a text in error: the document failed while it was built, a font is
 * missing or lacks a character, it is too large for the format, or out can't be written (what was written
 * until then is not to be used). */
ATM_MUST_USE bool document_write(const struct document *document, enum document_format format,
                                 const char *font_folder, FILE *out, char *error, size_t error_size);

/* ---- the functions above as one table ---- */

/* Drawing needs some sixty shared libraries. A program that draws only now and then has the functions from a module
 * that it loads when it first needs them (load.h): this table is all that the module shows. */
enum { DOCUMENT_INTERFACE = 1 }; /* another number for every other table, or other arguments */

struct document_functions {
        int interface; /* DOCUMENT_INTERFACE of the module */
        __typeof__(document_new) *create;
        __typeof__(document_free) *free;
        __typeof__(document_title) *title;
        __typeof__(document_subtitle) *subtitle;
        __typeof__(document_status) *status;
        __typeof__(document_dash) *dash;
        __typeof__(document_footnote) *footnote;
        __typeof__(document_footer) *footer;
        __typeof__(document_made) *made;
        __typeof__(document_table) *table;
        __typeof__(document_row) *row;
        __typeof__(document_chart) *chart;
        __typeof__(document_write) *write;
};

extern const struct document_functions document_functions;

#endif
