/*
 * Protects banksim as a process: who may connect, that answers are durable before they leave (kill -9 at any
 * moment), each behaviour to order and by rate, the counts at the end, and that wrong input harms nobody
 * else.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/dialect.h"
#include "protocol/frame.h"
#include "rules/calendar.h"
#include "tests/banksim/client.h"
#include "lib/security/pki.h"
#include "tools/banksim/journal_writer.h"
#include "tests/suite.h"

enum {
        PATIENCE_MS = 60000,
        A_MOMENT_MS = 250,
        SLOW_MS = 300,
        LATE_MS = 3000,
        WORDS_MAX = 64,
        OPENING_YEN = 1000000,
        CARDS = 4
};

/* One authority for all tests; a folder for each. */
static char pki[64], foreign[64], folder[64], control[128];
static pid_t bank_pid;
static int bank_output = -1, port_a, port_b;
static struct client acquirer;
static char output[1 << 16];
static rlim_t file_limit = RLIM_INFINITY; /* bytes that the next program may write to a file */
static const struct iso_dialect *dialect = &iso_dialect_ascii; /* of BANKA */
static char dialect_path[192] = "ascii";

/* ---- files --------------------------------------------------------------------------------------------- */

static void authority_make(char *path)
{
        char error[PKI_ERROR_MAX];
        strcpy(path, "/tmp/test_banksim.pki.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(path));
        ck_assert_msg(pki_init(path, "Laboratory of tests", 30, error), "%s", error);
        struct pki_authority *authority = pki_open(path, error);
        ck_assert_ptr_nonnull(authority);
        ck_assert(pki_issue(authority, "banks", PKI_SERVER, "IP:127.0.0.1", 10, path, error));
        ck_assert(pki_issue(authority, "ACQUIRER", PKI_CLIENT, NULL, 10, path, error));
        ck_assert(pki_issue(authority, "T0000001", PKI_CLIENT, NULL, 10, path, error));
        pki_close(authority);
}

static void folder_remove(const char *path)
{
        char command[128];
        snprintf(command, sizeof(command), "rm -rf '%s'", path);
        ck_assert_int_eq(system(command), 0);
}

static const char *in(const char *where, const char *name)
{
        static char path[16][192];
        static int turn;
        turn = (turn + 1) % 16;
        snprintf(path[turn], sizeof(path[0]), "%s/%s", where, name);
        return path[turn];
}

static void file_write(const char *name, const char *text)
{
        int fd = open(in(folder, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

static void pki_setup(void)
{
        authority_make(pki);
        authority_make(foreign);
}

static void pki_teardown(void)
{
        folder_remove(pki);
        folder_remove(foreign);
}

static const char *pan_of(int card)
{
        static char pan[4][20];
        snprintf(pan[card % 4], sizeof(pan[0]), "99001%d000000%04d", card < CARDS ? 1 : 2, card);
        return pan[card % 4];
}

static void setup(void)
{
        char cards[2048] = "pan,expiry,pin,issuer,balance_yen\n";
        strcpy(folder, "/tmp/test_banksim.XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        snprintf(control, sizeof(control), "%s/sock", folder);
        file_write("token.key", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
        for (int card = 0; card < 2 * CARDS; card++) {
                size_t length = strlen(cards);
                snprintf(cards + length, sizeof(cards) - length, "%s,9912,1234,%s,%d\n", pan_of(card),
                         card < CARDS ? "BANKA" : "BANKB", OPENING_YEN);
        }
        file_write("cards.csv", cards);
}

static void teardown(void)
{
        client_close(&acquirer);
        if (bank_pid > 0) {
                kill(bank_pid, SIGKILL);
                waitpid(bank_pid, NULL, 0);
        }
        bank_pid = 0;
        if (bank_output >= 0)
                close(bank_output);
        bank_output = -1;
        folder_remove(folder);
}

/* ---- processes ----------------------------------------------------------------------------------------- */

/* Words end with NULL; what the program says on standard output comes to *ret_output. */
static pid_t program_run(const char *const *words, int descriptor, int *ret_output)
{
        int ends[2];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        pid_t pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
                char *copy[WORDS_MAX] = {strdup(BANKSIM)};
                for (int i = 0; words[i]; i++)
                        copy[i + 1] = strdup(words[i]);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                if (file_limit != RLIM_INFINITY) {
                        setrlimit(RLIMIT_FSIZE, &(struct rlimit){file_limit, file_limit});
                        signal(SIGXFSZ, SIG_IGN); /* stays ignored: writing fails, as on a full disk */
                }
                dup2(ends[1], descriptor);
                int null = open("/dev/null", O_RDWR);
                dup2(null, descriptor == STDOUT_FILENO ? STDERR_FILENO : STDOUT_FILENO);
                execv(BANKSIM, copy);
                _exit(127);
        }
        close(ends[1]);
        *ret_output = ends[0];
        return pid;
}

/* Everything until the writer ends, or until a line that is `until`. */
static void read_output(int fd, const char *until)
{
        size_t length = 0;
        output[0] = '\0';
        while (length + 1 < sizeof(output)) {
                struct pollfd readable = {.fd = fd, .events = POLLIN};
                ck_assert_msg(poll(&readable, 1, PATIENCE_MS) == 1, "it says nothing after: %s", output);
                ssize_t n = read(fd, output + length, until ? 1 : sizeof(output) - 1 - length);
                ck_assert_int_ge(n, 0);
                length += (size_t)n;
                output[length] = '\0';
                size_t tail = until ? strlen(until) : 0;
                if (n == 0 || (until && length >= tail && strcmp(output + length - tail, until) == 0))
                        return;
        }
}

/* The exit status. */
static int await_end(pid_t pid)
{
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
        return WEXITSTATUS(status);
}

static int port_in(const char *bank)
{
        char key[32];
        snprintf(key, sizeof(key), "%s: ", bank);
        const char *line = strstr(output, key);
        ck_assert_msg(line != NULL, "no %s in: %s", bank, output);
        const char *port = strstr(line, "listening on 127.0.0.1:");
        ck_assert_ptr_nonnull(port);
        return atoi(port + strlen("listening on 127.0.0.1:"));
}

/* Two banks, of which BANKA misbehaves as `faults` says ("" not at all). Ports are kept over restarts. */
static void banks_start(const char *faults, const char *more)
{
        char port[2][16];
        snprintf(port[0], sizeof(port[0]), "%d", port_a);
        snprintf(port[1], sizeof(port[1]), "%d", port_b);
        const char *words[] = {"run",
                               "--control",
                               control,
                               "--token-key-file",
                               in(folder, "token.key"),
                               "--ca",
                               in(pki, "ca.crt"),
                               "--certificate",
                               in(pki, "banks.crt"),
                               "--key",
                               in(pki, "banks.key"),
                               "--client",
                               "ACQUIRER",
                               "--accounts",
                               in(folder, "cards.csv"),
                               "--slow-ms",
                               "300-400",
                               "--late-ms",
                               "3000",
                               "--down-ms",
                               "400",
                               "--seed",
                               "5",
                               more ? more : "--seed=5",
                               "--bank",
                               "BANKA",
                               "--port",
                               port[0],
                               "--journal",
                               in(folder, "journal/BANKA.journal"),
                               "--faults",
                               faults,
                               "--dialect",
                               dialect_path,
                               "--bank",
                               "BANKB",
                               "--port",
                               port[1],
                               "--journal",
                               in(folder, "journal/BANKB.journal"),
                               NULL};
        if (bank_output >= 0)
                close(bank_output);
        bank_pid = program_run(words, STDOUT_FILENO, &bank_output);
        read_output(bank_output, "serving\n");
        ck_assert_msg(strstr(output, "serving\n"), "it says: %s", output);
        port_a = port_in("BANKA");
        port_b = port_in("BANKB");
}

static void banks_kill(void)
{
        kill(bank_pid, SIGKILL);
        waitpid(bank_pid, NULL, 0);
        bank_pid = 0;
}

/* The exit status; what it prints is in output[]. */
static int banks_stop(void)
{
        kill(bank_pid, SIGTERM);
        read_output(bank_output, NULL);
        int status = await_end(bank_pid);
        bank_pid = 0;
        return status;
}

/* Exit status of `banksim ctl`; its output, or its complaint where it failed, is in output[]. */
static int ctl(const char *one, const char *two, const char *three)
{
        int fd;
        for (int descriptor = STDOUT_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
                const char *words[] = {"ctl", "--socket", control, one, two, three, NULL};
                pid_t pid = program_run(words, descriptor, &fd);
                read_output(fd, NULL);
                close(fd);
                int status = await_end(pid);
                if (status == 0 || descriptor == STDERR_FILENO)
                        return status;
        }
        return -1;
}

/* What BANKA shows at a path such as "counts/approved". */
static json_int_t shown(const char *group, const char *key)
{
        json_error_t error;
        ck_assert_int_eq(ctl("BANKA", "show", "--json"), 0);
        json_t *root = json_loads(output, 0, &error);
        ck_assert_msg(root != NULL, "%s in: %s", error.text, output);
        json_t *value = json_object_get(json_object_get(root, group), key);
        ck_assert_msg(value != NULL, "no %s/%s", group, key);
        json_int_t number =
            json_integer_value(json_is_object(value) ? json_object_get(value, "happened") : value);
        json_decref(root);
        return number;
}

/* ---- messages ------------------------------------------------------------------------------------------ */

static int64_t moment_ms;

static struct iso_message start_message(const char *mti, int stan)
{
        struct iso_message message;
        char de7[11];
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        if (moment_ms == 0)
                moment_ms = now.tv_sec * INT64_C(1000);
        calendar_to_de7(moment_ms, de7);
        iso_init(&message, mti);
        iso_set_string(&message, 7, de7);
        iso_set_number(&message, 11, stan, 6);
        iso_set_string(&message, 41, "T0000001");
        return message;
}

static struct iso_message network(int code)
{
        struct iso_message message = start_message("0800", 900000 + code);
        iso_set_number(&message, 70, code, 3);
        return message;
}

static struct iso_message withdrawal(const char *mti, int stan, int card)
{
        struct iso_message message = start_message(mti, stan);
        iso_set_string(&message, 2, pan_of(card));
        iso_set_string(&message, 3, "010000");
        iso_set_number(&message, 4, 10000, 12);
        iso_set_string(&message, 14, "9912");
        iso_set_string(&message, 28, "D00000108");
        iso_set_string(&message, 37, "700100000001");
        iso_set_string(&message, 49, "392");
        return message;
}

static struct iso_message inquiry(int stan, int card)
{
        struct iso_message message = withdrawal("0200", stan, card);
        iso_set_string(&message, 3, "310000");
        iso_unset(&message, 4);
        iso_unset(&message, 28);
        return message;
}

/* dispensed_yen: -1 leaves DE 95 out. */
static struct iso_message advice(const char *mti, int stan, int dispensed_yen)
{
        struct iso_message message = start_message(mti, stan);
        char de7[11], text[64];
        iso_copy(&message, 7, de7, sizeof(de7));
        iso_set_string(&message, 3, "010000");
        iso_set_number(&message, 4, 10000, 12);
        iso_set_string(&message, 49, "392");
        if (mti[1] == '4')
                iso_set_string(&message, 39, "22");
        snprintf(text, sizeof(text), "0200%06d%s%022d", stan, de7, 0);
        iso_set_string(&message, 90, text);
        if (dispensed_yen >= 0) {
                snprintf(text, sizeof(text), "%012d%012dD00000108D00000000", dispensed_yen, 0);
                iso_set_string(&message, 95, text);
        }
        return message;
}

static const char *field(const struct iso_message *message, int number)
{
        static char text[4][128];
        static int turn;
        turn = (turn + 1) % 4;
        ck_assert(iso_copy(message, number, text[turn], sizeof(text[0])));
        return text[turn];
}

static void say(const struct iso_message *message)
{
        ck_assert_msg(client_send(&acquirer, message), "%s", acquirer.reason);
}

static void hear(struct iso_message *ret_message)
{
        enum client_result result = client_receive(&acquirer, ret_message, PATIENCE_MS);
        ck_assert_msg(result == CLIENT_MESSAGE, "no answer: %s", acquirer.reason);
}

static void hear_nothing(int for_ms)
{
        struct iso_message message;
        ck_assert_int_eq(client_receive(&acquirer, &message, for_ms), CLIENT_NOTHING);
}

static void hear_the_end(void)
{
        struct iso_message message;
        ck_assert_int_eq(client_receive(&acquirer, &message, PATIENCE_MS), CLIENT_OVER);
}

/* A message and its answer's DE 39. */
static const char *ask(const struct iso_message *message)
{
        struct iso_message answer;
        say(message);
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), field(message, 11));
        return field(&answer, 39);
}

static void client_up(int port)
{
        struct iso_message sign_on = network(1);
        client_close(&acquirer);
        ck_assert_msg(client_open(&acquirer, dialect, port, pki, "ACQUIRER"), "%s", acquirer.reason);
        ck_assert_str_eq(ask(&sign_on), "00");
}

/* Within some time, somebody serves there again. */
static void client_up_again(int port)
{
        for (int tries = 0; tries < 1200; tries++) {
                client_close(&acquirer);
                if (client_open(&acquirer, dialect, port, pki, "ACQUIRER")) {
                        struct iso_message sign_on = network(1);
                        ck_assert_str_eq(ask(&sign_on), "00");
                        return;
                }
                usleep(50000);
        }
        ck_abort_msg("nobody serves: %s", acquirer.reason);
}

static int64_t balance_at(int card)
{
        static int stan = 700000;
        struct iso_message message = inquiry(stan++, card), answer;
        char amount[13];
        say(&message);
        hear(&answer);
        ck_assert_str_eq(field(&answer, 39), "00");
        snprintf(amount, sizeof(amount), "%s", field(&answer, 54) + 8);
        return atoll(amount);
}

static int64_t now_ms(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* ---- service ------------------------------------------------------------------------------------------- */

START_TEST(two_banks_serve_their_own_cards)
{
        struct iso_message message;
        banks_start("", NULL);
        client_up(port_a);
        message = withdrawal("0200", 1, 0);
        ck_assert_str_eq(ask(&message), "00");
        message = withdrawal("0200", 2, CARDS); /* a card of BANKB */
        ck_assert_str_eq(ask(&message), "14");
        client_up(port_b);
        message = withdrawal("0200", 2, CARDS);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(balance_at(CARDS), OPENING_YEN - 10108);
        ck_assert_int_eq(banks_stop(), 0);
        ck_assert_msg(strstr(output, "BANKA up") && strstr(output, "BANKB up"), "%s", output);
}
END_TEST

START_TEST(sign_on_is_the_connection_s)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer, echo = network(301), off = network(2);
        banks_start("", NULL);
        ck_assert(client_open(&acquirer, dialect, port_a, pki, "ACQUIRER"));
        ck_assert_str_eq(ask(&echo), "00");
        ck_assert_str_eq(ask(&message), "58");
        client_up(port_a);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_str_eq(ask(&off), "00");
        message = withdrawal("0200", 2, 0);
        ck_assert_str_eq(ask(&message), "58");
        say(&echo);
        hear(&answer);
        ck_assert_uint_eq(strlen(field(&answer, 12)), 6);
        ck_assert_uint_eq(strlen(field(&answer, 13)), 4);
}
END_TEST

START_TEST(only_the_acquirer_s_certificate_is_let_in)
{
        struct iso_message echo = network(301);
        static const struct {
                const char *name;
                char *folder;
        } strangers[] = {{"T0000001", pki}, {"ACQUIRER", foreign}};
        banks_start("", NULL);
        for (size_t i = 0; i < 2; i++) {
                char mixed[64];
                strcpy(mixed, strangers[i].folder);
                if (strcmp(mixed, foreign) == 0) { /* trusts the bank, but comes from elsewhere */
                        char command[256];
                        snprintf(command, sizeof(command), "cp %s/ca.crt %s/ca.crt", pki, foreign);
                        ck_assert_int_eq(system(command), 0);
                }
                if (client_open(&acquirer, dialect, port_a, mixed, strangers[i].name)) {
                        client_send(&acquirer, &echo);
                        hear_the_end();
                }
                client_close(&acquirer);
        }
        client_up(port_a);
        ck_assert_str_eq(ask(&echo), "00");
        ck_assert_int_ge(shown("counts", "refused"), 1);
}
END_TEST

START_TEST(many_messages_in_one_write_are_all_answered)
{
        enum { COUNT = 300 };
        static uint8_t bytes[COUNT * 400];
        size_t length = 0;
        bool answered[COUNT] = {false};
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 0; i < COUNT; i++) {
                struct iso_message message = inquiry(1000 + i, i % CARDS);
                struct iso_error error;
                int size = iso_encode(&iso_dialect_ascii, &message, bytes + length + 2, 398, &error);
                ck_assert_int_gt(size, 0);
                length += frame_header(&iso_dialect_ascii, bytes + length, (size_t)size) + (size_t)size;
        }
        ck_assert(client_send_bytes(&acquirer, bytes, length));
        for (int i = 0; i < COUNT; i++) {
                struct iso_message answer;
                hear(&answer);
                ck_assert_str_eq(field(&answer, 39), "00");
                int at = atoi(field(&answer, 11)) - 1000;
                ck_assert(at >= 0 && at < COUNT && !answered[at]);
                answered[at] = true;
        }
        ck_assert_int_lt(shown("journal", "flushes"), COUNT / 2); /* flushed in groups */
}
END_TEST

START_TEST(wrong_bytes_end_their_connection_and_harm_nobody)
{
        static const uint8_t too_long[] = {0xff, 0xff, '0', '8'}, none[] = {0, 0},
                             garbage[] = {0, 3, 'x', 'y', 'z'};
        static const struct {
                const uint8_t *bytes;
                size_t length;
        } wrong[] = {{too_long, sizeof(too_long)}, {none, sizeof(none)}, {garbage, sizeof(garbage)}};
        struct client other;
        struct iso_message echo = network(301), answer, message = start_message("0210", 1);
        banks_start("", NULL);
        client_up(port_a);
        other = acquirer;
        acquirer = (struct client){.fd = -1};
        for (size_t i = 0; i < 3; i++) {
                client_up(port_a);
                ck_assert(client_send_bytes(&acquirer, wrong[i].bytes, wrong[i].length));
                hear_the_end();
        }
        client_up(port_a);
        say(&message);
        hear_the_end();
        client_close(&acquirer);
        ck_assert(client_send(&other, &echo));
        ck_assert_int_eq(client_receive(&other, &answer, PATIENCE_MS), CLIENT_MESSAGE);
        client_close(&other);
}
END_TEST

START_TEST(single_bytes_make_a_message_too)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer;
        uint8_t bytes[512];
        struct iso_error error;
        banks_start("", NULL);
        client_up(port_a);
        int size = iso_encode(&iso_dialect_ascii, &message, bytes + 2, sizeof(bytes) - 2, &error);
        frame_header(&iso_dialect_ascii, bytes, (size_t)size);
        for (int i = 0; i < size + 2; i++)
                ck_assert(client_send_bytes(&acquirer, bytes + i, 1));
        hear(&answer);
        ck_assert_str_eq(field(&answer, 39), "00");
}
END_TEST

START_TEST(a_bank_speaks_its_dialect)
{
        static const char *const names[] = {"BANKA", "BANKB", "BANKC"};
        static struct iso_dialect loaded;
        char error[DIALECT_ERROR_MAX] = "";
        struct iso_message message, answer;
        snprintf(dialect_path, sizeof(dialect_path), "%s/etc/dialects/%s.dialect", SOURCE_DIR, names[_i]);
        ck_assert_msg(dialect_load(dialect_path, &loaded, NULL, error), "%s", error);
        dialect = &loaded;
        banks_start("", NULL);
        snprintf(error, sizeof(error), "dialect %s, listening", names[_i]);
        ck_assert_msg(strstr(output, error), "%s", output);
        client_up(port_a);
        message = withdrawal("0200", 1, 0);
        say(&message);
        hear(&answer);
        ck_assert_str_eq(field(&answer, 39), "00");
        ck_assert_str_eq(field(&answer, 28), "D00000108");
        ck_assert_uint_eq(strlen(field(&answer, 38)), 6);
        static const int echoed[] = {3, 4, 7, 11, 37, 41, 49};
        for (size_t i = 0; i < sizeof(echoed) / sizeof(echoed[0]); i++)
                ck_assert_str_eq(field(&answer, echoed[i]), field(&message, echoed[i]));
        message = withdrawal("0200", 2, 0);
        iso_set_number(&message, 4, 2000000, 12);
        ck_assert_str_eq(ask(&message), "51");
        message = advice("0420", 1, 4000);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0220", 3, -1);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 4108);
        message = network(201);
        ck_assert_str_eq(ask(&message), "00");
        message = network(2);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(banks_stop(), 0);
}
END_TEST

/* ---- what a kill leaves -------------------------------------------------------------------------------- */

START_TEST(everything_that_was_answered_is_there_after_a_kill)
{
        struct iso_message message, answer[8], again;
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 0; i < 6; i++) {
                message = withdrawal("0200", 1 + i, 0);
                say(&message);
                hear(&answer[i]);
                ck_assert_str_eq(field(&answer[i], 39), "00");
        }
        message = advice("0220", 1, -1);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0420", 2, -1);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0420", 3, 4000);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0420", 50, -1); /* never heard of */
        ck_assert_str_eq(ask(&message), "00");
        message = withdrawal("0200", 7, CARDS);
        say(&message);
        hear(&answer[6]);
        ck_assert_str_eq(field(&answer[6], 39), "14");
        banks_kill();

        banks_start("", NULL);
        ck_assert_msg(strstr(output, "BANKA: 4 accounts, 11 records read back, "), "%s", output);
        client_up(port_a);
        /* 1 whole, 2 nothing, 3 in part, 4 to 6 still held */
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108 - 4108 - 3 * 10108);
        for (int i = 0; i < 7; i++) {
                char one[1024], two[1024];
                message = withdrawal("0201", 1 + i, i == 6 ? CARDS : 0);
                say(&message);
                hear(&again);
                iso_dump(&iso_dialect_ascii, &answer[i], one, sizeof(one));
                iso_dump(&iso_dialect_ascii, &again, two, sizeof(two));
                ck_assert_str_eq(one, two);
        }
        message = advice("0421", 2, -1);
        ck_assert_str_eq(ask(&message), "00");
        message = advice("0421", 3, 4000);
        ck_assert_str_eq(ask(&message), "00");
        message = withdrawal("0200", 50, 0);
        ck_assert_str_eq(ask(&message), "94");
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108 - 4108 - 3 * 10108);
        ck_assert_int_eq(shown("counts", "repeats"), 9);
}
END_TEST

