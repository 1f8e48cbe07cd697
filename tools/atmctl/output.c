/*
 * The three forms of output. JSON is written row by row, so that a million rows need no memory; a table
 * needs all of its rows to know its widths, which libsmartcols measures in terminal cells.
 */
#include "tools/atmctl/output.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/documents/load.h"
#include "tools/atmctl/words.h"

struct output {
        enum output_format format;
        enum output_shape shape;
        const struct output_column *columns;
        size_t count;
        size_t rows;
        struct libscols_table *table;
        const struct document_functions *draw; /* where a document is made: what makes it, and the document */
        struct document *document;
        bool japanese;
        const char *when_empty;
        FILE *stream;
        const char *path; /* NULL: standard output */
        char *
            target; /* the file that path leads to, which is replaced at the end; NULL: written as it comes */
        char *temporary;
};

enum output_format output_format_of(const struct invocation *invocation)
{
        static const char *const names[] = {
            [OUTPUT_TABLE] = "table", [OUTPUT_EXPANDED] = "expanded", [OUTPUT_CSV] = "csv", [OUTPUT_JSON] = "json",
            [OUTPUT_HTML] = "html",   [OUTPUT_PDF] = "pdf",           [OUTPUT_SVG] = "svg", [OUTPUT_PNG] = "png"};
        const char *format = invocation_value(invocation, "format");
        enum output_format found = OUTPUT_TABLE;

        while (format && strcmp(names[found], format))
                found++; /* one of them: value_check saw to it */
        return found;
}

bool output_is_japanese(const struct invocation *invocation)
{
        const char *language = invocation_value(invocation, "lang");

        return language && !strcmp(language, "ja");
}

/* A device, pipe or socket is written to. Renaming a file over it would put an end to it: to /dev/null, for
 * one. */
static bool open_special(struct output *output)
{
        output->stream = fopen(output->path, "w");
        if (!output->stream)
                complain("%s: can't be written: %s", output->path, strerror(errno));
        return output->stream;
}

static bool open_temporary(struct output *output)
{
        int descriptor;

        if (asprintf(&output->temporary, "%s.XXXXXX", output->target) < 0) {
                output->temporary = NULL;
                complain("out of memory");
                return false;
        }
        descriptor = mkstemp(output->temporary);
        if (descriptor < 0) {
                complain("%s: can't be written: %s", output->path, strerror(errno));
                free(output->temporary);
                output->temporary = NULL;
                return false;
        }
        output->stream = fdopen(descriptor, "w");
        if (!output->stream) {
                complain("%s: %s", output->path, strerror(errno));
                close(descriptor);
                unlink(output->temporary);
                return false;
        }
        return true;
}

static bool open_file(struct output *output)
{
        struct stat status;
        bool exists = stat(output->path, &status) == 0;

        if (exists && !S_ISREG(status.st_mode))
                return open_special(output);
        output->target = exists ? realpath(output->path, NULL) : strdup(output->path);
        if (!output->target) {
                complain("%s: can't be written: %s", output->path, strerror(errno));
                return false;
        }
        return open_temporary(output);
}

/* What fails after loading is told when it is written. */
static bool begin_document(struct output *output, const struct invocation *invocation)
{
        char error[DOCUMENTS_ERROR_MAX];

        output->draw = documents_load(error);
        if (!output->draw) {
                complain("%s: %s", output->path ? output->path : "standard output", error);
                return false;
        }
        output->document = output->draw->create(output->japanese ? DOCUMENT_JAPANESE : DOCUMENT_ENGLISH);
        output->draw->title(output->document, invocation->command->text);
        return true;
}

bool output_writes_japanese(const struct output *output)
{
        return output->japanese;
}

struct document *output_document(struct output *output)
{
        return output->document;
}

const struct document_functions *output_draw(const struct output *output)
{
        return output->draw;
}

/* Bytes that are no text: a terminal is left alone. */
static bool suits_terminal(const struct invocation *invocation)
{
        enum output_format format = output_format_of(invocation);

        if ((format != OUTPUT_PDF && format != OUTPUT_PNG) || invocation_has(invocation, "output") || !isatty(STDOUT_FILENO))
                return true;
        complain("%s: this form is not for a terminal: expected --output FILE, or standard output led elsewhere",
                 invocation_name(invocation));
        return false;
}

