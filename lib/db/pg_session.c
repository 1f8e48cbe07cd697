/* Settings of a connection: see pg_session.h. */
#include "lib/db/pg_session.h"

#include <stdio.h>
#include <string.h>

/*
 * The path comes before what looks anything up, so that it means PostgreSQL's own functions and operators; SET looks nothing up, whatever is
 * locked. Statements and not the options of the start: a pooler may refuse those, and they would take the place of the user's.
 */
#define SET(name, value) "SET " name " = '" value "';"
#define PATH             "SET search_path = public, pg_temp;"

/* Around rows of what not every version of the server has. */
#define WHERE_KNOWN "SELECT set_config(s.name, v.value, false) FROM (VALUES "
#define IS_KNOWN    "('', '')) v (name, value) JOIN pg_settings s USING (name);"

/* What is told to be done is on a disk, and on the synchronous standby's; more than that is the operator's to ask for. */
#define DURABLE                                                                                              \
        "SELECT set_config('synchronous_commit', 'on', false) "                                              \
        "WHERE current_setting('synchronous_commit') <> 'remote_apply'"

/* Nobody waits for a person's command for ever, nor it for somebody's. */
#define PATIENCE                                                                                             \
        ";SELECT set_config('lock_timeout', '10s', false) WHERE current_setting('lock_timeout') = '0'"       \
        ";SELECT set_config('idle_in_transaction_session_timeout', '1min', false) "                          \
        "WHERE current_setting('idle_in_transaction_session_timeout') = '0'"

#define FOR_ALL(name, value, spoiled, why)     SET(name, value)
#define WHERE_IT_IS(name, value, spoiled, why) "('" name "', '" value "'),"

const char pg_session_sql[] = PATH
#define SET_FOR_ALL FOR_ALL
#include "lib/db/pg_settings.def"
    WHERE_KNOWN
#define SET_WHERE_KNOWN WHERE_IT_IS
#include "lib/db/pg_settings.def"
        IS_KNOWN DURABLE PATIENCE;

const char pg_daemon_session_sql[] =
#define SET_FOR_DAEMON FOR_ALL
#include "lib/db/pg_settings.def"
    PATH
#define SET_FOR_ALL FOR_ALL
#include "lib/db/pg_settings.def"
        WHERE_KNOWN
#define SET_WHERE_KNOWN            WHERE_IT_IS
#define SET_FOR_DAEMON_WHERE_KNOWN WHERE_IT_IS
#include "lib/db/pg_settings.def"
            IS_KNOWN DURABLE;

/* What no session can set for itself, or only a superuser's. */
#define DEMANDS(DEMAND)                                                                                      \
        DEMAND("fsync", "on", "else what ATMs were told is lost with the server")                            \
        DEMAND("full_page_writes", "on", "else a crash leaves pages that are half written")                  \
        DEMAND("server_encoding", "UTF8",                                                                    \
               "names are Japanese; 'CREATE DATABASE ... ENCODING UTF8 TEMPLATE template0' makes one")       \
        DEMAND("session_replication_role", "origin", "else no trigger runs: no change has a trail")          \
        DEMAND("max_prepared_transactions", "0",                                                             \
               "a prepared transaction keeps its locks without a session that could be ended, and survives " \
               "a restart; nothing here prepares any")                                                       \
        DEMAND("zero_damaged_pages", "off", "else a damaged page becomes an empty one, without a word")      \
        DEMAND("ignore_checksum_failure", "off", "else what is damaged is read as if it were not")

static const struct demand {
        const char *setting, *wanted, *reason;
} demands[] = {
#define ROW(setting, wanted, reason) {setting, wanted, reason},
    DEMANDS(ROW)
#undef ROW
};

#define COLUMN(setting, wanted, reason) "current_setting('" setting "'),"
const char pg_server_sql[] = "SELECT " DEMANDS(COLUMN) "current_setting('server_version_num')";
#undef COLUMN

bool pg_server_judge(const PGresult *result, char error[PG_ERROR_MAX])
{
        enum { VERSION_MIN = 15 };
        int64_t version = pg_number(result, 0, (int)(sizeof(demands) / sizeof(*demands))) / 10000;

        if (version < VERSION_MIN) {
                snprintf(error, PG_ERROR_MAX, "the server is PostgreSQL %lld; expected %d or later",
                         (long long)version, VERSION_MIN);
                return false;
        }
        for (int i = 0; i < (int)(sizeof(demands) / sizeof(*demands)); i++) {
                const struct demand *demand = &demands[i];
                const char *is = pg_text(result, 0, i);

                if (!strcmp(is ? is : "", demand->wanted))
                        continue;
                snprintf(error, PG_ERROR_MAX, "the server's %s is %s; expected %s: %s", demand->setting,
                         is ? is : "unknown", demand->wanted, demand->reason);
                return false;
        }
        return true;
}

bool pg_server_check(PGconn *connection, char error[PG_ERROR_MAX])
{
        PGresult *result = pg_query(connection, pg_server_sql, 0, NULL, error);
        bool good = result && pg_server_judge(result, error);

        PQclear(result);
        return good;
}
