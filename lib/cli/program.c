/* The words that every program understands: see program.h. */
#include "lib/cli/program.h"

#include <errno.h>
#include <string.h>

#include "lib/base/digits.h"
#include "lib/base/nearest.h"
#include "lib/base/process.h"

int program_end(int exit_code)
{
        bool flushed = fflush(stdout) == 0;

        if (flushed && !ferror(stdout))
                return exit_code;
        complain("standard output: can't be written%s%s", flushed ? "" : ": ",
                 flushed ? "" : strerror(errno));
        return exit_code == EXIT_DONE ? EXIT_FAILED : exit_code;
}

static int show_version(void)
{
        printf("%s %s\n", say_name(), ATM_VERSION);
        return program_end(EXIT_DONE);
}

int program_begin(const struct program *program, int word_count, char **words)
{
        const char *word = word_count ? words[0] : "";

        process_hold_streams();
        (void)process_forbid_cores(); /* who must tell that it can't be, asks again */
        say_as(program->name);
        if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
                program->help(stdout);
                return program_end(EXIT_DONE);
        }
        if (!strcmp(word, "--man")) {
                program->manual(stdout);
                return program_end(EXIT_DONE);
        }
        return strcmp(word, "--version") ? PROGRAM_GOES_ON : show_version();
}

void program_help(FILE *stream, const struct program_command *command)
{
        fprintf(stream, "%s\n\n%s\n", command->synopsis, command->about);
        help_rows(stream, command->rows, command->count);
        if (command->ending)
                fprintf(stream, "\n%s", command->ending);
}

int program_usage(const char *command, const char *problem)
{
        complain("%s%s%s", command ? command : "", command ? ": " : "", problem);
        note("'%s%s%s --help' shows how it is used", say_name(), command ? " " : "", command ? command : "");
        return EXIT_USAGE;
}

int program_unknown(const char *word, const char *const *commands)
{
        char shown[256], list[256] = "";
        struct nearest nearest;

        snprintf(shown, sizeof(shown), "%s", word);
        digits_mask(shown);
        nearest_begin(&nearest, word, strlen(word));
        for (size_t i = 0, length = 0; commands[i] && length < sizeof(list); i++) {
                nearest_try(&nearest, commands[i]);
                length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
                                           !i                ? ""
                                           : commands[i + 1] ? ", "
                                                             : " or ",
                                           commands[i]);
        }
        complain("'%.60s' is no command: expected %s%s%s%s", shown, list,
                 nearest.found ? ": did you mean " : "", nearest.found ? nearest.found : "",
                 nearest.found ? "?" : "");
        return EXIT_USAGE;
}

int program_options(const struct program_command *command, void *context, int word_count, char **words)
{
        char error[OPTIONS_ERROR_MAX];

        switch (options_parse(command->rows, command->count, context, word_count, words, error)) {
        case OPTIONS_HELP:
                program_help(stdout, command);
                return program_end(EXIT_DONE);
        case OPTIONS_VERSION:
                return show_version();
        case OPTIONS_USAGE:
                return program_usage(command->name, error);
        case OPTIONS_FAILED:
        case OPTIONS_GOOD:
                break;
        }
        return PROGRAM_GOES_ON;
}
