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

#include "tools/banksim/ctl.h"
#include "tools/banksim/host.h"
#include "tools/banksim/options.h"

enum { PRIORITIES = 3 };

struct program {
        struct options options;
        struct host_world world;
        struct event_base *base;
        struct token_key *key;
        struct event *on_term, *on_int;
        struct host *host[OPTIONS_BANKS_MAX];
        size_t hosts;
        struct ctl *ctl;
        bool failed;
};

static const char general_help[] =
    "banksim run [--config FILE] [OPTIONS]     simulated banks, until SIGTERM\n"
    "banksim ctl [--socket PATH] BANK ORDER    orders to them: slow, silent, down 5, normal, show\n"
    "\n"
    "`banksim run --help` and `banksim ctl --help` say more.\n";

static void print_rows(bool of_bank)
{
        for (size_t i = 0; i < option_row_count; i++) {
                const struct option_row *row = &option_rows[i];
                char option[64];
                if (row->of_bank != of_bank)
                        continue;
                snprintf(option, sizeof(option), "--%s %s", row->key, row->value);
                printf("  %-24s %s", option, row->text);
                if (row->fallback && *row->fallback)
                        printf(" (%s)", row->fallback);
                if (row->environment)
                        printf(" [%s]", row->environment);
                putchar('\n');
        }
}

