/* make_document results|revenue|charts|fleet en|ja html|pdf|svg|png [ROWS] >FILE: draws an example, to be
 * looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/number.h"
#include "tests/documents/example.h"

static const char *const formats[] = {
    [DOCUMENT_HTML] = "html", [DOCUMENT_PDF] = "pdf", [DOCUMENT_SVG] = "svg", [DOCUMENT_PNG] = "png"};

static int find(const char *const names[], int count, const char *name)
{
        for (int i = 0; i < count; i++)
                if (!strcmp(names[i], name))
                        return i;
        return -1;
}

int main(int argc, char **argv)
{
        static const char *const kinds[] = {"results", "revenue", "charts", "fleet"};
        static const char *const languages[] = {[DOCUMENT_ENGLISH] = "en", [DOCUMENT_JAPANESE] = "ja"};
        int kind = argc > 3 ? find(kinds, 4, argv[1]) : -1,
            language = argc > 3 ? find(languages, 2, argv[2]) : -1;
        int format = argc > 3 ? find(formats, 4, argv[3]) : -1;
        size_t rows = argc > 4 ? (size_t)number_known(argv[4]) : 1000;
        struct document *document;
        char error[256] = "";
        bool is_done;

        if (kind < 0 || language < 0 || format < 0) {
                fprintf(stderr, "usage: make_document results|revenue|charts|fleet en|ja html|pdf|svg|png "
                                "[ROWS] >FILE\n");
                return 2;
        }
        document = kind == 0   ? example_results((enum document_language)language)
                   : kind == 1 ? example_revenue((enum document_language)language)
                   : kind == 2 ? example_charts((enum document_language)language)
                               : example_fleet((enum document_language)language, rows);
        is_done = document_write(document, (enum document_format)format, NULL, stdout, error, sizeof(error));
        document_free(document);
        if (!is_done)
                fprintf(stderr, "make_document: %s\n", error);
        return !is_done;
}
