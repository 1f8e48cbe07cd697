/* Protects tools/atmctl/output: what each form makes of the same sections, rows, totals, members and remarks. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/array.h"
#include "tools/atmctl/output/output.h"
#include "tools/atmctl/output/suffix.h"
#include "tests/suite.h"

static const struct field fields[] = {{.name = "format", .kind = VALUE_FORMAT},
                                      {.name = "output", .kind = VALUE_FILE},
                                      {.name = "columns", .kind = VALUE_COLUMNS},
                                      {.name = "sort", .kind = VALUE_SORT}};
static const struct command command = {.noun = "test", .text = "a test"};
static struct invocation invocation;
static char path[64], written[4096];

/* As if --format FORMAT --output FILE had been given, and --columns and --sort unless they are NULL. */
static void give_arranged(const char *format, const char *shown, const char *sorted)
{
        const char *values[] = {format, path, shown, sorted};

        memset(&invocation, 0, sizeof(invocation));
        invocation.command = &command;
        for (size_t i = 0; i < LENGTH(fields); i++) {
                invocation.options.use[i].field = &fields[i];
                invocation.values[i].count = values[i] != NULL;
                if (values[i])
                        snprintf(invocation.values[i].canonical, sizeof(invocation.values[i].canonical), "%s",
                                 values[i]);
        }
        invocation.options.count = LENGTH(fields);
}

static void give(const char *format)
{
        give_arranged(format, NULL, NULL);
}

static void expect_written(const char *expected)
{
        FILE *file = fopen(path, "r");
        size_t length;

        ck_assert_ptr_nonnull(file);
        length = fread(written, 1, sizeof(written) - 1, file);
        written[length] = '\0';
        fclose(file);
        ck_assert_str_eq(written, expected);
}

static void set_up(void)
{
        int file;

        strcpy(path, "/tmp/test_output.XXXXXX");
        file = mkstemp(path);
        ck_assert_int_ge(file, 0);
        close(file);
}

static void tear_down(void)
{
        unlink(path);
}

/* One table --------------------------------------------------------------------------------------------- */

