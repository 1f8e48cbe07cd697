/* Texts within HTML and XML. */
#ifndef LIB_DOCUMENTS_ESCAPE_H
#define LIB_DOCUMENTS_ESCAPE_H

#include <stdio.h>

/* Within an element or an attribute in double quotes. */
static inline void escape_write(FILE *out, const char *text)
{
        for (; *text; text++) {
                switch (*text) {
                case '&':
                        fputs("&amp;", out);
                        break;
                case '<':
                        fputs("&lt;", out);
                        break;
                case '>':
                        fputs("&gt;", out);
                        break;
                case '"':
                        fputs("&quot;", out);
                        break;
                default:
                        putc(*text, out);
                }
        }
}

#endif
