/* The files of sql/, in the program: what db init and db migrate run, byte for byte. */
#ifndef ATMCTL_MIGRATIONS_H
#define ATMCTL_MIGRATIONS_H

#include <stddef.h>

struct migration {
        int version;      /* 0: the roles, which are the cluster's and repeatable */
        const char *name; /* "001_schema.sql" */
        const char *sql;
};

extern const struct migration migrations[]; /* by version */
extern const size_t migration_count;

/* Statements whose last one has a row for each thing that stands in the way of migrating: sql/before_migration.sql */
extern const char migration_obstacles[];

/* etc/atmd-minimal.conf: what setup begins a configuration with */
extern const char configuration_minimal[];

int migration_newest(void); /* the highest version */

#endif
