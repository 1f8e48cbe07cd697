/*
 * Protects docs/protocol.md: its tables of messages, reasons and fields are the rows of the code, no more and
 * no less and in the same order, its examples are messages that the codec reads as the text says, and its
 * example of a dialect loads.
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/dialect.h"
#include "keymodule/crypto/key_block.h"
#include "keymodule/crypto/mac.h"
#include "keymodule/crypto/pin_block.h"
#include "lib/base/hex.h"
#include "protocol/frame.h"
#include "protocol/iso_mac.h"
#include "protocol/profile.h"
#include "protocol/tags.h"
#include "tests/suite.h"

#define DOCUMENT SOURCE_DIR "/docs/protocol.md"

enum { DOCUMENT_MAX = 200000, TABLE_MAX = 20000 };

static char document[DOCUMENT_MAX], expected[TABLE_MAX];

static void load(void)
{
        FILE *file = fopen(DOCUMENT, "r");
        if (!file) {
                fprintf(stderr, "%s: %s\n", DOCUMENT, strerror(errno));
                exit(1);
        }
        size_t size = fread(document, 1, sizeof(document) - 1, file);
        fclose(file);
        document[size] = '\0';
}

/* The rows below a table's head line, up to the first line that is no row. */
static void table_of(const char *head, char *ret_rows, size_t size)
{
        char line[256];
        snprintf(line, sizeof(line), "\n%s\n", head);
        const char *at = strstr(document, line);
        ck_assert_msg(at != NULL, "no table '%s' in %s", head, DOCUMENT);
        at = strchr(at + strlen(line), '\n') + 1; /* behind the line of dashes */
        const char *end = at;
        while (*end == '|')
                end = strchr(end, '\n') + 1;
        ck_assert_uint_lt((size_t)(end - at), size);
        memcpy(ret_rows, at, (size_t)(end - at));
        ret_rows[end - at] = '\0';
}

static void ATM_PRINTF(1, 2) expect(const char *format, ...)
{
        size_t length = strlen(expected);
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(expected + length, sizeof(expected) - length, format, arguments);
        va_end(arguments);
        ck_assert_uint_lt(strlen(expected), sizeof(expected) - 1);
}

/* Line by line, so that a difference is named. */
static void compare(const char *head)
{
        static char rows[TABLE_MAX];
        table_of(head, rows, sizeof(rows));
        char *one_state, *other_state;
        char *one = strtok_r(rows, "\n", &one_state), *other = strtok_r(expected, "\n", &other_state);
        while (one || other) {
                ck_assert_msg(one && other && strcmp(one, other) == 0,
                              "docs/protocol.md has\n  %s\nthe code\n  %s", one ? one : "(nothing)",
                              other ? other : "(nothing)");
                one = strtok_r(NULL, "\n", &one_state);
                other = strtok_r(NULL, "\n", &other_state);
        }
        expected[0] = '\0';
}

static void expect_fields(const uint8_t *fields, size_t count)
{
        expect(" |");
        for (size_t i = 0; i < count && fields[i]; i++)
                expect(" %d", fields[i]);
}

START_TEST(the_table_of_messages_is_the_profile)
{
        for (size_t i = 0; i < profile_row_count; i++) {
                const struct profile_row *row = &profile_rows[i];
                if (row->repeat)
                        continue;
                const char *repeat = "-";
                for (size_t j = 0; j < profile_row_count; j++)
                        if (profile_rows[j].repeat && profile_rows[j].kind == row->kind)
                                repeat = profile_rows[j].mti;
                expect("| %s | %s | %s | %s", row->mti, repeat, row->answer_mti, row->name);
                expect_fields(row->mandatory, sizeof(row->mandatory));
                expect_fields(row->optional, sizeof(row->optional));
                expect(" |\n");
        }
        compare("| MTI | repeat | answer | meaning | mandatory | optional |");
}
END_TEST