START_TEST(a_journal_that_a_crash_cut_short_goes_on)
{
        struct iso_message message;
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 1; i <= 3; i++) {
                message = withdrawal("0200", i, 0);
                ck_assert_str_eq(ask(&message), "00");
        }
        banks_kill();
        int fd = open(in(folder, "journal/BANKA.journal"), O_WRONLY | O_APPEND);
        ck_assert_int_eq(write(fd, "withdrawal BANKA T00", 20), 20);
        close(fd);
        banks_start("", NULL);
        ck_assert_msg(strstr(output, "(20 bytes of a last line that a crash cut off are cut away)"), "%s",
                      output);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 3 * 10108);
        message = withdrawal("0200", 4, 0);
        ck_assert_str_eq(ask(&message), "00");
        banks_kill();
        banks_start("", NULL);
        ck_assert_msg(!strstr(output, "cut away"), "%s", output);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 4 * 10108);
}
END_TEST

/* Kills in the middle of a stream of withdrawals: what was answered counts, what was not may or may not. */
START_TEST(kills_at_any_moment_lose_no_answer)
{
        enum { ROUNDS = 6, EACH = 60 };
        int approved[ROUNDS * EACH] = {0}, stan = 1;
        banks_start("", NULL);
        for (int round = 0; round < ROUNDS; round++) {
                client_up(port_a);
                int from = stan;
                for (; stan < from + EACH; stan++) {
                        struct iso_message message = withdrawal("0200", stan, stan % CARDS);
                        iso_set_number(&message, 4, 1000, 12);
                        if (!client_send(&acquirer, &message))
                                break;
                }
                for (int heard = 0; heard < round * EACH / ROUNDS; heard++) {
                        struct iso_message answer;
                        hear(&answer);
                        approved[atoi(field(&answer, 11)) - 1] = strcmp(field(&answer, 39), "00") == 0;
                }
                banks_kill();
                banks_start("", NULL);
        }
        client_up(port_a);
        int before = 0, repeats = (int)shown("counts", "repeats");
        for (int i = 1; i < stan; i++) {
                struct iso_message message = withdrawal("0201", i, i % CARDS);
                iso_set_number(&message, 4, 1000, 12);
                before += approved[i - 1];
                ck_assert_str_eq(ask(&message), "00");
        }
        ck_assert_int_gt(before, 0);
        ck_assert_int_ge(shown("counts", "repeats") - repeats, before);
        int64_t sum_yen = 0;
        for (int card = 0; card < CARDS; card++)
                sum_yen += balance_at(card);
        ck_assert_int_eq(sum_yen, (int64_t)CARDS * OPENING_YEN - (int64_t)(stan - 1) * 1108);
}
END_TEST

