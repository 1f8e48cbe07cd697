/* PIN blocks: see pin_block.h. Fields are worked on as digits of 4 bits, and wiped wherever they were. */
#include "keymodule/crypto/pin_block.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/base/digits.h"

enum { NIBBLES_OF_PIN_FIELD = 16, PAN_PART = 12 };

static const struct format_row {
        char digit; /* also the field's control */
        enum cipher_algorithm algorithm;
        size_t size;
        uint8_t fill_least, fill_most;
} formats[PIN_FORMATS] = {
    [PIN_FORMAT_0] = {'0', CIPHER_TDES, 8, 0xF, 0xF},
    [PIN_FORMAT_3] = {'3', CIPHER_TDES, 8, 0xA, 0xF},
    [PIN_FORMAT_4] = {'4', CIPHER_AES, 16, 0xA, 0xA},
};

static uint8_t nibble(const uint8_t *bytes, size_t i)
{
        return i % 2 ? bytes[i / 2] & 0xF : bytes[i / 2] >> 4;
}

static void set_nibble(uint8_t *bytes, size_t i, uint8_t value)
{
        if (i % 2)
                bytes[i / 2] = (uint8_t)((bytes[i / 2] & 0xF0) | value);
        else
                bytes[i / 2] = (uint8_t)((bytes[i / 2] & 0x0F) | value << 4);
}

static void draw(uint8_t *bytes, size_t size)
{
        int drawn = RAND_priv_bytes(bytes, (int)size);
        assert(drawn == 1);
}

void pin_wipe(struct pin *pin)
{
        OPENSSL_cleanse(pin, sizeof(*pin));
}

bool pin_format_of(char digit, enum pin_format *ret_format)
{
        for (int i = 0; i < PIN_FORMATS; i++) {
                if (formats[i].digit == digit) {
                        *ret_format = (enum pin_format)i;
                        return true;
                }
        }
        return false;
}

size_t pin_block_size(enum pin_format format)
{
        return formats[format].size;
}

/* Any of its values with the same chance: what would favour some is drawn again. */
static uint8_t draw_fill(const struct format_row *row)
{
        unsigned values = (unsigned)(row->fill_most - row->fill_least + 1);
        uint8_t byte = 0;
        if (values == 1)
                return row->fill_least;
        do
                draw(&byte, 1);
        while (byte >= 256 / values * values);
        return (uint8_t)(row->fill_least + byte % values);
}

enum pin_error pin_field_write(enum pin_format format, const struct pin *pin,
                               uint8_t ret_field[PIN_BLOCK_MAX])
{
        const struct format_row *row = &formats[format];
        uint8_t field[PIN_BLOCK_MAX] = {0};

        if (pin->length < PIN_MIN || pin->length > PIN_MAX)
                return PIN_BAD_LENGTH;
        if (!digits_all(pin->digits, pin->length))
                return PIN_BAD_DIGIT;
        set_nibble(field, 0, (uint8_t)(row->digit - '0'));
        set_nibble(field, 1, (uint8_t)pin->length);
        for (size_t i = 0; i < NIBBLES_OF_PIN_FIELD - 2; i++)
                set_nibble(field, 2 + i, i < pin->length ? (uint8_t)(pin->digits[i] - '0') : draw_fill(row));
        if (row->size > 8)
                draw(field + 8, row->size - 8);
        memcpy(ret_field, field, sizeof(field));
        OPENSSL_cleanse(field, sizeof(field));
        return PIN_GOOD;
}

enum pin_error pin_field_read(enum pin_format format, const uint8_t field[PIN_BLOCK_MAX], struct pin *ret_pin)
{
        const struct format_row *row = &formats[format];
        struct pin pin = {.length = nibble(field, 1)};
        enum pin_error error = PIN_GOOD;

