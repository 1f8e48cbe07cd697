/* atmkeyd: options, hardening of the process, the master key, and the way to its exit code. */
#include <errno.h>
#include <event2/event.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "keymodule/ceremony.h"
#include "keymodule/hardening.h"
#include "keymodule/master.h"
#include "keymodule/service.h"
#include "keymodule/software.h"
#include "lib/base/hex.h"
#include "lib/base/log.h"
#include "lib/cli/program.h"
#include "lib/cli/values.h"
#include "lib/net/signals.h"
#include "lib/net/watchdog.h"
#include "lib/net/wiped.h"

enum { EXIT_CONFIG = 78, CALLS_USUAL = 256, CALLS_MOST = 4096, REASON_MAX = 512 };

static struct arguments {
        struct service_rules rules;
        struct master_token token;
        const char *master_file, *card_token_key;
        int64_t calls;
        bool makes_master, is_tdes;
        const char *block; /* of a key that is made of components */
} arguments = {.calls = CALLS_USUAL};

/* A user's name or number; who is named twice may do both. */
static bool take_user(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct service_rules *rules = &arguments.rules;
        const struct passwd *entry = getpwnam(value->text);
        enum key_duty duty = value->row->minimum == 0 ? KEY_DUTY_SERVICE : KEY_DUTY_KEYS;
        size_t i = 0;

        if (!entry)
                return option_refuse(value, error, "expected a user of this machine");
        while (i < rules->user_count && rules->users[i].uid != entry->pw_uid)
                i++;
        if (i == SERVICE_USERS_MAX)
                return option_refuse(value, error, "at most %d users", SERVICE_USERS_MAX);
        if (i == rules->user_count)
                rules->users[rules->user_count++] = (struct service_user){.uid = entry->pw_uid};
        rules->users[i].may[duty] = true;
        return true;
}

static const struct option_row rows[] = {
    {.name = "socket",
     .letter = 's',
     .value = "PATH",
     .text = "serve at this unix socket; one that a killed process has left is replaced",
     .take = option_take_text,
     .target = &arguments.rules.path},
    {.name = "user",
     .value = "NAME",
     .text = "a user whose processes may ask for what the network needs: PINs, MACs, card tokens; several "
             "may be named",
     .take = take_user,
     .minimum = KEY_DUTY_SERVICE,
     .flags = OPTION_SEVERAL,
     .fallback = "who runs it, for both"},
    {.name = "custodian",
     .value = "NAME",
     .text = "a user whose processes may generate, import and export keys; several may be named",
     .take = take_user,
     .minimum = KEY_DUTY_KEYS,
     .flags = OPTION_SEVERAL},
    {.name = "card-token-key",
     .value = "FILE",
     .text = "the key of the card tokens, as atmd has it; without it there are none",
     .take = option_take_text,
     .target = &arguments.card_token_key},
    {.name = "calls",
     .value = "N",
     .text = "requests that may be with the back end at a time; further ones wait in their clients' sockets",
     .take = option_take_number,
     .target = &arguments.calls,
     .minimum = 1,
     .maximum = CALLS_MOST,
     .fallback = "256"},
    {.text = "The master key, in a PKCS#11 token"},
    {.name = "token-module",
     .value = "FILE",
     .text = "the token's library, /usr/lib/softhsm/libsofthsm2.so, say",
     .take = option_take_text,
     .target = &arguments.token.module},
    {.name = "token-label",
     .value = "LABEL",
     .text = "which token",
     .take = option_take_text,
     .target = &arguments.token.label},
    {.name = "token-key",
     .value = "LABEL",
     .text = "which key in it: AES, 256 bits, sensitive, not extractable, may sign",
     .take = option_take_text,
     .target = &arguments.token.key},
    {.name = "token-pin",
     .value = "FILE",
     .text = "a file of mode 0600 with the user's PIN of the token, a line",
     .take = option_take_text,
     .target = &arguments.token.pin_file},
    {.text = "The master key of a laboratory"},
    {.name = "master-file",
     .value = "FILE",
     .text =
         "a file of mode 0600 with 64 hexadecimal digits. Whoever reads it has all keys: never in production",
     .take = option_take_text,
     .target = &arguments.master_file},
    {.text = "Others"},
    {.name = "make-master",
     .text = "make the master key, in the token or the file that is named, where there is none yet; print "
             "its check "
             "value and exit",
     .take = option_take_flag,
     .target = &arguments.makes_master},
    {.name = "take-components",
     .value = "FILE",
     .text = "read the two components of a key-encrypting key and their check values from standard input, "
             "each typed by "
             "who has it; write the key block to the file, print the key's check value and exit",
     .take = option_take_text,
     .target = &arguments.block},
    {.name = "tdes",
     .text = "with --take-components: the key is TDES, and not AES",
     .take = option_take_flag,
     .target = &arguments.is_tdes},
    {.name = "help", .letter = 'h', .text = "options, signals and exit codes"},
    OPTION_VERSION,
};

