/* See story.h. */
#include "tests/keymodule/story.h"

#include <stdio.h>
#include <string.h>

#include "keymodule/crypto/check_value.h"
#include "keymodule/crypto/key_block.h"
#include "keymodule/crypto/pin_block.h"
#include "lib/base/array.h"
#include "tests/keymodule/bytes.h"

#define PAN "1122334455667788"

struct story {
        story_ask *ask;
        void *context;
        struct key_message request, answer;
        char error[256];
};

static void begin(struct story *story, enum key_command command)
{
        story->request = (struct key_message){.command = command};
}

static void put(struct story *story, enum key_field field, const char *text)
{
        key_message_set_text(&story->request, field, text);
}

/* False with an error where another code comes. */
static bool expect(struct story *story, enum key_code code, const char *what)
{
        if (!story->ask(story->context, &story->request, &story->answer))
                snprintf(story->error, sizeof(story->error), "%s: no answer", what);
        else if (story->answer.code != code)
                snprintf(story->error, sizeof(story->error), "%s: %s, expected %s", what,
                         key_code_word(story->answer.code), key_code_word(code));
        return !*story->error;
}

static bool expect_bytes(struct story *story, enum key_field field, const void *bytes, size_t length,
                         const char *what)
{
        const struct key_value *value = &story->answer.value[field];
        if (value->length == length && memcmp(value->bytes, bytes, length) == 0)
                return true;
        snprintf(story->error, sizeof(story->error), "%s: another %s", what, key_fields[field].name);
        return false;
}

/* "V2TV": usage, algorithm, mode of use */
static void put_kind(struct story *story, const char *kind, const char *exportability)
{
        key_message_set(&story->request, KEY_FIELD_USAGE, kind, 2);
        key_message_set(&story->request, KEY_FIELD_ALGORITHM, kind + 2, 1);
        key_message_set(&story->request, KEY_FIELD_MODE, kind + 3, 1);
        put(story, KEY_FIELD_EXPORTABILITY, exportability);
}

static bool keep_key(struct story *story, char ret_key[KEY_BLOCK_TEXT])
{
        key_message_copy(&story->answer, KEY_FIELD_KEY, ret_key, KEY_BLOCK_TEXT);
        return true;
}

/* ---- keys of components ---------------------------------------------------------------------------------- */

struct components {
        struct cipher_key one, other;
        uint8_t check[CHECK_VALUE_MAX], other_check[CHECK_VALUE_MAX];
};

static void put_components(struct story *story, const struct cipher_key *key, struct components *parts)
{
        cipher_key_generate(key->algorithm, key->length, &parts->one);
        parts->other = *key;
        for (size_t i = 0; i < key->length; i++)
                parts->other.bytes[i] ^= parts->one.bytes[i];
        size_t size = check_value_of(&parts->one, parts->check);
        check_value_of(&parts->other, parts->other_check);
        key_message_set(&story->request, KEY_FIELD_COMPONENT, parts->one.bytes, key->length);
        key_message_set(&story->request, KEY_FIELD_COMPONENT_CHECK, parts->check, size);
        key_message_set(&story->request, KEY_FIELD_OTHER_COMPONENT, parts->other.bytes, key->length);
        key_message_set(&story->request, KEY_FIELD_OTHER_COMPONENT_CHECK, parts->other_check, size);
}

static bool load(struct story *story, const char *kind, const struct cipher_key *key,
                 char ret_key[KEY_BLOCK_TEXT])
{
        struct components parts;
        uint8_t check[CHECK_VALUE_MAX];
        size_t size = check_value_of(key, check);
        begin(story, KEY_COMMAND_COMBINE);
        put_kind(story, kind, "E");
        put_components(story, key, &parts);
        return expect(story, KEY_CODE_GOOD, kind) &&
               expect_bytes(story, KEY_FIELD_CHECK_VALUE, check, size, kind) && keep_key(story, ret_key);
}

#define TDES_KEY "0123456789ABCDEFFEDCBA9876543210"
#define AES_KEY  "00112233445566778899AABBCCDDEEFF"