START_TEST(a_journal_that_can_not_be_written_ends_all_answers)
{
        struct iso_message message, answer;
        int stan = 1, answered = 0;
        file_limit = 4096;
        banks_start("", NULL);
        file_limit = RLIM_INFINITY;
        client_up(port_a);
        for (; stan < 100; stan++) {
                message = withdrawal("0200", stan, 0);
                if (!client_send(&acquirer, &message) ||
                    client_receive(&acquirer, &answer, PATIENCE_MS) != CLIENT_MESSAGE)
                        break;
                ck_assert_str_eq(field(&answer, 39), "00");
                answered++;
        }
        ck_assert(answered > 5 && answered < 40);
        read_output(bank_output, NULL);
        ck_assert_int_eq(await_end(bank_pid), 1);
        bank_pid = 0;

        banks_start("", NULL);
        ck_assert_msg(strstr(output, "that a crash cut off are cut away"), "%s", output);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - answered * 10108);
        message = withdrawal("0201", answered, 0);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(shown("counts", "repeats"), 1);
}
END_TEST

static bool file_holds(const char *path, const char *text)
{
        static char bytes[1 << 20];
        int fd = open(path, O_RDONLY);
        ck_assert_int_ge(fd, 0);
        ssize_t n = read(fd, bytes, sizeof(bytes));
        close(fd);
        ck_assert_int_gt(n, 0);
        return memmem(bytes, (size_t)n, text, strlen(text));
}