static const struct output_column columns[] = {
    {"key", OUTPUT_TEXT, 0},
    {"name", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    {"yen", OUTPUT_YEN, OUTPUT_DASH},
    {"percent", OUTPUT_DECIMAL, 0},
    {"open", OUTPUT_BOOL, OUTPUT_NOT_TABLE},
};

static void write_table(const char *format, size_t rows)
{
        static const char *const values[][LENGTH(columns)] = {{"a,\"b\"", "x", "1234567", "-3.5", "t"},
                                                              {"c", "y", NULL, NULL, NULL}};
        static const char *const total[LENGTH(columns)] = {"total", NULL, "1234567", "-123456.75", NULL};
        struct output *output;

        give(format);
        output = output_open(&invocation, OUTPUT_ROWS, columns, LENGTH(columns));
        ck_assert_ptr_nonnull(output);
        for (size_t i = 0; i < rows; i++)
                ck_assert(output_row(output, values[i]));
        ck_assert(!rows || output_total(output, total));
        ck_assert(output_close(output));
}

START_TEST(programs_get_rows_without_names_and_totals_people_without_what_is_for_programs)
{
        write_table("table", 2);
        expect_written("key    name        yen      percent\n"
                       "a,\"b\"  x     1,234,567         -3.5\n"
                       "c      y             -            -\n"
                       "total        1,234,567  -123,456.75\n");
        write_table("expanded", 1);
        expect_written("-[ 1 ]-\n"
                       "key      a,\"b\"\n"
                       "name     x\n"
                       "yen      1,234,567\n"
                       "percent  -3.5\n"
                       "-[ 2 ]-\n"
                       "key      total\n"
                       "name     \n"
                       "yen      1,234,567\n"
                       "percent  -123,456.75\n");
        write_table("csv", 2);
        expect_written("key,yen,percent,open\n\"a,\"\"b\"\"\",1234567,-3.5,yes\nc,,,\n");
        write_table("json", 2);
        expect_written("[{\"key\":\"a,\\\"b\\\"\",\"yen\":1234567,\"percent\":-3.5,\"open\":true},\n"
                       " {\"key\":\"c\",\"yen\":null,\"percent\":null,\"open\":null}]\n");
}
END_TEST

START_TEST(json_has_each_digit_of_a_decimal)
{
        static const struct output_column one[] = {{"n", OUTPUT_DECIMAL, 0}};
        struct output *output;

        give("json");
        output = output_open(&invocation, OUTPUT_ROWS, one, LENGTH(one));
        ck_assert_ptr_nonnull(output);
        ck_assert(output_row(output, (const char *const[]){"12345678901234.5"}) &&
                  output_row(output, (const char *const[]){"0.1"}) && output_close(output));
        expect_written("[{\"n\":12345678901234.5},\n {\"n\":0.1}]\n");
}
END_TEST

/* However they came into the database. */
START_TEST(nothing_written_turns_or_steers_what_stands_around_it)
{
        static const struct output_column texts[] = {
            {"a", OUTPUT_TEXT, 0}, {"b", OUTPUT_TEXT, 0}, {"c", OUTPUT_VALUE, 0}};
        static const char *const values[] = {"x\u202ey\033[1m", "z\U0001fffe", "{\"k\": \"\u2067\"}"};
        static const struct {
                const char *format, *written;
        } rows[] = {
            {"table", "a                  b            c\n"
                      "x\\u202ey\\u001b[1m  z\\U0001fffe  {\"k\": \"\\u2067\"}\n"},
            {"expanded", "-[ 1 ]-\na  x\\u202ey\\u001b[1m\nb  z\\U0001fffe\nc  {\"k\": \"\\u2067\"}\n"},
            {"csv", "a,b,c\nx\\u202ey\\u001b[1m,z\\U0001fffe,\"{\"\"k\"\": \"\"\\u2067\"\"}\"\n"},
            {"json",
             "[{\"a\":\"x\\u202ey\\u001B[1m\",\"b\":\"z\\ud83f\\udffe\",\"c\":{\"k\":\"\\u2067\"}}]\n"}};

        for (size_t i = 0; i < LENGTH(rows); i++) {
                struct output *output;

                give(rows[i].format);
                output = output_open(&invocation, OUTPUT_ROWS, texts, LENGTH(texts));
                ck_assert_ptr_nonnull(output);
                ck_assert(output_row(output, values) && output_close(output));
                expect_written(rows[i].written);
        }
}
END_TEST

static const struct {
        const char *format, *shown, *sorted, *written;
} arranged[] = {
    {"csv", "yen,key", NULL, "yen,key\n12,b\n,a\n-3,d\n107,c\n12,a\n"},
    {"csv", "key,name", NULL, "key,name\nb,x\na,x\nd,y\nc,y\na,y\n"}, /* a name that only tables have */
    {"csv", NULL, "yen", "key,yen,percent,open\nd,-3,,\nb,12,,\na,12,,\nc,107,,\na,,,\n"},
    {"csv", "key,yen", "-yen", "key,yen\nc,107\nb,12\na,12\nd,-3\na,\n"}, /* what is missing comes last */
    {"csv", "yen", "key,-yen", "yen\n12\n\n12\n107\n-3\n"},               /* by a column that is not shown */
    {"table", "key,open", "name,-key", "key    open\nb      \na      \nd      \nc      \na      \ntotal  \n"},
    {"json", "yen,key", "key",
     "[{\"yen\":null,\"key\":\"a\"},\n {\"yen\":12,\"key\":\"a\"},\n "
     "{\"yen\":12,\"key\":\"b\"},\n {\"yen\":107,\"key\":\"c\"},\n "
     "{\"yen\":-3,\"key\":\"d\"}]\n"},
};

START_TEST(a_list_has_the_columns_that_are_asked_for_and_is_sorted)
{
        static const char *const values[][LENGTH(columns)] = {{"b", "x", "12", NULL, NULL},
                                                              {"a", "x", NULL, NULL, NULL},
                                                              {"d", "y", "-3", NULL, NULL},
                                                              {"c", "y", "107", NULL, NULL},
                                                              {"a", "y", "12", NULL, NULL}};
        static const char *const total[LENGTH(columns)] = {"total"};
        struct output *output;

        give_arranged(arranged[_i].format, arranged[_i].shown, arranged[_i].sorted);
        output = output_open(&invocation, OUTPUT_ROWS, columns, LENGTH(columns));
        ck_assert_ptr_nonnull(output);
        for (size_t i = 0; i < LENGTH(values); i++)
                ck_assert(output_row(output, values[i]));
        ck_assert(output_total(output, total) && output_close(output));
        expect_written(arranged[_i].written);
}
END_TEST

START_TEST(quarters_are_sorted_by_time_and_decimals_by_size)
{
        static const struct output_column both[] = {{"quarter", OUTPUT_PERIOD, 0},
                                                    {"value", OUTPUT_QUANTITY, 0}};
        static const char *const values[][LENGTH(both)] = {
            {"1Q17", "100.25"}, {"2Q16", "98.8"}, {"1Q-3Q16", "100.3"}};
        static const struct {
                const char *sorted, *written;
        } rows[] = {{"quarter", "quarter,value\n1Q-3Q16,100.3\n2Q16,98.8\n1Q17,100.25\n"},
                    {"-value", "quarter,value\n1Q-3Q16,100.3\n1Q17,100.25\n2Q16,98.8\n"}};

        for (size_t i = 0; i < LENGTH(rows); i++) {
                struct output *output;

                give_arranged("csv", NULL, rows[i].sorted);
                output = output_open(&invocation, OUTPUT_ROWS, both, LENGTH(both));
                ck_assert_ptr_nonnull(output);
                for (size_t k = 0; k < LENGTH(values); k++)
                        ck_assert(output_row(output, values[k]));
                ck_assert(output_close(output));
                expect_written(rows[i].written);
        }
}
END_TEST

START_TEST(words_for_an_age_are_sorted_by_how_long_it_is)
{
        static const struct output_column ages[] = {
            {"key", OUTPUT_TEXT, 0},
            {"age", OUTPUT_TEXT, OUTPUT_ONLY_TABLE | OUTPUT_IN_WORDS},
            {"age_minutes", OUTPUT_NUMBER, 0},
        };
        static const char *const values[][LENGTH(ages)] = {
            {"a", "10 min", "10"}, {"b", "2 min", "2"}, {"c", "1 h", "60"}};
        struct output *output;

        give_arranged("csv", "key", "age");
        output = output_open(&invocation, OUTPUT_ROWS, ages, LENGTH(ages));
        ck_assert_ptr_nonnull(output);
        for (size_t i = 0; i < LENGTH(values); i++)
                ck_assert(output_row(output, values[i]));
        ck_assert(output_close(output));
        expect_written("key\nb\na\nc\n");
}
END_TEST

START_TEST(a_column_that_there_is_not_is_refused)
{
        static const char *const wrong[] = {"kye", "key,", "key,name,yen,percent,open,x", "-key"};

        for (size_t i = 0; i < LENGTH(wrong); i++) {
                give_arranged("csv", wrong[i], NULL);
                ck_assert(!output_arranges(&invocation, columns, LENGTH(columns)));
                ck_assert_ptr_null(output_open(&invocation, OUTPUT_ROWS, columns, LENGTH(columns)));
        }
        give_arranged("csv", NULL, "-key,--key");
        ck_assert(!output_arranges(&invocation, columns, LENGTH(columns)));
}
END_TEST

START_TEST(no_rows_are_nothing_to_people_and_an_empty_list_to_programs)
{
        write_table("table", 0);
        expect_written("");
        write_table("csv", 0);
        expect_written("key,yen,percent,open\n");
        write_table("json", 0);
        expect_written("[]\n");
}
END_TEST

/* A whole ----------------------------------------------------------------------------------------------- */

static const struct output_column number[] = {{"n", OUTPUT_NUMBER, 0}};
static const struct output_column member[] = {{"who", OUTPUT_TEXT, 0},
                                              {"sums.yen", OUTPUT_YEN, OUTPUT_MEMBER}};

/* Four sections: the second is empty, the last for people. */
static void write_whole(const char *format)
{
        static const struct output_section sections[] = {
            {"first", "The first", OUTPUT_ROWS, number, 1, 0, NULL},
            {"second", "The second", OUTPUT_ROWS, number, 1, 0, NULL},
            {"third", "The third", OUTPUT_ONE, number, 1, 0, NULL},
            {NULL, "For people", OUTPUT_ROWS, number, 1, OUTPUT_ONLY_TABLE, NULL}};
        static const char *const one[] = {"1"}, *const two[] = {"2"};
        struct output *output;

        give(format);
        output = output_open_whole(&invocation);
        ck_assert_ptr_nonnull(output);
        ck_assert(output_members(output, member, LENGTH(member), (const char *const[]){"me", "7"}));
        ck_assert(output_begin(output, &sections[0]) && output_row(output, one) && output_row(output, two));
        ck_assert(output_begin(output, &sections[1]));
        ck_assert(output_begin(output, &sections[2]) && output_row(output, two));
        ck_assert(output_begin(output, &sections[3]) && output_row(output, one));
        ck_assert(output_close(output));
}

START_TEST(a_whole_is_tables_under_their_headings_or_one_value_or_its_first_section)
{
        write_whole("table");
        expect_written("\nThe first\nn\n1\n2\n\n\nThe third\nn     2\n\n\nFor people\nn\n1\n\n");
        write_whole("expanded");
        expect_written("\nThe first\n-[ 1 ]-\nn  1\n-[ 2 ]-\nn  2\n\n\nThe third\nn  2\n\n\nFor people\n-[ 1 "
                       "]-\nn  1\n\n");
        write_whole("csv");
        expect_written("n\n1\n2\n");
        write_whole("json");
        expect_written(
            "{\n \"who\": \"me\",\n \"sums\": {\n  \"yen\": 7\n },\n \"first\": [\n  {\n   \"n\": 1\n  },\n"
            "  {\n   \"n\": 2\n  }\n ],\n \"second\": [],\n \"third\": {\n  \"n\": 2\n }\n}\n");
}
END_TEST

/* Two wholes, of which the second has nothing in its second section. */
static void write_wholes(const char *format)
{
        static const struct output_section sections[] = {{NULL, "", OUTPUT_ONE, number, 1, 0, NULL},
                                                         {"rows", "Rows", OUTPUT_ROWS, number, 1, 0, NULL}};
        static const char *const one[] = {"1"}, *const two[] = {"2"};
        struct output *output;

        give(format);
        output = output_open_whole(&invocation);
        ck_assert_ptr_nonnull(output);
        ck_assert(output_begin(output, &sections[0]) && output_row(output, one));
        ck_assert(output_begin(output, &sections[1]) && output_row(output, two));
        ck_assert(output_next_whole(output));
        ck_assert(output_begin(output, &sections[0]) && output_row(output, two));
        ck_assert(output_begin(output, &sections[1]));
        ck_assert(output_close(output));
}

START_TEST(several_wholes_follow_each_other_or_are_an_array)
{
        write_wholes("table");
        expect_written("n     1\n\n\nRows\nn\n2\n\nn     2\n\n");
        write_wholes("json");
        expect_written("[\n {\n  \"n\": 1,\n  \"rows\": [\n   {\n    \"n\": 2\n   }\n  ]\n },\n"
                       " {\n  \"n\": 2,\n  \"rows\": []\n }\n]\n");
}
END_TEST

/* The file of remarks beside the one that was written. */
static void expect_beside(const char *text)
{
        char name[512], read[512];
        size_t length;
        FILE *file;

        snprintf(name, sizeof(name), "%s.remarks", path);
        file = fopen(name, "r");
        ck_assert_ptr_nonnull(file);
        length = fread(read, 1, sizeof(read) - 1, file);
        read[length] = '\0';
        fclose(file);
        unlink(name);
        ck_assert_str_eq(read, text);
}

static void write_head(struct output *output, void *context)
{
        (void)context;
        output_head(output, &(struct output_head){.title = "A report",
                                                  .subtitle = "3Q16",
                                                  .period = "3Q16",
                                                  .publisher = "Somebody",
                                                  .issued = "2017-01-20",
                                                  .is_provisional = true});
        output_remark(output, "what must be known");
}

static bool write_report(struct output *output, void *context)
{
        static const struct output_column both[] = {
            {"shown", OUTPUT_FIGURE, OUTPUT_ONLY_TABLE},
            {"of.exact", OUTPUT_QUANTITY, OUTPUT_NOT_TABLE | OUTPUT_MEMBER}};
        static const struct output_section section = {"rows", NULL, OUTPUT_ROWS, both, LENGTH(both), 0, NULL};

        (void)context;
        return output_begin(output, &section) && output_row(output, (const char *const[]){"0.1", "100000"}) &&
               output_row(output, (const char *const[]){"+5.1%", "5.1"});
}

START_TEST(a_report_has_one_figure_for_people_and_another_for_programs)
{
        static const struct output_report report = {.head = write_head, .rows = write_report};

        give("table");
        ck_assert(output_write_report(&invocation, &report, NULL));
        expect_written("what must be known\n\nshown\n  0.1\n+5.1%\n");
        give("csv");
        ck_assert(output_write_report(&invocation, &report, NULL));
        expect_written("exact\n100000\n5.1\n");
        expect_beside("what must be known\n");
        give("json");
        ck_assert(output_write_report(&invocation, &report, NULL));
        expect_written(
            "{\n \"title\": \"A report\",\n \"period\": \"3Q16\",\n \"publisher\": \"Somebody\",\n "
            "\"issued\": "
            "\"2017-01-20\",\n \"provisional\": true,\n \"remarks\": [\n  \"what must be known\"\n ],\n "
            "\"rows\": [\n"
            "  {\n   \"of\": {\n    \"exact\": 100000\n   }\n  },\n  {\n   \"of\": {\n    \"exact\": "
            "5.1\n   }\n  }\n ]\n}\n");
}
END_TEST

START_TEST(only_csv_holds_one_table_alone)
{
        static const char *const formats[] = {"table", "expanded", "json"};

        for (size_t i = 0; i < LENGTH(formats); i++) {
                give(formats[i]);
                ck_assert(output_holds_sections(&invocation));
        }
        give("csv");
        ck_assert(!output_holds_sections(&invocation));
}
END_TEST

START_TEST(what_is_abandoned_leaves_the_file_as_it_was)
{
        struct output *output;

        write_table("csv", 0);
        give("csv");
        output = output_open(&invocation, OUTPUT_ROWS, number, 1);
        ck_assert_ptr_nonnull(output);
        ck_assert(output_row(output, (const char *const[]){"1"}));
        output_abandon(output);
        expect_written("key,yen,percent,open\n");
}
END_TEST

START_TEST(a_file_that_is_replaced_stays_as_private_as_it_was)
{
        struct stat status;

        ck_assert_int_eq(chmod(path, 0640), 0);
        write_table("csv", 2);
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 0777, 0640);
}
END_TEST

