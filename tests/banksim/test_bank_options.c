/*
 * Protects what banksim is told: options.c (file and command line), behaviours.c (rates and draws) and
 * accounts.c (card files). What is wrong is named with its place.
 */
#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/banksim/accounts.h"
#include "tools/banksim/behaviours.h"
#include "tools/banksim/options.h"
#include "tests/suite.h"

enum { WORDS_MAX = 32 };

static char folder[64], path[96];
static struct options options;
static char error[OPTIONS_ERROR_MAX];

static void setup(void)
{
        static const char *const variables[] = {"BANKSIM_SOCKET",     "ATM_TOKEN_KEY_FILE",
                                                "ATM_CLOCK_START_MS", "ATM_CLOCK_ANCHOR_MS",
                                                "ATM_CLOCK_SPEED",    "ATMD_CA"};
        for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
                unsetenv(variables[i]);
        strcpy(folder, "/tmp/test_bank_options.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/file", folder);
        error[0] = '\0';
}

static void teardown(void)
{
        unlink(path);
        rmdir(folder);
}

static void file_write(const char *text, mode_t mode)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        ck_assert_int_eq(fchmod(fd, mode), 0);
        close(fd);
}

/* Words end with NULL. */
static enum options_result read_words(const char *const *words)
{
        char *copy[WORDS_MAX + 1];
        int count = 0;
        for (; words[count]; count++)
                copy[count] = strdup(words[count]);
        copy[count] = NULL;
        enum options_result result = options_read(count, copy, &options, error);
        while (count > 0)
                free(copy[--count]);
        return result;
}

#define COMMON "--token-key-file", "k", "--certificate", "c", "--key", "p", "--ca", "a", "--client", "HOST"
#define BANK   "--bank", "BANKA", "--port", "7601", "--accounts", "cards", "--journal", "j"

START_TEST(the_command_line_alone_is_enough)
{
        ck_assert_msg(read_words((const char *const[]){COMMON, BANK, NULL}) == OPTIONS_GOOD, "%s", error);
        ck_assert_uint_eq(options.banks, 1);
        ck_assert_str_eq(options.bank[0].name, "BANKA");
        ck_assert_str_eq(options.bank[0].issuer, "BANKA");
        ck_assert_str_eq(options.bank[0].dialect, "ascii");
        ck_assert_str_eq(options.bank[0].host, "127.0.0.1");
        ck_assert_int_eq(options.bank[0].port, 7601);
        ck_assert_int_eq(options.bank[0].late.from_ms, 16000);
        ck_assert_int_eq(options.clock.speed, 1);
        ck_assert_int_eq(options.clock.start_ms, options.clock.anchor_ms);
        ck_assert(!options.require_faults && !options.json && options.control[0] == '\0');
}
END_TEST

