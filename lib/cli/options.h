/*
 * The options of a command as rows: name, value, bounds, what they are for, and where the value goes. The
 * parser, --help and the man pages (help.h) read the same rows.
 *
 *      words --options_parse--> row->take, once for each value --> OPTIONS_GOOD
 *                            '-> --help, --version, or a text that names the option, what was given and
 *                                what was expected
 *
 * "--name VALUE", "--name=VALUE" and, where a row has a letter, "-n VALUE". '-' and '_' in names are the
 * same, since columns of files have the one and options the other. What is not given is taken from a variable
 * of the environment, if the row names one that is set and not empty.
 */
#ifndef LIB_CLI_OPTIONS_H
#define LIB_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { OPTIONS_ROWS_MAX = 64, OPTIONS_ERROR_MAX = 1024, OPTION_NAME_MAX = 64 };

enum option_flags {
        OPTION_REQUIRED = 1, /* by option or variable */
        OPTION_POSITIONAL =
            2, /* given without a name, in the order of the rows; of OPTION_SEVERAL all that are left */
        OPTION_SEVERAL = 4, /* several values may follow */
        OPTION_MAYBE = 16,  /* the value may be left out: it is then `fallback` */
        OPTION_ONCE = 8,    /* elsewhere the last one holds, or take gathers them */
};

struct option_row;

/* One value on its way to where it belongs. */
struct option_value {
        const struct option_row *row;
        const char *text;  /* "" for a flag */
        const char *place; /* for messages: "--port", "hall", "ATMD_CA" */
        bool of_variable;  /* of the environment */
        void *context;     /* as given to options_parse */
};

/* False with what is wrong in error[], to stand behind the place: "'x': expected a whole number". See
 * values.h. */
typedef bool option_take(const struct option_value *value, char error[OPTIONS_ERROR_MAX]);

struct option_row {
        const char *name;  /* without its dashes; NULL: a heading among the rows, `text` */
        const char *value; /* as help calls it, "N"; NULL: a flag */
        const char *text;
        option_take *take;
        void *target;             /* for take */
        int64_t minimum, maximum; /* of a number */
        const char *variable;     /* of the environment; NULL: none */
        const char *fallback;     /* as help shows it; NULL or "": nothing to show */
        const char *expected;     /* a value in words; NULL: `text` says it */
        unsigned flags;
        char letter; /* 0: none */
};

/* A row of its own for --version, which ends whatever was asked for; --help needs none. */
#define OPTION_VERSION                                                                                       \
        {                                                                                                    \
                .name = "version", .text = "the version"                                                     \
        }

enum options_result {
        OPTIONS_GOOD,
        OPTIONS_HELP,    /* asked for, wherever it stands */
        OPTIONS_VERSION, /* the same */
        OPTIONS_USAGE,   /* the command line is wrong: error[] */
        OPTIONS_FAILED,  /* what it names is: error[]; not of options_parse */
};

ATM_MUST_USE enum options_result options_parse(const struct option_row *rows, size_t count, void *context,
                                               int word_count, char **words, char error[OPTIONS_ERROR_MAX]);

/* Whether names are the same, '-' and '_' being one. */
bool option_same_name(const char *a, const char *b);
/* "balance-yen" of "balance_yen". */
void option_write_name(const char *name, char ret_text[OPTION_NAME_MAX]);

#endif
