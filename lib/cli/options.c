/* Words against rows; the first thing that is wrong ends it. */
#include "lib/cli/options.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digits.h"
#include "lib/base/nearest.h"

struct parse {
        const struct option_row *rows;
        size_t count;
        void *context;
        bool given[OPTIONS_ROWS_MAX];
        char **word; /* the next one; NULL ends them as it ends main's */
        char *error;
};

ATM_PRINTF(2, 3) static bool refuse(struct parse *parse, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(parse->error, OPTIONS_ERROR_MAX, format, arguments);
        va_end(arguments);
        return false;
}

static bool is_name(const char *a, const char *b, size_t length)
{
        for (; *a && length; a++, b++, length--) {
                if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
                        return false;
        }
        return !*a && !length;
}

bool option_same_name(const char *a, const char *b)
{
        return is_name(a, b, strlen(b));
}

void option_write_name(const char *name, char ret_text[OPTION_NAME_MAX])
{
        snprintf(ret_text, OPTION_NAME_MAX, "%s", name);
        for (char *at = ret_text; *at; at++)
                *at = *at == '_' ? '-' : *at;
}

static const struct option_row *find_name(const struct parse *parse, const char *name, size_t length)
{
        for (size_t i = 0; i < parse->count; i++) {
                const struct option_row *row = &parse->rows[i];

                if (row->name && !(row->flags & OPTION_POSITIONAL) && is_name(row->name, name, length))
                        return row;
        }
        return NULL;
}

static const struct option_row *find_letter(const struct parse *parse, char letter)
{
        for (size_t i = 0; i < parse->count; i++) {
                if (letter && parse->rows[i].letter == letter)
                        return &parse->rows[i];
        }
        return NULL;
}

static bool is_option(const char *word)
{
        return word[0] == '-' && word[1] == '-' && word[2];
}

/* "--balance-yen", or "hall" where it has no dashes. */
static void write_place(const struct option_row *row, char place[OPTION_NAME_MAX + 2])
{
        strcpy(place, row->flags & OPTION_POSITIONAL ? "" : "--");
        option_write_name(row->name, place + strlen(place));
}

enum { SHOWN_WORD_MAX = 256 };
/* A word that nothing is known of: it may be a card number that stands in the wrong place. */
static const char *shown(const char *word, size_t length, char ret_text[SHOWN_WORD_MAX])
{
        snprintf(ret_text, SHOWN_WORD_MAX, "%.*s",
                 (int)(length < SHOWN_WORD_MAX ? length : SHOWN_WORD_MAX - 1), word);
        digits_mask(ret_text);
        return ret_text;
}

static bool take(struct parse *parse, const struct option_row *row, const char *text, bool of_variable)
{
        char place[OPTION_NAME_MAX + 2], problem[OPTIONS_ERROR_MAX] = "";
        struct option_value value = {
            .row = row, .text = text, .of_variable = of_variable, .context = parse->context};

        write_place(row, place);
        value.place = of_variable ? row->variable : place;
        if (row->flags & OPTION_ONCE && parse->given[row - parse->rows])
                return refuse(parse, "%s is given twice", place);
        parse->given[row - parse->rows] = true;
        return row->take(&value, problem) || refuse(parse, "%s: %.900s", value.place, problem);
}

/* Whether several values end here: "-o json" behind them is an option. */
static bool begins_option(const struct parse *parse, const char *word)
{
        return is_option(word) || (word[0] == '-' && find_letter(parse, word[1]));
}

/* The value that follows an option, or the several. */
static bool take_following(struct parse *parse, const struct option_row *row, const char *name, int length)
{
        if (row->flags & OPTION_MAYBE && (!*parse->word || **parse->word == '-'))
                return take(parse, row, row->fallback, false);
        if (!*parse->word)
                return refuse(parse, "%.*s: expected %s", length, name,
                              row->expected ? row->expected : row->value);
        do {
                if (!take(parse, row, *parse->word++, false))
                        return false;
        } while (row->flags & OPTION_SEVERAL && *parse->word && !begins_option(parse, *parse->word));
        return true;
}

