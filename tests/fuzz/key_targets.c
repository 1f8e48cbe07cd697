/* See key_targets.h. */
#include "tests/fuzz/key_targets.h"

#include <stdbool.h>
#include <string.h>

#include "keymodule/crypto/key_block.h"
#include "keymodule/crypto/pin_value.h"
#include "keymodule/protocol/message.h"
#include "lib/base/digits.h"
#include "tests/fuzz/promise.h"

/* The standards' keys of which the corpus has blocks: TR-31:2018 A.7.2.2, A.7.3.2 and A.7.4. */
static const struct cipher_key protections[] = {
    {CIPHER_TDES,
     16,
     {0xDD, 0x75, 0x15, 0xF2, 0xBF, 0xC1, 0x7F, 0x85, 0xCE, 0x48, 0xF3, 0xCA, 0x25, 0xCB, 0x21, 0xF6}},
    {CIPHER_TDES,
     16,
     {0x1D, 0x22, 0xBF, 0x32, 0x38, 0x7C, 0x60, 0x0A, 0xD9, 0x7F, 0x9B, 0x97, 0xA5, 0x13, 0x11, 0xAC}},
    {CIPHER_AES, 32, {0x88, 0xE1, 0xAB, 0x2A, 0x2E, 0x3D, 0xD3, 0x8C, 0x1F, 0xA0, 0x39,
                      0xA5, 0x36, 0x50, 0x0C, 0xC8, 0xA8, 0x7A, 0xB9, 0xD6, 0x2D, 0xC9,
                      0x2C, 0x01, 0x05, 0x8F, 0xA7, 0x9F, 0x44, 0x65, 0x7D, 0xE6}},
};
enum { PROTECTIONS = sizeof(protections) / sizeof(protections[0]) };

static const struct key_block_guard *guard_at(int i)
{
        static struct key_block_guard guards[PROTECTIONS];
        if (guards[i].strength == 0)
                key_block_guard_of(&protections[i], &guards[i]);
        return &guards[i];
}

static void check_unwrapped(const struct key_block_guard *guard, const struct key_block_header *header,
                            const struct cipher_key *key)
{
        struct key_block_header back;
        struct cipher_key again;
        char text[KEY_BLOCK_TEXT];

        PROMISE(cipher_key_has_length(key->algorithm, key->length));
        PROMISE(cipher_strength(key->algorithm, key->length) <= guard->strength);
        /* what fills up may need more room than it had */
        if (key_block_wrap(guard, header, key, text) != KEY_BLOCK_GOOD) {
                PROMISE(strlen(header->optional) > KEY_BLOCK_OPTIONAL_MAX - 2 * CIPHER_BLOCK_MAX);
                return;
        }
        PROMISE(strlen(text) <= KEY_BLOCK_MAX);
        PROMISE(key_block_unwrap(guard, text, strlen(text), &back, &again) == KEY_BLOCK_GOOD);
        PROMISE(again.length == key->length && memcmp(again.bytes, key->bytes, key->length) == 0 &&
                memcmp(&back, header, sizeof(back)) == 0);
}

void target_key_block(const uint8_t *bytes, size_t size)
{
        const char *text = (const char *)bytes;
        struct key_block_header header;
        bool read = key_block_read(text, size, &header) == KEY_BLOCK_GOOD;
        size_t length;

        if (read) {
                PROMISE(size <= KEY_BLOCK_MAX && strlen(header.optional) <= KEY_BLOCK_OPTIONAL_MAX);
                PROMISE(!key_block_optional(&header, "PB", &length));
                const char *set = key_block_optional(&header, "KS", &length);
                PROMISE(!set || set + length <= header.optional + strlen(header.optional));
        }
        for (int i = 0; i < PROTECTIONS; i++) {
                struct cipher_key key;
                if (key_block_unwrap(guard_at(i), text, size, &header, &key) == KEY_BLOCK_GOOD) {
                        PROMISE(read);
                        check_unwrapped(guard_at(i), &header, &key);
                }
        }
}

