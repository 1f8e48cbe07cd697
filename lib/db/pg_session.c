/* Settings of a connection: see pg_session.h. */
#include "lib/db/pg_session.h"

#include <stdio.h>
#include <string.h>

/*
 * The path comes before the query, so that it means PostgreSQL's own functions and operators. SET and not the options of the start: a
 * pooler may refuse those, and they would take the place of the user's.
 */
#define SESSION                                                                                              \
        "SET search_path = public, pg_temp;"                                                                 \
        "SET default_transaction_isolation = 'read committed';"                                              \
        "SET default_transaction_read_only = off;"                                                           \
        "SET default_transaction_deferrable = off;"                                                          \
        "SET TIME ZONE 'Asia/Tokyo';"                                                                        \
        "SET DateStyle = ISO, YMD;"                                                                          \
        "SET IntervalStyle = postgres;"                                                                      \
        "SET bytea_output = hex;"                                                                            \
        "SET extra_float_digits = 1;"                                                                        \
        "SET standard_conforming_strings = on;"                                                              \
        "SET array_nulls = on;"                                                                              \
        "SET transform_null_equals = off;"                                                                   \
        "SET client_min_messages = notice;" /* a commit whose wait was cancelled is a warning */             \
        "SET client_encoding = UTF8;"

/* What is told to be done is on a disk, and on the synchronous standby's; more than that is the operator's to ask for. */
#define DURABLE                                                                                              \
        "SELECT set_config('synchronous_commit', 'on', false) "                                              \
        "WHERE current_setting('synchronous_commit') <> 'remote_apply'"

/* Nobody waits for a person's command for ever, nor it for somebody's. */
#define PATIENCE                                                                                             \
        ";SELECT set_config('lock_timeout', '10s', false) WHERE current_setting('lock_timeout') = '0'"       \
        ";SELECT set_config('idle_in_transaction_session_timeout', '1min', false) "                          \
        "WHERE current_setting('idle_in_transaction_session_timeout') = '0'"

const char pg_session_sql[] = SESSION DURABLE PATIENCE;

const char pg_daemon_session_sql[] = "SET statement_timeout = 0;"
                                     "SET lock_timeout = 0;"
                                     "SET idle_in_transaction_session_timeout = 0;"
                                     "SET idle_session_timeout = 0;" SESSION DURABLE;

static const struct demand {
        const char *setting, *wanted, *reason;
} demands[] = {
    {"fsync", "on", "else what ATMs were told is lost with the server"},
    {"full_page_writes", "on", "else a crash leaves pages that are half written"},
    {"server_encoding", "UTF8",
     "names are Japanese; 'CREATE DATABASE ... ENCODING UTF8 TEMPLATE template0' makes one"},
    {"session_replication_role", "origin", "else no trigger runs: no change has a trail"},
};

bool pg_server_check(PGconn *connection, char error[PG_ERROR_MAX])
{
        enum { VERSION_MIN = 150000 };

        if (PQserverVersion(connection) < VERSION_MIN) {
                snprintf(error, PG_ERROR_MAX, "the server is PostgreSQL %d; expected %d or later",
                         PQserverVersion(connection) / 10000, VERSION_MIN / 10000);
                return false;
        }
        for (size_t i = 0; i < sizeof(demands) / sizeof(*demands); i++) {
                const struct demand *demand = &demands[i];
                PGresult *result =
                    pg_query(connection, "SELECT current_setting($1)", 1, &demand->setting, error);
                bool good = result && !strcmp(pg_text(result, 0, 0), demand->wanted);

                if (result && !good)
                        snprintf(error, PG_ERROR_MAX, "the server's %s is %s; expected %s: %s",
                                 demand->setting, pg_text(result, 0, 0), demand->wanted, demand->reason);
                PQclear(result);
                if (!good)
                        return false;
        }
        return true;
}
