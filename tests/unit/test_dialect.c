/*
 * Protects config/dialect.c and what of protocol/iso8583.c serves only dialects: the files that we ship,
 * each fault of a file with its line, values of another length on the wire, and round trips of random
 * messages in each dialect. ATM_TEST_SEED repeats a run that failed.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/dialect.h"
#include "lib/base/hex.h"
#include "protocol/frame.h"
#include "protocol/profile.h"
#include "tests/contract/draws.h"
#include "tests/suite.h"
#include "tests/unit/coded.h"
#include "tests/unit/random_char.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const shipped[] = {"BANKA", "BANKB", "BANKC"};
enum { A, B, C, SHIPPED };
#define SECTIONS_WANTED "[dialect], [security], [network], [fields], [request codes] or [notice codes]"

static struct iso_dialect dialects[SHIPPED];

static void load_shipped(void)
{
        for (int i = 0; i < SHIPPED; i++) {
                char path[512], error[DIALECT_ERROR_MAX] = "";
                snprintf(path, sizeof(path), "%s/etc/dialects/%s.dialect", SOURCE_DIR, shipped[i]);
                ck_assert_msg(dialect_load(path, &dialects[i], NULL, error), "%s", error);
        }
}

static void assert_same(const struct iso_message *a, const struct iso_message *b)
{
        ck_assert_str_eq(a->mti, b->mti);
        ck_assert_mem_eq(a->present, b->present, sizeof(a->present));
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                size_t one = 0, other = 0;
                const char *value = iso_get(a, field, &one), *against = iso_get(b, field, &other);
                ck_assert_msg(!value || (one == other && memcmp(value, against, one) == 0),
                              "field %d: '%.*s', not '%.*s'", field, (int)other, against, (int)one, value);
        }
}

/* ---- what we ship -------------------------------------------------------------------------------------- */

START_TEST(the_built_in_dialect_needs_no_file)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        ck_assert(dialect_load("ascii", &dialect, NULL, error));
        ck_assert_mem_eq(&dialect, &iso_dialect_ascii, sizeof(dialect));
}
END_TEST

START_TEST(each_shipped_dialect_has_the_forms_that_it_is_there_to_show)
{
        static const struct iso_dialect wanted[SHIPPED] = {
            {"BANKA", FRAME_BINARY, false, false, ISO_BITMAP_RAW, ISO_DIGITS_ASCII, ISO_DIGITS_ASCII,
             .field = {}},
            {"BANKB", FRAME_ASCII, false, false, ISO_BITMAP_HEX, ISO_DIGITS_ASCII, ISO_DIGITS_ASCII,
             .field = {}},
            {"BANKC", FRAME_BINARY, true, false, ISO_BITMAP_RAW, ISO_DIGITS_BCD, ISO_DIGITS_BCD, .field = {}},
        };
        static const int16_t key_codes[SHIPPED][2] = {{101, 0}, {161, 162}, {0, 0}};
        ck_assert_str_eq(dialects[_i].name, wanted[_i].name);
        ck_assert_int_eq(dialects[_i].frame, wanted[_i].frame);
        ck_assert_int_eq(dialects[_i].frame_counts_itself, wanted[_i].frame_counts_itself);
        ck_assert_int_eq(dialects[_i].bitmap, wanted[_i].bitmap);
        ck_assert_int_eq(dialects[_i].digits, wanted[_i].digits);
        ck_assert_int_eq(dialects[_i].length_digits, wanted[_i].length_digits);
        ck_assert_int_eq(dialects[_i].network[ISO_NETWORK_KEY_CHANGE], key_codes[_i][0]);
        ck_assert_int_eq(dialects[_i].network[ISO_NETWORK_KEY_REQUEST], key_codes[_i][1]);
}
END_TEST

/* It says that it is the whole table, to begin another from. */
START_TEST(banka_is_the_built_in_table_row_by_row)
{
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                const struct iso_field *row = &dialects[A].field[field];
                const struct iso_field *builtin = &iso_dialect_ascii.field[field];
                ck_assert_str_eq(row->name, builtin->name);
                ck_assert_int_eq(row->format, builtin->format);
                ck_assert_int_eq(row->length_kind, builtin->length_kind);
                ck_assert_int_eq(row->length, builtin->length);
                ck_assert_int_eq(row->mask, builtin->mask);
                ck_assert_int_eq(row->value_format, ISO_NONE);
                ck_assert_int_eq(row->value_length, 0);
        }
        ck_assert_mem_eq(dialects[A].network, iso_dialect_ascii.network, sizeof(dialects[A].network));
}
END_TEST

/* Every request and answer of a bank link, with all that a withdrawal carries. */
static const struct {
        const char *mti;
        struct {
                int field;
                const char *value;
        } at[24];
} exchanges[] = {
    {"0800", {{7, "1229005500"}, {11, "000001"}, {32, "12345"}, {41, "T0000001"}, {70, "001"}}},
    {"0810",
     {{7, "1229005500"},
      {11, "000001"},
      {12, "095501"},
      {13, "1229"},
      {39, "00"},
      {41, "T0000001"},
      {70, "001"}}},
    {"0200",
     {{2, "9900010000000008"},
      {3, "010000"},
      {4, "000000010000"},
      {7, "1229005501"},
      {11, "000002"},
      {12, "095501"},
      {13, "1229"},
      {14, "2012"},
      {28, "D00000108"},
      {32, "12345"},
      {37, "636409000002"},
      {41, "T0000001"},
      {49, "392"}}},
    {"0200",
     {{2, "990001000000000800"},
      {3, "310000"},
      {7, "1229005501"},
      {11, "999999"},
      {14, "9912"},
      {32, "12345"},
      {37, "636409999999"},
      {41, "T0000001"},
      {49, "392"}}},
    {"0210",
     {{3, "010000"},
      {4, "000000010000"},
      {7, "1229005501"},
      {11, "000002"},
      {15, "1229"},
      {28, "D00000108"},
      {32, "12345"},
      {37, "636409000002"},
      {38, "A00002"},
      {39, "00"},
      {41, "T0000001"},
      {49, "392"}}},
    {"0210",
     {{3, "310000"},
      {7, "1229005501"},
      {11, "999999"},
      {28, "D00000000"},
      {39, "00"},
      {41, "T0000001"},
      {49, "392"},
      {54, "0002392C0000001898920001392C000000199892"}}},
    {"0220",
     {{3, "010000"},
      {4, "000000010000"},
      {7, "1229005501"},
      {11, "000002"},
      {28, "D00000108"},
      {32, "12345"},
      {37, "636409000002"},
      {38, "A00002"},
      {41, "T0000001"},
      {49, "392"},
      {90, "020000000212290055010000000000000000000000"},
      {95, "000000010000000000000000D00000108D00000000"}}},
    {"0421",
     {{3, "010000"},
      {4, "000000010000"},
      {7, "1229005501"},
      {11, "000002"},
      {32, "12345"},
      {37, "636409000002"},
      {39, "32"},
      {41, "T0000001"},
      {49, "392"},
      {90, "020000000212290055010000000000000000000000"},
      {95, "000000004000000000000000D00000108D00000000"}}},
};

