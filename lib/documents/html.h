/* A document as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. */
#ifndef LIB_DOCUMENTS_HTML_H
#define LIB_DOCUMENTS_HTML_H

#include "lib/documents/model.h"
#include "lib/documents/pen.h"

ATM_MUST_USE bool html_write(const struct document *document, struct pen *pen, FILE *out, char *error,
                             size_t error_size);

#endif