/* One component's check value is that of another. */
static bool wrong_component(struct story *story)
{
        struct cipher_key key = key_of(CIPHER_TDES, TDES_KEY);
        struct components parts;
        begin(story, KEY_COMMAND_COMBINE);
        put_kind(story, "P0TB", "E");
        put_components(story, &key, &parts);
        parts.other_check[0] ^= 1;
        return expect(story, KEY_CODE_COMPONENT, "a component with a wrong check value");
}

static bool seal(enum pin_format format, const struct cipher_key *key, const char *digits,
                 uint8_t block[PIN_BLOCK_MAX])
{
        struct pin pin = {.length = strlen(digits)};
        strcpy(pin.digits, digits);
        return pin_block_seal(format, key, &pin, PAN, strlen(PAN), block) == PIN_GOOD;
}

static bool verify(struct story *story, const char *key, const char *format, const void *block, size_t size,
                   const char *value_key, const char *value)
{
        begin(story, KEY_COMMAND_VERIFY_PIN);
        put(story, KEY_FIELD_KEY, key);
        put(story, KEY_FIELD_FORMAT, format);
        put(story, KEY_FIELD_OTHER_KEY, value_key);
        put(story, KEY_FIELD_INDEX, "3");
        put(story, KEY_FIELD_PAN, PAN);
        key_message_set(&story->request, KEY_FIELD_PIN_BLOCK, block, size);
        return expect(story, KEY_CODE_GOOD, "verify-pin") &&
               expect_bytes(story, KEY_FIELD_PIN_VALUE, value, strlen(value), "verify-pin");
}

struct pin_keys {
        struct cipher_key tdes, aes;
        char tdes_block[KEY_BLOCK_TEXT], aes_block[KEY_BLOCK_TEXT], pvk[KEY_BLOCK_TEXT];
};

static void put_translation(struct story *story, const char *key, const char *format, const char *other,
                            const char *other_format, const void *block, size_t size)
{
        begin(story, KEY_COMMAND_TRANSLATE_PIN);
        put(story, KEY_FIELD_KEY, key);
        put(story, KEY_FIELD_FORMAT, format);
        put(story, KEY_FIELD_OTHER_KEY, other);
        put(story, KEY_FIELD_OTHER_FORMAT, other_format);
        put(story, KEY_FIELD_PAN, PAN);
        key_message_set(&story->request, KEY_FIELD_PIN_BLOCK, block, size);
}

/* Each format into each, and the PIN's value is the same. */
static bool translations(struct story *story, const struct pin_keys *keys)
{
        for (int from = 0; from < PIN_FORMATS; from++) {
                for (int to = 0; to < PIN_FORMATS; to++) {
                        const char digits[] = "034", in[2] = {digits[from], '\0'},
                                   out[2] = {digits[to], '\0'};
                        const struct cipher_key *key = from == PIN_FORMAT_4 ? &keys->aes : &keys->tdes;
                        const char *in_key = from == PIN_FORMAT_4 ? keys->aes_block : keys->tdes_block;
                        const char *out_key = to == PIN_FORMAT_4 ? keys->aes_block : keys->tdes_block;
                        uint8_t block[PIN_BLOCK_MAX], translated[PIN_BLOCK_MAX];
                        size_t size = pin_block_size((enum pin_format)to);
                        if (!seal((enum pin_format)from, key, "4524", block))
                                return false;
                        put_translation(story, in_key, in, out_key, out, block,
                                        pin_block_size((enum pin_format)from));
                        if (!expect(story, KEY_CODE_GOOD, "translate-pin"))
                                return false;
                        memcpy(translated, story->answer.value[KEY_FIELD_PIN_BLOCK].bytes, size);
                        if (!verify(story, out_key, out, translated, size, keys->pvk, "4021"))
                                return false;
                        /* who asks need not know which of two it is */
                        if (!verify(story, out_key, to == PIN_FORMAT_4 ? "04" : "03", translated, size,
                                    keys->pvk, "4021"))
                                return false;
                }
        }
        return true;
}

