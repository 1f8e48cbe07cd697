/* The way from a finished document to a file: fonts, the format's own writer, and what is left to be said of
 * the file. */
#include <errno.h>
#include <string.h>

#include "lib/documents/html.h"
#include "lib/documents/surface.h"

typedef bool write_format(const struct document *document, struct pen *pen, FILE *out, char *error,
                          size_t error_size);

static write_format *const formats[] = {
    [DOCUMENT_HTML] = html_write,
    [DOCUMENT_PDF] = surface_pdf,
    [DOCUMENT_SVG] = surface_svg,
    [DOCUMENT_PNG] = surface_png,
};

bool document_write(const struct document *document, enum document_format format, const char *font_folder,
                    FILE *out, char *error, size_t error_size)
{
        struct pen pen;
        bool is_done;

        if (document_problem(document)) {
                snprintf(error, error_size, "%s", document_problem(document));
                return false;
        }
        errno = 0;
        is_done = pen_open(&pen, document->language, font_folder, error, error_size) &&
                  formats[format](document, &pen, out, error, error_size);
        pen_close(&pen);
        if (is_done && (fflush(out) || ferror(out))) {
                snprintf(error, error_size, "can't write the document: %s", strerror(errno));
                return false;
        }
        return is_done;
}