START_TEST(the_command_line_goes_before_the_file_and_a_bank_before_all)
{
        char journal[128];
        file_write("[banksim]\n"
                   "token_key_file = token.key ; a comment\n"
                   "certificate = /pki/bank.crt\nkey = /pki/bank.key\nca = /pki/ca.crt\nclient = HOST\n"
                   "faults = slow=0.5\naccounts = cards.csv\nslow_ms = 10\n"
                   "clock_start = 2016-12-29T07:55:00+09:00\nclock_anchor = 1000\nclock_speed = 60\n"
                   "\n[bank BANKA]\nport = 7601\njournal = a/BANKA.journal\ndialect = ascii\n"
                   "[bank BANKB]\nport = 7602\njournal = /b\ndialect = hex.dialect\nfaults = "
                   "late=0.1\nissuer = OTHER\n",
                   0644);
        ck_assert_msg(
            read_words((const char *const[]){"--slow-ms", "20-30", "--config", path, "--bank", "BANKB",
                                             "--port=7700", "--bank", "BANKC", "--port", "0", "--journal",
                                             "c", "--require-faults", "--json", NULL}) == OPTIONS_GOOD,
            "%s", error);
        ck_assert_uint_eq(options.banks, 3);
        snprintf(journal, sizeof(journal), "%s/a/BANKA.journal", folder);
        ck_assert_str_eq(options.bank[0].journal, journal);
        ck_assert_str_eq(options.bank[0].dialect, "ascii");
        ck_assert_int_eq(options.bank[0].slow.from_ms, 20);
        ck_assert_int_eq(options.bank[0].slow.to_ms, 30);
        ck_assert(options.bank[0].faults.rate[BEHAVIOUR_SLOW] == 0.5);
        ck_assert_int_eq(options.bank[1].port, 7700);
        ck_assert_str_eq(options.bank[1].journal, "/b");
        ck_assert_str_eq(options.bank[1].issuer, "OTHER");
        ck_assert(options.bank[1].faults.rate[BEHAVIOUR_SLOW] == 0);
        ck_assert(options.bank[1].faults.rate[BEHAVIOUR_LATE] == 0.1);
        snprintf(journal, sizeof(journal), "%s/hex.dialect", folder);
        ck_assert_str_eq(options.bank[1].dialect, journal);
        ck_assert_str_eq(options.bank[2].journal, "c");
        ck_assert_int_eq(options.clock.speed, 60);
        ck_assert_int_eq(options.clock.anchor_ms, 1000);
        ck_assert_int_eq(options.clock.start_ms, INT64_C(1482965700000));
        ck_assert(options.require_faults && options.json);
}
END_TEST

START_TEST(the_laboratory_s_variables_are_taken)
{
        setenv("ATM_TOKEN_KEY_FILE", "/lab/token.key", 1);
        setenv("ATMD_CA", "/lab/ca.crt", 1);
        setenv("ATM_CLOCK_START_MS", "5000", 1);
        setenv("ATM_CLOCK_ANCHOR_MS", "1000", 1);
        setenv("ATM_CLOCK_SPEED", "10", 1);
        setenv("BANKSIM_SOCKET", "/lab/sock", 1);
        ck_assert_msg(read_words((const char *const[]){"--certificate", "c", "--key", "p", "--client", "H",
                                                       BANK, NULL}) == OPTIONS_GOOD,
                      "%s", error);
        ck_assert_str_eq(options.token_key_file, "/lab/token.key");
        ck_assert_str_eq(options.bank[0].ca, "/lab/ca.crt");
        ck_assert_str_eq(options.control, "/lab/sock");
        ck_assert_int_eq(options.clock.start_ms, 5000);
        ck_assert_int_eq(options.clock.speed, 10);
}
END_TEST

static const struct wrong_words {
        const char *words[WORDS_MAX];
        const char *says;
} wrong_words[] = {
    {{COMMON}, "no bank: expected --bank NAME"},
    {{COMMON, "--bank", "bank"}, "'bank' is no bank's name"},
    {{COMMON, "--bank", "TWELVELETTER"}, "'TWELVELETTER' is no bank's name"},
    {{COMMON, "--bank"}, "--bank: expected NAME"},
    {{BANK}, "--token-key-file is missing"},
    {{COMMON, "--bank", "BANKA", "--accounts", "x", "--journal", "y"}, "--port is missing for bank BANKA"},
    {{COMMON, BANK, "--seed", "1"}, "--seed: holds for all banks"},
    {{COMMON, BANK, "--port", "65536"}, "--port: '65536': expected a whole number from 0 to 65535"},
    {{COMMON, BANK, "--port", "x"}, "--port: 'x'"},
    {{COMMON, BANK, "--connections-max", "0"}, "--connections-max: '0'"},
    {{COMMON, BANK, "--slow-ms", "9-5"}, "--slow-ms: '9-5': expected milliseconds A-B"},
    {{COMMON, BANK, "--late-ms", "5-"}, "--late-ms: '5-'"},
    {{COMMON, BANK, "--faults", "rude=0.1"}, "--faults: 'rude=0.1' is no behaviour; there are slow, late"},
    {{COMMON, BANK, "--faults", "slow"}, "'slow': a rate from 0 to 1 is expected"},
    {{COMMON, BANK, "--faults", "slow=1.5"}, "'slow=1.5'"},
    {{COMMON, BANK, "--faults", "slow=-1"}, "'slow=-1'"},
    {{COMMON, BANK, "--faults", "slow=0.6,late=0.6"}, "the rates' sum is over 1"},
    {{COMMON, BANK, "--colour", "red"}, "unknown option --colour"},
    {{COMMON, BANK, "more"}, "'more': expected options only"},
    {{COMMON, "--clock-speed", "2", BANK}, "expected all three or none"},
    {{COMMON, "--clock-speed", "2", "--clock-start", "soon", "--clock-anchor", "1", BANK},
     "--clock-start: 'soon'"},
    {{COMMON, BANK, "--bank", "BANKB", "--port", "1", "--accounts", "x", "--journal", "j"},
     "banks BANKA and BANKB: the same journal"},
};

