/* The results of a quarter as one page to hand on. */
#ifndef ATMCTL_RESULTS_PAGE_H
#define ATMCTL_RESULTS_PAGE_H

#include "lib/documents/document.h"
#include "tools/atmctl/results.h"

/* The page: the table and its charts, into a document that output.h began. False after a complaint. */
ATM_MUST_USE bool results_page(struct database *database, const struct results *results, bool japanese,
                               const struct document_functions *draw, struct document *document);

#endif
