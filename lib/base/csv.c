/* CSV: a row is gathered in one buffer, then cut into fields in place; cells are written one by one. */
#include "lib/base/csv.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/utf8.h"

bool csv_refuse(struct csv *csv, long line, const char *column, const char *format, ...)
{
        char text[sizeof(csv->error)];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (line)
                snprintf(csv->error, sizeof(csv->error), "%.200s:%ld: %s%.40s%s%.480s", csv->path, line,
                         column ? "column " : "", column ? column : "", column ? ": " : "", text);
        else
                snprintf(csv->error, sizeof(csv->error), "%.200s: %.500s", csv->path, text);
        return false;
}

/* writing -------------------------------------------------------------------------------------------------- */

static bool is_number(const char *text)
{
        static const char digits[] = "0123456789";
        size_t whole;

        text += *text == '-';
        whole = strspn(text, digits);
        text += whole;
        if (!whole || !*text)
                return whole;
        return *text == '.' && text[1] && !text[1 + strspn(text + 1, digits)];
}

/* Would a spreadsheet take the cell for a formula, or for one once it has taken blanks off? */
static bool is_formula(const char *text)
{
        static const char *const beginnings[] = {"=",  "+",      "-",      "@",      "\t",    "\r",
                                                 "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"};

        for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++) {
                if (!strncmp(text, beginnings[i], strlen(beginnings[i])))
                        return !is_number(text);
        }
        return false;
}

/* Whether a cell gets an apostrophe more, or has one to be taken off, depends on what stands behind its own. */
static bool is_formula_within(const char *text)
{
        return is_formula(text + strspn(text, "'"));
}

void csv_write_cell(FILE *stream, bool first, const char *value)
{
        const char *mark = is_formula_within(value) ? "'" : "";
        /* ';' and tab: some spreadsheets part cells by them; an empty line would be passed over */
        bool quoted = strpbrk(value, ",;\"\r\n\t") || (first && !*value);

        fputs(first ? "" : ",", stream);
        fputs(quoted ? "\"" : "", stream);
        fputs(mark, stream);
        if (!quoted) {
                fputs(value, stream);
                return;
        }
        for (; *value; value++) {
                if (*value == '"')
                        fputc('"', stream);
                fputc(*value, stream);
        }
        fputc('"', stream);
}

void csv_write_none(FILE *stream, bool first)
{
        fputs(first ? "" : ",", stream);
}

void csv_write_end(FILE *stream)
{
        fputc('\n', stream);
}

void csv_write_row(FILE *stream, const char *const *cells, size_t count)
{
        for (size_t i = 0; i < count; i++)
                csv_write_cell(stream, i == 0, cells[i]);
        csv_write_end(stream);
}

/* reading -------------------------------------------------------------------------------------------------- */

static bool check_mode(struct csv *csv, const struct stat *status)
{
        if (!S_ISREG(status->st_mode) || !(status->st_mode & 077))
                return true;
        return csv_refuse(csv, 0, NULL,
                          "holds card numbers and others may read it (mode %04o): expected mode 0600; "
                          "'chmod 600 %s' closes it",
                          (unsigned)status->st_mode & 07777, csv->path);
}

static bool check_file(struct csv *csv, bool secret)
{
        struct stat status;

        if (fstat(fileno(csv->stream), &status) < 0)
                return csv_refuse(csv, 0, NULL, "%s", strerror(errno));
        if (S_ISDIR(status.st_mode))
                return csv_refuse(csv, 0, NULL, "is a folder; expected a CSV file");
        csv->bytes_total = S_ISREG(status.st_mode) ? (unsigned long long)status.st_size : 0;
        csv->secret = secret;
        return !secret || check_mode(csv, &status);
}

bool csv_open(struct csv *csv, const char *path, bool secret)
{
        FILE *stream = strcmp(path, "-") ? fopen(path, "re") : stdin;

        if (!stream) {
                *csv = (struct csv){.path = path};
                return csv_refuse(csv, 0, NULL, "can't be read: %s", strerror(errno));
        }
        if (csv_open_stream(csv, stream == stdin ? "standard input" : path, stream) &&
            check_file(csv, secret))
                return true;
        csv_close(csv);
        return false;
}

