/* The CSV reader: a row is gathered in one buffer, then cut into fields in place. */
#include "tools/atmctl/csv.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/atmctl/say.h"

void csv_complain(const struct csv *csv, long line, const char *column, const char *format, ...)
{
        char text[1024];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (column)
                complain("%s:%ld: column %s: %s", csv->path, line, column, text);
        else
                complain("%s:%ld: %s", csv->path, line, text);
}

static bool check_mode(const char *path, const struct stat *status)
{
        if (!S_ISREG(status->st_mode) || !(status->st_mode & 077))
                return true;
        complain("%s: holds card numbers and others may read it (mode %04o): expected mode 0600; "
                 "'chmod 600 %s' closes it",
                 path, (unsigned)status->st_mode & 07777, path);
        return false;
}

bool csv_open(struct csv *csv, const char *path, bool secret)
{
        struct stat status;
        FILE *stream = strcmp(path, "-") ? fopen(path, "re") : stdin;

        *csv = (struct csv){.path = stream == stdin ? "standard input" : path, .next_line = 1};
        if (!stream) {
                complain("%s: can't be read: %s", path, strerror(errno));
                return false;
        }
        csv->stream = stream;
        csv->buffer = malloc(CSV_ROW_MAX + 1);
        if (!csv->buffer || fstat(fileno(stream), &status) < 0) {
                complain("%s: %s", path, strerror(errno));
                goto refuse;
        }
        if (S_ISDIR(status.st_mode)) {
                complain("%s: is a folder; expected a CSV file", path);
                goto refuse;
        }
        if (secret && !check_mode(path, &status))
                goto refuse;
        csv->bytes_total = S_ISREG(status.st_mode) ? (unsigned long long)status.st_size : 0;
        return true;
refuse:
        csv_close(csv);
        return false;
}

void csv_close(struct csv *csv)
{
        if (csv->stream && csv->stream != stdin)
                fclose(csv->stream);
        if (csv->buffer)
                OPENSSL_cleanse(csv->buffer, CSV_ROW_MAX + 1);
        free(csv->buffer);
        csv->stream = NULL;
        csv->buffer = NULL;
}

/* The length of the character at `bytes`, 0 where it is no UTF-8 (RFC 3629). */
static size_t utf8_length(const unsigned char *bytes, size_t left)
{
        static const struct {
                unsigned char from, to, second_from, second_to;
                size_t length;
        } forms[] = {
            {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
            {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
            {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
        };

        if (*bytes < 0x80)
                return 1;
        for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
                if (*bytes < forms[i].from || *bytes > forms[i].to)
                        continue;
                if (left < forms[i].length || bytes[1] < forms[i].second_from ||
                    bytes[1] > forms[i].second_to)
                        return 0;
                for (size_t k = 2; k < forms[i].length; k++) {
                        if ((bytes[k] & 0xc0) != 0x80)
                                return 0;
                }
                return forms[i].length;
        }
        return 0;
}

static bool check_text(const struct csv *csv, size_t length)
{
        const unsigned char *bytes = (const unsigned char *)csv->buffer;

        for (size_t at = 0, step; at < length; at += step) {
                step = bytes[at] ? utf8_length(bytes + at, length - at) : 0;
                if (!step) {
                        csv_complain(csv, csv->line, NULL,
                                     "byte 0x%02x at position %zu: expected text in UTF-8", bytes[at],
                                     at + 1);
                        return false;
                }
        }
        return true;
}

/* Gather one row, line breaks within quotes included, without its line end. CSV_END: nothing is left. */
static enum csv_result read_row(struct csv *csv, size_t *ret_length)
{
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
                        csv_complain(csv, csv->line, NULL, "the row is longer than %d bytes%s", CSV_ROW_MAX,
                                     quoted ? ": a closing '\"' may be missing" : "");
                        return CSV_BAD;
                }
                csv->buffer[length++] = (char)c;
        }
        if (ferror(stream)) {
                complain("%s: can't be read: %s", csv->path, strerror(errno));
                return CSV_BAD;
        }
        if (quoted) {
                csv_complain(csv, csv->line, NULL, "a field that begins with '\"' has no closing '\"'");
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

                if (csv->count == CSV_FIELDS_MAX) {
                        csv_complain(csv, csv->line, NULL, "more than %d fields", CSV_FIELDS_MAX);
                        return false;
                }
                cut = *at == '"' ? cut_quoted(&at, &csv->field[csv->count])
                                 : cut_plain(&at, &csv->field[csv->count]);
                csv->count++;
                if (!cut) {
                        csv_complain(csv, csv->line, NULL,
                                     "field %zu: a '\"' within it: expected the whole field in '\"', and "
                                     "'\"\"' for each '\"' in it",
                                     csv->count);
                        return false;
                }
        }
        return true;
}

enum csv_result csv_next(struct csv *csv)
{
        enum csv_result result;
        char *at;
        size_t length = 0;

        do {
                result = read_row(csv, &length);
                if (result != CSV_ROW)
                        return result;
                if (!check_text(csv, length))
                        return CSV_BAD;
                at = csv->buffer;
                if (csv->line == 1 && !strncmp(at, "\xef\xbb\xbf", 3))
                        at += 3;
        } while (!*at);
        if (!cut_fields(csv, at))
                return CSV_BAD;
        if (!csv->columns)
                csv->columns = csv->count;
        if (csv->count != csv->columns) {
                csv_complain(csv, csv->line, NULL, "%zu fields: expected %zu, as the header has", csv->count,
                             csv->columns);
                return CSV_BAD;
        }
        return CSV_ROW;
}
