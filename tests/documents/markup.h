/* A reader of markup, as strict as these tests need it: tags that nest, attributes in double quotes, no '<'
 * or lone '&' elsewhere, ids that are unique, references that lead somewhere. */
#ifndef TESTS_DOCUMENTS_MARKUP_H
#define TESTS_DOCUMENTS_MARKUP_H

#include <stddef.h>

/* Fails the test, saying where, if the text is not well-formed. HTML: <meta> and <br> have no end, <style>
 * holds no markup, and the doctype comes first. Returns how many ids there are. */
size_t check_markup(const char *text);

#endif
