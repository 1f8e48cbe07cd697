/* What a document comes to as a file, in memory. */
#ifndef TESTS_DOCUMENTS_WRITTEN_H
#define TESTS_DOCUMENTS_WRITTEN_H

#include "lib/documents/document.h"

struct written {
        char *bytes; /* ends with a NUL that is not counted */
        size_t size;
};

/* Writes it and frees the document; fails the test if that can't be done. */
struct written write_out(struct document *document, enum document_format format);
/* Expects a failure, and puts its text into error; frees the document. */
void refuse(struct document *document, enum document_format format, const char *font_folder, char error[256]);
/* How often a text is there. */
size_t occurrences(const char *text, const char *wanted);

#endif
