/*
 * Protects protocol/iso8583.c: each kind of field both ways, every fault with its place, the values that
 * survive a fault, what a dump may show, and round trips of random messages in every form the codec knows.
 * ATM_TEST_SEED repeats a run that failed.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/hex.h"
#include "protocol/iso8583.h"
#include "tests/contract/draws.h"
#include "tests/fuzz/variants.h"
#include "tests/suite.h"
#include "tests/unit/coded.h"
#include "tests/unit/random_char.h"

#define PAN          "9900010000000008"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- helpers ------------------------------------------------------------------------------------------ */

static void set_bytes(struct iso_message *message, int field, const char *hex)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        size_t size = from_hex(hex, bytes);
        iso_set(message, field, (const char *)bytes, size);
}

static void assert_value(const struct iso_message *message, int field, const char *value, size_t length)
{
        size_t found = 0;
        const char *text = iso_get(message, field, &found);
        ck_assert_msg(text != NULL, "field %d is absent", field);
        ck_assert_msg(found == length && memcmp(text, value, length) == 0, "field %d: '%.*s', not '%.*s'",
                      field, (int)found, text, (int)length, value);
}

static void assert_same(const struct iso_message *a, const struct iso_message *b)
{
        int different = strcmp(a->mti, b->mti) == 0 ? -1 : 0;
        for (int field = 2; field <= ISO_FIELD_MAX && different < 0; field++) {
                size_t one = 0, other = 0;
                const char *value = iso_get(a, field, &one), *against = iso_get(b, field, &other);
                if (!value != !against || one != other || (value && memcmp(value, against, one) != 0))
                        different = field;
        }
        ck_assert_msg(different < 0, "field %d differs (0: the MTI)", different);
}

/* A message with every kind of field: n, n fixed odd, an, ans, x+n, z, b; fixed, LLVAR, LLLVAR; both bitmaps.
 */
static void fill(struct iso_message *message)
{
        iso_init(message, "0200");
        iso_set_string(message, 2, PAN);
        iso_set_string(message, 3, "010000");
        iso_set_number(message, 4, 10000, 12);
        iso_set_string(message, 7, "1229005500");
        iso_set_number(message, 11, 4711, 6);
        iso_set_string(message, 14, "2012");
        iso_set_string(message, 22, "051");
        iso_set_string(message, 28, "D00000108");
        iso_set_string(message, 32, "12345");
        iso_set_string(message, 35, PAN "=20121010000000000");
        iso_set_string(message, 37, "636409004711");
        iso_set_string(message, 41, "T0000001");
        iso_set_string(message, 48, "AA003abcBB001x");
        iso_set_string(message, 49, "392");
        set_bytes(message, 52, "00112233445566ff");
        iso_set_string(message, 55, "raw");
        iso_set_string(message, 90, "020000471112290055000000000000000000000000");
        iso_set_string(message, 97, "C0000000000012345");
        set_bytes(message, 128, "ffffffffffffff00");
}

/* ---- forms --------------------------------------------------------------------------------------------- */

static const struct {
        unsigned variant;
        int field;
        const char *value;
        const char *wire; /* after MTI and bitmaps; a leading ' marks text, else hex */
} forms[] = {
    {VARIANT_ASCII, 3, "010000", "'010000"},
    {VARIANT_ASCII, 4, "000000010000", "'000000010000"},
    {VARIANT_ASCII, 2, PAN, "'16" PAN},
    {VARIANT_ASCII, 2, "", "'00"},
    {VARIANT_ASCII, 22, "051", "'051"},
    {VARIANT_ASCII, 28, "D00000108", "'D00000108"},
    {VARIANT_ASCII, 32, "12345678901", "'1112345678901"},
    {VARIANT_ASCII, 35, PAN "=2012", "'21" PAN "=2012"},
    {VARIANT_ASCII, 37, "63640900471 ", "'63640900471 "},
    {VARIANT_ASCII, 42, "H00001-(~ )/..x", "'H00001-(~ )/..x"},
    {VARIANT_ASCII, 48, "AA003abc", "'008AA003abc"},
    {VARIANT_ASCII, 66, "1", "'1"},
    {VARIANT_ASCII, 74, "0000000007", "'0000000007"},
    {VARIANT_ASCII, 86, "0000000000000007", "'0000000000000007"},
    {VARIANT_ASCII, 97, "C0000000000012345", "'C0000000000012345"},
    {VARIANT_HEX_BCD, 3, "010000", "01 00 00"},
    {VARIANT_HEX_BCD, 4, "000000010000", "00 00 00 01 00 00"},
    {VARIANT_HEX_BCD, 2, PAN, "16 99 00 01 00 00 00 00 08"},
    {VARIANT_HEX_BCD, 2, "990001000000016", "15 09 90 00 10 00 00 00 16"},
    {VARIANT_HEX_BCD, 2, "", "00"},
    {VARIANT_HEX_BCD, 22, "051", "00 51"},
    {VARIANT_HEX_BCD, 28, "D00000108", "44 00 00 01 08"},
    {VARIANT_HEX_BCD, 35, PAN "=2012", "21 39393030303130303030303030303038 3d 32303132"},
    {VARIANT_HEX_BCD, 39, "00", "30 30"},
    {VARIANT_HEX_BCD, 48, "AA003abc", "00 08 4141303033616263"},
    {VARIANT_HEX_BCD, 66, "1", "01"},
    {VARIANT_HEX_BCD, 97, "C0000000000012345", "43 00 00 00 00 00 01 23 45"},
};

