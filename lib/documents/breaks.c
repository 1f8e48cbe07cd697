/* Ends of lines; see breaks.h. */
#include "lib/documents/breaks.h"

#include <stdbool.h>
#include <string.h>

#include "lib/base/utf8.h"

enum script {
        SCRIPT_BLANK,
        SCRIPT_OPEN,
        SCRIPT_CLOSE,
        SCRIPT_MARK,
        SCRIPT_ORDINAL,
        SCRIPT_HIRAGANA,
        SCRIPT_OTHER
};

static const struct {
        enum script script;
        const char *characters;
} marks[] = {{SCRIPT_BLANK, " \n　"},
             {SCRIPT_OPEN, "（「『【〔"},
             {SCRIPT_CLOSE, "）」』】〕"},
             {SCRIPT_MARK, "、。，．・～：；"},
             {SCRIPT_ORDINAL, "第"}};

/* Of a character's bytes. Hiragana are U+3041 to U+309F. */
static enum script script_of(const char *at, size_t length)
{
        char character[5] = {0};

        memcpy(character, at, length);
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
                if (strstr(marks[i].characters, character))
                        return marks[i].script;
        }
        return strcmp(character, "ぁ") >= 0 && strcmp(character, "ゟ") <= 0 ? SCRIPT_HIRAGANA : SCRIPT_OTHER;
}

static bool may_end(enum script before, enum script after)
{
        if (after == SCRIPT_BLANK || after == SCRIPT_CLOSE || after == SCRIPT_MARK || before == SCRIPT_OPEN)
                return false;
        return before == SCRIPT_BLANK || before == SCRIPT_CLOSE || before == SCRIPT_MARK ||
               after == SCRIPT_OPEN || after == SCRIPT_ORDINAL ||
               (before == SCRIPT_HIRAGANA && after != SCRIPT_HIRAGANA);
}

size_t breaks_piece(const char *text)
{
        size_t left = strlen(text), used = 0;
        enum script before = SCRIPT_OPEN; /* no end at the beginning */

        while (used < left) {
                size_t length = utf8_length((const unsigned char *)text + used, left - used);
                enum script script;

                length += !length;
                script = script_of(text + used, length);
                if (may_end(before, script))
                        break;
                before = script;
                used += length;
        }
        return used;
}