/* Workbooks --------------------------------------------------------------------------------------------- */

/* A part of the workbook that was written, unpacked by another program. */
static const char *part_of(const char *part)
{
        static char text[65536];
        char line[512];
        size_t length;
        FILE *pipe;

        snprintf(line, sizeof(line),
                 "perl -MIO::Uncompress::Unzip -e '$z = IO::Uncompress::Unzip->new($ARGV[0], Name => "
                 "$ARGV[1]) or exit 1; "
                 "print while <$z>' %s %s",
                 path, part);
        pipe = popen(line, "r");
        ck_assert_ptr_nonnull(pipe);
        length = fread(text, 1, sizeof(text) - 1, pipe);
        text[length] = '\0';
        pclose(pipe);
        return text;
}

static void expect_part(const char *part, const char *const *pieces, size_t count)
{
        const char *text = part_of(part);

        for (size_t i = 0; i < count; i++)
                ck_assert_msg(strstr(text, pieces[i]), "%s has no %s: %s", part, pieces[i], text);
}

START_TEST(numbers_of_a_workbook_are_numbers_under_frozen_headings)
{
        static const char *const cells[] = {("<pane xSplit=\"1\" ySplit=\"3\" topLeftCell=\"B4\" "
                                             "activePane=\"bottomRight\" state=\"frozen\"/>"),
                                            "<v>1234567</v>", "<v>-3.5</v>", "<v>-123456.75</v>"};
        static const char *const texts[] = {"<t>a test</t>", "<t>Name</t>", "<t>a,\"b\"</t>", "<t>-</t>",
                                            "<t>Total</t>"};
        static const char *const formats[] = {"formatCode=\"#,##0\"", "formatCode=\"#,##0.0\""};

        write_table("xlsx", 2);
        expect_part("xl/worksheets/sheet1.xml", cells, LENGTH(cells));
        expect_part("xl/sharedStrings.xml", texts, LENGTH(texts));
        expect_part("xl/styles.xml", formats, LENGTH(formats));
}
END_TEST

