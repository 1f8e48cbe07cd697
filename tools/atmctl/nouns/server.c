/* server, epoch: the servers that the conninfo names, and which of them serves (lib/db/pg_epoch.h). */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/array.h"
#include "lib/db/conninfo.h"
#include "lib/db/pg_query.h"
#include "lib/db/pg_survey.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/output/output.h"

static const struct output_column columns[] = {
    {"server", OUTPUT_TEXT, 0},     {"state", OUTPUT_TEXT, OUTPUT_STATE}, {"epoch", OUTPUT_NUMBER, 0},
    {"timeline", OUTPUT_NUMBER, 0}, {"serves", OUTPUT_BOOL, 0},           {"problem", OUTPUT_TEXT, 0},
};

static const char *state_name(enum pg_server_state state)
{
        static const char *const names[] = {[PG_SERVER_UNREACHABLE] = "unreachable",
                                            [PG_SERVER_STANDBY] = "standby",
                                            [PG_SERVER_PRIMARY] = "primary"};

        return names[state];
}

/* A primary that nobody knows to be older than another server. */
static bool serves(const struct pg_survey *survey, const struct pg_server *server)
{
        if (server->state != PG_SERVER_PRIMARY)
                return false;
        for (size_t i = 0; i < survey->count; i++)
                if (pg_epoch_compare(&survey->server[i].epoch, &server->epoch) == PG_EPOCH_NEWER)
                        return false;
        return true;
}

static bool print_server(struct output *output, const struct pg_survey *survey,
                         const struct pg_server *server)
{
        char epoch[24], timeline[24];
        bool is_known = server->epoch.epoch > 0, is_serving = serves(survey, server);
        const char *values[] = {server->place,
                                state_name(server->state),
                                is_known ? epoch : NULL,
                                is_known && server->epoch.timeline ? timeline : NULL,
                                is_serving ? "t" : "f",
                                server->state == PG_SERVER_UNREACHABLE ? server->error
                                : server->state == PG_SERVER_PRIMARY && !is_serving
                                    ? "an old primary: stop it"
                                    : NULL};

        snprintf(epoch, sizeof(epoch), "%" PRId64, server->epoch.epoch);
        snprintf(timeline, sizeof(timeline), "%" PRId64, server->epoch.timeline);
        return output_row(output, values);
}

static bool print_servers(const struct invocation *invocation, const struct pg_survey *survey)
{
        struct output *output = output_open(invocation, OUTPUT_ROWS, columns, LENGTH(columns));
        bool good = output != NULL;

        for (size_t i = 0; good && i < survey->count; i++)
                good = print_server(output, survey, &survey->server[i]);
        if (good)
                return output_close(output);
        output_abandon(output);
        return false;
}

static int server_list(const struct invocation *invocation)
{
        const char *conninfo = invocation_value(invocation, "conninfo");
        char exposed[CONNINFO_ERROR_MAX];
        struct pg_hosts *hosts;
        struct pg_survey survey;
        bool good;

        if (!output_arranges(invocation, columns, LENGTH(columns)))
                return EXIT_USAGE;
        if (!conninfo_is_private(conninfo ? conninfo : "", exposed)) {
                complain("database: %s (PGSSLMODE and PGSSLROOTCERT, or --conninfo)", exposed);
                return EXIT_FAILED;
        }
        hosts = pg_hosts_new(NULL, NULL, conninfo ? conninfo : "");
        if (!hosts || !pg_survey_make(hosts, &survey)) {
                complain("the servers can't be asked: --conninfo is wrong, or there is no memory");
                pg_hosts_free(hosts);
                return EXIT_FAILED;
        }
        good = print_servers(invocation, &survey);
        pg_survey_free(&survey);
        pg_hosts_free(hosts);
        return good ? EXIT_DONE : EXIT_FAILED;
}

static bool raise_epoch(struct database *database, const struct invocation *invocation, void *context)
{
        const char *above = invocation_value(invocation, "above");
        const char *parameters[] = {above ? above : "0"};
        PGresult *result = database_query(database, "SELECT epoch_raise($1::bigint)", 1, parameters);

        (void)context;
        if (!result)
                return false;
        change_say(invocation, "epoch %s: servers of an earlier one are refused\n", PQgetvalue(result, 0, 0));
        PQclear(result);
        return true;
}

static int epoch_raise(const struct invocation *invocation)
{
        return change_run(invocation, raise_epoch, NULL);
}

static const struct field raise_fields[] = {
    {.name = "above",
     .kind = VALUE_NUMBER,
     .text = "also above this epoch, which instances have seen: after a restore to a moment before it"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "server",
     .verb = "list",
     .text = "list the servers that the conninfo names: which is the primary, and of which epoch",
     .more =
         "serves: whether atmd and atmctl would use it, as far as the servers that can be reached know. A "
         "primary "
         "that does not serve was replaced by a promotion: stop it, and make it a standby of the new one.\n"
         "Example: atmctl server list --conninfo 'host=db1,db2 dbname=atm sslmode=verify-full'",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = columns,
     .column_count = LENGTH(columns),
     .run = server_list},
    {.noun = "epoch",
     .verb = "raise",
     .text = "say that this server was promoted: atmd and atmctl refuse those of an earlier epoch",
     .more = "For the failover's callback on the server that was promoted, after the others are fenced off; "
             "and for "
             "whoever goes on with a restored or upgraded server. As a superuser, or a login that was given "
             "epoch_raise (docs/operations.md). Run on a server that was replaced it would make that the one "
             "that "
             "serves.\nExample: PGUSER=postgres PGDATABASE=atm atmctl epoch raise --note 'failover of db1'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES,
     .run = epoch_raise,
     .fields = raise_fields},
};

const struct command_group group_server = {commands, sizeof(commands) / sizeof(*commands),
                                           "Servers of the database"};