START_TEST(each_form_is_written_and_read_as_the_dialect_says)
{
        const struct iso_dialect *dialect = dialect_variant(forms[_i].variant);
        uint8_t expected[ISO_MESSAGE_MAX], bytes[ISO_MESSAGE_MAX];
        size_t expected_size = strlen(forms[_i].wire + 1);
        if (forms[_i].wire[0] == '\'')
                memcpy(expected, forms[_i].wire + 1, expected_size);
        else
                expected_size = from_hex(forms[_i].wire, expected);

        struct iso_message message, back;
        iso_init(&message, "0210");
        iso_set_string(&message, forms[_i].field, forms[_i].value);
        size_t size = encode(dialect, &message, bytes);
        ck_assert_uint_ge(size, expected_size);
        ck_assert_mem_eq(bytes + size - expected_size, expected, expected_size);
        size_t bitmap = (dialect->bitmap == ISO_BITMAP_HEX ? 16 : 8) * (forms[_i].field > 64 ? 2 : 1);
        size_t mti = dialect->digits == ISO_DIGITS_BCD ? 2 : 4;
        ck_assert_uint_eq(size, mti + bitmap + expected_size);

        decode(dialect, bytes, size, &back);
        assert_same(&message, &back);
        assert_value(&back, forms[_i].field, forms[_i].value, strlen(forms[_i].value));
}
END_TEST

START_TEST(header_and_bitmaps_are_where_the_standard_puts_them)
{
        struct iso_message message;
        uint8_t bytes[ISO_MESSAGE_MAX], expected[ISO_MESSAGE_MAX];
        iso_init(&message, "0800");
        iso_set_string(&message, 7, "1229005500");
        iso_set_string(&message, 11, "000001");
        iso_set_string(&message, 70, "301");
        size_t size = encode(&iso_dialect_ascii, &message, bytes);
        ck_assert_uint_eq(size, 4 + 16 + 10 + 6 + 3);
        from_hex("30383030 82200000 00000000 04000000 00000000", expected);
        ck_assert_mem_eq(bytes, expected, 20);

        size = encode(dialect_variant(VARIANT_HEX_BCD), &message, bytes);
        ck_assert_uint_eq(size, 2 + 32 + 5 + 3 + 2);
        ck_assert_mem_eq(bytes, "\x08\x00", 2);
        ck_assert_mem_eq(bytes + 2, "82200000000000000400000000000000", 32);
}
END_TEST

START_TEST(lower_case_hex_bitmaps_are_read)
{
        static const char wire[] = "0800"
                                   "02000000000000a0"; /* 7, 57, 59 */
        struct iso_message message;
        struct iso_error error;
        const struct iso_dialect *hex = dialect_variant(1);
        ck_assert_int_lt(iso_decode(hex, (const uint8_t *)wire, strlen(wire), &message, &error), 0);
        ck_assert_int_eq(error.field, 7); /* the bitmap was understood: 7 comes next */
        ck_assert_uint_eq(error.wanted, 10);

        static const char bad[] = "0800"
                                  "02000000000000g0";
        ck_assert_int_lt(iso_decode(hex, (const uint8_t *)bad, strlen(bad), &message, &error), 0);
        ck_assert_int_eq(error.field, 1);
        ck_assert_uint_eq(error.offset, 18);
}
END_TEST

/* ---- faults -------------------------------------------------------------------------------------------- */

/* A fault in one field: told by decode with its place, by encode without having written a message. */
static const struct {
        int field;
        const char *value;
        const char *what;
        size_t at; /* offset of the fault in the value, prefix included */
} faults[] = {
    {3, "01000x", "not a digit", 5},
    {4, "-00000010000", "not a digit", 0},
    {2, "99000100000000o8", "not a digit", 2 + 14},
    {28, "100000108", "neither C nor D", 0},
    {28, "D0000010C", "not a digit", 8},
    {35, PAN "?2012", "not a digit, '=' or 'D'", 2 + 16},
    {37, "6364090047-1", "not a letter, digit or blank", 10},
    {41, "T000\t001", "not printable ASCII", 4},
    {42, "H00001\x80--------", "not printable ASCII", 6},
    {48, "AA003a\nc", "not printable ASCII", 3 + 6},
};

static const struct iso_field *row_of(int field)
{
        return &iso_dialect_ascii.field[field];
}

/* The wire form of any text in a field, valid or not: MTI, 11, the field. */
static size_t build_raw(int field, const char *prefix, const char *value, uint8_t *bytes)
{
        uint64_t bitmap[2] = {UINT64_C(1) << (64 - 11), 0};
        bitmap[(field - 1) / 64] |= UINT64_C(1) << (63 - (field - 1) % 64);
        size_t size = 4;
        memcpy(bytes, "0200", 4);
        bitmap[0] |= bitmap[1] ? UINT64_C(1) << 63 : 0;
        for (int word = 0; word < (bitmap[1] ? 2 : 1); word++)
                for (int i = 56; i >= 0; i -= 8)
                        bytes[size++] = (uint8_t)(bitmap[word] >> i);
        if (field > 11) {
                memcpy(bytes + size, "004711", 6);
                size += 6;
        }
        memcpy(bytes + size, prefix, strlen(prefix));
        size += strlen(prefix);
        memcpy(bytes + size, value, strlen(value));
        size += strlen(value);
        if (field < 11) {
                memcpy(bytes + size, "004711", 6);
                size += 6;
        }
        return size;
}