static int print_help(void)
{
        fputs("banksim run [--config FILE] [OPTIONS] [--bank NAME OPTIONS]...\n"
              "\n"
              "Simulated banks on one event loop: accounts from a card file, withdrawals, completions and "
              "reversals\n"
              "over TLS, a durable journal, and misbehaviour by rate or on command.\n"
              "\n"
              "For all banks, before the first --bank, or under [banksim] in FILE:\n",
              stdout);
        print_rows(false);
        fputs("  --config FILE            ini file with the same keys, underscores for dashes; options go "
              "before it\n"
              "  --require-faults         exit 1 at the end where a behaviour asked for by rate never "
              "happened\n"
              "  --json                   print the counts at the end as one JSON object\n"
              "\n"
              "For one bank behind --bank NAME (or under [bank NAME]), for all before the first (or "
              "[banksim]):\n",
              stdout);
        print_rows(true);
        fputs("\n"
              "(What stands in parentheses holds where nothing is given; in brackets: the variable it is "
              "taken from.)\n"
              "Behaviours: slow, late, silent (done, not answered), deaf (lost), wrong-echo, duplicate, "
              "decline,\n"
              "hang-up (in the middle of an answer), down (connections and port gone). Rates are of one "
              "message\n"
              "about money; their sum is at most 1.\n"
              "\n"
              "Prints one line a bank and `serving` when its banks can be reached. SIGTERM and SIGINT end it "
              "with\n"
              "the counts. Exit status: 0 ended by a signal, 1 failed, 2 wrong usage.\n"
              "\n"
              "Example:\n"
              "  banksim run --ca pki/ca.crt --certificate server/banks.crt --key server/banks.key \\\n"
              "      --client ACQUIRER --accounts cards.csv --token-key-file token.key --control "
              "run/banksim.sock \\\n"
              "      --bank BANKA --port 7601 --journal banks/BANKA.journal --faults slow=0.02,silent=0.01\n",
              stdout);
        return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- the end ------------------------------------------------------------------------------------------- */

static void on_signal(evutil_socket_t number, short what, void *context)
{
        struct program *program = context;
        (void)number, (void)what;
        event_base_loopbreak(program->base);
}

static void on_fatal(void *context)
{
        struct program *program = context;
        program->failed = true;
        event_base_loopbreak(program->base);
}

/* A behaviour that was asked for of any bank and happened at none. */
static bool is_missing(const struct program *program, enum behaviour behaviour)
{
        uint64_t happened = 0;
        double rate = 0;
        for (size_t i = 0; i < program->hosts; i++) {
                rate += host_rate(program->host[i], behaviour);
                happened += host_happened(program->host[i], behaviour);
        }
        return rate > 0 && happened == 0;
}

static bool report(const struct program *program)
{
        json_t *banks = json_array(), *missing = json_array();
        for (size_t i = 0; i < program->hosts; i++)
                json_array_append_new(banks, host_show(program->host[i]));
        for (int i = 0; i < BEHAVIOUR_COUNT; i++) {
                if (!is_missing(program, (enum behaviour)i))
                        continue;
                json_array_append_new(missing, json_string(behaviour_name[i]));
                fprintf(stderr, "banksim: %s was asked for by rate and never happened\n", behaviour_name[i]);
        }
        bool complete = json_array_size(missing) == 0;
        if (program->options.json) {
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

static bool open_loop(struct program *program)
{
        program->base = event_base_new();
        if (!program->base || event_base_priority_init(program->base, PRIORITIES) < 0)
                return false;
        program->on_term = evsignal_new(program->base, SIGTERM, on_signal, program);
        program->on_int = evsignal_new(program->base, SIGINT, on_signal, program);
        return program->on_term && program->on_int && event_add(program->on_term, NULL) == 0 &&
               event_add(program->on_int, NULL) == 0;
}

static bool open_hosts(struct program *program)
{
        const struct options *options = &program->options;
        char error[HOST_ERROR_MAX], line[1024];
        program->world = (struct host_world){.base = program->base,
                                             .key = program->key,
                                             .options = options,
                                             .on_fatal = on_fatal,
                                             .context = program};
        for (; program->hosts < options->banks; program->hosts++) {
                struct host *host = host_open(&program->world, &options->bank[program->hosts], error);
                if (!host) {
                        fprintf(stderr, "banksim: %s\n", error);
                        return false;
                }
                program->host[program->hosts] = host;
        }
        if (options->control[0]) {
                program->ctl =
                    ctl_open(program->base, options->control, program->host, program->hosts, error);
                if (!program->ctl) {
                        fprintf(stderr, "banksim: %s\n", error);
                        return false;
                }
        }
        for (size_t i = 0; i < program->hosts; i++) {
                host_describe(program->host[i], line, sizeof(line));
                fprintf(options->json ? stderr : stdout, "%s\n", line);
        }
        fputs("serving\n", options->json ? stderr : stdout);
        fflush(stdout);
        return true;
}

static bool open_program(struct program *program)
{
        char error[TOKEN_ERROR_MAX];
        program->key = token_key_load(program->options.token_key_file, error);
        if (!program->key) {
                fprintf(stderr, "banksim: %s\n", error);
                return false;
        }
        if (!open_loop(program)) {
                fputs("banksim: the event loop can't be set up\n", stderr);
                return false;
        }
        return open_hosts(program);
}

static void close_program(struct program *program)
{
        ctl_close(program->ctl);
        for (size_t i = 0; i < program->hosts; i++)
                host_close(program->host[i]);
        if (program->on_term)
                event_free(program->on_term);
        if (program->on_int)
                event_free(program->on_int);
        if (program->base)
                event_base_free(program->base);
        token_key_free(program->key);
        free(program);
}

static int run(int count, char **words)
{
        struct program *program = calloc(1, sizeof(*program));
        char error[OPTIONS_ERROR_MAX];
        if (!program) {
                fputs("banksim: out of memory\n", stderr);
                return 1;
        }
        switch (options_read(count, words, &program->options, error)) {
        case OPTIONS_HELP:
                free(program);
                return print_help();
        case OPTIONS_USAGE:
                fprintf(stderr, "banksim: %s (`banksim run --help` explains)\n", error);
                free(program);
                return 2;
        case OPTIONS_FAILED:
                fprintf(stderr, "banksim: %s\n", error);
                free(program);
                return 1;
        case OPTIONS_GOOD:
                break;
        }
        bool good = open_program(program);
        if (good) {
                event_base_dispatch(program->base);
                bool complete = report(program);
                good =
                    !program->failed && (complete || !program->options.require_faults) && fflush(stdout) == 0;
        }
        close_program(program);
        return good ? 0 : 1;
}

int main(int count, char **words)
{
        signal(SIGPIPE, SIG_IGN);
        if (count > 1 && strcmp(words[1], "run") == 0)
                return run(count - 2, words + 2);
        if (count > 1 && strcmp(words[1], "ctl") == 0)
                return ctl_main(count - 2, words + 2);
        if (count > 1 && strcmp(words[1], "--help") == 0) {
                fputs(general_help, stdout);
                return fflush(stdout) == 0 ? 0 : 1;
        }
        fprintf(stderr, "banksim: %s%s%s\n%s", count > 1 ? "'" : "",
                count > 1 ? words[1] : "a verb is missing", count > 1 ? "': expected run or ctl" : "",
                general_help);
        return 2;
}
