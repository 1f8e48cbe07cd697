/* Asking, and saying in plain words why it did not work. */
#include "tools/atmctl/database.h"

#include <stdlib.h>
#include <string.h>

#include "config/lock_holder.h"
#include "config/schema.h"
#include "lib/base/array.h"
#include "lib/db/conninfo.h"
#include "lib/db/pg_query.h"
#include "lib/db/pg_session.h"
#include "tools/atmctl/connecting.h"
#include "tools/atmctl/migrations.h"
#include "tools/atmctl/operator.h"
#include "tools/atmctl/servers.h"

static void note_quarters(PGconn *connection)
{
        PGresult *result = PQexec(connection, SCHEMA_QUARTERS);

        if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) > 0)
                note("its migration has begun: %s of %s quarters are converted", PQgetvalue(result, 0, 0),
                     PQgetvalue(result, 0, 1));
        PQclear(result);
}

static void complain_about_state(const struct database *database)
{
        const char *name = PQdb(database->connection);

        switch (database->state) {
        case DATABASE_ABSENT:
        case DATABASE_EMPTY:
                complain("database '%s' is not set up: it has no table schema_migration", name);
                note("'atmctl db init' sets it up");
                break;
        case DATABASE_BEHIND:
                complain("database '%s' is not migrated: it is at version %d, this program needs %d", name,
                         database->version, migration_newest());
                note("'atmctl db migrate' brings it there");
                note_quarters(database->connection);
                break;
        case DATABASE_NEWER:
                complain(
                    "database '%s' is newer than this program: it is at version %d, this program knows %d",
                    name, database->version, migration_newest());
                note("use the atmctl of that release");
                break;
        case DATABASE_CURRENT:
                break;
        }
}

/* The connection of the command, for what is asked beside it. */
static PGconn *present;