static size_t value_offset(int field)
{
        return 4 + (field > 64 ? 16 : 8) + (field > 11 ? 6 : 0);
}

START_TEST(a_value_of_the_wrong_form_is_named_with_its_place)
{
        int field = faults[_i].field;
        const struct iso_field *row = row_of(field);
        char prefix[24] = "";
        if (row->length_kind != ISO_FIXED)
                snprintf(prefix, sizeof(prefix), "%0*zu", row->length_kind == ISO_LLVAR ? 2 : 3,
                         strlen(faults[_i].value));
        uint8_t bytes[ISO_MESSAGE_MAX];
        size_t size = build_raw(field, prefix, faults[_i].value, bytes);
        struct iso_message message;
        struct iso_error error = {0};
        ck_assert_int_lt(iso_decode(&iso_dialect_ascii, bytes, size, &message, &error), 0);
        ck_assert_int_eq(error.field, field);
        ck_assert_str_eq(error.what, faults[_i].what);
        ck_assert_uint_eq(error.offset, value_offset(field) + faults[_i].at);
        ck_assert(!iso_has(&message, field));
        ck_assert_int_eq(iso_has(&message, 11), field != 11); /* behind the fault too: its end is known */

        iso_init(&message, "0200");
        iso_set_string(&message, field, faults[_i].value);
        error = (struct iso_error){0};
        ck_assert_int_lt(iso_encode(&iso_dialect_ascii, &message, bytes, sizeof(bytes), &error), 0);
        ck_assert_int_eq(error.field, field);
        ck_assert_str_eq(error.what, faults[_i].what);
}
END_TEST

static const struct {
        int field;
        const char *prefix, *value;
        const char *what;
        size_t wanted, available;
} bad_lengths[] = {
    {2, "20", "99000100000000080000", "longer than the field may be", 19, 20},
    {2, "99", "9900010000000008", "longer than the field may be", 19, 99},
    {32, "12", "123456789012", "longer than the field may be", 11, 12},
    {35, "38", PAN, "longer than the field may be", 37, 38},
    {44, "26", "x", "longer than the field may be", 25, 26},
    {54, "121", "x", "longer than the field may be", 120, 121},
    {48, "999", "x", "length", 999, 1},
    {48, "00", "", "length", 3, 2},
    {104, "101", "x", "longer than the field may be", 100, 101},
    {2, "1x", PAN, "length is not a number", 0, 0},
    {2, " 5", PAN, "length is not a number", 0, 0},
    {48, "-01", "x", "length is not a number", 0, 0},
};

START_TEST(a_length_that_can_not_be_is_an_error)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        size_t size = build_raw(bad_lengths[_i].field, bad_lengths[_i].prefix, bad_lengths[_i].value, bytes);
        struct iso_message message;
        struct iso_error error = {0};
        ck_assert_int_lt(iso_decode(&iso_dialect_ascii, bytes, size, &message, &error), 0);
        ck_assert_int_eq(error.field, bad_lengths[_i].field);
        ck_assert_str_eq(error.what, bad_lengths[_i].what);
        /* a value that is only too long is passed over; where it ends nowhere nothing behind it can be read */
        bool is_whole = strtoul(bad_lengths[_i].prefix, NULL, 10) == strlen(bad_lengths[_i].value);
        ck_assert_int_eq(iso_has(&message, 11), bad_lengths[_i].field > 11 || is_whole);
        ck_assert(!iso_has(&message, bad_lengths[_i].field));
        ck_assert_uint_eq(error.wanted, bad_lengths[_i].wanted);
        ck_assert_uint_eq(error.available, bad_lengths[_i].available);
}
END_TEST

static const struct {
        int field;
        const char *value;
        size_t wanted;
} bad_to_encode[] = {
    {3, "0100000", 6},
    {3, "01000", 6},
    {3, "", 6},
    {2, "99000100000000080000", 19},
    {28, "D0108", 9},
    {37, "short", 12},
    {41, "T000000001", 8},
    {52, "1234567", 8},
    {32, "123456789012", 11},
};

START_TEST(lengths_are_checked_when_encoding_too)
{
        struct iso_message message;
        struct iso_error error = {0};
        uint8_t bytes[ISO_MESSAGE_MAX];
        for (unsigned variant = 0; variant < DIALECT_VARIANTS; variant++) {
                iso_init(&message, "0200");
                iso_set_string(&message, bad_to_encode[_i].field, bad_to_encode[_i].value);
                ck_assert_int_lt(iso_encode(dialect_variant(variant), &message, bytes, sizeof(bytes), &error),
                                 0);
                ck_assert_int_eq(error.field, bad_to_encode[_i].field);
                ck_assert_uint_eq(error.wanted, bad_to_encode[_i].wanted);
                ck_assert_uint_eq(error.available, strlen(bad_to_encode[_i].value));
        }
}
END_TEST

