/* Protects lib/base/csv.c: rows come as RFC 4180 has them, and whatever is wrong is named with file, line and
 * column, and with no more of the file than that. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/csv.h"
#include "lib/base/random.h"
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
     "a|b\n:2: byte 0xed at position 1: expected text in UTF-8"}, /* half a surrogate */
    {"pan,b\n1,x\u202e\n", 0,
     "pan|b\n:2: column b: \\u202e at position 2 of field 2: expected text without control characters and "
     "marks of direction"},
    {"a,b\n\x1b[1m,\u061c\n", 0,
     "a|b\n:2: column a: \\u001b at position 1 of field 1: expected text without control characters and "
     "marks of direction"},
    {"9900010000000001\u2066\n", 0,
     ":1: \\u2066 at position 17 of field 1: expected text without control characters and marks of "
     "direction"},
    {"a\n1\t\n", 0,
     "a\n:2: column a: \\u0009 at position 2 of field 1: expected text without control characters and marks "
     "of direction"},
    {"a,b\n1,\xe4\xb8", 0, "a|b\n:2: byte 0xe4 at position 3: expected text in UTF-8"}, /* cut off */
};

/* What a spreadsheet would take for a formula is text, and is read as it was. */
static const struct {
        const char *value, *written;
} cells[] = {
    {"=1+1", "'=1+1"},
    {"+81", "'+81"},
    {"-x", "'-x"},
    {"@home", "'@home"},
    {"\r=1", "\"'\r=1\""},
    {"\uff1d1", "'\uff1d1"},
    {"-", "'-"},
    {"-5-5", "'-5-5"},
    {"-5.", "'-5."},
    {"-5", "-5"},
    {"-5.25", "-5.25"},
    {"5=5", "5=5"},
    {"'=1", "''=1"},
    {"''@", "\x27''@"},
    {"'tis", "'tis"},
    {"'-5", "'-5"},
    {"=\"a\",b", "\"'=\"\"a\"\",b\""},
    {"a;=1", "\"a;=1\""},
    {"", "\"\""},
};

START_TEST(a_cell_that_looks_like_a_formula_is_marked_and_read_without_its_mark)
{
        struct csv csv;
        char written[64] = "", line[80];
        FILE *file = fmemopen(written, sizeof(written), "w");

        csv_write_cell(file, true, cells[_i].value);
        csv_write_end(file);
        fclose(file);
        snprintf(line, sizeof(line), "%s\n", cells[_i].written);
        ck_assert_str_eq(written, line);
        write_bytes(written, strlen(written));
        ck_assert(csv_open(&csv, path, false));
        ck_assert_int_eq(csv_next(&csv), CSV_ROW);
        ck_assert_str_eq(csv.field[0], cells[_i].value);
        csv_close(&csv);
}
END_TEST

/* What the reader makes of one row, its fields kept; false where it refuses it. */
struct kept {
        char field[16][64];
        size_t count;
};
static bool read_row(char *text, struct kept *ret_kept)
{
        FILE *file = fmemopen(text, strlen(text), "r");
        struct csv csv;
        bool taken;

        ck_assert(file && csv_open_stream(&csv, "x", file));
        taken = csv_next(&csv) == CSV_ROW;
        ret_kept->count = taken ? csv.count : 0;
        ck_assert_uint_le(ret_kept->count, (size_t)COUNT(ret_kept->field));
        for (size_t i = 0; i < ret_kept->count; i++)
                snprintf(ret_kept->field[i], sizeof(ret_kept->field[i]), "%s", csv.field[i]);
        csv_close(&csv);
        return taken;
}

/* A row in quotes, of pieces that mean something to somebody. */
static void make_row(uint64_t *state, char text[512])
{
        static const char *const pieces[] = {"=",      "+",      "-",      "@", "'",  "\"\"", ",", ";",
                                             "\n",     "\r",     "\t",     "1", "5",  ".",    "a", "\uff1d",
                                             "\u202e", "\u200e", "\u061c", " ", "丸", "\x1b"};
        size_t fields = 1;

        strcpy(text, "\"");
        for (uint64_t i = random_mix(state) % 12; i > 0; i--) {
                bool closes = fields < 8 && random_mix(state) % 5 == 0;

                fields += closes;
                strcat(strcat(text, closes ? "\",\"" : ""),
                       pieces[random_mix(state) % (uint64_t)COUNT(pieces)]);
        }
        strcat(text, "\"");
}

START_TEST(whatever_is_accepted_is_written_and_read_again_as_it_was)
{
        uint64_t seed = (uint64_t)time(NULL), state = seed;
        int accepted = 0;

        for (int round = 0; round < 4000; round++) {
                char text[512], again[512] = "";
                struct kept first, second;
                FILE *file;

                make_row(&state, text);
                if (!read_row(text, &first))
                        continue;
                accepted++;
                file = fmemopen(again, sizeof(again), "w");
                for (size_t i = 0; i < first.count; i++)
                        csv_write_cell(file, i == 0, first.field[i]);
                csv_write_end(file);
                fclose(file);
                ck_assert_msg(read_row(again, &second), "seed %" PRIu64 ": %s of %s is refused", seed, again,
                              text);
                ck_assert_msg(first.count == second.count, "seed %" PRIu64 ": %s of %s", seed, again, text);
                for (size_t i = 0; i < first.count; i++)
                        ck_assert_msg(!strcmp(first.field[i], second.field[i]), "seed %" PRIu64 ": %s of %s",
                                      seed, again, text);
        }
        ck_assert_msg(accepted > 200, "seed %" PRIu64 ": only %d rows were accepted", seed, accepted);
}
END_TEST

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
        tcase_add_loop_test(tcase, a_cell_that_looks_like_a_formula_is_marked_and_read_without_its_mark, 0,
                            COUNT(cells));
        tcase_add_test(tcase, whatever_is_accepted_is_written_and_read_again_as_it_was);
        tcase_add_loop_test(tcase, what_is_wrong_is_named_with_its_line, 0, COUNT(bad));
        tcase_add_test(tcase, a_row_and_its_fields_have_a_limit);
        tcase_add_test(tcase, columns_are_found_by_name_in_any_order);
        tcase_add_loop_test(tcase, a_header_names_each_wanted_column_once, 0, COUNT(headers));
        tcase_add_test(tcase, a_file_of_card_numbers_is_its_owner_s_alone);
        tcase_add_test(tcase, what_is_no_file_is_named);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
