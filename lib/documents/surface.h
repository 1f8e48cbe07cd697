/* cairo's surfaces over a FILE. */
#ifndef LIB_DOCUMENTS_SURFACE_H
#define LIB_DOCUMENTS_SURFACE_H

#include "lib/documents/model.h"
#include "lib/documents/pen.h"

/* Each writes the whole; false with the text in error. */
ATM_MUST_USE bool surface_pdf(const struct document *document, struct pen *pen, FILE *out, char *error,
                              size_t error_size);
ATM_MUST_USE bool surface_svg(const struct document *document, struct pen *pen, FILE *out, char *error,
                              size_t error_size);
ATM_MUST_USE bool surface_png(const struct document *document, struct pen *pen, FILE *out, char *error,
                              size_t error_size);

/* What draws one picture, within width and height. */
typedef void surface_draw(struct pen *pen, void *context);
/* The picture as cairo's SVG in memory, to be freed; NULL with the text in error. */
char *surface_svg_text(struct pen *pen, double width, double height, surface_draw *draw, void *context,
                       char *error, size_t error_size);

#endif