START_TEST(a_workbook_has_a_sheet_for_each_section_and_whole_yen_that_are_shown_as_millions)
{
        static const struct output_report report = {.head = write_head, .rows = write_report};
        static const char *const sheets[] = {"<sheet name=\"The first\"", "<sheet name=\"The third\"",
                                             "<sheet name=\"For people\""};
        static const char *const cells[] = {"<v>100000</v>", "<v>0.051"};
        static const char *const formats[] = {"formatCode=\"#,##0.0,,\"", "formatCode=\"+0.0%;-0.0%;0.0%\""};
        static const char *const remarks[] = {"<t>what must be known</t>",
                                              "<t>Somebody, issued 2017-01-20, PROVISIONAL</t>"};

        write_whole("xlsx");
        expect_part("xl/workbook.xml", sheets, LENGTH(sheets));
        ck_assert_ptr_null(strstr(part_of("xl/workbook.xml"), "The second"));
        give("xlsx");
        ck_assert(output_write_report(&invocation, &report, NULL));
        expect_part("xl/worksheets/sheet1.xml", cells, LENGTH(cells));
        expect_part("xl/styles.xml", formats, LENGTH(formats));
        expect_part("xl/sharedStrings.xml", remarks, LENGTH(remarks));
}
END_TEST

/* As many as a list of notices has, each of them whole; made where the path of temporary files is long. */
START_TEST(a_workbook_has_as_many_sheets_as_there_are_sections)
{
        static const struct output_section section = {NULL, "", OUTPUT_ONE, number, 1, OUTPUT_ONLY_TABLE,
                                                      NULL};
        static const char *const last[] = {"<sheet name=\"Sheet40\""};
        enum { SECTIONS = 40 };
        char folder[] = "/tmp/test_output.XXXXXX", long_path[sizeof(folder) + 2 * SECTIONS];
        struct output *output;

        ck_assert_ptr_nonnull(mkdtemp(folder));
        strcpy(long_path, folder);
        for (int i = 0; i < SECTIONS; i++)
                strcat(long_path, "/.");
        setenv("TMPDIR", long_path, 1);
        give("xlsx");
        output = output_open_whole(&invocation);
        ck_assert_ptr_nonnull(output);
        for (int i = 0; i < SECTIONS; i++)
                ck_assert(output_begin(output, &section) && output_row(output, (const char *const[]){"7"}));
        ck_assert(output_close(output));
        unsetenv("TMPDIR");
        ck_assert_int_eq(rmdir(folder), 0); /* and nothing is left in it */
        expect_part("xl/workbook.xml", last, LENGTH(last));
}
END_TEST