        if (nibble(field, 0) != row->digit - '0')
                return PIN_BAD_CONTROL;
        if (pin.length < PIN_MIN || pin.length > PIN_MAX)
                return PIN_BAD_LENGTH;
        for (size_t i = 0; i < NIBBLES_OF_PIN_FIELD - 2 && error == PIN_GOOD; i++) {
                uint8_t value = nibble(field, 2 + i);
                if (i >= pin.length)
                        error = value < row->fill_least || value > row->fill_most ? PIN_BAD_FILL : PIN_GOOD;
                else if (value > 9)
                        error = PIN_BAD_DIGIT;
                else
                        pin.digits[i] = (char)('0' + value);
        }
        if (error == PIN_GOOD)
                *ret_pin = pin;
        pin_wipe(&pin);
        return error;
}

/* Formats 0 and 3: the last twelve digits without the check digit, zeros before a short one's. */
static void write_part(const char *pan, size_t length, uint8_t *field)
{
        for (size_t i = 0; i < PAN_PART && i + 1 < length; i++)
                set_nibble(field, 15 - i, (uint8_t)(pan[length - 2 - i] - '0'));
}

/* Format 4: how many digits it has over twelve, then all; a shorter one has zeros before it. */
static void write_whole(const char *pan, size_t length, uint8_t *field)
{
        size_t before = length < PAN_PART ? PAN_PART - length : 0;
        set_nibble(field, 0, (uint8_t)(length + before - PAN_PART));
        for (size_t i = 0; i < length; i++)
                set_nibble(field, 1 + before + i, (uint8_t)(pan[i] - '0'));
}

enum pin_error pin_pan_field(enum pin_format format, const char *pan, size_t pan_length,
                             uint8_t ret_field[PIN_BLOCK_MAX])
{
        if (pan_length < PIN_PAN_MIN || pan_length > PIN_PAN_MAX || !digits_all(pan, pan_length))
                return PIN_BAD_PAN;
        memset(ret_field, 0, PIN_BLOCK_MAX);
        if (format == PIN_FORMAT_4)
                write_whole(pan, pan_length, ret_field);
        else
                write_part(pan, pan_length, ret_field);
        return PIN_GOOD;
}

static void combine(uint8_t *block, const uint8_t *other, size_t size)
{
        for (size_t i = 0; i < size; i++)
                block[i] ^= other[i];
}

enum pin_error pin_block_seal(enum pin_format format, const struct cipher_key *key, const struct pin *pin,
                              const char *pan, size_t pan_length, uint8_t ret_block[PIN_BLOCK_MAX])
{
        uint8_t block[PIN_BLOCK_MAX], other[PIN_BLOCK_MAX];
        size_t size = formats[format].size;
        enum pin_error error = pin_pan_field(format, pan, pan_length, other);

        if (error == PIN_GOOD && key->algorithm != formats[format].algorithm)
                error = PIN_BAD_KEY;
        if (error == PIN_GOOD)
                error = pin_field_write(format, pin, block);
        if (error != PIN_GOOD)
                return error;
        if (format == PIN_FORMAT_4)
                cipher_blocks(key, CIPHER_ENCIPHER, block, size, block);
        combine(block, other, size);
        cipher_blocks(key, CIPHER_ENCIPHER, block, size, ret_block);
        OPENSSL_cleanse(block, sizeof(block));
        OPENSSL_cleanse(other, sizeof(other));
        return PIN_GOOD;
}

enum pin_error pin_block_open(enum pin_format format, const struct cipher_key *key, const uint8_t *block,
                              size_t size, const char *pan, size_t pan_length, struct pin *ret_pin)
{
        uint8_t field[PIN_BLOCK_MAX], other[PIN_BLOCK_MAX];
        enum pin_error error = pin_pan_field(format, pan, pan_length, other);

        if (error == PIN_GOOD && key->algorithm != formats[format].algorithm)
                error = PIN_BAD_KEY;
        if (error == PIN_GOOD && size != formats[format].size)
                error = PIN_BAD_SIZE;
        if (error != PIN_GOOD)
                return error;
        cipher_blocks(key, CIPHER_DECIPHER, block, size, field);
        combine(field, other, size);
        if (format == PIN_FORMAT_4)
                cipher_blocks(key, CIPHER_DECIPHER, field, size, field);
        error = pin_field_read(format, field, ret_pin);
        OPENSSL_cleanse(field, sizeof(field));
        OPENSSL_cleanse(other, sizeof(other));
        return error;
}
