/*
 * Keys as rows, values as text until all are there: see options.h. A value remembers where it was given, so
 * that what is wrong with it can be said with its place.
 */
#include "tools/banksim/options.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/ini_file.h"
#include "lib/base/number.h"
#include "rules/calendar.h"

enum row {
        ROW_HEADING_ALL,
        ROW_CONFIG,
        ROW_CONTROL,
        ROW_TOKEN_KEY_FILE,
        ROW_KEYS,
        ROW_KEKS,
        ROW_SEED,
        ROW_CLOCK_START,
        ROW_CLOCK_ANCHOR,
        ROW_CLOCK_SPEED,
        ROW_REQUIRE_FAULTS,
        ROW_JSON,
        ROW_HEADING_BANK,
        ROW_BANK,
        ROW_ISSUER, /* from here on keys of a bank */
        ROW_LINK,
        ROW_DIALECT,
        ROW_HOST,
        ROW_PORT,
        ROW_ACCOUNTS,
        ROW_JOURNAL,
        ROW_CERTIFICATE,
        ROW_KEY,
        ROW_CA,
        ROW_CLIENT,
        ROW_CONNECTIONS_MAX,
        ROW_FAULTS,
        ROW_SLOW_MS,
        ROW_LATE_MS,
        ROW_DOWN_MS,
        ROW_COUNT
};

static option_take take_key, take_bank, take_flag, take_config;

#define KEY(name_, value_, fallback_, text_)                                                                 \
        .name = name_, .value = value_, .fallback = fallback_, .text = text_, .take = take_key

