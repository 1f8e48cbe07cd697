#include "backoffice/audit/copy_out.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/db/pg_time.h"
#include "lib/security/token.h"
#include "rules/calendar.h"

enum {
        SIGNATURE_SIZE = 11,
        HEADER_SIZE = SIGNATURE_SIZE + 8, /* flags, length of the extension */
        PROGRESS_ROWS = 1 << 16,
};

void copy_source_fail(struct copy_source *source, const char *why)
{
        if (!*source->error)
                snprintf(source->error, PG_ERROR_MAX, "%s", why);
}

/* a connection's rows ------------------------------------------------------------------------------------ */

static bool connection_begin(struct copy_source *source, const char *sql)
{
        char error[PG_ERROR_MAX];
        PGresult *result = pg_query(source->from, sql, 0, NULL, error);

        if (!result)
                copy_source_fail(source, error);
        PQclear(result);
        return result != NULL;
}

static int connection_row(struct copy_source *source, char **ret_row)
{
        return PQgetCopyData(source->from, ret_row, 0);
}

static bool connection_end(struct copy_source *source)
{
        char *row = NULL, error[PG_ERROR_MAX];
        PGresult *result;
        bool ended = true;

        while (PQgetCopyData(source->from, &row, 0) > 0)
                PQfreemem(row);
        while ((result = PQgetResult(source->from))) {
                if (PQresultStatus(result) != PGRES_COMMAND_OK && ended) {
                        pg_error(source->from, result, error);
                        copy_source_fail(source, error);
                        ended = false;
                }
                PQclear(result);
        }
        return ended;
}

const struct copy_server copy_connection = {connection_begin, connection_row, connection_end};

/* rows and fields ------------------------------------------------------------------------------------------ */

bool copy_out_begin(struct copy_out *copy, struct copy_source *source, const char *query)
{
        char *sql;
        bool begun;

        *copy = (struct copy_out){.source = source};
        if (asprintf(&sql, "COPY (%s) TO STDOUT (FORMAT binary)", query) < 0) {
                copy_source_fail(source, "out of memory");
                return false;
        }
        begun = source->server->begin(source, sql);
        free(sql);
        return begun;
}

static void fail(struct copy_out *copy)
{
        copy_source_fail(copy->source, "the database's rows are not of the form that was asked for");
        copy->failed = true;
}

/* The next bytes of the row; zeros after a failure. */
static const char *take(struct copy_out *copy, size_t size)
{
        static const char zeros[UUID_SIZE];
        const char *at = copy->at;

        if (size > (size_t)(copy->end - copy->at)) {
                fail(copy);
                return zeros;
        }
        copy->at += size;
        return at;
}

static int16_t take2(struct copy_out *copy)
{
        uint16_t value;

        memcpy(&value, take(copy, sizeof(value)), sizeof(value));
        return (int16_t)be16toh(value);
}

static int32_t take4(struct copy_out *copy)
{
        uint32_t value;

        memcpy(&value, take(copy, sizeof(value)), sizeof(value));
        return (int32_t)be32toh(value);
}

static int64_t take8(struct copy_out *copy)
{
        uint64_t value;

        memcpy(&value, take(copy, sizeof(value)), sizeof(value));
        return (int64_t)be64toh(value);
}

bool copy_out_row(struct copy_out *copy)
{
        bool first = !copy->row;
        int length;

        PQfreemem(copy->row);
        copy->row = NULL;
        if (copy->failed)
                return false;
        length = copy->source->server->row(copy->source, &copy->row);
        if (length <= 0) {
                copy->row = NULL;
                return false;
        }
        copy->at = copy->row;
        copy->end = copy->row + length;
        if (first)
                take(copy, HEADER_SIZE);
        copy->fields = take2(copy);
        if (++copy->source->rows % PROGRESS_ROWS == 0 && copy->source->on_rows)
                copy->source->on_rows(copy->source->rows, copy->source->context);
        return copy->fields >= 0 && !copy->failed; /* -1: no more rows */
}

bool copy_out_end(struct copy_out *copy)
{
        PQfreemem(copy->row);
        copy->row = NULL;
        return copy->source->server->end(copy->source) && !copy->failed;
}

/* The length of the next field; -1: NULL. `size` is what it must be, 0: whatever it is. */
static int32_t field(struct copy_out *copy, int32_t size)
{
        int32_t length = copy->fields-- > 0 ? take4(copy) : -2;

        if (length < -1 || (length >= 0 && size && length != size)) {
                fail(copy);
                return -1;
        }
        return length;
}

uint32_t copy_name(struct copy_out *copy)
{
        int32_t length = field(copy, 0);
        const char *text;
        uint32_t name;

        if (length < 0)
                return NAME_NONE;
        text = take(copy, (size_t)length);
        if (copy->failed)
                return NAME_NONE;
        name = names_add(copy->source->names, text, (size_t)length);
        if (name == NAME_NONE) {
                copy_source_fail(copy->source, "out of memory");
                copy->failed = true;
        }
        return name;
}

int16_t copy_int2(struct copy_out *copy, int16_t fallback)
{
        return field(copy, sizeof(int16_t)) < 0 ? fallback : take2(copy);
}

int32_t copy_int4(struct copy_out *copy, int32_t fallback)
{
        return field(copy, sizeof(int32_t)) < 0 ? fallback : take4(copy);
}

int64_t copy_int8(struct copy_out *copy)
{
        return field(copy, sizeof(int64_t)) < 0 ? 0 : take8(copy);
}

bool copy_bool(struct copy_out *copy)
{
        return field(copy, 1) >= 0 && *take(copy, 1) != 0;
}

int32_t copy_day(struct copy_out *copy)
{
        return field(copy, sizeof(int32_t)) < 0 ? COPY_NO_DAY : take4(copy) + PG_EPOCH_DAYS;
}

int64_t copy_moment_us(struct copy_out *copy)
{
        return copy_int8(copy) + PG_EPOCH_US;
}

void copy_uuid(struct copy_out *copy, uint8_t ret_uuid[UUID_SIZE])
{
        if (field(copy, UUID_SIZE) < 0)
                memset(ret_uuid, 0, UUID_SIZE);
        else
                memcpy(ret_uuid, take(copy, UUID_SIZE), UUID_SIZE);
}

/* rows: a pointer to the caller's pointer. */
bool copy_room(struct copy_out *copy, void *rows, size_t count, size_t size)
{
        void *old, *grown;

        if (count & (count - 1))
                return true; /* it has room up to the next power of two */
        memcpy(&old, rows, sizeof(old));
        grown = reallocarray(old, count ? 2 * count : 1, size);
        if (!grown) {
                copy_source_fail(copy->source, "out of memory");
                copy->failed = true;
                return false;
        }
        memcpy(rows, &grown, sizeof(grown));
        return true;
}

const char *copy_print_day(int32_t day, char buffer[11])
{
        if (day == COPY_NO_DAY)
                return "-";
        calendar_print_day(day, buffer);
        return buffer;
}

const char *copy_print_uuid(const uint8_t uuid[UUID_SIZE], char buffer[37])
{
        _Static_assert((int)UUID_SIZE == (int)TOKEN_LENGTH, "a token is a uuid");
        token_print(uuid, buffer);
        return buffer;
}