static bool refused_pins(struct story *story, const struct pin_keys *keys)
{
        uint8_t block[PIN_BLOCK_MAX];
        if (!seal(PIN_FORMAT_0, &keys->tdes, "4524", block))
                return false;
        put_translation(story, keys->tdes_block, "3", keys->aes_block, "4", block, 8);
        if (!expect(story, KEY_CODE_PIN_BLOCK, "a block of another format"))
                return false;
        put_translation(story, keys->tdes_block, "0", keys->aes_block, "4", block, 16);
        if (!expect(story, KEY_CODE_PIN_BLOCK, "a block of another length"))
                return false;
        put_translation(story, keys->tdes_block, "1", keys->aes_block, "4", block, 8);
        if (!expect(story, KEY_CODE_FIELD, "format 1"))
                return false;
        put_translation(story, keys->tdes_block, "34", keys->aes_block, "4", block, 8);
        if (!expect(story, KEY_CODE_PIN_BLOCK, "a block of none of two formats"))
                return false;
        put_translation(story, keys->tdes_block, "01", keys->aes_block, "4", block, 8);
        if (!expect(story, KEY_CODE_FIELD, "format 0, or 1"))
                return false;
        put_translation(story, keys->tdes_block, "0", keys->tdes_block, "4", block, 8);
        if (!expect(story, KEY_CODE_KEY_USAGE, "format 4 under TDES"))
                return false;
        put_translation(story, keys->pvk, "0", keys->aes_block, "4", block, 8);
        if (!expect(story, KEY_CODE_KEY_USAGE, "a PIN under a key for values"))
                return false;
        put_translation(story, keys->tdes_block, "0", keys->aes_block, "4", block, 8);
        put(story, KEY_FIELD_PAN, "1122994455667788");
        return expect(story, KEY_CODE_PIN_BLOCK, "another card's block");
}

static bool pins(struct story *story)
{
        struct pin_keys keys = {.tdes = key_of(CIPHER_TDES, TDES_KEY), .aes = key_of(CIPHER_AES, AES_KEY)};
        return load(story, "P0TB", &keys.tdes, keys.tdes_block) &&
               load(story, "P0AB", &keys.aes, keys.aes_block) && load(story, "V2TV", &keys.tdes, keys.pvk) &&
               translations(story, &keys) && refused_pins(story, &keys);
}

static bool mac(struct story *story, const char *kind, const struct cipher_key *key, const char *padding,
                const char *data_digits, const char *mac_digits)
{
        char block[KEY_BLOCK_TEXT];
        uint8_t data[BYTES_MAX], expected[BYTES_MAX];
        size_t size = bytes_of(data_digits, data);
        bytes_of(mac_digits, expected);
        if (!load(story, kind, key, block))
                return false;
        begin(story, KEY_COMMAND_MAKE_MAC);
        put(story, KEY_FIELD_KEY, block);
        put(story, KEY_FIELD_PADDING, padding);
        key_message_set(&story->request, KEY_FIELD_DATA, data, size);
        return expect(story, KEY_CODE_GOOD, kind) &&
               expect_bytes(story, KEY_FIELD_MAC, expected, KEY_MAC_LENGTH, kind);
}

/* NIST SP 800-38B; knovichikhin/psec */
static bool macs(struct story *story)
{
        struct cipher_key aes = key_of(CIPHER_AES, "2b7e151628aed2a6abf7158809cf4f3c"),
                          tdes = key_of(CIPHER_TDES, TDES_KEY);
        return mac(story, "M6AG", &aes, "", "6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144") &&
               mac(story, "M1TG", &tdes, "2", "1234567890ABCDEF", "925B1737EF681AD3");
}