START_TEST(the_table_of_reasons_is_the_order_in_which_they_win)
{
        int order = 0;
#define REASON(name, de39, kept, text)                                                                       \
        expect("| %d | %s | %s | %s |\n", order++, de39, text, (kept) ? "yes" : "no");
#include "rules/reasons.def"
#undef REASON
        compare("| order | DE 39 | reason | kept |");
}
END_TEST

/* "private 60" is private: rows that differ only in their number are one row of the document. */
static size_t stem_of(const char *name)
{
        if (strncmp(name, "reserved ", 9) == 0 || strncmp(name, "private ", 8) == 0)
                return strcspn(name, " ");
        return 0;
}

static bool same_row(const struct iso_field *a, const struct iso_field *b)
{
        size_t stem = stem_of(a->name);
        return stem > 0 && stem == stem_of(b->name) && strncmp(a->name, b->name, stem) == 0 &&
               a->format == b->format && a->length_kind == b->length_kind && a->length == b->length;
}

START_TEST(the_table_of_fields_is_the_dialect)
{
        static const char *const formats[] = {[ISO_N] = "n",    [ISO_AN] = "an", [ISO_ANS] = "ans",
                                              [ISO_XN] = "x+n", [ISO_Z] = "z",   [ISO_B] = "b"};
        static const char *const kinds[] = {[ISO_FIXED] = " ", [ISO_LLVAR] = "..", [ISO_LLLVAR] = "..."};
        const struct iso_field *rows = iso_dialect_ascii.field;
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                const struct iso_field *row = &rows[field];
                if (row->format == ISO_NONE)
                        continue;
                int last = field;
                while (last < ISO_FIELD_MAX && rows[last + 1].format != ISO_NONE &&
                       same_row(row, &rows[last + 1]))
                        last++;
                expect("| %d", field);
                if (last > field)
                        expect("-%d", last);
                size_t stem = stem_of(row->name);
                expect(" | %s%s%d | %.*s |\n", formats[row->format], kinds[row->length_kind], row->length,
                       stem ? (int)stem : (int)strlen(row->name), row->name);
                field = last;
        }
        compare("| DE | form | name |");
}
END_TEST

static const char *format_of(enum iso_format format)
{
        switch (format) {
        case ISO_N:
                return "n, an or ans";
        case ISO_AN:
                return "an or ans";
        case ISO_ANS:
                return "ans";
        case ISO_XN:
                return "x+n";
        case ISO_Z:
                return "z";
        default:
                return "b";
        }
}

START_TEST(the_table_of_a_dialects_fields_is_the_loaders)
{
        for (size_t i = 0; i < dialect_use_count; i++) {
                const struct dialect_use *use = &dialect_uses[i];
                const struct iso_field *row = &iso_dialect_ascii.field[use->field];
                expect("| %d | %s | %s | %s | %d", use->field, row->name, format_of(use->least),
                       row->length_kind == ISO_FIXED ? "fixed" : "llvar or lllvar", use->shortest);
                if (use->longest > use->shortest)
                        expect(" to %d", use->longest);
                expect(" | %s |\n", use->required ? "yes" : "no");
        }
        compare("| DE | name | formats | form | length | needed |");
}
END_TEST

START_TEST(the_table_of_dialects_is_what_is_shipped)
{
        static const char *const shipped[] = {"BANKA", "BANKB", "BANKC"};
        static const char *const frames[] = {"binary", "ascii", "bcd"}, *const digits[] = {"ascii", "bcd"};
        for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
                char path[512], error[DIALECT_ERROR_MAX];
                struct iso_dialect dialect;
                int fields = 0;
                snprintf(path, sizeof(path), "%s/etc/dialects/%s.dialect", SOURCE_DIR, shipped[i]);
                ck_assert_msg(dialect_load(path, &dialect, NULL, error), "%s", error);
                for (int field = 2; field <= ISO_FIELD_MAX; field++)
                        fields += iso_dialect_has(&dialect, field);
                expect("| %s | %s | %s | %s | %s | %s | %d |\n", dialect.name, frames[dialect.frame],
                       dialect.frame_counts_itself ? "yes" : "no",
                       dialect.bitmap == ISO_BITMAP_HEX ? "hex" : "raw", digits[dialect.digits],
                       digits[dialect.length_digits], fields);
        }
        compare("| dialect | header | counts itself | bitmap | digits | length digits | fields |");
}
END_TEST

