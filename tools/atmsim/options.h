/*
 * The command lines of atmsim, as rows: name, argument, where it goes, what it is for. --help is printed from
 * the same rows. What is not given comes from the variables of a laboratory's lab.env.
 */
#ifndef ATMSIM_OPTIONS_H
#define ATMSIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "rules/clock.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

enum option_type {
        OPTION_FLAG,    /* bool */
        OPTION_NUMBER,  /* int64_t within minimum and maximum */
        OPTION_RATE,    /* double, 0 to 1 */
        OPTION_DECIMAL, /* double, 0 or more */
        OPTION_TEXT,    /* const char * */
        OPTION_MOMENT,  /* int64_t: a business moment in milliseconds */
        OPTION_OTHER,   /* take() */
};

struct option_row {
        const char *name;     /* without its dashes; NULL: a heading, `text` */
        const char *argument; /* "N"; NULL: a flag */
        enum option_type type;
        void *target;
        int64_t minimum, maximum;
        const char *variable; /* of the environment, where the option is not given */
        bool mandatory;       /* by option or variable */
        bool (*take)(const char *value, char *error, size_t size);
        const char *text;
};

struct command {
        const char *name;
        const char *synopsis;
        const char *about; /* whole lines, each with its end */
        const struct option_row *rows;
        size_t count;
};

/* EXIT_DONE: go on; EXIT_FAILED: help was asked for and given; EXIT_USAGE: said on standard error. */
ATM_MUST_USE int options_take(const struct command *command, int count, char **words);

/* The command's part of the manual page, in scdoc's form. */
void options_print_manual(const struct command *command);

/* ATM_CLOCK_START_MS, _ANCHOR_MS and _SPEED; real time where none of them is set. */
ATM_MUST_USE bool options_clock(struct business_clock *ret_clock);

#endif
