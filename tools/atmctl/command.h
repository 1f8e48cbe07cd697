/*
 * A command as a row: noun, verb, options, help, function. Parsing, --help, the man page and the tests read
 * the same rows; commands.c lists them. The options of a command come from four places, put together by
 * command_options: its own rows, the fields of its entity (areas, halls, ... see entity.h), and the groups
 * that many commands share (output, database, card, clock).
 */
#ifndef ATMCTL_COMMAND_H
#define ATMCTL_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/cli/program.h"
#include "tools/atmctl/entity.h"

enum command_flags {
        COMMAND_DATABASE = 1, /* --conninfo */
        COMMAND_OUTPUT = 2,   /* --format, --output */
        COMMAND_CARD = 4,     /* --card or --token */
        COMMAND_TOKEN_KEY = 8,
        COMMAND_CLOCK = 16,           /* --config */
        COMMAND_DOCUMENT = 32,        /* with COMMAND_OUTPUT: more forms, and --lang */
        COMMAND_FROM = 64,            /* --from */
        COMMAND_NOTE = 1024,          /* --note, where no field of the entity is called so */
        COMMAND_NOTE_DEMANDED = 2048, /* it must be given */
        COMMAND_REPLICA = 4096,       /* --read-only-conninfo: what it shows may be a little old */
        COMMAND_LIST = 8192,          /* with COMMAND_OUTPUT: one table of rows; --columns, --sort */
        COMMAND_WATCH = 16384,        /* what it shows moves; --watch */
        COMMAND_CHANGES = 32768,      /* --dry-run, unless the row says why there is none */
        COMMAND_LANGUAGE = 65536,     /* --lang, of what is no document */
        COMMAND_CARDS = COMMAND_DATABASE | COMMAND_TOKEN_KEY, /* whose numbers become tokens on their way */
        COMMAND_ONE_CARD = COMMAND_CARDS | COMMAND_CARD,
};

enum command_shape {
        SHAPE_OWN,    /* only its own options */
        SHAPE_IMPORT, /* FILE */
        SHAPE_ADD,    /* every field */
        SHAPE_SET,    /* the key, then every other field, each optional */
        SHAPE_KEY,    /* the key: show, remove, enable, disable */
        SHAPE_LIST,   /* every filter, optional */
};

struct invocation;

struct command {
        const char *noun, *verb; /* verb NULL: the noun is the whole command */
        const char *text;        /* one line */
        const char *more;        /* what else helps: what it does exactly, an example */
        unsigned flags;
        int (*run)(const struct invocation *invocation);
        enum command_shape shape;
        const struct entity *entity;
        const struct field *fields; /* its own */
        const char *argument;       /* for the function: what it is to do */
        /* what --columns and --sort choose from (COMMAND_LIST), unless it is an entity's */
        const struct output_column *columns;
        size_t column_count;
        const char *no_dry_run; /* why one that changes something has none */
};

/* What other tools call verbs; a verb that a noun has goes before. To the row without a word. */
struct verb_alias {
        const char *word, *verb;
};
extern const struct verb_alias verb_aliases[];

/* The commands of a noun, or of several that belong together. */
struct command_group {
        const struct command *commands;
        size_t count;
        const char *text; /* heading in help */
};

enum { OPTIONS_MAX = 48 };

struct days;

struct option_use {
        const struct field *field;
        bool positional, required;
};

struct command_options {
        struct option_use use[OPTIONS_MAX];
        size_t count;
};
void command_options(const struct command *command, struct command_options *ret_options);
/* The place of the option of that name; `count` where there is none. */
size_t command_find(const struct command_options *options, const char *name);
/* Whether that is the --fy that stands for --from and --to, and no report's own. */
bool command_is_span(const struct field *field);
/* What an option that takes days means: one day, or of several the first or, of --to, the last. False: it takes none, or not these. */
ATM_MUST_USE bool command_days(const struct field *field, const char *text, int32_t today,
                               struct days *ret_days, char ret_day[11]);
/* The same as rows for parser and help; their number. */
size_t command_rows(const struct command *command, struct option_row ret_rows[OPTIONS_MAX]);

struct option_values {
        const char **text; /* as given, in order */
        size_t count;
        char canonical[VALUE_MAX]; /* of the first */
};

struct invocation {
        const struct command *command;
        struct command_options options;
        struct option_values values[OPTIONS_MAX];
};

/* NULL where the option was not given. Canonical, as value_check wrote it. */
const char *invocation_value(const struct invocation *invocation, const char *name);
const char *invocation_field(const struct invocation *invocation, const struct field *field);
/* All values of a repeatable option, as given. */
size_t invocation_values(const struct invocation *invocation, const char *name,
                         const char *const **ret_values);
int64_t invocation_number(const struct invocation *invocation, const char *name, int64_t fallback);
bool invocation_has(const struct invocation *invocation, const char *name);

/* "hall add"; static room, valid until the next call. */
const char *command_name(const struct command *command);
const char *invocation_name(const struct invocation *invocation);

/* Complain about how the command was used; returns EXIT_USAGE. */
int usage_error(const struct command *command, const char *format, ...) ATM_PRINTF(2, 3);

#endif
