/*
 * The database as commands see it: one connection, queries whose errors are told to people in their words
 * (no server, no such database, not migrated, newer than this program, no right to do that).
 * Sessions run in Japan's time zone, dates and moments as ISO 8601.
 */
#ifndef ATMCTL_DATABASE_H
#define ATMCTL_DATABASE_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "tools/atmctl/command.h"

enum database_state { DATABASE_ABSENT, DATABASE_EMPTY, DATABASE_BEHIND, DATABASE_CURRENT, DATABASE_NEWER };

enum database_need {
        DATABASE_ANY,   /* whatever is there: db init, migrate, status */
        DATABASE_READY, /* migrated to exactly what this program knows */
};

struct database {
        PGconn *connection;
        char as_of[20]; /* of a replica: "2016-12-28 10:00:00", so long ago; "": it is none */
        int64_t age_s;
        enum database_state state;
        int version; /* the highest migration that it has; 0 none */
};

/* False after a complaint. */
ATM_MUST_USE bool database_open(struct database *database, const struct invocation *invocation,
                                enum database_need need);
void database_close(struct database *database);
/* A command's work on a database that is ready: connected before, closed after it. Whether it was done; false after a
 * complaint. */
typedef bool database_work(struct database *database, const struct invocation *invocation, void *context);
/* The exit code. */
int database_run(const struct invocation *invocation, database_work *work, void *context);
/* Look again, after a migration. */
ATM_MUST_USE bool database_refresh(struct database *database);

/* NULL after a complaint. Parameters are texts; NULL is NULL. */
PGresult *database_query(struct database *database, const char *sql, int count,
                         const char *const *parameters);
/* For a statement whose rows nobody wants; several statements where there are no parameters. */
ATM_MUST_USE bool database_execute(struct database *database, const char *sql, int count,
                                   const char *const *parameters);
/* What pg_query and what asks through it said: a complaint, and its advice as notes. */
void database_complain_of(const char *error);
void database_complain(const struct database *database, const PGresult *result);

#endif
