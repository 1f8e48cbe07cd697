/* The simulation's command line: one seed, many seeds, or the search for a deliberate defect. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "tests/simulation/sim.h"

enum { STEPS = 3000, COVERAGE_SEEDS = 200, LONG_FACTOR = 10 };

static const char help[] =
    "sim [options]\n"
    "\n"
    "Plays a fleet of ATMs on a bad network, with daemons that crash and one database, in virtual time, and\n"
    "checks the invariants of the design with every commit and every answer. The same seed plays the same.\n"
    "\n"
    "  --seed N         one seed (default 1)\n"
    "  --seeds A-B      all seeds from A to B\n"
    "  --random         one seed from the clock\n"
    "  --steps M        events of each run before the faults end and all business is finished (default "
    "3000)\n"
    "  --seconds S      begin no further run after so long\n"
    "  --twice          play each seed twice and compare\n"
    "  --trace          tell what happens, on standard error\n"
    "  --defect NAME    put a deliberate defect into the ledger: answers-before-commit,\n"
    "                   decides-repeats-anew, keeps-commission, pays-late-approvals,\n"
    "                   forgets-reversals, forgets-completions, times-out-approvals,\n"
    "                   keeps-usage, takes-out-of-order, repeats-after-end,\n"
    "                   repeats-for-ever, overrides-people, hurries-people,\n"
    "                   corrects-late, corrects-often\n"
    "  --expect NAME    succeed only if a run violates this invariant (I1, I2, I3, ...); stop there\n"
    "  --faults         play the rows of tests/faults/fault_table.def instead: what fails at which\n"
    "                   moment, and what ATM, host and bank must hold in the end\n"
    "  --row NAME       this row alone\n"
    "  --help           this text\n"
    "\n"
    "ATM_TEST_LONG=1 in the environment: ten times as many of --seeds, and ten times --seconds.\n"
    "Exit 0: every invariant held (with --expect: the one was violated). 1: not so; the command that plays\n"
    "it again is printed. 2: wrong usage.\n";

static const struct {
        const char *name;
        enum ledger_mem_defect defect;
} defects[] = {
    {"answers-before-commit", LEDGER_MEM_ANSWERS_BEFORE_COMMIT},
    {"decides-repeats-anew", LEDGER_MEM_DECIDES_REPEATS_ANEW},
    {"keeps-commission", LEDGER_MEM_KEEPS_COMMISSION},
    {"pays-late-approvals", LEDGER_MEM_PAYS_LATE_APPROVALS},
    {"forgets-reversals", LEDGER_MEM_FORGETS_REVERSALS},
    {"forgets-completions", LEDGER_MEM_FORGETS_COMPLETIONS},
    {"times-out-approvals", LEDGER_MEM_TIMES_OUT_APPROVALS},
    {"keeps-usage", LEDGER_MEM_KEEPS_USAGE},
    {"takes-out-of-order", LEDGER_MEM_TAKES_OUT_OF_ORDER},
    {"repeats-after-end", LEDGER_MEM_REPEATS_AFTER_END},
    {"repeats-for-ever", LEDGER_MEM_REPEATS_FOR_EVER},
    {"overrides-people", LEDGER_MEM_OVERRIDES_PEOPLE},
    {"hurries-people", LEDGER_MEM_HURRIES_PEOPLE},
    {"corrects-late", LEDGER_MEM_CORRECTS_LATE},
    {"corrects-often", LEDGER_MEM_CORRECTS_OFTEN},
};

struct command {
        uint64_t first, last;
        int steps, seconds;
        bool trace, twice, faults;
        enum ledger_mem_defect defect;
        const char *defect_name, *expect, *row;
        struct token_key *token_key;
        struct sim_counters counters;
};

static int wrong_usage(const char *what, const char *value)
{
        fprintf(stderr, "sim: %s '%s' (sim --help)\n", what, value);
        return 2;
}

static bool parse_number(const char *text, uint64_t *ret_number, char end)
{
        char *stop;

        errno = 0;
        if (*text < '0' || *text > '9')
                return false;
        *ret_number = strtoull(text, &stop, 10);
        return errno == 0 && *stop == end;
}

static bool parse_seeds(const char *text, struct command *command)
{
        const char *dash = strchr(text, '-');

        return dash && parse_number(text, &command->first, '-') &&
               parse_number(dash + 1, &command->last, '\0') && command->first <= command->last;
}

static bool parse_count(const char *text, int *ret_count)
{
        uint64_t number;

        if (!parse_number(text, &number, '\0') || number < 1 || number > 100000000)
                return false;
        *ret_count = (int)number;
        return true;
}

static bool parse_defect(const char *text, struct command *command)
{
        for (size_t i = 0; i < sizeof defects / sizeof defects[0]; i++) {
                if (strcmp(defects[i].name, text) == 0) {
                        command->defect = defects[i].defect;
                        command->defect_name = defects[i].name;
                        return true;
                }
        }
        return false;
}

/* -1: go on; else the exit code. */
static int parse(int argc, char **argv, struct command *command)
{
        static const struct option options[] = {
            {"seed", required_argument, NULL, 's'},
            {"seeds", required_argument, NULL, 'S'},
            {"random", no_argument, NULL, 'r'},
            {"steps", required_argument, NULL, 'n'},
            {"seconds", required_argument, NULL, 't'},
            {"twice", no_argument, NULL, '2'},
            {"trace", no_argument, NULL, 'v'},
            {"defect", required_argument, NULL, 'd'},
            {"expect", required_argument, NULL, 'e'},
            {"faults", no_argument, NULL, 'f'},
            {"row", required_argument, NULL, 'o'},
            {"help", no_argument, NULL, 'h'},
            {NULL, 0, NULL, 0},
        };

        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
                switch (option) {
                case 's':
                        if (!parse_number(optarg, &command->first, '\0'))
                                return wrong_usage("--seed: a number is expected, not", optarg);
                        command->last = command->first;
                        break;
                case 'S':
                        if (!parse_seeds(optarg, command))
                                return wrong_usage("--seeds: A-B is expected, not", optarg);
                        break;
                case 'r':
                        command->first = command->last = (uint64_t)time(NULL);
                        break;
                case 'n':
                        if (!parse_count(optarg, &command->steps))
                                return wrong_usage("--steps: a number from 1 is expected, not", optarg);
                        break;
                case 't':
                        if (!parse_count(optarg, &command->seconds))
                                return wrong_usage("--seconds: a number from 1 is expected, not", optarg);
                        break;
                case '2':
                        command->twice = true;
                        break;
                case 'v':
                        command->trace = true;
                        break;
                case 'd':
                        if (!parse_defect(optarg, command))
                                return wrong_usage("--defect: there is no", optarg);
                        break;
                case 'e':
                        command->expect = optarg;
                        break;
                case 'o':
                        command->row = optarg;
                        command->faults = true;
                        break;
                case 'f':
                        command->faults = true;
                        break;
                case 'h':
                        fputs(help, stdout);
                        return 0;
                default:
                        return 2;
                }
        }
        return optind < argc ? wrong_usage("unknown argument", argv[optind]) : -1;
}