static const struct program_command command = {
    .synopsis = "atmkeyd --socket PATH [OPTION]...",
    .about = "The key module: translates PIN blocks, verifies PINs, makes and checks MACs, keeps keys as key "
             "blocks. No\n"
             "other process has a clear PIN or key. Runs in the foreground; systemd (or a shell) keeps it.\n",
    .ending = "Signals: SIGTERM and SIGINT end it; SIGUSR1 logs the counters.\n"
              "Exit codes: 0 stopped as told, 1 failed, 2 wrong usage, 78 a master key, token or file that "
              "is not as it\n"
              "must be.\n"
              "\n"
              "Example: atmkeyd --socket /run/atmkeyd/socket --user atmd --custodian keys \\\n"
              "             --token-module /usr/lib/softhsm/libsofthsm2.so --token-label atm --token-key "
              "master \\\n"
              "             --token-pin /etc/atmkeyd/token.pin\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

static void print_help(FILE *stream)
{
        program_help(stream, &command);
}

static void print_manual(FILE *stream)
{
        manual_rows(stream, rows, sizeof(rows) / sizeof(rows[0]));
}

/* ---- the master key -------------------------------------------------------------------------------------- */

static bool names_token(void)
{
        const struct master_token *token = &arguments.token;
        return token->module || token->label || token->key || token->pin_file;
}

static const char *usage_problem(void)
{
        const struct master_token *token = &arguments.token;
        if (!arguments.master_file && !names_token())
                return "the master key is missing: expected --token-module and what belongs to it, or "
                       "--master-file";
        if (arguments.master_file && names_token())
                return "--master-file: a token is named as well; expected one of them";
        if (names_token() && !(token->module && token->label && token->key && token->pin_file))
                return "a token needs all of --token-module, --token-label, --token-key and --token-pin";
        if (arguments.makes_master && arguments.block)
                return "--make-master and --take-components: expected one of them";
        if (arguments.is_tdes && !arguments.block)
                return "--tdes: expected --take-components with it";
        if (!arguments.rules.path && !arguments.makes_master && !arguments.block)
                return "--socket is missing";
        return NULL;
}

static bool load_master(struct master *ret_master, char error[MASTER_ERROR_MAX])
{
        if (arguments.master_file)
                return master_from_file(arguments.master_file, ret_master, error);
        return master_from_token(&arguments.token, ret_master, error);
}

static void print_check_value(const struct master *master, char ret_text[2 * CHECK_VALUE_MAX + 1])
{
        hex_print(master->check_value, CHECK_VALUE_MAX, ret_text);
}

static int make_master(void)
{
        char error[MASTER_ERROR_MAX], check[2 * CHECK_VALUE_MAX + 1];
        struct master master;
        bool made = arguments.master_file ? master_make_file(arguments.master_file, error)
                                          : master_make_in_token(&arguments.token, error);
        if (!made || !load_master(&master, error)) {
                complain("%s", error);
                return EXIT_FAILED;
        }
        print_check_value(&master, check);
        master_wipe(&master);
        printf("%s\n", check);
        return program_end(EXIT_DONE);
}

/* ---- components ------------------------------------------------------------------------------------------ */

/* Locked before a key is in memory; where that fails only a laboratory goes on. */
static bool harden(void)
{
        char error[REASON_MAX];
        if (hardening_apply(error, sizeof(error)))
                return true;
        if (!arguments.master_file) {
                complain("%s", error);
                return false;
        }
        log_event(LEVEL_WARNING, "memory_not_locked", LOG_TEXT("reason", error));
        return true;
}

/* Opened before anybody types: what can't be written costs no ceremony. NULL after a complaint. */
static FILE *open_block(void)
{
        FILE *stream = fopen(arguments.block, "wxe");

        if (!stream)
                complain("%s: %s", arguments.block, strerror(errno));
        return stream;
}

/* NULL: there is none, and the file goes. False after a complaint. */
static bool close_block(FILE *stream, const char *block)
{
        bool written = block && fprintf(stream, "%s\n", block) > 0;

        written = fclose(stream) == 0 && written;
        if (block && !written)
                complain("%s: %s", arguments.block, strerror(errno));
        if (!written)
                unlink(arguments.block);
        return written;
}

static int take_components(void)
{
        char error[MASTER_ERROR_MAX], why[CEREMONY_ERROR_MAX], block[KEY_BLOCK_TEXT],
            check[CEREMONY_CHECK_TEXT];
        struct master master;
        FILE *stream;
        bool taken = false;

        log_open("stderr", "info", NULL);
        if (!harden())
                return EXIT_FAILED;
        if (!load_master(&master, error)) {
                complain("%s", error);
                return EXIT_CONFIG;
        }
        stream = open_block();
        if (stream) {
                taken =
                    ceremony_take(&master, arguments.is_tdes ? CIPHER_TDES : CIPHER_AES, block, check, why);
                if (!taken)
                        complain("%s", why);
                taken = close_block(stream, taken ? block : NULL);
        }
        master_wipe(&master);
        if (!taken)
                return EXIT_FAILED;
        printf("%s\n", check);
        return program_end(EXIT_DONE);
}

/* ---- serving --------------------------------------------------------------------------------------------- */

struct running {
        struct event_base *base;
        struct service *service;
};

static void log_counters(const struct running *running)
{
        const struct service_counters *counters = service_counters(running->service);
        log_event(LEVEL_INFO, "counters", LOG_NUMBER("clients", counters->clients),
                  LOG_NUMBER("refused", counters->refused), LOG_NUMBER("requests", counters->requests),
                  LOG_NUMBER("bad", counters->bad));
}

static void on_end(evutil_socket_t number, short what, void *context)
{
        struct running *running = context;
        (void)number;
        (void)what;
        event_base_loopexit(running->base, NULL);
}

static void on_counters(evutil_socket_t number, short what, void *context)
{
        (void)number;
        (void)what;
        log_counters(context);
}

static void default_users(struct service_rules *rules)
{
        if (rules->user_count == 0)
                rules->users[rules->user_count++] = (struct service_user){
                    .uid = geteuid(), .may = {[KEY_DUTY_SERVICE] = true, [KEY_DUTY_KEYS] = true}};
}

static void say_ready(const struct master *master)
{
        char check[2 * CHECK_VALUE_MAX + 1];
        print_check_value(master, check);
        if (master->is_laboratorys)
                log_event(
                    LEVEL_WARNING, "laboratory_master_key", LOG_TEXT("file", arguments.master_file),
                    LOG_TEXT("help",
                             "whoever reads this file has all keys and PINs; in production the master key "
                             "lies in a token (--token-module)"));
        log_event(LEVEL_INFO, "ready", LOG_TEXT("socket", arguments.rules.path),
                  LOG_TEXT("master_check_value", check),
                  LOG_TEXT("master", master->is_laboratorys ? "file" : "token"));
        sd_notify(0, "READY=1");
}

static int serve(struct backend *backend, const struct master *master)
{
        struct running running = {.base = NULL};
        const struct signal_row signal_rows[] = {{SIGTERM, on_end}, {SIGINT, on_end}, {SIGUSR1, on_counters}};
        char error[SERVICE_ERROR_MAX] = "out of memory";
        struct signals *signals = NULL;
        struct watchdog *watchdog = NULL;
        int code = EXIT_FAILED;

        wiped_memory();
        running.base = event_base_new();
        if (running.base && watchdog_new(running.base, &watchdog))
                signals = signals_new(running.base, signal_rows, sizeof(signal_rows) / sizeof(signal_rows[0]),
                                      &running);
        if (signals)
                running.service = service_new(running.base, &arguments.rules, backend, error);
        if (running.service) {
                say_ready(master);
                event_base_dispatch(running.base);
                sd_notify(0, "STOPPING=1");
                log_counters(&running);
                code = EXIT_DONE;
        } else {
                complain("%s", error);
        }
        service_free(running.service);
        signals_free(signals);
        watchdog_free(watchdog);
        if (running.base)
                event_base_free(running.base);
        return code;
}

static int run(void)
{
        char error[MASTER_ERROR_MAX], why[TOKEN_ERROR_MAX];
        struct token_key *token = NULL;
        struct master master;

        log_open("stderr", "info", NULL);
        arguments.rules.calls_max = (size_t)arguments.calls;
        default_users(&arguments.rules);
        signal(SIGPIPE, SIG_IGN);
        if (!harden())
                return EXIT_FAILED;
        if (arguments.card_token_key && !(token = token_key_load(arguments.card_token_key, why))) {
                complain("--card-token-key: %s", why);
                return EXIT_CONFIG;
        }
        if (!load_master(&master, error)) {
                complain("%s", error);
                token_key_free(token);
                return EXIT_CONFIG;
        }
        struct backend *backend = software_new(&master, token);
        int code = EXIT_FAILED;
        if (backend) {
                code = serve(backend, &master);
                backend->kind->free(backend);
        }
        master_wipe(&master);
        return code;
}

int main(int argc, char **argv)
{
        static const struct program program = {"atmkeyd", print_help, print_manual};
        int code = program_begin(&program, argc - 1, argv + 1);
        if (code == PROGRAM_GOES_ON)
                code = program_options(&command, NULL, argc - 1, argv + 1);
        if (code != PROGRAM_GOES_ON)
                return code;
        const char *problem = usage_problem();
        if (problem)
                return program_usage(NULL, problem);
        if (arguments.block)
                return take_components();
        return arguments.makes_master ? make_master() : run();
}
