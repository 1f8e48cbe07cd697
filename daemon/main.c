/* atmd: options, hardening of the process, and the way to its exit code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/settings.h"
#include "daemon/server.h"
#include "lib/base/log.h"
#include "lib/base/process.h"
#include "lib/cli/program.h"
#include "lib/net/listener.h"
#include "lib/cli/values.h"

enum { EXIT_CONFIG = 78 };

struct arguments {
        struct server_options server;
        bool check_only;
};
static struct arguments arguments;

static const struct option_row rows[] = {
    {.name = "config",
     .letter = 'c',
     .value = "FILE",
     .text = "the configuration; etc/atmd.conf shows every key with its default",
     .take = option_take_text,
     .target = &arguments.server.config_path,
     .flags = OPTION_REQUIRED},
    {.name = "listen",
     .letter = 'l',
     .value = "HOST:PORT",
     .text =
         "listen here instead of where the configuration says; a host with colons stands in brackets; port 0 "
         "takes any free one, which the log's line 'ready' names",
     .take = option_take_address,
     .target = &arguments.server.listen},
    {.name = "instance",
     .letter = 'i',
     .value = "NAME",
     .text = "a name that each log line carries, where several instances run",
     .take = option_take_text,
     .target = &arguments.server.instance},
    {.name = "check-config",
     .text = "check the configuration, the certificates and keys that it names, and exit: 0, or 78 with a "
             "message that "
             "names file and line or key",
     .take = option_take_flag,
     .target = &arguments.check_only},
    {.name = "help", .letter = 'h', .text = "options, signals and exit codes"},
    OPTION_VERSION,
};

static const struct program_command command = {
    .synopsis = "atmd --config FILE [OPTION]...",
    .about = "Serves ATMs: accepts their TLS connections, decides withdrawals under the rules of the house, "
             "records\n"
             "them in PostgreSQL and answers. Runs in the foreground; systemd (or a shell) keeps it.\n",
    .ending =
        "Signals: SIGTERM stops after answering what is in flight; SIGHUP reads configuration and "
        "certificates\n"
        "again (all or nothing); SIGUSR1 logs the counters.\n"
        "Exit codes: 0 stopped as told, 1 failed (database, port), 2 wrong usage, 78 bad configuration.\n"
        "\n"
        "Example: atmd --config /etc/atmnet/atmd.conf --check-config\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

static void print_help(FILE *stream)
{
        program_help(stream, &command);
}

/* The part of docs/man/atmd.8.scd about options; a test compares them. */
static void print_manual(FILE *stream)
{
        manual_rows(stream, rows, sizeof(rows) / sizeof(rows[0]));
}

static int check(const struct settings *settings)
{
        char error[SERVER_ERROR_MAX];
        if (server_check(settings, error))
                return EXIT_SUCCESS;
        complain("%s: %s", arguments.server.config_path, error);
        return EXIT_CONFIG;
}

/* Where ATMs come in, where whoever started us has opened that already. */
static bool take_passed(struct server_options *options)
{
        char error[LISTENER_ERROR_MAX];
        if (!listener_passed(&options->passed, error)) {
                complain("%s", error);
                return false;
        }
        if (options->passed < 0 || !*options->listen.host)
                return true;
        complain("--listen %s:%d: a socket was passed as well (LISTEN_FDS); expected one of them",
                 options->listen.host, options->listen.port);
        return false;
}

static int serve(const struct settings *settings)
{
        char error[SERVER_ERROR_MAX];
        bool bad_config;
        if (!take_passed(&arguments.server))
                return EXIT_USAGE;
        log_open(settings->log_target, settings->log_level, arguments.server.instance);
        if (!process_forbid_cores())
                log_event(LEVEL_WARNING, "coredump_filter", LOG_TEXT("help", "cores may hold card numbers"));
        struct server *server = server_new(&arguments.server, settings, &bad_config, error);
        if (!server) {
                if (strcmp(settings->log_target, "journal") == 0)
                        log_event(LEVEL_ERROR, "not_started", LOG_TEXT("reason", error));
                if (bad_config)
                        complain("%s: %s", arguments.server.config_path, error);
                else
                        complain("%s", error);
                return bad_config ? EXIT_CONFIG : EXIT_FAILURE;
        }
        server_run(server);
        server_free(server);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        static const struct program program = {"atmd", print_help, print_manual};
        struct settings settings;
        char error[SETTINGS_ERROR_MAX];
        int code = program_begin(&program, argc - 1, argv + 1);
        if (code == PROGRAM_GOES_ON)
                code = program_options(&command, NULL, argc - 1, argv + 1);
        if (code != PROGRAM_GOES_ON)
                return code;
        if (!settings_load(arguments.server.config_path, &settings, error)) {
                complain("%s", error);
                return EXIT_CONFIG;
        }
        return arguments.check_only ? check(&settings) : serve(&settings);
}
