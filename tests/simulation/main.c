/* The simulation's command line: one seed, many seeds, or the search for a deliberate defect. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/array.h"
#include "lib/base/log.h"
#include "lib/base/number.h"
#include "lib/base/process.h"
#include "lib/cli/program.h"
#include "lib/cli/values.h"
#include "tests/simulation/sim.h"
#include "tests/unit/token_key.h"

enum { STEPS = 3000, COVERAGE_SEEDS = 200, LONG_FACTOR = 10, COUNT_MAX = 100000000, KEPT_BYTES = 1 << 28 };

#define DEFECTS(X)                                                                                           \
        X("answers-before-commit", LEDGER_MEM_ANSWERS_BEFORE_COMMIT)                                         \
        X("decides-repeats-anew", LEDGER_MEM_DECIDES_REPEATS_ANEW)                                           \
        X("keeps-commission", LEDGER_MEM_KEEPS_COMMISSION)                                                   \
        X("pays-late-approvals", LEDGER_MEM_PAYS_LATE_APPROVALS)                                             \
        X("forgets-reversals", LEDGER_MEM_FORGETS_REVERSALS)                                                 \
        X("forgets-completions", LEDGER_MEM_FORGETS_COMPLETIONS)                                             \
        X("times-out-approvals", LEDGER_MEM_TIMES_OUT_APPROVALS)                                             \
        X("keeps-usage", LEDGER_MEM_KEEPS_USAGE)                                                             \
        X("takes-out-of-order", LEDGER_MEM_TAKES_OUT_OF_ORDER)                                               \
        X("repeats-after-end", LEDGER_MEM_REPEATS_AFTER_END)                                                 \
        X("repeats-for-ever", LEDGER_MEM_REPEATS_FOR_EVER)                                                   \
        X("overrides-people", LEDGER_MEM_OVERRIDES_PEOPLE)                                                   \
        X("hurries-people", LEDGER_MEM_HURRIES_PEOPLE)                                                       \
        X("corrects-late", LEDGER_MEM_CORRECTS_LATE)                                                         \
        X("corrects-often", LEDGER_MEM_CORRECTS_OFTEN)                                                       \
        X("believes-refusals", LEDGER_MEM_BELIEVES_REFUSALS)                                                 \
        X("repeats-repeated", LEDGER_MEM_REPEATS_REPEATED)                                                   \
        X("forgets-put-off", LEDGER_MEM_FORGETS_PUT_OFF)                                                     \
        X("decides-stale", LEDGER_MEM_DECIDES_STALE)                                                         \
        X("swaps-half", LEDGER_MEM_SWAPS_HALF)                                                               \
        X("tells-new-link", LEDGER_MEM_TELLS_NEW_LINK)                                                       \
        X("forgets-late-posts", LEDGER_MEM_FORGETS_LATE_POSTS)                                               \
        X("posts-into-closed", LEDGER_MEM_POSTS_INTO_CLOSED)                                                 \
        X("changes-priced", LEDGER_MEM_CHANGES_PRICED)                                                       \
        X("counts-twice", LEDGER_MEM_COUNTS_TWICE)                                                           \
        X("sends-held", LEDGER_MEM_SENDS_HELD)                                                               \
        X("serves-replaced", LEDGER_MEM_SERVES_REPLACED)                                                     \
        X("forgets-reports", LEDGER_MEM_FORGETS_REPORTS)                                                     \
        X("takes-any-pin", LEDGER_MEM_TAKES_ANY_PIN)                                                         \
        X("counts-no-pin", LEDGER_MEM_COUNTS_NO_PIN)                                                         \
        X("keeps-wrong-pins", LEDGER_MEM_KEEPS_WRONG_PINS)

static const struct {
        const char *name;
        enum ledger_mem_defect defect;
} defects[] = {
#define ROW(name, defect) {name, defect},
    DEFECTS(ROW)
#undef ROW
};
#define NAME(name, defect) " " name
#define DEFECT_NAMES       DEFECTS(NAME)

static struct {
        int64_t seed, steps, seconds;
        bool trace, twice, faults;
        const char *expect, *row;
} asked = {.steps = STEPS};

struct command {
        uint64_t first, last;
        enum ledger_mem_defect defect;
        const char *defect_name;
        struct token_key *token_key;
        struct sim_counters counters;
};

/* "A-B" */
static bool take_seeds(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct command *command = value->context;
        const char *dash = strchr(value->text, '-');
        int64_t first, last;

        if (!dash || !number_parse_bytes(value->text, (size_t)(dash - value->text), 0, INT64_MAX, &first) ||
            !number_parse(dash + 1, first, INT64_MAX, &last))
                return option_refuse(value, error, "A-B, whole numbers from 0, A not above B");
        command->first = (uint64_t)first;
        command->last = (uint64_t)last;
        return true;
}

static bool take_seed(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct command *command = value->context;

        if (!option_take_number(value, error))
                return false;
        command->first = command->last = (uint64_t)asked.seed;
        return true;
}

static bool take_random(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct command *command = value->context;

        (void)error;
        command->first = command->last = (uint64_t)time(NULL);
        return true;
}

static bool take_defect(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        struct command *command = value->context;

        for (size_t i = 0; i < LENGTH(defects); i++) {
                if (strcmp(defects[i].name, value->text) == 0) {
                        command->defect = defects[i].defect;
                        command->defect_name = defects[i].name;
                        return true;
                }
        }
        return option_refuse(value, error, "one of" DEFECT_NAMES);
}

static bool take_row(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        asked.faults = true;
        return option_take_text(value, error);
}

