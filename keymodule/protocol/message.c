/* The key module's protocol: see message.h. */
#include "keymodule/protocol/message.h"

#include <assert.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/digits.h"

enum { ID = 4, FIXED = ID + 1, FIELD_HEADER = 2 };

const struct key_field_row key_fields[KEY_FIELDS] = {
    [KEY_FIELD_NONE] = {"", KEY_KIND_BYTES, 0, 0, false},
    [KEY_FIELD_KEY] = {"key", KEY_KIND_TEXT, 16, KEY_WRAPPED_MAX, false},
    [KEY_FIELD_OTHER_KEY] = {"other-key", KEY_KIND_TEXT, 16, KEY_WRAPPED_MAX, false},
    [KEY_FIELD_PIN_BLOCK] = {"pin-block", KEY_KIND_BYTES, 8, 16, false},
    [KEY_FIELD_FORMAT] = {"format", KEY_KIND_DIGITS, 1, 2, false},
    [KEY_FIELD_OTHER_FORMAT] = {"other-format", KEY_KIND_DIGITS, 1, 1, false},
    [KEY_FIELD_PAN] = {"pan", KEY_KIND_DIGITS, 8, 19, false},
    [KEY_FIELD_INDEX] = {"index", KEY_KIND_DIGITS, 1, 1, true},
    [KEY_FIELD_PIN_VALUE] = {"pin-value", KEY_KIND_DIGITS, 4, 12, false},
    [KEY_FIELD_PADDING] = {"padding", KEY_KIND_DIGITS, 1, 1, true},
    [KEY_FIELD_DATA] = {"data", KEY_KIND_BYTES, 1, KEY_DATA_MAX, false},
    [KEY_FIELD_MAC] = {"mac", KEY_KIND_BYTES, KEY_MAC_LENGTH, KEY_MAC_LENGTH, false},
    [KEY_FIELD_TOKEN] = {"token", KEY_KIND_BYTES, KEY_TOKEN_LENGTH, KEY_TOKEN_LENGTH, false},
    [KEY_FIELD_USAGE] = {"usage", KEY_KIND_TEXT, 2, 2, false},
    [KEY_FIELD_ALGORITHM] = {"algorithm", KEY_KIND_TEXT, 1, 1, false},
    [KEY_FIELD_BITS] = {"bits", KEY_KIND_DIGITS, 3, 3, false},
    [KEY_FIELD_MODE] = {"mode", KEY_KIND_TEXT, 1, 1, false},
    [KEY_FIELD_EXPORTABILITY] = {"exportability", KEY_KIND_TEXT, 1, 1, false},
    [KEY_FIELD_TABLE] = {"table", KEY_KIND_DIGITS, 16, 16, true},
    [KEY_FIELD_CHECK_VALUE] = {"check-value", KEY_KIND_BYTES, 3, 5, false},
    [KEY_FIELD_COMPONENT] = {"component", KEY_KIND_BYTES, 16, 32, false},
    [KEY_FIELD_COMPONENT_CHECK] = {"component-check", KEY_KIND_BYTES, 3, 5, false},
    [KEY_FIELD_OTHER_COMPONENT] = {"other-component", KEY_KIND_BYTES, 16, 32, false},
    [KEY_FIELD_OTHER_COMPONENT_CHECK] = {"other-component-check", KEY_KIND_BYTES, 3, 5, false},
    [KEY_FIELD_BACK_END] = {"back-end", KEY_KIND_TEXT, 1, 40, false},
};

#define KIND_OF_KEY KEY_FIELD_USAGE, KEY_FIELD_ALGORITHM, KEY_FIELD_MODE, KEY_FIELD_EXPORTABILITY

