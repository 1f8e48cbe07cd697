/* Two banks and their acquirer: see world.h. */
#include "tests/banksim/world.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/security/pki.h"
#include "rules/calendar.h"

enum { WORDS_MAX = 64 };

char pki[64], foreign[64], folder[64], control[128];
pid_t bank_pid;
int bank_output = -1, port_a, port_b;
struct client acquirer;
char output[1 << 16];
rlim_t file_limit = RLIM_INFINITY;
const struct iso_dialect *dialect = &iso_dialect_ascii;
char dialect_path[192] = "ascii";

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

const char *in(const char *where, const char *name)
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

void world_pki_make(void)
{
        authority_make(pki);
        authority_make(foreign);
}

void world_pki_remove(void)
{
        folder_remove(pki);
        folder_remove(foreign);
}

const char *pan_of(int card)
{
        static char pan[4][20];
        snprintf(pan[card % 4], sizeof(pan[0]), "99001%d000000%04d", card < CARDS ? 1 : 2, card);
        return pan[card % 4];
}

void world_open(void)
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

void world_close(void)
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

pid_t program_run(const char *const *words, int descriptor, int *ret_output)
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

void read_output(int fd, const char *until)
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

int await_end(pid_t pid)
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

void banks_start(const char *faults, const char *more)
{
        char port[2][16];
        snprintf(port[0], sizeof(port[0]), "%d", port_a);
        snprintf(port[1], sizeof(port[1]), "%d", port_b);
        const char *words[] = {"run",
                               "--control",
                               control,
                               PROGRAM_FILES,
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

void banks_kill(void)
{
        kill(bank_pid, SIGKILL);
        waitpid(bank_pid, NULL, 0);
        bank_pid = 0;
}

int banks_stop(void)
{
        kill(bank_pid, SIGTERM);
        read_output(bank_output, NULL);
        int status = await_end(bank_pid);
        bank_pid = 0;
        return status;
}

int ctl(const char *one, const char *two, const char *three)
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

json_int_t shown(const char *group, const char *key)
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

struct iso_message start_message(const char *mti, int stan)
{
        struct iso_message message;
        char de7[11];
        if (moment_ms == 0)
                moment_ms = real_now_ms() / 1000 * 1000;
        calendar_to_de7(moment_ms, de7);
        iso_init(&message, mti);
        iso_set_string(&message, 7, de7);
        iso_set_number(&message, 11, stan, 6);
        iso_set_string(&message, 41, "T0000001");
        return message;
}

struct iso_message network(int code)
{
        struct iso_message message = start_message("0800", 900000 + code);
        iso_set_number(&message, 70, code, 3);
        return message;
}

struct iso_message withdrawal(const char *mti, int stan, int card)
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

struct iso_message inquiry(int stan, int card)
{
        struct iso_message message = withdrawal("0200", stan, card);
        iso_set_string(&message, 3, "310000");
        iso_unset(&message, 4);
        iso_unset(&message, 28);
        return message;
}

struct iso_message advice(const char *mti, int stan, int dispensed_yen)
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

const char *field(const struct iso_message *message, int number)
{
        static char text[4][128];
        static int turn;
        turn = (turn + 1) % 4;
        ck_assert(iso_copy(message, number, text[turn], sizeof(text[0])));
        return text[turn];
}

void say(const struct iso_message *message)
{
        ck_assert_msg(client_send(&acquirer, message), "%s", acquirer.reason);
}

void hear(struct iso_message *ret_message)
{
        enum client_result result = client_receive(&acquirer, ret_message, PATIENCE_MS);
        ck_assert_msg(result == CLIENT_MESSAGE, "no answer: %s", acquirer.reason);
}

void hear_nothing(int for_ms)
{
        struct iso_message message;
        ck_assert_int_eq(client_receive(&acquirer, &message, for_ms), CLIENT_NOTHING);
}

void hear_the_end(void)
{
        struct iso_message message;
        ck_assert_int_eq(client_receive(&acquirer, &message, PATIENCE_MS), CLIENT_OVER);
}

const char *ask(const struct iso_message *message)
{
        struct iso_message answer;
        say(message);
        hear(&answer);
        ck_assert_str_eq(field(&answer, 11), field(message, 11));
        return field(&answer, 39);
}

void client_up(int port)
{
        struct iso_message sign_on = network(1);
        client_close(&acquirer);
        ck_assert_msg(client_open(&acquirer, dialect, port, pki, "ACQUIRER"), "%s", acquirer.reason);
        ck_assert_str_eq(ask(&sign_on), "00");
}

void client_up_again(int port)
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

int64_t balance_at(int card)
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