struct output *output_open_stream(const struct invocation *invocation)
{
        struct output *output;

        if (!suits_terminal(invocation))
                return NULL;
        output = calloc(1, sizeof(*output));
        if (!output) {
                complain("out of memory");
                return NULL;
        }
        output->format = output_format_of(invocation);
        output->path = invocation_value(invocation, "output");
        output->japanese = output_is_japanese(invocation);
        output->stream = stdout;
        if (output->path && !open_file(output)) {
                free(output->temporary);
                free(output->target);
                free(output);
                return NULL;
        }
        if (output->format >= OUTPUT_HTML && !begin_document(output, invocation)) {
                output_abandon(output);
                return NULL;
        }
        return output;
}

static bool is_for_people(const struct output *output)
{
        return output->format != OUTPUT_CSV && output->format != OUTPUT_JSON;
}

static bool is_shown(const struct output *output, size_t column)
{
        return !(output->columns[column].flags & (is_for_people(output) ? OUTPUT_NOT_TABLE : OUTPUT_ONLY_TABLE));
}

static bool is_number(enum output_type type)
{
        return type == OUTPUT_NUMBER || type == OUTPUT_YEN;
}

static bool is_right(enum output_type type)
{
        return is_number(type) || type == OUTPUT_DECIMAL || type == OUTPUT_FIGURE;
}

static bool begin_table(struct output *output)
{
        output->table = scols_new_table();
        if (!output->table)
                return false;
        scols_table_set_stream(output->table, output->stream);
        scols_table_set_column_separator(output->table, "  ");
        scols_table_enable_maxout(output->table, 0);
        scols_table_enable_nowrap(output->table, 1);
        if (output->shape == OUTPUT_ONE) {
                scols_table_enable_noheadings(output->table, 1);
                return scols_table_new_column(output->table, "name", 0, 0) &&
                       scols_table_new_column(output->table, "value", 0, 0);
        }
        for (size_t i = 0; i < output->count; i++) {
                int flags = is_right(output->columns[i].type) ? SCOLS_FL_RIGHT : 0;

                if (is_shown(output, i) &&
                    !scols_table_new_column(output->table, output->columns[i].name, 0, flags))
                        return false;
        }
        return true;
}

/* The first column that is shown labels the rows; OUTPUT_ONE: names label the values. */
static void begin_document_table(struct output *output, const char *caption)
{
        struct document_column columns[OUTPUT_COLUMNS_MAX] = {0};
        const char *label = NULL;
        size_t count = 0;

        if (output->shape == OUTPUT_ONE) {
                columns[count++].heading = "";
                label = "";
        }
        for (size_t i = 0; i < output->count && output->shape == OUTPUT_ROWS; i++) {
                const char *word = word_of(output->columns[i].name, output->japanese);

                if (!is_shown(output, i))
                        continue;
                if (!label)
                        label = word;
                else
                        columns[count++] = (struct document_column){
                            .heading = word, .align = is_right(output->columns[i].type) ? DOCUMENT_RIGHT : DOCUMENT_LEFT};
        }
        output->draw->table(output->document, caption, label ? label : "", columns, count);
}

struct output *output_open(const struct invocation *invocation, enum output_shape shape,
                           const struct output_column *columns, size_t count)
{
        struct output *output = output_open_stream(invocation);

        if (!output)
                return NULL;
        assert(count <= OUTPUT_COLUMNS_MAX);
        output->shape = shape;
        output->columns = columns;
        output->count = count;
        if (output->format == OUTPUT_TABLE && !begin_table(output)) {
                complain("out of memory");
                output_abandon(output);
                return NULL;
        }
        if (output->document)
                begin_document_table(output, "");
        if (output->format == OUTPUT_CSV) {
                const char *separator = "";

                for (size_t i = 0; i < count; i++) {
                        if (!is_shown(output, i))
                                continue;
                        fprintf(output->stream, "%s%s", separator, columns[i].name);
                        separator = ",";
                }
                fputc('\n', output->stream);
        }
        return output;
}

