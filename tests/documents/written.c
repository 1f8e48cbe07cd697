#include "tests/documents/written.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct written write_out(struct document *document, enum document_format format)
{
        struct written written = {NULL, 0};
        char error[256] = "";
        FILE *out = open_memstream(&written.bytes, &written.size);

        ck_assert_ptr_nonnull(out);
        ck_assert_msg(document_write(document, format, NULL, out, error, sizeof(error)), "%s", error);
        document_free(document);
        ck_assert_int_eq(fclose(out), 0);
        return written;
}

void refuse(struct document *document, enum document_format format, const char *font_folder, char error[256])
{
        char *bytes = NULL;
        size_t size;
        FILE *out = open_memstream(&bytes, &size);

        error[0] = '\0';
        ck_assert_ptr_nonnull(out);
        ck_assert(!document_write(document, format, font_folder, out, error, 256));
        document_free(document);
        fclose(out);
        free(bytes);
        ck_assert_str_ne(error, "");
}

size_t occurrences(const char *text, const char *wanted)
{
        size_t count = 0;

        for (const char *p = strstr(text, wanted); p; p = strstr(p + 1, wanted))
                count++;
        return count;
}