/* fallback NULL: must be given, for each bank or for all. */
static const struct option_row option_rows[ROW_COUNT] = {
    [ROW_HEADING_ALL] = {.text = "For all banks, before the first --bank, or under [banksim] in a file:"},
    [ROW_CONFIG] =
        {.name = "config",
         .value = "FILE",
         .text = "ini file: [banksim] for all banks, [bank NAME] for one, with these options as keys, "
                 "underscores for dashes; relative paths are taken from its folder, and options go before "
                 "it; etc/banks/banksim.conf shows every key",
         .take = take_config},
    [ROW_CONTROL] = {KEY("control", "PATH", "",
                         "unix socket for 'banksim ctl', at most 107 bytes; none unless given"),
                     .variable = "BANKSIM_SOCKET"},
    [ROW_TOKEN_KEY_FILE] = {KEY("token-key-file", "FILE", NULL,
                                "64 hexadecimal digits, mode 0600: the key of the card tokens"),
                            .variable = "ATM_TOKEN_KEY_FILE"},
    [ROW_KEYS] = {KEY("keys", "FILE", "",
                      "CSV with the columns link, set, pin_key, mac_key_up and mac_key_down, mode 0600: key "
                      "blocks under the "
                      "link's key-encrypting key, as 'atmctl key export --link' writes them; a bank whose "
                      "link is in it wants a MAC "
                      "with each message and makes one with each answer. Without it no bank does"),
                  .variable = "BANKSIM_KEYS"},
    [ROW_KEKS] = {KEY("keks", "FILE", "",
                      "CSV with the columns link and kek, mode 0600: those key-encrypting keys, a "
                      "laboratory's, as hexadecimal "
                      "digits"),
                  .variable = "BANKSIM_KEKS"},
    [ROW_SEED] = {KEY(
        "seed", "S", "1",
        "whole number that behaviours are drawn from, together with what the journal holds at the start: "
        "a bank that is killed and started again does not misbehave in the same way again")},
    [ROW_CLOCK_START] = {KEY("clock-start", "MOMENT", "",
                             "business moment at the anchor; real time unless given with the other two"),
                         .variable = "ATM_CLOCK_START_MS"},
    [ROW_CLOCK_ANCHOR] = {KEY("clock-anchor", "MOMENT", "",
                              "real moment at which business time is clock-start"),
                          .variable = "ATM_CLOCK_ANCHOR_MS"},
    [ROW_CLOCK_SPEED] = {KEY("clock-speed", "N", "", "business seconds a real second"),
                         .variable = "ATM_CLOCK_SPEED"},
    [ROW_REQUIRE_FAULTS] =
        {.name = "require-faults",
         .text = "exit with 1 at the end where a behaviour that was asked for by rate never happened "
                 "at any of the banks; it is reported in any case",
         .take = take_flag},
    [ROW_JSON] = {.name = "json",
                  .text =
                      "print the counts at the end as one JSON object, and everything else on standard error",
                  .take = take_flag},
    [ROW_HEADING_BANK] =
        {.text = "For one bank, behind --bank or under [bank NAME]; for all, before the first --bank or "
                 "under [banksim]:"},
    [ROW_BANK] = {.name = "bank",
                  .value = "NAME",
                  .text = "what follows is for this bank: 1 to 11 of A-Z and 0-9",
                  .take = take_bank},
    [ROW_ISSUER] = {KEY("issuer", "ISSUER", "",
                        "whose rows of the card file these are; the bank's name unless given")},
    [ROW_LINK] = {KEY("link", "LINK", "",
                      "whose rows of the key files these are; the bank's name unless given")},
    [ROW_DIALECT] = {KEY(
        "dialect", "FILE", "ascii",
        "the field table that the bank speaks: a dialect file, or ascii for the built-in one")},
    [ROW_HOST] = {KEY("host", "HOST", "127.0.0.1", "address to listen on")},
    [ROW_PORT] = {KEY("port", "PORT", NULL, "port to listen on; 0 takes a free one and names it")},
    [ROW_ACCOUNTS] = {KEY(
        "accounts", "FILE", NULL,
        "card file, CSV, mode 0600, with the columns pan, expiry (YYMM), issuer and balance_yen, and perhaps "
        "pin, "
        "which is wanted where the dialect wants PINs and the bank has keys; rows of "
        "other issuers are passed over; balances begin with what the file says, and the journal says "
        "what became of them")},
    [ROW_JOURNAL] = {KEY("journal", "FILE", NULL,
                         "the bank's journal; made where it isn't there, together with its folder")},
    [ROW_CERTIFICATE] = {KEY("certificate", "FILE", NULL, "the bank's certificate, PEM")},
    [ROW_KEY] = {KEY("key", "FILE", NULL, "its private key, PEM")},
    [ROW_CA] = {KEY("ca", "FILE", NULL, "authority of the acquirer's certificate, PEM"),
                .variable = "ATMD_CA"},
    [ROW_CLIENT] = {KEY("client", "NAME", NULL, "common name of the acquirer's certificate")},
    [ROW_CONNECTIONS_MAX] = {KEY("connections-max", "N", "64", "connections at the same time")},
    [ROW_FAULTS] = {KEY(
        "faults", "NAME=RATE,...", "",
        "behaviours by rate, of one message about money each: slow=0.02,silent=0.01; their sum is at most "
        "1")},
    [ROW_SLOW_MS] = {KEY("slow-ms", "A-B", "300-2000", "how late a slow answer is")},
    [ROW_LATE_MS] = {KEY("late-ms", "A-B", "16000-20000", "how late a late answer is")},
    [ROW_DOWN_MS] = {KEY("down-ms", "A-B", "2000-6000", "how long a bank is down")},
};
const struct program_command run_command = {
    .name = "run",
    .synopsis = "banksim run [--config FILE] [OPTIONS] [--bank NAME OPTIONS]...",
    .about = "Simulated banks on one event loop: accounts from a card file, withdrawals, completions and "
             "reversals\n"
             "over TLS, a durable journal, and misbehaviour by rate or on command.\n",
    .ending =
        "Behaviours: slow, late, held (until its next order), silent (done, not answered), deaf (lost), "
        "wrong-echo,\n"
        "wrong-mac, duplicate, decline, hang-up (in the middle of an answer), down (connections and port "
        "gone); "
        "repeated, missing, case "
        "and\n"
        "again (a completion or reversal is answered with a code that the dialect's [notice codes] call "
        "so);\n"
        "refuse-keys, forget-keys (after accepting them) and old-keys (accepts them, and goes on with the "
        "former "
        "ones) of a key set that it is offered.\n"
        "Rates are of one message about money, or one offer of keys; their sum is at most 1.\n"
        "\n"
        "Prints one line a bank and `serving` when its banks can be reached. SIGTERM and SIGINT end it with\n"
        "the counts. Exit codes: 0 ended by a signal, 1 failed, 2 wrong usage.\n"
        "\n"
        "Example:\n"
        "  banksim run --ca pki/ca.crt --certificate server/banks.crt --key server/banks.key \\\n"
        "      --client ACQUIRER --accounts cards.csv --token-key-file token.key --control "
        "run/banksim.sock \\\n"
        "      --bank BANKA --port 7601 --journal banks/BANKA.journal --faults slow=0.02,silent=0.01\n",
    .rows = option_rows,
    .count = ROW_COUNT,
};

