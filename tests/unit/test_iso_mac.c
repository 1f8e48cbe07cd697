/*
 * Protects protocol/iso_mac.c: which field a message's MAC is in, and which bytes it covers, as they are on the wire: so that one of another message,
 * of a truncated one and of one that was written anew is another one. The MACs are the key module's AES-CMAC.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "keymodule/crypto/mac.h"
#include "protocol/iso_mac.h"
#include "tests/suite.h"
#include "tests/unit/coded.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct cipher_key key = {
    CIPHER_AES,
    16,
    {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c}};

static void fill(struct iso_message *message, const char *mti)
{
        iso_init(message, mti);
        iso_set_string(message, 7, "1229005501");
        iso_set_string(message, 11, "000002");
        iso_set_string(message, 41, "T0000001");
        iso_set_string(message, 62, "KS0011");
}

/* Encoded, the MAC in its place. */
static size_t seal(struct iso_message *message, uint8_t bytes[ISO_MESSAGE_MAX])
{
        struct iso_error error = {0};
        size_t covered = 0;
        uint8_t mac[CIPHER_BLOCK_MAX];
        int size = iso_mac_encode(&iso_dialect_ascii, message, bytes, ISO_MESSAGE_MAX, &covered, &error);
        ck_assert_msg(size > 0, "field %d: %s", error.field, error.what);
        ck_assert_uint_eq(covered + ISO_MAC_LENGTH, (size_t)size);
        mac_cmac(&key, bytes, covered, mac);
        memcpy(bytes + covered, mac, ISO_MAC_LENGTH);
        return (size_t)size;
}

/* As whoever receives it would say. */
static bool is_good(const uint8_t *bytes, size_t size)
{
        struct iso_message message;
        struct iso_error error = {0};
        uint8_t mac[CIPHER_BLOCK_MAX];
        size_t covered = 0;
        if (iso_decode(&iso_dialect_ascii, bytes, size, &message, &error) < 0 ||
            !iso_mac_covered(&iso_dialect_ascii, &message, size, &covered))
                return false;
        mac_cmac(&key, bytes, covered, mac);
        return mac_is_same(mac, bytes + covered, ISO_MAC_LENGTH);
}

/* What a dialect may have elsewhere. */
static const struct {
        enum iso_mac_place mac;
        enum iso_key_set_place key_set;
        int field, set_field;
} place_rows[] = {{ISO_MAC_LAST, ISO_KEY_SET_TAG, 64, 62},
                  {ISO_MAC_SECOND, ISO_KEY_SET_TAG, 128, 62},
                  {ISO_MAC_LAST, ISO_KEY_SET_CONTROL, 64, 53},
                  {ISO_MAC_SECOND, ISO_KEY_SET_CONTROL, 128, 53}};

START_TEST(a_dialect_says_where_mac_and_key_set_are)
{
        static const int sets[] = {1, 47, ISO_KEY_SET_MAX};
        struct iso_dialect dialect = iso_dialect_ascii;
        dialect.mac = place_rows[_i].mac;
        dialect.key_set = place_rows[_i].key_set;
        for (size_t i = 0; i < COUNT(sets); i++) {
                struct iso_message message, back;
                struct iso_error error = {0};
                uint8_t bytes[ISO_MESSAGE_MAX];
                size_t covered = 0, again = 0;
                fill(&message, "0200");
                iso_unset(&message, 62);
                ck_assert_int_eq(iso_mac_set(&dialect, &message), 0);
                iso_mac_name_set(&dialect, &message, sets[i]);
                int size = iso_mac_encode(&dialect, &message, bytes, sizeof(bytes), &covered, &error);
                ck_assert_int_gt(size, 0);
                ck_assert_int_eq(iso_decode(&dialect, bytes, (size_t)size, &back, &error), 0);
                ck_assert(iso_has(&back, place_rows[_i].field) && iso_has(&back, place_rows[_i].set_field));
                ck_assert(!iso_has(&back, 192 - place_rows[_i].field) &&
                          !iso_has(&back, 115 - place_rows[_i].set_field));
                ck_assert(iso_mac_covered(&dialect, &back, (size_t)size, &again) && again == covered);
                ck_assert_int_eq(iso_mac_set(&dialect, &back), sets[i]);
        }
}
END_TEST

