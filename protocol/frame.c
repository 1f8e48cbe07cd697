/*
 * Framing: see frame.h. A bad length is told as soon as its header is there, so that a peer can't make the
 * connection wait for a message that will never be taken.
 */
#include <assert.h>

#include "protocol/frame.h"

size_t frame_header_size(const struct iso_dialect *dialect)
{
        return dialect->frame == FRAME_ASCII ? 4 : 2;
}

/* A number in decimal digits, one a byte or packed two a byte; false where one is none. */
static bool read_digits(const uint8_t *bytes, size_t size, bool packed, size_t *ret_number)
{
        size_t number = 0;
        for (size_t i = 0; i < size; i++) {
                unsigned high = packed ? bytes[i] >> 4 : 0,
                         low = packed ? bytes[i] & 15U : (unsigned)(bytes[i] - '0');
                if (high > 9 || low > 9)
                        return false;
                number = packed ? number * 100 + high * 10 + low : number * 10 + low;
        }
        *ret_number = number;
        return true;
}

static bool read_header(const struct iso_dialect *dialect, const uint8_t *bytes, size_t *ret_number)
{
        if (dialect->frame != FRAME_BINARY)
                return read_digits(bytes, frame_header_size(dialect), dialect->frame == FRAME_BCD,
                                   ret_number);
        *ret_number = (size_t)bytes[0] << 8 | bytes[1];
        return true;
}

enum frame_result frame_next(const struct iso_dialect *dialect, const uint8_t *bytes, size_t available,
                             const uint8_t **ret_message, size_t *ret_length)
{
        size_t header = frame_header_size(dialect), length;
        if (available < header)
                return FRAME_PARTIAL;
        if (!read_header(dialect, bytes, &length))
                return FRAME_BAD;
        size_t itself = dialect->frame_counts_itself ? header : 0;
        if (length == 0 && dialect->frame_may_be_empty)
                length = itself; /* of nothing, not even of itself */
        if (length < itself + !dialect->frame_may_be_empty || length - itself > ISO_MESSAGE_MAX)
                return FRAME_BAD;
        length -= itself;
        if (available - header < length)
                return FRAME_PARTIAL;
        *ret_message = bytes + header;
        *ret_length = length;
        return FRAME_READY;
}

static enum frame_result next_of(const void *rules, const uint8_t *bytes, size_t available,
                                 const uint8_t **ret_message, size_t *ret_length)
{
        return frame_next(rules, bytes, available, ret_message, ret_length);
}

struct framing frame_framing(const struct iso_dialect *dialect)
{
        return (struct framing){.next = next_of, .rules = dialect, .longest = ISO_MESSAGE_MAX};
}

size_t frame_header(const struct iso_dialect *dialect, uint8_t header[FRAME_HEADER_MAX], size_t length)
{
        assert(length > 0 && length <= ISO_MESSAGE_MAX);
        size_t size = frame_header_size(dialect);
        size_t number = length + (dialect->frame_counts_itself ? size : 0);
        for (size_t i = size; i-- > 0;) {
                switch (dialect->frame) {
                case FRAME_BINARY:
                        header[i] = (uint8_t)number;
                        number >>= 8;
                        break;
                case FRAME_ASCII:
                        header[i] = (uint8_t)('0' + number % 10);
                        number /= 10;
                        break;
                case FRAME_BCD:
                        header[i] = (uint8_t)(number / 10 % 10 << 4 | number % 10);
                        number /= 100;
                        break;
                }
        }
        return size;
}