/* The lines of the example, without their indent. */
static size_t example_dialect(char *text, size_t size)
{
        const char *at = strstr(document, "\n    [dialect]\n");
        size_t used = 0;
        ck_assert_ptr_nonnull(at);
        for (at++; *at == '\n' || strncmp(at, "    ", 4) == 0; at = strchr(at, '\n') + 1) {
                size_t indent = *at == '\n' ? 0 : 4, length = strcspn(at + indent, "\n") + 1;
                ck_assert_uint_lt(used + length, size);
                memcpy(text + used, at + indent, length);
                used += length;
        }
        return used;
}

START_TEST(the_example_of_a_dialect_loads_and_is_the_least)
{
        static char text[8192];
        char error[DIALECT_ERROR_MAX] = "";
        struct iso_dialect dialect;
        size_t size = example_dialect(text, sizeof(text));
        FILE *file = fmemopen(text, size, "r");
        ck_assert_msg(dialect_read(file, "example", &dialect, NULL, error), "%s", error);
        fclose(file);
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                bool required = false;
                for (size_t i = 0; i < dialect_use_count; i++)
                        required |= dialect_uses[i].field == field && dialect_uses[i].required;
                ck_assert_int_eq(iso_dialect_has(&dialect, field), required);
        }
        ck_assert_int_eq(dialect.frame, FRAME_ASCII);
}
END_TEST

START_TEST(the_table_of_network_codes_is_what_a_dialect_has_unless_it_gives_others)
{
        static const char *const names[ISO_NETWORK_COUNT] = {"sign_on", "sign_off",   "echo",
                                                             "cutover", "key_change", "key_request"};
        static char text[8192];
        char error[DIALECT_ERROR_MAX] = "", row[64], code[8];
        struct iso_dialect dialect;
        FILE *file = fmemopen(text, example_dialect(text, sizeof(text)), "r");
        ck_assert_msg(dialect_read(file, "example", &dialect, NULL, error), "%s", error);
        fclose(file);
        for (int i = 0; i < ISO_NETWORK_COUNT; i++) {
                if (dialect.network[i])
                        snprintf(code, sizeof(code), "%03d", dialect.network[i]);
                else
                        strcpy(code, "none");
                snprintf(row, sizeof(row), "\n| %s | %s |", names[i], code);
                ck_assert_msg(strstr(document, row) != NULL, "not in docs/protocol.md: %s", row);
        }
}
END_TEST

/* Under the key that the document names. */
static bool check_mac(const struct iso_message *message, const uint8_t *bytes, size_t length)
{
        const char *at = strstr(document, "under the AES key ");
        struct cipher_key key = {CIPHER_AES, 16, {0}};
        uint8_t mac[CIPHER_BLOCK_MAX];
        size_t covered;
        if (!iso_mac_covered(&iso_dialect_ascii, message, length, &covered))
                return false;
        ck_assert(at && hex_parse(at + strlen("under the AES key "), key.bytes, key.length));
        mac_cmac(&key, bytes, covered, mac);
        ck_assert_mem_eq(mac, bytes + covered, ISO_MAC_LENGTH);
        return true;
}

