/*
 * What operators set, as rows: each noun of the reference data with its table, its fields and the rules that
 * hold between them. Import, add, set, remove, show and list are written once and driven by these rows.
 */
#ifndef ATMCTL_ENTITY_H
#define ATMCTL_ENTITY_H

#include "tools/atmctl/command.h"
#include "tools/atmctl/output.h"

/* A condition over the columns of pg_temp.stage that no row may meet. */
struct entity_rule {
        const char *field; /* the one to name */
        const char *violated;
        const char *expected;
};

struct entity {
        const char *noun;   /* "hall" */
        const char *plural; /* "halls" */
        const char *table;  /* called t in the SQL that rows give */
        const struct field *fields;
        const char *order;               /* of list */
        const struct entity_rule *rules; /* field NULL ends it; NULL: none */
        const char *more_sql;            /* further columns for people, as SQL; NULL: none */
        struct output_column more[2];
        size_t more_count;
};

#endif
