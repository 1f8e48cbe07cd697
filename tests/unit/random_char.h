/* A character as a field of some format may hold it, drawn from a small stream (lib/base/random.h). */
#ifndef TESTS_UNIT_RANDOM_CHAR_H
#define TESTS_UNIT_RANDOM_CHAR_H

#include "lib/base/random.h"
#include "protocol/iso8583.h"

static inline char random_char(uint64_t *state, enum iso_format format)
{
        static const char an[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ";
        uint64_t random = random_mix(state);

        switch (format) {
        case ISO_N:
        case ISO_XN:
                return (char)('0' + random % 10);
        case ISO_AN:
                return an[random % (sizeof(an) - 1)];
        case ISO_Z:
                return "0123456789=D"[random % 12];
        case ISO_B:
                return (char)(random % 256);
        case ISO_ANS:
        case ISO_NONE:
                break;
        }
        return (char)(' ' + random % ('~' - ' ' + 1));
}

#endif
