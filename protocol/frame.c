/*
 * Framing: see frame.h. A bad length is told as soon as its two bytes are there, so that a peer can't make
 * the connection wait for a message that will never be taken.
 */
#include <assert.h>

#include "protocol/frame.h"
#include "protocol/iso8583.h"

enum frame_result frame_next(const uint8_t *bytes, size_t available, const uint8_t **ret_message,
                             size_t *ret_length)
{
        if (available < ISO_LENGTH_HEADER)
                return FRAME_PARTIAL;
        size_t length = (size_t)bytes[0] << 8 | bytes[1];
        if (length == 0 || length > ISO_MESSAGE_MAX)
                return FRAME_BAD;
        if (available - ISO_LENGTH_HEADER < length)
                return FRAME_PARTIAL;
        *ret_message = bytes + ISO_LENGTH_HEADER;
        *ret_length = length;
        return FRAME_READY;
}

void frame_header(uint8_t header[2], size_t length)
{
        assert(length > 0 && length <= ISO_MESSAGE_MAX);
        header[0] = (uint8_t)(length >> 8);
        header[1] = (uint8_t)length;
}