static void build(size_t i, struct iso_message *message)
{
        iso_init(message, exchanges[i].mti);
        for (size_t j = 0; j < COUNT(exchanges[i].at) && exchanges[i].at[j].field; j++)
                iso_set_string(message, exchanges[i].at[j].field, exchanges[i].at[j].value);
}

START_TEST(what_goes_between_atmd_and_a_bank_is_the_same_message_in_each_dialect)
{
        struct iso_message message, back;
        uint8_t bytes[FRAME_HEADER_MAX + ISO_MESSAGE_MAX];
        for (int i = 0; i < SHIPPED; i++) {
                size_t header = frame_header_size(&dialects[i]), length;
                build((size_t)_i, &message);
                size_t size = encode(&dialects[i], &message, bytes + header);
                frame_header(&dialects[i], bytes, size);
                const uint8_t *at;
                ck_assert_int_eq(frame_next(&dialects[i], bytes, header + size, &at, &length), FRAME_READY);
                ck_assert_uint_eq(length, size);
                decode(&dialects[i], at, length, &back);
                assert_same(&message, &back);
                const struct profile_row *row = profile_find(message.mti);
                struct iso_error error;
                ck_assert(!row || profile_check(row, &back, &error) == 0);
        }
}
END_TEST

/* A dialect that loads must be able to say all that the profile demands towards a bank. */
START_TEST(what_the_profile_demands_is_required_of_a_dialect)
{
        for (size_t i = 0; i < profile_row_count; i++) {
                const struct profile_row *row = &profile_rows[i];
                if (row->kind == MESSAGE_RECONCILIATION || row->kind == MESSAGE_ADMINISTRATIVE)
                        continue;
                for (size_t j = 0; j < COUNT(row->mandatory) && row->mandatory[j]; j++) {
                        bool required = false;
                        for (size_t k = 0; k < dialect_use_count; k++)
                                required |=
                                    dialect_uses[k].field == row->mandatory[j] && dialect_uses[k].required;
                        ck_assert_msg(required, "%s needs field %d", row->mti, row->mandatory[j]);
                }
        }
}
END_TEST

START_TEST(the_built_in_lengths_are_among_those_that_a_dialect_may_have)
{
        for (size_t i = 0; i < dialect_use_count; i++) {
                const struct iso_field *row = &iso_dialect_ascii.field[dialect_uses[i].field];
                ck_assert_uint_ge(row->length, dialect_uses[i].shortest);
                ck_assert_uint_le(row->length, dialect_uses[i].longest);
        }
}
END_TEST

/* ---- values that have another length on the wire ------------------------------------------------------- */

static const struct {
        int dialect, field;
        const char *value, *wire; /* wire: the field alone, hex */
} fits[] = {
    {B, 41, "T0000001", "5430303030303031 2020202020202020"},
    {B, 42, "H00001         ", "483030303031 2020202020202020202020202020"},
    {B, 49, "392", "333932"},
    {C, 2, "990001000000000800", "18 990001000000000800"},
    {C, 2, "9900010000000008000", "19 09900010000000008000"},
    {C, 4, "000000010000", "0000010000"},
    {C, 4, "009999999999", "9999999999"},
    {C, 11, "000002", "00000002"},
    {C, 11, "999999", "00999999"},
    {C, 28, "D00000108", "44 00000108"},
    {C, 28, "C09999999", "43 09999999"},
    {C, 32, "12345", "05 012345"},
    {C, 37, "636409000002", "636409000002"},
    {C, 38, "A00002", "4130303030322020"},
    {C, 38, "A0    ", "4130202020202020"},
    {C, 49, "392", "0392"},
    {C, 54, "0002392C000000189892", "0020 30303032333932433030303030303138393839 32"},
    {C, 70, "301", "0301"},
};

START_TEST(a_value_gets_the_length_that_the_dialect_wants_and_back)
{
        const struct iso_dialect *dialect = &dialects[fits[_i].dialect];
        struct iso_message message, back;
        uint8_t bytes[ISO_MESSAGE_MAX], wire[ISO_MESSAGE_MAX];
        iso_init(&message, "0200");
        iso_set_string(&message, fits[_i].field, fits[_i].value);
        size_t size = encode(dialect, &message, bytes), wanted = from_hex(fits[_i].wire, wire);
        size_t bitmap = (dialect->bitmap == ISO_BITMAP_HEX ? 16 : 8) * (fits[_i].field > 64 ? 2 : 1);
        size_t mti = dialect->digits == ISO_DIGITS_BCD ? 2 : 4;
        ck_assert_uint_eq(size, mti + bitmap + wanted);
        ck_assert_mem_eq(bytes + mti + bitmap, wire, wanted);
        decode(dialect, bytes, size, &back);
        assert_same(&message, &back);
}
END_TEST

static const struct {
        int dialect, field;
        const char *value, *what;
        size_t wanted, available;
} unfits[] = {
    {C, 4, "010000000000", "longer than the field may be", 10, 12},
    {C, 4, "0000010000", "length", 12, 10}, /* of the wire, not of the value */
    {C, 11, "00000002", "length", 6, 8},
    {C, 28, "D10000108", "longer than the field may be", 8, 9},
    {C, 28, "X00000108", "neither C nor D", 0, 0},
    {C, 32, "123456789", "longer than the field may be", 8, 9},
    {C, 37, "A36409000002", "not a digit", 0, 0},
    {C, 42, "H00001         ", "not a field of the dialect", 0, 0},
    {B, 41, "T0000001        ", "length", 8, 16},
    {B, 49, "JPY", "not a digit", 0, 0}, /* text on the wire, a number all the same */
};

START_TEST(a_value_that_does_not_fit_the_dialect_is_not_sent)
{
        const struct iso_dialect *dialect = &dialects[unfits[_i].dialect];
        struct iso_message message;
        struct iso_error error = {0};
        uint8_t bytes[ISO_MESSAGE_MAX];
        iso_init(&message, "0200");
        iso_set_string(&message, unfits[_i].field, unfits[_i].value);
        ck_assert_int_lt(iso_encode(dialect, &message, bytes, sizeof(bytes), &error), 0);
        ck_assert_int_eq(error.field, unfits[_i].field);
        ck_assert_str_eq(error.what, unfits[_i].what);
        ck_assert_uint_eq(error.wanted, unfits[_i].wanted);
        ck_assert_uint_eq(error.available, unfits[_i].available);
}
END_TEST

static const struct {
        int dialect, field;
        const char *wire, *what;
        size_t at, wanted, available;
} unread[] = {
    {C, 11, "01000002", "longer than the value may be", 0, 6, 8},
    {C, 11, "000000a2", "not a digit", 3, 0, 0},
    {C, 38, "4130303030322041", "longer than the value may be", 0, 6, 8},
    {C, 28, "45 00000108", "neither C nor D", 0, 0, 0},
    {C, 2, "20 99000100000000080000", "longer than the field may be", 0, 19, 20},
    {B, 41, "5430303030303031 2020202020202041", "longer than the value may be", 0, 8, 16},
    {B, 49, "4a5059", "not a digit", 0, 0, 0},
    {B, 49, "333920", "not a digit", 2, 0, 0},
};

