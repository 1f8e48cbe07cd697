/* Values made of PINs: see pin_value.h. */
#include "keymodule/crypto/pin_value.h"

#include <openssl/crypto.h>
#include <string.h>

#include "lib/base/digits.h"
#include "lib/base/hex.h"

enum { PVV_DIGITS = 4, PVV_PAN_DIGITS = 11, TEXT_DIGITS = 16 };

/* The first four of the digits below ten; where there are fewer, those from A on, ten less. */
static void pick_digits(const char *text, char *ret_value)
{
        size_t count = 0;
        for (int pass = 0; pass < 2; pass++) {
                for (size_t i = 0; i < TEXT_DIGITS && count < PVV_DIGITS; i++) {
                        int value = hex_digit(text[i]);
                        if (pass == 0 && value < 10)
                                ret_value[count++] = (char)('0' + value);
                        else if (pass == 1 && value >= 10)
                                ret_value[count++] = (char)('0' + value - 10);
                }
        }
        ret_value[count] = '\0';
}

/* 16 hexadecimal digits, enciphered. False: they are none. */
static bool encipher_digits(const struct cipher_key *key, char text[TEXT_DIGITS + 1])
{
        uint8_t block[TDES_BLOCK];
        if (!hex_parse(text, block, sizeof(block)))
                return false;
        cipher_blocks(key, CIPHER_ENCIPHER, block, sizeof(block), block);
        hex_print(block, sizeof(block), text);
        OPENSSL_cleanse(block, sizeof(block));
        return true;
}

bool pin_verification_value(const struct cipher_key *key, char index, const struct pin *pin, const char *pan,
                            size_t pan_length, char ret_value[PIN_VALUE_TEXT])
{
        char text[TEXT_DIGITS + 1];
        bool good = key->algorithm == CIPHER_TDES && pan_length > PVV_PAN_DIGITS &&
                    pan_length <= PIN_PAN_MAX && digits_all(pan, pan_length) && digits_all(&index, 1);
        if (!good)
                return false;
        memcpy(text, pan + pan_length - 1 - PVV_PAN_DIGITS, PVV_PAN_DIGITS);
        text[PVV_PAN_DIGITS] = index;
        memcpy(text + PVV_PAN_DIGITS + 1, pin->digits, PVV_DIGITS);
        text[TEXT_DIGITS] = '\0';
        good = encipher_digits(key, text);
        if (good)
                pick_digits(text, ret_value);
        OPENSSL_cleanse(text, sizeof(text));
        return good;
}

static void write_validation(const char *pan, size_t length, char ret_text[TEXT_DIGITS + 1])
{
        size_t taken = length < PIN_VALIDATION_DIGITS ? length : PIN_VALIDATION_DIGITS;
        memset(ret_text, 'F', TEXT_DIGITS);
        memcpy(ret_text, pan + length - taken, taken);
        ret_text[TEXT_DIGITS] = '\0';
}

bool pin_offset(const struct cipher_key *key, const char table[PIN_TABLE_DIGITS], const struct pin *pin,
                const char *pan, size_t pan_length, char ret_offset[PIN_VALUE_TEXT])
{
        char text[TEXT_DIGITS + 1];
        bool good = key->algorithm == CIPHER_TDES && digits_all(table, PIN_TABLE_DIGITS) &&
                    pan_length >= PIN_PAN_MIN && pan_length <= PIN_PAN_MAX && digits_all(pan, pan_length);
        if (!good)
                return false;
        write_validation(pan, pan_length, text);
        good = encipher_digits(key, text);
        for (size_t i = 0; i < pin->length && good; i++) {
                int natural = table[hex_digit(text[i])] - '0';
                ret_offset[i] = (char)('0' + (pin->digits[i] - '0' - natural + 10) % 10);
        }
        if (good)
                ret_offset[pin->length] = '\0';
        OPENSSL_cleanse(text, sizeof(text));
        return good;
}
