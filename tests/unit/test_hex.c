/* Bytes as hexadecimal digits: what is written is read again, and what is none is refused where a text ends. */
#include <check.h>
#include <string.h>

#include "lib/base/hex.h"
#include "tests/suite.h"

START_TEST(what_is_written_is_read_again)
{
        uint8_t bytes[256], again[256];
        char text[2 * sizeof(bytes) + 1];
        for (int i = 0; i < 256; i++)
                bytes[i] = (uint8_t)i;
        hex_print(bytes, sizeof(bytes), text);
        ck_assert_uint_eq(strlen(text), 2 * sizeof(bytes));
        ck_assert_int_eq(strncmp(text, "000102", 6), 0);
        ck_assert_str_eq(text + 2 * 0xfa, "fafbfcfdfeff");
        ck_assert(hex_parse(text, again, sizeof(again)));
        ck_assert_mem_eq(again, bytes, sizeof(bytes));
}
END_TEST

static const struct {
        const char *text;
        size_t size;
        bool good;
} rows[] = {
    {"", 0, true},    {"", 1, false},   {"0", 1, false},   {"00", 1, true},     {"aFfA", 2, true},
    {"0g", 1, false}, {"g0", 1, false}, {" 0", 1, false},  {"0 ", 1, false},    {"-1", 1, false},
    {"0x", 1, false}, {"00", 2, false}, {"001", 2, false}, {"00zz", 1, true},   {"0:", 1, false},
    {"0@", 1, false}, {"0`", 1, false}, {"0/", 1, false},  {"0\xb1", 1, false},
};

START_TEST(digits_are_taken_and_all_else_is_refused)
{
        uint8_t bytes[4];
        ck_assert_msg(hex_parse(rows[_i].text, bytes, rows[_i].size) == rows[_i].good, "'%s'", rows[_i].text);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hex");
        TCase *tcase = tcase_create("hex");
        tcase_add_test(tcase, what_is_written_is_read_again);
        tcase_add_loop_test(tcase, digits_are_taken_and_all_else_is_refused, 0,
                            (int)(sizeof(rows) / sizeof(rows[0])));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
