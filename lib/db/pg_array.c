#include "lib/db/pg_array.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "lib/db/pg_time.h"

enum {
        HEADER_LENGTH = 20, /* dimensions, has-null, type, size, lower bound */
        FIRST_CAPACITY = 4096,
};

static unsigned char *array_extend(struct pg_array *array, size_t more)
{
        if (array->failed)
                return NULL;
        if (array->capacity - array->length < more) {
                size_t capacity = array->capacity ? array->capacity * 2 : FIRST_CAPACITY;
                while (capacity - array->length < more)
                        capacity *= 2;
                unsigned char *bytes = realloc(array->bytes, capacity);
                if (!bytes) {
                        array->failed = true;
                        return NULL;
                }
                array->bytes = bytes;
                array->capacity = capacity;
        }
        unsigned char *at = array->bytes + array->length;
        array->length += more;
        return at;
}

static void put32(unsigned char *at, uint32_t value)
{
        value = htobe32(value);
        memcpy(at, &value, sizeof(value));
}

static void array_element(struct pg_array *array, const void *bytes, size_t length)
{
        unsigned char *at = array_extend(array, 4 + length);
        if (!at)
                return;
        put32(at, (uint32_t)length);
        memcpy(at + 4, bytes, length);
        array->count++;
}

void pg_array_begin(struct pg_array *array, enum pg_type type)
{
        array->length = 0;
        array->count = 0;
        array->has_null = false;
        array->failed = false;
        unsigned char *at = array_extend(array, HEADER_LENGTH);
        if (at)
                put32(at + 8, (uint32_t)type);
}

void pg_array_end(struct pg_array *array)
{
        if (array->failed)
                return;
        put32(array->bytes, 1);
        put32(array->bytes + 4, array->has_null);
        put32(array->bytes + 12, (uint32_t)array->count);
        put32(array->bytes + 16, 1);
}

void pg_array_free(struct pg_array *array)
{
        free(array->bytes);
        memset(array, 0, sizeof(*array));
}

void pg_array_null(struct pg_array *array)
{
        unsigned char *at = array_extend(array, 4);
        if (!at)
                return;
        put32(at, UINT32_MAX);
        array->has_null = true;
        array->count++;
}

void pg_array_int2(struct pg_array *array, int16_t value)
{
        uint16_t wire = htobe16((uint16_t)value);
        array_element(array, &wire, sizeof(wire));
}

void pg_array_int4(struct pg_array *array, int32_t value)
{
        uint32_t wire = htobe32((uint32_t)value);
        array_element(array, &wire, sizeof(wire));
}

void pg_array_int8(struct pg_array *array, int64_t value)
{
        uint64_t wire = htobe64((uint64_t)value);
        array_element(array, &wire, sizeof(wire));
}

void pg_array_text(struct pg_array *array, const char *value)
{
        if (*value)
                array_element(array, value, strlen(value));
        else
                pg_array_null(array);
}

void pg_array_bytea(struct pg_array *array, struct pg_bytes value)
{
        if (value.length > 0)
                array_element(array, value.bytes, value.length);
        else
                pg_array_null(array);
}

void pg_array_uuid(struct pg_array *array, const uint8_t value[16])
{
        array_element(array, value, 16);
}

void pg_array_date(struct pg_array *array, int32_t day)
{
        if (day == NO_DAY)
                pg_array_null(array);
        else
                pg_array_int4(array, day - PG_EPOCH_DAYS);
}

void pg_array_timestamptz(struct pg_array *array, int64_t moment_ms)
{
        pg_array_int8(array, pg_time_of_ms(moment_ms));
}

int16_t pg_get_int2(const char *bytes)
{
        uint16_t wire;
        memcpy(&wire, bytes, sizeof(wire));
        return (int16_t)be16toh(wire);
}

int32_t pg_get_int4(const char *bytes)
{
        uint32_t wire;
        memcpy(&wire, bytes, sizeof(wire));
        return (int32_t)be32toh(wire);
}

int64_t pg_get_int8(const char *bytes)
{
        uint64_t wire;
        memcpy(&wire, bytes, sizeof(wire));
        return (int64_t)be64toh(wire);
}

int pg_put_bool(char bytes[8], bool value)
{
        bytes[0] = value;
        return 1;
}

int pg_put_int8(char bytes[8], int64_t value)
{
        uint64_t wire = htobe64((uint64_t)value);
        memcpy(bytes, &wire, sizeof(wire));
        return sizeof(wire);
}

int pg_put_date(char bytes[8], int32_t day)
{
        put32((unsigned char *)bytes, (uint32_t)(day - PG_EPOCH_DAYS));
        return 4;
}

int pg_put_timestamptz(char bytes[8], int64_t moment_ms)
{
        return pg_put_int8(bytes, pg_time_of_ms(moment_ms));
}

int32_t pg_get_date(const char *bytes)
{
        return pg_get_int4(bytes) + PG_EPOCH_DAYS;
}
