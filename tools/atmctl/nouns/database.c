/*
 * db: set up, migrate, look at, make partitions ahead.
 *
 *      EMPTY --init--> CURRENT        BEHIND --migrate--> CURRENT        NEWER: another release's work
 *
 * The files of sql/ run as they are: each is one transaction of its own (BEGIN and COMMIT are in it) and
 * leaves its row in schema_migration, so a failure leaves what was before it. What takes long does so quarter by
 * quarter of history, each a transaction too. Everything belongs to atm_owner.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/plural.h"
#include "lib/db/pg_query.h"
#include "lib/db/pg_session.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/nouns/database.h"
#include "tools/atmctl/migrations.h"
#include "tools/atmctl/output/output.h"

enum { PARTITION_MONTHS_BACK = 13, /* an advice may be a year late */ PARTITION_MONTHS_AHEAD = 13 };

static const char *state_name(enum database_state state)
{
        static const char *const names[] = {[DATABASE_ABSENT] = "absent",
                                            [DATABASE_EMPTY] = "not set up",
                                            [DATABASE_BEHIND] = "not migrated",
                                            [DATABASE_CURRENT] = "current",
                                            [DATABASE_NEWER] = "newer than this program"};

        return names[state];
}

#define MIGRATION_LOCK "hashtext('atm schema migration')"

/* Whoever holds the lock of migrations, for people. */
static void note_migration(struct database *database)
{
        PGresult *result = database_query(
            database,
            "SELECT l.pid, a.usename, to_char(a.backend_start AT TIME ZONE 'Asia/Tokyo', "
            "'YYYY-MM-DD\"T\"HH24:MI:SS\"+09:00\"') FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
            "WHERE l.locktype "
            "= 'advisory' AND l.granted AND l.database = (SELECT oid FROM pg_database WHERE datname = "
            "current_database()) AND l.objid::bigint = " MIGRATION_LOCK "::bigint & 4294967295",
            0, NULL);

        if (result && PQntuples(result) > 0)
                note("another 'atmctl db' is at work (process %s of user %s, there since %s): waiting for "
                     "its end",
                     PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), PQgetvalue(result, 0, 2));
        PQclear(result);
}

/* Two operators at once: the second waits, says so, and then finds the work done. */
static bool lock_migrations(struct database *database)
{
        PGresult *result =
            database_query(database, "SELECT pg_try_advisory_lock(" MIGRATION_LOCK ")", 0, NULL);
        bool locked = result && *PQgetvalue(result, 0, 0) == 't';

        if (!result)
                return false;
        PQclear(result);
        if (!locked) {
                note_migration(database);
                locked = database_execute(database, "SET lock_timeout = 0", 0, NULL) &&
                         database_execute(database, "SELECT pg_advisory_lock(" MIGRATION_LOCK ")", 0, NULL) &&
                         database_execute(database, pg_session_sql, 0, NULL);
        }
        return locked && database_refresh(database);
}

static bool is_applied(struct database *database, int version, bool *ret_applied)
{
        char number[12];
        const char *parameters[] = {number};
        PGresult *result;

        *ret_applied = false;
        if (database->state == DATABASE_EMPTY)
                return true;
        snprintf(number, sizeof(number), "%d", version);
        result = database_query(database, "SELECT FROM schema_migration WHERE version = $1::integer", 1,
                                parameters);
        if (!result)
                return false;
        *ret_applied = PQntuples(result) > 0;
        PQclear(result);
        return true;
}

static bool run_migration(struct database *database, const struct migration *migration)
{
        if (!database_execute(database, migration->sql, 0, NULL)) {
                complain("%s failed: the database is as it was before it", migration->name);
                return false;
        }
        printf("%s: done\n", migration->name);
        return true;
}

/* What stands in the way is all said before anything is changed. */
static bool nothing_is_in_the_way(struct database *database)
{
        PGresult *obstacles = database_query(database, migration_obstacles, 0, NULL);
        bool none = obstacles && PQntuples(obstacles) == 0;

        if (obstacles && !none)
                complain("database '%s' can't be migrated, nothing was changed; in the way:",
                         PQdb(database->connection));
        for (int i = 0; i < PQntuples(obstacles); i++)
                note("  %s", PQgetvalue(obstacles, i, 0));
        PQclear(obstacles);
        return none;
}

/* The quarters that a migration enters in schema_quarter (sql/028_keys.sql) and that are left, one a transaction. The database is
 * whole between any two, so that whoever was stopped goes on with the next. */
