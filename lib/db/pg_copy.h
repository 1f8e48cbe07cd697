/*
 * Rows in PostgreSQL's binary COPY format, gathered in memory and sent in one piece.
 * Format: documentation of COPY, "Binary Format".
 *
 *      begin --row, then as many values as it has columns--> ... --send--> begin
 *
 * Failure to allocate is sticky until the next begin; pg_copy_send then fails.
 */
#ifndef LIB_DB_PG_COPY_H
#define LIB_DB_PG_COPY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

struct pg_copy {
        unsigned char *bytes;
        size_t length, capacity;
        uint64_t rows;
        bool failed;
};

void pg_copy_begin(struct pg_copy *copy);
void pg_copy_row(struct pg_copy *copy, int16_t columns);
void pg_copy_null(struct pg_copy *copy);
void pg_copy_int2(struct pg_copy *copy, int16_t value);
void pg_copy_int4(struct pg_copy *copy, int32_t value);
void pg_copy_int8(struct pg_copy *copy, int64_t value);
void pg_copy_text(struct pg_copy *copy, const char *value); /* NULL is NULL */
void pg_copy_uuid(struct pg_copy *copy, const uint8_t value[16]);
void pg_copy_date(struct pg_copy *copy, int32_t day);              /* days since 1970-01-01 */
void pg_copy_timestamptz(struct pg_copy *copy, int64_t moment_ms); /* milliseconds since 1970-01-01 UTC */
/* Run "COPY ... FROM STDIN (FORMAT binary)" with the rows; nothing where there are none. False: the connection's
 * error message says why, or there was no memory (then it is empty). */
ATM_MUST_USE bool pg_copy_send(struct pg_copy *copy, PGconn *connection, const char *sql);
void pg_copy_free(struct pg_copy *copy);

#endif
