/* Components at the console: see ceremony.h. */
#include "keymodule/ceremony.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "keymodule/crypto/mac.h"
#include "lib/base/hex.h"
#include "lib/cli/hidden.h"

enum { COMPONENTS = 2, LINE_MAX_TEXT = 2 * 2 * 32 + 2 /* a space after each digit, at most */ };

/* One line, byte by byte, so that none of it is in a buffer that nobody wipes. False: the end, or too long. */
static bool read_line(char ret_line[LINE_MAX_TEXT])
{
        size_t length = 0;
        char byte;

        while (read(STDIN_FILENO, &byte, 1) == 1) {
                if (byte == '\n') {
                        ret_line[length] = '\0';
                        return true;
                }
                if (length + 1 == LINE_MAX_TEXT)
                        return false;
                ret_line[length++] = byte;
        }
        return false;
}

static bool ask_line(const char *what, int number, char ret_line[LINE_MAX_TEXT])
{
        char question[64];

        snprintf(question, sizeof(question), "%s %d of %d: ", what, number, COMPONENTS);
        if (isatty(STDIN_FILENO))
                return hidden_ask(STDIN_FILENO, question, ret_line, LINE_MAX_TEXT);
        fputs(question, stderr);
        return read_line(ret_line);
}

/* Digits in groups, as they are printed, are one number. */
static bool read_bytes(char *line, uint8_t *ret_bytes, size_t most, size_t *ret_length)
{
        size_t digits = 0;

        for (const char *at = line; *at; at++)
                if (*at != ' ' && *at != '\r')
                        line[digits++] = *at;
        line[digits] = '\0';
        *ret_length = digits / 2;
        return digits % 2 == 0 && *ret_length <= most && hex_parse(line, ret_bytes, *ret_length);
}

static bool take_component(int number, enum cipher_algorithm algorithm, struct cipher_key *ret_component,
                           char error[CEREMONY_ERROR_MAX])
{
        char line[LINE_MAX_TEXT] = "";
        uint8_t said[CHECK_VALUE_MAX], value[CHECK_VALUE_MAX];
        size_t length = 0, said_length = 0;
        bool good;

        *ret_component = (struct cipher_key){.algorithm = algorithm};
        good = ask_line("component", number, line) &&
               read_bytes(line, ret_component->bytes, sizeof(ret_component->bytes), &length) &&
               cipher_key_has_length(algorithm, length);
        OPENSSL_cleanse(line, sizeof(line));
        ret_component->length = length;
        if (!good) {
                snprintf(error, CEREMONY_ERROR_MAX,
                         "component %d: expected %s key as digits of hexadecimal, %s", number,
                         algorithm == CIPHER_AES ? "an AES" : "a TDES",
                         algorithm == CIPHER_AES ? "32, 48 or 64 of them" : "32 or 48 of them");
                return false;
        }
        good = ask_line("check value of component", number, line) &&
               read_bytes(line, said, sizeof(said), &said_length) && said_length >= CHECK_VALUE_MIN &&
               said_length <= check_value_of(ret_component, value) && mac_is_same(value, said, said_length);
        if (!good)
                snprintf(error, CEREMONY_ERROR_MAX,
                         "component %d has another check value: it was typed wrongly, or is another one",
                         number);
        return good;
}

static bool wrap(const struct master *master, const struct cipher_key *key, char ret_block[KEY_BLOCK_TEXT],
                 char ret_check[CEREMONY_CHECK_TEXT], char error[CEREMONY_ERROR_MAX])
{
        const struct key_block_header header = {
            .usage = "K1", .mode = 'B', .key_version = "00", .exportability = 'N'};
        uint8_t value[CHECK_VALUE_MAX];

        if (key_block_wrap(&master->guard, &header, key, ret_block) != KEY_BLOCK_GOOD) {
                snprintf(error, CEREMONY_ERROR_MAX, "the key can't be wrapped by the master key");
                return false;
        }
        hex_print(value, check_value_of(key, value), ret_check);
        return true;
}

bool ceremony_take(const struct master *master, enum cipher_algorithm algorithm,
                   char ret_block[KEY_BLOCK_TEXT], char ret_check[CEREMONY_CHECK_TEXT],
                   char error[CEREMONY_ERROR_MAX])
{
        struct cipher_key key = {.algorithm = algorithm}, component;
        bool good = true;

        for (int number = 1; good && number <= COMPONENTS; number++) {
                good = take_component(number, algorithm, &component, error);
                if (good && number > 1 && component.length != key.length) {
                        snprintf(error, CEREMONY_ERROR_MAX,
                                 "component %d is of %zu bits: expected %zu, as the first", number,
                                 component.length * 8, key.length * 8);
                        good = false;
                }
                key.length = component.length;
                for (size_t i = 0; good && i < component.length; i++)
                        key.bytes[i] ^= component.bytes[i];
                cipher_key_wipe(&component);
        }
        if (good && cipher_key_is_zero(&key)) {
                snprintf(error, CEREMONY_ERROR_MAX,
                         "the components are the same one: their key would be zero");
                good = false;
        }
        if (good && cipher_key_is_weak(&key)) {
                snprintf(error, CEREMONY_ERROR_MAX,
                         "the components make a weak key: two of its parts are the same, or one is weak");
                good = false;
        }
        good = good && wrap(master, &key, ret_block, ret_check, error);
        cipher_key_wipe(&key);
        return good;
}
