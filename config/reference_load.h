/*
 * The reference data of the database as a snapshot: turns the rows of sql's reference_snapshot() into a
 * struct reference. One row a thing: a section's name and its cells as text; a table here says what each
 * section holds.
 */
#ifndef CONFIG_REFERENCE_LOAD_H
#define CONFIG_REFERENCE_LOAD_H

#include <libpq-fe.h>

#include "rules/reference.h"

/* The statement, with one bigint parameter: the version that is known already, 0 for none. */
#define REFERENCE_SNAPSHOT_SQL "SELECT section, cell FROM reference_snapshot($1)"

enum reference_load { REFERENCE_LOADED, REFERENCE_UNCHANGED, REFERENCE_REFUSED };

/* A text-format result of the statement. REFERENCE_REFUSED: error[] names the row and what is wrong. */
ATM_MUST_USE enum reference_load reference_load(const PGresult *result, struct reference **ret_reference,
                                                char error[REFERENCE_ERROR_MAX]);

#endif