START_TEST(what_names_no_key_set_in_its_form_names_none)
{
        static const struct {
                int field;
                const char *value;
        } rows[] = {{62, "KS0"},       {62, "KS00012"},          {62, "KS005"},
                    {62, "KS004abcd"}, {62, "KS0011KS0012"},     {62, "XX0011"},
                    {62, "KS0011X"},   {53, "0000000000010000"}, {53, "0000000000000000"}};
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct iso_dialect dialect = iso_dialect_ascii;
                struct iso_message message;
                dialect.key_set = rows[i].field == 62 ? ISO_KEY_SET_TAG : ISO_KEY_SET_CONTROL;
                fill(&message, "0200");
                iso_unset(&message, 62);
                iso_set_string(&message, rows[i].field, rows[i].value);
                ck_assert_msg(iso_mac_set(&dialect, &message) == 0, "%s", rows[i].value);
        }
}
END_TEST

START_TEST(the_mac_is_in_the_last_field_of_the_last_bitmap)
{
        static const struct {
                const char *mti;
                int other; /* a field beside the least */
                int field;
        } rows[] = {{"0200", 4, 64},   {"0210", 39, 64},   {"0800", 70, 128}, {"0220", 90, 128},
                    {"0200", 66, 128}, {"0200", 127, 128}, {"0200", 63, 64}};
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct iso_message message, back;
                uint8_t bytes[ISO_MESSAGE_MAX];
                fill(&message, rows[i].mti);
                const struct iso_field *row = &iso_dialect_ascii.field[rows[i].other];
                char value[64] = "000000000000000000000000000000000000000000";
                value[row->length_kind == ISO_FIXED ? row->length : 5] = '\0';
                iso_set_string(&message, rows[i].other, value);
                size_t size = seal(&message, bytes);
                decode(&iso_dialect_ascii, bytes, size, &back);
                ck_assert_int_eq(iso_mac_field(&iso_dialect_ascii, &back), rows[i].field);
                ck_assert(iso_has(&back, rows[i].field));
                ck_assert(!iso_has(&back, rows[i].field == 64 ? 128 : 64));
                ck_assert(is_good(bytes, size));
        }
}
END_TEST

START_TEST(what_was_changed_cut_or_taken_from_elsewhere_has_another_mac)
{
        struct iso_message message;
        uint8_t bytes[ISO_MESSAGE_MAX], other[ISO_MESSAGE_MAX], changed[ISO_MESSAGE_MAX];
        fill(&message, "0200");
        iso_set_string(&message, 4, "000000010000");
        size_t size = seal(&message, bytes);
        ck_assert(is_good(bytes, size));
        for (size_t i = 0; i < size; i++) {
                memcpy(changed, bytes, size);
                changed[i] ^= 1;
                ck_assert_msg(!is_good(changed, size), "byte %zu", i);
                ck_assert_msg(!is_good(bytes, i), "%zu bytes", i);
        }
        iso_set_string(&message, 4, "000000020000");
        size_t other_size = seal(&message, other);
        ck_assert_uint_eq(other_size, size);
        memcpy(other + size - ISO_MAC_LENGTH, bytes + size - ISO_MAC_LENGTH, ISO_MAC_LENGTH);
        ck_assert(!is_good(other, size));
}
END_TEST