START_TEST(a_message_cut_anywhere_says_where_and_keeps_what_came_before)
{
        const struct iso_dialect *dialect = dialect_variant((unsigned)_i);
        struct iso_message message, part;
        uint8_t bytes[ISO_MESSAGE_MAX];
        fill(&message);
        size_t size = encode(dialect, &message, bytes);
        for (size_t cut = 0; cut < size; cut++) {
                /* A buffer of just that size, so that a sanitizer sees a read past its end. */
                uint8_t *copy = malloc(cut ? cut : 1);
                memcpy(copy, bytes, cut);
                struct iso_error error = {0};
                ck_assert_int_lt(iso_decode(dialect, copy, cut, &part, &error), 0);
                ck_assert_str_eq(error.what, "length");
                ck_assert_uint_eq(error.available, cut - error.offset);
                ck_assert_uint_gt(error.wanted, error.available);
                ck_assert_uint_le(error.offset, cut);
                for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                        bool expected = iso_has(&message, field) && field < error.field;
                        ck_assert_int_eq(iso_has(&part, field), expected);
                        size_t length;
                        const char *value = iso_get(&message, field, &length);
                        if (expected)
                                assert_value(&part, field, value, length);
                }
                free(copy);
        }
}
END_TEST

START_TEST(the_stan_survives_a_fault_behind_it)
{
        struct iso_message message, part;
        struct iso_error error;
        uint8_t bytes[ISO_MESSAGE_MAX];
        fill(&message);
        size_t size = encode(&iso_dialect_ascii, &message, bytes);
        ck_assert_int_lt(iso_decode(&iso_dialect_ascii, bytes, size - 100, &part, &error), 0);
        ck_assert_str_eq(part.mti, "0200");
        assert_value(&part, 11, "004711", 6);
}
END_TEST

START_TEST(bit_65_is_a_format_error_that_leaves_the_primary_fields)
{
        struct iso_message message, part;
        struct iso_error error;
        uint8_t bytes[ISO_MESSAGE_MAX];
        for (unsigned variant = 0; variant < DIALECT_VARIANTS; variant++) {
                const struct iso_dialect *dialect = dialect_variant(variant);
                fill(&message);
                size_t size = encode(dialect, &message, bytes);
                size_t secondary = (dialect->digits == ISO_DIGITS_BCD ? 2 : 4) +
                                   (dialect->bitmap == ISO_BITMAP_HEX ? 16 : 8);
                if (dialect->bitmap == ISO_BITMAP_HEX)
                        bytes[secondary] = '8';
                else
                        bytes[secondary] |= 0x80;
                ck_assert_int_lt(iso_decode(dialect, bytes, size, &part, &error), 0);
                ck_assert_int_eq(error.field, 65);
                assert_value(&part, 11, "004711", 6);
                ck_assert(!iso_has(&part, 90));
        }
        /* Even where a dialect had a row for it. */
        struct iso_dialect wrong = iso_dialect_ascii;
        wrong.field[65] = wrong.field[66];
        iso_init(&message, "0200");
        iso_set_string(&message, 65, "1");
        ck_assert_int_lt(iso_encode(&wrong, &message, bytes, sizeof(bytes), &error), 0);
        ck_assert_int_eq(error.field, 65);
        size_t size = from_hex("30323030 80000000 00000000 80000000 00000000 31", bytes);
        ck_assert_int_lt(iso_decode(&wrong, bytes, size, &part, &error), 0);
        ck_assert_int_eq(error.field, 65);
}
END_TEST

START_TEST(an_empty_secondary_bitmap_is_accepted)
{
        uint8_t bytes[64];
        size_t size = from_hex("30383030 80200000 00000000 00000000 00000000 303034373131", bytes);
        struct iso_message message;
        decode(&iso_dialect_ascii, bytes, size, &message);
        assert_value(&message, 11, "004711", 6);
        ck_assert_uint_eq(message.present[1], 0);
        /* Ours is not sent where nothing is in it. */
        ck_assert_uint_eq(encode(&iso_dialect_ascii, &message, bytes), size - 8);
}
END_TEST

START_TEST(a_message_without_fields_is_read)
{
        struct iso_message message;
        decode(&iso_dialect_ascii, (const uint8_t *)"0800\0\0\0\0\0\0\0\0", 12, &message);
        ck_assert_str_eq(message.mti, "0800");
        ck_assert_uint_eq(message.present[0], 0);
}
END_TEST

START_TEST(trailing_bytes_are_an_error)
{
        struct iso_message message, part;
        struct iso_error error;
        uint8_t bytes[ISO_MESSAGE_MAX];
        for (unsigned variant = 0; variant < DIALECT_VARIANTS; variant++) {
                fill(&message);
                size_t size = encode(dialect_variant(variant), &message, bytes);
                bytes[size] = bytes[size + 1] = 'x';
                ck_assert_int_lt(iso_decode(dialect_variant(variant), bytes, size + 2, &part, &error), 0);
                ck_assert_int_eq(error.field, 0);
                ck_assert_uint_eq(error.offset, size);
                ck_assert_uint_eq(error.available, 2);
                assert_same(&message, &part);
        }
}
END_TEST

