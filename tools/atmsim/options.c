/* Words are matched whole ("--seed 7" or "--seed=7"); a wrong one is named with what is expected. */
#include "tools/atmsim/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"

enum { ERROR_MAX = 512, TEXT_COLUMN = 26, WIDTH = 100, ROWS_MAX = 64 };

/* help -------------------------------------------------------------------------------------------- */

/* Text in the right column, broken at blanks. */
static void print_wrapped(const char *text)
{
        size_t room = WIDTH - TEXT_COLUMN;

        while (strlen(text) > room) {
                size_t cut = room;

                while (cut > 0 && text[cut] != ' ')
                        cut--;
                if (cut == 0)
                        break;
                printf("%.*s\n%*s", (int)cut, text, TEXT_COLUMN, "");
                text += cut + 1;
        }
        printf("%s", text);
}

static void print_row(const struct option_row *row)
{
        char left[64];

        if (!row->name) {
                printf("\n%s\n", row->text);
                return;
        }
        snprintf(left, sizeof(left), "  --%s%s%s", row->name, row->argument ? " " : "",
                 row->argument ? row->argument : "");
        printf("%-*s", TEXT_COLUMN, left);
        if (strlen(left) >= TEXT_COLUMN)
                printf("\n%*s", TEXT_COLUMN, "");
        print_wrapped(row->text);
        if (row->variable)
                printf("\n%*s($%s)", TEXT_COLUMN, "", row->variable);
        printf("\n");
}

static void print_help(const struct command *command)
{
        printf("%s\n\n%s", command->synopsis, command->about);
        for (size_t i = 0; i < command->count; i++)
                print_row(&command->rows[i]);
        printf("\nExit codes: 0 done, 1 failed, 2 wrong usage.\n");
}

/* Characters that mean something to scdoc get a backslash. */
static void print_escaped(const char *text)
{
        for (; *text; text++) {
                if (strchr("_*\\<[#", *text))
                        putchar('\\');
                putchar(*text);
        }
}

void options_print_manual(const struct command *command)
{
        printf("# ATMSIM %s\n\n", command->name);
        print_escaped(command->about);
        putchar('\n');
        for (size_t i = 0; i < command->count; i++) {
                const struct option_row *row = &command->rows[i];

                if (!row->name) {
                        print_escaped(row->text);
                        fputs("\n\n", stdout);
                        continue;
                }
                printf("*--%s*", row->name);
                if (row->argument) {
                        putchar(' ');
                        print_escaped(row->argument);
                }
                fputs("\n\t", stdout);
                print_escaped(row->text);
                if (row->variable) {
                        fputs(" ($", stdout);
                        print_escaped(row->variable);
                        putchar(')');
                }
                fputs("\n\n", stdout);
        }
}

/* values ------------------------------------------------------------------------------------------ */

static bool number_of(const char *text, int64_t *ret_value)
{
        char *end;

        errno = 0;
        *ret_value = strtoll(text, &end, 10);
        return *text && !*end && errno == 0;
}

static bool decimal_of(const char *text, double *ret_value)
{
        char *end;

        if (!*text || strspn(text, "0123456789.") != strlen(text))
                return false;
        *ret_value = strtod(text, &end);
        return !*end;
}

static bool take_value(const struct option_row *row, const char *value, char *error)
{
        int64_t number;
        double decimal;

        switch (row->type) {
        case OPTION_FLAG:
                *(bool *)row->target = true;
                return true;
        case OPTION_NUMBER:
                if (!number_of(value, &number) || number < row->minimum || number > row->maximum) {
                        snprintf(error, ERROR_MAX, "a whole number from %lld to %lld is expected",
                                 (long long)row->minimum, (long long)row->maximum);
                        return false;
                }
                *(int64_t *)row->target = number;
                return true;
        case OPTION_RATE:
        case OPTION_DECIMAL:
                if (!decimal_of(value, &decimal) || (row->type == OPTION_RATE && decimal > 1)) {
                        snprintf(error, ERROR_MAX, "%s is expected",
                                 row->type == OPTION_RATE ? "a rate from 0 to 1" : "a number of 0 or more");
                        return false;
                }
                *(double *)row->target = decimal;
                return true;
        case OPTION_TEXT:
                if (!*value) {
                        snprintf(error, ERROR_MAX, "it must not be empty");
                        return false;
                }
                *(const char **)row->target = value;
                return true;
        case OPTION_MOMENT:
                if (!calendar_parse_moment(value, row->target)) {
                        snprintf(error, ERROR_MAX,
                                 "a moment such as 2016-12-29T08:00 (Japan time) is expected");
                        return false;
                }
                return true;
        case OPTION_OTHER:
                return row->take(value, error, ERROR_MAX);
        }
        return false;
}

