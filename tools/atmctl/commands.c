/* The command table: nouns in the order in which help shows them, and the way from words to one of their
 * commands. */
#include "tools/atmctl/commands.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/digits.h"
#include "lib/base/nearest.h"
#include "lib/base/plural.h"
#include "tools/atmctl/completion.h"
#include "tools/atmctl/help.h"
#include "tools/atmctl/invocation.h"

/* Each is the last row of its file in nouns/. */
extern const struct command_group group_reference, group_card, group_exclusion, group_withdrawal,
    group_exception, group_claim, group_key, group_link, group_saf, group_instance, group_server,
    group_finance, group_period, group_report, group_history, group_trail, group_recovery, group_database,
    group_setup, group_system;

static int complete(const struct invocation *invocation);

static const struct command completion_commands[] = {
    {.noun = "completion",
     .verb = "bash",
     .text = "print what bash needs to complete nouns, verbs, options and their values",
     .more = "Plurals, and ls, get and rm for list, show and remove, are understood and not offered. "
             "Example: source <(atmctl completion bash)",
     .run = complete},
    {.noun = "completion",
     .verb = "zsh",
     .text = "print the same for zsh",
     .more = "Example: atmctl completion zsh >~/.zfunc/_atmctl, where ~/.zfunc is a folder of $fpath",
     .run = complete},
};
static const struct command_group group_completion = {completion_commands, LENGTH(completion_commands),
                                                      "Shells"};

static const struct command_group *const groups[] = {
    &group_reference,  &group_card,   &group_exclusion, &group_withdrawal, &group_exception,
    &group_claim,      &group_link,   &group_key,       &group_instance,   &group_saf,
    &group_finance,    &group_period, &group_report,    &group_history,    &group_trail,
    &group_recovery,   &group_setup,  &group_database,  &group_server,     &group_system,
    &group_completion, NULL,
};

const struct command_group *const *commands_groups(void)
{
        return groups;
}

static int complete(const struct invocation *invocation)
{
        if (!strcmp(invocation->command->verb, "bash"))
                completion_bash(stdout, groups);
        else
                completion_zsh(stdout, groups);
        return program_end(EXIT_DONE);
}

/* looking up -------------------------------------------------------------------------------------------- */

static const char *verb_of(const char *word)
{
        for (const struct verb_alias *alias = verb_aliases; alias->word; alias++) {
                if (!strcmp(alias->word, word))
                        return alias->verb;
        }
        return word;
}

/* A noun may stand in its plural. */
static bool is_noun(const char *noun, const char *word)
{
        char many[PLURAL_MAX];

        return !strcmp(noun, word) || !strcmp(plural_of(noun, many), word);
}

static const struct command *next_of(const struct command_group *const **group, size_t *i)
{
        for (; **group; ++*group, *i = 0) {
                if (*i < (**group)->count)
                        return &(**group)->commands[(*i)++];
        }
        return NULL;
}

/* The noun as the table has it; NULL: there is none. */
static const char *find_noun(const char *word)
{
        const struct command_group *const *group = groups;
        const struct command *command;

        for (size_t i = 0; (command = next_of(&group, &i));) {
                if (is_noun(command->noun, word))
                        return command->noun;
        }
        return NULL;
}

static const struct command *find_exactly(const char *noun, const char *verb)
{
        const struct command_group *const *group = groups;
        const struct command *command;

        for (size_t i = 0; (command = next_of(&group, &i));) {
                if (!strcmp(command->noun, noun) &&
                    (!command->verb || (verb && !strcmp(command->verb, verb))))
                        return command;
        }
        return NULL;
}

const struct command *commands_find(const char *noun, const char *verb)
{
        const struct command *command;

        noun = noun ? find_noun(noun) : NULL;
        if (!noun)
                return NULL;
        command = find_exactly(noun, verb);
        return command || !verb ? command : find_exactly(noun, verb_of(verb));
}

