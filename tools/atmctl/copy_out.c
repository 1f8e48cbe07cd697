#include "tools/atmctl/copy_out.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"

enum {
        SIGNATURE_SIZE = 11,
        HEADER_SIZE = SIGNATURE_SIZE + 8, /* flags, length of the extension */
        DAY_2000 = 10957,                 /* PostgreSQL counts from 2000-01-01 */
};
#define US_2000 (INT64_C(946684800) * 1000000)

bool copy_out_begin(struct copy_out *copy, struct database *database, struct names *names, const char *query)
{
        char *sql;
        PGresult *result;
        bool begun;

        *copy = (struct copy_out){.database = database, .names = names};
        if (asprintf(&sql, "COPY (%s) TO STDOUT (FORMAT binary)", query) < 0) {
                complain("out of memory");
                return false;
        }
        result = PQexec(database->connection, sql);
        free(sql);
        begun = PQresultStatus(result) == PGRES_COPY_OUT;
        if (!begun)
                database_complain(database, result);
        PQclear(result);
        return begun;
}

static void fail(struct copy_out *copy)
{
        if (!copy->failed)
                complain("database '%s': rows are not of the form that was asked for",
                         PQdb(copy->database->connection));
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
        length = PQgetCopyData(copy->database->connection, &copy->row, 0);
        if (length <= 0) {
                copy->row = NULL;
                return false;
        }
        copy->at = copy->row;
        copy->end = copy->row + length;
        if (first)
                take(copy, HEADER_SIZE);
        copy->fields = take2(copy);
        return copy->fields >= 0 && !copy->failed; /* -1: no more rows */
}

bool copy_out_end(struct copy_out *copy)
{
        PGconn *connection = copy->database->connection;
        PGresult *result;

        PQfreemem(copy->row);
        copy->row = NULL;
        while (PQgetCopyData(connection, &copy->row, 0) > 0) {
                PQfreemem(copy->row);
                copy->row = NULL;
        }
        while ((result = PQgetResult(connection))) {
                if (PQresultStatus(result) != PGRES_COMMAND_OK && !copy->failed) {
                        database_complain(copy->database, result);
                        copy->failed = true;
                }
                PQclear(result);
        }
        return !copy->failed;
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
        name = names_add(copy->names, text, (size_t)length);
        if (name == NAME_NONE) {
                complain("out of memory");
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
        return field(copy, sizeof(int32_t)) < 0 ? COPY_NO_DAY : take4(copy) + DAY_2000;
}

int64_t copy_moment_us(struct copy_out *copy)
{
        return copy_int8(copy) + US_2000;
}

void copy_uuid(struct copy_out *copy, uint8_t ret_uuid[UUID_SIZE])
{
        if (field(copy, UUID_SIZE) < 0)
                memset(ret_uuid, 0, UUID_SIZE);
        else
                memcpy(ret_uuid, take(copy, UUID_SIZE), UUID_SIZE);
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
        static const char digits[] = "0123456789abcdef";
        char *at = buffer;

        for (int i = 0; i < UUID_SIZE; i++) {
                if (i == 4 || i == 6 || i == 8 || i == 10)
                        *at++ = '-';
                *at++ = digits[uuid[i] >> 4];
                *at++ = digits[uuid[i] & 15];
        }
        *at = '\0';
        return buffer;
}
