/* CSV files against tables of fields, and the staging table. */
#include "tools/atmctl/import.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/output/schema.h"

enum { STAGE_BUFFER = 1 << 16, STAGE_LINE_SLACK = 4096, PROGRESS_ROWS = 20000 };

void csv_complain(struct csv *csv, long line, const char *column, const char *format, ...)
{
        char text[CSV_ERROR_MAX];
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(text, sizeof(text), format, arguments);
        va_end(arguments);
        csv_refuse(csv, line, column, "%s", text);
        complain("%s", csv->error);
}

/* All, or those that need not be there. */
static size_t list_some(const struct field *fields, bool all, char *buffer, size_t size)
{
        const char *separator = "";
        size_t used = 0;

        for (const struct field *field = fields; field->name && used < size; field++) {
                if (!all && !field->fallback)
                        continue;
                used += (size_t)snprintf(buffer + used, size - used, "%s%s", separator, field->name);
                separator = ",";
        }
        return used;
}

/* "terminal,hall,enabled (it may lack enabled)" */
static void list_columns(const struct field *fields, char *buffer, size_t size)
{
        char optional[256] = "";
        size_t used = list_some(fields, true, buffer, size);

        if (list_some(fields, false, optional, sizeof(optional)) && used < size)
                snprintf(buffer + used, size - used, " (it may lack %s)", optional);
}

/* What the entity's list shows besides its fields. */
static bool is_read_past(const struct entity *entity, const char *name)
{
        for (size_t i = 0; entity && i < entity->more_count; i++) {
                if (!strcmp(entity->more[i].name, name))
                        return true;
        }
        return false;
}

/* Of a row that is there a column that the file lacks stays as it is; but it must be known which row that is. */
static bool may_lack(const struct import *import, const struct field *field)
{
        return field->fallback || (import->entity && !(field->flags & FIELD_KEY));
}

static bool match_header(struct import *import)
{
        char expected[512];
        struct csv *csv = &import->csv;

        list_columns(import->fields, expected, sizeof(expected));
        for (size_t i = 0; i < import->count; i++)
                import->column[i] = -1;
        for (size_t column = 0; column < csv->count; column++) {
                size_t i = 0;

                while (i < import->count && strcmp(import->fields[i].name, csv->field[column]))
                        i++;
                if (i == import->count && is_read_past(import->entity, csv->field[column])) {
                        note("column %s is for who reads the list: the import reads past it",
                             csv->field[column]);
                        continue;
                }
                if (i == import->count) {
                        char shown[2 * VALUE_MAX];

                        /* a card file without a header begins with a card number */
                        value_show(csv->secret && !*csv->name[column] ? VALUE_ANYTHING : VALUE_TEXT,
                                   csv->field[column], shown, sizeof(shown));
                        csv_complain(csv, csv->line, NULL, "unknown column %s: expected a header of %s",
                                     shown, expected);
                        return false;
                }
                if (import->column[i] >= 0) {
                        csv_complain(csv, csv->line, csv->field[column], "named twice in the header");
                        return false;
                }
                import->column[i] = (int)column;
        }
        for (size_t i = 0; i < import->count; i++) {
                if (import->column[i] < 0 && !may_lack(import, &import->fields[i])) {
                        csv_complain(csv, csv->line, import->fields[i].name,
                                     "missing in the header: expected a header of %s", expected);
                        return false;
                }
        }
        return true;
}

static bool open_file(struct import *import, const char *path, bool secret)
{
        const struct field *fields = import->fields;
        enum csv_result result;

        while (fields[import->count].name)
                import->count++;
        assert(import->count <= IMPORT_FIELDS_MAX);
        if (!csv_open(&import->csv, path, secret)) {
                complain("%s", import->csv.error);
                return false;
        }
        result = csv_next(&import->csv);
        if (result == CSV_BAD)
                complain("%s", import->csv.error);
        if (result == CSV_END) {
                char expected[512];

                list_columns(fields, expected, sizeof(expected));
                csv_complain(&import->csv, 1, NULL, "empty: expected a header of %s", expected);
        }
        if (result == CSV_ROW && match_header(import))
                return true;
        import_close(import);
        return false;
}

bool import_open(struct import *import, const char *path, const struct field *fields, bool secret)
{
        *import = (struct import){.fields = fields};
        return open_file(import, path, secret);
}

bool import_open_entity(struct import *import, const char *path, const struct entity *entity)
{
        *import = (struct import){.fields = entity->fields, .entity = entity};
        return open_file(import, path, false);
}

const struct field *import_lacks(const struct import *import)
{
        for (size_t i = 0; i < import->count; i++) {
                if (import->column[i] < 0 && !import->fields[i].fallback)
                        return &import->fields[i];
        }
        return NULL;
}

void import_close(struct import *import)
{
        csv_close(&import->csv);
        OPENSSL_cleanse(import->canonical, sizeof(import->canonical));
}

