#include "lib/base/number.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Counted below zero, where there is room for one more. */
bool number_parse_bytes(const char *bytes, size_t length, int64_t least, int64_t most, int64_t *ret_number)
{
        bool negative = least < 0 && length > 0 && *bytes == '-';
        int64_t below = 0;

        if (length == negative)
                return false;
        for (size_t i = negative; i < length; i++) {
                if (bytes[i] < '0' || bytes[i] > '9' || __builtin_mul_overflow(below, 10, &below) ||
                    __builtin_sub_overflow(below, bytes[i] - '0', &below))
                        return false;
        }
        if (!negative && below == INT64_MIN)
                return false;
        if (!negative)
                below = -below;
        if (below < least || below > most)
                return false;
        *ret_number = below;
        return true;
}

bool number_parse(const char *text, int64_t least, int64_t most, int64_t *ret_number)
{
        return number_parse_bytes(text, strlen(text), least, most, ret_number);
}

int64_t number_known_bytes(const char *bytes, size_t length)
{
        int64_t number = 0;
        bool is_number = number_parse_bytes(bytes, length, INT64_MIN, INT64_MAX, &number);

        assert(is_number);
        return number;
}

int64_t number_known(const char *text)
{
        return number_known_bytes(text, strlen(text));
}

const char *number_expected(int64_t least, int64_t most, char text[NUMBER_EXPECTED_MAX])
{
        snprintf(text, NUMBER_EXPECTED_MAX, "a whole number from %" PRId64 " to %" PRId64, least, most);
        return text;
}