/* The same fields, but not the same bytes: a second bitmap that is empty. */
START_TEST(a_message_that_was_written_anew_has_another_mac)
{
        struct iso_message message, back;
        uint8_t bytes[ISO_MESSAGE_MAX], wide[ISO_MESSAGE_MAX + 8], mac[CIPHER_BLOCK_MAX];
        struct iso_error error = {0};
        fill(&message, "0200");
        size_t size = seal(&message, bytes);
        memcpy(wide, bytes, 12);
        wide[4] |= 0x80;
        memset(wide + 12, 0, 8);
        memcpy(wide + 20, bytes + 12, size - 12);
        ck_assert(!is_good(wide, size + 8));
        mac_cmac(&key, wide, size, mac);
        memcpy(wide + size, mac, ISO_MAC_LENGTH);
        ck_assert(is_good(wide, size + 8));
        decode(&iso_dialect_ascii, wide, size + 8, &back);
        int again = iso_encode(&iso_dialect_ascii, &back, bytes, sizeof(bytes), &error);
        ck_assert_int_eq(again, (int)size);
        ck_assert(!is_good(bytes, size));
}
END_TEST

START_TEST(a_mac_in_another_place_is_none)
{
        static const struct {
                int fields[3]; /* 0 ends */
                bool found;
        } rows[] = {{{64}, true},          {{128}, false},    {{64, 128}, false}, {{70, 64}, false},
                    {{70, 64, 128}, true}, {{70, 128}, true}, {{0}, false}};
        for (size_t i = 0; i < COUNT(rows); i++) {
                struct iso_message message;
                uint8_t bytes[ISO_MESSAGE_MAX];
                size_t covered = 0;
                fill(&message, "0800");
                for (size_t j = 0; j < COUNT(rows[i].fields) && rows[i].fields[j]; j++)
                        iso_set_string(&message, rows[i].fields[j],
                                       rows[i].fields[j] == 70 ? "301" : "12345678");
                size_t size = encode(&iso_dialect_ascii, &message, bytes);
                ck_assert_msg(iso_mac_covered(&iso_dialect_ascii, &message, size, &covered) == rows[i].found,
                              "row %zu", i);
                if (rows[i].found)
                        ck_assert_mem_eq(bytes + covered, "12345678", ISO_MAC_LENGTH);
        }
}
END_TEST

START_TEST(a_dialect_without_room_for_a_mac_is_named)
{
        struct iso_dialect dialect = iso_dialect_ascii;
        struct iso_message message;
        struct iso_error error = {0};
        uint8_t bytes[ISO_MESSAGE_MAX];
        size_t covered = 0;
        fill(&message, "0200");
        dialect.field[64].format = ISO_NONE;
        ck_assert_int_lt(iso_mac_encode(&dialect, &message, bytes, sizeof(bytes), &covered, &error), 0);
        ck_assert_int_eq(error.field, 64);
        dialect.field[64] = (struct iso_field){.name = "MAC", .format = ISO_B, .length = 4};
        ck_assert_int_lt(iso_mac_encode(&dialect, &message, bytes, sizeof(bytes), &covered, &error), 0);
        ck_assert_int_eq(error.field, 64);
        ck_assert_int_lt(iso_mac_encode(&iso_dialect_ascii, &message, bytes, 40, &covered, &error), 0);
        ck_assert_str_eq(error.what, "buffer too small");
}
END_TEST

static Suite *suite(void)
{
        Suite *s = suite_create("iso_mac");
        TCase *t = tcase_create("place");
        tcase_add_loop_test(t, a_dialect_says_where_mac_and_key_set_are, 0, COUNT(place_rows));
        tcase_add_test(t, what_names_no_key_set_in_its_form_names_none);
        tcase_add_test(t, the_mac_is_in_the_last_field_of_the_last_bitmap);
        tcase_add_test(t, what_was_changed_cut_or_taken_from_elsewhere_has_another_mac);
        tcase_add_test(t, a_message_that_was_written_anew_has_another_mac);
        tcase_add_test(t, a_mac_in_another_place_is_none);
        tcase_add_test(t, a_dialect_without_room_for_a_mac_is_named);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        return suite_run(suite());
}
