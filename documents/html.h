/* A document as one HTML file that needs nothing else: no script, no font, no picture from elsewhere. */
#ifndef DOCUMENTS_HTML_H
#define DOCUMENTS_HTML_H

#include "documents/model.h"
#include "documents/pen.h"

ATM_MUST_USE bool html_write(const struct document *document, struct pen *pen, FILE *out, char *error,
                             size_t error_size);

#endif
