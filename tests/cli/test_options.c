/* Protects lib/cli: words become values as the rows say, and whatever is wrong names the option, what was
 * given and what was expected; help and man pages show each row. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/address.h"
#include "lib/cli/help.h"
#include "lib/cli/values.h"
#include "tests/suite.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static const char *hall, *file;
static bool dry;
static int64_t seed, debt, often;
static double rate, weight;
static struct span pause;
static struct address address;
static char gathered[64];

static bool take_gather(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        if (strlen(gathered) + strlen(value->text) + 2 > sizeof(gathered))
                return option_refuse(value, error, "fewer");
        strcat(strcat(gathered, value->text), value->of_variable ? "$" : ".");
        return !strcmp(value->context, "context");
}

static const struct option_row rows[] = {
    {.text = "What:"},
    {.name = "hall",
     .value = "HALL",
     .text = "which",
     .take = option_take_text,
     .target = &hall,
     .flags = OPTION_POSITIONAL},
    {.name = "file",
     .letter = 'f',
     .value = "FILE",
     .text = "where it is",
     .take = option_take_text,
     .target = &file,
     .variable = "TEST_FILE",
     .flags = OPTION_REQUIRED},
    {.name = "dry_run",
     .letter = 'd',
     .text = "do nothing",
     .take = option_take_flag,
     .target = &dry,
     .flags = OPTION_ONCE},
    {.name = "seed",
     .value = "S",
     .text = "of chance",
     .take = option_take_number,
     .target = &seed,
     .maximum = 100,
     .fallback = "1"},
    {.name = "debt",
     .value = "YEN",
     .text = "owed",
     .take = option_take_number,
     .target = &debt,
     .minimum = -5,
     .maximum = 5},
    {.name = "rate", .value = "R", .text = "share", .take = option_take_rate, .target = &rate},
    {.name = "weight", .value = "W", .text = "of it", .take = option_take_decimal, .target = &weight},
    {.name = "pause-ms", .value = "A-B", .text = "between", .take = option_take_span, .target = &pause},
    {.name = "listen",
     .value = "HOST:PORT",
     .text = "at",
     .take = option_take_address,
     .target = &address,
     .minimum = 1},
    {.name = "add",
     .value = "NAME",
     .text = "more",
     .take = take_gather,
     .variable = "TEST_ADD",
     .expected = "a name"},
    {.name = "all", .value = "NAME", .text = "many", .take = take_gather, .flags = OPTION_SEVERAL},
    {.name = "watch",
     .value = "SECONDS",
     .text = "again",
     .take = option_take_number,
     .target = &often,
     .minimum = 1,
     .maximum = 9,
     .fallback = "2",
     .flags = OPTION_MAYBE},
    OPTION_VERSION,
};

static char error[OPTIONS_ERROR_MAX];

static void setup(void)
{
        hall = file = NULL;
        dry = false;
        seed = debt = often = 0;
        rate = weight = 0;
        pause = (struct span){0, 0};
        *gathered = *error = '\0';
        unsetenv("TEST_FILE");
        unsetenv("TEST_ADD");
}

/* Words are cut at blanks. */
static enum options_result parse(const char *text)
{
        static char copy[256], context[] = "context", *words[32];
        int count = 0;
        snprintf(copy, sizeof(copy), "%s", text);
        for (char *at = strtok(copy, " "); at; at = strtok(NULL, " "))
                words[count++] = at;
        words[count] = NULL;
        return options_parse(rows, COUNT(rows), context, count, words, error);
}

START_TEST(words_become_values)
{
        ck_assert_msg(
            parse("H1 --file a --seed=7 --debt -5 --rate 0.25 --weight 3.5 --pause-ms 5-50 --listen [::1]:80 "
                  "--dry-run") == OPTIONS_GOOD,
            "%s", error);
        ck_assert_str_eq(hall, "H1");
        ck_assert_str_eq(file, "a");
        ck_assert(dry && seed == 7 && debt == -5 && rate == 0.25 && weight == 3.5);
        ck_assert(pause.from_ms == 5 && pause.to_ms == 50);
        ck_assert_str_eq(address.host, "::1");
        ck_assert_uint_eq(address.port, 80);
}
END_TEST