/* Of a noun, or, without one, a noun itself. */
static const char *guess(const char *noun, const char *word)
{
        const struct command_group *const *group = groups;
        const struct command *command;
        struct nearest nearest;

        nearest_begin(&nearest, word, strlen(word));
        for (size_t i = 0; (command = next_of(&group, &i));) {
                if (!noun)
                        nearest_try(&nearest, command->noun);
                else if (!strcmp(command->noun, noun))
                        nearest_try(&nearest, command->verb);
        }
        return nearest.found;
}

/* complaints -------------------------------------------------------------------------------------------- */

enum { SHOWN_MAX = 256 };

/* A card number may stand where a noun or verb is expected. */
static const char *shown(const char *word, char buffer[SHOWN_MAX])
{
        snprintf(buffer, SHOWN_MAX, "%s", word);
        digits_mask(buffer);
        return buffer;
}

static void complain_of_noun(int argc, char **argv)
{
        char word[SHOWN_MAX];
        const char *meant = guess(NULL, argv[0]), *noun = argc > 1 ? find_noun(argv[1]) : NULL;
        const struct command *turned = noun ? commands_find(noun, argv[0]) : NULL;

        if (turned && turned->verb) { /* "list halls" */
                complain("'%.60s' is no noun: the noun comes first: 'atmctl %s'", argv[0],
                         command_name(turned));
                return;
        }
        complain("'%.60s' is no noun%s%s%s", shown(argv[0], word), meant ? ": did you mean " : "",
                 meant ? meant : "", meant ? "?" : "");
        note("'atmctl --help' lists the nouns");
}

static void complain_of_verb(const char *noun, const char *verb)
{
        char word[SHOWN_MAX];
        const char *meant = guess(noun, verb);

        complain("%s: '%.60s' is no verb of it%s%s%s", noun, shown(verb, word),
                 meant ? ": did you mean " : "", meant ? meant : "", meant ? "?" : "");
        note("'atmctl %s --help' lists the verbs", noun);
}

static int unknown_command(int argc, char **argv)
{
        const char *noun = argc ? find_noun(argv[0]) : NULL;

        if (!argc) {
                complain("what is to be done? expected a noun and a verb, as 'atmctl hall list'");
                note("'atmctl --help' lists them");
        } else if (!noun) {
                complain_of_noun(argc, argv);
        } else if (argc < 2) {
                complain("%s: what is to be done with it? expected a verb", noun);
                note("'atmctl %s --help' lists the verbs", noun);
        } else {
                complain_of_verb(noun, argv[1]);
        }
        return EXIT_USAGE;
}

/* running ----------------------------------------------------------------------------------------------- */

static bool wants_help(int argc, char **argv)
{
        for (int i = 0; i < argc; i++) {
                if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
                        return true;
        }
        return false;
}

/* Of a command or of a noun. */
static int show_help(int argc, char **argv)
{
        const char *noun = find_noun(argv[0]);
        const struct command *command = commands_find(argv[0], argc > 1 ? argv[1] : NULL);

        if (command)
                help_command(stdout, command);
        else if (noun && (argc < 2 || argv[1][0] == '-'))
                help_noun(stdout, groups, noun);
        else
                return unknown_command(argc, argv);
        return program_end(EXIT_DONE);
}

static void print_help(FILE *stream)
{
        help_all(stream, groups);
}

static void print_manual(FILE *stream)
{
        help_manual(stream, groups);
}

int commands_main(int argc, char **argv)
{
        static const struct program program = {"atmctl", print_help, print_manual};
        bool of_something = argc > 1 && !strcmp(argv[0], "help"); /* "help link" */
        int exit_code = program_begin(&program, of_something ? 0 : argc, argv);
        const struct command *command;

        if (exit_code != PROGRAM_GOES_ON)
                return exit_code;
        if (of_something)
                return show_help(argc - 1, argv + 1);
        if (argc && wants_help(argc - 1, argv + 1))
                return show_help(argc, argv);
        command = argc ? commands_find(argv[0], argc > 1 ? argv[1] : NULL) : NULL;
        if (!command)
                return unknown_command(argc, argv);
        return invocation_run(command, argc - (command->verb ? 2 : 1), argv + (command->verb ? 2 : 1));
}
