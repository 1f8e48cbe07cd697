/* How words end: see plural.h. */
#include "lib/base/plural.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool ends(const char *word, const char *ending)
{
        size_t length = strlen(word), tail = strlen(ending);

        return length >= tail && !strcmp(word + length - tail, ending);
}

static bool is_vowel(char letter)
{
        return letter && strchr("aeiou", letter);
}

const char *plural_of(const char *one, char buffer[PLURAL_MAX])
{
        size_t length = strlen(one);

        if (ends(one, "x") || ends(one, "ss") || ends(one, "ch") || ends(one, "sh"))
                snprintf(buffer, PLURAL_MAX, "%ses", one);
        else if (ends(one, "s"))
                snprintf(buffer, PLURAL_MAX, "%s", one);
        else if (ends(one, "y") && length > 1 && !is_vowel(one[length - 2]))
                snprintf(buffer, PLURAL_MAX, "%.*sies", (int)length - 1, one);
        else
                snprintf(buffer, PLURAL_MAX, "%ss", one);
        return buffer;
}

const char *plural_count(uint64_t count, const char *one, char buffer[PLURAL_MAX])
{
        char many[PLURAL_MAX];

        snprintf(buffer, PLURAL_MAX, "%" PRIu64 " %.40s", count, count == 1 ? one : plural_of(one, many));
        return buffer;
}