static const struct option_row rows[] = {
    {.name = "seed",
     .value = "N",
     .text = "one seed",
     .take = take_seed,
     .target = &asked.seed,
     .maximum = INT64_MAX,
     .fallback = "1"},
    {.name = "seeds", .value = "A-B", .text = "all seeds from A to B", .take = take_seeds},
    {.name = "random", .text = "one seed from the clock", .take = take_random},
    {.name = "steps",
     .value = "M",
     .text = "events of each run before the faults end and all business is finished",
     .take = option_take_number,
     .target = &asked.steps,
     .minimum = 1,
     .maximum = COUNT_MAX,
     .fallback = "3000"},
    {.name = "seconds",
     .value = "S",
     .text = "begin no further run after so long",
     .take = option_take_number,
     .target = &asked.seconds,
     .minimum = 1,
     .maximum = COUNT_MAX},
    {.name = "twice",
     .text = "play each seed twice and compare",
     .take = option_take_flag,
     .target = &asked.twice},
    {.name = "trace",
     .text = "tell what happens, on standard error",
     .take = option_take_flag,
     .target = &asked.trace},
    {.name = "defect",
     .value = "NAME",
     .text = "put a deliberate defect into the ledger:" DEFECT_NAMES,
     .take = take_defect},
    {.name = "expect",
     .value = "NAME",
     .text = "succeed only if a run violates this invariant (I1, I2, I3, ...); stop there",
     .take = option_take_text,
     .target = &asked.expect},
    {.name = "faults",
     .text = "play the rows of tests/faults/fault_table.def instead: what fails at which moment, and what "
             "ATM, host and bank must hold in the end",
     .take = option_take_flag,
     .target = &asked.faults},
    {.name = "row", .value = "NAME", .text = "this row alone", .take = take_row, .target = &asked.row},
};

static const struct program_command command_line = {
    .synopsis = "sim [options]",
    .about = "Plays a fleet of ATMs on a bad network, with daemons that crash and one database, in virtual "
             "time, and\n"
             "checks the invariants of the design with every commit and every answer. The same seed plays "
             "the same.\n",
    .ending = "ATM_TEST_LONG=1 in the environment: ten times as many of --seeds, and ten times --seconds.\n"
              "Exit 0: every invariant held (with --expect: the one was violated). 1: not so; the command "
              "that plays\n"
              "it again is printed. 2: wrong usage.\n",
    .rows = rows,
    .count = LENGTH(rows),
};

static void replay(const struct command *command, uint64_t seed)
{
        fprintf(stderr,
                "sim: to play it again: build/bin/sim --seed %" PRIu64 " --steps %" PRId64 "%s%s --trace\n",
                seed, asked.steps, command->defect_name ? " --defect " : "",
                command->defect_name ? command->defect_name : "");
}

enum outcome { HELD, VIOLATED, DIFFERED };

static enum outcome play(struct command *command, uint64_t seed, char violated[16])
{
        uint64_t digests[2] = {0, 0};
        bool held = true;

        for (int turn = 0; turn < (asked.twice ? 2 : 1); turn++) {
                struct sim *sim =
                    sim_new(seed, command->defect, command->token_key, &command->counters, asked.trace);

                held = sim_run(sim, (int)asked.steps);
                digests[turn] = sim->digest;
                if (!held) {
                        complain("seed %" PRIu64 ": %s is violated: %s", seed, sim->violated, sim->violation);
                        memcpy(violated, sim->violated, sizeof sim->violated);
                        replay(command, seed);
                }
                sim_free(sim);
        }
        if (asked.twice && digests[0] != digests[1]) {
                complain("seed %" PRIu64 " does not play the same twice", seed);
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
                complain("in all these runs there were no %s", #name);                                       \
                good = false;                                                                                \
        }
        SIM_COUNTERS(X)
#undef X
        return good;
}

static void lengthen(struct command *command)
{
        if (!getenv("ATM_TEST_LONG") || asked.expect)
                return;
        command->last += (LONG_FACTOR - 1) * (command->last - command->first);
        asked.seconds *= LONG_FACTOR;
}

static int run(struct command *command)
{
        time_t began = time(NULL);
        uint64_t count = 0;

        for (uint64_t seed = command->first; seed <= command->last; seed++, count++) {
                char violated[16] = "";
                enum outcome outcome;

                if (asked.seconds && time(NULL) - began >= asked.seconds)
                        break;
                outcome = play(command, seed, violated);
                if (outcome == HELD)
                        continue;
                if (!asked.expect || outcome == DIFFERED)
                        return 1;
                if (strcmp(violated, asked.expect) == 0) {
                        printf("found after %" PRIu64 " seeds: %s is violated\n", count + 1, violated);
                        return 0;
                }
        }
        if (asked.expect) {
                complain("%" PRIu64 " seeds, and %s was never found violated", count, asked.expect);
                return 1;
        }
        printf("%" PRIu64 " seeds from %" PRIu64 ", every invariant held\n", count, command->first);
        print_counters(&command->counters);
        return count < COVERAGE_SEEDS || check_coverage(&command->counters) ? 0 : 1;
}

int main(int argc, char **argv)
{
        struct command command = {.first = 1, .last = 1};
        int result;

        process_hold_streams();
        say_as("sim");
        /* a daemon is large and dies often: what it leaves is not given back to the system, to be cleared and fetched again */
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
        result = program_options(&command_line, &command, argc - 1, argv + 1);
        if (result != PROGRAM_GOES_ON)
                return result;
        lengthen(&command);
        log_open("stderr", "error", "sim");
        /* the simulation's cards are as good as any, so its key may be known */
        command.token_key = token_key_of("0000000000000000000000000000000000000000000000000000000000000007");
        if (asked.faults)
                result = faults_play(command.token_key, &command.counters, asked.row, asked.trace) ? 0 : 1;
        else
                result = run(&command);
        token_key_free(command.token_key);
        return result;
}
