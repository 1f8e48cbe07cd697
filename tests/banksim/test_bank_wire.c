/* Protects the MACs of tools/banksim/wire.c: what is written with one is right to whoever has the same keys, in each dialect and under keys of both kinds, and nothing else is. */
#include "tools/banksim/wire.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/suite.h"

static const char *const dialects[] = {"ascii", SOURCE_DIR "/etc/dialects/BANKA.dialect",
                                       SOURCE_DIR "/etc/dialects/BANKB.dialect",
                                       SOURCE_DIR "/etc/dialects/BANKC.dialect"};
enum { DIALECTS = sizeof(dialects) / sizeof(dialects[0]) };

static const struct lab_mac_key mac_keys[] = {
    {.key = {CIPHER_AES, 16, "a key of MACs..."}},
    {.key = {CIPHER_TDES, 16, "a key of MACs..."}, .is_retail = true},
};

static struct wire *wire;

/* Without its header; 0: without a MAC. */
static size_t write_message(const struct lab_keys *keys, bool is_spoilt, uint8_t bytes[WIRE_FRAME_MAX])
{
        struct iso_message message;
        struct iso_error error;
        uint8_t frame[WIRE_FRAME_MAX];
        iso_init(&message, "0210");
        iso_set_string(&message, 7, "1229005501");
        iso_set_string(&message, 11, "000002");
        iso_set_string(&message, 39, "00");
        iso_set_string(&message, 41, "T0000001");
        size_t size = wire_write(wire, keys, is_spoilt, &message, frame, &error);
        size_t header = frame_header_size(wire_dialect(wire));
        ck_assert_uint_gt(size, header);
        memcpy(bytes, frame + header, size - header);
        return size - header;
}

static const char *problem(const struct lab_keys *keys, const uint8_t *bytes, size_t size)
{
        struct iso_message message;
        struct iso_error error;
        const char *why = "";
        ck_assert_int_eq(iso_decode(wire_dialect(wire), bytes, size, &message, &error), 0);
        return wire_mac_is_right(wire, keys, &message, bytes, size, &why) ? "" : why;
}

START_TEST(a_message_has_the_mac_that_its_dialect_and_keys_ask_for)
{
        char error[WIRE_ERROR_MAX];
        struct lab_keys keys = {.set = 4711, .up = mac_keys[_i % 2], .down = mac_keys[_i % 2]}, others = keys;
        uint8_t bytes[WIRE_FRAME_MAX];
        wire = wire_open(dialects[_i / 2], error);
        ck_assert_msg(wire != NULL, "%s", error);
        size_t size = write_message(&keys, false, bytes);
        ck_assert_str_eq(problem(&keys, bytes, size), "");
        for (size_t i = 0; i < 4; i++) {
                uint8_t changed[WIRE_FRAME_MAX];
                memcpy(changed, bytes, size);
                changed[size - 1 - i] ^= 0x10;
                ck_assert_str_eq(problem(&keys, changed, size), "the MAC is another one");
        }
        others.up.key.bytes[3] ^= 2;
        ck_assert_str_eq(problem(&others, bytes, size), "the MAC is another one");
        others = keys;
        others.set = 4712;
        ck_assert_str_eq(problem(&others, bytes, size), "it names another key set");
        size = write_message(&keys, true, bytes);
        ck_assert_str_eq(problem(&keys, bytes, size), "the MAC is another one");
        size = write_message(NULL, false, bytes);
        ck_assert_str_eq(problem(&keys, bytes, size),
                         "there is no MAC in its field, the last of the message");
        wire_close(wire);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("bank_wire");
        TCase *tcase = tcase_create("bank_wire");
        tcase_add_loop_test(tcase, a_message_has_the_mac_that_its_dialect_and_keys_ask_for, 0, 2 * DIALECTS);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
