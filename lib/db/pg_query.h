/*
 * Asking a connection and waiting for the answer. What goes wrong is said in words for people, in the caller's
 * buffer: the first line says what happened, each further line, where there is any, is advice.
 */
#ifndef LIB_DB_PG_QUERY_H
#define LIB_DB_PG_QUERY_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { PG_ERROR_MAX = 2048 };

/* How the line of advice begins that a statement gets which its role may not run; the role's name follows, in '. */
#define PG_CONNECTED_AS "connected as "
/* The line of advice where a lock was waited for too long. */
#define PG_LOCKED "somebody else holds what this needs"

/* Why there is no good result; of what our own functions raise, their words alone. result NULL: the connection itself failed. */
void pg_error(const PGconn *connection, const PGresult *result, char error[PG_ERROR_MAX]);

/* NULL with an error. Parameters are texts; NULL is NULL. Several statements where there are no parameters; one that
 * begins a COPY is the caller's to go on with. */
ATM_MUST_USE PGresult *pg_query(PGconn *connection, const char *sql, int count, const char *const *parameters,
                                char error[PG_ERROR_MAX]);
/* The same of a statement that changes what others change too: repeated where they collided. */
ATM_MUST_USE PGresult *pg_query_repeated(PGconn *connection, const char *sql, int count,
                                         const char *const *parameters, char error[PG_ERROR_MAX]);
/* For a statement whose rows nobody wants. False with an error. */
ATM_MUST_USE bool pg_execute(PGconn *connection, const char *sql, int count, const char *const *parameters,
                             char error[PG_ERROR_MAX]);

/* A column's text; NULL where it is NULL. */
const char *pg_text(const PGresult *result, int row, int column);
/* The number in a column of whole numbers; 0 where it is NULL. */
int64_t pg_number(const PGresult *result, int row, int column);
/* How many rows a statement has written. */
int64_t pg_rows_written(PGresult *result);

#endif
