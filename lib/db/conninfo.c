#include "lib/db/conninfo.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "keyword='value' ", quotes and backslashes escaped. */
static void put(FILE *text, const char *keyword, const char *value)
{
        fprintf(text, "%s='", keyword);
        for (; *value; value++) {
                if (*value == '\'' || *value == '\\')
                        fputc('\\', text);
                fputc(*value, text);
        }
        fputs("' ", text);
}

char *conninfo_named(const char *conninfo, const char *name)
{
        PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
        char *text = NULL;
        size_t length;
        FILE *stream = options ? open_memstream(&text, &length) : NULL;

        for (PQconninfoOption *option = options; stream && option->keyword; option++) {
                if (option->val && strcmp(option->keyword, "application_name") != 0)
                        put(stream, option->keyword, option->val);
        }
        PQconninfoFree(options);
        if (!stream)
                return NULL;
        put(stream, "application_name", name);
        if (fclose(stream) == 0)
                return text;
        free(text);
        return NULL;
}