START_TEST(a_field_that_the_dialect_lacks_is_an_error_both_ways)
{
        struct iso_dialect small = iso_dialect_ascii;
        small.field[48].format = ISO_NONE;
        struct iso_message message, part;
        struct iso_error error;
        uint8_t bytes[ISO_MESSAGE_MAX];
        fill(&message);
        ck_assert_int_lt(iso_encode(&small, &message, bytes, sizeof(bytes), &error), 0);
        ck_assert_int_eq(error.field, 48);
        size_t size = encode(&iso_dialect_ascii, &message, bytes);
        ck_assert_int_lt(iso_decode(&small, bytes, size, &part, &error), 0);
        ck_assert_int_eq(error.field, 48);
        ck_assert_str_eq(error.what, "not a field of the dialect");
        ck_assert(iso_has(&part, 41) && !iso_has(&part, 49));
}
END_TEST

static const struct {
        unsigned variant;
        const char *wire;
        size_t at;
} bad_mtis[] = {
    {VARIANT_ASCII, "'02o0", 2},  {VARIANT_ASCII, "' 200", 0},  {VARIANT_ASCII, "'\x02\x00\x02\x00", 0},
    {VARIANT_HEX_BCD, "0a00", 0}, {VARIANT_HEX_BCD, "02f0", 1},
};

START_TEST(an_mti_of_anything_but_digits_is_an_error_of_the_header)
{
        uint8_t bytes[64] = {0};
        if (bad_mtis[_i].wire[0] == '\'')
                memcpy(bytes, bad_mtis[_i].wire + 1, 4);
        else
                from_hex(bad_mtis[_i].wire, bytes);
        struct iso_message message;
        struct iso_error error;
        ck_assert_int_lt(iso_decode(dialect_variant(bad_mtis[_i].variant), bytes, 40, &message, &error), 0);
        ck_assert_int_eq(error.field, 0);
        ck_assert_uint_eq(error.offset, bad_mtis[_i].at);
        ck_assert_str_eq(message.mti, "");

        iso_init(&message, "02x0");
        ck_assert_int_lt(iso_encode(&iso_dialect_ascii, &message, bytes, sizeof(bytes), &error), 0);
        ck_assert_int_eq(error.field, 0);
}
END_TEST

START_TEST(bcd_that_is_no_digit_is_an_error)
{
        /* Field 22, n3 in two bytes: the padding digit, then each nibble. */
        static const struct {
                const char *value;
                size_t at;
        } wrong[] = {{"1051", 0}, {"0a51", 0}, {"00f1", 1}, {"005b", 1}};
        const struct iso_dialect *dialect = dialect_variant(VARIANT_HEX_BCD);
        for (size_t i = 0; i < COUNT(wrong); i++) {
                uint8_t bytes[64];
                char hex[64];
                snprintf(hex, sizeof(hex), "0200 30303030303430303030303030303030 %s", wrong[i].value);
                size_t size = from_hex(hex, bytes);
                struct iso_message message;
                struct iso_error error;
                ck_assert_int_lt(iso_decode(dialect, bytes, size, &message, &error), 0);
                ck_assert_int_eq(error.field, 22);
                ck_assert_uint_eq(error.offset, 18 + wrong[i].at);
        }
}
END_TEST

START_TEST(a_message_over_the_limit_is_an_error_both_ways)
{
        struct iso_message message;
        struct iso_error error;
        uint8_t bytes[2 * ISO_MESSAGE_MAX] = "0200";
        ck_assert_int_lt(iso_decode(&iso_dialect_ascii, bytes, ISO_MESSAGE_MAX + 1, &message, &error), 0);
        ck_assert_int_eq(error.field, 0);
        ck_assert_uint_eq(error.wanted, ISO_MESSAGE_MAX);
        ck_assert_uint_eq(error.available, ISO_MESSAGE_MAX + 1);

        char text[999];
        memset(text, 'x', sizeof(text));
        iso_init(&message, "0200");
        for (int field = 60; field <= 63; field++)
                iso_set(&message, field, text, field < 62 ? 999 : 16);
        ck_assert_int_lt(iso_encode(&iso_dialect_ascii, &message, bytes, sizeof(bytes), &error), 0);
        ck_assert_str_eq(error.what, "buffer too small");
        iso_unset(&message, 62);
        ck_assert_uint_le(encode(&iso_dialect_ascii, &message, bytes), ISO_MESSAGE_MAX);
}
END_TEST

START_TEST(a_buffer_of_any_size_is_never_overrun)
{
        const struct iso_dialect *dialect = dialect_variant((unsigned)_i);
        struct iso_message message;
        struct iso_error error;
        uint8_t bytes[ISO_MESSAGE_MAX];
        fill(&message);
        size_t size = encode(dialect, &message, bytes);
        for (size_t room = 0; room <= size; room++) {
                uint8_t *buffer = malloc(room ? room : 1);
                int written = iso_encode(dialect, &message, buffer, room, &error);
                ck_assert_int_eq(written, room == size ? (int)size : -1);
                if (written < 0) {
                        ck_assert_str_eq(error.what, "buffer too small");
                        ck_assert_uint_eq(error.available, room - error.offset);
                }
                free(buffer);
        }
}
END_TEST

/* ---- values -------------------------------------------------------------------------------------------- */