START_TEST(a_bank_s_value_that_does_not_fit_ours_is_an_error_with_its_place)
{
        const struct iso_dialect *dialect = &dialects[unread[_i].dialect];
        struct iso_message message;
        struct iso_error error = {0};
        uint8_t bytes[ISO_MESSAGE_MAX] = {0};
        /* The same message with nothing in it, then the field's bit and bytes. */
        iso_init(&message, "0210");
        size_t size = encode(dialect, &message, bytes);
        size_t bitmap = dialect->digits == ISO_DIGITS_BCD ? 2 : 4, bit = (size_t)unread[_i].field - 1;
        if (dialect->bitmap == ISO_BITMAP_HEX)
                bytes[bitmap + bit / 4] = (uint8_t)('0' + (8 >> bit % 4));
        else
                bytes[bitmap + bit / 8] = (uint8_t)(0x80 >> bit % 8);
        size_t end = size + from_hex(unread[_i].wire, bytes + size);
        ck_assert_int_lt(iso_decode(dialect, bytes, end, &message, &error), 0);
        ck_assert_int_eq(error.field, unread[_i].field);
        ck_assert_str_eq(error.what, unread[_i].what);
        ck_assert_uint_eq(error.offset, size + unread[_i].at);
        ck_assert_uint_eq(error.wanted, unread[_i].wanted);
        ck_assert_uint_eq(error.available, unread[_i].available);
        ck_assert(!iso_has(&message, unread[_i].field));
}
END_TEST

/* ---- files with faults --------------------------------------------------------------------------------- */

/* The least that loads. Line 1 is [dialect]. */
static const char *const least[] = {
    "[dialect]",
    "name = LEAST",
    "header = bcd",
    "header_counts_itself = no",
    "bitmap = raw",
    "digits = ascii",
    "length_digits = ascii",
    "[fields]",
    "2 = PAN, n, llvar, 19, pan",
    "3 = processing code, n, fixed, 6, show",
    "4 = amount, n, fixed, 12, show",
    "7 = transmission date and time, n, fixed, 10, show",
    "11 = STAN, n, fixed, 6, show",
    "14 = expiry, n, fixed, 4, hide",
    "28 = transaction fee, x+n, fixed, 9, show",
    "32 = acquirer, n, llvar, 11, show",
    "37 = RRN, an, fixed, 12, show",
    "38 = approval code, an, fixed, 6, show",
    "39 = response code, an, fixed, 2, show",
    "41 = terminal, ans, fixed, 8, show",
    "49 = currency, n, fixed, 3, show",
    "54 = additional amounts, an, lllvar, 120, hide",
    "70 = network code, n, fixed, 3, show",
    "90 = original data, n, fixed, 42, show",
    "95 = replacement amounts, an, fixed, 42, show",
};
enum {
        LINE_HEADER = 3,
        LINE_BITMAP = 5,
        LINE_FIELDS = 8,
        LINE_PAN = 9,
        LINE_AMOUNT = 11,
        LINE_STAN = 13,
        LINE_FEE = 15,
        LINE_TERMINAL = 20,
        LINE_END = COUNT(least) + 1
};

/* The least file with one line replaced, taken out (NULL) or, at LINE_END, added. */
static bool read_with(int line, const char *text, struct iso_dialect *dialect, char error[DIALECT_ERROR_MAX])
{
        static char file[16384];
        size_t used = 0;
        for (int i = 1; i <= LINE_END; i++) {
                const char *at = i == line ? text : i < LINE_END ? least[i - 1] : NULL;
                if (at)
                        used += (size_t)snprintf(file + used, sizeof(file) - used, "%s\n", at);
        }
        FILE *stream = fmemopen(file, used, "r");
        ck_assert_ptr_nonnull(stream);
        bool loaded = dialect_read(stream, "x.dialect", dialect, NULL, error);
        fclose(stream);
        return loaded;
}

START_TEST(the_least_dialect_loads)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        ck_assert_msg(read_with(0, NULL, &dialect, error), "%s", error);
        ck_assert_str_eq(dialect.name, "LEAST");
        ck_assert_int_eq(dialect.frame, FRAME_BCD);
        ck_assert(dialect.frame_may_be_empty);
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                bool given = false;
                for (size_t i = 0; i < COUNT(least); i++)
                        given |= atoi(least[i]) == field;
                ck_assert_int_eq(iso_dialect_has(&dialect, field), given);
        }
}
END_TEST

/* Those that a file does not give are the usual ones; keys are changed by file where it gives no code for that. */
START_TEST(a_dialect_has_codes_of_its_own_for_network_management)
{
        static const struct {
                const char *text;
                int16_t network[ISO_NETWORK_COUNT];
        } rows[] = {
            {"", {1, 2, 301, 201, 0, 0}},
            {"[network]", {1, 2, 301, 201, 0, 0}},
            {"[network]\nkey_change = 101", {1, 2, 301, 201, 101, 0}},
            {"[network]\nkey_change = 161\nkey_request = 162", {1, 2, 301, 201, 161, 162}},
            {"[network]\nsign_on = 061\nsign_off = 062\necho = 270\ncutover = none\nkey_change = none",
             {61, 62, 270, 0, 0, 0}},
            {"[network]\nsign_on = 002\nsign_off = 001", {2, 1, 301, 201, 0, 0}},
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct iso_dialect dialect;
                struct iso_message message;
                char error[DIALECT_ERROR_MAX] = "", code[4];
                ck_assert_msg(read_with(LINE_END, rows[i].text, &dialect, error), "%s", error);
                for (int network = 0; network < ISO_NETWORK_COUNT; network++) {
                        ck_assert_int_eq(dialect.network[network], rows[i].network[network]);
                        if (!dialect.network[network])
                                continue;
                        iso_init(&message, "0800");
                        profile_set_network(&dialect, (enum iso_network)network, &message);
                        ck_assert(iso_copy(&message, 70, code, sizeof(code)));
                        ck_assert_int_eq(atoi(code), rows[i].network[network]);
                        ck_assert_int_eq(profile_network(&dialect, &message), network);
                }
                iso_set_string(&message, 70, "000"); /* not the code of what has none */
                ck_assert_int_eq(profile_network(&dialect, &message), ISO_NETWORK_COUNT);
        }
}
END_TEST

START_TEST(a_dialect_may_bar_empty_messages)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        ck_assert_msg(read_with(LINE_BITMAP, "bitmap = raw\nempty_messages = no", &dialect, error), "%s",
                      error);
        ck_assert(!dialect.frame_may_be_empty);
}
END_TEST

static const char long_line[] = "# "
                                "............................................................................"
                                "............................."
                                "............................................................................"
                                "..................................";

