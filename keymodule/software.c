/*
 * The software back end: see software.h. A row of functions, one a command; each unwraps what it needs, computes, and wipes.
 *
 * Invariant: a key or PIN in clear lies on the stack of one of these functions alone, and is wiped before it returns.
 */
#include "keymodule/software.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "keymodule/crypto/mac.h"
#include "keymodule/crypto/pin_value.h"
#include "lib/base/array.h"
#include "lib/base/number.h"

struct software {
        struct backend backend;
        struct master master;
        struct token_key *token;
};

/* What each may do with a key (X9.143): modes of use. */
#define MAY_ENCIPHER "BEN"
#define MAY_DECIPHER "BDN"
#define MAY_MAKE     "CGN"
#define MAY_CHECK    "CVN"

struct opened {
        struct key_block_header header;
        struct cipher_key key;
};

static void opened_wipe(struct opened *opened)
{
        OPENSSL_cleanse(opened, sizeof(*opened));
}

/* Key blocks' errors as the protocol's codes. */
static enum key_code code_of(enum key_block_error error)
{
        static const enum key_code codes[] = {
            [KEY_BLOCK_GOOD] = KEY_CODE_GOOD,
            [KEY_BLOCK_BAD_FORM] = KEY_CODE_BLOCK_FORM,
            [KEY_BLOCK_BAD_VERSION] = KEY_CODE_BLOCK_VERSION,
            [KEY_BLOCK_BAD_ALGORITHM] = KEY_CODE_BLOCK_ALGORITHM,
            [KEY_BLOCK_BAD_MAC] = KEY_CODE_BLOCK_CHANGED,
            [KEY_BLOCK_BAD_KEY] = KEY_CODE_BLOCK_INSIDE,
            [KEY_BLOCK_TOO_WEAK] = KEY_CODE_BLOCK_WEAK,
        };
        return codes[error];
}

/* A usage of ours, with an algorithm and a mode that it can have. */
static bool header_is_ours(const struct key_block_header *header)
{
        const struct key_usage_row *row = key_usage_find(header->usage);
        return row && strchr(row->algorithms, header->algorithm) && strchr(row->modes, header->mode) &&
               strchr("ENS", header->exportability);
}

static enum key_code open_under(const struct key_block_guard *guard, const struct backend_call *call,
                                enum key_field field, struct opened *ret_opened)
{
        const struct key_value *value = &call->request.value[field];
        enum key_block_error error = key_block_unwrap(guard, (const char *)value->bytes, value->length,
                                                      &ret_opened->header, &ret_opened->key);
        if (error != KEY_BLOCK_GOOD)
                return code_of(error);
        return header_is_ours(&ret_opened->header) ? KEY_CODE_GOOD : KEY_CODE_KEY_USAGE;
}

/* A key of one of several usages, with their names one behind the other ("M1M3M6"), for one of several modes. */
static enum key_code open_key(const struct software *software, const struct backend_call *call,
                              enum key_field field, const char *usages, const char *modes,
                              struct opened *ret_opened)
{
        enum key_code code = open_under(&software->master.guard, call, field, ret_opened);
        if (code != KEY_CODE_GOOD)
                return code;
        for (; *usages; usages += 2) {
                const char usage[3] = {usages[0], usages[1], '\0'};
                if (key_block_may(&ret_opened->header, usage, modes))
                        return KEY_CODE_GOOD;
        }
        return KEY_CODE_KEY_USAGE;
}

/* Room for a value of the answer. */
static void *answer_room(struct backend_call *call, enum key_field field, size_t length)
{
        uint8_t *at = call->room + call->used;
        assert(length <= sizeof(call->room) - call->used);
        call->used += length;
        key_message_set(&call->answer, field, at, length);
        return at;
}

static void answer_with(struct backend_call *call, enum key_field field, const void *bytes, size_t length)
{
        memcpy(answer_room(call, field, length), bytes, length);
}

static void answer_check_value(struct backend_call *call, const struct cipher_key *key)
{
        uint8_t value[CHECK_VALUE_MAX];
        size_t size = check_value_of(key, value);
        answer_with(call, KEY_FIELD_CHECK_VALUE, value, size);
}