START_TEST(no_card_number_is_written_anywhere)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert(!file_holds(in(folder, "journal/BANKA.journal"), pan_of(0)));
        ck_assert(file_holds(in(folder, "journal/BANKA.journal"), " 990011******0000 "));
        ck_assert_int_eq(ctl("BANKA", "show", NULL), 0);
        ck_assert(!strstr(output, pan_of(0)));
}
END_TEST

/* ---- behaviours to order ------------------------------------------------------------------------------- */

START_TEST(slow_and_late_answers_come_after_their_time)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer;
        const bool late = _i == 1;
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", late ? "late" : "slow", NULL), 0);
        int64_t from_ms = now_ms();
        say(&message);
        hear(&answer);
        ck_assert_int_ge(now_ms() - from_ms, late ? LATE_MS : SLOW_MS);
        ck_assert_str_eq(field(&answer, 39), "00");
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108);
        ck_assert_int_eq(shown("behaviours", late ? "late" : "slow"), 1); /* what came after was not */
}
END_TEST

START_TEST(what_is_shown_is_a_line_a_figure_for_scripts)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(ctl("all", "show", "--csv"), 0);
        ck_assert_int_eq(strncmp(output, "bank,group,figure,value\nBANKA,,bank,BANKA\nBANKA,,state,up\n", 57),
                         0);
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,,links,1\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,,signed_on,1\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,counts,approved,1\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKA,behaviours,slow,0\n"));
        ck_assert_ptr_nonnull(strstr(output, "\nBANKB,,links,0\n"));
}
END_TEST