static const struct {
        int line;
        const char *text; /* NULL: the line is taken out */
        const char *error;
} faults[] = {
    /* the file as such */
    {LINE_END, "[bank]", "x.dialect:26: unknown section [bank]; expected " SECTIONS_WANTED},
    {LINE_FIELDS, "[bank]", "x.dialect:8: unknown section [bank]; expected " SECTIONS_WANTED},
    {LINE_FIELDS, "[b\x01k]", "x.dialect:8: unknown section [b?k]; expected " SECTIONS_WANTED},
    {1, NULL, "x.dialect:1: key 'name' stands before any section; expected [section] first"},
    {LINE_FIELDS, NULL,
     "x.dialect:8: [dialect] 2: unknown key; expected one of: name, header, header_counts_itself, bitmap, "
     "digits, "
     "length_digits, empty_messages"},
    {LINE_END, "nonsense",
     "x.dialect:26: not understood; expected [section], key = value, or a comment after # or ;"},
    {LINE_END, "[fields",
     "x.dialect:26: not understood; expected [section], key = value, or a comment after # or ;"},
    {LINE_END, " 44 = x, an, llvar, 25, show",
     "x.dialect:26: an indented line; expected [section] or key = value at its start"},
    {LINE_END, long_line, "x.dialect:26: the line is longer than 198 characters"},
    /* [dialect] */
    {LINE_HEADER, NULL, "x.dialect: [dialect] header is missing; expected binary, ascii or bcd"},
    {2, NULL, "x.dialect: [dialect] name is missing; expected what the dialect is called"},
    {4, NULL, "x.dialect: [dialect] header_counts_itself is missing; expected no or yes"},
    {LINE_BITMAP, NULL, "x.dialect: [dialect] bitmap is missing; expected raw or hex"},
    {6, NULL, "x.dialect: [dialect] digits is missing; expected ascii or bcd"},
    {7, NULL, "x.dialect: [dialect] length_digits is missing; expected ascii or bcd"},
    {LINE_HEADER, "header = hex", "x.dialect:3: [dialect] header = 'hex'; expected binary, ascii or bcd"},
    {LINE_BITMAP, "bitmap =", "x.dialect:5: [dialect] bitmap = ''; expected raw or hex"},
    {LINE_BITMAP, "bitmap = RAW", "x.dialect:5: [dialect] bitmap = 'RAW'; expected raw or hex"},
    {LINE_BITMAP, "bitmap = raw\nempty_messages = maybe",
     "x.dialect:6: [dialect] empty_messages = 'maybe'; expected no or yes"},
    {LINE_BITMAP, "header = bcd",
     "x.dialect:5: [dialect] header: given twice, first in line 3; expected once"},
    {2, "name =", "x.dialect:2: [dialect] name = ''; expected 1 to 31 characters of ASCII"},
    {2, "name = a name that is much too long to show",
     "x.dialect:2: [dialect] name = 'a name that is much too long to show'; expected 1 to 31 characters of "
     "ASCII"},
    {2, "name = \xe9\x8a\x80",
     "x.dialect:2: [dialect] name = '\?\?\?'; expected 1 to 31 characters of ASCII"},
    {LINE_BITMAP, "bitmaps = raw",
     "x.dialect:5: [dialect] bitmaps: unknown key; expected one of: name, header, header_counts_itself, "
     "bitmap, "
     "digits, length_digits, empty_messages"},
    /* the number of a field */
    {LINE_END, "1 = bitmap, b, fixed, 8, hide",
     "x.dialect:26: [fields] 1: a bitmap; expected another number from 2 to 128"},
    {LINE_END, "65 = bitmap, b, fixed, 8, hide",
     "x.dialect:26: [fields] 65: a bitmap; expected another number from 2 to 128"},
    {LINE_END, "0 = x, n, fixed, 8, hide", "x.dialect:26: [fields] 0: no such field; expected 2 to 128"},
    {LINE_END, "129 = x, n, fixed, 8, hide", "x.dialect:26: [fields] 129: no such field; expected 2 to 128"},
    {LINE_END, "999 = x, n, fixed, 8, hide", "x.dialect:26: [fields] 999: no such field; expected 2 to 128"},
    {LINE_END, "4294967300 = x, n, fixed, 8, hide",
     "x.dialect:26: [fields] 4294967300: no field number; expected 2 to 128"},
    {LINE_END, "-5 = x, n, fixed, 8, hide", "x.dialect:26: [fields] -5: no field number; expected 2 to 128"},
    {LINE_END, "five = x, n, fixed, 8, hide",
     "x.dialect:26: [fields] five: no field number; expected 2 to 128"},
    {LINE_END, "11 = STAN, n, fixed, 6, show",
     "x.dialect:26: [fields] 11: given twice, first in line 13; expected once"},
    {LINE_END, "011 = STAN, n, fixed, 6, show",
     "x.dialect:26: [fields] 11: given twice, first in line 13; expected once"},
    /* a row by itself */
    {LINE_STAN, "11 = STAN, n, fixed, 6",
     "x.dialect:13: [fields] 11 = 'STAN, n, fixed, 6'; expected name, n|an|ans|x+n|z|b, fixed|llvar|lllvar, "
     "length, show|pan|hide"},
    {LINE_STAN, "11 =",
     "x.dialect:13: [fields] 11 = ''; expected name, n|an|ans|x+n|z|b, fixed|llvar|lllvar, length, "
     "show|pan|hide"},
    {LINE_STAN, "11 = , n, fixed, 6, show",
     "x.dialect:13: [fields] 11: name ''; expected 1 to 31 characters of ASCII"},
    {LINE_STAN, "11 = a name that has too many letters, n, fixed, 6, show",
     "x.dialect:13: [fields] 11: name 'a name that has too many letters'; expected 1 to 31 characters of "
     "ASCII"},
    {LINE_STAN, "11 = STAN, num, fixed, 6, show",
     "x.dialect:13: [fields] 11 (STAN): format 'num'; expected n, an, ans, x+n, z or b"},
    {LINE_STAN, "11 = STAN, n, lvar, 6, show",
     "x.dialect:13: [fields] 11 (STAN): 'lvar'; expected fixed, llvar or lllvar"},
    {LINE_STAN, "11 = STAN, n, fixed, six, show",
     "x.dialect:13: [fields] 11 (STAN): length 'six'; expected 1 to 999"},
    {LINE_STAN, "11 = STAN, n, fixed, 0, show",
     "x.dialect:13: [fields] 11 (STAN): length '0'; expected 1 to 999"},
    {LINE_STAN, "11 = STAN, n, fixed, -6, show",
     "x.dialect:13: [fields] 11 (STAN): length '-6'; expected 1 to 999"},
    {LINE_STAN, "11 = STAN, n, fixed, 1000, show",
     "x.dialect:13: [fields] 11 (STAN): length '1000'; expected 1 to 999"},
    {LINE_STAN, "11 = STAN, n, fixed, 6, star",
     "x.dialect:13: [fields] 11 (STAN): 'star'; expected show, pan or hide"},
    {LINE_END, "44 = x, an, llvar, 100, hide",
     "x.dialect:26: [fields] 44 (x): a length of 100 in two digits; expected lllvar, or 1 to 99"},
    {LINE_END, "29 = fee, x+n, fixed, 1, show",
     "x.dialect:26: [fields] 29 (fee): x+n is a sign and digits; expected fixed and 2 or more"},
    {LINE_END, "29 = fee, x+n, llvar, 9, show",
     "x.dialect:26: [fields] 29 (fee): x+n is a sign and digits; expected fixed and 2 or more"},
    /* what logs may show */
    {LINE_PAN, "2 = PAN, n, llvar, 19, show",
     "x.dialect:9: [fields] 2 (PAN): show would let secrets into logs; expected pan or hide"},
    {14, "14 = expiry, n, fixed, 4, pan",
     "x.dialect:14: [fields] 14 (expiry): pan would let secrets into logs; expected hide"},
    {LINE_END, "52 = PIN block, b, fixed, 8, show",
     "x.dialect:26: [fields] 52 (PIN block): show would let secrets into logs; expected hide"},
    {LINE_END, "35 = track, z, llvar, 37, pan",
     "x.dialect:26: [fields] 35 (track): pan would let secrets into logs; expected hide"},
    {LINE_END, "44 = card, ans, fixed, 19, show",
     "x.dialect:26: [fields] 44 (card): show would let secrets into logs; expected hide"},
    {LINE_END, "8 = card, n, fixed, 16, show",
     "x.dialect:26: [fields] 8 (card): show would let secrets into logs; expected hide"},
    /* what our values need */
    {LINE_AMOUNT, "4 = amount, x+n, fixed, 12, show",
     "x.dialect:11: [fields] 4 (amount): format x+n; expected n, which our values have"},
    {LINE_FEE, "28 = fee, n, fixed, 9, show",
     "x.dialect:15: [fields] 28 (fee): format n; expected x+n, which our values have"},
    {LINE_AMOUNT, "4 = amount, n, llvar, 12, show",
     "x.dialect:11: [fields] 4 (amount): llvar; expected fixed, which our values are"},
    {LINE_PAN, "2 = PAN, n, fixed, 16, pan",
     "x.dialect:9: [fields] 2 (PAN): fixed; expected llvar or lllvar, which our values are"},
    {LINE_AMOUNT, "4 = amount, n, fixed, 7, show",
     "x.dialect:11: [fields] 4 (amount): a length of 7; expected 8 to 18, which holds our values"},
    {LINE_STAN, "11 = STAN, n, fixed, 4, show",
     "x.dialect:13: [fields] 11 (STAN): a length of 4; expected 6 to 12, which holds our values"},
    {LINE_TERMINAL, "41 = terminal, ans, fixed, 7, show",
     "x.dialect:20: [fields] 41 (terminal): a length of 7; expected 8 to 40, which holds our values"},
    {LINE_PAN, "2 = PAN, n, llvar, 20, pan",
     "x.dialect:9: [fields] 2 (PAN): a length of 20; expected 12 to 19, which holds our values"},
    {LINE_TERMINAL, "41 = terminal, n, fixed, 8, show",
     "x.dialect:20: [fields] 41 (terminal): format n; expected an, which our values have"},
    {LINE_END, "42 = hall, an, fixed, 15, show",
     "x.dialect:26: [fields] 42 (hall): format an; expected ans, which our values have"},
    {LINE_END, "42 = hall, ans, fixed, 14, show",
     "x.dialect:26: [fields] 42 (hall): a length of 14; expected 15 to 99, which holds our values"},
    {22, "54 = additional amounts, n, lllvar, 120, hide",
     "x.dialect:22: [fields] 54 (additional amounts): format n; expected an, which our values have"},
    {25, "95 = replacement amounts, n, fixed, 42, show",
     "x.dialect:25: [fields] 95 (replacement amounts): format n; expected an, which our values have"},
    {12, "7 = time, n, fixed, 14, show",
     "x.dialect:12: [fields] 7 (time): a length of 14; expected 10, which holds our values"},
    /* what MACs need */
    {LINE_END, "[security]\nmac = 64", "x.dialect:27: [security] mac = '64'; expected last or 128"},
    {LINE_END, "[security]\nkey_set = 48", "x.dialect:27: [security] key_set = '48'; expected 62 or 53"},
    {LINE_END, "[security]\nname = X",
     "x.dialect:27: [security] name: unknown key; expected one of: mac, key_set, wrong_mac, pin"},
    {LINE_END, "[security]\nmac = last\nmac = 128",
     "x.dialect:28: [security] mac: given twice, first in line 27; expected once"},
    {LINE_END, "[security]\nwrong_mac = 00",
     "x.dialect:27: [security] wrong_mac = '00'; expected a code of two digits or capital letters, not 00"},
    {LINE_END, "[security]\nwrong_mac = other",
     "x.dialect:27: [security] wrong_mac = 'other'; expected a code of two digits or capital letters, not "
     "00"},
    {LINE_END, "62 = private, ans, lllvar, 99, hide\n128 = MAC, b, fixed, 8, show\n[security]\nmac = last",
     "x.dialect: [fields] 64 is missing, which [security] needs; expected a row such as 64 = MAC, b, fixed, "
     "8, show, of at least 8"},
    {LINE_END, "62 = private, ans, lllvar, 99, hide\n[security]\nmac = 128",
     "x.dialect: [fields] 128 is missing, which [security] needs; expected a row such as 128 = MAC 2, b, "
     "fixed, 8, show, of at least 8"},
    {LINE_END,
     "62 = private, ans, lllvar, 8, hide\n128 = MAC, b, fixed, 8, show\n[security]\nmac = 128\nkey_set = 62",
     "x.dialect:26: [fields] 62 is ans, lllvar, 8, which [security] needs otherwise; expected a row such as "
     "62 = private 62, ans, lllvar, 999, hide, of at least 9"},
    {LINE_END,
     "53 = control, n, fixed, 12, hide\n128 = MAC, b, fixed, 8, show\n[security]\nmac = 128\nkey_set = 53",
     "x.dialect:26: [fields] 53 is n, fixed, 12, which [security] needs otherwise; expected a row such as 53 "
     "= security control, n, fixed, 16, hide, of at least 16"},
    {LINE_END, "[security]\npin = 1", "x.dialect:27: [security] pin = '1'; expected none, 0, 3 or 4"},
    {LINE_END,
     "62 = private, ans, lllvar, 45, hide\n128 = MAC, b, fixed, 8, show\n[security]\nmac = 128\npin = 4",
     "x.dialect:26: [fields] 62 is ans, lllvar, 45, which [security] needs otherwise; expected a row such as "
     "62 = private 62, ans, lllvar, 999, hide, of at least 46"},
    {LINE_END,
     "62 = private, ans, lllvar, 45, hide\n128 = MAC, b, fixed, 8, show\n[security]\nmac = 128\npin = 0",
     "x.dialect: [fields] 52 is missing, which [security] needs; expected a row such as 52 = PIN block, b, "
     "fixed, 8, hide, of at least 8"},
    {LINE_END, "64 = MAC, b, fixed, 16, show\n[security]\nmac = last",
     "x.dialect:26: [fields] 64 is b, fixed, 16, which [security] needs otherwise; expected a row such as 64 "
     "= MAC, b, fixed, 8, show, of at least 8"},
    {19, "39 = response code, n, fixed, 2, show\n[security]\nwrong_mac = N8\n[fields]",
     "x.dialect:21: [security] wrong_mac = 'N8'; expected two digits, since [fields] 39 (response code) is "
     "n"},
    /* codes of network management */
    {LINE_END, "[network]\necho = 30",
     "x.dialect:27: [network] echo = '30'; expected a code of three digits, 001 to 999"},
    {LINE_END, "[network]\necho = 0301",
     "x.dialect:27: [network] echo = '0301'; expected a code of three digits, 001 to 999"},
    {LINE_END, "[network]\necho = 000",
     "x.dialect:27: [network] echo = '000'; expected a code of three digits, 001 to 999"},
    {LINE_END, "[network]\necho = 30A",
     "x.dialect:27: [network] echo = '30A'; expected a code of three digits, 001 to 999"},
    {LINE_END, "[network]\necho = -01",
     "x.dialect:27: [network] echo = '-01'; expected a code of three digits, 001 to 999"},
    {LINE_END, "[network]\nsign_on = none",
     "x.dialect:27: [network] sign_on = 'none'; expected a code of three digits, 001 to 999"},
    {LINE_END, "[network]\nkey_change =",
     "x.dialect:27: [network] key_change = ''; expected a code of three digits, 001 to 999, or none"},
    {LINE_END, "[network]\nlogon = 001",
     "x.dialect:27: [network] logon: unknown key; expected one of: sign_on, sign_off, echo, cutover, "
     "key_change, key_request"},
    {LINE_END, "[network]\necho = 270\necho = 301",
     "x.dialect:28: [network] echo: given twice, first in line 27; expected once"},
    {LINE_END, "[network]\nkey_request = 161\nkey_change = 161",
     "x.dialect:28: [network] key_change = 161, as key_request has; expected another code for each"},
    {LINE_END, "[network]\nsign_on = 002", /* which sign_off has where it is not given */
     "x.dialect:27: [network] sign_on = 002, as sign_off has; expected another code for each"},
    {LINE_END, "70 = code, n, fixed, 4, show",
     "x.dialect:26: [fields] 70: given twice, first in line 23; expected once"},
    {LINE_END,
     "62 = private, ans, lllvar, 992, hide\n128 = MAC, b, fixed, 8, show\n[security]\nmac = "
     "128\n[network]\nkey_change = 161",
     "x.dialect:26: [fields] 62 is ans, lllvar, 992, which [security] needs otherwise; expected a row such "
     "as 62 = private 62, ans, lllvar, 999, hide, of at least 993"},
    /* what the bank's codes mean */
    {LINE_END, "[request codes]\n00 = NOT_COVERED",
     "x.dialect:27: [request codes] 00 = 'NOT_COVERED'; 00 is the approval everywhere; expected another "
     "code"},
    {LINE_END, "[request codes]\n5 = NOT_COVERED",
     "x.dialect:27: [request codes] 5 = 'NOT_COVERED'; expected a code of two digits or capital letters, or "
     "other"},
    {LINE_END, "[notice codes]\n21 = twice",
     "x.dialect:27: [notice codes] 21 = 'twice'; expected done, repeated, missing, case or again"},
    {LINE_END, "[notice codes]\n21 = done\n[request codes]\n21 = DECLINED\n[notice codes]\n21 = case",
     "x.dialect:31: [notice codes] 21: given twice, first in line 27; expected once"},
};

