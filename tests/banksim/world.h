/*
 * What the tests of banksim as a process stand on: a folder with accounts and certificates, two banks, BANKA and BANKB, started, asked and
 * killed, and an acquirer that speaks to one of them. Whatever can't be done fails the test.
 */
#ifndef TESTS_BANKSIM_WORLD_H
#define TESTS_BANKSIM_WORLD_H

#include <jansson.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "protocol/iso8583.h"
#include "tests/banksim/client.h"

enum {
        PATIENCE_MS = 60000,
        A_MOMENT_MS = 250,
        SLOW_MS = 300,
        LATE_MS = 3000,
        OPENING_YEN = 1000000,
        CARDS = 4
};

/* One authority for all tests, and one that the banks don't know; a folder for each test. */
extern char pki[64], foreign[64], folder[64], control[128];
extern pid_t bank_pid;
extern int bank_output, port_a, port_b;
extern struct client acquirer;
extern char output[1 << 16];              /* what a program has said */
extern rlim_t file_limit;                 /* bytes that the next program may write to a file */
extern const struct iso_dialect *dialect; /* of BANKA */
extern char dialect_path[192];

/* ---- before and after tests ---------------------------------------------------------------------------- */

void world_pki_make(void);
void world_pki_remove(void);
void world_open(void);
void world_close(void);
const char *in(const char *where, const char *name);
const char *pan_of(int card);

/* ---- processes ----------------------------------------------------------------------------------------- */

/* The words that name what any banksim of a test stands on. */
#define PROGRAM_FILES                                                                                        \
        "--token-key-file", in(folder, "token.key"), "--ca", in(pki, "ca.crt"), "--certificate",             \
            in(pki, "banks.crt"), "--key", in(pki, "banks.key"), "--client", "ACQUIRER", "--accounts",       \
            in(folder, "cards.csv")

/* Words end with NULL; what the program says on standard output comes to *ret_output. */
pid_t program_run(const char *const *words, int descriptor, int *ret_output);
/* Everything until the writer ends, or until a line that is `until`. */
void read_output(int fd, const char *until);
/* The exit status. */
int await_end(pid_t pid);
/* Two banks, of which BANKA misbehaves as `faults` says ("" not at all). Ports are kept over restarts. */
void banks_start(const char *faults, const char *more);
void banks_kill(void);
/* The exit status; what it prints is in output[]. */
int banks_stop(void);
/* Exit status of `banksim ctl`; its output, or its complaint where it failed, is in output[]. */
int ctl(const char *one, const char *two, const char *three);
/* What BANKA shows at a path such as "counts/approved". */
json_int_t shown(const char *group, const char *key);

/* ---- messages ------------------------------------------------------------------------------------------ */

struct iso_message start_message(const char *mti, int stan);
struct iso_message network(int code);
struct iso_message withdrawal(const char *mti, int stan, int card);
struct iso_message inquiry(int stan, int card);
/* dispensed_yen: -1 leaves DE 95 out. */
struct iso_message advice(const char *mti, int stan, int dispensed_yen);
const char *field(const struct iso_message *message, int number);

/* ---- the acquirer -------------------------------------------------------------------------------------- */

void client_up(int port);
/* Within some time, somebody serves there again. */
void client_up_again(int port);
void say(const struct iso_message *message);
void hear(struct iso_message *ret_message);
void hear_nothing(int for_ms);
void hear_the_end(void);
/* A message and its answer's DE 39. */
const char *ask(const struct iso_message *message);
int64_t balance_at(int card);

#endif