START_TEST(a_field_can_be_set_replaced_taken_out_and_set_again)
{
        struct iso_message message;
        iso_init(&message, "0210");
        iso_set_string(&message, 39, "51");
        iso_set_string(&message, 39, "00");
        assert_value(&message, 39, "00", 2);
        iso_set_string(&message, 48, "short");
        iso_set_string(&message, 48, "a longer value");
        assert_value(&message, 48, "a longer value", 14);
        iso_set_string(&message, 48, "less");
        assert_value(&message, 48, "less", 4);
        assert_value(&message, 39, "00", 2);
        iso_unset(&message, 39);
        ck_assert(!iso_has(&message, 39));
        ck_assert_ptr_null(iso_get(&message, 39, &(size_t){0}));
        iso_unset(&message, 39);
        iso_set_string(&message, 39, "96");
        assert_value(&message, 39, "96", 2);
        ck_assert(!message.failed);
}
END_TEST

static bool contains(const char *text, size_t size, const char *word)
{
        return memmem(text, size, word, strlen(word)) != NULL;
}

START_TEST(nothing_of_a_secret_stays_behind)
{
        struct iso_message message;
        fill(&message);
        iso_unset(&message, 35);
        iso_unset(&message, 2);
        ck_assert(!contains(message.text, sizeof(message.text), PAN));
        iso_unset(&message, 52);
        ck_assert(!contains(message.text, sizeof(message.text), "\x11\x22\x33"));

        fill(&message);
        size_t used = message.text_length;
        iso_wipe(&message);
        for (size_t i = 0; i < used; i++)
                ck_assert_int_eq(message.text[i], 0);
        ck_assert(!iso_has(&message, 2));
        ck_assert_str_eq(message.mti, "");
}
END_TEST

START_TEST(a_set_that_does_not_fit_fails_until_the_message_is_begun_anew)
{
        struct iso_message message;
        struct iso_error error;
        uint8_t bytes[ISO_MESSAGE_MAX];
        char text[999];
        memset(text, 'x', sizeof(text));
        iso_init(&message, "0200");
        for (int field = 56; field <= 60; field++)
                iso_set(&message, field, text, sizeof(text));
        ck_assert(message.failed);
        for (int field = 56; field <= 60; field++)
                iso_unset(&message, field);
        iso_set_string(&message, 11, "000001");
        ck_assert_int_lt(iso_encode(&iso_dialect_ascii, &message, bytes, sizeof(bytes), &error), 0);
        ck_assert_int_eq(error.field, 0);
        iso_init(&message, "0200");
        ck_assert(!message.failed);
}
END_TEST

static const struct {
        int64_t value;
        int digits;
        const char *expected; /* NULL: fails */
} numbers[] = {
    {0, 6, "000000"},
    {1, 6, "000001"},
    {999999, 6, "999999"},
    {1000000, 6, NULL},
    {-1, 6, NULL},
    {10000, 12, "000000010000"},
    {INT64_MAX, 19, "9223372036854775807"},
    {INT64_MAX, 18, NULL},
    {INT64_MIN, 19, NULL},
    {7, 42, "000000000000000000000000000000000000000007"},
};

START_TEST(numbers_are_padded_and_never_cut)
{
        struct iso_message message;
        iso_init(&message, "0200");
        iso_set_number(&message, 90, numbers[_i].value, numbers[_i].digits);
        ck_assert_int_eq(message.failed, numbers[_i].expected == NULL);
        if (!numbers[_i].expected)
                return;
        assert_value(&message, 90, numbers[_i].expected, (size_t)numbers[_i].digits);
        int64_t back = -1;
        ck_assert(iso_number(&message, 90, &back));
        ck_assert_int_eq(back, numbers[_i].value);
}
END_TEST

START_TEST(what_is_no_number_is_not_read_as_one)
{
        static const char *const wrong[] = {
            "", "12a", "-1", " 1", "9223372036854775808", "99999999999999999999999999"};
        struct iso_message message;
        int64_t value = 4711;
        iso_init(&message, "0200");
        ck_assert(!iso_number(&message, 4, &value));
        for (size_t i = 0; i < COUNT(wrong); i++) {
                iso_set_string(&message, 48, wrong[i]);
                ck_assert_msg(!iso_number(&message, 48, &value), "'%s' taken as a number", wrong[i]);
        }
        ck_assert_int_eq(value, 4711);
}
END_TEST

START_TEST(a_copy_fits_or_is_refused)
{
        struct iso_message message;
        char buffer[8] = "old";
        iso_init(&message, "0200");
        ck_assert(iso_copy(&message, 41, buffer, sizeof(buffer)));
        ck_assert_str_eq(buffer, "");
        iso_set_string(&message, 41, "T0000001");
        ck_assert(!iso_copy(&message, 41, buffer, sizeof(buffer)));
        ck_assert_str_eq(buffer, "");
        ck_assert(!iso_copy(&message, 41, buffer, 0));
        iso_set_string(&message, 39, "00");
        ck_assert(iso_copy(&message, 39, buffer, 3));
        ck_assert_str_eq(buffer, "00");
        ck_assert(!iso_copy(&message, 39, buffer, 2));
}
END_TEST

START_TEST(an_echo_copies_what_is_there_and_nothing_else)
{
        struct iso_message request, answer;
        fill(&request);
        iso_init(&answer, "0210");
        iso_echo(&answer, &request, 41);
        iso_echo(&answer, &request, 42);
        assert_value(&answer, 41, "T0000001", 8);
        ck_assert(!iso_has(&answer, 42));
}
END_TEST

