/*
 * What rows are selected by: conditions in SQL and their parameters. Every condition is " AND ..." over columns that the
 * caller names; what people typed is only ever a parameter.
 */
#ifndef LIB_DB_SELECTION_H
#define LIB_DB_SELECTION_H

#include "lib/db/sqltext.h"

enum { SELECTION_PARAMETERS_MAX = 16, SELECTION_KEPT_MAX = 4, SELECTION_KEPT_SIZE = 32 };

struct selection {
        struct sqltext conditions;
        const char *parameters[SELECTION_PARAMETERS_MAX];
        int count;
        char kept[SELECTION_KEPT_MAX][SELECTION_KEPT_SIZE]; /* parameters that nobody else keeps */
        int kept_count;
};

void selection_start(struct selection *selection);
/* Its number in the SQL: $1 is the first. `value` must outlive the selection. */
int selection_parameter(struct selection *selection, const char *value);
/* The same of a short text that may go away. */
int selection_keep(struct selection *selection, const char *value);
/* Nothing where value is NULL. */
void select_equal(struct selection *selection, const char *column, const char *type, const char *value);

/* A moment as people and programs read it. */
#define MOMENT(column) "to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+09:00'"
/* The same of real milliseconds since 1970. */
#define REAL_MOMENT(column) MOMENT("to_timestamp((" column ") / 1000.0)")

#endif
