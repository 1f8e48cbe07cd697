/* Ini files: what a line says, what is refused and where; the first error of the file is the one that is told. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/ini_file.h"
#include "tests/suite.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEN          "aaaaaaaaaa"
#define FORTY        TEN TEN TEN TEN
#define LINES        "not understood; expected [section], key = value, or a comment after # or ;"
#define INDENTED     "an indented line; expected [section] or key = value at its start"

/* What was told, as text: "[a]", "key=value@LINE", "+value@LINE" for more of the value above. */
static char told[1024];

static bool tell_section(void *context, const char *section)
{
        struct ini_file *file = context;
        if (strcmp(section, "bad") == 0)
                return ini_file_refuse(file, file->line, "[bad] is no section");
        snprintf(told + strlen(told), sizeof(told) - strlen(told), "[%s]", section);
        return true;
}

static bool tell_pair(void *context, const char *section, const char *key, const char *value)
{
        struct ini_file *file = context;
        ck_assert_ptr_nonnull(section);
        if (strcmp(key, "bad") == 0)
                return ini_file_refuse(file, file->line, "[%s] bad: unknown key", section);
        snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s%s%s@%d ", file->goes_on ? "+" : key,
                 file->goes_on ? "" : "=", value, file->line);
        return true;
}

static bool read_bytes(const char *bytes, size_t size, bool may_go_on, char error[256])
{
        struct ini_file file = {.path = "x",
                                .wanted = "a file",
                                .error = error,
                                .error_size = 256,
                                .on_section = tell_section,
                                .on_pair = tell_pair,
                                .context = &file,
                                .may_go_on = may_go_on};
        *told = *error = '\0';
        file.stream = fmemopen((void *)(uintptr_t)bytes, size, "r");
        ck_assert_ptr_nonnull(file.stream);
        bool good = ini_file_read(&file);
        ini_file_close(&file);
        return good;
}

static const struct {
        const char *text, *told;
} good[] = {
    {"[a]\nk = v\n", "[a]k=v@2 "},
    {"[a]\nk=v", "[a]k=v@2 "},
    {"\n# one\n; two\n[a]\n\nk =\tv w \n", "[a]k=v w@6 "},
    {"[a] ; comment\nk = v ; comment\n", "[a]k=v@2 "},
    {"[a] # comment\nk = v # none\n", "[a]k=v # none@2 "},
    {"[a]\nk = v;w\nl = ;\n", "[a]k=v;w@2 l=@3 "},
    {"[a]\nk = x = y : z\n", "[a]k=x = y : z@2 "},
    {"[a]\nk: x = y\nl : z\n", "[a]k=x = y@2 l=z@3 "},
    {"[a]\nk =\n", "[a]k=@2 "},
    {"[a]\r\nk = v\r\n", "[a]k=v@2 "},
    {"\xef\xbb\xbf[a]\nk = v\n", "[a]k=v@2 "},
    {"[a]\n[b c]\n[a]\nk = \xe4\xb8\xb8\n", "[a][b c][a]k=\xe4\xb8\xb8@4 "},
    {"   \n\t# indented comment\n[a]\nk = v\n  ; so is this\nl = w\n", "[a]k=v@4 l=w@6 "},
    {"[a]\n" FORTY "123456789 = v\n", "[a]" FORTY "123456789=v@2 "},
    {"[" FORTY "123456789]\nk = v\n", "[" FORTY "123456789]k=v@2 "},
};

START_TEST(each_line_is_told_with_its_number)
{
        char error[256];
        ck_assert_msg(read_bytes(good[_i].text, strlen(good[_i].text), false, error), "%s", error);
        ck_assert_str_eq(told, good[_i].told);
}
END_TEST

static const struct {
        const char *text, *error;
        size_t size; /* 0: to the text's end */
} bad[] = {
    {"[a]\nnonsense\n", "x:2: " LINES, 0},
    {"[a]\n: v\n", "x:2: " LINES, 0},
    {"[a]\nk ; = v\n", "x:2: " LINES, 0},
    {"[a]\n= v\n", "x:2: " LINES, 0},
    {"[a\nk = v\n", "x:1: " LINES, 0},
    {"[a ;]\nk = v\n", "x:1: " LINES, 0},
    {"[a] k = v\n", "x:1: text behind [section]; expected a line of its own for it", 0},
    {"k = v\n[a]\n", "x:1: key 'k' stands before any section; expected [section] first", 0},
    {"hunter 2 = v\n", "x:1: key '(not a word)' stands before any section; expected [section] first", 0},
    {"[a]\n k = v\n", "x:2: " INDENTED, 0},
    {"[a]\nk = v\n w\n", "x:3: " INDENTED, 0},
    {" [a]\n", "x:1: " INDENTED, 0},
    {"[a]\n" FORTY "1234567890 = v\n", "x:2: the key is longer than 49 characters", 0},
    {"[" FORTY "1234567890]\n", "x:1: the section's name is longer than 49 characters", 0},
    {"[a]\nk = " FORTY FORTY FORTY FORTY FORTY "\n", "x:2: the line is longer than 198 characters", 0},
    {"# " FORTY FORTY FORTY FORTY FORTY "\n[a]\n", "x:1: the line is longer than 198 characters", 0},
    {"[a]\nk = \0v\n", "x:2: a zero byte; expected text", sizeof("[a]\nk = \0v\n") - 1},
    {"[a]\n# \0\n", "x:2: a zero byte; expected text", sizeof("[a]\n# \0\n") - 1},
    {"[a]\n[bad]\nnonsense\n", "x:2: [bad] is no section", 0},
    {"[a]\nbad = v\nnonsense\n", "x:2: [a] bad: unknown key", 0},
    {"[a]\nnonsense\nbad = v\n", "x:2: " LINES, 0},
};

