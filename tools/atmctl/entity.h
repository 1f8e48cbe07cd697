/*
 * What operators set, as rows: each noun of the reference data with its table, its fields and the rules that
 * hold between them. Import, add, set, remove, show and list are written once and driven by these rows
 * (nouns/entity_commands.c). Commands without a noun's table have fields too: their options.
 */
#ifndef ATMCTL_ENTITY_H
#define ATMCTL_ENTITY_H

#include "tools/atmctl/value.h"

enum field_flags {
        FIELD_KEY = 1,         /* part of the row's key: a positional argument of show, set, remove */
        FIELD_NULLABLE = 2,    /* an empty value is stored as NULL */
        FIELD_FILTER = 4,      /* an option of list */
        FIELD_FIXED = 8,       /* part of no key, but can't be changed by set */
        FIELD_REQUIRED = 16,   /* must be given, be it empty */
        FIELD_REPEAT = 32,     /* may be given several times, or with several values */
        FIELD_POSITIONAL = 64, /* given without a name */
        FIELD_ONE_DAY = 512,   /* of a day: none of several stands for them */
        FIELD_MAYBE = 256,     /* an option whose value may be left out: it is then `fallback` */
        FIELD_DATED = 128, /* holds from a day on, which --from names; what else there is changes at once */
};

/* A column of a CSV file, an option of a command, a column of a table: whichever applies. */
struct field {
        const char *name; /* NULL ends a table of fields */
        enum value_kind kind;
        unsigned flags;
        const char *text;
        const char
            *fallback; /* import: a new row's value where the file lacks the column, which a row that is
                               * there keeps; "=NAME": that column's, which comes before it; NULL: it must be there */
        const char *add_fallback; /* add: likewise where it differs */
        const char *column;       /* in the database */
        const char *references; /* the table that must hold it, its noun's name, in a column of the same name;
                                   * or "table.column" */
};

/* A condition over the columns of pg_temp.stage that no row may meet. */
struct entity_rule {
        const char *field; /* the one to name */
        const char *violated;
        const char *expected;
};

struct output_column;

struct entity {
        const char *noun;   /* "hall" */
        const char *plural; /* "halls" */
        const char *table;  /* called t in the SQL that rows give */
        const char *shown;  /* what list and show take its place, as SQL; NULL: itself */
        const struct field *fields;
        const struct field *filters; /* further options of list, over columns of what is shown; NULL: none */
        const char *order;           /* of list */
        const struct entity_rule *rules; /* field NULL ends it; NULL: none */
        const char *
            doubt_sql; /* over pg_temp.stage: rows with what is good, and yet nobody may have meant; NULL: none */
        const char *more_sql; /* further columns for people, as SQL; NULL: none */
        const struct output_column *more;
        size_t more_count;
        bool
            is_noted; /* whoever changes it says why: --note is demanded (sql/080_ledger.sql demands it likewise) */
};

#endif
