/* Text and lines: the one way in which anything gets onto a page or into a picture.
 *
 * A pen without a surface measures and draws nothing, so that the function that draws a thing is also the one
 * that says how large it is. Lengths are points; hinting is off, so that a text is as wide on every surface.
 * The first problem (a text that fits nowhere) is kept and said at the end. */
#ifndef LIB_DOCUMENTS_PEN_H
#define LIB_DOCUMENTS_PEN_H

#include <cairo.h>
#include <pango/pango.h>

#include "lib/documents/document.h"

enum pen_colour {
        PEN_INK,
        PEN_GREY, /* what is read second */
        PEN_RULE, /* lines that hold a table together */
        PEN_HAIR, /* lines between rows, grid */
        PEN_TINT, /* behind the column that matters */
        PEN_PAPER,
        PEN_FIRST, /* series; dark and light, so that they differ in grey and to the colour-blind */
        PEN_SECOND,
        PEN_NOTICE, /* behind the status */
        PEN_NOTICE_EDGE,
        PEN_COLOURS,
};

/* Where a text was drawn. */
struct pen_place {
        const char *text;
        double x, y, width, height;
};

struct pen {
        cairo_t *cr;                                                   /* NULL: measures only */
        void (*on_text)(void *context, const struct pen_place *place); /* for tests: sees each text drawn */
        void *context_of_on_text;
        PangoFontMap *map;
        PangoContext *context;
        PangoFontDescription *regular, *bold;
        char problem[200]; /* "": none */
};

/* How a text is set. Without a width it stands on one line and x is its left edge, its right edge or its
 * middle; with a width it is set between x and x + width, on several lines or cut off with an ellipsis. */
struct pen_style {
        double size;
        enum pen_colour colour;
        enum document_align align;
        bool bold;
        double width;
        bool cut;
        bool halo; /* paper around the letters, where they stand on lines */
};

struct pen_extent {
        double width, height;
};

/* Loads the fonts; false with the text in error. To be closed in either case. */
ATM_MUST_USE bool pen_open(struct pen *pen, enum document_language language, const char *font_folder,
                           char *error, size_t error_size);
void pen_close(struct pen *pen);

/* From here on it draws on cr, NULL: on nothing. */
void pen_use(struct pen *pen, cairo_t *cr);

struct pen_extent pen_measure(struct pen *pen, const struct pen_style *style, const char *text);
/* y: the top of the text. */
struct pen_extent pen_text(struct pen *pen, const struct pen_style *style, double x, double y,
                           const char *text);

void pen_box(struct pen *pen, enum pen_colour colour, double x, double y, double width, double height);
void pen_line(struct pen *pen, enum pen_colour colour, double thickness, double x0, double y0, double x1,
              double y1);
void pen_dot(struct pen *pen, enum pen_colour colour, double x, double y, double radius);
/* "#rrggbb" */
const char *pen_colour_code(enum pen_colour colour);

#endif
