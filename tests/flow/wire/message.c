/* Another reading of the same standard: see message.h. */
#include "tests/flow/wire/message.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "n10": ten digits. "n..19": LLVAR, "ans...999": LLLVAR. x+n: C or D, then digits. b: raw bytes. */
static const char *const formats[MESSAGE_FIELDS + 1] = {
    [2] = "n..19",      [3] = "n6",   [4] = "n12",       [7] = "n10",        [11] = "n6",
    [12] = "n6",        [13] = "n4",  [14] = "n4",       [15] = "n4",        [22] = "n3",
    [25] = "n2",        [28] = "x9",  [32] = "n..11",    [35] = "z..37",     [37] = "an12",
    [38] = "an6",       [39] = "an2", [41] = "ans8",     [42] = "ans15",     [48] = "ans...999",
    [49] = "n3",        [52] = "b8",  [54] = "an...120", [60] = "ans...999", [61] = "ans...999",
    [62] = "ans...999", [66] = "n1",  [70] = "n3",       [74] = "n10",       [75] = "n10",
    [76] = "n10",       [77] = "n10", [86] = "n16",      [87] = "n16",       [88] = "n16",
    [89] = "n16",       [90] = "n42", [95] = "an42",     [97] = "x17",
};

enum { MTI_LENGTH = 4, BITMAP_LENGTH = 8 };

struct format {
        char kind[4];
        int prefix; /* digits of the length before the value; 0: fixed */
        size_t length;
};

static struct format format_of(int field)
{
        struct format format = {.kind = ""};
        const char *text = formats[field];
        if (!text) {
                fprintf(stderr, "message.c: no format for field %d\n", field);
                abort();
        }
        size_t letters = strspn(text, "abnsxz");
        size_t dots = strspn(text + letters, ".");
        memcpy(format.kind, text, letters);
        format.prefix = (int)dots;
        format.length = (size_t)atoi(text + letters + dots);
        return format;
}

void message_start(struct message *ret_message, const char *mti)
{
        memset(ret_message, 0, sizeof(*ret_message));
        snprintf(ret_message->mti, sizeof(ret_message->mti), "%s", mti);
}

void message_set_bytes(struct message *message, int field, const char *bytes, size_t length)
{
        if (length > MESSAGE_VALUE_MAX)
                abort();
        message->has[field] = true;
        message->field[field].length = length;
        memcpy(message->field[field].text, bytes, length);
        message->field[field].text[length] = '\0';
}

void message_set(struct message *message, int field, const char *text)
{
        message_set_bytes(message, field, text, strlen(text));
}

void message_print(struct message *message, int field, const char *format, ...)
{
        char text[MESSAGE_VALUE_MAX + 1];
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        message_set(message, field, text);
}

void message_drop(struct message *message, int field)
{
        message->has[field] = false;
        message->field[field].length = 0;
        message->field[field].text[0] = '\0';
}

const char *message_get(const struct message *message, int field)
{
        return message->field[field].text;
}

size_t message_encode(const struct message *message, uint8_t buffer[MESSAGE_BYTES_MAX])
{
        bool second = false;
        for (int field = 65; field <= MESSAGE_FIELDS; field++)
                second = second || message->has[field];
        uint8_t *at = buffer;
        memcpy(at, message->mti, MTI_LENGTH);
        at += MTI_LENGTH;
        uint8_t *bitmap = at;
        size_t bitmaps = second ? 2 * BITMAP_LENGTH : BITMAP_LENGTH;
        memset(bitmap, 0, bitmaps);
        at += bitmaps;
        if (second)
                bitmap[0] |= 0x80;
        for (int field = 2; field <= MESSAGE_FIELDS; field++) {
                if (!message->has[field])
                        continue;
                struct format format = format_of(field);
                size_t length = message->field[field].length;
                bitmap[(field - 1) / 8] |= (uint8_t)(0x80 >> (field - 1) % 8);
                if (format.prefix)
                        at += sprintf((char *)at, "%0*zu", format.prefix, length);
                memcpy(at, message->field[field].text, length);
                at += length;
        }
        return (size_t)(at - buffer);
}

static bool fits(const char *kind, size_t i, char c)
{
        unsigned char byte = (unsigned char)c;
        if (!strcmp(kind, "n"))
                return isdigit(byte);
        if (!strcmp(kind, "an"))
                return isalnum(byte);
        if (!strcmp(kind, "ans"))
                return byte >= 0x20 && byte < 0x7f;
        if (!strcmp(kind, "x"))
                return i == 0 ? c == 'C' || c == 'D' : isdigit(byte);
        if (!strcmp(kind, "z"))
                return isdigit(byte) || c == '=' || c == 'D';
        return !strcmp(kind, "b");
}

static const char *decode_field(const uint8_t **at, const uint8_t *end, struct message *message, int field)
{
        if (!formats[field])
                return "a field that no answer may carry";
        struct format format = format_of(field);
        size_t length = format.length;
        if (format.prefix) {
                if (end - *at < format.prefix)
                        return "cut in a length";
                length = 0;
                for (int i = 0; i < format.prefix; i++, ++*at) {
                        if (!isdigit(**at))
                                return "a length that is no number";
                        length = length * 10 + (size_t)(**at - '0');
                }
                if (length > format.length)
                        return "longer than its field may be";
        }
        if ((size_t)(end - *at) < length)
                return "cut in a value";
        message_set_bytes(message, field, (const char *)*at, length);
        *at += length;
        for (size_t i = 0; i < length; i++)
                if (!fits(format.kind, i, message->field[field].text[i]))
                        return "a character that its field may not hold";
        return NULL;
}

const char *message_decode(const uint8_t *bytes, size_t length, struct message *ret_message)
{
        const uint8_t *at = bytes + MTI_LENGTH + BITMAP_LENGTH, *end = bytes + length;
        message_start(ret_message, "");
        if (at > end)
                return "no MTI and bitmap";
        for (int i = 0; i < MTI_LENGTH; i++)
                if (!isdigit(bytes[i]))
                        return "an MTI that is not four digits";
        memcpy(ret_message->mti, bytes, MTI_LENGTH);
        const uint8_t *bitmap = bytes + MTI_LENGTH;
        bool second = bitmap[0] & 0x80;
        if (second && end - at < BITMAP_LENGTH)
                return "no second bitmap";
        if (second)
                at += BITMAP_LENGTH;
        for (int field = 2; field <= (second ? MESSAGE_FIELDS : 64); field++) {
                if (!(bitmap[(field - 1) / 8] & 0x80 >> (field - 1) % 8))
                        continue;
                const char *wrong = decode_field(&at, end, ret_message, field);
                if (wrong)
                        return wrong;
        }
        return at == end ? NULL : "bytes after the last field";
}

bool message_equal(const struct message *a, const struct message *b)
{
        if (strcmp(a->mti, b->mti) != 0)
                return false;
        for (int field = 2; field <= MESSAGE_FIELDS; field++)
                if (a->has[field] != b->has[field] || a->field[field].length != b->field[field].length ||
                    memcmp(a->field[field].text, b->field[field].text, a->field[field].length) != 0)
                        return false;
        return true;
}

void message_describe(const struct message *message, char *buffer, size_t size)
{
        size_t used = (size_t)snprintf(buffer, size, "%s", message->mti);
        for (int field = 2; field <= MESSAGE_FIELDS && used < size; field++) {
                bool secret = field == 2 || field == 14 || field == 35 || field == 52;
                if (message->has[field])
                        used += (size_t)snprintf(buffer + used, size - used, " %d=%s", field,
                                                 secret ? "*" : message->field[field].text);
        }
}
