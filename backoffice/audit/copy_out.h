/*
 * A query's rows through COPY in binary form: fields are read from left to right, in the order of the query.
 * A row that is not as the caller reads it fails the whole; rows come one by one, so that memory does not depend
 * on their number. What failed first is said in the source's error.
 */
#ifndef BACKOFFICE_AUDIT_COPY_OUT_H
#define BACKOFFICE_AUDIT_COPY_OUT_H

#include "lib/db/pg_query.h"
#include "backoffice/audit/names.h"

enum { COPY_NO_DAY = INT32_MIN, UUID_SIZE = 16 };

struct copy_source;

/* Whose rows they are: a connection's, or a test's own. */
struct copy_server {
        /* "COPY ... TO STDOUT (FORMAT binary)". False with the source's error. */
        bool (*begin)(struct copy_source *source, const char *sql);
        /* The next piece, to be freed with PQfreemem; its length, or none: 0 or less. */
        int (*row)(struct copy_source *source, char **ret_row);
        /* Also ends what was not read to its end. False with the source's error. */
        bool (*end)(struct copy_source *source);
};
extern const struct copy_server copy_connection;

/* Where rows come from, and how many have come in all. */
struct copy_source {
        const struct copy_server *server;
        void *from; /* the server's: of copy_connection a PGconn */
        struct names *names;
        char *error; /* PG_ERROR_MAX: what failed first; "" at the start */
        uint64_t rows;
        void (*on_rows)(uint64_t rows, void *context); /* now and then, for whoever shows it */
        void *context;
};

struct copy_out {
        struct copy_source *source;
        char *row; /* libpq's */
        const char *at, *end;
        int fields;  /* that are left */
        bool failed; /* the source says why */
};

/* Unless something failed before. */
void copy_source_fail(struct copy_source *source, const char *why);

/* False after a failure. */
ATM_MUST_USE bool copy_out_begin(struct copy_out *copy, struct copy_source *source, const char *query);
/* False at the end, or after a failure: copy_out_end tells. */
ATM_MUST_USE bool copy_out_row(struct copy_out *copy);
/* False after a failure. Also ends what was not read to its end. */
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

/* Room for one more of `count` rows, which are kept; it doubles. False after a failure that the copy says. */
ATM_MUST_USE bool copy_room(struct copy_out *copy, void *rows, size_t count, size_t size);

/* What was read, for people: "-" for COPY_NO_DAY; a UUID in PostgreSQL's form. */
const char *copy_print_day(int32_t day, char buffer[11]);
const char *copy_print_uuid(const uint8_t uuid[UUID_SIZE], char buffer[37]);

#endif