static const char *yes_or_no(const char *value)
{
        return *value == 't' || *value == 'y' ? "yes" : "no";
}

/* 1234567 as 1,234,567 */
void output_group_digits(const char *number, char *buffer, size_t size)
{
        size_t length = strlen(number), at = 0;

        for (size_t i = 0; i < length && at + 2 < size; i++) {
                size_t left = length - i;

                buffer[at++] = number[i];
                if (number[i] != '-' && left > 1 && left % 3 == 1)
                        buffer[at++] = ',';
        }
        buffer[at] = '\0';
}

/* As people read it; in `buffer` where it had to be written anew. */
static const char *readable(const struct output_column *column, const char *value, char buffer[64])
{
        enum output_type type = column->type;

        if (!value || !*value)
                return type == OUTPUT_DECIMAL || column->flags & OUTPUT_DASH ? "-" : "";
        if (type == OUTPUT_BOOL)
                return yes_or_no(value);
        if (type != OUTPUT_YEN)
                return value;
        output_group_digits(value, buffer, 64);
        return buffer;
}

static bool table_cell(struct libscols_line *line, size_t at, const struct output_column *column, const char *value)
{
        char buffer[64];

        return scols_line_set_data(line, at, readable(column, value, buffer)) == 0;
}

/* Names are ASCII, so that their bytes are their width. */
static bool expanded_row(struct output *output, const char *const *values)
{
        int width = 0;
        char buffer[64];

        for (size_t i = 0; i < output->count; i++) {
                if (is_shown(output, i) && (int)strlen(output->columns[i].name) > width)
                        width = (int)strlen(output->columns[i].name);
        }
        if (output->shape == OUTPUT_ROWS)
                fprintf(output->stream, "-[ %zu ]-\n", output->rows + 1);
        for (size_t i = 0; i < output->count; i++) {
                if (is_shown(output, i))
                        fprintf(output->stream, "%-*s  %s\n", width, output->columns[i].name,
                                readable(&output->columns[i], values[i], buffer));
        }
        return !ferror(output->stream);
}

static bool table_row(struct output *output, const char *const *values)
{
        struct libscols_line *line = NULL;
        size_t shown = 0;
        bool added = true;

        for (size_t i = 0; i < output->count && added; i++) {
                if (!is_shown(output, i))
                        continue;
                if (output->shape == OUTPUT_ONE || !line)
                        line = scols_table_new_line(output->table, NULL);
                if (!line)
                        return false;
                if (output->shape == OUTPUT_ONE) {
                        added = scols_line_set_data(line, 0, output->columns[i].name) == 0;
                        shown = 1;
                }
                added = added && table_cell(line, shown, &output->columns[i], values[i]);
                shown++;
        }
        return added;
}

static void document_one(struct output *output, const char *const *values)
{
        char buffer[64];

        for (size_t i = 0; i < output->count; i++) {
                const char *cells[1] = {readable(&output->columns[i], values[i], buffer)};

                if (is_shown(output, i))
                        output->draw->row(output->document, DOCUMENT_NORMAL, word_of(output->columns[i].name, output->japanese), cells);
        }
}

static void document_cells(struct output *output, enum document_row_style style, const char *const *values)
{
        char buffer[OUTPUT_COLUMNS_MAX][64];
        const char *cells[OUTPUT_COLUMNS_MAX], *label = NULL;
        size_t count = 0;

        for (size_t i = 0; i < output->count; i++) {
                const char *text = values[i] ? readable(&output->columns[i], values[i], buffer[i]) : NULL;

                if (!is_shown(output, i))
                        continue;
                if (!label)
                        label = text ? text : "";
                else /* a text that is not there is nothing; a figure that is not there is missing */
                        cells[count++] = !text && !is_right(output->columns[i].type) ? "" : text;
        }
        output->draw->row(output->document, style, label ? word_of(label, output->japanese) : "", cells);
}