/* Hex of a frame between ``` lines, then an indented line: how it is dumped. */
START_TEST(the_examples_are_what_they_say)
{
        int examples = 0, sealed = 0;
        const char *at = document;
        while ((at = strstr(at, "\n```\n")) != NULL) {
                uint8_t bytes[ISO_MESSAGE_MAX + ISO_LENGTH_HEADER];
                size_t size = 0;
                for (at += strlen("\n```\n"); strncmp(at, "```", 3) != 0; at += at[2] == '\n' ? 3 : 2) {
                        ck_assert_uint_lt(size, sizeof(bytes));
                        ck_assert_msg(hex_parse(at, bytes + size++, 1), "not hex: %.40s", at);
                }
                at += strlen("```");
                ck_assert_msg(strncmp(at, "\n\n    ", 6) == 0, "no dump behind an example: %.40s", at);
                at += 6;
                const char *end = strchr(at, '\n');

                const uint8_t *message;
                size_t length;
                struct iso_message decoded;
                struct iso_error error;
                char line[1024];
                ck_assert_int_eq(frame_next(&iso_dialect_ascii, bytes, size, &message, &length), FRAME_READY);
                ck_assert_uint_eq(length + ISO_LENGTH_HEADER, size);
                ck_assert_int_eq(iso_decode(&iso_dialect_ascii, message, length, &decoded, &error), 0);
                iso_dump(&iso_dialect_ascii, &decoded, line, sizeof(line));
                ck_assert_msg(strlen(line) == (size_t)(end - at) && strncmp(at, line, strlen(line)) == 0,
                              "the document shows\n  %.*s\nthe codec\n  %s", (int)(end - at), at, line);
                const struct profile_row *row = profile_find(decoded.mti);
                ck_assert(!row || profile_check(row, &decoded, &error) == 0);
                sealed += check_mac(&decoded, message, length);
                examples++;
        }
        ck_assert_int_eq(examples, 6);
        ck_assert_int_eq(sealed, 3);
}
END_TEST

/* A key-encrypting key, a block under it, and what comes out of that. */
START_TEST(the_example_of_a_key_block_has_the_key_of_the_examples)
{
        static const char under[] = "under the AES key-encrypting key ",
                          has[] = "has the key of the echo above, ";
        const char *at = strstr(document, under), *end = at ? strstr(at, has) : NULL;
        struct cipher_key kek = {CIPHER_AES, 16, {0}}, wanted = {CIPHER_AES, 16, {0}}, key;
        struct key_block_guard guard;
        struct key_block_header header;
        char block[KEY_BLOCK_TEXT], usage[3];
        ck_assert(end && hex_parse(at + strlen(under), kek.bytes, kek.length) &&
                  hex_parse(end + strlen(has), wanted.bytes, wanted.length));
        ck_assert_int_eq(sscanf(strstr(at, "usage "), "usage %2s %432s", usage, block), 2);
        key_block_guard_of(&kek, &guard);
        ck_assert_int_eq(key_block_unwrap(&guard, block, strlen(block), &header, &key), KEY_BLOCK_GOOD);
        ck_assert_str_eq(header.usage, usage);
        ck_assert_uint_eq(key.length, wanted.length);
        ck_assert_mem_eq(key.bytes, wanted.bytes, wanted.length);
        at = strstr(document, "under the AES key ") + strlen("under the AES key ");
        ck_assert(hex_parse(at, kek.bytes, kek.length));
        ck_assert_mem_eq(key.bytes, kek.bytes, kek.length);
}
END_TEST

/* The hex behind this text, without the length in front, decoded. */
static void example_behind(const char *text, struct iso_message *ret_message)
{
        const char *at = strstr(document, text), *hex = at ? strstr(at, "\n```\n") : NULL;
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error error;
        size_t size = 0;
        ck_assert_ptr_nonnull(hex);
        for (hex += strlen("\n```\n"); *hex != '`'; hex += hex[2] == '\n' ? 3 : 2)
                ck_assert(size < sizeof(bytes) && hex_parse(hex, bytes + size++, 1));
        ck_assert_int_eq(iso_decode(&iso_dialect_ascii, bytes + ISO_LENGTH_HEADER, size - ISO_LENGTH_HEADER,
                                    ret_message, &error),
                         0);
}