START_TEST(wrong_words_are_named)
{
        ck_assert_int_eq(read_words(wrong_words[_i].words), OPTIONS_USAGE);
        ck_assert_msg(strstr(error, wrong_words[_i].says), "wanted \"%s\", got \"%s\"", wrong_words[_i].says,
                      error);
}
END_TEST

static const struct wrong_file {
        const char *text, *says;
} wrong_files[] = {
    {"[bank BANKA]\nport = 1\ncolour = red\n", "file:3: [bank BANKA] colour: unknown key"},
    {"[bank BANKA]\nseed = 1\n", "file:2: [bank BANKA] seed: unknown key here; it stands in [banksim]"},
    {"[bank BANKA]\nport = 1\nport = 2\n", "file:3: [bank BANKA] port: given twice"},
    {"[bank banka]\nport = 1\n", "file:1: 'banka' is no bank's name"},
    {"[tank BANKA]\nport = 1\n", "file:1: [tank BANKA]: unknown section"},
    {"[banksim]\nhello\n", "file:2: not understood"},
    {"[bank BANKA]\n\nport = many\n", "file:3: [bank BANKA] port: 'many': expected a whole number"},
    {"[banksim]\nfaults = slow\n[bank BANKA]\nport = 1\n", "file:2: [banksim] faults: 'slow'"},
};

START_TEST(a_wrong_file_is_named_with_its_line)
{
        file_write(wrong_files[_i].text, 0644);
        ck_assert_int_eq(read_words((const char *const[]){"--config", path, COMMON, "--accounts", "x",
                                                          "--journal", "y", NULL}),
                         OPTIONS_FAILED);
        ck_assert_msg(strstr(error, wrong_files[_i].says), "wanted \"%s\", got \"%s\"", wrong_files[_i].says,
                      error);
}
END_TEST

START_TEST(the_example_is_whole)
{
        ck_assert_msg(read_words((const char *const[]){"--config", SOURCE_DIR "/etc/banks/banksim.conf",
                                                       NULL}) == OPTIONS_GOOD,
                      "%s", error);
        ck_assert_uint_eq(options.banks, 3);
        for (size_t i = 0; i < options.banks; i++) {
                static const char *const names[] = {"BANKA", "BANKB", "BANKC"};
                ck_assert_str_eq(options.bank[i].name, names[i]);
                ck_assert_str_eq(options.bank[i].issuer, names[i]);
                ck_assert_msg(access(options.bank[i].dialect, R_OK) == 0, "%s", options.bank[i].dialect);
        }
}
END_TEST

static bool is_key(const char *name)
{
        return strcmp(name, "config") && strcmp(name, "bank") && strcmp(name, "require-faults") &&
               strcmp(name, "json");
}