static void csv_cell(FILE *stream, const char *value)
{
        if (!strpbrk(value, ",\"\r\n")) {
                fputs(value, stream);
                return;
        }
        fputc('"', stream);
        for (; *value; value++) {
                if (*value == '"')
                        fputc('"', stream);
                fputc(*value, stream);
        }
        fputc('"', stream);
}

static bool csv_row(struct output *output, const char *const *values)
{
        bool first = true;

        for (size_t i = 0; i < output->count; i++) {
                if (!is_shown(output, i))
                        continue;
                if (!first)
                        fputc(',', output->stream);
                first = false;
                if (values[i])
                        csv_cell(output->stream,
                                 output->columns[i].type == OUTPUT_BOOL ? yes_or_no(values[i]) : values[i]);
        }
        fputc('\n', output->stream);
        return !ferror(output->stream);
}

static json_t *json_cell(enum output_type type, const char *value)
{
        if (!value)
                return json_null();
        if (is_number(type))
                return json_integer(strtoll(value, NULL, 10));
        if (type == OUTPUT_DECIMAL)
                return json_real(strtod(value, NULL)); /* printed as it came; see JSON_REAL_PRECISION */
        if (type == OUTPUT_BOOL)
                return json_boolean(!strcmp(yes_or_no(value), "yes"));
        return json_string(value);
}

/* NULL: out of memory. */
json_t *output_json_object(const struct output_column *columns, size_t count, const char *const *values)
{
        json_t *object = json_object();

        for (size_t i = 0; i < count && object; i++) {
                if (!(columns[i].flags & OUTPUT_ONLY_TABLE) &&
                    json_object_set_new(object, columns[i].name, json_cell(columns[i].type, values[i])) !=
                        0) {
                        json_decref(object);
                        object = NULL;
                }
        }
        return object;
}

static bool json_row(struct output *output, const char *const *values)
{
        json_t *object = output_json_object(output->columns, output->count, values);
        bool whole = object != NULL;

        if (whole && output->shape == OUTPUT_ROWS)
                fputs(output->rows ? ",\n " : "[", output->stream);
        whole = whole && json_dumpf(object, output->stream, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) == 0;
        json_decref(object);
        return whole;
}

static bool write_row(struct output *output, const char *const *values, bool total)
{
        bool written = true;

        switch (output->format) {
        case OUTPUT_TABLE:
                written = table_row(output, values);
                break;
        case OUTPUT_EXPANDED:
                written = expanded_row(output, values);
                break;
        case OUTPUT_CSV:
                written = csv_row(output, values);
                break;
        case OUTPUT_JSON:
                written = json_row(output, values);
                break;
        default:
                if (output->shape == OUTPUT_ONE)
                        document_one(output, values);
                else
                        document_cells(output, total ? DOCUMENT_TOTAL : DOCUMENT_NORMAL, values);
        }
        output->rows++;
        if (!written)
                complain("%s: can't be written", output->path ? output->path : "standard output");
        return written;
}

bool output_row(struct output *output, const char *const *values)
{
        return write_row(output, values, false);
}

bool output_total(struct output *output, const char *const *values)
{
        return !is_for_people(output) || write_row(output, values, true);
}