/* `word` has its dashes. */
static bool refuse_unknown(struct parse *parse, const char *word)
{
        char name[OPTION_NAME_MAX];
        struct nearest nearest;

        nearest_begin(&nearest, word + 2, strlen(word + 2));
        for (size_t i = 0; i < parse->count; i++) {
                if (parse->rows[i].name && !(parse->rows[i].flags & OPTION_POSITIONAL))
                        nearest_try(&nearest, parse->rows[i].name);
        }
        if (!nearest.found)
                return refuse(parse, "unknown option %.64s", word);
        option_write_name(nearest.found, name);
        return refuse(parse, "unknown option %.64s: did you mean --%s?", word, name);
}

static bool take_option(struct parse *parse)
{
        const char *word = *parse->word++, *equals = strchr(word, '=');
        int length = equals ? (int)(equals - word) : (int)strlen(word);
        char text[SHOWN_WORD_MAX];
        const struct option_row *row = find_name(parse, word + 2, (size_t)length - 2);

        if (!row)
                return refuse_unknown(parse, shown(word, (size_t)length, text));
        if (row->value)
                return equals ? take(parse, row, equals + 1, false)
                              : take_following(parse, row, word, length);
        return equals ? refuse(parse, "%.*s takes no value", length, word) : take(parse, row, "", false);
}

/* "-c FILE", "-cFILE" */
static bool take_letter(struct parse *parse, const struct option_row *row)
{
        const char *word = *parse->word++;

        if (!row->value)
                return word[2] ? refuse(parse, "-%c takes no value", row->letter)
                               : take(parse, row, "", false);
        return word[2] ? take(parse, row, word + 2, false) : take_following(parse, row, word, 2);
}

static bool take_positional(struct parse *parse)
{
        bool any = false;
        char text[SHOWN_WORD_MAX];

        for (size_t i = 0; i < parse->count; i++) {
                unsigned flags = parse->rows[i].flags;
                bool positional = flags & OPTION_POSITIONAL;

                if (positional && (!parse->given[i] || flags & OPTION_SEVERAL))
                        return take(parse, &parse->rows[i], *parse->word++, false);
                any |= positional;
        }
        shown(*parse->word, strlen(*parse->word), text);
        if (text[0] == '-' && text[1])
                return refuse(parse, "unknown option %.60s", text);
        return any ? refuse(parse, "'%.60s' is one word too many", text)
                   : refuse(parse, "'%.60s': expected options only", text);
}

static bool take_word(struct parse *parse)
{
        const char *word = *parse->word;
        const struct option_row *row = word[0] == '-' ? find_letter(parse, word[1]) : NULL;

        if (is_option(word))
                return take_option(parse);
        return row ? take_letter(parse, row) : take_positional(parse);
}

static bool take_variable(struct parse *parse, const struct option_row *row)
{
        const char *text = row->name && row->variable ? getenv(row->variable) : NULL;

        return !text || !*text || take(parse, row, text, true);
}

static bool check_required(struct parse *parse, const struct option_row *row)
{
        char place[OPTION_NAME_MAX + 2];

        if (!(row->flags & OPTION_REQUIRED) || parse->given[row - parse->rows])
                return true;
        write_place(row, place);
        return refuse(parse, "%s is missing: expected %s%s%s",
                      row->flags & OPTION_POSITIONAL ? row->value : place,
                      row->expected ? row->expected : row->value, row->variable ? ", or the variable " : "",
                      row->variable ? row->variable : "");
}

static bool parse_all(struct parse *parse)
{
        while (*parse->word) {
                if (!take_word(parse))
                        return false;
        }
        for (size_t i = 0; i < parse->count; i++) {
                if (!parse->given[i] && !take_variable(parse, &parse->rows[i]))
                        return false;
        }
        for (size_t i = 0; i < parse->count; i++) {
                if (!check_required(parse, &parse->rows[i]))
                        return false;
        }
        return true;
}

enum options_result options_parse(const struct option_row *rows, size_t count, void *context, int word_count,
                                  char **words, char error[OPTIONS_ERROR_MAX])
{
        struct parse parse = {
            .rows = rows, .count = count, .context = context, .word = words, .error = error};

        assert(count <= OPTIONS_ROWS_MAX && !words[word_count]);
        for (int i = 0; i < word_count; i++) {
                if (!strcmp(words[i], "--help") || !strcmp(words[i], "-h"))
                        return OPTIONS_HELP;
        }
        for (int i = 0; i < word_count; i++) {
                if (!strcmp(words[i], "--version") && find_name(&parse, "version", strlen("version")))
                        return OPTIONS_VERSION;
        }
        return parse_all(&parse) ? OPTIONS_GOOD : OPTIONS_USAGE;
}