const struct key_command_row key_commands[KEY_COMMANDS] = {
    [KEY_COMMAND_STATUS] = {"status",
                            KEY_DUTY_SERVICE,
                            {KEY_FIELD_NONE},
                            {KEY_FIELD_BACK_END, KEY_FIELD_CHECK_VALUE},
                            "which back end answers, and its master key's check value"},
    [KEY_COMMAND_TRANSLATE_PIN] =
        {"translate-pin",
         KEY_DUTY_SERVICE,
         {KEY_FIELD_KEY, KEY_FIELD_FORMAT, KEY_FIELD_OTHER_KEY, KEY_FIELD_OTHER_FORMAT, KEY_FIELD_PAN,
          KEY_FIELD_PIN_BLOCK},
         {KEY_FIELD_PIN_BLOCK},
         "a PIN block under one key and format as one under another, for the same card"},
    [KEY_COMMAND_VERIFY_PIN] =
        {"verify-pin",
         KEY_DUTY_SERVICE,
         {KEY_FIELD_KEY, KEY_FIELD_FORMAT, KEY_FIELD_OTHER_KEY, KEY_FIELD_INDEX, KEY_FIELD_PAN,
          KEY_FIELD_PIN_BLOCK},
         {KEY_FIELD_PIN_VALUE},
         "the PVV (other-key of usage V2, with its index) or IBM 3624 offset (V1) of the PIN that "
         "was entered, for whoever has the right one to compare"},
    [KEY_COMMAND_MAKE_MAC] =
        {"make-mac",
         KEY_DUTY_SERVICE,
         {KEY_FIELD_KEY, KEY_FIELD_PADDING, KEY_FIELD_DATA},
         {KEY_FIELD_MAC},
         "the leftmost 8 bytes of the MAC that the key's usage names: M6 CMAC; M1 and M3 ISO 9797-1 "
         "algorithm 1 and 3, with a padding method"},
    [KEY_COMMAND_CHECK_MAC] = {"check-mac",
                               KEY_DUTY_SERVICE,
                               {KEY_FIELD_KEY, KEY_FIELD_PADDING, KEY_FIELD_DATA, KEY_FIELD_MAC},
                               {KEY_FIELD_NONE},
                               "whether that is the MAC"},
    [KEY_COMMAND_CARD_TOKEN] = {"card-token",
                                KEY_DUTY_SERVICE,
                                {KEY_FIELD_PAN},
                                {KEY_FIELD_TOKEN},
                                "a card number's token, for desks"},
    [KEY_COMMAND_CHECK_VALUE] = {"check-value",
                                 KEY_DUTY_KEYS,
                                 {KEY_FIELD_KEY},
                                 {KIND_OF_KEY, KEY_FIELD_BITS, KEY_FIELD_CHECK_VALUE},
                                 "what kind of key a block holds, and its check value"},
    [KEY_COMMAND_GENERATE] =
        {"generate",
         KEY_DUTY_KEYS,
         {KIND_OF_KEY, KEY_FIELD_BITS, KEY_FIELD_TABLE},
         {KEY_FIELD_KEY, KEY_FIELD_CHECK_VALUE},
         "a new random key, wrapped by the master key; a V1 with its decimalisation table"},
    [KEY_COMMAND_IMPORT] = {"import",
                            KEY_DUTY_KEYS,
                            {KEY_FIELD_KEY, KEY_FIELD_OTHER_KEY, KEY_FIELD_USAGE},
                            {KEY_FIELD_KEY, KEY_FIELD_CHECK_VALUE},
                            "a key block under a key-encrypting key (other-key) as one under the master key"},
    [KEY_COMMAND_EXPORT] = {"export",
                            KEY_DUTY_KEYS,
                            {KEY_FIELD_KEY, KEY_FIELD_OTHER_KEY},
                            {KEY_FIELD_KEY, KEY_FIELD_CHECK_VALUE},
                            "a key block under the master key as one under a key-encrypting key (other-key)"},
    [KEY_COMMAND_COMBINE] = {"combine",
                             KEY_DUTY_KEYS,
                             {KIND_OF_KEY, KEY_FIELD_COMPONENT, KEY_FIELD_COMPONENT_CHECK,
                              KEY_FIELD_OTHER_COMPONENT, KEY_FIELD_OTHER_COMPONENT_CHECK},
                             {KEY_FIELD_KEY, KEY_FIELD_CHECK_VALUE},
                             "a key of two components, each with its check value; in laboratories alone"},
};

static const struct code_row {
        enum key_code code;
        const char *word, *text;
} codes[] = {
#define KEY_CODE(name_, number_, word_, text_) {KEY_CODE_##name_, word_, text_},
#include "keymodule/protocol/codes.def"
#undef KEY_CODE
};

/* NULL: none of ours. */
static const struct code_row *find_code(unsigned number)
{
        for (size_t i = 0; i < LENGTH(codes); i++) {
                if ((unsigned)codes[i].code == number)
                        return &codes[i];
        }
        return NULL;
}

const char *key_code_word(enum key_code code)
{
        return find_code(code)->word;
}

const char *key_code_text(enum key_code code)
{
        return find_code(code)->text;
}

void key_message_set(struct key_message *message, enum key_field field, const void *bytes, size_t length)
{
        message->value[field] = (struct key_value){bytes, length};
}

void key_message_set_text(struct key_message *message, enum key_field field, const char *text)
{
        key_message_set(message, field, text, strlen(text));
}

char key_message_char(const struct key_message *message, enum key_field field)
{
        const struct key_value *value = &message->value[field];
        return value->length == 1 ? (char)value->bytes[0] : '\0';
}

void key_message_copy(const struct key_message *message, enum key_field field, char *ret_text, size_t size)
{
        const struct key_value *value = &message->value[field];
        assert(value->length < size);
        if (value->length > 0)
                memcpy(ret_text, value->bytes, value->length);
        ret_text[value->length] = '\0';
}

static bool is_printable(const uint8_t *bytes, size_t length)
{
        for (size_t i = 0; i < length; i++) {
                if (bytes[i] < ' ' || bytes[i] > '~')
                        return false;
        }
        return true;
}