START_TEST(a_fault_is_named_with_its_line_and_what_was_expected)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        memset(&dialect, 0x5a, sizeof(dialect));
        struct iso_dialect before = dialect;
        ck_assert(!read_with(faults[_i].line, faults[_i].text, &dialect, error));
        ck_assert_str_eq(error, faults[_i].error);
        ck_assert_mem_eq(&dialect, &before, sizeof(dialect)); /* untouched on failure */
}
END_TEST

START_TEST(the_codes_of_the_file_reach_whoever_asks_for_them)
{
        char error[DIALECT_ERROR_MAX] = "", path[512];
        struct iso_dialect dialect;
        struct bank_codes shipped_codes, usual;
        bank_codes_init(&usual);
        bank_codes_end(&usual);
        snprintf(path, sizeof(path), "%s/etc/dialects/BANKC.dialect", SOURCE_DIR);
        ck_assert_msg(dialect_load(path, &dialect, &shipped_codes, error), "%s", error);
        ck_assert_int_eq(bank_codes_verdict(&shipped_codes, "E2"), NOTICE_REPEATED);
        ck_assert_int_eq(bank_codes_reason(&shipped_codes, "A1"), REASON_NOT_COVERED);
        ck_assert_str_eq(shipped_codes.wrong_mac, "N8");
        ck_assert_int_eq(bank_codes_reason(&shipped_codes, "N8"), REASON_ISSUER_UNAVAILABLE);
        ck_assert_int_eq(bank_codes_verdict(&shipped_codes, "N8"), NOTICE_AGAIN);
        ck_assert_int_eq(bank_codes_verdict(&shipped_codes, "98"), NOTICE_CASE);
        ck_assert(dialect_load("ascii", &dialect, &shipped_codes, error));
        ck_assert_str_eq(shipped_codes.wrong_mac, "98");
        ck_assert_int_eq(bank_codes_verdict(&shipped_codes, "98"), NOTICE_AGAIN);
        ck_assert_mem_eq(&shipped_codes, &usual, sizeof(usual));
        /* BANKA's file is the whole usual table, to begin another from */
        snprintf(path, sizeof(path), "%s/etc/dialects/BANKA.dialect", SOURCE_DIR);
        ck_assert_msg(dialect_load(path, &dialect, &shipped_codes, error), "%s", error);
        ck_assert_mem_eq(&shipped_codes, &usual, sizeof(usual));
}
END_TEST

