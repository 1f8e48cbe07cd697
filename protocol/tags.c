/* Private fields: see tags.h. */
#include "protocol/tags.h"

#include <assert.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/digits.h"
#include "lib/base/number.h"

enum { NAME = 2, LENGTH_DIGITS = 3, HEADER = NAME + LENGTH_DIGITS, VALUE_MAX = 999, SECURITY_FIELD = 62 };

/* What a value is made of; the field's own form, printable ASCII, is checked before. */
enum tag_form { TAG_DIGITS, TAG_HEX, TAG_TEXT };

static const struct security_tag {
        const char *name;
        enum tag_form form;
        size_t least, most;
        bool may_repeat;
        const char *complaint;
} security_tags[] = {
    {TAG_KEY_SET, TAG_DIGITS, 1, 4, false, "KS is not a key set's number of 1 to 4 digits"},
    {TAG_PIN_BLOCK, TAG_HEX, 32, 32, false, "PB is not a PIN block of 32 hexadecimal digits"},
    {TAG_KEY_BLOCK, TAG_TEXT, 16, VALUE_MAX, true, "KB is no key block: it is shorter than 16 characters"},
    {TAG_KEY_OFFER, TAG_DIGITS, 1, 4, false, "KN is not a key set's number of 1 to 4 digits"},
};

static size_t length_of(const char *tag)
{
        size_t length = 0;
        for (size_t i = NAME; i < HEADER; i++)
                length = length * 10 + (size_t)(tag[i] - '0');
        return length;
}

/* NULL: there is a whole tag. */
static const char *header_problem(const char *at, size_t left)
{
        if (left < HEADER || !digits_all(at + NAME, LENGTH_DIGITS))
                return "not a tag of 2 and a length of 3 digits";
        return length_of(at) > left - HEADER ? "a tag's value is cut short" : NULL;
}

bool tags_next(const struct iso_message *message, int field, size_t *at, struct tag *ret_tag)
{
        size_t length = 0;
        const char *value = iso_get(message, field, &length);
        if (!value || *at >= length || header_problem(value + *at, length - *at))
                return false;
        *ret_tag = (struct tag){value + *at, value + *at + HEADER, length_of(value + *at)};
        *at += HEADER + ret_tag->length;
        return true;
}

bool tags_find(const struct iso_message *message, int field, const char *name, struct tag *ret_tag)
{
        size_t at = 0;
        struct tag tag;
        while (tags_next(message, field, &at, &tag)) {
                if (memcmp(tag.name, name, NAME) == 0) {
                        *ret_tag = tag;
                        return true;
                }
        }
        return false;
}

int tags_key_set(const struct iso_message *message)
{
        struct tag tag;
        if (!tags_find(message, SECURITY_FIELD, TAG_KEY_SET, &tag))
                return 0;
        return (int)number_known_bytes(tag.value, tag.length);
}

static bool is_hex(const char *text, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (!memchr("0123456789ABCDEFabcdef", text[i], 22))
                        return false;
        return true;
}

static bool is_in_form(const struct security_tag *row, const struct tag *tag)
{
        if (tag->length < row->least || tag->length > row->most)
                return false;
        switch (row->form) {
        case TAG_DIGITS:
                return digits_all(tag->value, tag->length);
        case TAG_HEX:
                return is_hex(tag->value, tag->length);
        case TAG_TEXT:
                return true;
        }
        return false;
}

/* Which of two would be meant nobody could say. */
static const char *security_problem(const struct tag *tag, bool *seen)
{
        for (size_t i = 0; i < LENGTH(security_tags); i++) {
                if (memcmp(security_tags[i].name, tag->name, NAME) != 0)
                        continue;
                if (seen[i] && !security_tags[i].may_repeat)
                        return "a tag is there twice";
                seen[i] = true;
                return is_in_form(&security_tags[i], tag) ? NULL : security_tags[i].complaint;
        }
        return NULL;
}

const char *tags_problem(const struct iso_message *message, int field)
{
        bool seen[LENGTH(security_tags)] = {false};
        size_t length = 0, at = 0;
        const char *value = iso_get(message, field, &length), *problem = NULL;
        struct tag tag;

        if (length == 0)
                return "empty: tag 2, length 3 digits and value are expected";
        while (!problem && at < length) {
                problem = header_problem(value + at, length - at);
                if (!problem && tags_next(message, field, &at, &tag) && field == SECURITY_FIELD)
                        problem = security_problem(&tag, seen);
        }
        return problem;
}

void tags_add(struct iso_message *message, int field, const char *name, const char *value)
{
        char text[VALUE_MAX + HEADER + VALUE_MAX];
        size_t had = 0, length = strlen(value);
        const char *before = iso_get(message, field, &had);

        assert(strlen(name) == NAME && length <= VALUE_MAX && had <= VALUE_MAX);
        if (before)
                memcpy(text, before, had);
        memcpy(text + had, name, NAME);
        for (size_t i = HEADER, left = length; i-- > NAME; left /= 10)
                text[had + i] = (char)('0' + left % 10);
        memcpy(text + had + HEADER, value, length);
        iso_set(message, field, text, had + HEADER + length);
        explicit_bzero(text, had + HEADER + length);
}
