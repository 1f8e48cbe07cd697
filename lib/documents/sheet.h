/* A document laid out from top to bottom, on pages or on one endless sheet. */
#ifndef LIB_DOCUMENTS_SHEET_H
#define LIB_DOCUMENTS_SHEET_H

#include "lib/documents/model.h"
#include "lib/documents/pen.h"

struct sheet {
        struct pen *pen;
        const struct document *document;
        double width, height; /* of a page in points; height 0: endless */
        double margin;
        double unit;    /* 1: the sizes that are wanted; smaller: everything is */
        unsigned pages; /* how many there are in all, for "2 / 3"; 0: not known yet */
        double y;       /* where the next thing goes */
        unsigned page;  /* from 1 */
};

struct sheet_size {
        unsigned pages;
        double height; /* of an endless sheet, margins included */
};

/* Draws everything with the pen (or measures, if that has no surface) and says how much there was. A table
 * that no letters are small enough for becomes the pen's problem. */
struct sheet_size sheet_run(struct sheet *sheet);

/* The widest that a table would like to be at unit 1, and the narrowest that it can be; 0 without tables. */
void sheet_table_widths(struct pen *pen, const struct document *document, double *ret_least,
                        double *ret_natural);

#endif