/* Another connection to the same place: the present one's transaction has failed. NULL: there is none. */
static PGconn *connect_beside(void)
{
        enum { KEYWORDS_MAX = 128 };
        PQconninfoOption *options = present ? PQconninfo(present) : NULL;
        const char *keys[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
        PGconn *beside = NULL;
        char error[PG_ERROR_MAX];
        size_t count = 0;

        for (PQconninfoOption *option = options; option && option->keyword && count < KEYWORDS_MAX;
             option++) {
                if (!option->val || !*option->val)
                        continue;
                keys[count] = option->keyword;
                values[count++] = option->val;
        }
        keys[count] = values[count] = NULL;
        if (options)
                beside = PQconnectdbParams(keys, values, 0);
        PQconninfoFree(options);
        if (PQstatus(beside) == CONNECTION_OK && pg_execute(beside, pg_session_sql, 0, NULL, error))
                return beside;
        PQfinish(beside);
        return NULL;
}

/* Who is in the way, as far as it can be known. */
static void note_holders(void)
{
        static const char *const least[] = {LOCK_HOLDERS_OF_CHANGES};
        char error[PG_ERROR_MAX];
        PGconn *beside = connect_beside();
        PGresult *result = beside ? pg_query(beside, lock_holders_sql, 1, least, error) : NULL;

        for (int row = 0; row < PQntuples(result); row++) {
                struct lock_holder holder = lock_holder_read(result, row);

                note("process %lld holds locks: user %s, application '%s', %s since %s, %s on %s",
                     (long long)holder.pid, holder.user, holder.application, holder.state, holder.since,
                     holder.mode, holder.table);
        }
        if (result && !PQntuples(result))
                note("nobody does any more: try again");
        PQclear(result);
        PQfinish(beside);
}

void database_complain_of(const char *error)
{
        size_t length = strcspn(error, "\n");

        complain("%.*s", (int)length, error);
        while (error[length]) {
                error += length + 1;
                length = strcspn(error, "\n");
                if (!strncmp(error, PG_LOCKED, strlen(PG_LOCKED))) {
                        note_holders();
                        continue;
                }
                note("%.*s%s", (int)length, error,
                     strncmp(error, PG_CONNECTED_AS, strlen(PG_CONNECTED_AS))
                         ? ""
                         : "; operators connect as members of atm_operator; 'db init', 'db migrate' and "
                           "'epoch raise' need a superuser (PGUSER or --conninfo)");
        }
}

void database_complain(const struct database *database, const PGresult *result)
{
        char error[PG_ERROR_MAX];

        pg_error(database->connection, result, error);
        database_complain_of(error);
}

PGresult *database_query(struct database *database, const char *sql, int count, const char *const *parameters)
{
        char error[PG_ERROR_MAX];
        PGresult *result = pg_query(database->connection, sql, count, parameters, error);

        if (!result)
                database_complain_of(error);
        return result;
}

bool database_execute(struct database *database, const char *sql, int count, const char *const *parameters)
{
        PGresult *result = database_query(database, sql, count, parameters);

        PQclear(result);
        return result != NULL;
}

bool database_refresh(struct database *database)
{
        PGresult *result =
            database_query(database, "SELECT to_regclass('public.schema_migration') IS NOT NULL", 0, NULL);

        if (!result)
                return false;
        database->state = *PQgetvalue(result, 0, 0) == 't' ? DATABASE_BEHIND : DATABASE_EMPTY;
        database->version = 0;
        PQclear(result);
        if (database->state == DATABASE_EMPTY)
                return true;
        result = database_query(database, "SELECT coalesce(max(version), 0) FROM schema_migration", 0, NULL);
        if (!result)
                return false;
        database->version = (int)pg_number(result, 0, 0);
        if (database->version > migration_newest())
                database->state = DATABASE_NEWER;
        else if (database->version == migration_newest()) /* they are run in their order */
                database->state = DATABASE_CURRENT;
        PQclear(result);
        return true;
}

static void on_notice(void *context, const PGresult *result)
{
        (void)context;
        (void)result; /* "relation exists, skipping" is nothing that people need */
}

/* A server that may lose what it has committed still has to be looked into. */
static void warn_of_server(PGconn *connection)
{
        char error[PG_ERROR_MAX];

        if (!pg_server_check(connection, error))
                note("%s", error);
}

/* From here on this connection's changes bear the operator's name, the command and the note; of a dry run also the session, so that its
 * rows are distinguished from others'. A command that changes nothing can't, but documents are made of sums, which whoever needs them
 * first makes. */
static bool sign(struct database *database, const struct invocation *invocation)
{
        const char *const note = invocation_value(invocation, "note");
        const char *parameters[] = {operator_name(), invocation_name(invocation), note ? note : "",
                                    invocation_has(invocation, "dry-run") ? ", dry run " : NULL,
                                    invocation->command->flags & (COMMAND_CHANGES | COMMAND_DOCUMENT) ? "off"
                                                                                                      : "on"};

        return database_execute(
            database,
            "SELECT set_config('atm.person', $1, false), set_config('atm.command', $2 || coalesce($4 || "
            "pg_backend_pid(), ''), false), set_config('atm.note', $3, false), "
            "set_config('default_transaction_read_only', $5, false)",
            LENGTH(parameters), parameters);
}

/* Where a replica is, NULL: the command asks the primary. */
static const char *replica_of(const struct invocation *invocation)
{
        const char *conninfo = invocation_value(invocation, "read-only-conninfo");

        if (conninfo || invocation_has(invocation, "conninfo") ||
            !(invocation->command->flags & COMMAND_REPLICA))
                return conninfo;
        conninfo = getenv("ATM_READ_ONLY_CONNINFO");
        return conninfo && *conninfo ? conninfo : NULL;
}

/* A report has that among its remarks (report_notes). */
static bool learn_age(struct database *database, const struct invocation *invocation)
{
        /* one that has replayed nothing since it started has at least what its checkpoint had */
        PGresult *result =
            database_query(database,
                           "SELECT pg_is_in_recovery(), to_char(t.at, 'YYYY-MM-DD HH24:MI:SS'), "
                           "greatest(0, extract(epoch FROM clock_timestamp() - t.at)::integer) "
                           "FROM (SELECT coalesce(pg_last_xact_replay_timestamp(), checkpoint_time) AS at "
                           "FROM pg_control_checkpoint()) t",
                           0, NULL);

        if (!result)
                return false;
        if (*PQgetvalue(result, 0, 0) == 't') {
                snprintf(database->as_of, sizeof(database->as_of), "%s", PQgetvalue(result, 0, 1));
                database->age_s = pg_number(result, 0, 2);
                if (!(invocation->command->flags & COMMAND_DOCUMENT))
                        note("from a replica: as of %s, %lld s ago", database->as_of,
                             (long long)database->age_s);
        } else {
                note("--read-only-conninfo: the server there is no replica; if it is not the primary that "
                     "serves either ('atmctl server list'), "
                     "its data are another history's");
        }
        PQclear(result);
        return true;
}

bool database_open(struct database *database, const struct invocation *invocation, enum database_need need)
{
        const char *replica = replica_of(invocation);
        const char *conninfo = replica ? replica : invocation_value(invocation, "conninfo");
        char exposed[CONNINFO_ERROR_MAX];
        PGconn *chosen = NULL;

        *database = (struct database){.state = DATABASE_ABSENT};
        if (!conninfo_is_private(conninfo ? conninfo : "", exposed)) {
                complain("database: %s (PGSSLMODE and PGSSLROOTCERT, or --conninfo)", exposed);
                return false;
        }
        if (!replica && !servers_choose(conninfo, &chosen))
                return false;
        database->connection = connecting_connect(conninfo, chosen);
        PQfinish(chosen);
        if (!database->connection)
                return false;
        if (!conninfo_of_is_private(database->connection, exposed)) {
                complain("database: %s", exposed);
                goto fail;
        }
        PQsetNoticeReceiver(database->connection, on_notice, NULL);
        present = database->connection;
        if (!database_execute(database, pg_session_sql, 0, NULL) || !sign(database, invocation) ||
            !database_refresh(database) || (replica && !learn_age(database, invocation)))
                goto fail;
        warn_of_server(database->connection);
        if (need == DATABASE_READY && database->state != DATABASE_CURRENT) {
                complain_about_state(database);
                goto fail;
        }
        return true;
fail:
        database_close(database);
        return false;
}

void database_close(struct database *database)
{
        if (present == database->connection)
                present = NULL;
        PQfinish(database->connection);
        database->connection = NULL;
}

int database_run(const struct invocation *invocation, database_work *work, void *context)
{
        struct database database;
        bool done;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        done = work(&database, invocation, context);
        database_close(&database);
        return done ? EXIT_DONE : EXIT_FAILED;
}
