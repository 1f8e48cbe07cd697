/* See utf8.h. */
#include "lib/base/utf8.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t utf8_length(const unsigned char *bytes, size_t left)
{
        static const struct {
                unsigned char from, to, second_from, second_to;
                size_t length;
        } forms[] = {
            {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
            {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
            {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
        };

        if (*bytes < 0x80)
                return 1;
        for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
                if (*bytes < forms[i].from || *bytes > forms[i].to)
                        continue;
                if (left < forms[i].length || bytes[1] < forms[i].second_from ||
                    bytes[1] > forms[i].second_to)
                        return 0;
                for (size_t k = 2; k < forms[i].length; k++) {
                        if ((bytes[k] & 0xc0) != 0x80)
                                return 0;
                }
                return forms[i].length;
        }
        return 0;
}

static uint32_t character_of(const unsigned char *bytes, size_t length)
{
        static const unsigned char first_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
        uint32_t character = *bytes & first_bits[length];

        for (size_t k = 1; k < length; k++)
                character = character << 6 | (bytes[k] & 0x3f);
        return character;
}

/* The length of a character that may stand in a line, else 0. */
static size_t shown_length(const unsigned char *bytes, size_t left)
{
        static const struct {
                uint32_t from, to;
        } barred[] = {
            {0x0000, 0x001f}, {0x007f, 0x009f}, /* control characters */
            {0x2028, 0x2029},                   /* ends of a line, of a paragraph */
            {0x061c, 0x061c}, {0x200e, 0x200f}, {0x202a, 0x202e}, {0x2066, 0x2069}, /* directions */
            {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, /* byte order, annotations */
            {0xfdd0, 0xfdef},                   /* no characters, as the last two of each plane */
        };
        size_t length = utf8_length(bytes, left);
        uint32_t character = length ? character_of(bytes, length) : 0;

        if ((character & 0xfffe) == 0xfffe)
                return 0;
        for (size_t i = 0; i < sizeof(barred) / sizeof(*barred); i++) {
                if (character >= barred[i].from && character <= barred[i].to)
                        return 0;
        }
        return length;
}

const char *utf8_not_line(const char *text)
{
        const unsigned char *at = (const unsigned char *)text;

        for (size_t left = strlen(text), length; left; left -= length) {
                length = shown_length(at, left);
                if (!length)
                        return (const char *)at;
                at += length;
        }
        return NULL;
}

bool utf8_is_line(const char *text)
{
        return !utf8_not_line(text);
}

/* The escape of what stands at `at` and can't be shown; its length in the text is returned. */
static size_t escape(const unsigned char *at, size_t left, char escaped[11])
{
        size_t length = utf8_length(at, left);
        uint32_t character = length ? character_of(at, length) : *at;

        if (!length)
                snprintf(escaped, 11, "\\x%02" PRIx32, character);
        else
                snprintf(escaped, 11, character > 0xffff ? "\\U%08" PRIx32 : "\\u%04" PRIx32, character);
        return length ? length : 1;
}

static void print_json_escape(uint32_t character, FILE *stream)
{
        uint32_t beyond = character - 0x10000;

        if (character < 0x10000)
                fprintf(stream, "\\u%04" PRIx32, character);
        else
                fprintf(stream, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (beyond >> 10),
                        0xdc00 + (beyond & 0x3ff));
}

void utf8_print_json(const char *bytes, size_t length, FILE *stream)
{
        const unsigned char *at = (const unsigned char *)bytes;

        for (size_t left = length, step; left; left -= step, at += step) {
                bool plain = (step = shown_length(at, left)) || (*at == '\n' && (step = 1));

                if (plain)
                        fwrite(at, 1, step, stream);
                else if ((step = utf8_length(at, left)))
                        print_json_escape(character_of(at, step), stream);
                else
                        print_json_escape(0xfffd, stream), step = 1;
        }
}

size_t utf8_show(const char *text, const char *kept, char *buffer, size_t size)
{
        const unsigned char *at = (const unsigned char *)text;
        size_t used = 0;

        for (size_t left = strlen(text), step; left; left -= step, at += step) {
                char escaped[11];
                bool plain = (step = shown_length(at, left)) || (strchr(kept, *at) && (step = 1));
                size_t length;

                if (!plain)
                        step = escape(at, left, escaped);
                length = plain ? step : strlen(escaped);
                if (used + length >= size)
                        break;
                memcpy(buffer + used, plain ? (const char *)at : escaped, length);
                used += length;
        }
        if (size)
                buffer[used] = '\0';
        return used;
}