struct value {
        char *text;      /* NULL: not given */
        char place[192]; /* "FILE:LINE: [bank BANKA] port" or "--port" */
        bool of_file;    /* its error is the file's, not the command line's */
};

struct layer {
        char name[BANK_NAME_MAX + 1];
        struct value value[ROW_COUNT];
};

struct reading {
        struct layer common, bank[OPTIONS_BANKS_MAX];
        size_t banks;
        struct layer *layer; /* of the words: the common one, then the bank's */
        bool require_faults, json;
        struct ini_file file;
        struct layer *section; /* of the file, at hand */
        bool failed, of_file;
        char *error;
};

ATM_PRINTF(3, 4) static bool wrong(struct reading *r, bool of_file, const char *format, ...)
{
        va_list arguments;
        if (r->failed)
                return false; /* the first one counts */
        va_start(arguments, format);
        vsnprintf(r->error, OPTIONS_ERROR_MAX, format, arguments);
        va_end(arguments);
        r->failed = true;
        r->of_file = of_file;
        return false;
}

/* ---- layers -------------------------------------------------------------------------------------------- */

static bool is_bank_name(const char *name)
{
        size_t length = strlen(name);
        return length >= 1 && length <= BANK_NAME_MAX &&
               strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == length;
}

/* The bank's layer, made where it isn't there; NULL with what is wrong in problem[]. */
static struct layer *layer_of(struct reading *r, const char *name, char *problem, size_t size)
{
        if (!is_bank_name(name)) {
                snprintf(problem, size, "'%.40s' is no bank's name; expected 1 to %d of A-Z and 0-9", name,
                         BANK_NAME_MAX);
                return NULL;
        }
        for (size_t i = 0; i < r->banks; i++)
                if (strcmp(r->bank[i].name, name) == 0)
                        return &r->bank[i];
        if (r->banks == OPTIONS_BANKS_MAX) {
                snprintf(problem, size, "expected at most %d banks", OPTIONS_BANKS_MAX);
                return NULL;
        }
        strcpy(r->bank[r->banks].name, name);
        return &r->bank[r->banks++];
}

static bool is_path(int row)
{
        return row == ROW_CONTROL || row == ROW_TOKEN_KEY_FILE || row == ROW_KEYS || row == ROW_KEKS ||
               row == ROW_DIALECT || row == ROW_ACCOUNTS || row == ROW_JOURNAL || row == ROW_CERTIFICATE ||
               row == ROW_KEY || row == ROW_CA;
}

static bool give(struct reading *r, struct value *value, const char *text)
{
        free(value->text);
        value->text = strdup(text);
        return value->text || wrong(r, true, "out of memory");
}

static void free_layer(struct layer *layer)
{
        for (int i = 0; i < ROW_COUNT; i++)
                free(layer->value[i].text);
}

/* ---- the file ------------------------------------------------------------------------------------------ */

/* The row of a key in the file; -1: there is none. */
static int row_of(const char *key)
{
        for (int i = 0; i < ROW_COUNT; i++)
                if (option_rows[i].take == take_key && !strchr(key, '-') &&
                    option_same_name(option_rows[i].name, key))
                        return i;
        return -1;
}

static bool is_of_bank(int row)
{
        return row >= ROW_ISSUER;
}

/* Relative paths are taken from the file's folder; so the file may be moved with what it names. */
static bool give_path(struct reading *r, struct value *value, const char *text)
{
        char path[PATH_MAX + OPTIONS_TEXT_MAX];
        const char *slash = strrchr(r->file.path, '/');
        snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash - r->file.path + 1) : 0, r->file.path,
                 text);
        return give(r, value, path);
}

static bool on_section(void *context, const char *section)
{
        struct reading *r = context;
        char problem[256];
        if (strcmp(section, "banksim") == 0) {
                r->section = &r->common;
                return true;
        }
        if (strncmp(section, "bank ", 5) != 0)
                return ini_file_refuse(&r->file, r->file.line,
                                       "[%.40s]: unknown section; expected [banksim] or [bank NAME]",
                                       section);
        r->section = layer_of(r, section + 5, problem, sizeof(problem));
        return r->section || ini_file_refuse(&r->file, r->file.line, "%s", problem);
}

