/*
 * Framing: each message follows its length, in the form that the dialect says: two bytes, big-endian; four
 * ASCII digits; or four digits in two bytes; counting itself or not. The built-in dialect, and with it every
 * ATM, has the first and does not count it.
 * Pure functions over a byte range; the connection owns the bytes.
 */
#ifndef PROTOCOL_FRAME_H
#define PROTOCOL_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "lib/base/framing.h"
#include "protocol/iso8583.h"

enum { FRAME_HEADER_MAX = 4 }; /* longest length header of any form */

/* FRAME_BAD: no length, or one over ISO_MESSAGE_MAX, or of zero where the dialect has no empty messages. */
ATM_MUST_USE enum frame_result frame_next(const struct iso_dialect *dialect, const uint8_t *bytes,
                                          size_t available, const uint8_t **ret_message, size_t *ret_length);

/* For a stream; the dialect must outlive it. */
struct framing frame_framing(const struct iso_dialect *dialect);

/* Bytes of the length header. */
size_t frame_header_size(const struct iso_dialect *dialect);

/* Write the length header for a message of `length` bytes that follows it; returns its size. */
size_t frame_header(const struct iso_dialect *dialect, uint8_t header[FRAME_HEADER_MAX], size_t length);

#endif