/* The simulation's cards are as good as any, so its key may be known. */
static struct token_key *make_token_key(void)
{
        char path[] = "/tmp/sim-key-XXXXXX", error[TOKEN_ERROR_MAX] = "";
        int fd = mkstemp(path); /* mode 0600 */
        struct token_key *key = NULL;

        if (fd >= 0) {
                if (dprintf(fd, "%064d\n", 7) > 0)
                        key = token_key_load(path, error);
                close(fd);
                unlink(path);
        }
        if (!key)
                fprintf(stderr, "sim: a card token key can't be made: %s\n", error);
        return key;
}

static void replay(const struct command *command, uint64_t seed)
{
        fprintf(stderr, "sim: to play it again: build/bin/sim --seed %" PRIu64 " --steps %d%s%s --trace\n",
                seed, command->steps, command->defect_name ? " --defect " : "",
                command->defect_name ? command->defect_name : "");
}

enum outcome { HELD, VIOLATED, DIFFERED };

static enum outcome play(struct command *command, uint64_t seed, char violated[16])
{
        uint64_t digests[2] = {0, 0};
        bool held = true;

        for (int turn = 0; turn < (command->twice ? 2 : 1); turn++) {
                struct sim *sim =
                    sim_new(seed, command->defect, command->token_key, &command->counters, command->trace);

                held = sim_run(sim, command->steps);
                digests[turn] = sim->digest;
                if (!held) {
                        fprintf(stderr, "sim: seed %" PRIu64 ": %s is violated: %s\n", seed, sim->violated,
                                sim->violation);
                        memcpy(violated, sim->violated, sizeof sim->violated);
                        replay(command, seed);
                }
                sim_free(sim);
        }
        if (command->twice && digests[0] != digests[1]) {
                fprintf(stderr, "sim: seed %" PRIu64 " does not play the same twice\n", seed);
                return DIFFERED;
        }
        return held ? HELD : VIOLATED;
}

static void print_counters(const struct sim_counters *counters)
{
#define X(name) printf("  %-22s %12" PRId64 "\n", #name, counters->name);
        SIM_COUNTERS(X)
#undef X
}

/* Over many seeds every kind of thing must have happened. */
static bool check_coverage(const struct sim_counters *counters)
{
        bool good = true;
#define X(name)                                                                                              \
        if (counters->name == 0) {                                                                           \
                fprintf(stderr, "sim: in all these runs there were no %s\n", #name);                         \
                good = false;                                                                                \
        }
        SIM_COUNTERS(X)
#undef X
        return good;
}

static void lengthen(struct command *command)
{
        if (!getenv("ATM_TEST_LONG") || command->expect)
                return;
        command->last += (LONG_FACTOR - 1) * (command->last - command->first);
        command->seconds *= LONG_FACTOR;
}

static int run(struct command *command)
{
        time_t began = time(NULL);
        uint64_t count = 0;

        for (uint64_t seed = command->first; seed <= command->last; seed++, count++) {
                char violated[16] = "";
                enum outcome outcome;

                if (command->seconds && time(NULL) - began >= command->seconds)
                        break;
                outcome = play(command, seed, violated);
                if (outcome == HELD)
                        continue;
                if (!command->expect || outcome == DIFFERED)
                        return 1;
                if (strcmp(violated, command->expect) == 0) {
                        printf("found after %" PRIu64 " seeds: %s is violated\n", count + 1, violated);
                        return 0;
                }
        }
        if (command->expect) {
                fprintf(stderr, "sim: %" PRIu64 " seeds, and %s was never found violated\n", count,
                        command->expect);
                return 1;
        }
        printf("%" PRIu64 " seeds from %" PRIu64 ", every invariant held\n", count, command->first);
        print_counters(&command->counters);
        return count < COVERAGE_SEEDS || check_coverage(&command->counters) ? 0 : 1;
}

int main(int argc, char **argv)
{
        struct command command = {.first = 1, .last = 1, .steps = STEPS};
        int result = parse(argc, argv, &command);

        if (result >= 0)
                return result;
        lengthen(&command);
        log_open("stderr", "error", "sim");
        command.token_key = make_token_key();
        if (!command.token_key)
                return 1;
        if (command.faults)
                result =
                    faults_play(command.token_key, &command.counters, command.row, command.trace) ? 0 : 1;
        else
                result = run(&command);
        token_key_free(command.token_key);
        return result;
}
