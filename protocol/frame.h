/*
 * Framing: each message follows a 2-byte big-endian length that does not count itself.
 * Pure functions over a byte range; the connection owns the bytes.
 */
#ifndef PROTOCOL_FRAME_H
#define PROTOCOL_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/attributes.h"

enum frame_result {
        FRAME_PARTIAL, /* more bytes are needed */
        FRAME_READY,   /* *ret_message and *ret_length describe it; it takes ISO_LENGTH_HEADER more bytes */
        FRAME_BAD,     /* a length of zero or over ISO_MESSAGE_MAX: the stream can't be followed further */
};

ATM_MUST_USE enum frame_result frame_next(const uint8_t *bytes, size_t available, const uint8_t **ret_message,
                                          size_t *ret_length);

/* Write the length header for a message of `length` bytes that follows it. */
void frame_header(uint8_t header[2], size_t length);

#endif