/* The key wrapped by the guard, and its check value. */
static enum key_code answer_block(struct backend_call *call, const struct key_block_guard *guard,
                                  const struct opened *opened)
{
        char text[KEY_BLOCK_TEXT];
        enum key_block_error error = key_block_wrap(guard, &opened->header, &opened->key, text);
        if (error != KEY_BLOCK_GOOD)
                return code_of(error);
        answer_with(call, KEY_FIELD_KEY, text, strlen(text));
        answer_check_value(call, &opened->key);
        return KEY_CODE_GOOD;
}

/* ---- what the network asks for --------------------------------------------------------------------------- */

static enum key_code status(struct software *software, struct backend_call *call)
{
        static const char name[] = "software";
        answer_with(call, KEY_FIELD_BACK_END, name, strlen(name));
        answer_with(call, KEY_FIELD_CHECK_VALUE, software->master.check_value, CHECK_VALUE_MAX);
        return KEY_CODE_GOOD;
}

static bool formats_are_ours(const struct key_message *request)
{
        const struct key_value *formats = &request->value[KEY_FIELD_FORMAT];
        enum pin_format format;
        for (size_t i = 0; i < formats->length; i++) {
                if (!pin_format_of((char)formats->bytes[i], &format))
                        return false;
        }
        return true;
}

/* In one of the formats that it may have: which, is the block's alone to say, and nobody is told. */
static bool open_block(const struct backend_call *call, const struct opened *opened, struct pin *ret_pin)
{
        const struct key_value *pan = &call->request.value[KEY_FIELD_PAN],
                               *block = &call->request.value[KEY_FIELD_PIN_BLOCK],
                               *formats = &call->request.value[KEY_FIELD_FORMAT];
        enum pin_format format;
        for (size_t i = 0; i < formats->length; i++) {
                if (pin_format_of((char)formats->bytes[i], &format) &&
                    pin_block_open(format, &opened->key, block->bytes, block->length,
                                   (const char *)pan->bytes, pan->length, ret_pin) == PIN_GOOD)
                        return true;
        }
        return false;
}

static enum key_code open_pin(const struct software *software, const struct backend_call *call,
                              struct pin *ret_pin)
{
        struct opened opened;
        enum key_code code;

        if (!formats_are_ours(&call->request))
                return KEY_CODE_FIELD;
        code = open_key(software, call, KEY_FIELD_KEY, "P0", MAY_DECIPHER, &opened);
        if (code == KEY_CODE_GOOD && !open_block(call, &opened, ret_pin))
                code = KEY_CODE_PIN_BLOCK;
        opened_wipe(&opened);
        return code;
}

static enum key_code seal_pin(const struct software *software, struct backend_call *call,
                              const struct pin *pin)
{
        const struct key_value *pan = &call->request.value[KEY_FIELD_PAN];
        uint8_t block[PIN_BLOCK_MAX];
        enum pin_format format;
        struct opened opened;
        enum key_code code;

        if (!pin_format_of(key_message_char(&call->request, KEY_FIELD_OTHER_FORMAT), &format))
                return KEY_CODE_FIELD;
        code = open_key(software, call, KEY_FIELD_OTHER_KEY, "P0", MAY_ENCIPHER, &opened);
        if (code == KEY_CODE_GOOD && pin_block_seal(format, &opened.key, pin, (const char *)pan->bytes,
                                                    pan->length, block) != PIN_GOOD)
                code = KEY_CODE_KEY_USAGE; /* of another cipher than the format's */
        if (code == KEY_CODE_GOOD)
                answer_with(call, KEY_FIELD_PIN_BLOCK, block, pin_block_size(format));
        opened_wipe(&opened);
        return code;
}

static enum key_code translate_pin(struct software *software, struct backend_call *call)
{
        struct pin pin = {0};
        enum key_code code = open_pin(software, call, &pin);
        if (code == KEY_CODE_GOOD)
                code = seal_pin(software, call, &pin);
        pin_wipe(&pin);
        return code;
}

static bool compute_value(const struct backend_call *call, const struct opened *opened, const struct pin *pin,
                          char ret_value[PIN_VALUE_TEXT])
{
        const struct key_value *pan = &call->request.value[KEY_FIELD_PAN];
        size_t length = 0;
        if (strcmp(opened->header.usage, "V2") == 0)
                return pin_verification_value(&opened->key, key_message_char(&call->request, KEY_FIELD_INDEX),
                                              pin, (const char *)pan->bytes, pan->length, ret_value);
        const char *table = key_block_optional(&opened->header, KEY_BLOCK_TABLE, &length);
        return table && length == PIN_TABLE_DIGITS &&
               pin_offset(&opened->key, table, pin, (const char *)pan->bytes, pan->length, ret_value);
}