static void row_values(const PGresult *result, int row, const char **ret_values)
{
        for (int column = 0; column < PQnfields(result); column++)
                ret_values[column] =
                    PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

bool output_result(struct output *output, const PGresult *result, int rows)
{
        const char *values[OUTPUT_COLUMNS_MAX];

        assert((size_t)PQnfields(result) >= output->count);
        for (int row = 0; row < rows; row++) {
                row_values(result, row, values);
                if (!output_row(output, values))
                        return false;
        }
        return true;
}

void output_abandon(struct output *output)
{
        if (!output)
                return;
        if (output->path && output->stream)
                fclose(output->stream);
        if (output->temporary)
                unlink(output->temporary);
        scols_unref_table(output->table);
        if (output->draw)
                output->draw->free(output->document);
        free(output->temporary);
        free(output->target);
        free(output);
}

static bool write_document(struct output *output)
{
        static const enum document_format formats[] = {[OUTPUT_HTML] = DOCUMENT_HTML,
                                                       [OUTPUT_PDF] = DOCUMENT_PDF,
                                                       [OUTPUT_SVG] = DOCUMENT_SVG,
                                                       [OUTPUT_PNG] = DOCUMENT_PNG};
        char error[512];

        if (output->draw->write(output->document, formats[output->format], NULL, output->stream, error, sizeof(error)))
                return true;
        complain("%s: %s", output->path ? output->path : "standard output", error);
        return false;
}

static bool finish_file(struct output *output)
{
        mode_t mask = umask(0);
        bool written;

        umask(mask);
        written = !ferror(output->stream) && fchmod(fileno(output->stream), 0666 & ~mask) == 0;
        written = fclose(output->stream) == 0 && written;
        output->stream = NULL;
        written = written && rename(output->temporary, output->target) == 0;
        if (!written) {
                complain("%s: can't be written: %s", output->path, strerror(errno));
                unlink(output->temporary);
        }
        free(output->temporary);
        output->temporary = NULL;
        return written;
}

void output_when_empty(struct output *output, const char *text)
{
        output->when_empty = text;
}

bool output_close(struct output *output)
{
        bool written = true;

        if (output->table && output->rows)
                written = scols_print_table(output->table) == 0;
        if (output->columns && is_for_people(output) && !output->rows)
                note("%s", output->when_empty ? output->when_empty : "none");
        if (output->format >= OUTPUT_HTML && !write_document(output)) {
                output_abandon(output);
                return false;
        }
        if (output->columns && output->format == OUTPUT_JSON) {
                if (output->shape == OUTPUT_ROWS)
                        fputs(output->rows ? "]" : "[]", output->stream);
                fputc('\n', output->stream);
        }
        if (output->temporary) {
                written = finish_file(output) && written;
        } else if (fflush(output->stream) || ferror(output->stream) || !written) {
                complain("%s: can't be written: %s", output->path ? output->path : "standard output",
                         strerror(errno));
                written = false;
        }
        output_abandon(output);
        return written;
}

FILE *output_stream(struct output *output)
{
        return output->stream;
}

bool output_section(struct output *output, const char *heading, enum output_shape shape,
                    const struct output_column *columns, size_t count, const PGresult *result)
{
        struct output section = {.format = output->format,
                                 .japanese = output->japanese,
                                 .draw = output->draw,
                                 .document = output->document,
                                 .shape = shape,
                                 .columns = columns,
                                 .count = count,
                                 .stream = output->stream,
                                 .path = output->path};
        bool written;

        if (!PQntuples(result))
                return true;
        if (section.document)
                begin_document_table(&section, heading ? heading : "");
        else if (heading)
                fprintf(output->stream, "\n%s\n", heading);
        written = (section.format != OUTPUT_TABLE || begin_table(&section)) &&
                  output_result(&section, result, PQntuples(result)) &&
                  (!section.table || scols_print_table(section.table) == 0);
        scols_unref_table(section.table);
        if (!written)
                complain("%s: can't be written", output->path ? output->path : "standard output");
        if (!section.document)
                fputc('\n', output->stream);
        return written;
}

void output_note(struct output *output, const char *format, ...)
{
        char text[DOCUMENT_TEXT_MAX];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        if (output->document)
                output->draw->footnote(output->document, text);
        else
                note("%s", text);
}

json_t *output_json_rows(const struct output_column *columns, size_t count, const PGresult *result)
{
        const char *values[OUTPUT_COLUMNS_MAX];
        json_t *rows = json_array();

        assert((size_t)PQnfields(result) == count);
        for (int row = 0; row < PQntuples(result) && rows; row++) {
                row_values(result, row, values);
                if (json_array_append_new(rows, output_json_object(columns, count, values)) != 0) {
                        json_decref(rows);
                        rows = NULL;
                }
        }
        return rows;
}

bool output_json(const struct invocation *invocation, const json_t *value)
{
        struct output *output = output_open_stream(invocation);

        if (!output)
                return false;
        if (json_dumpf(value, output->stream, JSON_INDENT(1) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(12)) != 0) {
                complain("%s: can't be written", output->path ? output->path : "standard output");
                output_abandon(output);
                return false;
        }
        fputc('\n', output->stream);
        return output_close(output);
}
