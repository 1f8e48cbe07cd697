/* A chart, drawn by a pen: the same on a page, in a picture and in HTML. */
#ifndef LIB_DOCUMENTS_CHART_H
#define LIB_DOCUMENTS_CHART_H

#include "lib/documents/pen.h"

/* unit: 1 draws titles at 10 points, figures at 7.5; everything else grows with them. */
double chart_height(struct pen *pen, const struct document_chart *chart, double width, double unit);
void chart_draw(struct pen *pen, const struct document_chart *chart, double x, double y, double width,
                double unit);

#endif