static bool run_quarter(struct database *database, const struct migration *migration, const char *from_on)
{
        char sql[256];

        snprintf(sql, sizeof(sql),
                 "BEGIN; SELECT schema_quarter_%d('%s'); "
                 "UPDATE schema_quarter SET done = true WHERE version = %d AND from_on = '%s'; COMMIT",
                 migration->version, from_on, migration->version, from_on);
        if (database_execute(database, sql, 0, NULL))
                return true;
        complain("%s failed in the quarter from %s: that quarter is as it was", migration->name, from_on);
        note("'atmctl db migrate' goes on there");
        return false;
}

static PGresult *quarters_left(struct database *database, const struct migration *migration)
{
        char number[12];
        const char *parameters[] = {number};

        snprintf(number, sizeof(number), "%d", migration->version);
        return database_query(database,
                              "SELECT from_on, place, places FROM (SELECT from_on, done, row_number() OVER "
                              "(ORDER BY done DESC, from_on) AS place, count(*) OVER () AS places FROM "
                              "schema_quarter WHERE version = $1::integer) q WHERE NOT done ORDER BY place",
                              1, parameters);
}

static bool run_quarters(struct database *database, const struct migration *migration)
{
        PGresult *left = database_query(
            database, "SELECT FROM pg_class WHERE oid = to_regclass('schema_quarter')", 0, NULL);
        bool done = left != NULL;

        if (left && PQntuples(left) > 0) {
                PQclear(left);
                left = quarters_left(database, migration);
                done = left != NULL;
        }
        for (int i = 0; done && i < PQntuples(left); i++) {
                progress("%s: quarter from %s, %s of %s", migration->name, PQgetvalue(left, i, 0),
                         PQgetvalue(left, i, 1), PQgetvalue(left, i, 2));
                done = run_quarter(database, migration, PQgetvalue(left, i, 0));
        }
        progress_end();
        PQclear(left);
        return done;
}

/* The roles first, as whoever we are; then, as their owner, what is not there yet. */
static bool run_migrations(struct database *database)
{
        for (size_t i = 0; i < migration_count; i++) {
                const struct migration *migration = &migrations[i];
                bool applied = false;

                if (migration->version && !is_applied(database, migration->version, &applied))
                        return false;
                if (migration->version == 0 && !database_execute(database, "RESET ROLE", 0, NULL))
                        return false;
                if ((!applied && !run_migration(database, migration)) || !run_quarters(database, migration))
                        return false;
                if (migration->version == 0 &&
                    !database_execute(database,
                                      "GRANT USAGE, CREATE ON SCHEMA public TO atm_owner; SET ROLE atm_owner",
                                      0, NULL))
                        return false;
                if (!database_refresh(database))
                        return false;
        }
        return true;
}

/* partitions -------------------------------------------------------------------------------------------- */

static int32_t add_months(int32_t day, int months)
{
        struct civil civil;
        int month;

        calendar_civil_of_day(calendar_month_of(day), &civil);
        month = civil.year * 12 + civil.month - 1 + months;
        return calendar_day(month / 12, month % 12 + 1, 1);
}

/* The usual range, unless the options name another. */
static bool partition_range(const struct invocation *invocation, char ret_from[11], char ret_to[11])
{
        const char *from = invocation_value(invocation, "from"), *to = invocation_value(invocation, "to");
        const char *now = invocation_value(invocation, "clock-now");
        int32_t today;

        if (now ? !calendar_parse_day(now, &today) : !business_today(invocation, &today))
                return false;
        calendar_print_day(add_months(today, -PARTITION_MONTHS_BACK), ret_from);
        calendar_print_day(add_months(today, PARTITION_MONTHS_AHEAD + 1), ret_to); /* that month included */
        if (from)
                strcpy(ret_from, from);
        if (to)
                strcpy(ret_to, to);
        return true;
}

static bool make_partitions(struct database *database, const struct invocation *invocation, void *context)
{
        char from[11], to[11], quarters[PLURAL_MAX];
        const char *parameters[] = {from, to};
        PGresult *result;
        int64_t made;

        (void)context;
        if (!partition_range(invocation, from, to))
                return false;
        result = database_query(database, "SELECT ledger_make_partitions($1::date, $2::date)", 2, parameters);
        if (!result)
                return false;
        made = pg_number(result, 0, 0);
        change_say(invocation, "partitions from %s to before %s: %s %s new\n", from, to,
                   plural_count((uint64_t)made, "quarter", quarters), made == 1 ? "is" : "are");
        PQclear(result);
        return true;
}

