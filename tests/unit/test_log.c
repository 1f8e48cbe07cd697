/* The log: nothing that a peer sends can forge a line, and nobody can flood it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "tests/suite.h"

static const struct {
        const char *value, *line;
} value_rows[] = {
    {"T0000001", "event=x key=T0000001"},
    {"", "event=x key=\"\""},
    {"two words", "event=x key=\"two words\""},
    {"a=b", "event=x key=\"a=b\""},
    {"say \"no\"", "event=x key=\"say \\\"no\\\"\""},
    {"back\\slash", "event=x key=\"back\\\\slash\""},
    {"line\nevent=forged", "event=x key=\"line\\x0aevent=forged\""},
    {"\x1b[2J", "event=x key=\"\\x1b[2J\""},
    {"\xe6\x97\xa5", "event=x key=\"\\xe6\\x97\\xa5\""},
    {"\x7f", "event=x key=\"\\x7f\""},
};

START_TEST(a_value_can_not_forge_a_line)
{
        char line[LOG_LINE_MAX];
        struct log_field field = LOG_TEXT("key", value_rows[_i].value);
        log_format(line, sizeof(line), "x", &field, 1);
        ck_assert_str_eq(line, value_rows[_i].line);
}
END_TEST

START_TEST(fields_follow_each_other)
{
        char line[LOG_LINE_MAX];
        struct log_field fields[] = {LOG_NUMBER("a", -5), LOG_TEXT("b", "c"), LOG_NUMBER("d", INT64_MAX)};
        log_format(line, sizeof(line), "some", fields, 3);
        ck_assert_str_eq(line, "event=some a=-5 b=c d=9223372036854775807");
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut_and_says_so)
{
        char long_text[300], line[400];
        memset(long_text, 'x', sizeof(long_text) - 1);
        long_text[sizeof(long_text) - 1] = '\0';
        for (size_t size = 32; size < sizeof(line); size++) {
                struct log_field fields[] = {LOG_TEXT("key", long_text), LOG_TEXT("more", "y")};
                memset(line, '#', sizeof(line));
                log_format(line, size, "x", fields, 2);
                ck_assert_uint_lt(strlen(line), size);
                ck_assert_int_eq(line[size], '#');
                bool whole = strlen(line) == strlen("event=x key= more=y") + strlen(long_text);
                ck_assert_msg(whole || !strcmp(line + strlen(line) - 3, "..."), "%s", line);
        }
}
END_TEST

START_TEST(one_place_writes_so_many_lines_a_second_and_no_more)
{
        static struct log_site site;
        int allowed = 0;
        log_open("stderr", "error", NULL);
        for (int i = 0; i < 10 * LOG_LINES_PER_SECOND; i++)
                allowed += log_allow(&site, "x");
        ck_assert_int_ge(allowed, LOG_LINES_PER_SECOND);
        ck_assert_int_le(allowed, 2 * LOG_LINES_PER_SECOND); /* a second may have ended meanwhile */
}
END_TEST

START_TEST(a_place_that_writes_on_and_on_has_less)
{
        static struct log_site site;
        int allowed = 0;
        log_open("stderr", "error", NULL);
        for (int i = 0; i < 10 * LOG_LINES_PER_MINUTE; i++) {
                allowed += log_allow(&site, "x");
                site.second = -1; /* the next one comes in another second */
        }
        ck_assert_int_ge(allowed, LOG_LINES_PER_MINUTE);
        ck_assert_int_le(allowed, 2 * LOG_LINES_PER_MINUTE); /* a minute may have ended meanwhile */
}
END_TEST

/* Also where nothing more comes from there. */
START_TEST(lines_that_were_left_out_are_told_in_the_end)
{
        static struct log_site site;
        char line[256] = "";
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        int standard = dup(STDERR_FILENO);
        log_open("stderr", "warning", NULL);
        while (log_allow(&site, "x"))
                ;
        dup2(ends[1], STDERR_FILENO);
        log_tell_dropped(true);
        dup2(standard, STDERR_FILENO);
        ck_assert_int_gt(read(ends[0], line, sizeof(line) - 1), 0);
        ck_assert_msg(strstr(line, "event=log_dropped of=x lines=1\n"), "%s", line);
        ck_assert_int_eq(site.dropped, 0);
}
END_TEST

START_TEST(lines_below_the_level_are_not_wanted)
{
        log_open("stderr", "warning", NULL);
        ck_assert(!log_wants(LEVEL_DEBUG) && !log_wants(LEVEL_INFO));
        ck_assert(log_wants(LEVEL_WARNING) && log_wants(LEVEL_ERROR));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("log");
        TCase *tcase = tcase_create("log");
        tcase_add_loop_test(tcase, a_value_can_not_forge_a_line, 0,
                            (int)(sizeof(value_rows) / sizeof(value_rows[0])));
        tcase_add_test(tcase, fields_follow_each_other);
        tcase_add_test(tcase, a_line_that_is_too_long_is_cut_and_says_so);
        tcase_add_test(tcase, one_place_writes_so_many_lines_a_second_and_no_more);
        tcase_add_test(tcase, a_place_that_writes_on_and_on_has_less);
        tcase_add_test(tcase, lines_that_were_left_out_are_told_in_the_end);
        tcase_add_test(tcase, lines_below_the_level_are_not_wanted);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