/* ---- for people ---------------------------------------------------------------------------------------- */

START_TEST(a_dump_shows_what_helps_and_masks_what_must_not_be_seen)
{
        struct iso_message message;
        char line[1024];
        fill(&message);
        iso_set_string(&message, 42, "H00001         ");
        iso_dump(&iso_dialect_ascii, &message, line, sizeof(line));
        ck_assert_str_eq(
            line, "0200 2=990001******0008 3=010000 4=000000010000 7=1229005500 11=004711 14=*(4) 22=051 "
                  "28=D00000108 32=12345 35=*(34) 37=636409004711 41=T0000001 42=\"H00001         \" "
                  "48=AA003abcBB001x 49=392 52=*(8) 55=*(3) "
                  "90=020000471112290055000000000000000000000000 97=C0000000000012345 "
                  "128=ffffffffffffff00");
}
END_TEST

/* Each field that can hold a card number, a track or free text is tried with one inside. */
START_TEST(no_dump_shows_a_card_number_whatever_field_holds_it)
{
        static const char *const wraps[][2] = {{"", ""}, {"x", ""}, {"a ", "=2012"}, {"\"", "\""}};
        int tried = 0;
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                const struct iso_field *row = row_of(field);
                if (row->length_kind == ISO_FIXED && row->mask == ISO_SHOW)
                        continue; /* of a form of its own: amounts, dates, ids */
                for (size_t i = 0; i < COUNT(wraps); i++) {
                        char value[64], line[256];
                        int length = snprintf(value, sizeof(value), "%s%s%s", wraps[i][0], PAN, wraps[i][1]);
                        if (length > row->length)
                                continue;
                        struct iso_message message;
                        iso_init(&message, "0200");
                        iso_set_string(&message, field, value);
                        iso_dump(&iso_dialect_ascii, &message, line, sizeof(line));
                        ck_assert_msg(!strstr(line, PAN), "field %d: %s", field, line);
                        ck_assert_msg(!strstr(line, "00010000000008"), "field %d: %s", field, line);
                        tried++;
                }
        }
        ck_assert_int_gt(tried, 100);
}
END_TEST

START_TEST(a_pin_block_an_expiry_and_tracks_are_shown_by_length_only)
{
        static const int secret[] = {14, 34, 35, 36, 45, 52, 53, 54, 55, 102, 103, 125};
        for (size_t i = 0; i < COUNT(secret); i++) {
                char line[256], expected[64];
                struct iso_message message;
                iso_init(&message, "0200");
                iso_set_string(&message, secret[i], "1234");
                iso_dump(&iso_dialect_ascii, &message, line, sizeof(line));
                snprintf(expected, sizeof(expected), "0200 %d=*(4)", secret[i]);
                ck_assert_str_eq(line, expected);
        }
}
END_TEST

START_TEST(a_dump_can_not_break_a_log_line)
{
        struct iso_message message;
        char line[256];
        iso_init(&message, "0620");
        iso_set_string(&message, 48, "a\nb\x1b[0m \"q\" \\");
        iso_dump(&iso_dialect_ascii, &message, line, sizeof(line));
        ck_assert_str_eq(line, "0620 48=\"a?b?[0m \\\"q\\\" \\\\\"");
}
END_TEST

START_TEST(a_line_that_does_not_fit_is_cut_with_dots)
{
        struct iso_message message;
        char whole[1024];
        fill(&message);
        iso_dump(&iso_dialect_ascii, &message, whole, sizeof(whole));
        for (size_t size = 0; size <= strlen(whole) + 1; size++) {
                char *line = malloc(size ? size : 1);
                iso_dump(&iso_dialect_ascii, &message, line, size);
                if (size > 0)
                        ck_assert_uint_lt(strlen(line), size);
                if (size == strlen(whole) + 1)
                        ck_assert_str_eq(line, whole);
                else if (size > 3)
                        ck_assert_str_eq(line + size - 4, "...");
                free(line);
        }
}
END_TEST

START_TEST(an_error_names_field_offset_wanted_and_available)
{
        static const struct {
                struct iso_error error;
                const char *text;
        } rows[] = {
            {{4, 32, "length", 12, 3}, "field 4 (amount) at offset 32: length: 12 bytes wanted, 3 available"},
            {{4, ISO_NO_OFFSET, "missing", 0, 0}, "field 4 (amount): missing"},
            {{65, 20, "a third bitmap", 0, 0}, "field 65 at offset 20: a third bitmap"},
            {{1, 4, "length", 8, 0}, "bitmap at offset 4: length: 8 bytes wanted, 0 available"},
            {{0, 90, "bytes after the last field", 0, 2},
             "message at offset 90: bytes after the last field: 0 bytes wanted, 2 available"},
        };
        char text[200];
        for (size_t i = 0; i < COUNT(rows); i++) {
                iso_error_print(&iso_dialect_ascii, &rows[i].error, text, sizeof(text));
                ck_assert_str_eq(text, rows[i].text);
        }
}
END_TEST

/* ---- random messages ----------------------------------------------------------------------------------- */

static uint64_t seed, state;