/* Every key is named by the example, and every option by the manual page. */
START_TEST(every_key_is_described)
{
        static char example[1 << 16], manual[1 << 16];
        static const struct {
                const char *path;
                char *text;
        } files[] = {{SOURCE_DIR "/etc/banks/banksim.conf", example},
                     {SOURCE_DIR "/docs/man/banksim.1.scd", manual}};
        for (size_t i = 0; i < 2; i++) {
                FILE *file = fopen(files[i].path, "r");
                ck_assert_ptr_nonnull(file);
                files[i].text[fread(files[i].text, 1, sizeof(example) - 1, file)] = '\0';
                fclose(file);
        }
        for (size_t i = 0; i < run_command.count; i++) {
                const char *name = run_command.rows[i].name;
                char key[64], option[64];
                if (!name)
                        continue; /* a heading */
                snprintf(option, sizeof(option), "*--%s*", name);
                snprintf(key, sizeof(key), "%s =", name);
                for (char *c = key; *c; c++)
                        *c = *c == '-' ? '_' : *c;
                ck_assert_msg(!is_key(name) || strstr(example, key) != NULL, "%s", key);
                ck_assert_msg(strstr(manual, option) != NULL, "%s", option);
        }
        for (int i = 0; i < BEHAVIOUR_COUNT; i++) {
                char name[64];
                snprintf(name, sizeof(name), "*%s*", behaviour_name[i]);
                ck_assert_msg(strstr(manual, name) != NULL, "%s", name);
        }
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
        ck_assert_int_eq(read_words((const char *const[]){"--config", path, NULL}), OPTIONS_FAILED);
        ck_assert_msg(strstr(error, path), "%s", error);
}
END_TEST

/* ---- behaviours ---------------------------------------------------------------------------------------- */

START_TEST(draws_follow_the_rates_and_the_seed)
{
        enum { COUNT = 200000 };
        struct behaviour_rates rates;
        struct behaviours behaviours, same, other;
        int drawn[BEHAVIOUR_COUNT + 1] = {0}, different = 0;
        ck_assert(behaviour_rates_parse("slow=0.1,silent=0.05,hang-up=0.01,wrong-echo=0.2", &rates, error));
        behaviours_start(&behaviours, &rates, 7, "BANKA");
        behaviours_start(&same, &rates, 7, "BANKA");
        behaviours_start(&other, &rates, 7, "BANKB");
        for (int i = 0; i < COUNT; i++) {
                enum behaviour behaviour = behaviours_draw(&behaviours, 0, MATTER_MONEY);
                drawn[behaviour]++;
                ck_assert_int_eq(behaviour, behaviours_draw(&same, 0, MATTER_MONEY));
                different += behaviour != behaviours_draw(&other, 0, MATTER_MONEY);
                ck_assert_int_eq(behaviours_draw(&behaviours, 0, MATTER_OTHER), BEHAVIOUR_NORMAL);
        }
        for (int i = 0; i < BEHAVIOUR_COUNT; i++)
                ck_assert_msg(fabs(drawn[i] - rates.rate[i] * COUNT) < COUNT * 0.005, "%s: %d",
                              behaviour_name[i], drawn[i]);
        ck_assert_int_gt(different, COUNT / 4);
}
END_TEST

START_TEST(an_order_goes_before_the_rates_and_ends)
{
        struct behaviour_rates rates = {{0}};
        struct behaviours behaviours;
        rates.rate[BEHAVIOUR_SLOW] = 1;
        behaviours_start(&behaviours, &rates, 1, "BANKA");
        behaviours_command(&behaviours, BEHAVIOUR_SILENT, 1000);
        ck_assert_int_eq(behaviours_draw(&behaviours, 999, MATTER_MONEY), BEHAVIOUR_SILENT);
        ck_assert_int_eq(behaviours_draw(&behaviours, 999, MATTER_OTHER), BEHAVIOUR_SILENT);
        ck_assert_int_eq(behaviours_draw(&behaviours, 1000, MATTER_MONEY), BEHAVIOUR_SLOW);
        behaviours_command(&behaviours, BEHAVIOUR_DEAF, INT64_MAX);
        ck_assert_int_eq(behaviours_draw(&behaviours, INT64_C(1) << 60, MATTER_MONEY), BEHAVIOUR_DEAF);
        behaviours_command(&behaviours, BEHAVIOUR_NORMAL, INT64_MAX);
        ck_assert_int_eq(behaviours_draw(&behaviours, 2000, MATTER_MONEY), BEHAVIOUR_SLOW);
}
END_TEST

