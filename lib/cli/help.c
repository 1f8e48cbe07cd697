/* Rendering of rows: see help.h. */
#include "lib/cli/help.h"

#include <string.h>

enum { TEXT_COLUMN = 30, WIDTH = 100 };

void help_wrapped(FILE *stream, const char *text, int column)
{
        int at = column;

        for (const char *word = text; *word;) {
                int length = (int)strcspn(word, " \n");

                if (at > column && at + 1 + length > WIDTH) {
                        fprintf(stream, "\n%*s", column, "");
                        at = column;
                } else if (at > column) {
                        fputc(' ', stream);
                        at++;
                }
                fprintf(stream, "%.*s", length, word);
                at += length;
                word += length;
                if (*word == '\n') {
                        fprintf(stream, "\n%*s", column, "");
                        at = column;
                }
                word += *word != '\0';
        }
        fputc('\n', stream);
}

/* What it is for, what is expected, and what holds where it is not given. */
static void write_text(const struct option_row *row, char *text, size_t size)
{
        snprintf(text, size, "%s%s%s%s%s%s%s%s%s%s", row->text ? row->text : "",
                 row->text && row->expected ? ": " : "", row->expected ? row->expected : "",
                 row->flags & OPTION_SEVERAL ? "; several may follow" : "",
                 row->fallback && *row->fallback ? " (" : "", row->fallback ? row->fallback : "",
                 row->fallback && *row->fallback ? ")" : "", row->variable ? " ($" : "",
                 row->variable ? row->variable : "", row->variable ? ")" : "");
}

static bool has_letters(const struct option_row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (rows[i].letter)
                        return true;
        }
        return false;
}

/* As the row calls it, "[SECONDS]" where it may be left out. */
static void write_value(const struct option_row *row, char *value, size_t size)
{
        bool maybe = row->flags & OPTION_MAYBE;

        snprintf(value, size, "%s%s%s", maybe ? "[" : "", row->value ? row->value : "", maybe ? "]" : "");
}

static void help_row(FILE *stream, const struct option_row *row, bool letters)
{
        char name[OPTION_NAME_MAX], left[128], text[2048];
        char value[64];
        int length;

        option_write_name(row->name, name);
        write_value(row, value, sizeof(value));
        if (row->flags & OPTION_POSITIONAL)
                length = snprintf(left, sizeof(left), "  %s", value);
        else if (row->letter)
                length = snprintf(left, sizeof(left), "  -%c, --%s %s", row->letter, name, value);
        else
                length = snprintf(left, sizeof(left), "  %s--%s %s", letters ? "    " : "", name, value);
        write_text(row, text, sizeof(text));
        if (length >= TEXT_COLUMN)
                fprintf(stream, "%s\n%*s", left, TEXT_COLUMN, "");
        else
                fprintf(stream, "%-*s", TEXT_COLUMN, left);
        help_wrapped(stream, text, TEXT_COLUMN);
}

void help_rows(FILE *stream, const struct option_row *rows, size_t count)
{
        bool letters = has_letters(rows, count);

        for (size_t i = 0; i < count; i++) {
                if (rows[i].name)
                        help_row(stream, &rows[i], letters);
                else
                        fprintf(stream, "%s%s\n", i ? "\n" : "", rows[i].text);
        }
}

void manual_text(FILE *stream, const char *text)
{
        for (; *text; text++) {
                if (strchr("_*\\#.<[", *text))
                        fputc('\\', stream);
                fputc(*text, stream);
        }
}

static void manual_row(FILE *stream, const struct option_row *row)
{
        char name[OPTION_NAME_MAX], text[2048];

        option_write_name(row->name, name);
        if (row->letter)
                fprintf(stream, "*-%c*, ", row->letter);
        if (!(row->flags & OPTION_POSITIONAL))
                fprintf(stream, "*--%s*%s", name, row->value ? " " : "");
        if (row->value) {
                fputs(row->flags & OPTION_MAYBE ? "\\[_" : "_", stream);
                manual_text(stream, row->value);
                fputs(row->flags & OPTION_MAYBE ? "_]" : "_", stream);
        }
        fputs("\n\t", stream);
        write_text(row, text, sizeof(text));
        manual_text(stream, text);
        fputs("\n\n", stream);
}

void manual_rows(FILE *stream, const struct option_row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                if (rows[i].name) {
                        manual_row(stream, &rows[i]);
                } else {
                        manual_text(stream, rows[i].text);
                        fputs("\n\n", stream);
                }
        }
}
