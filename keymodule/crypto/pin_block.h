/*
 * PIN blocks of ISO 9564-1:2017, formats 0 and 3 (8 bytes, TDES) and 4 (16 bytes, AES), and translation among them.
 *
 *      clear field: control, length of the PIN, digits, fill
 *      0 and 3: the field XOR the PAN's last twelve digits without the check digit, enciphered
 *      4: the field enciphered, XOR the PAN field, enciphered again
 *
 * What is opened is checked strictly: under another key, for another PAN or of another format nearly every block fails. A caller outside
 * the module is told that it is bad and not why, for who may ask as often as he likes would learn the PIN from that.
 */
#ifndef KEYMODULE_CRYPTO_PIN_BLOCK_H
#define KEYMODULE_CRYPTO_PIN_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keymodule/crypto/cipher.h"

enum {
        PIN_MIN = 4,
        PIN_MAX = 12,
        PIN_PAN_MIN = 8,
        PIN_PAN_MAX = 19,
        PIN_BLOCK_MAX = 16,
};

enum pin_format { PIN_FORMAT_0, PIN_FORMAT_3, PIN_FORMAT_4, PIN_FORMATS };

/* Digits in clear; who has one wipes it. */
struct pin {
        size_t length;
        char digits[PIN_MAX + 1];
};

enum pin_error {
        PIN_GOOD,
        PIN_BAD_KEY,     /* of another cipher than the format's */
        PIN_BAD_SIZE,    /* of the block */
        PIN_BAD_PAN,     /* not 8 to 19 digits */
        PIN_BAD_CONTROL, /* of another format */
        PIN_BAD_LENGTH,  /* not 4 to 12 digits */
        PIN_BAD_DIGIT,
        PIN_BAD_FILL,
};

void pin_wipe(struct pin *pin);
/* '0', '3' or '4'; false: none of them. */
ATM_MUST_USE bool pin_format_of(char digit, enum pin_format *ret_format);
/* 8 or 16. */
size_t pin_block_size(enum pin_format format);

/* The field in clear. Format 3's fill and format 4's last eight bytes are random. pin: 4 to 12 digits (PIN_BAD_LENGTH, PIN_BAD_DIGIT). */
ATM_MUST_USE enum pin_error pin_field_write(enum pin_format format, const struct pin *pin,
                                            uint8_t ret_field[PIN_BLOCK_MAX]);
ATM_MUST_USE enum pin_error pin_field_read(enum pin_format format, const uint8_t field[PIN_BLOCK_MAX],
                                           struct pin *ret_pin);
/* What the field is combined with: of formats 0 and 3 8 bytes, of 4 16. */
ATM_MUST_USE enum pin_error pin_pan_field(enum pin_format format, const char *pan, size_t pan_length,
                                          uint8_t ret_field[PIN_BLOCK_MAX]);

ATM_MUST_USE enum pin_error pin_block_seal(enum pin_format format, const struct cipher_key *key,
                                           const struct pin *pin, const char *pan, size_t pan_length,
                                           uint8_t ret_block[PIN_BLOCK_MAX]);
ATM_MUST_USE enum pin_error pin_block_open(enum pin_format format, const struct cipher_key *key,
                                           const uint8_t *block, size_t size, const char *pan,
                                           size_t pan_length, struct pin *ret_pin);

#endif