/* By rate and by order: what else a bank is told it answers as it should. */
START_TEST(bad_habits_with_keys_are_of_offers_alone)
{
        static const enum behaviour habits[] = {BEHAVIOUR_REFUSE_KEYS, BEHAVIOUR_FORGET_KEYS,
                                                BEHAVIOUR_OLD_KEYS};
        for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
                struct behaviour_rates rates = {{0}};
                struct behaviours behaviours;
                behaviours_start(&behaviours, &rates, 1, "BANKA");
                behaviours_command(&behaviours, habits[i], 1000);
                for (int64_t now_ms = 0; now_ms <= 1000; now_ms += 1000) {
                        ck_assert_int_eq(behaviours_draw(&behaviours, now_ms, MATTER_KEYS), habits[i]);
                        ck_assert_int_eq(behaviours_draw(&behaviours, now_ms, MATTER_MONEY),
                                         BEHAVIOUR_NORMAL);
                        ck_assert_int_eq(behaviours_draw(&behaviours, now_ms, MATTER_OTHER),
                                         BEHAVIOUR_NORMAL);
                        behaviours.rates.rate[habits[i]] = 1; /* when the order's time is over */
                }
                behaviours.rates = (struct behaviour_rates){{[BEHAVIOUR_SLOW] = 1}};
                ck_assert_int_eq(behaviours_draw(&behaviours, 1000, MATTER_KEYS), BEHAVIOUR_NORMAL);
        }
}
END_TEST

START_TEST(a_name_is_a_behaviour_or_none)
{
        for (int i = 0; i <= BEHAVIOUR_COUNT; i++)
                ck_assert_int_eq(behaviour_of(behaviour_name[i], strlen(behaviour_name[i])), i);
        ck_assert_int_gt(behaviour_of("slo", 3), BEHAVIOUR_NORMAL);
        ck_assert_int_gt(behaviour_of("", 0), BEHAVIOUR_NORMAL);
}
END_TEST

/* ---- accounts ------------------------------------------------------------------------------------------ */

static struct token_key *key_make(void)
{
        char key_error[TOKEN_ERROR_MAX];
        file_write("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n", 0600);
        struct token_key *key = token_key_load(path, key_error);
        ck_assert_ptr_nonnull(key);
        return key;
}

START_TEST(accounts_of_the_issuer_are_taken_and_others_are_not)
{
        struct token_key *key = key_make();
        struct bank *bank = bank_new("BANKA");
        struct bank_totals totals;
        uint8_t token[TOKEN_LENGTH];
        size_t count = 0;
        int64_t yen = 0;
        file_write("\xef\xbb\xbf"
                   "balance_yen,issuer,name,expiry,pan\r\n"
                   "500,BANKA,\"Sato, \"\"Hana\"\"\",2912,9900110000000017\r\n"
                   "\r\n"
                   "600,BANKB,Suzuki,2912,9900120000000015\r\n"
                   "\"700\",\"BANKA\",\"\",2901,9900110000000025",
                   0600);
        ck_assert_msg(accounts_load(path, "BANKA", bank, key, &count, error), "%s", error);
        ck_assert_uint_eq(count, 2);
        bank_total(bank, &totals);
        ck_assert_int_eq(totals.balance_yen, 1200);
        token_of_pan(key, "9900110000000025", token);
        ck_assert(bank_balance(bank, token, &yen));
        ck_assert_int_eq(yen, 700);
        token_of_pan(key, "9900120000000015", token);
        ck_assert(!bank_balance(bank, token, &yen));
        bank_free(bank);
        token_key_free(key);
}
END_TEST

