/*
 * A one-dimensional PostgreSQL array in binary form, to be sent as a parameter: built element by element,
 * reused from batch to batch, so that its memory is allocated a few times in a process's life.
 * Format: src/backend/utils/adt/arrayfuncs.c (array_recv) and each type's own _recv.
 *
 * Failure to allocate is sticky: the array counts as failed until the next begin, and pg_array_ok says so.
 */
#ifndef LIB_DB_PG_ARRAY_H
#define LIB_DB_PG_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Element types, by their fixed OIDs (pg_type.dat). */
enum pg_type {
        PG_BOOL = 16,
        PG_BYTEA = 17,
        PG_INT2 = 21,
        PG_INT4 = 23,
        PG_INT8 = 20,
        PG_TEXT = 25,
        PG_UUID = 2950,
        PG_DATE = 1082,
        PG_TIMESTAMPTZ = 1184
};

struct pg_array {
        unsigned char *bytes;
        size_t length, capacity;
        int32_t count;
        bool has_null, failed;
};

void pg_array_begin(struct pg_array *array, enum pg_type type);
void pg_array_null(struct pg_array *array);
void pg_array_int2(struct pg_array *array, int16_t value);
void pg_array_int4(struct pg_array *array, int32_t value);
void pg_array_int8(struct pg_array *array, int64_t value);
void pg_array_text(struct pg_array *array, const char *value); /* "" is NULL: unknown */
struct pg_bytes {
        const void *bytes;
        size_t length;
};
void pg_array_bytea(struct pg_array *array, struct pg_bytes value); /* no bytes are NULL */
void pg_array_uuid(struct pg_array *array, const uint8_t value[16]);
enum { NO_DAY = INT32_MIN };
void pg_array_date(struct pg_array *array, int32_t day); /* days since 1970-01-01; NO_DAY is NULL */
void pg_array_timestamptz(struct pg_array *array, int64_t moment_ms); /* milliseconds since 1970-01-01 UTC */
/* Complete the header; the bytes may be sent until the next begin. */
void pg_array_end(struct pg_array *array);
void pg_array_free(struct pg_array *array);

static inline bool pg_array_ok(const struct pg_array *array)
{
        return !array->failed;
}

/* Big-endian numbers, as binary parameters and results have them. */
int16_t pg_get_int2(const char *bytes);
int32_t pg_get_int4(const char *bytes);
int64_t pg_get_int8(const char *bytes);
/* Binary parameters; the length is returned. */
int pg_put_bool(char bytes[8], bool value);
int pg_put_int8(char bytes[8], int64_t value);
int pg_put_date(char bytes[8], int32_t day);
int pg_put_timestamptz(char bytes[8], int64_t moment_ms);
/* A binary date to days since 1970-01-01. */
int32_t pg_get_date(const char *bytes);

#endif