static unsigned below(unsigned limit)
{
        return (unsigned)(random_mix(&state) % limit);
}

static void random_message(struct iso_message *message)
{
        char mti[5];
        size_t left = 1900; /* of the longest message, less header and bitmaps */
        unsigned density = 1 + below(20);
        snprintf(mti, sizeof(mti), "%04u", below(10000));
        iso_init(message, mti);
        for (int field = 2; field <= ISO_FIELD_MAX; field++) {
                const struct iso_field *row = row_of(field);
                if (row->format == ISO_NONE || below(density) > 0)
                        continue;
                size_t length = row->length_kind == ISO_FIXED ? row->length : below(row->length + 1U);
                if (length + 3 > left)
                        continue;
                char value[999];
                for (size_t i = 0; i < length; i++)
                        value[i] = random_char(&state, row->format);
                if (row->format == ISO_XN)
                        value[0] = "CD"[below(2)];
                iso_set(message, field, value, length);
                left -= length + 3;
        }
        ck_assert(!message->failed);
}

START_TEST(random_messages_come_back_as_they_were_sent)
{
        const struct iso_dialect *dialect = dialect_variant((unsigned)_i);
        for (int round = 0; round < 2000; round++) {
                struct iso_message message, back, again;
                uint8_t bytes[ISO_MESSAGE_MAX], other[ISO_MESSAGE_MAX];
                state = seed + (uint64_t)round;
                random_message(&message);
                size_t size = encode(dialect, &message, bytes);
                decode(dialect, bytes, size, &back);
                assert_same(&message, &back);
                ck_assert_uint_eq(encode(dialect, &back, other), size);
                ck_assert_mem_eq(bytes, other, size);
                /* One value in every dialect: what is above the codec sees no difference. */
                const struct iso_dialect *second = dialect_variant(below(DIALECT_VARIANTS));
                decode(second, other, encode(second, &back, other), &again);
                assert_same(&message, &again);
        }
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("iso8583");
        TCase *t = tcase_create("forms");
        tcase_add_loop_test(t, each_form_is_written_and_read_as_the_dialect_says, 0, COUNT(forms));
        tcase_add_test(t, header_and_bitmaps_are_where_the_standard_puts_them);
        tcase_add_test(t, lower_case_hex_bitmaps_are_read);
        suite_add_tcase(s, t);

        t = tcase_create("faults");
        tcase_add_loop_test(t, a_value_of_the_wrong_form_is_named_with_its_place, 0, COUNT(faults));
        tcase_add_loop_test(t, a_length_that_can_not_be_is_an_error, 0, COUNT(bad_lengths));
        tcase_add_loop_test(t, lengths_are_checked_when_encoding_too, 0, COUNT(bad_to_encode));
        tcase_add_loop_test(t, a_message_cut_anywhere_says_where_and_keeps_what_came_before, 0,
                            DIALECT_VARIANTS);
        tcase_add_test(t, the_stan_survives_a_fault_behind_it);
        tcase_add_test(t, bit_65_is_a_format_error_that_leaves_the_primary_fields);
        tcase_add_test(t, an_empty_secondary_bitmap_is_accepted);
        tcase_add_test(t, a_message_without_fields_is_read);
        tcase_add_test(t, trailing_bytes_are_an_error);
        tcase_add_test(t, a_field_that_the_dialect_lacks_is_an_error_both_ways);
        tcase_add_loop_test(t, an_mti_of_anything_but_digits_is_an_error_of_the_header, 0, COUNT(bad_mtis));
        tcase_add_test(t, bcd_that_is_no_digit_is_an_error);
        tcase_add_test(t, a_message_over_the_limit_is_an_error_both_ways);
        tcase_add_loop_test(t, a_buffer_of_any_size_is_never_overrun, 0, DIALECT_VARIANTS);
        suite_add_tcase(s, t);

        t = tcase_create("values");
        tcase_add_test(t, a_field_can_be_set_replaced_taken_out_and_set_again);
        tcase_add_test(t, nothing_of_a_secret_stays_behind);
        tcase_add_test(t, a_set_that_does_not_fit_fails_until_the_message_is_begun_anew);
        tcase_add_loop_test(t, numbers_are_padded_and_never_cut, 0, COUNT(numbers));
        tcase_add_test(t, what_is_no_number_is_not_read_as_one);
        tcase_add_test(t, a_copy_fits_or_is_refused);
        tcase_add_test(t, an_echo_copies_what_is_there_and_nothing_else);
        suite_add_tcase(s, t);

        t = tcase_create("for people");
        tcase_add_test(t, a_dump_shows_what_helps_and_masks_what_must_not_be_seen);
        tcase_add_test(t, no_dump_shows_a_card_number_whatever_field_holds_it);
        tcase_add_test(t, a_pin_block_an_expiry_and_tracks_are_shown_by_length_only);
        tcase_add_test(t, a_dump_can_not_break_a_log_line);
        tcase_add_test(t, a_line_that_does_not_fit_is_cut_with_dots);
        tcase_add_test(t, an_error_names_field_offset_wanted_and_available);
        suite_add_tcase(s, t);

        t = tcase_create("random");
        tcase_set_timeout(t, 60);
        tcase_add_loop_test(t, random_messages_come_back_as_they_were_sent, 0, DIALECT_VARIANTS);
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
