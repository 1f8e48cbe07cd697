/*
 * The three forms of output. JSON is written row by row, so that a million rows need no memory; a table
 * needs all of its rows to know its widths, which libsmartcols measures in terminal cells.
 */
#include "tools/atmctl/output.h"

#include <assert.h>
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct output {
        enum output_format format;
        enum output_shape shape;
        const struct output_column *columns;
        size_t count;
        size_t rows;
        struct libscols_table *table;
        FILE *stream;
        const char *path; /* NULL: standard output */
        char *
            target; /* the file that path leads to, which is replaced at the end; NULL: written as it comes */
        char *temporary;
};

enum output_format output_format_of(const struct invocation *invocation)
{
        const char *format = invocation_value(invocation, "format");

        if (!format || !strcmp(format, "table"))
                return OUTPUT_TABLE;
        return strcmp(format, "csv") ? OUTPUT_JSON : OUTPUT_CSV;
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

struct output *output_open_stream(const struct invocation *invocation)
{
        struct output *output = calloc(1, sizeof(*output));

        if (!output) {
                complain("out of memory");
                return NULL;
        }
        output->format = output_format_of(invocation);
        output->path = invocation_value(invocation, "output");
        output->stream = stdout;
        if (output->path && !open_file(output)) {
                free(output->temporary);
                free(output->target);
                free(output);
                return NULL;
        }
        return output;
}

static bool is_shown(const struct output *output, size_t column)
{
        return !(output->columns[column].flags &
                 (output->format == OUTPUT_TABLE ? OUTPUT_NOT_TABLE : OUTPUT_ONLY_TABLE));
}

static bool is_number(enum output_type type)
{
        return type == OUTPUT_NUMBER || type == OUTPUT_YEN;
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
                int flags = is_number(output->columns[i].type) ? SCOLS_FL_RIGHT : 0;

                if (is_shown(output, i) &&
                    !scols_table_new_column(output->table, output->columns[i].name, 0, flags))
                        return false;
        }
        return true;
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
static void group_digits(const char *number, char *buffer, size_t size)
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

static bool table_cell(struct libscols_line *line, size_t column, enum output_type type, const char *value)
{
        char buffer[64];

        if (!value)
                value = "";
        else if (type == OUTPUT_BOOL)
                value = yes_or_no(value);
        if (type == OUTPUT_YEN && *value) {
                group_digits(value, buffer, sizeof(buffer));
                value = buffer;
        }
        return scols_line_set_data(line, column, value) == 0;
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
                added = added && table_cell(line, shown, output->columns[i].type, values[i]);
                shown++;
        }
        return added;
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
        if (type == OUTPUT_BOOL)
                return json_boolean(!strcmp(yes_or_no(value), "yes"));
        return json_string(value);
}

/* NULL: out of memory. */
static json_t *json_object_of(const struct output_column *columns, size_t count, const char *const *values)
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
        json_t *object = json_object_of(output->columns, output->count, values);
        bool whole = object != NULL;

        if (whole && output->shape == OUTPUT_ROWS)
                fputs(output->rows ? ",\n " : "[", output->stream);
        whole = whole && json_dumpf(object, output->stream, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0;
        json_decref(object);
        return whole;
}

bool output_row(struct output *output, const char *const *values)
{
        bool written;

        switch (output->format) {
        case OUTPUT_TABLE:
                written = table_row(output, values);
                break;
        case OUTPUT_CSV:
                written = csv_row(output, values);
                break;
        default:
                written = json_row(output, values);
        }
        output->rows++;
        if (!written)
                complain("%s: can't be written", output->path ? output->path : "standard output");
        return written;
}

bool output_total(struct output *output, const char *const *values)
{
        return output->format != OUTPUT_TABLE || output_row(output, values);
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

        assert((size_t)PQnfields(result) == output->count);
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
        free(output->temporary);
        free(output->target);
        free(output);
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

bool output_close(struct output *output)
{
        bool written = true;

        if (output->table && output->rows)
                written = scols_print_table(output->table) == 0;
        if (output->table && !output->rows)
                note("none");
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
        struct output section = {.format = OUTPUT_TABLE,
                                 .shape = shape,
                                 .columns = columns,
                                 .count = count,
                                 .stream = output->stream,
                                 .path = output->path};
        bool written;

        if (!PQntuples(result))
                return true;
        if (heading)
                fprintf(output->stream, "\n%s\n", heading);
        written = begin_table(&section) && output_result(&section, result, PQntuples(result)) &&
                  scols_print_table(section.table) == 0;
        scols_unref_table(section.table);
        if (!written)
                complain("%s: can't be written", output->path ? output->path : "standard output");
        fputc('\n', output->stream);
        return written;
}

json_t *output_json_rows(const struct output_column *columns, size_t count, const PGresult *result)
{
        const char *values[OUTPUT_COLUMNS_MAX];
        json_t *rows = json_array();

        assert((size_t)PQnfields(result) == count);
        for (int row = 0; row < PQntuples(result) && rows; row++) {
                row_values(result, row, values);
                if (json_array_append_new(rows, json_object_of(columns, count, values)) != 0) {
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
        if (json_dumpf(value, output->stream, JSON_INDENT(1) | JSON_PRESERVE_ORDER) != 0) {
                complain("%s: can't be written", output->path ? output->path : "standard output");
                output_abandon(output);
                return false;
        }
        fputc('\n', output->stream);
        return output_close(output);
}
