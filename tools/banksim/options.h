/*
 * What banksim run is told: an ini file, then the command line, which goes before it. Both name the same
 * keys, rows of one table: [banksim] or the options before the first --bank hold for all banks, [bank NAME]
 * or the options after --bank NAME for that one. Errors name file and line, or the option, and what was
 * expected.
 */
#ifndef BANKSIM_OPTIONS_H
#define BANKSIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/address.h"
#include "lib/base/attributes.h"
#include "lib/cli/program.h"
#include "lib/cli/values.h"
#include "rules/clock.h"
#include "tools/banksim/bank.h"
#include "tools/banksim/behaviours.h"

enum { OPTIONS_BANKS_MAX = 32, OPTIONS_TEXT_MAX = 512 };

struct bank_options {
        char name[BANK_NAME_MAX + 1];
        char issuer[OPTIONS_TEXT_MAX]; /* whose rows of the card file; "": the name */
        char link[OPTIONS_TEXT_MAX];   /* whose rows of the key files; "": the name */
        char dialect[OPTIONS_TEXT_MAX];
        char host[ADDRESS_HOST_MAX];
        int64_t port;
        char accounts[OPTIONS_TEXT_MAX];
        char journal[OPTIONS_TEXT_MAX];
        char certificate[OPTIONS_TEXT_MAX], key[OPTIONS_TEXT_MAX], ca[OPTIONS_TEXT_MAX];
        char client[OPTIONS_TEXT_MAX]; /* CN of the acquirer's certificate */
        int64_t connections_max;
        struct behaviour_rates faults;
        struct span slow, late, down;
};

struct options {
        char control[OPTIONS_TEXT_MAX]; /* "": none */
        char token_key_file[OPTIONS_TEXT_MAX];
        char keys[OPTIONS_TEXT_MAX], keks[OPTIONS_TEXT_MAX]; /* "": no bank has any */
        int64_t seed;
        struct business_clock clock;
        bool require_faults, json;
        struct bank_options bank[OPTIONS_BANKS_MAX];
        size_t banks;
};

/* Its rows are the keys: with dashes as options, with underscores in the file. */
extern const struct program_command run_command;

/* words: the command line behind `run`, NULL at its end. Anything but GOOD and HELP with a text in error[]:
 * USAGE where the command line is wrong, FAILED where the file is. */
ATM_MUST_USE enum options_result options_read(int count, char **words, struct options *ret_options,
                                              char error[OPTIONS_ERROR_MAX]);

#endif