/* Of a bank without MACs it is a code like others: "again" would send it for ever. */
START_TEST(without_security_no_code_says_that_a_mac_was_wrong)
{
        char error[DIALECT_ERROR_MAX] = "", path[512], line[512], *text;
        size_t size;
        struct iso_dialect dialect;
        struct bank_codes codes;
        bool is_security = false;
        snprintf(path, sizeof(path), "%s/etc/dialects/BANKA.dialect", SOURCE_DIR);
        FILE *file = fopen(path, "r"), *without = open_memstream(&text, &size);
        ck_assert(file && without);
        while (fgets(line, sizeof(line), file)) {
                if (*line == '[')
                        is_security = strncmp(line, "[security]", 10) == 0;
                if (!is_security)
                        fputs(line, without);
        }
        fclose(file);
        fclose(without);
        FILE *stream = fmemopen(text, size, "r");
        ck_assert_ptr_nonnull(stream);
        ck_assert_msg(dialect_read(stream, "x", &dialect, &codes, error), "%s", error);
        ck_assert_int_eq(bank_codes_verdict(&codes, "98"), NOTICE_CASE);
        ck_assert_int_eq(bank_codes_reason(&codes, "98"), bank_codes_reason(&codes, "99"));
        fclose(stream);
        free(text);
}
END_TEST