START_TEST(a_late_answer_does_not_hold_up_the_others)
{
        struct iso_message first = withdrawal("0200", 1, 0), second = withdrawal("0200", 2, 0), answer;
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "late", NULL), 0);
        say(&first);
        while (shown("behaviours", "late") == 0)
                ;
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_str_eq(ask(&second), "00");
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), "000001");
}
END_TEST

START_TEST(what_is_held_is_done_at_once_and_answered_at_the_next_order)
{
        struct iso_message first = withdrawal("0200", 1, 0), second = withdrawal("0200", 2, 0), answer;
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "held", NULL), 0);
        say(&first);
        say(&second);
        hear_nothing(A_MOMENT_MS);
        ck_assert_int_eq(shown("behaviours", "held"), 2);
        ck_assert_int_eq(shown("counts", "approved"), 2);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), "000001");
        ck_assert_str_eq(field(&answer, 39), "00");
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), "000002");
}
END_TEST

START_TEST(silent_does_what_it_is_asked_and_deaf_does_not)
{
        const bool deaf = _i == 1;
        struct iso_message message = withdrawal("0200", 1, 0), echo = network(301);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("all", deaf ? "deaf" : "silent", NULL), 0);
        say(&message);
        say(&echo);
        hear_nothing(A_MOMENT_MS);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - (deaf ? 0 : 10108));
        ck_assert_int_eq(shown("behaviours", deaf ? "deaf" : "silent"), 2);
        message = withdrawal("0201", 1, 0);
        ck_assert_str_eq(ask(&message), "00");
        ck_assert_int_eq(shown("counts", "repeats"), !deaf);
}
END_TEST