static bool value_is_good(const struct key_field_row *row, const struct key_value *value)
{
        if (value->length == 0)
                return row->may_lack;
        if (value->length < row->least || value->length > row->most)
                return false;
        switch (row->kind) {
        case KEY_KIND_BYTES:
                return true;
        case KEY_KIND_DIGITS:
                return digits_all((const char *)value->bytes, value->length);
        case KEY_KIND_TEXT:
                return is_printable(value->bytes, value->length);
        }
        return false;
}

static uint8_t *put_number(uint8_t *at, uint32_t number, size_t size)
{
        for (size_t i = size; i-- > 0; number >>= 8)
                at[i] = (uint8_t)number;
        return at + size;
}

static uint32_t get_number(const uint8_t *at, size_t size)
{
        uint32_t number = 0;
        for (size_t i = 0; i < size; i++)
                number = number << 8 | at[i];
        return number;
}

static size_t write_frame(const struct key_message *message, uint8_t what, const enum key_field *fields,
                          uint8_t *ret_frame)
{
        uint8_t *at = put_number(ret_frame + KEY_HEADER, message->id, ID),
                *end = ret_frame + KEY_HEADER + KEY_FRAME_MAX;
        *at++ = what;
        for (; *fields != KEY_FIELD_NONE; fields++) {
                const struct key_value *value = &message->value[*fields];
                if (!value_is_good(&key_fields[*fields], value) ||
                    (size_t)(end - at) < FIELD_HEADER + value->length)
                        return 0;
                at = put_number(at, (uint32_t)value->length, FIELD_HEADER);
                if (value->length > 0)
                        memcpy(at, value->bytes, value->length);
                at += value->length;
        }
        put_number(ret_frame, (uint32_t)(at - ret_frame - KEY_HEADER), KEY_HEADER);
        return (size_t)(at - ret_frame);
}

static const enum key_field no_fields[] = {KEY_FIELD_NONE};

size_t key_request_write(const struct key_message *message, uint8_t ret_frame[KEY_HEADER + KEY_FRAME_MAX])
{
        return write_frame(message, (uint8_t)message->command, key_commands[message->command].asked,
                           ret_frame);
}

size_t key_answer_write(const struct key_message *message, uint8_t ret_frame[KEY_HEADER + KEY_FRAME_MAX])
{
        return write_frame(
            message, (uint8_t)message->code,
            message->code == KEY_CODE_GOOD ? key_commands[message->command].answered : no_fields, ret_frame);
}

bool key_frame_size(const uint8_t *bytes, size_t available, size_t *ret_size)
{
        size_t size = available < KEY_HEADER ? 0 : get_number(bytes, KEY_HEADER);
        if (size > KEY_FRAME_MAX)
                return false;
        *ret_size = available < KEY_HEADER ? 0 : KEY_HEADER + size;
        return true;
}

static enum key_code read_fields(const uint8_t *at, size_t left, const enum key_field *fields,
                                 struct key_message *message)
{
        for (; *fields != KEY_FIELD_NONE; fields++) {
                struct key_value *value = &message->value[*fields];
                if (left < FIELD_HEADER)
                        return KEY_CODE_FRAME;
                value->length = get_number(at, FIELD_HEADER);
                value->bytes = at + FIELD_HEADER;
                if (left - FIELD_HEADER < value->length)
                        return KEY_CODE_FRAME;
                if (!value_is_good(&key_fields[*fields], value))
                        return KEY_CODE_FIELD;
                at += FIELD_HEADER + value->length;
                left -= FIELD_HEADER + value->length;
        }
        return left == 0 ? KEY_CODE_GOOD : KEY_CODE_FRAME;
}

enum key_code key_request_read(const uint8_t *frame, size_t size, struct key_message *ret_message)
{
        *ret_message = (struct key_message){.id = size < ID ? 0 : get_number(frame, ID)};
        if (size < FIXED)
                return KEY_CODE_FRAME;
        if (frame[ID] >= KEY_COMMANDS)
                return KEY_CODE_COMMAND;
        ret_message->command = (enum key_command)frame[ID];
        return read_fields(frame + FIXED, size - FIXED, key_commands[ret_message->command].asked,
                           ret_message);
}

bool key_answer_id(const uint8_t *frame, size_t size, uint32_t *ret_id)
{
        if (size < FIXED)
                return false;
        *ret_id = get_number(frame, ID);
        return true;
}

bool key_answer_read(const uint8_t *frame, size_t size, enum key_command command,
                     struct key_message *ret_message)
{
        *ret_message = (struct key_message){.command = command};
        if (!key_answer_id(frame, size, &ret_message->id) || !find_code(frame[ID]))
                return false;
        ret_message->code = (enum key_code)frame[ID];
        return read_fields(frame + FIXED, size - FIXED,
                           ret_message->code == KEY_CODE_GOOD ? key_commands[command].answered : no_fields,
                           ret_message) == KEY_CODE_GOOD;
}