static const struct option_row *find_row(const struct command *command, const char *name, size_t length)
{
        for (size_t i = 0; i < command->count; i++)
                if (command->rows[i].name && strlen(command->rows[i].name) == length &&
                    !memcmp(command->rows[i].name, name, length))
                        return &command->rows[i];
        return NULL;
}

static int usage(const struct command *command, const char *word, const char *why)
{
        fprintf(stderr, "atmsim %s: %s: %s\nTry 'atmsim %s --help'.\n", command->name, word, why,
                command->name);
        return EXIT_USAGE;
}

/* One option with its argument; *at moves over both. */
static int take_option(const struct command *command, int count, char **words, int *at, bool given[ROWS_MAX])
{
        const char *word = words[*at], *value = "";
        char error[ERROR_MAX];
        const struct option_row *row;
        size_t length;

        if (strncmp(word, "--", 2))
                return usage(command, word, "an option that begins with -- is expected");
        length = strcspn(word + 2, "=");
        row = find_row(command, word + 2, length);
        if (!row)
                return usage(command, word, "there is no such option");
        if (word[2 + length] == '=' && !row->argument)
                return usage(command, word, "this option takes no value");
        if (word[2 + length] == '=') {
                value = word + 2 + length + 1;
        } else if (row->argument) {
                if (*at + 1 >= count)
                        return usage(command, word, "a value is expected after it");
                value = words[++*at];
        }
        if (!take_value(row, value, error))
                return usage(command, word, error);
        given[row - command->rows] = true;
        ++*at;
        return EXIT_DONE;
}

int options_take(const struct command *command, int count, char **words)
{
        bool given[ROWS_MAX] = {false};
        char error[ERROR_MAX];
        int at = 0, result;

        for (int i = 0; i < count; i++) {
                if (!strcmp(words[i], "--help")) {
                        print_help(command);
                        return EXIT_FAILED;
                }
        }
        while (at < count) {
                result = take_option(command, count, words, &at, given);
                if (result != EXIT_DONE)
                        return result;
        }
        for (size_t i = 0; i < command->count; i++) {
                const struct option_row *row = &command->rows[i];
                const char *value = row->variable && !given[i] ? getenv(row->variable) : NULL;

                if (value && !take_value(row, value, error))
                        return usage(command, row->variable, error);
                if (row->mandatory && !given[i] && !value) {
                        fprintf(stderr, "atmsim %s: --%s is missing%s%s%s\nTry 'atmsim %s --help'.\n",
                                command->name, row->name, row->variable ? "; it is usually taken from $" : "",
                                row->variable ? row->variable : "",
                                row->variable ? ", which a laboratory's lab.env sets" : "", command->name);
                        return EXIT_USAGE;
                }
        }
        return EXIT_DONE;
}

bool options_clock(struct business_clock *ret_clock)
{
        static const char *const names[3] = {"ATM_CLOCK_START_MS", "ATM_CLOCK_ANCHOR_MS", "ATM_CLOCK_SPEED"};
        int64_t value[3];
        int set = 0;

        for (int i = 0; i < 3; i++) {
                const char *text = getenv(names[i]);

                set += text != NULL;
                if (text &&
                    (!number_of(text, &value[i]) || (i == 2 && (value[i] < 1 || value[i] > INT32_MAX)))) {
                        fprintf(stderr, "atmsim: %s '%s': a whole number%s is expected\n", names[i], text,
                                i == 2 ? " of 1 or more" : " of milliseconds since 1970");
                        return false;
                }
        }
        if (set == 0) {
                *ret_clock = clock_real;
                return true;
        }
        if (set < 3) {
                fprintf(stderr, "atmsim: %s, %s and %s belong together: set all or none\n", names[0],
                        names[1], names[2]);
                return false;
        }
        *ret_clock =
            (struct business_clock){.start_ms = value[0], .anchor_ms = value[1], .speed = (int32_t)value[2]};
        return true;
}