START_TEST(an_order_for_some_seconds_ends_by_itself)
{
        struct iso_message echo = network(301);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "silent", "0.4"), 0);
        say(&echo);
        hear_nothing(500);
        ck_assert_str_eq(ask(&echo), "00");
}
END_TEST

START_TEST(a_wrong_echo_matches_no_request)
{
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "wrong-echo", NULL), 0);
        for (int stan = 1; stan <= 12; stan++) {
                struct iso_message message = withdrawal("0200", stan, 0), answer;
                static const int echoed[] = {4, 7, 11, 41};
                int wrong = 0;
                say(&message);
                hear(&answer);
                for (int i = 0; i < 4; i++)
                        wrong += strcmp(field(&answer, echoed[i]), field(&message, echoed[i])) != 0;
                ck_assert_int_eq(wrong, 1);
        }
        ck_assert_int_eq(shown("behaviours", "wrong-echo"), 12);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 12 * 10108);
}
END_TEST

START_TEST(a_duplicate_comes_twice)
{
        struct iso_message message = withdrawal("0200", 1, 0), answer[2];
        char one[1024], two[1024];
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "duplicate", NULL), 0);
        say(&message);
        hear(&answer[0]);
        hear(&answer[1]);
        iso_dump(&iso_dialect_ascii, &answer[0], one, sizeof(one));
        iso_dump(&iso_dialect_ascii, &answer[1], two, sizeof(two));
        ck_assert_str_eq(one, two);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108);
}
END_TEST

START_TEST(a_decline_is_a_decision_that_stays)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        char first[3];
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "decline", NULL), 0);
        strcpy(first, ask(&message));
        ck_assert_str_ne(first, "00");
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        ck_assert_str_eq(ask(&message), first);
        ck_assert_int_eq(balance_at(0), OPENING_YEN);
        ck_assert_int_eq(shown("behaviours", "decline"), 1);
        message = advice("0420", 1, -1);
        ck_assert_int_eq(ctl("BANKA", "decline", NULL), 0);
        ck_assert_str_eq(ask(&message), "00"); /* advices are never declined, nor counted as such */
        ck_assert_int_eq(shown("behaviours", "decline"), 1);
}
END_TEST

/* The codes are those of the bank's dialect. */
START_TEST(an_advice_is_answered_as_ordered_and_counted)
{
        static const struct {
                const char *order, *codes;
                int64_t balance_yen;
        } orders[] = {{"again", "68 91 96", OPENING_YEN - 10108},
                      {"case", "05 12 13 14 41 43 51 54 55 57 61 62 65 75 92", OPENING_YEN - 10108},
                      {"missing", "25", OPENING_YEN},
                      {"repeated", "21 94", OPENING_YEN}};
        banks_start("", NULL);
        client_up(port_a);
        for (int i = 0; i < (int)(sizeof(orders) / sizeof(orders[0])); i++) {
                struct iso_message message = withdrawal("0200", i + 1, i);
                ck_assert_str_eq(ask(&message), "00");
                ck_assert_int_eq(ctl("BANKA", orders[i].order, NULL), 0);
                message = advice("0420", i + 1, -1);
                ck_assert_ptr_nonnull(strstr(orders[i].codes, ask(&message)));
                ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
                ck_assert_int_eq(balance_at(i), orders[i].balance_yen);
                ck_assert_int_eq(shown("behaviours", orders[i].order), 1);
        }
        ck_assert_int_eq(shown("counts", "not_booked"), 1);
        ck_assert_int_eq(shown("counts", "put_off"), 1);
}
END_TEST

START_TEST(a_hang_up_comes_in_the_middle_of_an_answer)
{
        struct iso_message message = withdrawal("0200", 1, 0);
        banks_start("", NULL);
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "hang-up", NULL), 0);
        say(&message);
        hear_the_end();
        ck_assert_uint_gt(acquirer.in_length, 20);
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        client_up(port_a);
        ck_assert_int_eq(balance_at(0), OPENING_YEN - 10108);
        ck_assert_int_eq(shown("behaviours", "hang-up"), 1);
}
END_TEST

START_TEST(down_is_gone_and_comes_back)
{
        struct client other;
        struct iso_message echo = network(301), answer;
        banks_start("", NULL);
        client_up(port_b);
        other = acquirer;
        acquirer = (struct client){.fd = -1};
        client_up(port_a);
        ck_assert_int_eq(ctl("BANKA", "down", "0.5"), 0);
        hear_the_end();
        client_close(&acquirer);
        ck_assert(!client_open(&acquirer, dialect, port_a, pki, "ACQUIRER"));
        ck_assert_msg(strstr(acquirer.reason, "refused"), "%s", acquirer.reason);
        ck_assert(client_send(&other, &echo)); /* the other bank is as it was */
        ck_assert_int_eq(client_receive(&other, &answer, PATIENCE_MS), CLIENT_MESSAGE);
        client_close(&other);
        client_up_again(port_a);

        ck_assert_int_eq(ctl("BANKA", "down", NULL), 0);
        usleep(600000);
        client_close(&acquirer);
        ck_assert(!client_open(&acquirer, dialect, port_a, pki, "ACQUIRER"));
        ck_assert_int_eq(ctl("BANKA", "normal", NULL), 0);
        client_up(port_a);
        ck_assert_int_eq(shown("behaviours", "down"), 2);
}
END_TEST