bool csv_open_stream(struct csv *csv, const char *path, FILE *stream)
{
        *csv =
            (struct csv){.path = path, .stream = stream, .next_line = 1, .buffer = malloc(CSV_ROW_MAX + 1)};
        return csv->buffer || csv_refuse(csv, 0, NULL, "out of memory");
}

void csv_close(struct csv *csv)
{
        if (csv->stream && csv->stream != stdin)
                fclose(csv->stream);
        if (csv->buffer)
                explicit_bzero(csv->buffer, CSV_ROW_MAX + 1);
        free(csv->buffer);
        csv->stream = NULL;
        csv->buffer = NULL;
}

static bool check_text(struct csv *csv, size_t length)
{
        const unsigned char *bytes = (const unsigned char *)csv->buffer;

        for (size_t at = 0, step; at < length; at += step) {
                step = bytes[at] ? utf8_length(bytes + at, length - at) : 0;
                if (!step)
                        return csv_refuse(csv, csv->line, NULL,
                                          "byte 0x%02x at position %zu: expected text in UTF-8", bytes[at],
                                          at + 1);
        }
        return true;
}

/* Gather one row, line breaks within quotes included, without its line end. CSV_END: nothing is left. */
static enum csv_result read_row(struct csv *csv, size_t *ret_length)
{
        static const char mark[] = "\xef\xbb\xbf"; /* that spreadsheets put in front */
        enum { MARK_LENGTH = sizeof(mark) - 1 };
        FILE *stream = csv->stream;
        size_t length = 0;
        bool quoted = false, begins = true,
             closed = false; /* a field: within quotes, at its start, just closed */
        int c;

        csv->line = csv->next_line;
        while ((c = getc_unlocked(stream)) != EOF) {
                csv->bytes_read++;
                if (c == '\n')
                        csv->next_line++;
                if (c == '\n' && !quoted)
                        break;
                if (c == '"' && quoted) {
                        quoted = false;
                        closed = true;
                } else {
                        quoted = quoted || (c == '"' && (begins || closed));
                        closed = false;
                }
                begins = c == ',' && !quoted;
                if (length == CSV_ROW_MAX) {
                        csv_refuse(csv, csv->line, NULL, "the row is longer than %d bytes%s", CSV_ROW_MAX,
                                   quoted ? ": a closing '\"' may be missing" : "");
                        return CSV_BAD;
                }
                csv->buffer[length++] = (char)c;
                if (csv->bytes_read == length && length == MARK_LENGTH &&
                    !memcmp(csv->buffer, mark, length)) {
                        length = 0;
                        begins = true;
                }
        }
        if (ferror(stream)) {
                csv_refuse(csv, 0, NULL, "can't be read: %s", strerror(errno));
                return CSV_BAD;
        }
        if (quoted) {
                csv_refuse(csv, csv->line, NULL, "a field that begins with '\"' has no closing '\"'");
                return CSV_BAD;
        }
        if (c == EOF && !length)
                return CSV_END;
        if (length && csv->buffer[length - 1] == '\r')
                length--;
        csv->buffer[length] = '\0';
        *ret_length = length;
        return CSV_ROW;
}

/* Unquote the field that starts at *at, in place. False where a quote is out of place. */
static bool cut_quoted(char **at, char **ret_field)
{
        char *from = *at + 1, *to = from;

        *ret_field = to;
        for (;; from++) {
                if (*from == '"' && from[1] != '"')
                        break;
                if (*from == '"')
                        from++;
                *to++ = *from;
        }
        from++;
        if (*from != ',' && *from)
                return false;
        *to = '\0';
        *at = *from ? from + 1 : NULL;
        return true;
}

static bool cut_plain(char **at, char **ret_field)
{
        size_t length = strcspn(*at, ",\"");
        char *end = *at + length;

        if (*end == '"')
                return false;
        *ret_field = *at;
        *at = *end ? end + 1 : NULL;
        *end = '\0';
        return true;
}

