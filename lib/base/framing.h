/*
 * How a stream of bytes falls into messages: what lib/net/stream.h asks for and protocol/frame.h answers, neither of
 * which knows the other.
 */
#ifndef LIB_BASE_FRAMING_H
#define LIB_BASE_FRAMING_H

#include <stddef.h>
#include <stdint.h>

enum frame_result {
        FRAME_PARTIAL, /* more bytes are needed */
        FRAME_READY,   /* *ret_message and *ret_length describe it; it ends at *ret_message + *ret_length */
        FRAME_BAD,     /* no length, or one that no message has: the stream can't be followed */
};

struct framing {
        /* The first message of the range; its length header, if any, is left out. */
        enum frame_result (*next)(const void *rules, const uint8_t *bytes, size_t available,
                                  const uint8_t **ret_message, size_t *ret_length);
        const void *rules;
        size_t longest; /* message */
};

#endif
