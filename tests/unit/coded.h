/* A message as bytes and back, for tests of the codec and of dialects. What can't be done fails the test, in the codec's words. */
#ifndef TESTS_UNIT_CODED_H
#define TESTS_UNIT_CODED_H

#include <check.h>

#include "lib/base/hex.h"
#include "protocol/iso8583.h"

/* Bytes from digits, with spaces anywhere between two. */
static inline size_t from_hex(const char *hex, uint8_t *bytes)
{
        size_t size = 0;
        for (; *hex; hex++) {
                if (*hex == ' ')
                        continue;
                ck_assert(hex_parse(hex, bytes + size++, 1));
                hex++;
        }
        return size;
}

static inline size_t encode(const struct iso_dialect *dialect, const struct iso_message *message,
                            uint8_t *bytes)
{
        struct iso_error error = {0};
        int size = iso_encode(dialect, message, bytes, ISO_MESSAGE_MAX, &error);
        if (size < 0) {
                char text[200];
                iso_error_print(dialect, &error, text, sizeof(text));
                ck_abort_msg("%s: %s", dialect->name, text);
        }
        return (size_t)size;
}

static inline void decode(const struct iso_dialect *dialect, const uint8_t *bytes, size_t size,
                          struct iso_message *message)
{
        struct iso_error error = {0};
        if (iso_decode(dialect, bytes, size, message, &error) < 0) {
                char text[200];
                iso_error_print(dialect, &error, text, sizeof(text));
                ck_abort_msg("%s: %s", dialect->name, text);
        }
}

#endif