static bool same_pin(const struct pin *a, const struct pin *b)
{
        return a->length == b->length && strcmp(a->digits, b->digits) == 0;
}

static void check_field(enum pin_format format, const uint8_t *field)
{
        struct pin pin, again;
        uint8_t written[PIN_BLOCK_MAX];
        if (pin_field_read(format, field, &pin) != PIN_GOOD)
                return;
        PROMISE(pin.length >= PIN_MIN && pin.length <= PIN_MAX && strlen(pin.digits) == pin.length);
        PROMISE(digits_all(pin.digits, pin.length));
        PROMISE(pin_field_write(format, &pin, written) == PIN_GOOD);
        PROMISE(pin_field_read(format, written, &again) == PIN_GOOD && same_pin(&pin, &again));
        PROMISE(format != PIN_FORMAT_0 || memcmp(field, written, 8) == 0);
}

static void check_block(enum pin_format format, const uint8_t *block, const char *pan, size_t pan_length)
{
        const struct cipher_key *key = &protections[format == PIN_FORMAT_4 ? 2 : 0];
        struct pin pin, again;
        uint8_t sealed[PIN_BLOCK_MAX];
        char value[PIN_VALUE_TEXT];
        if (pin_block_open(format, key, block, pin_block_size(format), pan, pan_length, &pin) != PIN_GOOD)
                return;
        PROMISE(pin_block_seal(format, key, &pin, pan, pan_length, sealed) == PIN_GOOD);
        PROMISE(pin_block_open(format, key, sealed, pin_block_size(format), pan, pan_length, &again) ==
                PIN_GOOD);
        PROMISE(same_pin(&pin, &again));
        PROMISE(pin_offset(&protections[0], "0123456789012345", &pin, pan, pan_length, value));
        PROMISE(strlen(value) == pin.length && digits_all(value, pin.length));
        if (pin_verification_value(&protections[0], '1', &pin, pan, pan_length, value))
                PROMISE(strlen(value) == 4 && digits_all(value, 4));
}

void target_pin_block(const uint8_t *bytes, size_t size)
{
        enum pin_format format;
        if (size < 1 + PIN_BLOCK_MAX || !pin_format_of((char)bytes[0], &format))
                return;
        check_field(format, bytes + 1);
        check_block(format, bytes + 1, (const char *)bytes + 1 + PIN_BLOCK_MAX, size - 1 - PIN_BLOCK_MAX);
}

static void check_answer(const uint8_t *bytes, size_t size, enum key_command command)
{
        static uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        struct key_message message;
        if (!key_answer_read(bytes, size, command, &message))
                return;
        PROMISE(key_answer_write(&message, frame) == KEY_HEADER + size);
        PROMISE(memcmp(frame + KEY_HEADER, bytes, size) == 0);
        PROMISE(*key_code_word(message.code) && *key_code_text(message.code));
}

void target_key_frame(const uint8_t *bytes, size_t size)
{
        static uint8_t frame[KEY_HEADER + KEY_FRAME_MAX];
        struct key_message message;
        size_t whole = 0;
        if (key_frame_size(bytes, size, &whole))
                PROMISE(whole <= KEY_HEADER + KEY_FRAME_MAX);
        if (size > KEY_FRAME_MAX)
                return;
        for (int command = 0; command < KEY_COMMANDS; command++)
                check_answer(bytes, size, (enum key_command)command);
        if (key_request_read(bytes, size, &message) != KEY_CODE_GOOD)
                return;
        for (int field = 0; field < KEY_FIELDS; field++)
                PROMISE(message.value[field].length <= key_fields[field].most);
        PROMISE(key_request_write(&message, frame) == KEY_HEADER + size);
        PROMISE(memcmp(frame + KEY_HEADER, bytes, size) == 0);
}

void target_keys(const uint8_t *bytes, size_t size)
{
        target_key_block(bytes, size);
        target_pin_block(bytes, size);
        target_key_frame(bytes, size);
}