START_TEST(letters_underscores_and_the_last_of_several_are_taken)
{
        ck_assert_msg(parse("-f a -fb --pause_ms 9 -d") == OPTIONS_GOOD, "%s", error);
        ck_assert_str_eq(file, "b");
        ck_assert(dry && pause.from_ms == 9 && pause.to_ms == 9);
        ck_assert_msg(parse("--file - --all a b c --add=d --all e - --seed 3") == OPTIONS_GOOD, "%s", error);
        ck_assert_str_eq(file, "-");
        ck_assert_str_eq(gathered, "a.b.c.d.e.-.");
        *gathered = '\0';
        ck_assert_msg(parse("--all a -x -f c") == OPTIONS_GOOD, "%s", error);
        ck_assert_str_eq(gathered, "a.-x."); /* no letter of an option */
        ck_assert_str_eq(file, "c");
}
END_TEST

START_TEST(a_value_that_may_be_left_out_has_another)
{
        ck_assert_msg(parse("--watch --file a") == OPTIONS_GOOD, "%s", error);
        ck_assert_int_eq(often, 2);
        ck_assert_msg(parse("--file a --watch") == OPTIONS_GOOD, "%s", error);
        ck_assert_int_eq(often, 2);
        ck_assert_msg(parse("--watch 5 --file a") == OPTIONS_GOOD, "%s", error);
        ck_assert_int_eq(often, 5);
        ck_assert_msg(parse("--watch=7 --file a") == OPTIONS_GOOD, "%s", error);
        ck_assert_int_eq(often, 7);
}
END_TEST

START_TEST(words_without_a_name_may_be_several)
{
        static const struct option_row several[] = {
            {.name = "hall",
             .value = "HALL",
             .take = option_take_text,
             .target = &hall,
             .flags = OPTION_POSITIONAL},
            {.name = "rest",
             .value = "NAME",
             .take = take_gather,
             .flags = OPTION_POSITIONAL | OPTION_SEVERAL},
            {.name = "seed", .value = "N", .take = option_take_number, .target = &seed, .maximum = 9},
        };
        char one[] = "H1", two[] = "a", three[] = "--seed", four[] = "7", five[] = "b", context[] = "context";
        char *words[] = {one, two, three, four, five, NULL};

        ck_assert_msg(options_parse(several, COUNT(several), context, 5, words, error) == OPTIONS_GOOD, "%s",
                      error);
        ck_assert_str_eq(hall, "H1");
        ck_assert_int_eq(seed, 7);
        ck_assert_str_eq(gathered, "a.b.");
}
END_TEST

START_TEST(variables_fill_what_is_not_given)
{
        setenv("TEST_FILE", "v", 1);
        setenv("TEST_ADD", "w", 1);
        ck_assert_int_eq(parse("--add x"), OPTIONS_GOOD);
        ck_assert_str_eq(file, "v");
        ck_assert_str_eq(gathered, "x.");
        ck_assert_int_eq(parse("--file f"), OPTIONS_GOOD);
        ck_assert_str_eq(file, "f");
        ck_assert_str_eq(gathered, "x.w$");
        setenv("TEST_FILE", "", 1);
        ck_assert_int_eq(parse(""), OPTIONS_USAGE);
}
END_TEST

START_TEST(help_and_version_go_before_all)
{
        ck_assert_int_eq(parse("--colour --help"), OPTIONS_HELP);
        ck_assert_int_eq(parse("--colour -h"), OPTIONS_HELP);
        ck_assert_int_eq(parse("--colour --version"), OPTIONS_VERSION);
}
END_TEST

