/* Binary COPY: a header, rows of counted values, a trailer; numbers big-endian. */
#include "lib/db/pg_copy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/db/pg_time.h"

enum { CHUNK = 1 << 20 };
static const char header[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* signature, no flags, no extension */

static unsigned char *room(struct pg_copy *copy, size_t size)
{
        unsigned char *at;

        if (copy->length + size > copy->capacity && !copy->failed) {
                size_t capacity = copy->capacity ? 2 * copy->capacity : 65536;
                unsigned char *bytes;

                while (capacity < copy->length + size)
                        capacity *= 2;
                bytes = realloc(copy->bytes, capacity);
                if (bytes) {
                        copy->bytes = bytes;
                        copy->capacity = capacity;
                } else {
                        copy->failed = true;
                }
        }
        if (copy->failed)
                return NULL;
        at = copy->bytes + copy->length;
        copy->length += size;
        return at;
}

static void put(unsigned char *at, uint64_t value, int bytes)
{
        for (int i = bytes - 1; i >= 0; i--, value >>= 8)
                at[i] = (unsigned char)value;
}

static void number(struct pg_copy *copy, uint64_t value, int bytes)
{
        unsigned char *at = room(copy, 4 + (size_t)bytes);

        if (!at)
                return;
        put(at, (uint64_t)bytes, 4);
        put(at + 4, value, bytes);
}

void pg_copy_begin(struct pg_copy *copy)
{
        unsigned char *at;

        copy->length = 0;
        copy->rows = 0;
        copy->failed = false;
        at = room(copy, sizeof(header));
        if (at)
                memcpy(at, header, sizeof(header));
}

void pg_copy_row(struct pg_copy *copy, int16_t columns)
{
        unsigned char *at = room(copy, 2);

        if (at)
                put(at, (uint64_t)(uint16_t)columns, 2);
        copy->rows++;
}

void pg_copy_null(struct pg_copy *copy)
{
        unsigned char *at = room(copy, 4);

        if (at)
                memset(at, 0xff, 4);
}

void pg_copy_int2(struct pg_copy *copy, int16_t value)
{
        number(copy, (uint64_t)(int64_t)value, 2);
}

void pg_copy_int4(struct pg_copy *copy, int32_t value)
{
        number(copy, (uint64_t)(int64_t)value, 4);
}

void pg_copy_int8(struct pg_copy *copy, int64_t value)
{
        number(copy, (uint64_t)value, 8);
}

static void bytes(struct pg_copy *copy, const void *value, size_t length)
{
        unsigned char *at = room(copy, 4 + length);

        if (!at)
                return;
        put(at, length, 4);
        memcpy(at + 4, value, length);
}

void pg_copy_text(struct pg_copy *copy, const char *value)
{
        if (value)
                bytes(copy, value, strlen(value));
        else
                pg_copy_null(copy);
}

void pg_copy_uuid(struct pg_copy *copy, const uint8_t value[16])
{
        bytes(copy, value, 16);
}

void pg_copy_date(struct pg_copy *copy, int32_t day)
{
        pg_copy_int4(copy, day - PG_EPOCH_DAYS);
}

void pg_copy_timestamptz(struct pg_copy *copy, int64_t moment_ms)
{
        pg_copy_int8(copy, pg_time_of_ms(moment_ms));
}

static bool put_all(struct pg_copy *copy, PGconn *connection)
{
        for (size_t at = 0; at < copy->length; at += CHUNK) {
                size_t size = copy->length - at < CHUNK ? copy->length - at : CHUNK;

                if (PQputCopyData(connection, (const char *)copy->bytes + at, (int)size) != 1)
                        return false;
        }
        return PQputCopyEnd(connection, NULL) == 1;
}

bool pg_copy_send(struct pg_copy *copy, PGconn *connection, const char *sql)
{
        unsigned char *trailer = room(copy, 2);
        PGresult *result;
        bool sent;

        if (!trailer)
                return false;
        put(trailer, 0xffff, 2);
        if (!copy->rows)
                return true;
        result = PQexec(connection, sql);
        sent = PQresultStatus(result) == PGRES_COPY_IN && put_all(copy, connection);
        PQclear(result);
        while ((result = PQgetResult(connection))) {
                sent = sent && PQresultStatus(result) == PGRES_COMMAND_OK;
                PQclear(result);
        }
        return sent;
}

void pg_copy_free(struct pg_copy *copy)
{
        free(copy->bytes);
        *copy = (struct pg_copy){.bytes = NULL};
}
