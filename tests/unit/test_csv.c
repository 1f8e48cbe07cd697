/* Protects lib/base/csv.c: rows come as RFC 4180 has them, and whatever is wrong is named with file, line and
 * column, and with no more of the file than that. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/csv.h"
#include "tests/suite.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static char folder[64], path[96];

static void setup(void)
{
        snprintf(folder, sizeof(folder), "/tmp/test_csv.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/file.csv", folder);
}

static void teardown(void)
{
        unlink(path);
        rmdir(folder);
}

static void write_bytes(const char *bytes, size_t size)
{
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(chmod(path, 0600), 0);
}

/* All rows, header included, as "field|field\n..."; then what was wrong, if anything. */
static void read_all(const char *bytes, size_t size, char *out, size_t out_size)
{
        struct csv csv;
        enum csv_result result;
        size_t used = 0;
        write_bytes(bytes, size);
        ck_assert(csv_open(&csv, path, true));
        *out = '\0';
        while ((result = csv_next(&csv)) == CSV_ROW) {
                for (size_t i = 0; i < csv.count; i++)
                        used +=
                            (size_t)snprintf(out + used, out_size - used, "%s%s", i ? "|" : "", csv.field[i]);
                used += (size_t)snprintf(out + used, out_size - used, "\n");
        }
        if (result == CSV_BAD) {
                ck_assert_msg(!strncmp(csv.error, path, strlen(path)), "%s", csv.error);
                snprintf(out + used, out_size - used, "%s", csv.error + strlen(path));
        }
        csv_close(&csv);
}

static const struct {
        const char *text, *rows;
} good[] = {
    {"a,b\n1,2\n", "a|b\n1|2\n"},
    {"a,b\r\n1,2\r\n", "a|b\n1|2\n"},
    {"a,b\n1,2", "a|b\n1|2\n"}, /* no line end behind the last row */
    {"\xef\xbb\xbf"
     "a,b\n1,2\n",
     "a|b\n1|2\n"},
    {"\xef\xbb\xbf"
     "\"a\nb\",c\n1,2\n",
     "a\nb|c\n1|2\n"},
    {"\xef\xbb\xbf", ""},
    {"a,b\n\n\r\n1,2\n\n", "a|b\n1|2\n"},
    {"a\n\"\"\n", "a\n\n"}, /* an empty value of a single column is no blank line */
    {"a,b\n,\n", "a|b\n|\n"},
    {"a,b\n\"1,\"\"2\"\"\",3\n", "a|b\n1,\"2\"|3\n"},
    {"a,b\n\"one\r\ntwo\",3\n", "a|b\none\r\ntwo|3\n"},
    {"\"a\",\"b\"\n1,\"\"\n", "a|b\n1|\n"},
    {"a\n丸の内\n", "a\n丸の内\n"},
    {"", ""},
    {"\n\n", ""},
};

START_TEST(rows_are_read_as_rfc_4180_has_them)
{
        char rows[1024];
        read_all(good[_i].text, strlen(good[_i].text), rows, sizeof(rows));
        ck_assert_str_eq(rows, good[_i].rows);
}
END_TEST

static const struct {
        const char *text;
        size_t size; /* 0: as long as it is */
        const char *says;
} bad[] = {
    {"a,b\n1\n", 0, "a|b\n:2: 1 fields: expected 2, as the header has"},
    {"a,b\n1,2,3\n", 0, "a|b\n:2: 3 fields: expected 2, as the header has"},
    {"a,b\n\"1\n2\",3\n4\n", 0,
     "a|b\n1\n2|3\n:4: 1 fields: expected 2, as the header has"}, /* lines, not rows */
    {"a,b\n\"1,2\n3,4\n", 0, "a|b\n:2: a field that begins with '\"' has no closing '\"'"},
    {"\xef\xbb\xbf\"a,b", 0, ":1: a field that begins with '\"' has no closing '\"'"},
    {"a,b\n\"1\"x,2\n", 0,
     "a|b\n:2: field 1: a '\"' within it: expected the whole field in '\"', and '\"\"' for each '\"' in it"},
    {"a,b\n1,x\"2\"\n", 0,
     "a|b\n:2: field 2: a '\"' within it: expected the whole field in '\"', and '\"\"' for each '\"' in it"},
    {"a,b\n1,\0\n", 8, "a|b\n:2: byte 0x00 at position 3: expected text in UTF-8"},
    {"a,b\n1,\xff\n", 0, "a|b\n:2: byte 0xff at position 3: expected text in UTF-8"},
    {"a,b\n\xc0\xaf,2\n", 0,
     "a|b\n:2: byte 0xc0 at position 1: expected text in UTF-8"}, /* longer than needed */
    {"a,b\n\xed\xa0\x80,2\n", 0,
     "a|b\n:2: byte 0xed at position 1: expected text in UTF-8"},                       /* half a surrogate */
    {"a,b\n1,\xe4\xb8", 0, "a|b\n:2: byte 0xe4 at position 3: expected text in UTF-8"}, /* cut off */
};

