/* A table on paper: how wide its columns are, how high its rows, and how they are drawn. */
#ifndef LIB_DOCUMENTS_GRID_H
#define LIB_DOCUMENTS_GRID_H

#include "lib/documents/model.h"
#include "lib/documents/pen.h"

/* A table laid out for a width. */
struct grid {
        const struct document *document;
        const struct table *table;
        double unit; /* 1: figures of 8.5 points */
        double label_width, widths[DOCUMENT_COLUMNS_MAX];
        double width;
        double header_height;
};

/* The narrowest that the table may be without smaller letters, and how wide it would like to be. */
void grid_measure(struct pen *pen, const struct document *document, const struct table *table,
                  double *ret_least, double *ret_natural);

/* Lays it out within width at that unit; letters become smaller, down to DOCUMENTS_GRID_LEAST of them, where
 * it would not fit. False: not even then. */
#define GRID_LEAST 0.6
ATM_MUST_USE bool grid_lay_out(struct pen *pen, const struct document *document, const struct table *table,
                               double width, double unit, struct grid *ret_grid);

void grid_draw_header(const struct grid *grid, struct pen *pen, double x, double y);
double grid_row_height(const struct grid *grid, struct pen *pen, size_t row);
void grid_draw_row(const struct grid *grid, struct pen *pen, size_t row, double x, double y, double height);

#endif