/* The suffix of a file ---------------------------------------------------------------------------------- */

START_TEST(a_files_suffix_is_its_format)
{
        static const struct {
                const char *path, *suffix, *format;
        } rows[] = {{"x.pdf", "pdf", "pdf"},   {"a.b/x.XLSX", "XLSX", "xlsx"},
                    {"x.htm", "htm", "html"},  {"x.y.csv", "csv", "csv"},
                    {"x.txt", "txt", "table"}, {"x.doc", "doc", NULL},
                    {"a.b/x", NULL, NULL},     {".csv", NULL, NULL},
                    {".", NULL, NULL},         {"/dev/stdout", NULL, NULL},
                    {"x.", NULL, NULL}};

        for (size_t i = 0; i < LENGTH(rows); i++) {
                const char *suffix = suffix_of(rows[i].path);

                ck_assert_pstr_eq(suffix, rows[i].suffix);
                ck_assert_pstr_eq(suffix ? suffix_format(suffix) : NULL, rows[i].format);
                ck_assert(!rows[i].format || suffix_suits(suffix, rows[i].format));
        }
        ck_assert(suffix_suits("txt", "expanded") && !suffix_suits("csv", "json"));
        ck_assert_str_eq(suffix_for("html"), "html");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("output");
        TCase *tests = tcase_create("output");

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, programs_get_rows_without_names_and_totals_people_without_what_is_for_programs);
        tcase_add_test(tests, json_has_each_digit_of_a_decimal);
        tcase_add_test(tests, nothing_written_turns_or_steers_what_stands_around_it);
        tcase_add_loop_test(tests, a_list_has_the_columns_that_are_asked_for_and_is_sorted, 0,
                            LENGTH(arranged));
        tcase_add_test(tests, quarters_are_sorted_by_time_and_decimals_by_size);
        tcase_add_test(tests, words_for_an_age_are_sorted_by_how_long_it_is);
        tcase_add_test(tests, a_column_that_there_is_not_is_refused);
        tcase_add_test(tests, no_rows_are_nothing_to_people_and_an_empty_list_to_programs);
        tcase_add_test(tests, a_whole_is_tables_under_their_headings_or_one_value_or_its_first_section);
        tcase_add_test(tests, several_wholes_follow_each_other_or_are_an_array);
        tcase_add_test(tests, a_report_has_one_figure_for_people_and_another_for_programs);
        tcase_add_test(tests, only_csv_holds_one_table_alone);
        tcase_add_test(tests, what_is_abandoned_leaves_the_file_as_it_was);
        tcase_add_test(tests, a_file_that_is_replaced_stays_as_private_as_it_was);
        tcase_add_test(tests, numbers_of_a_workbook_are_numbers_under_frozen_headings);
        tcase_add_test(tests,
                       a_workbook_has_a_sheet_for_each_section_and_whole_yen_that_are_shown_as_millions);
        tcase_add_test(tests, a_workbook_has_as_many_sheets_as_there_are_sections);
        tcase_add_test(tests, a_files_suffix_is_its_format);
        tcase_set_timeout(tests, 60); /* another program unpacks workbooks */
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