#define HEADER "pan,expiry,pin,issuer,balance_yen\n"
#define CARD   "9900110000000017,2912,1234,BANKA,500\n"
static const struct wrong_cards {
        const char *text;
        mode_t mode;
        const char *says;
} wrong_cards[] = {
    {"", 0600, "file:1: empty"},
    {HEADER, 0600, "no card of issuer 'BANKA'"},
    {HEADER "9900120000000015,2912,1234,BANKB,500\n", 0600, "no card of issuer 'BANKA'"},
    {"pan,expiry,pin,balance_yen\n", 0600, "file:1: column issuer: missing in the header"},
    {HEADER CARD "99001100000x0017,2912,1234,BANKA,500\n", 0600,
     "file:3: column pan: expected 12 to 19 digits"},
    {HEADER "9900110000000017,2913,1234,BANKA,500\n", 0600, "file:2: column expiry: expected YYMM"},
    {HEADER "9900110000000017,2912,1234,BANKA,-5\n", 0600,
     "file:2: column balance_yen: expected yen, at most 12 digits"},
    {HEADER "9900110000000017,2912,1234,BANKA,1000000000000\n", 0600, "file:2: column balance_yen"},
    {HEADER CARD CARD, 0600, "file:3: column pan: the same card stands in an earlier row"},
    {HEADER "9900110000000017,2912\n", 0600, "file:2: 2 fields: expected 5, as the header has"},
    {HEADER "\"9900110000000017,2912,1234,BANKA,500\n", 0600,
     "file:2: a field that begins with '\"' has no closing '\"'"},
    {HEADER "\"9900110000000017\"x,2912,1234,BANKA,500\n", 0600, "file:2: field 1: a '\"' within it"},
    {HEADER CARD, 0640, "holds card numbers and others may read it (mode 0640)"},
};

START_TEST(a_wrong_card_file_is_named_without_its_cards)
{
        struct token_key *key = key_make();
        struct bank *bank = bank_new("BANKA");
        size_t count;
        file_write(wrong_cards[_i].text, wrong_cards[_i].mode);
        ck_assert(!accounts_load(path, "BANKA", bank, key, &count, error));
        ck_assert_msg(strstr(error, wrong_cards[_i].says), "wanted \"%s\", got \"%s\"", wrong_cards[_i].says,
                      error);
        ck_assert_msg(!strstr(error, "99001100000"), "%s", error);
        bank_free(bank);
        token_key_free(key);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof(table[0]))

int main(void)
{
        Suite *suite = suite_create("bank_options");
        TCase *tcase = tcase_create("bank_options");
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, the_command_line_alone_is_enough);
        tcase_add_test(tcase, the_command_line_goes_before_the_file_and_a_bank_before_all);
        tcase_add_test(tcase, the_laboratory_s_variables_are_taken);
        tcase_add_loop_test(tcase, wrong_words_are_named, 0, ROWS(wrong_words));
        tcase_add_loop_test(tcase, a_wrong_file_is_named_with_its_line, 0, ROWS(wrong_files));
        tcase_add_test(tcase, the_example_is_whole);
        tcase_add_test(tcase, every_key_is_described);
        tcase_add_test(tcase, a_file_that_is_not_there_is_named);
        tcase_add_test(tcase, draws_follow_the_rates_and_the_seed);
        tcase_add_test(tcase, an_order_goes_before_the_rates_and_ends);
        tcase_add_test(tcase, bad_habits_with_keys_are_of_offers_alone);
        tcase_add_test(tcase, a_name_is_a_behaviour_or_none);
        tcase_add_test(tcase, accounts_of_the_issuer_are_taken_and_others_are_not);
        tcase_add_loop_test(tcase, a_wrong_card_file_is_named_without_its_cards, 0, ROWS(wrong_cards));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