static int database_partitions(const struct invocation *invocation)
{
        const char *from = invocation_value(invocation, "from"), *to = invocation_value(invocation, "to");

        if (from && to && strcmp(from, to) >= 0)
                return usage_error(invocation->command, "--to %s: expected a day after --from %s", to, from);
        return change_run(invocation, make_partitions, NULL);
}

/* init, migrate, status -------------------------------------------------------------------------------- */

/* A laboratory's clock, so that the database knows which days are over; a database without a row goes by its own. */
static bool enter_clock(struct database *database, const struct invocation *invocation)
{
        struct business_clock clock;
        const char *source;
        char start[24], anchor[24], speed[12];
        const char *parameters[] = {start, anchor, speed};

        if (!business_clock_of(invocation, &clock, &source))
                return false;
        if (clock.start_ms == clock_real.start_ms && clock.anchor_ms == clock_real.anchor_ms &&
            clock.speed == clock_real.speed)
                return true;
        snprintf(start, sizeof(start), "%" PRId64, clock.start_ms);
        snprintf(anchor, sizeof(anchor), "%" PRId64, clock.anchor_ms);
        snprintf(speed, sizeof(speed), "%" PRId32, clock.speed);
        return database_execute(database,
                                "INSERT INTO business_clock (start_ms, anchor_ms, speed) VALUES ($1::bigint, "
                                "$2::bigint, $3::integer) ON CONFLICT (only_row) DO UPDATE SET start_ms = "
                                "EXCLUDED.start_ms, anchor_ms = EXCLUDED.anchor_ms, speed = EXCLUDED.speed",
                                LENGTH(parameters), parameters);
}

static int migrate_to_newest(struct database *database, const struct invocation *invocation)
{
        if (database->state == DATABASE_BEHIND && !nothing_is_in_the_way(database))
                return EXIT_FAILED;
        if (!run_migrations(database) || !enter_clock(database, invocation) ||
            !make_partitions(database, invocation, NULL))
                return EXIT_FAILED;
        printf("database '%s' is at version %d\n", PQdb(database->connection), database->version);
        return EXIT_DONE;
}

static int say_state(const struct database *database)
{
        const char *name = PQdb(database->connection);

        switch (database->state) {
        case DATABASE_CURRENT:
                printf("database '%s' is set up already, at version %d: nothing was changed\n", name,
                       database->version);
                return EXIT_DONE;
        case DATABASE_NEWER:
                complain(
                    "database '%s' is newer than this program: it is at version %d, this program knows %d: "
                    "nothing was changed",
                    name, database->version, migration_newest());
                note("use the atmctl of that release");
                return EXIT_FAILED;
        case DATABASE_BEHIND:
                complain("database '%s' is set up already, at version %d of %d: nothing was changed", name,
                         database->version, migration_newest());
                note("'atmctl db migrate' brings it there");
                return EXIT_FAILED;
        default:
                complain("database '%s' is not set up: it has no table schema_migration", name);
                note("'atmctl db init' sets it up");
                return EXIT_FAILED;
        }
}

/* It can't be changed later, and `atmd` would not start. */
static bool encoding_is_right(const struct database *database)
{
        const char *encoding = PQparameterStatus(database->connection, "server_encoding");

        if (encoding && !strcmp(encoding, "UTF8"))
                return true;
        complain(
            "database '%s' has the encoding %s; expected UTF8, since names are Japanese: nothing was changed",
            PQdb(database->connection), encoding ? encoding : "unknown");
        note("'createdb --encoding UTF8 --locale C.UTF-8 --template template0 NAME' makes one that has it");
        return false;
}

/* "init" wants an empty database, "migrate" one that is behind. */
static int bring_up(struct database *database, const struct invocation *invocation,
                    enum database_state wanted)
{
        if (!encoding_is_right(database) || !lock_migrations(database))
                return EXIT_FAILED;
        return database->state == wanted ? migrate_to_newest(database, invocation) : say_state(database);
}

int database_init(struct database *database, const struct invocation *invocation)
{
        return bring_up(database, invocation, DATABASE_EMPTY);
}

static int database_setup(const struct invocation *invocation)
{
        enum database_state wanted =
            strcmp(invocation->command->verb, "init") ? DATABASE_BEHIND : DATABASE_EMPTY;
        struct database database;
        int exit_code;

        if (!database_open(&database, invocation, DATABASE_ANY))
                return EXIT_FAILED;
        exit_code = bring_up(&database, invocation, wanted);
        database_close(&database);
        return exit_code;
}