static bool on_pair(void *context, const char *section, const char *key, const char *text)
{
        struct reading *r = context;
        int row = row_of(key);
        if (row < 0 || (r->section != &r->common && !is_of_bank(row)))
                return ini_file_refuse(&r->file, r->file.line, "[%.40s] %.40s: unknown key%s", section, key,
                                       row < 0 ? "; `banksim run --help` names them"
                                               : " here; it stands in [banksim]");
        struct value *value = &r->section->value[row];
        if (value->text)
                return ini_file_refuse(&r->file, r->file.line, "[%.40s] %s: given twice; expected once",
                                       section, key);
        snprintf(value->place, sizeof(value->place), "%.100s:%d: [%.20s] %s", r->file.path, r->file.line,
                 section, key);
        value->of_file = true;
        if (is_path(row) && *text && *text != '/' && !(row == ROW_DIALECT && strcmp(text, "ascii") == 0))
                return give_path(r, value, text) || ini_file_refuse(&r->file, r->file.line, "out of memory");
        return give(r, value, text) || ini_file_refuse(&r->file, r->file.line, "out of memory");
}

static bool read_file(struct reading *r, const char *path)
{
        r->file = (struct ini_file){.path = path,
                                    .wanted = "a configuration file",
                                    .error = r->error,
                                    .error_size = OPTIONS_ERROR_MAX,
                                    .on_section = on_section,
                                    .on_pair = on_pair,
                                    .context = r};
        bool good = ini_file_open(&r->file) && ini_file_read(&r->file) && !r->failed;
        ini_file_close(&r->file);
        r->failed = r->of_file = !good;
        return good;
}

/* ---- the command line ---------------------------------------------------------------------------------- */

static bool take_key(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct reading *r = value->context;
        int row = (int)(value->row - option_rows);
        if (value->of_variable)
                return true; /* read_environment: of all banks, and behind the file */
        if (r->layer != &r->common && !is_of_bank(row)) {
                snprintf(error, OPTIONS_ERROR_MAX, "holds for all banks; expected before the first --bank");
                return false;
        }
        struct value *given = &r->layer->value[row];
        snprintf(given->place, sizeof(given->place), "%s", value->place);
        given->of_file = false;
        return give(r, given, value->text);
}

static bool take_bank(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct reading *r = value->context;
        r->layer = layer_of(r, value->text, error, OPTIONS_ERROR_MAX);
        return r->layer;
}

static bool take_flag(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct reading *r = value->context;
        (void)error;
        *(value->row == &option_rows[ROW_JSON] ? &r->json : &r->require_faults) = true;
        return true;
}

static bool take_config(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        (void)value, (void)error;
        return true; /* read before: read_config */
}

/* The file is read first, wherever --config stands. */
static bool read_config(struct reading *r, int count, char **words)
{
        const char *path = NULL;
        for (int i = 0; i < count && !path; i++) {
                if (strncmp(words[i], "--config=", 9) == 0)
                        path = words[i] + 9;
                else if (strcmp(words[i], "--config") == 0 && i + 1 < count)
                        path = words[i + 1];
        }
        if (path && !*path)
                return wrong(r, false, "--config: '': expected FILE");
        return !path || read_file(r, path);
}

static bool read_words(struct reading *r, int count, char **words)
{
        char error[OPTIONS_ERROR_MAX];
        r->layer = &r->common;
        return options_parse(option_rows, ROW_COUNT, r, count, words, error) == OPTIONS_GOOD ||
               wrong(r, false, "%s", error);
}

static void read_environment(struct reading *r)
{
        for (int i = 0; i < ROW_COUNT; i++) {
                struct value *value = &r->common.value[i];
                const char *name = option_rows[i].variable, *text = name ? getenv(name) : NULL;
                if (value->text || !text || !*text)
                        continue;
                snprintf(value->place, sizeof(value->place), "%s", name);
                give(r, value, text);
        }
}

/* ---- from text to values ------------------------------------------------------------------------------- */

