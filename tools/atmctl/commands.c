/* The command table: nouns in the order in which help shows them, and the way from words to one of their
 * commands. */
#include "tools/atmctl/commands.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/digits.h"
#include "tools/atmctl/help.h"

/* Each is the last row of its file in nouns/. */
extern const struct command_group group_reference, group_card, group_exclusion, group_withdrawal,
    group_exception, group_claim, group_link, group_saf, group_instance, group_server, group_finance,
    group_period, group_report, group_history, group_trail, group_recovery, group_database, group_setup,
    group_system;

static const struct command_group *const groups[] = {
    &group_reference, &group_card,     &group_exclusion, &group_withdrawal, &group_exception,
    &group_claim,     &group_link,     &group_instance,  &group_saf,        &group_finance,
    &group_period,    &group_report,   &group_history,   &group_trail,      &group_recovery,
    &group_setup,     &group_database, &group_server,    &group_system,     NULL,
};

static bool wants_help(int argc, char **argv)
{
        for (int i = 0; i < argc; i++) {
                if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
                        return true;
        }
        return false;
}

static int run(const struct command *command, int argc, char **argv)
{
        if (!wants_help(argc, argv))
                return command_run(command, argc, argv);
        help_command(stdout, command);
        return program_end(EXIT_DONE);
}

static const struct command *find_command(const char *noun, const char *verb)
{
        for (const struct command_group *const *group = groups; *group; group++) {
                for (size_t i = 0; i < (*group)->count; i++) {
                        const struct command *command = &(*group)->commands[i];

                        if (!strcmp(command->noun, noun) &&
                            (!command->verb || (verb && !strcmp(command->verb, verb))))
                                return command;
                }
        }
        return NULL;
}

static bool noun_exists(const char *noun)
{
        for (const struct command_group *const *group = groups; *group; group++) {
                for (size_t i = 0; i < (*group)->count; i++) {
                        if (!strcmp((*group)->commands[i].noun, noun))
                                return true;
                }
        }
        return false;
}

static int unknown_command(int argc, char **argv)
{
        char shown[256]; /* a card number may stand where a noun or verb is expected */

        if (!argc) {
                complain("what is to be done? expected a noun and a verb, as 'atmctl hall list'");
                note("'atmctl --help' lists them");
        } else if (!noun_exists(argv[0])) {
                snprintf(shown, sizeof(shown), "%s", argv[0]);
                digits_mask(shown);
                complain("'%.60s' is no noun", shown);
                note("'atmctl --help' lists the nouns");
        } else if (argc < 2) {
                complain("%s: what is to be done with it? expected a verb", argv[0]);
                note("'atmctl %s --help' lists the verbs", argv[0]);
        } else {
                snprintf(shown, sizeof(shown), "%s", argv[1]);
                digits_mask(shown);
                complain("%s: '%.60s' is no verb of it", argv[0], shown);
                note("'atmctl %s --help' lists the verbs", argv[0]);
        }
        return EXIT_USAGE;
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
        int exit_code = program_begin(&program, argc, argv);
        const struct command *command;

        if (exit_code != PROGRAM_GOES_ON)
                return exit_code;
        command = argc ? find_command(argv[0], argc > 1 ? argv[1] : NULL) : NULL;
        if (command)
                return run(command, argc - (command->verb ? 2 : 1), argv + (command->verb ? 2 : 1));
        if (argc && noun_exists(argv[0]) && wants_help(argc - 1, argv + 1)) {
                help_noun(stdout, groups, argv[0]);
                return program_end(EXIT_DONE);
        }
        return unknown_command(argc, argv);
}