static int database_status(const struct invocation *invocation)
{
        static const struct output_column columns[] = {
            {"database", OUTPUT_TEXT, 0},
            {"server_version", OUTPUT_TEXT, 0},
            {"state", OUTPUT_TEXT, 0},
            {"version", OUTPUT_NUMBER, 0},
            {"program_version", OUTPUT_NUMBER, 0},
            {"partitions_from", OUTPUT_TEXT, 0},
            {"partitions_to", OUTPUT_TEXT, 0},
            {"reference_version", OUTPUT_NUMBER, 0},
        };
        const char *values[sizeof(columns) / sizeof(*columns)] = {0};
        char version[12], newest[12];
        struct database database;
        struct output *output;
        PGresult *partitions = NULL;
        int exit_code = EXIT_FAILED;

        if (!database_open(&database, invocation, DATABASE_ANY))
                return EXIT_FAILED;
        snprintf(version, sizeof(version), "%d", database.version);
        snprintf(newest, sizeof(newest), "%d", migration_newest());
        values[0] = PQdb(database.connection);
        values[1] = PQparameterStatus(database.connection, "server_version");
        values[2] = state_name(database.state);
        values[3] = version;
        values[4] = newest;
        if (database.state == DATABASE_CURRENT) {
                partitions = database_query(&database,
                                            "SELECT min(from_on), max(to_on), (SELECT version FROM "
                                            "reference_version) FROM ledger_partition",
                                            0, NULL);
                if (!partitions)
                        goto disconnect;
                for (int i = 0; i < 3; i++)
                        values[5 + i] = pg_text(partitions, 0, i);
        }
        output = output_open(invocation, OUTPUT_ONE, columns, sizeof(columns) / sizeof(*columns));
        if (output && !output_row(output, values))
                output_abandon(output);
        else if (output && output_close(output) && database.state == DATABASE_CURRENT)
                exit_code = EXIT_DONE;
        PQclear(partitions);
disconnect:
        database_close(&database);
        return exit_code;
}

static const struct field setup_fields[] = {
    {.name = "clock-now",
     .kind = VALUE_DATE,
     .text = "make partitions around this day instead of business today"},
    {.name = NULL},
};
static const struct field partition_fields[] = {
    {.name = "from",
     .kind = VALUE_DATE,
     .flags = FIELD_ONE_DAY,
     .text = "the first day; 13 months before business today unless given"},
    {.name = "to",
     .kind = VALUE_DATE,
     .flags = FIELD_ONE_DAY,
     .text = "the day after the last; when the 13th month after business today is over unless given"},
    {.name = "clock-now", .kind = VALUE_DATE, .text = "count from this day instead of business today"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "db",
     .verb = "init",
     .text = "set up an empty database: roles, tables, functions, views, partitions",
     .more =
         "Connects with the usual PG variables or --conninfo, and needs a superuser. A laboratory's "
         "clock (--config, or the ATM_CLOCK variables) is entered into the database, which else goes by "
         "its own: it "
         "closes no quarter that is not over. Its encoding must be UTF8. A database that is set up already "
         "is left as it is. 'atmctl setup' does this and the rest of what a machine needs.\nExample: "
         "PGUSER=postgres PGDATABASE=atm atmctl db init",
     .flags = COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_CHANGES,
     .no_dry_run = "of a database that is empty it shows nothing that --help does not say",
     .run = database_setup,
     .fields = setup_fields},
    {.noun = "db",
     .verb = "migrate",
     .text = "bring a database of an earlier release to this program's version",
     .more =
         "All instances of atmd have to be stopped. What stands in the way is said before anything is "
         "changed. Each migration is one transaction; what takes long goes by quarters of history, each "
         "one transaction too, and whoever was stopped goes on where he was. As much disk as the largest "
         "quarter takes should be free. Needs a superuser. A laboratory's clock is entered as by db init.",
     .flags = COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_CHANGES,
     .no_dry_run =
         "'atmctl db status' shows from which version to which; each migration is a transaction of its own",
     .run = database_setup,
     .fields = setup_fields},
    {.noun = "db",
     .verb = "status",
     .text = "show the database's version, this program's, and the partitions made",
     .more = "Exit code 0 only where the database is what this program needs.",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = database_status},
    {.noun = "db",
     .verb = "partitions",
     .text = "make the quarterly partitions of the history ahead of time",
     .more = "Withdrawals of a day without partitions are refused, so run it at least every quarter; what is "
             "there "
             "already stays.",
     .flags = COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_CHANGES,
     .run = database_partitions,
     .fields = partition_fields},
};

const struct command_group group_database = {commands, sizeof(commands) / sizeof(*commands), "The database"};