/* Why a value is wrong, as its row knows it. */
static bool bad(struct reading *r, const struct value *value, const char *expected)
{
        return wrong(r, value->of_file, "%s: '%.80s': expected %s", value->place, value->text, expected);
}

/* The value that holds for a layer: its own, the common one, the fallback. False: there is none. */
static bool find(struct reading *r, const struct layer *layer, int row, struct value *ret_value)
{
        const struct option_row *option = &option_rows[row];
        const struct value *value = &layer->value[row];
        if (!value->text)
                value = &r->common.value[row];
        *ret_value = *value;
        if (value->text)
                return true;
        if (!option->fallback)
                return wrong(r, false, "--%s is missing%s%s: %s", option->name,
                             layer->name[0] ? " for bank " : "", layer->name, option->text);
        /* Never changed nor freed through here. */
        memcpy(&ret_value->text, &option->fallback, sizeof(ret_value->text));
        snprintf(ret_value->place, sizeof(ret_value->place), "--%s", option->name);
        return true;
}

static bool text_of(struct reading *r, const struct layer *layer, int row, char buffer[OPTIONS_TEXT_MAX])
{
        struct value value;
        if (!find(r, layer, row, &value))
                return false;
        if (strlen(value.text) >= OPTIONS_TEXT_MAX)
                return bad(r, &value, "fewer than 512 characters");
        if (!*value.text && !option_rows[row].fallback)
                return bad(r, &value, "something");
        strcpy(buffer, value.text);
        return true;
}

static bool host_of(struct reading *r, const struct layer *layer, char host[ADDRESS_HOST_MAX])
{
        struct value value;
        return find(r, layer, ROW_HOST, &value) &&
               (address_host_parse(value.text, host) ||
                bad(r, &value, "a host's name or address, as 127.0.0.1 or ::1"));
}

static bool number_of(struct reading *r, const struct layer *layer, int row, int64_t least, int64_t most,
                      int64_t *ret_value)
{
        struct value value;
        char expected[NUMBER_EXPECTED_MAX];
        if (!find(r, layer, row, &value))
                return false;
        return number_parse(value.text, least, most, ret_value) ||
               bad(r, &value, number_expected(least, most, expected));
}

static bool span_of(struct reading *r, const struct layer *layer, int row, struct span *ret_span)
{
        struct value value;
        if (!find(r, layer, row, &value))
                return false;
        return span_parse(value.text, ret_span) ||
               bad(r, &value, "milliseconds A-B, A not above B, both at most 3600000");
}

static bool faults_of(struct reading *r, const struct layer *layer, struct behaviour_rates *ret_rates)
{
        struct value value;
        char error[OPTIONS_ERROR_MAX];
        if (!find(r, layer, ROW_FAULTS, &value))
                return false;
        if (behaviour_rates_parse(value.text, ret_rates, error))
                return true;
        return wrong(r, value.of_file, "%s: %s", value.place, error);
}

static bool moment_of(struct reading *r, int row, int64_t *ret_ms)
{
        struct value value;
        if (!find(r, &r->common, row, &value))
                return false;
        if (!number_parse(value.text, 0, INT64_MAX, ret_ms) && !calendar_parse_moment(value.text, ret_ms))
                return bad(r, &value,
                           "a moment such as 2016-12-29T07:55:00+09:00, or milliseconds since 1970 UTC");
        return true;
}

static bool clock_of(struct reading *r, struct business_clock *ret_clock)
{
        const struct value *value = r->common.value;
        int64_t speed;
        int given =
            !!value[ROW_CLOCK_START].text + !!value[ROW_CLOCK_ANCHOR].text + !!value[ROW_CLOCK_SPEED].text;
        *ret_clock = clock_real;
        if (given == 0)
                return true;
        if (given < 3)
                return wrong(r, false,
                             "--clock-start, --clock-anchor and --clock-speed: expected all three or none");
        if (!moment_of(r, ROW_CLOCK_START, &ret_clock->start_ms) ||
            !moment_of(r, ROW_CLOCK_ANCHOR, &ret_clock->anchor_ms) ||
            !number_of(r, &r->common, ROW_CLOCK_SPEED, 1, 1000000, &speed))
                return false;
        ret_clock->speed = (int32_t)speed;
        return true;
}

