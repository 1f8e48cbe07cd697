/* Protects tools/atmctl/commands.c: every command of the table is whole, found by the words that people use, explained and completed. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/plural.h"
#include "tests/suite.h"
#include "tools/atmctl/commands.h"
#include "tools/atmctl/completion.h"
#include "tools/atmctl/help.h"

typedef void look_at(const struct command *command);

static void each(look_at *look)
{
        for (const struct command_group *const *group = commands_groups(); *group; group++) {
                for (size_t i = 0; i < (*group)->count; i++)
                        look(&(*group)->commands[i]);
        }
}

static bool has_option(const struct command *command, const char *name)
{
        struct option_row rows[OPTIONS_MAX];
        size_t count = command_rows(command, rows);

        for (size_t i = 0; i < count; i++) {
                if (option_same_name(rows[i].name, name))
                        return true;
        }
        return false;
}

static void look_at_options(const struct command *command)
{
        struct option_row rows[OPTIONS_MAX];
        size_t count = command_rows(command, rows);

        for (size_t i = 0; i < count; i++) {
                ck_assert_msg(rows[i].text && *rows[i].text, "%s: %s", command_name(command), rows[i].name);
                for (size_t k = 0; k < i; k++) {
                        ck_assert_msg(!option_same_name(rows[i].name, rows[k].name), "%s: %s is there twice",
                                      command_name(command), rows[i].name);
                        ck_assert_msg(!rows[i].letter || rows[i].letter != rows[k].letter,
                                      "%s: -%c is there twice", command_name(command), rows[i].letter);
                }
        }
}

START_TEST(no_option_is_there_twice)
{
        each(look_at_options);
}
END_TEST

static void look_at_list(const struct command *command)
{
        bool is_list = command->verb && !strcmp(command->verb, "list");

        ck_assert_msg(!is_list || command->flags & COMMAND_LIST, "%s is no list", command_name(command));
        ck_assert_msg(!(command->flags & COMMAND_LIST) == !(command->columns || command->shape == SHAPE_LIST),
                      "%s: its columns", command_name(command));
        ck_assert_msg(!(command->flags & COMMAND_WATCH) || command->flags & COMMAND_LIST, "%s",
                      command_name(command));
        ck_assert_msg(!(command->flags & COMMAND_LIST) ||
                          (has_option(command, "columns") && has_option(command, "sort") &&
                           has_option(command, "format")),
                      "%s can't be arranged", command_name(command));
}

START_TEST(every_list_is_arranged_alike)
{
        each(look_at_list);
}
END_TEST

/* Whose words stand in backoffice/pages; what else prints one of them is caught as it does (output_begin). */
static void look_at_language(const struct command *command)
{
        bool has_words = !strcmp(command->noun, "report") || !strcmp(command->noun, "period");

        ck_assert_msg(!has_words || has_option(command, "lang"), "%s speaks English alone",
                      command_name(command));
}

START_TEST(whatever_prints_words_of_reports_has_a_language)
{
        each(look_at_language);
}
END_TEST

static void look_for_itself(const struct command *command)
{
        char many[PLURAL_MAX];

        ck_assert_msg(commands_find(command->noun, command->verb) == command, "%s", command_name(command));
        ck_assert_msg(commands_find(plural_of(command->noun, many), command->verb) == command, "%s", many);
}

START_TEST(every_command_is_found_by_its_noun_in_either_number)
{
        static const struct {
                const char *noun, *verb, *found;
        } rows[] = {{"link", "ls", "link list"},         {"taxes", "ls", "tax list"},
                    {"prefixes", "list", "prefix list"}, {"hall", "get", "hall show"},
                    {"hours", "rm", "hours remove"},     {"clock", NULL, "clock"},
                    {"card", "get", "card show"},        {"withdrawals", "get", "withdrawal show"}};

        each(look_for_itself);
        for (size_t i = 0; i < LENGTH(rows); i++) {
                const struct command *command = commands_find(rows[i].noun, rows[i].verb);

                ck_assert_msg(command, "%s %s", rows[i].noun, rows[i].verb);
                ck_assert_str_eq(command_name(command), rows[i].found);
        }
        ck_assert_ptr_null(commands_find("halls", "lst"));
        ck_assert_ptr_null(commands_find("hal", "list"));
        ck_assert_ptr_null(commands_find("link", NULL));
}
END_TEST

static void write_bash(FILE *stream)
{
        completion_bash(stream, commands_groups());
}

static void write_zsh(FILE *stream)
{
        completion_zsh(stream, commands_groups());
}

static void write_all(FILE *stream)
{
        help_all(stream, commands_groups());
}

static char text[256 * 1024];

static void print(void (*write)(FILE *stream))
{
        FILE *stream = fmemopen(text, sizeof(text), "w");

        ck_assert_ptr_nonnull(stream);
        write(stream);
        ck_assert_int_eq(fclose(stream), 0);
}

static void look_in_text(const struct command *command)
{
        ck_assert_msg(strstr(text, command_name(command)), "%s is missing", command_name(command));
}

/* Every line by itself: what is quoted ends where it began. */
static void expect_quotes(void)
{
        for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
                size_t quotes = 0;

                for (const char *at = line; *at && *at != '\n'; at++)
                        quotes += *at == '\'' && (at == line || at[-1] != '\\');
                ck_assert_msg(line[0] == '#' || quotes % 2 == 0, "%.*s", (int)strcspn(line, "\n"), line);
        }
}

START_TEST(every_command_is_in_help_and_completed)
{
        print(write_all);
        each(look_in_text);
        print(write_bash);
        each(look_in_text);
        expect_quotes();
        print(write_zsh);
        each(look_in_text);
        expect_quotes();
        ck_assert_ptr_nonnull(
            strstr(text, "'hall list --format' | 'hall list -o') items=( table expanded csv"));
}
END_TEST

START_TEST(counts_have_their_plurals)
{
        static const struct {
                uint64_t count;
                const char *one, *counted;
        } rows[] = {{0, "withdrawal", "0 withdrawals"},
                    {1, "withdrawal", "1 withdrawal"},
                    {2, "withdrawal", "2 withdrawals"},
                    {2, "tax", "2 taxes"},
                    {3, "recovery", "3 recoveries"},
                    {3, "day", "3 days"},
                    {2, "hours", "2 hours"},
                    {2, "batch", "2 batches"}};
        char buffer[PLURAL_MAX];

        for (size_t i = 0; i < LENGTH(rows); i++)
                ck_assert_str_eq(plural_count(rows[i].count, rows[i].one, buffer), rows[i].counted);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("commands");
        TCase *tests = tcase_create("commands");

        tcase_add_test(tests, no_option_is_there_twice);
        tcase_add_test(tests, every_list_is_arranged_alike);
        tcase_add_test(tests, whatever_prints_words_of_reports_has_a_language);
        tcase_add_test(tests, every_command_is_found_by_its_noun_in_either_number);
        tcase_add_test(tests, every_command_is_in_help_and_completed);
        tcase_add_test(tests, counts_have_their_plurals);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
