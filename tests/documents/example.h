/* Example documents with invented figures, for the tests and to be looked at (make_document). */
#ifndef TESTS_DOCUMENTS_EXAMPLE_H
#define TESTS_DOCUMENTS_EXAMPLE_H

#include "lib/documents/document.h"

/* Results of a quarter: three charts, a table of eleven columns. */
struct document *example_results(enum document_language language);
/* Revenue by area and by hour: shares, hours, a table of few columns, halls with Japanese names. */
struct document *example_revenue(enum document_language language);
/* Halls ranked: so many rows. */
struct document *example_fleet(enum document_language language, size_t rows);

/* Charts of every kind: negative columns, two of them a quarter, many categories, long names. */
struct document *example_charts(enum document_language language);

#endif