/* Blocks of the standards, under their own protection keys, which come as components. */
static bool imports(struct story *story)
{
        struct cipher_key kek =
            key_of(CIPHER_AES, "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6");
        char kek_block[KEY_BLOCK_TEXT], block[] = "D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D2"
                                                  "15F8D207E2E417C07156A27E8E31DA05F7425509593D03A"
                                                  "457DC34";
        uint8_t check[BYTES_MAX];
        size_t size = bytes_of("08793E25AB", check);

        if (!load(story, "K1AB", &kek, kek_block))
                return false;
        begin(story, KEY_COMMAND_IMPORT);
        put(story, KEY_FIELD_KEY, block);
        put(story, KEY_FIELD_OTHER_KEY, kek_block);
        put(story, KEY_FIELD_USAGE, "P0");
        if (!expect(story, KEY_CODE_GOOD, "import") ||
            !expect_bytes(story, KEY_FIELD_CHECK_VALUE, check, size, "import"))
                return false;
        put(story, KEY_FIELD_USAGE, "M6");
        if (!expect(story, KEY_CODE_KEY_USAGE, "import as another usage"))
                return false;
        put(story, KEY_FIELD_USAGE, "P0");
        block[40] = block[40] == '0' ? '1' : '0';
        return expect(story, KEY_CODE_BLOCK_CHANGED, "import with a changed byte");
}

const char *story_vectors(story_ask *ask, void *context)
{
        static struct story story;
        story = (struct story){.ask = ask, .context = context};
        bool good = wrong_component(&story) && pins(&story) && macs(&story) && imports(&story);
        return good ? NULL : *story.error ? story.error : "the story's own blocks";
}

/* ---- keys that the module made --------------------------------------------------------------------------- */

static bool generate(struct story *story, const char *kind, const char *bits, const char *exportability,
                     enum key_code code, char ret_key[KEY_BLOCK_TEXT])
{
        begin(story, KEY_COMMAND_GENERATE);
        put_kind(story, kind, exportability);
        put(story, KEY_FIELD_BITS, bits);
        if (strncmp(kind, "V1", 2) == 0)
                put(story, KEY_FIELD_TABLE, "0123456789012345");
        return expect(story, code, kind) && (code != KEY_CODE_GOOD || keep_key(story, ret_key));
}

static bool kinds(struct story *story)
{
        static const struct {
                const char *kind, *bits;
                enum key_code code;
        } rows[] = {
            {"K1AB", "256", KEY_CODE_GOOD},      {"K1TB", "192", KEY_CODE_GOOD},
            {"P0AE", "128", KEY_CODE_GOOD},      {"M3TC", "128", KEY_CODE_GOOD},
            {"V1TV", "128", KEY_CODE_GOOD},      {"V2TV", "128", KEY_CODE_GOOD},
            {"P0AC", "128", KEY_CODE_KEY_USAGE}, {"M3AC", "128", KEY_CODE_KEY_USAGE},
            {"B0TX", "128", KEY_CODE_KEY_USAGE}, {"P0TB", "256", KEY_CODE_FIELD},
            {"P0AB", "100", KEY_CODE_FIELD},     {"P0TB", "064", KEY_CODE_FIELD},
        };
        for (size_t i = 0; i < LENGTH(rows); i++) {
                char key[KEY_BLOCK_TEXT];
                if (!generate(story, rows[i].kind, rows[i].bits, "E", rows[i].code, key))
                        return false;
        }
        return true;
}

static bool check_mac(struct story *story, const char *key, const char *data, const uint8_t *made,
                      enum key_code code, const char *what)
{
        begin(story, KEY_COMMAND_CHECK_MAC);
        put(story, KEY_FIELD_KEY, key);
        put(story, KEY_FIELD_DATA, data);
        key_message_set(&story->request, KEY_FIELD_MAC, made, KEY_MAC_LENGTH);
        return expect(story, code, what);
}

static bool make_mac(struct story *story, const char *key, enum key_code code,
                     uint8_t ret_mac[KEY_MAC_LENGTH])
{
        begin(story, KEY_COMMAND_MAKE_MAC);
        put(story, KEY_FIELD_KEY, key);
        put(story, KEY_FIELD_DATA, "0200 and the rest");
        if (!expect(story, code, "make-mac"))
                return false;
        if (code == KEY_CODE_GOOD)
                memcpy(ret_mac, story->answer.value[KEY_FIELD_MAC].bytes, KEY_MAC_LENGTH);
        return true;
}

