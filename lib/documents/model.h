/* What a document holds, for those who draw it. Made by model.c alone; everybody else reads. */
#ifndef LIB_DOCUMENTS_MODEL_H
#define LIB_DOCUMENTS_MODEL_H

#include "lib/documents/document.h"

struct table_row {
        enum document_row_style style;
        char *label;
        char **cells; /* as many as columns, NULL: missing; none at all for a section */
};

struct table {
        char *caption, *label_heading;
        struct document_column *columns; /* their headings are owned too */
        size_t column_count;
        struct table_row *rows;
        size_t row_count, row_room;
};

/* A table or a chart. */
struct block {
        bool is_chart;
        struct table table;
        struct document_chart chart; /* its arrays and texts are owned */
};

struct document {
        enum document_language language;
        char *title, *subtitle, *status, *dash, *footer; /* never NULL in a document without a problem */
        char *footnotes[DOCUMENT_FOOTNOTES_MAX];
        size_t footnote_count;
        struct block blocks[DOCUMENT_BLOCKS_MAX];
        size_t block_count;
        size_t row_count; /* of all tables */
        int64_t made;
        char problem[160]; /* "": none */
};

/* A cell as it is shown. */
static inline const char *document_cell(const struct document *document, const struct table_row *row,
                                        size_t column)
{
        return row->cells[column] ? row->cells[column] : document->dash;
}

#endif
