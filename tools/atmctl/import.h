/*
 * Rows on their way into the database, whether from a CSV file or from a command's options: checked value by
 * value here, staged in a temporary table with their line, checked as a set there, applied in the same
 * transaction. All or nothing.
 *
 *      file --import_next: each value by its kind--> stage --duplicates, references, rules--> table
 */
#ifndef ATMCTL_IMPORT_H
#define ATMCTL_IMPORT_H

#include "lib/base/csv.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/entity.h"

enum { IMPORT_FIELDS_MAX = 16 };

/* A CSV file read against a table of fields. */
struct import {
        struct csv csv;
        const struct field *fields;
        size_t count;
        const struct entity *entity;          /* NULL: none; whose rows may be there already */
        int column[IMPORT_FIELDS_MAX];        /* where the field is in the file; -1: its fallback */
        const char *value[IMPORT_FIELDS_MAX]; /* of the present row, canonical; NULL: none */
        char canonical[IMPORT_FIELDS_MAX][VALUE_MAX];
        unsigned long long rows;
};

/* Open the file and match its header with the fields. False after a complaint. */
ATM_MUST_USE bool import_open(struct import *import, const char *path, const struct field *fields,
                              bool secret);
/* Rows of an entity, as its list writes them: what the list adds to its fields is read past, and a file for rows that are there needs no
 * columns but the key and what it changes (a value is NULL then). */
ATM_MUST_USE bool import_open_entity(struct import *import, const char *path, const struct entity *entity);
/* The first field that a new row can't do without and the file has no column for; NULL: none. */
const struct field *import_lacks(const struct import *import);
ATM_MUST_USE enum csv_result import_next(struct import *import);
void import_close(struct import *import);
/* A complaint about a value of the present row. */
void import_complain(struct import *import, size_t field, const char *problem);
/* A complaint as csv_refuse words it. */
void csv_complain(struct csv *csv, long line, const char *column, const char *format, ...) ATM_PRINTF(4, 5);

/* COPY into pg_temp.stage, buffered. */
struct stage {
        struct database *database;
        char *buffer;
        size_t used;
        bool within; /* a row */
        bool failed; /* sticky; said already */
};
ATM_MUST_USE bool stage_begin(struct stage *stage, struct database *database);
void stage_value(struct stage *stage, const char *value); /* NULL: none */
void stage_number(struct stage *stage, long long value);
void stage_row_end(struct stage *stage);
/* Ends the COPY; frees in any case. */
ATM_MUST_USE bool stage_end(struct stage *stage);
void stage_abandon(struct stage *stage);

#endif
