/* atmd: options, hardening of the process, and the way to its exit code. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/settings.h"
#include "lib/base/log.h"
#include "daemon/server.h"

enum { EXIT_USAGE = 2, EXIT_CONFIG = 78 };

static const char help[] =
    "Usage: atmd --config FILE [OPTION]...\n"
    "\n"
    "Serves ATMs: accepts their TLS connections, decides withdrawals under the rules of the house, records\n"
    "them in PostgreSQL and answers. Runs in the foreground; systemd (or a shell) keeps it.\n"
    "\n"
    "  -c, --config FILE       the configuration; etc/atmd.conf shows every key\n"
    "  -l, --listen HOST:PORT  listen here instead of where the configuration says; port 0: any\n"
    "  -i, --instance NAME     a name that each log line carries, where several instances run\n"
    "      --check-config      check configuration, certificates and keys, and exit\n"
    "  -h, --help              this text\n"
    "      --version           the version\n"
    "\n"
    "Signals: SIGTERM stops after answering what is in flight; SIGHUP reads configuration and certificates\n"
    "again (all or nothing); SIGUSR1 logs the counters.\n"
    "Exit: 0 stopped as told, 1 failed (database, port), 2 wrong usage, 78 bad configuration.\n"
    "\n"
    "Example: atmd --config /etc/atmnet/atmd.conf --check-config\n";

struct arguments {
        struct server_options server;
        bool check_only;
};

/* Returns an exit code, or -1 to go on. */
static int read_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
        enum { OPTION_CHECK = 256, OPTION_VERSION };
        static const struct option options[] = {
            {"config", required_argument, NULL, 'c'},
            {"listen", required_argument, NULL, 'l'},
            {"instance", required_argument, NULL, 'i'},
            {"check-config", no_argument, NULL, OPTION_CHECK},
            {"help", no_argument, NULL, 'h'},
            {"version", no_argument, NULL, OPTION_VERSION},
            {NULL, 0, NULL, 0},
        };
        static char program[] = "atmd";
        struct arguments arguments = {0};
        int option;
        argv[0] = program; /* for getopt's own messages */
        while ((option = getopt_long(argc, argv, "c:l:i:h", options, NULL)) != -1) {
                switch (option) {
                case 'c':
                        arguments.server.config_path = optarg;
                        break;
                case 'l':
                        if (!address_parse(optarg, 0, &arguments.server.listen)) {
                                fprintf(stderr,
                                        "atmd: --listen %s: expected HOST:PORT, such as 127.0.0.1:7583 or [::1]:7583\n",
                                        optarg);
                                return EXIT_USAGE;
                        }
                        break;
                case 'i':
                        arguments.server.instance = optarg;
                        break;
                case OPTION_CHECK:
                        arguments.check_only = true;
                        break;
                case 'h':
                        fputs(help, stdout);
                        return EXIT_SUCCESS;
                case OPTION_VERSION:
                        puts("atmd " ATM_VERSION);
                        return EXIT_SUCCESS;
                default:
                        fputs("Try 'atmd --help'.\n", stderr);
                        return EXIT_USAGE;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "atmd: unexpected argument '%s'; expected options only\nTry 'atmd --help'.\n",
                        argv[optind]);
                return EXIT_USAGE;
        }
        if (!arguments.server.config_path) {
                fputs("atmd: --config FILE is missing\nTry 'atmd --help'.\n", stderr);
                return EXIT_USAGE;
        }
        *ret_arguments = arguments;
        return -1;
}

/*
 * Card numbers pass through this memory: none of it may end in a core file. The limit stops files; the filter
 * leaves nothing in what a handler behind a pipe would get. (PR_SET_DUMPABLE would also hide the process's
 * memory figures from the user who runs it, and from whoever measures them.)
 */
static void forbid_core_dumps(void)
{
        static const struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        if (write(fd, "0", 1) < 0)
                log_event(LEVEL_WARNING, "coredump_filter", LOG_TEXT("help", "cores may hold card numbers"));
        close(fd);
}

static int check(const struct arguments *arguments, const struct settings *settings)
{
        char error[SERVER_ERROR_MAX];
        if (server_check(settings, error))
                return EXIT_SUCCESS;
        fprintf(stderr, "atmd: %s: %s\n", arguments->server.config_path, error);
        return EXIT_CONFIG;
}

static int serve(const struct arguments *arguments, const struct settings *settings)
{
        char error[SERVER_ERROR_MAX];
        bool bad_config;
        log_open(settings->log_target, settings->log_level, arguments->server.instance);
        forbid_core_dumps();
        struct server *server = server_new(&arguments->server, settings, &bad_config, error);
        if (!server) {
                if (strcmp(settings->log_target, "journal") == 0)
                        log_event(LEVEL_ERROR, "not_started", LOG_TEXT("reason", error));
                if (bad_config)
                        fprintf(stderr, "atmd: %s: %s\n", arguments->server.config_path, error);
                else
                        fprintf(stderr, "atmd: %s\n", error);
                return bad_config ? EXIT_CONFIG : EXIT_FAILURE;
        }
        server_run(server);
        server_free(server);
        return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
        struct arguments arguments;
        struct settings settings;
        char error[SETTINGS_ERROR_MAX];
        int code = read_arguments(argc, argv, &arguments);
        if (code >= 0)
                return code;
        if (!settings_load(arguments.server.config_path, &settings, error)) {
                fprintf(stderr, "atmd: %s\n", error);
                return EXIT_CONFIG;
        }
        return arguments.check_only ? check(&arguments, &settings) : serve(&arguments, &settings);
}