/* A set's keys on their way to a terminal and to a bank; the text before the first names them for both. */
START_TEST(the_examples_of_a_key_change_have_the_keys_that_they_say)
{
        static const char of_kek[] = "a terminal whose key-encrypting key is ", of_keys[] = "set 2 are ";
        static const char *const examples[] = {of_kek, "the offer of set 2 to a bank"}, *const usages[] = {
                                                                                            "P0", "M6", "M6"};
        const char *text = strstr(document, of_kek), *named = text ? strstr(text, of_keys) : NULL;
        struct cipher_key kek = {CIPHER_AES, 16, {0}}, wanted = {CIPHER_AES, 16, {0}}, key;
        struct key_block_guard guard;
        struct iso_message message;
        struct tag tag;
        size_t at = 0, blocks = 0;

        ck_assert(named && hex_parse(text + strlen(of_kek), kek.bytes, kek.length));
        key_block_guard_of(&kek, &guard);
        example_behind(examples[_i], &message);
        ck_assert_ptr_null(tags_problem(&message, 62));
        ck_assert(tags_find(&message, 62, TAG_KEY_OFFER, &tag) && tag.length == 1 && *tag.value == '2');
        named += strlen(of_keys);
        while (tags_next(&message, 62, &at, &tag)) {
                struct key_block_header header;
                if (memcmp(tag.name, TAG_KEY_BLOCK, 2) != 0)
                        continue;
                ck_assert_uint_lt(blocks, 3);
                ck_assert_int_eq(key_block_unwrap(&guard, tag.value, tag.length, &header, &key),
                                 KEY_BLOCK_GOOD);
                ck_assert_str_eq(header.usage, usages[blocks++]);
                ck_assert(hex_parse(named, wanted.bytes, wanted.length));
                ck_assert_mem_eq(key.bytes, wanted.bytes, wanted.length);
                named += strcspn(named, " :");                        /* behind the key, */
                named += strcspn(named, "0123456789") * (blocks < 3); /* to the next */
        }
        ck_assert_uint_eq(blocks, 3);
}
END_TEST

/* A block under a key that is named before it. */
static void check_pin(const char *under, enum cipher_algorithm algorithm, enum pin_format format)
{
        const char *at = strstr(document, under), *block = at ? strstr(at, "\n    ") : NULL;
        struct cipher_key key = {algorithm, 16, {0}};
        uint8_t bytes[PIN_BLOCK_MAX];
        char digits[PIN_MAX + 1], pan[PIN_PAN_MAX + 1];
        struct pin pin;
        ck_assert_int_eq(sscanf(strstr(document, "For example the PIN "),
                                "For example the PIN %12[0-9] of the card %19[0-9]", digits, pan),
                         2);
        ck_assert(block && hex_parse(at + strlen(under), key.bytes, key.length) &&
                  hex_parse(block + strlen("\n    "), bytes, pin_block_size(format)));
        ck_assert_int_eq(pin_block_open(format, &key, bytes, pin_block_size(format), pan, strlen(pan), &pin),
                         PIN_GOOD);
        ck_assert_str_eq(pin.digits, digits);
}

START_TEST(the_examples_of_pin_blocks_have_the_pin_that_they_say)
{
        check_pin("under the AES PIN key ", CIPHER_AES, PIN_FORMAT_4);
        check_pin("under the TDES PIN key ", CIPHER_TDES, PIN_FORMAT_0);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("docs/protocol.md");
        TCase *t = tcase_create("tables");
        tcase_add_test(t, the_table_of_messages_is_the_profile);
        tcase_add_test(t, the_table_of_reasons_is_the_order_in_which_they_win);
        tcase_add_test(t, the_table_of_fields_is_the_dialect);
        tcase_add_test(t, the_examples_are_what_they_say);
        tcase_add_loop_test(t, the_examples_of_a_key_change_have_the_keys_that_they_say, 0, 2);
        tcase_add_test(t, the_example_of_a_key_block_has_the_key_of_the_examples);
        tcase_add_test(t, the_examples_of_pin_blocks_have_the_pin_that_they_say);
        tcase_add_test(t, the_table_of_a_dialects_fields_is_the_loaders);
        tcase_add_test(t, the_table_of_dialects_is_what_is_shipped);
        tcase_add_test(t, the_example_of_a_dialect_loads_and_is_the_least);
        tcase_add_test(t, the_table_of_network_codes_is_what_a_dialect_has_unless_it_gives_others);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        load();
        return suite_run(suite());
}