static const struct {
        const char *words, *says;
} wrong[] = {
    {"", "--file is missing: expected FILE, or the variable TEST_FILE"},
    {"--file", "--file: expected FILE"},
    {"-f", "-f: expected FILE"},
    {"--file=", "--file: '': expected FILE"},
    {"--add", "--add: expected a name"},
    {"--colour red", "unknown option --colour"},
    {"--fiel a", "unknown option --fiel: did you mean --file?"},
    {"--weigth=1", "unknown option --weigth: did you mean --weight?"},
    {"--dryrun", "unknown option --dryrun: did you mean --dry-run?"},
    {"--list", "unknown option --list: did you mean --listen?"}, /* its beginning */
    {"--hal", "unknown option --hal"},                           /* which is no option */
    {"--watch 0", "--watch: '0': expected a whole number from 1 to 9"},
    {"H1 -x", "unknown option -x"},
    {"H1 -xf", "unknown option -xf"},
    {"H1 --", "unknown option --"},
    {"H1 -", "'-' is one word too many"},
    {"H1 H2", "'H2' is one word too many"},
    {"H1 9900010000000002", "'990001******0002' is one word too many"}, /* a card number in the wrong place */
    {"H1 --9900010000000002", "unknown option --990001******0002"},
    {"H1 --9900010000000002=1", "unknown option --990001******0002"},
    {"H1 -9900010000000002", "unknown option -990001******0002"},
    {"--dry-run=yes", "--dry-run takes no value"},
    {"-dx", "-d takes no value"},
    {"--dry-run --dry_run", "--dry-run is given twice"},
    {"--seed 101", "--seed: '101': expected a whole number from 0 to 100"},
    {"--seed -1", "--seed: '-1': expected a whole number from 0 to 100"},
    {"--seed 1x", "--seed: '1x': expected"},
    {"--seed 99999999999999999999", "--seed: '99999999999999999999': expected"},
    {"--debt +5", "--debt: '+5': expected a whole number from -5 to 5"},
    {"--debt -", "--debt: '-': expected"},
    {"--rate 1.5", "--rate: '1.5': expected a rate from 0 to 1"},
    {"--rate 1e-3", "--rate: '1e-3': expected"},
    {"--rate 0.1.2", "--rate: '0.1.2': expected"},
    {"--weight -1", "--weight: '-1': expected a number from 0 to 1000000000"},
    {"--weight 1000000001", "--weight: '1000000001': expected a number from 0 to 1000000000"},
    {"--pause-ms 9-5", "--pause-ms: '9-5': expected milliseconds A-B"},
    {"--pause-ms 5-", "--pause-ms: '5-': expected"},
    {"--pause-ms 3600001", "--pause-ms: '3600001': expected"},
    {"--listen localhost:0", "--listen: 'localhost:0': expected HOST:PORT"},
    {"--listen ::1:80", "--listen: '::1:80': expected HOST:PORT"},
};

START_TEST(what_is_wrong_is_named)
{
        ck_assert_int_eq(parse(wrong[_i].words), OPTIONS_USAGE);
        ck_assert_msg(!strncmp(error, wrong[_i].says, strlen(wrong[_i].says)), "wanted \"%s\", got \"%s\"",
                      wrong[_i].says, error);
}
END_TEST

/* What print writes, in static room. */
static const char *printed(void (*print)(FILE *stream, const struct option_row *rows, size_t count))
{
        static char text[8192];
        FILE *stream = fmemopen(text, sizeof(text), "w");
        ck_assert_ptr_nonnull(stream);
        print(stream, rows, COUNT(rows));
        fclose(stream);
        return text;
}

static const char *const help_lines[] = {
    "What:\n",
    "  HALL                        which\n",
    "  -f, --file FILE             where it is ($TEST_FILE)\n",
    "  -d, --dry-run               do nothing\n",
    "      --seed S                of chance (1)\n",
    "      --add NAME              more: a name ($TEST_ADD)\n",
    "      --watch [SECONDS]       again (2)\n",
    "      --all NAME              many; several may follow\n",
};
static const char *const manual_lines[] = {
    "What:\n\n",
    "*-f*, *--file* _FILE_\n\twhere it is ($TEST\\_FILE)\n\n",
    "*--watch* \\[_SECONDS_]\n\tagain (2)\n\n",
    "*--pause-ms* _A-B_\n\tbetween\n\n",
};

START_TEST(help_and_man_pages_show_each_row)
{
        for (int i = 0; i < COUNT(help_lines); i++)
                ck_assert_msg(strstr(printed(help_rows), help_lines[i]), "%s", help_lines[i]);
        for (int i = 0; i < COUNT(manual_lines); i++)
                ck_assert_msg(strstr(printed(manual_rows), manual_lines[i]), "%s", manual_lines[i]);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("options");
        TCase *tcase = tcase_create("options");
        tcase_add_checked_fixture(tcase, setup, NULL);
        tcase_add_test(tcase, words_become_values);
        tcase_add_test(tcase, letters_underscores_and_the_last_of_several_are_taken);
        tcase_add_test(tcase, a_value_that_may_be_left_out_has_another);
        tcase_add_test(tcase, words_without_a_name_may_be_several);
        tcase_add_test(tcase, variables_fill_what_is_not_given);
        tcase_add_test(tcase, help_and_version_go_before_all);
        tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, COUNT(wrong));
        tcase_add_test(tcase, help_and_man_pages_show_each_row);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