/* ---- by rate, and the end ------------------------------------------------------------------------------ */

START_TEST(behaviours_by_rate_happen_and_money_stays_right)
{
        enum { COUNT = 400 };
        json_error_t error;
        banks_start("slow=0.02,late=0.02,silent=0.03,deaf=0.03,wrong-echo=0.03,duplicate=0.03,decline=0.05,"
                    "hang-up=0.02,down=0.01",
                    "--require-faults");
        client_up(port_a);
        for (int stan = 1; stan <= COUNT; stan++) {
                struct iso_message message = withdrawal("0200", stan, stan % CARDS), answer;
                iso_set_number(&message, 4, 1000, 12);
                if (!client_send(&acquirer, &message))
                        client_up_again(port_a);
                if (client_receive(&acquirer, &answer, 20) == CLIENT_OVER)
                        client_up_again(port_a);
        }
        ck_assert_int_eq(ctl("BANKA", "show", "--json"), 0);
        json_t *root = json_loads(output, 0, &error);
        ck_assert_ptr_nonnull(root);
        int64_t approved = 0, opening_yen, balance_yen;
        json_t *money = json_object_get(root, "money"), *row;
        const char *name;
        approved = json_integer_value(json_object_get(json_object_get(root, "counts"), "approved"));
        opening_yen = json_integer_value(json_object_get(money, "opening_yen"));
        balance_yen = json_integer_value(json_object_get(money, "balance_yen"));
        ck_assert_int_gt(approved, COUNT / 2);
        ck_assert_int_eq(opening_yen - balance_yen, approved * 1108);
        ck_assert_int_eq(json_integer_value(json_object_get(money, "open")), approved);
        json_object_foreach(json_object_get(root, "behaviours"), name, row)
            ck_assert_msg(json_number_value(json_object_get(row, "rate")) == 0 ||
                              json_integer_value(json_object_get(row, "happened")) > 0,
                          "%s never happened", name);
        json_decref(root);
        ck_assert_int_eq(banks_stop(), 0);
}
END_TEST

START_TEST(a_behaviour_that_never_happened_is_reported)
{
        const bool required = _i == 1;
        banks_start("slow=0.5", required ? "--require-faults" : NULL);
        ck_assert_int_eq(banks_stop(), required ? 1 : 0);
}
END_TEST

START_TEST(the_end_prints_one_object_where_json_is_asked_for)
{
        json_error_t error;
        int fd;
        const char *words[] = {"run",
                               "--json",
                               "--token-key-file",
                               in(folder, "token.key"),
                               "--ca",
                               in(pki, "ca.crt"),
                               "--certificate",
                               in(pki, "banks.crt"),
                               "--key",
                               in(pki, "banks.key"),
                               "--client",
                               "ACQUIRER",
                               "--control",
                               control,
                               "--bank",
                               "BANKA",
                               "--accounts",
                               in(folder, "cards.csv"),
                               "--port",
                               "0",
                               "--journal",
                               in(folder, "j"),
                               "--faults",
                               "late=0.25",
                               NULL};
        bank_pid = program_run(words, STDOUT_FILENO, &fd);
        for (int tries = 0; access(control, F_OK) != 0 && tries < 200; tries++)
                usleep(20000);
        kill(bank_pid, SIGTERM);
        read_output(fd, NULL);
        close(fd);
        ck_assert_int_eq(await_end(bank_pid), 0);
        bank_pid = 0;
        json_t *root = json_loads(output, 0, &error);
        ck_assert_msg(root != NULL, "%s in: %s", error.text, output);
        json_t *missing = json_object_get(root, "missing");
        ck_assert_uint_eq(json_array_size(missing), 1);
        ck_assert_str_eq(json_string_value(json_array_get(missing, 0)), "late");
        json_t *bank = json_array_get(json_object_get(root, "banks"), 0);
        ck_assert_str_eq(json_string_value(json_object_get(bank, "bank")), "BANKA");
        ck_assert(json_real_value(json_object_get(
                      json_object_get(json_object_get(bank, "behaviours"), "late"), "rate")) == 0.25);
        json_decref(root);
        ck_assert_int_ne(access(control, F_OK), 0); /* the socket goes with it */
}
END_TEST

/* ---- wrong usage --------------------------------------------------------------------------------------- */

START_TEST(wrong_orders_are_named)
{
        static const struct {
                const char *one, *two, *three;
                int status;
                const char *says;
        } rows[] = {
            {"BANKC", "slow", NULL, 2, "'BANKC' is no bank here; expected one of BANKA, BANKB, all"},
            {"BANKA", "rude", NULL, 2, "'rude': expected show, normal, or one of slow"},
            {"BANKA", "slow", "soon", 2, "'soon': expected seconds"},
            {"BANKA", "slow", "0", 2, "'0': expected seconds"},
            {"BANKA", "normal", "5", 2, "normal takes no seconds"},
            {"BANKA", "slow", "--json", 2, "--json and --csv: go with show"},
            {"BANKA", "slow", "--csv", 2, "--json and --csv: go with show"},
            {"BANKA", NULL, NULL, 2, "ORDER is missing: expected an order, such as slow or show"},
            {"BANKA", "--loud", NULL, 2, "unknown option --loud"},
        };
        banks_start("", NULL);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                ck_assert_int_eq(ctl(rows[i].one, rows[i].two, rows[i].three), rows[i].status);
                ck_assert_msg(strstr(output, rows[i].says), "wanted \"%s\", got \"%s\"", rows[i].says,
                              output);
        }
        banks_kill();
        ck_assert_int_eq(ctl("BANKA", "show", NULL), 1);
        ck_assert_msg(strstr(output, "expected the socket of a running banksim"), "%s", output);
}
END_TEST