static bool bank_of(struct reading *r, const struct layer *layer, struct bank_options *bank)
{
        *bank = (struct bank_options){.port = 0};
        strcpy(bank->name, layer->name);
        bool good =
            text_of(r, layer, ROW_ISSUER, bank->issuer) && text_of(r, layer, ROW_LINK, bank->link) &&
            text_of(r, layer, ROW_DIALECT, bank->dialect) && host_of(r, layer, bank->host) &&
            number_of(r, layer, ROW_PORT, 0, 65535, &bank->port) &&
            text_of(r, layer, ROW_ACCOUNTS, bank->accounts) &&
            text_of(r, layer, ROW_JOURNAL, bank->journal) &&
            text_of(r, layer, ROW_CERTIFICATE, bank->certificate) && text_of(r, layer, ROW_KEY, bank->key) &&
            text_of(r, layer, ROW_CA, bank->ca) && text_of(r, layer, ROW_CLIENT, bank->client) &&
            number_of(r, layer, ROW_CONNECTIONS_MAX, 1, 10000, &bank->connections_max) &&
            faults_of(r, layer, &bank->faults) && span_of(r, layer, ROW_SLOW_MS, &bank->slow) &&
            span_of(r, layer, ROW_LATE_MS, &bank->late) && span_of(r, layer, ROW_DOWN_MS, &bank->down);
        if (good && !bank->issuer[0])
                strcpy(bank->issuer, bank->name);
        if (good && !bank->link[0])
                strcpy(bank->link, bank->name);
        return good;
}

/* Two banks that wrote one journal would each find the other's lines in it. */
static bool check_apart(struct reading *r, const struct options *options)
{
        for (size_t i = 0; i < options->banks; i++)
                for (size_t j = 0; j < i; j++)
                        if (strcmp(options->bank[i].journal, options->bank[j].journal) == 0)
                                return wrong(r, false,
                                             "banks %s and %s: the same journal; expected one for each",
                                             options->bank[j].name, options->bank[i].name);
        return true;
}

static bool check_keys(struct reading *r, const struct options *options)
{
        return !options->keys[0] == !options->keks[0] ||
               wrong(r, false, "--%s is missing: expected --keys and --keks, or neither",
                     options->keys[0] ? "keks" : "keys");
}

static bool options_make(struct reading *r, struct options *options)
{
        if (r->banks == 0)
                return wrong(r, false,
                             "no bank: expected --bank NAME, or [bank NAME] in a file that --config names");
        if (!text_of(r, &r->common, ROW_CONTROL, options->control) ||
            !text_of(r, &r->common, ROW_TOKEN_KEY_FILE, options->token_key_file) ||
            !text_of(r, &r->common, ROW_KEYS, options->keys) ||
            !text_of(r, &r->common, ROW_KEKS, options->keks) || !check_keys(r, options) ||
            !number_of(r, &r->common, ROW_SEED, 0, INT64_MAX, &options->seed) ||
            !clock_of(r, &options->clock))
                return false;
        for (size_t i = 0; i < r->banks; i++)
                if (!bank_of(r, &r->bank[i], &options->bank[i]))
                        return false;
        options->banks = r->banks;
        options->require_faults = r->require_faults;
        options->json = r->json;
        return check_apart(r, options);
}

enum options_result options_read(int count, char **words, struct options *ret_options,
                                 char error[OPTIONS_ERROR_MAX])
{
        struct reading *r = calloc(1, sizeof(*r));
        struct options *options = calloc(1, sizeof(*options));
        enum options_result result = OPTIONS_FAILED;
        for (int i = 0; i < count; i++) {
                if (strcmp(words[i], "--help") == 0) {
                        result = OPTIONS_HELP;
                        goto done;
                }
        }
        if (!r || !options) {
                snprintf(error, OPTIONS_ERROR_MAX, "out of memory");
                goto done;
        }
        r->error = error;
        bool good = read_config(r, count, words) && read_words(r, count, words);
        if (good)
                read_environment(r);
        good = good && !r->failed && options_make(r, options);
        if (good)
                *ret_options = *options;
        result = good ? OPTIONS_GOOD : r->of_file ? OPTIONS_FAILED : OPTIONS_USAGE;
done:
        if (r) {
                free_layer(&r->common);
                for (size_t i = 0; i < r->banks; i++)
                        free_layer(&r->bank[i]);
        }
        free(r);
        free(options);
        return result;
}