START_TEST(a_file_that_everybody_may_change_is_no_dialect)
{
        char error[DIALECT_ERROR_MAX] = "", path[] = "/tmp/atm-dialect.XXXXXX";
        struct iso_dialect dialect;
        int fd = mkstemp(path);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fchmod(fd, 0646), 0);
        ck_assert(!dialect_load(path, &dialect, NULL, error));
        unlink(path);
        close(fd);
        ck_assert_msg(strstr(error, ": everybody may change it; expected mode 0644 or less"), "%s", error);
}
END_TEST

START_TEST(each_field_that_a_bank_link_needs_is_missed)
{
        int missed = 0;
        for (int line = LINE_FIELDS + 1; line < LINE_END; line++) {
                struct iso_dialect dialect;
                char error[DIALECT_ERROR_MAX] = "", wanted[80];
                int field = atoi(least[line - 1]);
                ck_assert_msg(!read_with(line, NULL, &dialect, error), "field %d was not missed", field);
                snprintf(wanted, sizeof(wanted), "x.dialect: [fields] %d (%s) is missing", field,
                         iso_dialect_ascii.field[field].name);
                ck_assert_msg(strncmp(error, wanted, strlen(wanted)) == 0, "%s", error);
                /* The row that it proposes is the one that was there. */
                ck_assert_msg(strstr(error, least[line - 1]) != NULL, "%s", error);
                missed++;
        }
        for (size_t i = 0; i < dialect_use_count; i++)
                missed -= dialect_uses[i].required;
        ck_assert_int_eq(missed, 0);
}
END_TEST

/* Of several, the first of the file; what is missing comes after all of them. */
START_TEST(the_first_error_of_the_file_is_the_one_that_is_told)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        ck_assert(
            !read_with(LINE_AMOUNT, "4 = amount, n, fixed, 7, show\n5 = x\n[nowhere]", &dialect, error));
        ck_assert_msg(strncmp(error, "x.dialect:11: ", 14) == 0, "%s", error);
        error[0] = '\0';
        ck_assert(!read_with(LINE_AMOUNT, "5 = x", &dialect, error));
        ck_assert_msg(strncmp(error, "x.dialect:11: [fields] 5", 24) == 0, "%s", error);
}
END_TEST

START_TEST(comments_blanks_and_crlf_are_no_fault)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        ck_assert_msg(read_with(LINE_STAN,
                                "# a comment\n; another\n\n   \n  # indented\n[fields]\r\n"
                                "11=STAN , of the ATM,n,fixed,  6 ,show ; why\r",
                                &dialect, error),
                      "%s", error);
        ck_assert_str_eq(dialect.field[11].name, "STAN , of the ATM");
        ck_assert_uint_eq(dialect.field[11].length, 6);
        ck_assert_int_eq(dialect.field[11].mask, ISO_SHOW);
}
END_TEST

/* One number as text among others in BCD is still a number: it is fitted by zeros, and holds digits. */
START_TEST(a_number_that_a_bank_writes_as_text_stays_a_number)
{
        struct iso_dialect dialect;
        struct iso_message message, back;
        uint8_t bytes[ISO_MESSAGE_MAX];
        char error[DIALECT_ERROR_MAX] = "";
        ck_assert_msg(read_with(LINE_STAN, "11 = STAN, an, fixed, 8, show", &dialect, error), "%s", error);
        dialect.digits = ISO_DIGITS_BCD;
        iso_init(&message, "0800");
        iso_set_string(&message, 11, "004711");
        size_t size = encode(&dialect, &message, bytes);
        ck_assert_uint_eq(size, 2 + 8 + 8);
        ck_assert_mem_eq(bytes + 2 + 8, "00004711", 8);
        decode(&dialect, bytes, size, &back);
        assert_same(&message, &back);
}
END_TEST

START_TEST(no_dialect_shows_a_card_number_in_a_field_of_free_length)
{
        static const char *const rows[] = {"48 = x, an, lllvar, 60, show", "44 = x, n, llvar, 19, show",
                                           "48 = x, ans, llvar, 60, show"};
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct iso_dialect dialect;
                struct iso_message message;
                char error[DIALECT_ERROR_MAX] = "", line[200];
                ck_assert_msg(read_with(LINE_END, rows[i], &dialect, error), "%s", error);
                iso_init(&message, "0210");
                iso_set_string(&message, atoi(rows[i]), "9900010000000008");
                iso_dump(&dialect, &message, line, sizeof(line));
                ck_assert_msg(strstr(line, "****************") && !strstr(line, "0008"), "%s", line);
        }
}
END_TEST

/* What nobody here reads may have any form; it is passed over. */
START_TEST(other_fields_are_as_the_bank_wants_them)
{
        static const char *const rows[] = {
            "5 = x, b, lllvar, 999, hide",     "35 = track 2, ans, lllvar, 100, hide",
            "56 = chip, ans, llvar, 99, hide", "44 = x, an, fixed, 11, show",
            "128 = MAC, an, fixed, 16, hide",  "64 = MAC, b, fixed, 4, show",
        };
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct iso_dialect dialect;
                char error[DIALECT_ERROR_MAX] = "";
                ck_assert_msg(read_with(LINE_END, rows[i], &dialect, error), "%s", error);
                ck_assert_int_eq(dialect.field[atoi(rows[i])].value_format, ISO_NONE);
                ck_assert_uint_eq(dialect.field[atoi(rows[i])].value_length, 0);
        }
}
END_TEST

START_TEST(no_dialect_can_show_what_the_built_in_one_masks)
{
        static const char *const words[] = {"show", "pan", "hide"};
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                const struct iso_field *builtin = &iso_dialect_ascii.field[field];
                if (builtin->format == ISO_NONE || builtin->mask == ISO_SHOW)
                        continue;
                for (int mask = ISO_SHOW; mask < (int)builtin->mask; mask++) {
                        struct iso_dialect dialect;
                        char error[DIALECT_ERROR_MAX] = "", row[80];
                        int line = field == 2 ? LINE_PAN : field == 14 ? 14 : field == 54 ? 22 : LINE_END;
                        static const char *const formats[] = {
                            [ISO_N] = "n",    [ISO_AN] = "an", [ISO_ANS] = "ans",
                            [ISO_XN] = "x+n", [ISO_Z] = "z",   [ISO_B] = "b"};
                        static const char *const kinds[] = {"fixed", "llvar", "lllvar"};
                        snprintf(row, sizeof(row), "%d = x, %s, %s, %d, %s", field, formats[builtin->format],
                                 kinds[builtin->length_kind], builtin->length, words[mask]);
                        ck_assert_msg(!read_with(line, row, &dialect, error), "%s was taken", row);
                        ck_assert_msg(strstr(error, "would let secrets into logs") != NULL, "%s", error);
                }
        }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        ck_assert(!dialect_load("/nowhere/x.dialect", &dialect, NULL, error));
        ck_assert_str_eq(error,
                         "/nowhere/x.dialect: No such file or directory; expected a dialect's file, or ascii "
                         "for the built-in one");
        ck_assert(!dialect_load("/", &dialect, NULL, error));
        ck_assert_str_eq(error, "/: not a file; expected a dialect's file, or ascii for the built-in one");
}
END_TEST

