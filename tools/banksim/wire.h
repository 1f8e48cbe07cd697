/* A bank's way of writing: its dialect, and how messages follow each other. */
#ifndef BANKSIM_WIRE_H
#define BANKSIM_WIRE_H

#include "config/bank_codes.h"
#include "keymodule/laboratory/lab_keys.h"
#include "protocol/frame.h"
#include "protocol/iso8583.h"

enum { WIRE_ERROR_MAX = 512, WIRE_FRAME_MAX = FRAME_HEADER_MAX + ISO_MESSAGE_MAX };

struct wire; /* a dialect in use */

/* "ascii", or the path of a dialect file. NULL with a text in error[]. */
ATM_MUST_USE struct wire *wire_open(const char *dialect, char error[WIRE_ERROR_MAX]);
void wire_close(struct wire *wire);

const struct iso_dialect *wire_dialect(const struct wire *wire);
const struct bank_codes *wire_codes(const struct wire *wire);
const char *wire_name(const struct wire *wire);

/* Whether what came as these bytes has the MAC that it must have; else why not: static text. */
ATM_MUST_USE bool wire_mac_is_right(const struct wire *wire, const struct lab_keys *keys,
                                    const struct iso_message *message, const uint8_t *bytes, size_t length,
                                    const char **ret_why);

/* A message as it goes out, with its header, without fields that the dialect does not know; its length, or 0
 * where the dialect can't say it. keys: with a MAC, which is spoilt where is_spoilt; NULL: without. */
ATM_MUST_USE size_t wire_write(const struct wire *wire, const struct lab_keys *keys, bool is_spoilt,
                               struct iso_message *message, uint8_t frame[WIRE_FRAME_MAX],
                               struct iso_error *ret_error);

#endif