START_TEST(a_second_banksim_on_the_same_files_does_not_start)
{
        char port[16];
        int fd;
        banks_start("", NULL);
        snprintf(port, sizeof(port), "%d", port_a);
        static const char *const says[] = {"another banksim writes it", "Address already in use",
                                           "Address already in use"};
        for (int i = 0; i < 3; i++) {
                const char *words[] = {"run",
                                       "--token-key-file",
                                       in(folder, "token.key"),
                                       "--ca",
                                       in(pki, "ca.crt"),
                                       "--certificate",
                                       in(pki, "banks.crt"),
                                       "--key",
                                       in(pki, "banks.key"),
                                       "--client",
                                       "ACQUIRER",
                                       "--control",
                                       i == 2 ? control : in(folder, "other"),
                                       "--accounts",
                                       in(folder, "cards.csv"),
                                       "--bank",
                                       "BANKA",
                                       "--port",
                                       i == 1 ? port : "0",
                                       "--journal",
                                       i == 0 ? in(folder, "journal/BANKA.journal")
                                              : in(folder, "other.journal"),
                                       NULL};
                pid_t pid = program_run(words, STDERR_FILENO, &fd);
                read_output(fd, NULL);
                close(fd);
                ck_assert_int_eq(await_end(pid), 1);
                ck_assert_msg(strstr(output, says[i]), "wanted \"%s\", got \"%s\"", says[i], output);
        }
        client_up(port_a);
}
END_TEST

START_TEST(the_program_explains_itself)
{
        static const struct {
                const char *words[4];
                int status, descriptor;
                const char *says;
        } rows[] = {
            {{"--help"}, 0, STDOUT_FILENO, "banksim run"},
            {{"run", "--help"}, 0, STDOUT_FILENO, "--token-key-file FILE"},
            {{"run", "--help"}, 0, STDOUT_FILENO, "--late-ms A-B"},
            {{"ctl", "--help"}, 0, STDOUT_FILENO, "wrong-echo"},
            {{NULL}, 2, STDERR_FILENO, "a verb is missing"},
            {{"walk"}, 2, STDERR_FILENO, "'walk': expected run or ctl"},
            {{"run"}, 2, STDERR_FILENO, "no bank: expected --bank NAME"},
            {{"run", "--config", "/no/such/file"}, 1, STDERR_FILENO, "/no/such/file: No such file"},
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                int fd;
                pid_t pid = program_run(rows[i].words, rows[i].descriptor, &fd);
                read_output(fd, NULL);
                close(fd);
                ck_assert_int_eq(await_end(pid), rows[i].status);
                ck_assert_msg(strstr(output, rows[i].says), "wanted \"%s\", got \"%s\"", rows[i].says,
                              output);
        }
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("banksim");
        TCase *tcase = tcase_create("banksim");
        signal(SIGPIPE, SIG_IGN);
        tcase_set_timeout(tcase, 60);
        tcase_add_unchecked_fixture(tcase, pki_setup, pki_teardown);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, two_banks_serve_their_own_cards);
        tcase_add_test(tcase, sign_on_is_the_connection_s);
        tcase_add_test(tcase, only_the_acquirer_s_certificate_is_let_in);
        tcase_add_test(tcase, many_messages_in_one_write_are_all_answered);
        tcase_add_test(tcase, wrong_bytes_end_their_connection_and_harm_nobody);
        tcase_add_test(tcase, single_bytes_make_a_message_too);
        tcase_add_loop_test(tcase, a_bank_speaks_its_dialect, 0, 3);
        tcase_add_test(tcase, everything_that_was_answered_is_there_after_a_kill);
        tcase_add_test(tcase, a_journal_that_a_crash_cut_short_goes_on);
        tcase_add_test(tcase, kills_at_any_moment_lose_no_answer);
        tcase_add_test(tcase, a_journal_that_can_not_be_written_ends_all_answers);
        tcase_add_test(tcase, no_card_number_is_written_anywhere);
        tcase_add_loop_test(tcase, slow_and_late_answers_come_after_their_time, 0, 2);
        tcase_add_test(tcase, what_is_shown_is_a_line_a_figure_for_scripts);
        tcase_add_test(tcase, a_late_answer_does_not_hold_up_the_others);
        tcase_add_test(tcase, what_is_held_is_done_at_once_and_answered_at_the_next_order);
        tcase_add_loop_test(tcase, silent_does_what_it_is_asked_and_deaf_does_not, 0, 2);
        tcase_add_test(tcase, an_order_for_some_seconds_ends_by_itself);
        tcase_add_test(tcase, a_wrong_echo_matches_no_request);
        tcase_add_test(tcase, a_duplicate_comes_twice);
        tcase_add_test(tcase, a_decline_is_a_decision_that_stays);
        tcase_add_test(tcase, an_advice_is_answered_as_ordered_and_counted);
        tcase_add_test(tcase, a_hang_up_comes_in_the_middle_of_an_answer);
        tcase_add_test(tcase, down_is_gone_and_comes_back);
        tcase_add_test(tcase, behaviours_by_rate_happen_and_money_stays_right);
        tcase_add_loop_test(tcase, a_behaviour_that_never_happened_is_reported, 0, 2);
        tcase_add_test(tcase, the_end_prints_one_object_where_json_is_asked_for);
        tcase_add_test(tcase, wrong_orders_are_named);
        tcase_add_test(tcase, a_second_banksim_on_the_same_files_does_not_start);
        tcase_add_test(tcase, the_program_explains_itself);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