static enum key_code verify_pin(struct software *software, struct backend_call *call)
{
        struct pin pin = {0};
        struct opened opened = {0};
        char value[PIN_VALUE_TEXT];
        enum key_code code = open_pin(software, call, &pin);

        if (code == KEY_CODE_GOOD)
                code = open_key(software, call, KEY_FIELD_OTHER_KEY, "V1V2", MAY_CHECK, &opened);
        if (code == KEY_CODE_GOOD && !compute_value(call, &opened, &pin, value))
                code = KEY_CODE_PIN_VALUE;
        if (code == KEY_CODE_GOOD)
                answer_with(call, KEY_FIELD_PIN_VALUE, value, strlen(value));
        OPENSSL_cleanse(value, sizeof(value));
        opened_wipe(&opened);
        pin_wipe(&pin);
        return code;
}

/* M1 and M3 need a padding method, and M3 a key with two halves. */
static enum key_code compute_mac(const struct software *software, const struct backend_call *call,
                                 const char *modes, uint8_t ret_mac[CIPHER_BLOCK_MAX])
{
        const struct key_value *data = &call->request.value[KEY_FIELD_DATA];
        char padding = key_message_char(&call->request, KEY_FIELD_PADDING);
        struct opened opened;
        struct cipher_key left, right;
        enum key_code code = open_key(software, call, KEY_FIELD_KEY, "M1M3M6", modes, &opened);

        if (code != KEY_CODE_GOOD) {
                opened_wipe(&opened);
                return code;
        }
        bool is_cmac = strcmp(opened.header.usage, "M6") == 0,
             is_retail = strcmp(opened.header.usage, "M3") == 0;
        if (is_cmac ? padding != '\0' : padding != '1' && padding != '2') {
                code = KEY_CODE_FIELD;
        } else if (is_cmac) {
                mac_cmac(&opened.key, data->bytes, data->length, ret_mac);
        } else if (!is_retail) {
                mac_chained(&opened.key, (enum mac_padding)(padding - '0'), data->bytes, data->length,
                            ret_mac);
        } else if (opened.key.length != 16) {
                code = KEY_CODE_KEY_USAGE;
        } else {
                mac_retail_halves(&opened.key, &left, &right);
                mac_retail(&left, &right, (enum mac_padding)(padding - '0'), data->bytes, data->length,
                           ret_mac);
                cipher_key_wipe(&left);
                cipher_key_wipe(&right);
        }
        opened_wipe(&opened);
        return code;
}

static enum key_code make_mac(struct software *software, struct backend_call *call)
{
        uint8_t mac[CIPHER_BLOCK_MAX];
        enum key_code code = compute_mac(software, call, MAY_MAKE, mac);
        if (code == KEY_CODE_GOOD)
                answer_with(call, KEY_FIELD_MAC, mac, KEY_MAC_LENGTH);
        return code;
}

/* The right MAC of a wrong one is nobody's business. */
static enum key_code check_mac(struct software *software, struct backend_call *call)
{
        uint8_t mac[CIPHER_BLOCK_MAX];
        enum key_code code = compute_mac(software, call, MAY_CHECK, mac);
        if (code == KEY_CODE_GOOD &&
            !mac_is_same(mac, call->request.value[KEY_FIELD_MAC].bytes, KEY_MAC_LENGTH))
                code = KEY_CODE_MAC;
        OPENSSL_cleanse(mac, sizeof(mac));
        return code;
}

static enum key_code card_token(struct software *software, struct backend_call *call)
{
        char pan[PIN_PAN_MAX + 1];
        if (!software->token)
                return KEY_CODE_NO_TOKEN_KEY;
        key_message_copy(&call->request, KEY_FIELD_PAN, pan, sizeof(pan));
        token_of_pan(software->token, pan, answer_room(call, KEY_FIELD_TOKEN, TOKEN_LENGTH));
        OPENSSL_cleanse(pan, sizeof(pan));
        return KEY_CODE_GOOD;
}

/* ---- what those ask for who look after keys -------------------------------------------------------------- */

