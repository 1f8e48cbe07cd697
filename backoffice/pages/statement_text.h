/* A hall's statement (backoffice/books/statement.h) in words: what the document is called, to whom it goes, and what its reader must know. */
#ifndef BACKOFFICE_PAGES_STATEMENT_TEXT_H
#define BACKOFFICE_PAGES_STATEMENT_TEXT_H

#include "backoffice/books/statement.h"
#include "backoffice/pages/words.h"

/* By what is in it: an invoice, a purchase statement, or both. */
const char *statement_title(const struct statement *statement, enum reader reader);

enum { STATEMENT_ADDRESSEE_MAX = 256 };
const char *statement_addressee(const struct statement *statement, enum reader reader,
                                char buffer[STATEMENT_ADDRESSEE_MAX]);

struct statement_issuer {
        const char *name, *registration; /* "": not known */
};

enum { STATEMENT_NOTES_MAX = 6, STATEMENT_NOTE_MAX = 320 };
struct statement_notes {
        char text[STATEMENT_NOTES_MAX][STATEMENT_NOTE_MAX];
        size_t count;
};

/* Who pays whom, what of it is of earlier periods, how shares are rounded, and what is missing, so that it is no qualified invoice. */
void statement_notes(const struct statement_question *question, const struct statement *statement,
                     const struct statement_issuer *issuer, enum reader reader,
                     struct statement_notes *ret_notes);

#endif
