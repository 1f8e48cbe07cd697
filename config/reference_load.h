/*
 * The reference data of the database as a snapshot: turns the rows of sql's reference_snapshot() into a
 * struct reference, for who waits for them and for who is on the event loop. One row a thing: a section's name
 * and its cells as text; a table here says what each section holds.
 */
#ifndef CONFIG_REFERENCE_LOAD_H
#define CONFIG_REFERENCE_LOAD_H

#include <libpq-fe.h>

#include "lib/db/pg_conn.h"
#include "lib/db/pg_query.h"
#include "rules/reference.h"

/* Waiting for it, whatever is known already: from its tables, as the transaction sees them. False with an error. */
ATM_MUST_USE bool reference_read(PGconn *connection, struct reference **ret_reference,
                                 char error[PG_ERROR_MAX]);
/* The same from the copy of what is committed, which waits for nobody who holds a table (036_reference.sql). */
ATM_MUST_USE bool reference_read_copy(PGconn *connection, struct reference **ret_reference,
                                      char error[PG_ERROR_MAX]);

/* On the event loop, from the copy: the statement is sent with its one parameter, and its end is taken. ------------------------- */

extern const struct pg_statement reference_statement;

enum { REFERENCE_KNOWN_MAX = 24 };
/* The parameter: the version that is known already, 0 for none. It stands in the buffer. */
struct pg_parameter reference_known(int64_t version, char buffer[REFERENCE_KNOWN_MAX]);

enum reference_load { REFERENCE_LOADED, REFERENCE_UNCHANGED, REFERENCE_REFUSED };

/* A text-format result of the statement. REFERENCE_REFUSED: error[] names the row and what is wrong. */
ATM_MUST_USE enum reference_load reference_load(const PGresult *result, struct reference **ret_reference,
                                                char error[REFERENCE_ERROR_MAX]);

#endif