/* The header of a new key, from the request's fields. False: no such key. */
static bool read_kind(const struct backend_call *call, struct key_block_header *ret_header)
{
        const struct key_message *request = &call->request;
        struct key_block_header header = {
            .algorithm = key_message_char(request, KEY_FIELD_ALGORITHM),
            .mode = key_message_char(request, KEY_FIELD_MODE),
            .key_version = "00",
            .exportability = key_message_char(request, KEY_FIELD_EXPORTABILITY),
        };
        key_message_copy(request, KEY_FIELD_USAGE, header.usage, sizeof(header.usage));
        *ret_header = header;
        return header_is_ours(&header);
}

static enum cipher_algorithm algorithm_of(const struct key_block_header *header)
{
        return header->algorithm == 'A' ? CIPHER_AES : CIPHER_TDES;
}

/* The table goes with a V1, and with nothing else. */
static bool take_table(const struct backend_call *call, struct key_block_header *header)
{
        char table[PIN_TABLE_DIGITS + 1];
        key_message_copy(&call->request, KEY_FIELD_TABLE, table, sizeof(table));
        if (strcmp(header->usage, "V1") != 0)
                return !*table;
        return *table && key_block_add(header, KEY_BLOCK_TABLE, table);
}

static enum key_code generate(struct software *software, struct backend_call *call)
{
        const struct key_value *value = &call->request.value[KEY_FIELD_BITS];
        int64_t bits = number_known_bytes((const char *)value->bytes, value->length);
        struct opened opened;
        enum key_code code;

        if (!read_kind(call, &opened.header))
                return KEY_CODE_KEY_USAGE;
        if (bits % 8 != 0 || !cipher_key_has_length(algorithm_of(&opened.header), (size_t)bits / 8) ||
            !take_table(call, &opened.header))
                return KEY_CODE_FIELD;
        cipher_key_generate(algorithm_of(&opened.header), (size_t)bits / 8, &opened.key);
        code = answer_block(call, &software->master.guard, &opened);
        opened_wipe(&opened);
        return code;
}

/* The key-encrypting key of the request, ready to wrap or unwrap. */
static enum key_code open_guard(const struct software *software, const struct backend_call *call,
                                const char *modes, struct key_block_guard *ret_guard)
{
        struct opened opened;
        enum key_code code = open_key(software, call, KEY_FIELD_OTHER_KEY, "K1", modes, &opened);
        if (code == KEY_CODE_GOOD)
                key_block_guard_of(&opened.key, ret_guard);
        opened_wipe(&opened);
        return code;
}

static enum key_code import(struct software *software, struct backend_call *call)
{
        struct key_block_guard guard;
        struct opened opened = {0};
        char usage[3];
        enum key_code code = open_guard(software, call, MAY_DECIPHER, &guard);

        if (code == KEY_CODE_GOOD)
                code = open_under(&guard, call, KEY_FIELD_KEY, &opened);
        key_message_copy(&call->request, KEY_FIELD_USAGE, usage, sizeof(usage));
        if (code == KEY_CODE_GOOD && strcmp(opened.header.usage, usage) != 0)
                code = KEY_CODE_KEY_USAGE;
        if (code == KEY_CODE_GOOD && cipher_key_is_weak(&opened.key))
                code = KEY_CODE_BLOCK_INSIDE;
        if (code == KEY_CODE_GOOD)
                code = answer_block(call, &software->master.guard, &opened);
        opened_wipe(&opened);
        key_block_guard_wipe(&guard);
        return code;
}

static enum key_code export(struct software *software, struct backend_call *call) {
        struct key_block_guard guard; struct opened opened = {0};
        enum key_code code = open_guard(software, call, MAY_ENCIPHER, &guard);

        if (code == KEY_CODE_GOOD) code = open_under(&software->master.guard, call, KEY_FIELD_KEY, &opened);
        if (code == KEY_CODE_GOOD && opened.header.exportability == 'N') code = KEY_CODE_KEY_EXPORT;
        if (code == KEY_CODE_GOOD) code = answer_block(call, &guard, &opened);
        opened_wipe(&opened);
        key_block_guard_wipe(&guard);
        return code;
}

static enum key_code check_value(struct software *software, struct backend_call *call)
{
        struct opened opened;
        enum key_code code = open_under(&software->master.guard, call, KEY_FIELD_KEY, &opened);

