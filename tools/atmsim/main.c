/* atmsim: a fleet of simulated pachinko-parlor ATMs. */
#include <stdio.h>
#include <string.h>

#include "tools/atmsim/commands.h"

static const struct {
        int (*run)(int count, char **words);
        const struct program_command *command;
        const char *text;
} commands[] = {
    {command_run, &run_command, "let a fleet of ATMs withdraw cash, with faults if wanted"},
    {command_cards, &cards_command, "make a file of test cards"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_help(FILE *file)
{
        fputs("atmsim COMMAND [options]\n\n"
              "Simulated pachinko-parlor ATMs: each has its own TLS connection and certificate, its "
              "cassettes and a\n"
              "durable electronic journal. What they need to know is taken from a laboratory's variables:\n\n"
              "    scripts/lab up --dir /tmp/lab && source /tmp/lab/lab.env\n"
              "    atmsim run --atms 10 --closed --withdrawals 1000\n"
              "    atmctl reconcile --drained\n\n",
              file);
        for (int i = 0; i < COMMANDS; i++)
                fprintf(file, "  %-11s%s\n", commands[i].command->name, commands[i].text);
        fputs("\n'atmsim COMMAND --help' tells more. Exit codes: 0 done, 1 failed, 2 wrong usage.\n", file);
}

/* docs/man/atmsim.1.scd is this output; a test compares them. */
static void print_manual(FILE *file)
{
        fputs(
            "atmsim(1)\n\n# NAME\n\natmsim - a fleet of simulated ATMs\n\n# SYNOPSIS\n\n"
            "*atmsim* _COMMAND_ \\[_OPTIONS_]\n\n*atmsim* \\[_COMMAND_] *--help*\n\n# DESCRIPTION\n\n"
            "Simulated pachinko-parlor ATMs: each has its own TLS connection and certificate, its cassettes "
            "and a "
            "durable electronic journal. What they need to know is taken from the variables of a laboratory "
            "(_scripts/lab_, _lab.env_).\n\nThis page is made by *atmsim --man* from the rows that the "
            "program itself "
            "works with.\n\n",
            file);
        for (int i = 0; i < COMMANDS; i++) {
                fprintf(file, "# ATMSIM %s\n\n", commands[i].command->name);
                manual_text(file, commands[i].command->about);
                fputc('\n', file);
                manual_rows(file, commands[i].command->rows, commands[i].command->count);
        }
        fputs("# FILES\n\n_DIR/atmsim-000001.journal_\n\tthe journal of the first process that ran on the "
              "folder; the "
              "next one writes 000002. One line a record, with a checksum; no card number is in it.\n\n"
              "_DIR/dispensers_\n\twhat each dispenser has counted: cash and notes in all, and the last "
              "withdrawal's cash. The truth about cash after a power loss.\n\n_DIR/lock_\n\tkeeps two "
              "processes from "
              "using one folder.\n\n# EXIT STATUS\n\n0 done, 1 failed, 2 wrong usage.\n\n# SEE ALSO\n\n"
              "*atmctl*(1), *atmd*(8)\n",
              file);
}

int main(int argc, char **argv)
{
        static const struct program program = {"atmsim", print_help, print_manual};
        int result = program_begin(&program, argc - 1, argv + 1);

        if (result != PROGRAM_GOES_ON)
                return result;
        for (int i = 0; argc >= 2 && i < COMMANDS; i++)
                if (!strcmp(argv[1], commands[i].command->name))
                        return commands[i].run(argc - 2, argv + 2);
        if (argc >= 2)
                return program_unknown(argv[1], (const char *const[]){"run", "cards", NULL});
        print_help(stderr);
        return EXIT_USAGE;
}