START_TEST(a_zero_byte_is_told)
{
        static char text[] = "[dialect]\nname = A\0B\n";
        struct iso_dialect dialect;
        char error[DIALECT_ERROR_MAX] = "";
        FILE *file = fmemopen(text, sizeof(text) - 1, "r");
        ck_assert(!dialect_read(file, "x", &dialect, NULL, error));
        fclose(file);
        ck_assert_str_eq(error, "x:2: a zero byte; expected text");
}
END_TEST

/* ---- random messages ----------------------------------------------------------------------------------- */

static uint64_t seed, state;

static unsigned below(unsigned limit)
{
        return (unsigned)(random_mix(&state) % limit);
}

/* A value as it is in a message, of what fits the dialect. */
static size_t random_value(const struct iso_field *row, char *value)
{
        enum iso_format format = row->format == ISO_N ? ISO_N
                                 : row->value_format  ? row->value_format
                                                      : row->format;
        size_t length = row->value_length               ? row->value_length
                        : row->length_kind == ISO_FIXED ? row->length
                                                        : below(row->length + 1U);
        for (size_t i = 0; i < length; i++)
                value[i] = random_char(&state, format);
        if (row->format == ISO_XN)
                value[0] = "CD"[below(2)];
        /* A wire that is shorter than the value holds it as long as what is cut off is zeros or blanks. */
        for (size_t i = row->length; row->value_length && i < length; i++)
                value[format == ISO_N    ? i - row->length
                      : format == ISO_XN ? i - row->length + 1
                                         : i] = format == ISO_N || format == ISO_XN ? '0' : ' ';
        return length;
}

static void random_message(const struct iso_dialect *dialect, struct iso_message *message)
{
        char mti[5];
        size_t left = 1900;
        unsigned density = 1 + below(12);
        snprintf(mti, sizeof(mti), "%04u", below(10000));
        iso_init(message, mti);
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                const struct iso_field *row = &dialect->field[field];
                char value[999];
                if (row->format == ISO_NONE || below(density) > 0)
                        continue;
                size_t length = random_value(row, value),
                       wire = (length > row->length ? length : row->length) + 3U;
                if (wire > left)
                        continue;
                iso_set(message, field, value, length);
                left -= wire;
        }
        ck_assert(!message->failed);
}

START_TEST(random_messages_come_back_as_they_were_sent)
{
        const struct iso_dialect *dialect = &dialects[_i];
        int fields = 0;
        for (int round = 0; round < 5000; round++) {
                struct iso_message message, back, cut;
                struct iso_error error;
                uint8_t bytes[ISO_MESSAGE_MAX], again[ISO_MESSAGE_MAX];
                state = seed + (uint64_t)round;
                random_message(dialect, &message);
                size_t size = encode(dialect, &message, bytes);
                decode(dialect, bytes, size, &back);
                assert_same(&message, &back);
                ck_assert_uint_eq(encode(dialect, &back, again), size);
                ck_assert_mem_eq(bytes, again, size);
                ck_assert_int_lt(iso_decode(dialect, bytes, below((unsigned)size), &cut, &error), 0);
                fields += __builtin_popcountll(message.present[0]) + __builtin_popcountll(message.present[1]);
        }
        ck_assert_int_gt(fields, 5000);
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("dialect");
        TCase *t = tcase_create("shipped");
        tcase_add_unchecked_fixture(t, load_shipped, NULL);
        tcase_add_test(t, the_built_in_dialect_needs_no_file);
        tcase_add_loop_test(t, each_shipped_dialect_has_the_forms_that_it_is_there_to_show, 0, SHIPPED);
        tcase_add_test(t, banka_is_the_built_in_table_row_by_row);
        tcase_add_loop_test(t, what_goes_between_atmd_and_a_bank_is_the_same_message_in_each_dialect, 0,
                            COUNT(exchanges));
        tcase_add_test(t, what_the_profile_demands_is_required_of_a_dialect);
        tcase_add_test(t, the_built_in_lengths_are_among_those_that_a_dialect_may_have);
        tcase_add_loop_test(t, a_value_gets_the_length_that_the_dialect_wants_and_back, 0, COUNT(fits));
        tcase_add_loop_test(t, a_value_that_does_not_fit_the_dialect_is_not_sent, 0, COUNT(unfits));
        tcase_add_loop_test(t, a_bank_s_value_that_does_not_fit_ours_is_an_error_with_its_place, 0,
                            COUNT(unread));
        suite_add_tcase(s, t);

        t = tcase_create("files");
        tcase_add_test(t, the_least_dialect_loads);
        tcase_add_test(t, the_codes_of_the_file_reach_whoever_asks_for_them);
        tcase_add_test(t, without_security_no_code_says_that_a_mac_was_wrong);
        tcase_add_test(t, a_dialect_may_bar_empty_messages);
        tcase_add_test(t, a_dialect_has_codes_of_its_own_for_network_management);
        tcase_add_loop_test(t, a_fault_is_named_with_its_line_and_what_was_expected, 0, COUNT(faults));
        tcase_add_test(t, a_file_that_everybody_may_change_is_no_dialect);
        tcase_add_test(t, each_field_that_a_bank_link_needs_is_missed);
        tcase_add_test(t, the_first_error_of_the_file_is_the_one_that_is_told);
        tcase_add_test(t, comments_blanks_and_crlf_are_no_fault);
        tcase_add_test(t, a_number_that_a_bank_writes_as_text_stays_a_number);
        tcase_add_test(t, no_dialect_shows_a_card_number_in_a_field_of_free_length);
        tcase_add_test(t, other_fields_are_as_the_bank_wants_them);
        tcase_add_test(t, no_dialect_can_show_what_the_built_in_one_masks);
        tcase_add_test(t, a_file_that_is_not_there_is_named);
        tcase_add_test(t, a_zero_byte_is_told);
        suite_add_tcase(s, t);

        t = tcase_create("random");
        tcase_set_timeout(t, 60);
        tcase_add_unchecked_fixture(t, load_shipped, NULL);
        tcase_add_loop_test(t, random_messages_come_back_as_they_were_sent, 0, SHIPPED);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        seed = draws_seed((uint64_t)time(NULL));
        int failed = suite_run(suite());
        if (failed)
                fprintf(stderr, "random messages: repeat with ATM_TEST_SEED=%" PRIu64 "\n", seed);
        return failed;
}
