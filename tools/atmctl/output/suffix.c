/* Suffixes as rows. */
#include "tools/atmctl/output/suffix.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "lib/base/array.h"

/* The first row of a suffix is what it asks for, the first of a format is how its files are called. */
static const struct {
        const char *suffix, *format;
} suffixes[] = {
    {"txt", "table"}, {"txt", "expanded"}, {"csv", "csv"}, {"json", "json"}, {"html", "html"},
    {"htm", "html"},  {"pdf", "pdf"},      {"svg", "svg"}, {"png", "png"},   {"xlsx", "xlsx"},
};

const char *suffix_of(const char *path)
{
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *point = strrchr(name, '.');

        return point && point > name && point[1] ? point + 1 : NULL;
}

const char *suffix_format(const char *suffix)
{
        for (size_t i = 0; i < LENGTH(suffixes); i++) {
                if (!strcasecmp(suffixes[i].suffix, suffix))
                        return suffixes[i].format;
        }
        return NULL;
}

const char *suffix_for(const char *format)
{
        size_t i = 0;

        while (strcmp(suffixes[i].format, format))
                i++; /* each format has one */
        return suffixes[i].suffix;
}

bool suffix_suits(const char *suffix, const char *format)
{
        for (size_t i = 0; i < LENGTH(suffixes); i++) {
                if (!strcasecmp(suffixes[i].suffix, suffix) && !strcmp(suffixes[i].format, format))
                        return true;
        }
        return false;
}