/* What the present row says of a field, be it by its fallback; NULL: nothing. */
static const char *text_of(const struct import *import, size_t field)
{
        const char *fallback = import->fields[field].fallback;
        size_t other = 0;

        if (import->column[field] >= 0)
                return import->csv.field[import->column[field]];
        if (!fallback || *fallback != '=')
                return fallback;
        while (strcmp(import->fields[other].name, fallback + 1))
                other++;
        return text_of(import, other);
}

void import_complain(struct import *import, size_t field, const char *problem)
{
        const struct field *row = &import->fields[field];
        const char *text = text_of(import, field);
        char shown[2 * VALUE_MAX];

        /* of a file of card numbers only their masks: with a column too many the next one is a PIN */
        value_show(import->csv.secret ? VALUE_ANYTHING : row->kind, text, shown, sizeof(shown));
        csv_complain(&import->csv, import->csv.line, row->name, "%s: %s", shown, problem);
}

enum csv_result import_next(struct import *import)
{
        enum csv_result result = csv_next(&import->csv);

        if (result == CSV_BAD)
                complain("%s", import->csv.error);
        if (result != CSV_ROW)
                return result;
        for (size_t i = 0; i < import->count; i++) {
                const struct field *field = &import->fields[i];
                const char *text = text_of(import, i);

                import->value[i] = import->canonical[i];
                if (!text || (!*text && (field->flags & FIELD_NULLABLE))) {
                        import->value[i] = NULL;
                } else if (!value_check(field->kind, text, import->canonical[i])) {
                        char problem[256];

                        snprintf(problem, sizeof(problem), "expected %s%s", value_row(field->kind)->expected,
                                 field->flags & FIELD_NULLABLE ? ", or nothing" : "");
                        import_complain(import, i, problem);
                        return CSV_BAD;
                }
        }
        import->rows++;
        if (import->rows % PROGRESS_ROWS == 0)
                progress("%llu rows read%s", import->rows,
                         import->csv.bytes_total && import->csv.bytes_read * 2 > import->csv.bytes_total
                             ? ", over half"
                             : "");
        return CSV_ROW;
}

/* stage ----------------------------------------------------------------------------------------------- */

bool stage_begin(struct stage *stage, struct database *database)
{
        PGresult *result;

        *stage = (struct stage){.database = database, .buffer = malloc(STAGE_BUFFER)};
        if (!stage->buffer) {
                complain("out of memory");
                return false;
        }
        result = database_query(database, "COPY pg_temp.stage FROM STDIN", 0, NULL);
        if (!result) {
                free(stage->buffer);
                stage->buffer = NULL;
        }
        PQclear(result);
        return stage->buffer != NULL;
}

static void stage_flush(struct stage *stage)
{
        if (!stage->failed && stage->used &&
            PQputCopyData(stage->database->connection, stage->buffer, (int)stage->used) != 1) {
                complain("database '%s': %s", PQdb(stage->database->connection),
                         PQerrorMessage(stage->database->connection));
                stage->failed = true;
        }
        stage->used = 0;
}

static void stage_byte(struct stage *stage, char byte)
{
        stage->buffer[stage->used++] = byte;
}

void stage_value(struct stage *stage, const char *value)
{
        if (stage->used + STAGE_LINE_SLACK > STAGE_BUFFER)
                stage_flush(stage);
        if (stage->within)
                stage_byte(stage, '\t');
        stage->within = true;
        if (!value) {
                stage_byte(stage, '\\');
                stage_byte(stage, 'N');
                return;
        }
        assert(strlen(value) < VALUE_MAX);
        for (; *value; value++) {
                if (strchr("\\\t\n\r", *value))
                        stage_byte(stage, '\\');
                stage_byte(stage, *value == '\t'   ? 't'
                                  : *value == '\n' ? 'n'
                                  : *value == '\r' ? 'r'
                                                   : *value);
        }
}

void stage_number(struct stage *stage, long long value)
{
        char text[24];

        snprintf(text, sizeof(text), "%lld", value);
        stage_value(stage, text);
}

void stage_row_end(struct stage *stage)
{
        stage_byte(stage, '\n');
        stage->within = false;
}

void stage_abandon(struct stage *stage)
{
        if (!stage->buffer)
                return;
        PQputCopyEnd(stage->database->connection, "given up");
        PQclear(PQgetResult(stage->database->connection));
        free(stage->buffer);
        stage->buffer = NULL;
}

bool stage_end(struct stage *stage)
{
        PGconn *connection = stage->database->connection;
        PGresult *result;
        bool copied;

        stage_flush(stage);
        if (stage->failed || PQputCopyEnd(connection, NULL) != 1) {
                stage_abandon(stage);
                return false;
        }
        result = PQgetResult(connection);
        copied = PQresultStatus(result) == PGRES_COMMAND_OK;
        if (!copied)
                database_complain(stage->database, result);
        PQclear(result);
        PQclear(PQgetResult(connection));
        free(stage->buffer);
        stage->buffer = NULL;
        return copied;
}