static bool generated_macs(struct story *story, char ret_key[KEY_BLOCK_TEXT], uint8_t ret_mac[KEY_MAC_LENGTH])
{
        char other[KEY_BLOCK_TEXT], checks[KEY_BLOCK_TEXT];
        return generate(story, "M6AC", "128", "E", KEY_CODE_GOOD, other) &&
               generate(story, "M6AV", "128", "E", KEY_CODE_GOOD, checks) &&
               generate(story, "M6AC", "256", "E", KEY_CODE_GOOD, ret_key) &&
               make_mac(story, ret_key, KEY_CODE_GOOD, ret_mac) &&
               make_mac(story, checks, KEY_CODE_KEY_USAGE, NULL) &&
               check_mac(story, ret_key, "0200 and the rest", ret_mac, KEY_CODE_GOOD, "check-mac") &&
               check_mac(story, ret_key, "0200 and the res", ret_mac, KEY_CODE_MAC, "a truncated message") &&
               check_mac(story, ret_key, "0200 And the rest", ret_mac, KEY_CODE_MAC, "another message") &&
               check_mac(story, other, "0200 and the rest", ret_mac, KEY_CODE_MAC, "another key");
}

static bool exchange(struct story *story, enum key_command command, const char *key, const char *kek,
                     enum key_code code, char ret_key[KEY_BLOCK_TEXT])
{
        begin(story, command);
        put(story, KEY_FIELD_KEY, key);
        put(story, KEY_FIELD_OTHER_KEY, kek);
        put(story, KEY_FIELD_USAGE, "M6");
        return expect(story, code, key_commands[command].name) &&
               (code != KEY_CODE_GOOD || keep_key(story, ret_key));
}

/* Out under a key-encrypting key and in again it is the same key; not under a weaker one, nor where it may not leave. */
static bool exports(struct story *story, const char *key, const uint8_t made[KEY_MAC_LENGTH])
{
        char kek[KEY_BLOCK_TEXT], weak[KEY_BLOCK_TEXT], stays[KEY_BLOCK_TEXT], out[KEY_BLOCK_TEXT],
            back[KEY_BLOCK_TEXT];
        return generate(story, "K1AB", "256", "N", KEY_CODE_GOOD, kek) &&
               generate(story, "K1TB", "192", "N", KEY_CODE_GOOD, weak) &&
               generate(story, "M6AC", "128", "N", KEY_CODE_GOOD, stays) &&
               exchange(story, KEY_COMMAND_EXPORT, key, kek, KEY_CODE_GOOD, out) &&
               exchange(story, KEY_COMMAND_IMPORT, out, kek, KEY_CODE_GOOD, back) &&
               check_mac(story, back, "0200 and the rest", made, KEY_CODE_GOOD, "a key that was out") &&
               exchange(story, KEY_COMMAND_EXPORT, key, weak, KEY_CODE_BLOCK_WEAK, NULL) &&
               exchange(story, KEY_COMMAND_EXPORT, stays, kek, KEY_CODE_KEY_EXPORT, NULL) &&
               exchange(story, KEY_COMMAND_EXPORT, key, key, KEY_CODE_KEY_USAGE, NULL);
}

static bool no_components(struct story *story)
{
        struct cipher_key key = key_of(CIPHER_TDES, TDES_KEY);
        struct components parts;
        begin(story, KEY_COMMAND_STATUS);
        if (!expect(story, KEY_CODE_GOOD, "status"))
                return false;
        begin(story, KEY_COMMAND_COMBINE);
        put_kind(story, "P0TB", "E");
        put_components(story, &key, &parts);
        return expect(story, KEY_CODE_LABORATORY, "components");
}

const char *story_generated(story_ask *ask, void *context, char ret_mac_key[512],
                            uint8_t ret_mac[KEY_MAC_LENGTH])
{
        static struct story story;
        story = (struct story){.ask = ask, .context = context};
        bool good = no_components(&story) && kinds(&story) && generated_macs(&story, ret_mac_key, ret_mac) &&
                    exports(&story, ret_mac_key, ret_mac);
        return good ? NULL : story.error;
}

const char *story_remembered(story_ask *ask, void *context, const char *mac_key,
                             const uint8_t made[KEY_MAC_LENGTH])
{
        static struct story story;
        story = (struct story){.ask = ask, .context = context};
        return check_mac(&story, mac_key, "0200 and the rest", made, KEY_CODE_GOOD, "a key of before")
                   ? NULL
                   : story.error;
}