static bool cut_fields(struct csv *csv, char *at)
{
        csv->count = 0;
        while (at) {
                bool cut;

                if (csv->count == CSV_FIELDS_MAX)
                        return csv_refuse(csv, csv->line, NULL, "more than %d fields", CSV_FIELDS_MAX);
                cut = *at == '"' ? cut_quoted(&at, &csv->field[csv->count])
                                 : cut_plain(&at, &csv->field[csv->count]);
                csv->count++;
                if (!cut)
                        return csv_refuse(
                            csv, csv->line, NULL,
                            "field %zu: a '\"' within it: expected the whole field in '\"', and "
                            "'\"\"' for each '\"' in it",
                            csv->count);
        }
        return true;
}

/* What a column may be called; what is none may be a row that was taken for the header, with a card number in it. */
static bool is_name(const char *text)
{
        return strlen(text) < CSV_NAME_MAX && *text >= 'a' && *text <= 'z' &&
               !text[strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789")];
}

static void take_names(struct csv *csv)
{
        csv->columns = csv->count;
        for (size_t i = 0; i < csv->count; i++)
                snprintf(csv->name[i], CSV_NAME_MAX, "%s", is_name(csv->field[i]) ? csv->field[i] : "");
}

/* No cell steers a terminal or turns what stands beside it. Ends of lines within quotes are text, as RFC 4180 has them. */
static bool check_cell(struct csv *csv, size_t i)
{
        const char *text = csv->field[i], *at = utf8_not_line(text), *name = csv->name[i];
        char one[5] = "", shown[sizeof(one) * UTF8_GROWTH];

        while (at && strchr("\r\n", *at))
                at = utf8_not_line(at + 1);
        if (!at)
                return true;
        memcpy(one, at, utf8_length((const unsigned char *)at, strlen(at)));
        utf8_show(one, "", shown, sizeof(shown));
        return csv_refuse(csv, csv->line, *name ? name : NULL,
                          "%s at position %zu of field %zu: expected text without control characters and "
                          "marks of direction",
                          shown, (size_t)(at - text) + 1, i + 1);
}

static bool check_cells(struct csv *csv)
{
        for (size_t i = 0; i < csv->count; i++) {
                if (!check_cell(csv, i))
                        return false;
                csv->field[i] += *csv->field[i] == '\'' && is_formula_within(csv->field[i]);
        }
        return true;
}

enum csv_result csv_next(struct csv *csv)
{
        enum csv_result result;
        size_t length = 0;

        do {
                result = read_row(csv, &length);
                if (result != CSV_ROW)
                        return result;
                if (!check_text(csv, length))
                        return CSV_BAD;
        } while (!length);
        if (!cut_fields(csv, csv->buffer))
                return CSV_BAD;
        if (csv->columns && csv->count != csv->columns) {
                csv_refuse(csv, csv->line, NULL, "%zu fields: expected %zu, as the header has", csv->count,
                           csv->columns);
                return CSV_BAD;
        }
        if (!check_cells(csv))
                return CSV_BAD;
        if (!csv->columns)
                take_names(csv);
        return CSV_ROW;
}

/* Where the header has a column of that name, once. */
static bool find_column(struct csv *csv, const char *name, size_t *ret_column)
{
        size_t found = csv->count;

        for (size_t i = 0; i < csv->count; i++) {
                if (strcmp(csv->field[i], name))
                        continue;
                if (found < csv->count)
                        return csv_refuse(csv, csv->line, name, "named twice in the header");
                found = i;
        }
        *ret_column = found;
        return found < csv->count || csv_refuse(csv, csv->line, name, "missing in the header");
}

bool csv_header(struct csv *csv, const char *const *names)
{
        enum csv_result result = csv_next(csv);

        if (result == CSV_END)
                return csv_refuse(csv, 1, NULL, "empty: expected a header row with the column %s", names[0]);
        for (size_t i = 0; result == CSV_ROW && names[i]; i++) {
                assert(i < CSV_FIELDS_MAX);
                if (!find_column(csv, names[i], &csv->wanted[i]))
                        return false;
        }
        return result == CSV_ROW;
}

const char *csv_value(const struct csv *csv, size_t wanted)
{
        return csv->field[csv->wanted[wanted]];
}