START_TEST(what_is_wrong_is_named_with_its_line)
{
        char rows[1024];
        read_all(bad[_i].text, bad[_i].size ? bad[_i].size : strlen(bad[_i].text), rows, sizeof(rows));
        ck_assert_str_eq(rows, bad[_i].says);
}
END_TEST

START_TEST(a_row_and_its_fields_have_a_limit)
{
        static char text[CSV_ROW_MAX + 16], rows[2 * CSV_ROW_MAX];
        memset(text, 'x', sizeof(text));
        read_all(text, CSV_ROW_MAX, rows, sizeof(rows));
        ck_assert_uint_eq(strlen(rows), CSV_ROW_MAX + 1);
        read_all(text, CSV_ROW_MAX + 1, rows, sizeof(rows));
        ck_assert_str_eq(rows, ":1: the row is longer than 65536 bytes");
        *text = '"';
        read_all(text, CSV_ROW_MAX + 1, rows, sizeof(rows));
        ck_assert_str_eq(rows, ":1: the row is longer than 65536 bytes: a closing '\"' may be missing");
        memset(text, ',', sizeof(text));
        read_all(text, CSV_FIELDS_MAX, rows, sizeof(rows));
        ck_assert_str_eq(rows, ":1: more than 64 fields");
}
END_TEST

START_TEST(columns_are_found_by_name_in_any_order)
{
        static const char *const columns[] = {"pan", "expiry", NULL};
        static const char text[] = "\xef\xbb\xbf\"expiry\",note,pan\r\n2912,,99\r\n";
        struct csv csv;
        write_bytes(text, sizeof(text) - 1);
        ck_assert(csv_open(&csv, path, true) && csv_header(&csv, columns));
        ck_assert_int_eq(csv_next(&csv), CSV_ROW);
        ck_assert_str_eq(csv_value(&csv, 0), "99");
        ck_assert_str_eq(csv_value(&csv, 1), "2912");
        ck_assert_int_eq(csv_next(&csv), CSV_END);
        csv_close(&csv);
}
END_TEST

static const struct {
        const char *text, *says;
} headers[] = {
    {"", ":1: empty: expected a header row with the column pan"},
    {"pan\n", ":1: column expiry: missing in the header"},
    {"pan,expiry,pan\n", ":1: column pan: named twice in the header"},
    {"pan,\"expiry\n", ":1: a field that begins with '\"' has no closing '\"'"},
};

START_TEST(a_header_names_each_wanted_column_once)
{
        static const char *const columns[] = {"pan", "expiry", NULL};
        struct csv csv;
        write_bytes(headers[_i].text, strlen(headers[_i].text));
        ck_assert(csv_open(&csv, path, true));
        ck_assert(!csv_header(&csv, columns));
        ck_assert_str_eq(csv.error + strlen(path), headers[_i].says);
        csv_close(&csv);
}
END_TEST

START_TEST(a_file_of_card_numbers_is_its_owner_s_alone)
{
        struct csv csv;
        write_bytes("a\n", 2);
        ck_assert_int_eq(chmod(path, 0640), 0);
        ck_assert(!csv_open(&csv, path, true));
        ck_assert_ptr_nonnull(strstr(csv.error, "(mode 0640): expected mode 0600; 'chmod 600 "));
        ck_assert_ptr_null(csv.stream);
        ck_assert(csv_open(&csv, path, false));
        csv_close(&csv);
}
END_TEST

START_TEST(what_is_no_file_is_named)
{
        struct csv csv;
        ck_assert(!csv_open(&csv, folder, false));
        ck_assert_ptr_nonnull(strstr(csv.error, ": is a folder; expected a CSV file"));
        ck_assert(!csv_open(&csv, "/tmp/test_csv.none", false));
        ck_assert_str_eq(csv.error, "/tmp/test_csv.none: can't be read: No such file or directory");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("csv");
        TCase *tcase = tcase_create("csv");
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_loop_test(tcase, rows_are_read_as_rfc_4180_has_them, 0, COUNT(good));
        tcase_add_loop_test(tcase, what_is_wrong_is_named_with_its_line, 0, COUNT(bad));
        tcase_add_test(tcase, a_row_and_its_fields_have_a_limit);
        tcase_add_test(tcase, columns_are_found_by_name_in_any_order);
        tcase_add_loop_test(tcase, a_header_names_each_wanted_column_once, 0, COUNT(headers));
        tcase_add_test(tcase, a_file_of_card_numbers_is_its_owner_s_alone);
        tcase_add_test(tcase, what_is_no_file_is_named);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
