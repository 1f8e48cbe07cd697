/* The results of a quarter as one page to hand on: the table, its charts, and what its reader must know. */
#ifndef BACKOFFICE_PAGES_RESULTS_PAGE_H
#define BACKOFFICE_PAGES_RESULTS_PAGE_H

#include "backoffice/books/results.h"
#include "backoffice/pages/words.h"
#include "lib/documents/document.h"

struct results_page {
        const struct results *results;
        const struct results_parts *parts;
        enum reader reader;
};

/* Into a document that was begun in the page's language. */
void results_page(const struct results_page *content, const struct document_functions *draw,
                  struct document *document);

#endif
