/* Protects protocol/chip.c: what of DE 22, 23 and 55 goes on in which dialect, whatever bytes it is, and that a message never has a part of it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "config/dialect.h"
#include "protocol/chip.h"
#include "tests/suite.h"

static struct iso_message from, to;

static void fill(size_t length)
{
        char bytes[999];
        for (size_t i = 0; i < length; i++)
                bytes[i] = (char)(i * 37); /* no TLV of any kind */
        iso_init(&from, "0200");
        iso_set_string(&from, 22, "051");
        iso_set_string(&from, 23, "002");
        iso_set(&from, 55, bytes, length);
}

static bool is_passed(int field)
{
        size_t length = 0, there = 0;
        const char *value = iso_get(&from, field, &length), *passed = iso_get(&to, field, &there);
        ck_assert(!passed || (there == length && memcmp(passed, value, length) == 0));
        return passed;
}

static const struct {
        const char *dialect; /* of etc/dialects; "": the built-in one */
        bool mode, sequence, data;
} dialect_rows[] = {{"", true, true, true},
                    {"BANKA", true, true, true},
                    {"BANKB", true, true, true},
                    {"BANKC", false, false, false}};

START_TEST(a_dialect_s_rows_say_what_goes_on)
{
        struct iso_dialect dialect = iso_dialect_ascii;
        char path[256], error[DIALECT_ERROR_MAX];
        uint8_t bytes[ISO_MESSAGE_MAX];
        struct iso_error why;
        struct chip chip;
        snprintf(path, sizeof(path), SOURCE_DIR "/etc/dialects/%s.dialect", dialect_rows[_i].dialect);
        if (*dialect_rows[_i].dialect)
                ck_assert_msg(dialect_load(path, &dialect, NULL, error), "%s", error);
        fill(CHIP_DATA_MAX);
        chip_of(&from, &chip);
        iso_init(&to, "0200");
        chip_add(&chip, &dialect, &to);
        ck_assert_int_eq(is_passed(22), dialect_rows[_i].mode);
        ck_assert_int_eq(is_passed(23), dialect_rows[_i].sequence);
        ck_assert_int_eq(is_passed(55), dialect_rows[_i].data);
        ck_assert_int_gt(iso_encode(&dialect, &to, bytes, sizeof(bytes), &why), 0);
}
END_TEST

static const struct {
        size_t length;
        uint16_t room; /* of the dialect */
        bool passed;
} length_rows[] = {{1, 255, true}, {255, 255, true}, {256, 999, false}, {999, 999, false},
                   {99, 99, true}, {100, 99, false}, {255, 254, false}};

START_TEST(data_go_on_whole_or_not_at_all)
{
        struct iso_dialect dialect = iso_dialect_ascii;
        struct chip_data data;
        dialect.field[55].length = length_rows[_i].room;
        fill(length_rows[_i].length);
        chip_data_of(&from, &data);
        iso_init(&to, "0210");
        chip_data_add(&data, &dialect, &to);
        ck_assert_int_eq(is_passed(55), length_rows[_i].passed);
}
END_TEST

START_TEST(what_is_not_there_is_not_added)
{
        struct chip chip;
        memset(&chip, 0xff, sizeof(chip));
        iso_init(&from, "0200");
        chip_of(&from, &chip);
        iso_init(&to, "0200");
        chip_add(&chip, &iso_dialect_ascii, &to);
        ck_assert(!iso_has(&to, 22) && !iso_has(&to, 23) && !iso_has(&to, 55));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int main(void)
{
        Suite *suite = suite_create("chip");
        TCase *tcase = tcase_create("chip");
        tcase_add_loop_test(tcase, a_dialect_s_rows_say_what_goes_on, 0, COUNT(dialect_rows));
        tcase_add_loop_test(tcase, data_go_on_whole_or_not_at_all, 0, COUNT(length_rows));
        tcase_add_test(tcase, what_is_not_there_is_not_added);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
