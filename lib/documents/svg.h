/* SVG as cairo writes it, made fit to stand alone or inside a page together with others. */
#ifndef LIB_DOCUMENTS_SVG_H
#define LIB_DOCUMENTS_SVG_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/base/attributes.h"

struct svg_place {
        bool alone;          /* a file of its own; else within HTML */
        const char *prefix;  /* of every id, so that no two pictures of a page share one */
        const char *style;   /* class within HTML */
        const char *title;   /* what it shows, for those who can't see it */
        const char *remarks; /* what is said of the whole, likewise; NULL or "": nothing */
        double width, height;
};

/* Writes cairo's SVG to out under a root element of its own. False: this isn't what cairo writes. */
ATM_MUST_USE bool svg_write(FILE *out, const char *svg, const struct svg_place *place);

#endif