START_TEST(what_would_be_cut_joined_or_passed_over_is_refused_in_its_line)
{
        char error[256];
        size_t size = bad[_i].size ? bad[_i].size : strlen(bad[_i].text);
        ck_assert(!read_bytes(bad[_i].text, size, false, error));
        ck_assert_str_eq(error, bad[_i].error);
        ck_assert_ptr_null(strstr(told, "v@3")); /* nothing behind it is read */
}
END_TEST

START_TEST(the_longest_line_is_read_whole)
{
        char error[256], text[256] = "[a]\nk=";
        memset(text + 6, 'v', 196);
        strcpy(text + 202, "\nl=w\n");
        ck_assert_msg(read_bytes(text, strlen(text), false, error), "%s", error);
        ck_assert_uint_eq(strlen(told), strlen("[a]k=@2 l=w@3 ") + 196);
        strcpy(text + 202, "v\nl=w\n");
        ck_assert(!read_bytes(text, strlen(text), false, error));
        ck_assert_str_eq(error, "x:2: the line is longer than 198 characters");
}
END_TEST

static const struct {
        const char *text, *told, *error; /* error NULL: good */
} long_values[] = {
    {"[a]\nk = v\n w\n\n  x = y\nl = z\n", "[a]k=v@2 +w@3 +x = y@5 l=z@6 ", NULL},
    {"[a]\n k = v\n", "[a]k=v@2 ", NULL}, /* of no value */
    {"[a]\nk = v\n[b]\n l = w\n", "[a]k=v@2 [b]l=w@4 ", NULL},
    {"[a]\nk = v\n [b]\n", "[a]k=v@2 +[b]@3 ", NULL},
    {"[a]\n nonsense\n", "[a]", "x:2: " LINES},
    {"[a]\nk = " FORTY FORTY FORTY FORTY FORTY "\n", "[a]",
     "x:2: the line is longer than 198 characters; a long value may go on in indented lines"},
};

START_TEST(a_value_goes_on_in_indented_lines_where_it_may)
{
        char error[256];
        bool read = read_bytes(long_values[_i].text, strlen(long_values[_i].text), true, error);
        ck_assert_msg(read == !long_values[_i].error, "%s", error);
        ck_assert_str_eq(told, long_values[_i].told);
        ck_assert_str_eq(error, long_values[_i].error ? long_values[_i].error : "");
}
END_TEST

START_TEST(of_several_errors_the_first_of_the_file_is_kept)
{
        char error[256];
        struct ini_file file = {.path = "x", .error = error, .error_size = sizeof(error)};
        ck_assert(!ini_file_refuse(&file, INI_FILE_WHOLE, "%s is missing", "key"));
        ck_assert_str_eq(error, "x: key is missing");
        ini_file_refuse(&file, 7, "seven");
        ini_file_refuse(&file, 7, "seven again");
        ini_file_refuse(&file, 9, "nine");
        ini_file_refuse(&file, INI_FILE_WHOLE, "another is missing");
        ck_assert_str_eq(error, "x:7: seven");
        ini_file_refuse(&file, 3, "three");
        ck_assert_str_eq(error, "x:3: three");
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_or_read_is_named_with_what_was_expected)
{
        char error[256];
        struct ini_file file = {.path = "/no/such/file",
                                .wanted = "a configuration file",
                                .error = error,
                                .error_size = sizeof(error),
                                .on_pair = tell_pair,
                                .context = &file};
        ck_assert(!ini_file_open(&file));
        ck_assert_str_eq(error, "/no/such/file: No such file or directory; expected a configuration file");
        ini_file_close(&file);
        file.path = "/"; /* nor is a FIFO one: who opens it would wait for its writer */
        ck_assert(!ini_file_open(&file));
        ck_assert_str_eq(error, "/: not a file; expected a configuration file");
        ini_file_close(&file);
}
END_TEST

START_TEST(only_plain_words_are_shown)
{
        ck_assert_str_eq(ini_file_word("listen_port-2"), "listen_port-2");
        ck_assert_str_eq(ini_file_word(""), "(not a word)");
        ck_assert_str_eq(ini_file_word("pass word"), "(not a word)");
        ck_assert_str_eq(ini_file_word(FORTY), FORTY);
        ck_assert_str_eq(ini_file_word(FORTY "x"), "(not a word)");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("ini_file");
        TCase *tcase = tcase_create("ini_file");
        tcase_add_loop_test(tcase, each_line_is_told_with_its_number, 0, (int)COUNT(good));
        tcase_add_loop_test(tcase, what_would_be_cut_joined_or_passed_over_is_refused_in_its_line, 0,
                            (int)COUNT(bad));
        tcase_add_test(tcase, the_longest_line_is_read_whole);
        tcase_add_loop_test(tcase, a_value_goes_on_in_indented_lines_where_it_may, 0,
                            (int)COUNT(long_values));
        tcase_add_test(tcase, of_several_errors_the_first_of_the_file_is_kept);
        tcase_add_test(tcase, a_file_that_cannot_be_opened_or_read_is_named_with_what_was_expected);
        tcase_add_test(tcase, only_plain_words_are_shown);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
