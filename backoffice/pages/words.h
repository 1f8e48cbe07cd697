/* Headings of columns and other words of reports, for people: one row a word, in English and Japanese. */
#ifndef BACKOFFICE_PAGES_WORDS_H
#define BACKOFFICE_PAGES_WORDS_H

#include <stdbool.h>

/* Names that the books have with '\n' between them, on one line. NULL for NULL, and out of memory; to be freed. */
char *words_join(const char *names, bool japanese);
/* The heading of a column, or what labels a row; the name itself where no row has it. Static. */
const char *word_of(const char *name, bool japanese);

#endif
