/*
 * banksim: simulated banks, for laboratories, demos and tests.
 *
 *      banksim run ...    the banks, all in one process on one event loop
 *      banksim ctl ...    orders to them (ctl.h)
 *
 * Killing it at any moment loses nothing that it has answered: the next start reads its journals back.
 */
#include <errno.h>
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "lib/cli/program.h"
#include "lib/net/signals.h"
#include "tools/banksim/ctl.h"
#include "tools/banksim/host.h"
#include "tools/banksim/options.h"

enum { PRIORITIES = 3 };

struct banksim {
        struct options options;
        struct host_world world;
        struct event_base *base;
        struct token_key *key;
        struct signals *signals;
        struct host *host[OPTIONS_BANKS_MAX];
        size_t hosts;
        struct ctl *ctl;
        bool failed;
};

static void print_help(FILE *stream)
{
        fputs("banksim run [--config FILE] [OPTIONS]     simulated banks, until SIGTERM\n"
              "banksim ctl [--socket PATH] BANK ORDER    orders to them: slow, silent, down 5, normal, show\n"
              "\n"
              "'banksim run --help' and 'banksim ctl --help' say more.\n",
              stream);
}

/* The part of docs/man/banksim.1.scd about the options of run; a test compares them. */
static void print_manual(FILE *stream)
{
        manual_rows(stream, run_command.rows, run_command.count);
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t number, short what, void *context)
{
        struct banksim *banksim = context;
        (void)number, (void)what;
        event_base_loopbreak(banksim->base);
}

static const struct signal_row signal_rows[] = {{SIGTERM, on_signal}, {SIGINT, on_signal}};

static void on_fatal(void *context)
{
        struct banksim *banksim = context;
        banksim->failed = true;
        event_base_loopbreak(banksim->base);
}

/* A behaviour that was asked for of any bank and happened at none. */
static bool is_missing(const struct banksim *banksim, enum behaviour behaviour)
{
        uint64_t happened = 0;
        double rate = 0;
        for (size_t i = 0; i < banksim->hosts; i++) {
                rate += host_rate(banksim->host[i], behaviour);
                happened += host_happened(banksim->host[i], behaviour);
        }
        return rate > 0 && happened == 0;
}

static bool report(const struct banksim *banksim)
{
        json_t *banks = json_array(), *missing = json_array();
        for (size_t i = 0; i < banksim->hosts; i++)
                json_array_append_new(banks, host_show(banksim->host[i]));
        for (int i = 0; i < BEHAVIOUR_COUNT; i++) {
                if (!is_missing(banksim, (enum behaviour)i))
                        continue;
                json_array_append_new(missing, json_string(behaviour_name[i]));
                complain("%s was asked for by rate and never happened", behaviour_name[i]);
        }
        bool complete = json_array_size(missing) == 0;
        if (banksim->options.json) {
                json_t *root = json_pack("{s:O,s:O}", "banks", banks, "missing", missing);
                json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
                putchar('\n');
                json_decref(root);
        } else {
                for (size_t i = 0; i < json_array_size(banks); i++) {
                        char *text = ctl_text_of(json_array_get(banks, i));
                        fputs(text ? text : "", stdout);
                        free(text);
                }
        }
        json_decref(banks);
        json_decref(missing);
        return complete;
}

/* ---- the start ----------------------------------------------------------------------------------------- */

static bool open_loop(struct banksim *banksim)
{
        banksim->base = event_base_new();
        if (!banksim->base || event_base_priority_init(banksim->base, PRIORITIES) < 0)
                return false;
        banksim->signals =
            signals_new(banksim->base, signal_rows, sizeof(signal_rows) / sizeof(signal_rows[0]), banksim);
        return banksim->signals;
}

static bool open_hosts(struct banksim *banksim)
{
        const struct options *options = &banksim->options;
        char error[HOST_ERROR_MAX], line[1024];
        banksim->world = (struct host_world){.base = banksim->base,
                                             .key = banksim->key,
                                             .options = options,
                                             .on_fatal = on_fatal,
                                             .context = banksim};
        for (; banksim->hosts < options->banks; banksim->hosts++) {
                struct host *host = host_open(&banksim->world, &options->bank[banksim->hosts], error);
                if (!host) {
                        complain("%s", error);
                        return false;
                }
                banksim->host[banksim->hosts] = host;
        }
        if (options->control[0]) {
                banksim->ctl =
                    ctl_open(banksim->base, options->control, banksim->host, banksim->hosts, error);
                if (!banksim->ctl) {
                        complain("%s", error);
                        return false;
                }
        }
        for (size_t i = 0; i < banksim->hosts; i++) {
                host_describe(banksim->host[i], line, sizeof(line));
                fprintf(options->json ? stderr : stdout, "%s\n", line);
        }
        fputs("serving\n", options->json ? stderr : stdout);
        fflush(stdout);
        sd_notify(0, "READY=1");
        return true;
}

static bool open_all(struct banksim *banksim)
{
        char error[TOKEN_ERROR_MAX];
        banksim->key = token_key_load(banksim->options.token_key_file, error);
        if (!banksim->key) {
                complain("%s", error);
                return false;
        }
        if (!open_loop(banksim)) {
                complain("the event loop can't be set up");
                return false;
        }
        return open_hosts(banksim);
}

static void close_all(struct banksim *banksim)
{
        ctl_close(banksim->ctl);
        for (size_t i = 0; i < banksim->hosts; i++)
                host_close(banksim->host[i]);
        signals_free(banksim->signals);
        if (banksim->base)
                event_base_free(banksim->base);
        token_key_free(banksim->key);
        free(banksim);
}

static int run(int count, char **words)
{
        struct banksim *banksim = calloc(1, sizeof(*banksim));
        char error[OPTIONS_ERROR_MAX];
        if (!banksim) {
                complain("out of memory");
                return EXIT_FAILED;
        }
        switch (options_read(count, words, &banksim->options, error)) {
        case OPTIONS_HELP:
                free(banksim);
                program_help(stdout, &run_command);
                return program_end(EXIT_DONE);
        case OPTIONS_VERSION:
        case OPTIONS_USAGE:
                free(banksim);
                return program_usage("run", error);
        case OPTIONS_FAILED:
                complain("%s", error);
                free(banksim);
                return EXIT_FAILED;
        case OPTIONS_GOOD:
                break;
        }
        bool good = open_all(banksim);
        if (good) {
                event_base_dispatch(banksim->base);
                bool complete = report(banksim);
                good = !banksim->failed && (complete || !banksim->options.require_faults);
        }
        close_all(banksim);
        return program_end(good ? EXIT_DONE : EXIT_FAILED);
}

int main(int count, char **words)
{
        static const struct program program = {"banksim", print_help, print_manual};
        int result = program_begin(&program, count - 1, words + 1);
        if (result != PROGRAM_GOES_ON)
                return result;
        signal(SIGPIPE, SIG_IGN);
        if (count > 1 && strcmp(words[1], "run") == 0)
                return run(count - 2, words + 2);
        if (count > 1 && strcmp(words[1], "ctl") == 0)
                return ctl_main(count - 2, words + 2);
        if (count > 1)
                return program_unknown(words[1], (const char *const[]){"run", "ctl", NULL});
        complain("a verb is missing");
        print_help(stderr);
        return EXIT_USAGE;
}
