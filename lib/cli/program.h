/* What every program does in the same way: --help, --man, --version, and a command line that is wrong. */
#ifndef LIB_CLI_PROGRAM_H
#define LIB_CLI_PROGRAM_H

#include <stdio.h>

#include "lib/cli/help.h"
#include "lib/cli/options.h"
#include "lib/cli/say.h"

/* A program, or one of its commands. */
struct program_command {
        const char *name;     /* "run"; NULL: the program has but this one */
        const char *synopsis; /* "atmsim run [options]" */
        const char *about;    /* whole lines, each with its end */
        const char *ending;   /* likewise, behind the options; NULL: nothing */
        const struct option_row *rows;
        size_t count;
};

struct program {
        const char *name;
        void (*help)(FILE *stream);
        void (*manual)(FILE *stream); /* --man: the man page, or its section of options */
};

enum { PROGRAM_GOES_ON = -1 };

/* Messages carry the program's name from now on (say.h). The exit code where the first word is --help, -h,
 * help, --version or --man, else PROGRAM_GOES_ON. Closed standard streams stay closed. No core is left from now on: any of our programs may have
 * card numbers, PINs or keys in memory. */
ATM_MUST_USE int program_begin(const struct program *program, int word_count, char **words);

/* Parse a command's words. PROGRAM_GOES_ON, or the exit code after --help, --version or a complaint. */
ATM_MUST_USE int program_options(const struct program_command *command, void *context, int word_count,
                                 char **words);
/* Say what is wrong with how the command was used, and where to read how it is; command NULL: the program.
 * EXIT_USAGE. */
int program_usage(const char *command, const char *problem);
/* Say that a program has no such command, which ones it has (NULL at the end) and which was meant. EXIT_USAGE. */
int program_unknown(const char *word, const char *const *commands);
void program_help(FILE *stream, const struct program_command *command);
/* The exit code of what printed to standard output and else ends with this one: EXIT_FAILED, with a complaint,
 * in place of EXIT_DONE where not all of it could be written. */
int program_end(int exit_code);

#endif
