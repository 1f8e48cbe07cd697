/*
 * What a bank keeps of a PIN, computed from the PIN that was entered: the PIN verification value (Visa PVV, four digits), or the IBM 3624 offset (as many
 * digits as the PIN). Who asks compares it with what he keeps; the PIN itself stays inside.
 */
#ifndef KEYMODULE_CRYPTO_PIN_VALUE_H
#define KEYMODULE_CRYPTO_PIN_VALUE_H

#include "keymodule/crypto/cipher.h"
#include "keymodule/crypto/pin_block.h"

enum { PIN_TABLE_DIGITS = 16, PIN_VALUE_TEXT = PIN_MAX + 1, PIN_VALIDATION_DIGITS = 16 };

/* index: which of the issuer's pairs of keys, '0' to '9'. Of the PIN only the first four digits count; the PAN has at least twelve, of which
 * eleven without the check digit. False: the PAN is too short, or the key is none of TDES. */
ATM_MUST_USE bool pin_verification_value(const struct cipher_key *key, char index, const struct pin *pin,
                                         const char *pan, size_t pan_length, char ret_value[PIN_VALUE_TEXT]);

/* table: 16 digits, what each of 0 to F becomes. The validation data are the PAN's last 16 digits; a shorter one is filled with F behind.
 * False: the PAN is no PAN, the table no table, or the key none of TDES. */
ATM_MUST_USE bool pin_offset(const struct cipher_key *key, const char table[PIN_TABLE_DIGITS],
                             const struct pin *pin, const char *pan, size_t pan_length,
                             char ret_offset[PIN_VALUE_TEXT]);

#endif