        if (code == KEY_CODE_GOOD) {
                const struct key_block_header *header = &opened.header;
                char *bits = answer_room(call, KEY_FIELD_BITS, 3);
                for (size_t i = 3, left = opened.key.length * 8; i-- > 0; left /= 10)
                        bits[i] = (char)('0' + left % 10);
                answer_with(call, KEY_FIELD_USAGE, header->usage, 2);
                answer_with(call, KEY_FIELD_ALGORITHM, &header->algorithm, 1);
                answer_with(call, KEY_FIELD_MODE, &header->mode, 1);
                answer_with(call, KEY_FIELD_EXPORTABILITY, &header->exportability, 1);
                answer_check_value(call, &opened.key);
        }
        opened_wipe(&opened);
        return code;
}

/* Whether a component, or what was made of two, has the check value that came with it; as many bytes as were given. */
static bool has_check_value(const struct cipher_key *key, const struct key_value *said)
{
        uint8_t value[CHECK_VALUE_MAX];
        size_t size = check_value_of(key, value);
        return said->length <= size && mac_is_same(value, said->bytes, said->length);
}

static bool read_component(const struct backend_call *call, enum cipher_algorithm algorithm,
                           enum key_field field, enum key_field check, struct cipher_key *ret_key)
{
        const struct key_value *value = &call->request.value[field];
        *ret_key = (struct cipher_key){.algorithm = algorithm, .length = value->length};
        if (!cipher_key_has_length(algorithm, value->length))
                return false;
        memcpy(ret_key->bytes, value->bytes, value->length);
        return has_check_value(ret_key, &call->request.value[check]);
}

static enum key_code combine(struct software *software, struct backend_call *call)
{
        struct opened opened = {0};
        struct cipher_key one = {0}, other = {0};
        enum key_code code = software->master.is_laboratorys ? KEY_CODE_GOOD : KEY_CODE_LABORATORY;

        if (code == KEY_CODE_GOOD && !read_kind(call, &opened.header))
                code = KEY_CODE_KEY_USAGE;
        if (code == KEY_CODE_GOOD &&
            (!read_component(call, algorithm_of(&opened.header), KEY_FIELD_COMPONENT,
                             KEY_FIELD_COMPONENT_CHECK, &one) ||
             !read_component(call, algorithm_of(&opened.header), KEY_FIELD_OTHER_COMPONENT,
                             KEY_FIELD_OTHER_COMPONENT_CHECK, &other) ||
             one.length != other.length))
                code = KEY_CODE_COMPONENT;
        if (code == KEY_CODE_GOOD) {
                opened.key = one;
                for (size_t i = 0; i < one.length; i++)
                        opened.key.bytes[i] ^= other.bytes[i];
                code = cipher_key_is_weak(&opened.key) ? KEY_CODE_BLOCK_INSIDE
                                                       : answer_block(call, &software->master.guard, &opened);
        }
        cipher_key_wipe(&one);
        cipher_key_wipe(&other);
        opened_wipe(&opened);
        return code;
}

/* ---- the back end ---------------------------------------------------------------------------------------- */

typedef enum key_code command(struct software *software, struct backend_call *call);

static command *const commands[KEY_COMMANDS] = {
    [KEY_COMMAND_STATUS] = status,           [KEY_COMMAND_TRANSLATE_PIN] = translate_pin,
    [KEY_COMMAND_VERIFY_PIN] = verify_pin,   [KEY_COMMAND_MAKE_MAC] = make_mac,
    [KEY_COMMAND_CHECK_MAC] = check_mac,     [KEY_COMMAND_CARD_TOKEN] = card_token,
    [KEY_COMMAND_CHECK_VALUE] = check_value, [KEY_COMMAND_GENERATE] = generate,
    [KEY_COMMAND_IMPORT] = import,           [KEY_COMMAND_EXPORT] = export,
    [KEY_COMMAND_COMBINE] = combine,
};

static void ask(struct backend *backend, struct backend_call *call)
{
        struct software *software = (struct software *)backend;
        call->answer.code = commands[call->request.command](software, call);
        call->done(call);
}

static void free_it(struct backend *backend)
{
        struct software *software = (struct software *)backend;
        token_key_free(software->token);
        master_wipe(&software->master);
        free(software);
}

struct backend *software_new(const struct master *master, struct token_key *token)
{
        static const struct backend_kind kind = {"software", ask, free_it};
        struct software *software = calloc(1, sizeof(*software));
        if (!software)
                return NULL;
        *software = (struct software){.backend = {&kind}, .master = *master, .token = token};
        return &software->backend;
}
