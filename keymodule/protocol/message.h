/*
 * What is said to the key module and what it answers: commands, fields and codes as rows, and one pair of functions that writes and
 * reads all of them.
 *
 *      frame: its length without these two bytes, then a request: id (4 bytes), command (1), fields; or an answer: id (4), code (1), fields
 *      field: its length (2 bytes), then it; in the order of the command's row; numbers are most significant byte first
 *
 * A field that may be left out has length 0. An answer has fields only where its code is KEY_CODE_GOOD. Requests are pipelined; answers may come in another order
 * and carry their request's id. What was read points into the frame that it was read from.
 */
#ifndef KEYMODULE_PROTOCOL_MESSAGE_H
#define KEYMODULE_PROTOCOL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum key_code {
#define KEY_CODE(name_, number_, word_, text_) KEY_CODE_##name_ = (number_),
#include "keymodule/protocol/codes.def"
#undef KEY_CODE
};

enum key_command {
        KEY_COMMAND_STATUS,
        KEY_COMMAND_TRANSLATE_PIN,
        KEY_COMMAND_VERIFY_PIN,
        KEY_COMMAND_MAKE_MAC,
        KEY_COMMAND_CHECK_MAC,
        KEY_COMMAND_CARD_TOKEN,
        KEY_COMMAND_CHECK_VALUE,
        KEY_COMMAND_GENERATE,
        KEY_COMMAND_IMPORT,
        KEY_COMMAND_EXPORT,
        KEY_COMMAND_COMBINE,
        KEY_COMMANDS
};

enum key_field {
        KEY_FIELD_NONE, /* ends a row */
        KEY_FIELD_KEY,
        KEY_FIELD_OTHER_KEY,
        KEY_FIELD_PIN_BLOCK,
        KEY_FIELD_FORMAT, /* those that the block may have, a digit each: its sender need not say which of 0 and 3 it is */
        KEY_FIELD_OTHER_FORMAT,
        KEY_FIELD_PAN,
        KEY_FIELD_INDEX,
        KEY_FIELD_PIN_VALUE,
        KEY_FIELD_PADDING,
        KEY_FIELD_DATA,
        KEY_FIELD_MAC,
        KEY_FIELD_TOKEN,
        KEY_FIELD_USAGE,
        KEY_FIELD_ALGORITHM,
        KEY_FIELD_BITS,
        KEY_FIELD_MODE,
        KEY_FIELD_EXPORTABILITY,
        KEY_FIELD_TABLE,
        KEY_FIELD_CHECK_VALUE,
        KEY_FIELD_COMPONENT,
        KEY_FIELD_COMPONENT_CHECK,
        KEY_FIELD_OTHER_COMPONENT,
        KEY_FIELD_OTHER_COMPONENT_CHECK,
        KEY_FIELD_BACK_END,
        KEY_FIELDS
};

enum {
        KEY_HEADER = 2, /* before each frame */
        KEY_FRAME_MAX = 4096,
        KEY_ROW_FIELDS = 9,
        KEY_WRAPPED_MAX = 432, /* characters of a key block */
        KEY_DATA_MAX = 2048,
        KEY_MAC_LENGTH = 8,
        KEY_TOKEN_LENGTH = 16,
};

struct key_value {
        const uint8_t *bytes;
        size_t length; /* 0: it is not there */
};

struct key_message {
        uint32_t id;
        enum key_command command;
        enum key_code code; /* of an answer */
        struct key_value value[KEY_FIELDS];
};

enum key_field_kind { KEY_KIND_BYTES, KEY_KIND_DIGITS, KEY_KIND_TEXT /* printable ASCII */ };

struct key_field_row {
        const char *name;
        enum key_field_kind kind;
        size_t least, most;
        bool may_lack;
};
extern const struct key_field_row key_fields[KEY_FIELDS];

enum key_duty {
        KEY_DUTY_SERVICE, /* what the network asks for: PINs, MACs, tokens */
        KEY_DUTY_KEYS,    /* what those ask for who look after keys */
};

struct key_command_row {
        const char *name;
        enum key_duty duty;
        enum key_field asked[KEY_ROW_FIELDS], answered[KEY_ROW_FIELDS];
        const char *text;
};
extern const struct key_command_row key_commands[KEY_COMMANDS];

/* "pin-block", and the same in a sentence. */
const char *key_code_word(enum key_code code);
const char *key_code_text(enum key_code code);

void key_message_set(struct key_message *message, enum key_field field, const void *bytes, size_t length);
void key_message_set_text(struct key_message *message, enum key_field field, const char *text);
/* A field's one character; 0: it is not there. */
char key_message_char(const struct key_message *message, enum key_field field);
/* A copy that ends; size has room for the longest of its kind. */
void key_message_copy(const struct key_message *message, enum key_field field, char *ret_text, size_t size);

/* The whole frame's size; 0: a field is not as its row says. */
ATM_MUST_USE size_t key_request_write(const struct key_message *message,
                                      uint8_t ret_frame[KEY_HEADER + KEY_FRAME_MAX]);
ATM_MUST_USE size_t key_answer_write(const struct key_message *message,
                                     uint8_t ret_frame[KEY_HEADER + KEY_FRAME_MAX]);

/* How many bytes the frame has that these begin with, its header among them; 0: its header is not whole. False: longer than any. */
ATM_MUST_USE bool key_frame_size(const uint8_t *bytes, size_t available, size_t *ret_size);
/* A frame without its header. Other codes than KEY_CODE_GOOD: what is wrong; the id is there where four bytes were. */
ATM_MUST_USE enum key_code key_request_read(const uint8_t *frame, size_t size,
                                            struct key_message *ret_message);
/* False: it is none. The command is the caller's to say before, from the id. */
ATM_MUST_USE bool key_answer_id(const uint8_t *frame, size_t size, uint32_t *ret_id);
ATM_MUST_USE bool key_answer_read(const uint8_t *frame, size_t size, enum key_command command,
                                  struct key_message *ret_message);

#endif
