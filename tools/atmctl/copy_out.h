/*
 * A query's rows through COPY in binary form: fields are read from left to right, in the order of the query.
 * A row that is not as the caller reads it fails the whole, with a complaint; rows come one by one, so that
 * memory does not depend on their number.
 */
#ifndef ATMCTL_COPY_OUT_H
#define ATMCTL_COPY_OUT_H

#include "tools/atmctl/database.h"
#include "tools/atmctl/names.h"

enum { COPY_NO_DAY = INT32_MIN, UUID_SIZE = 16 };

struct copy_out {
        struct database *database;
        struct names *names;
        char *row; /* libpq's */
        const char *at, *end;
        int fields; /* that are left */
        bool failed; /* complained already */
};

/* False after a complaint. */
ATM_MUST_USE bool copy_out_begin(struct copy_out *copy, struct database *database, struct names *names,
                                 const char *query);
/* False at the end, or after a complaint: copy_out_end tells. */
ATM_MUST_USE bool copy_out_row(struct copy_out *copy);
/* False after a complaint. Also ends what was not read to its end. */
ATM_MUST_USE bool copy_out_end(struct copy_out *copy);

/* The next field of the row. NULL is NAME_NONE, COPY_NO_DAY, zeros, or the fallback. */
uint32_t copy_name(struct copy_out *copy);
int16_t copy_int2(struct copy_out *copy, int16_t fallback);
int32_t copy_int4(struct copy_out *copy, int32_t fallback);
int64_t copy_int8(struct copy_out *copy);
bool copy_bool(struct copy_out *copy);
int32_t copy_day(struct copy_out *copy);
/* Microseconds since 1970. */
int64_t copy_moment_us(struct copy_out *copy);
void copy_uuid(struct copy_out *copy, uint8_t ret_uuid[UUID_SIZE]);

/* What was read, for people: "-" for COPY_NO_DAY; a UUID in PostgreSQL's form. */
const char *copy_print_day(int32_t day, char buffer[11]);
const char *copy_print_uuid(const uint8_t uuid[UUID_SIZE], char buffer[37]);

#endif
