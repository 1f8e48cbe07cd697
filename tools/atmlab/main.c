/*
 * atmlab: the processes of a laboratory, started, awaited and ended. scripts/lab makes the laboratory and says what
 * runs in it; here is what needs more than a script.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/now.h"
#include "lib/cli/program.h"
#include "lib/cli/values.h"
#include "tools/atmlab/launch.h"
#include "tools/atmlab/part.h"

enum { PARTS_MAX = 64, KILLED_MS = 10000 };

/* ---- options --------------------------------------------------------------------------------------------- */

static const char *folder;
static int64_t patience_s = 30, drain_s = 15;
static struct part parts[PARTS_MAX];
static size_t part_count;

static bool take_part(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        if (part_count == PARTS_MAX)
                return option_refuse(value, error, "at most %d names", PARTS_MAX);
        if (!part_of(&parts[part_count], "", value->text))
                return option_refuse(value, error, "at most %d letters, digits and '-'", PART_NAME_MAX);
        part_count++;
        return true;
}

/* Options come in any order: names may have been taken before the folder. */
static bool enter_folder(void)
{
        for (size_t i = 0; i < part_count; i++) {
                if (!part_of(&parts[i], folder, parts[i].name)) {
                        complain("--dir: '%.80s...': the path is too long", folder);
                        return false;
                }
        }
        return true;
}

#define ROW_DIR                                                                                              \
        {                                                                                                    \
                .name = "dir", .value = "DIR", .take = option_take_text, .target = &folder,                  \
                .flags = OPTION_REQUIRED, .text = "the laboratory's folder, with run/ and log/ in it"        \
        }

static const struct option_row start_rows[] = {
    ROW_DIR,
    {.name = "patience",
     .value = "S",
     .take = option_take_number,
     .target = &patience_s,
     .minimum = 1,
     .maximum = 3600,
     .text = "seconds for it to say that it is ready (30)"},
    {.name = "name",
     .value = "NAME",
     .take = take_part,
     .flags = OPTION_REQUIRED | OPTION_POSITIONAL,
     .text = "of the process: letters, digits and '-'"},
};

static const struct option_row names_rows[] = {
    ROW_DIR,
    {.name = "name",
     .value = "NAME",
     .take = take_part,
     .flags = OPTION_REQUIRED | OPTION_POSITIONAL | OPTION_SEVERAL,
     .text = "of a process"},
};

static const struct option_row stop_rows[] = {
    ROW_DIR,
    {.name = "seconds",
     .value = "S",
     .take = option_take_number,
     .target = &drain_s,
     .minimum = 0,
     .maximum = 3600,
     .text = "for all of them to end by themselves (15)"},
    {.name = "name",
     .value = "NAME",
     .take = take_part,
     .flags = OPTION_REQUIRED | OPTION_POSITIONAL | OPTION_SEVERAL,
     .text = "of a process"},
};

/* ---- commands -------------------------------------------------------------------------------------------- */

/* words: the program and its arguments; NULL where there are none. */
static int command_start(char **words)
{
        int process;

        if (!words || !*words)
                return program_usage("start", "what to start is missing: expected -- PROGRAM [ARGUMENT...]");
        process = part_open(&parts[0]);
        if (process >= 0) {
                complain("%s is running already (process %d)", parts[0].name, (int)part_number(&parts[0]));
                close(process);
                return EXIT_FAILED;
        }
        return launch(&parts[0], words, patience_s * 1000) == LAUNCH_READY ? EXIT_DONE : EXIT_FAILED;
}

static bool await_killed(const struct part *part, int process)
{
        if (part_await_end(process, steady_now_ms() + KILLED_MS))
                return true;
        complain("%s does not end", part->name);
        return false;
}

static int command_kill(char **words)
{
        bool killed = true;

        (void)words;
        for (size_t i = 0; i < part_count; i++) {
                int process = part_open(&parts[i]);

                if (process < 0) {
                        complain("%s is not running", parts[i].name);
                        killed = false;
                        continue;
                }
                part_signal(process, SIGKILL);
                killed = await_killed(&parts[i], process) && killed;
                close(process);
        }
        return killed ? EXIT_DONE : EXIT_FAILED;
}

static int command_stop(char **words)
{
        int64_t until_ms = steady_now_ms() + drain_s * 1000;
        int process[PARTS_MAX];
        bool stopped = true;

        (void)words;
        for (size_t i = 0; i < part_count; i++) {
                process[i] = part_open(&parts[i]);
                if (process[i] >= 0)
                        part_signal(process[i], SIGTERM);
        }
        for (size_t i = 0; i < part_count; i++) {
                if (process[i] < 0)
                        continue;
                if (!part_await_end(process[i], until_ms)) {
                        part_signal(process[i], SIGKILL);
                        stopped = await_killed(&parts[i], process[i]) && stopped;
                }
                close(process[i]);
        }
        return stopped ? EXIT_DONE : EXIT_FAILED;
}

static int command_pid(char **words)
{
        int end = EXIT_DONE;

        (void)words;
        for (size_t i = 0; i < part_count; i++) {
                pid_t number = part_number(&parts[i]);

                if (number) { /* a 0 would be the caller's whole group to 'kill' */
                        printf("%d\n", (int)number);
                } else {
                        complain("%s was not started here", parts[i].name);
                        end = EXIT_FAILED;
                }
        }
        return program_end(end);
}

#define ROWS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

static const struct {
        struct program_command command;
        int (*run)(char **words);
        const char *text;
} commands[] = {
    {{"start", "atmlab start --dir DIR [--patience S] NAME -- PROGRAM [ARGUMENT...]",
      "Starts a process in a session of its own, in DIR, with nothing inherited but the end of its log,\n"
      "DIR/log/NAME.log, and returns when it has said that it is ready, as to systemd (sd_notify). Where it\n"
      "ends instead, or does not get ready in time, the end of its log is shown.\n",
      NULL, ROWS(start_rows)},
     command_start,
     "start a process and wait until it serves"},
    {{"kill", "atmlab kill --dir DIR NAME...", "Kills processes with SIGKILL, and waits for their end.\n",
      NULL, ROWS(names_rows)},
     command_kill,
     "end processes as a crash does"},
    {{"stop", "atmlab stop --dir DIR [--seconds S] NAME...",
      "Asks all of them to end (SIGTERM), waits, and kills those that have not ended in time. Those that "
      "don't\n"
      "run are as they should be.\n",
      NULL, ROWS(stop_rows)},
     command_stop,
     "end processes as their operator does"},
    {{"pid", "atmlab pid --dir DIR NAME...",
      "Prints the number that each was last started with, alive or gone, a line each.\n", NULL,
      ROWS(names_rows)},
     command_pid,
     "print processes' numbers"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

/* ---- help ------------------------------------------------------------------------------------------------ */

static void print_help(FILE *file)
{
        fputs("atmlab COMMAND --dir DIR [options] NAME...\n\n"
              "The processes of a laboratory, each known by a name. scripts/lab makes the laboratory, and "
              "asks here for\n"
              "its processes: use that.\n\n",
              file);
        for (int i = 0; i < COMMANDS; i++)
                fprintf(file, "  %-7s%s\n", commands[i].command.name, commands[i].text);
        fputs("\n'atmlab COMMAND --help' tells more. Exit codes: 0 done, 1 failed, 2 wrong usage.\n", file);
}

/* docs/man/atmlab.1.scd is this output; a test compares them. */
static void print_manual(FILE *file)
{
        fputs(
            "atmlab(1)\n\n# NAME\n\natmlab - the processes of a laboratory\n\n# SYNOPSIS\n\n"
            "*atmlab* _COMMAND_ *--dir* _DIR_ \\[_OPTIONS_] _NAME_...\n\n*atmlab* \\[_COMMAND_] *--help*\n\n"
            "# DESCRIPTION\n\n"
            "Starts, awaits and ends the processes of a laboratory, which _scripts/lab_ makes. Each is known "
            "by a "
            "name. This page is made by *atmlab --man* from the rows that the program itself works with.\n\n",
            file);
        for (int i = 0; i < COMMANDS; i++) {
                const struct program_command *command = &commands[i].command;

                fprintf(file, "# ATMLAB %s\n\n", command->name);
                manual_text(file, command->synopsis);
                fputs("\n\n", file);
                manual_text(file, command->about);
                fputc('\n', file);
                manual_rows(file, command->rows, command->count);
        }
        fputs("# FILES\n\n_DIR/run/NAME_\n\tnumber of the process, and the kernel's tick at which it "
              "started: together "
              "they are no other process's\n\n"
              "_DIR/log/NAME.log_\n\twhat it wrote, in all its lives\n\n"
              "# EXIT STATUS\n\n0 done, 1 failed, 2 wrong usage.\n\n# SEE ALSO\n\n*atmd*(8), *banksim*(1)\n",
              file);
}

/* Words behind "--" are no options of ours: cut off and returned; NULL: there is no "--". */
static char **cut_words(int *count, char **words)
{
        for (int i = 0; i < *count; i++) {
                if (!strcmp(words[i], "--")) {
                        words[i] = NULL;
                        *count = i;
                        return words + i + 1;
                }
        }
        return NULL;
}

static int run(int i, int count, char **words)
{
        char **behind = cut_words(&count, words);
        int result = program_options(&commands[i].command, NULL, count, words);

        if (result != PROGRAM_GOES_ON)
                return result;
        return enter_folder() ? commands[i].run(behind) : EXIT_FAILED;
}

int main(int argc, char **argv)
{
        static const struct program program = {"atmlab", print_help, print_manual};
        int result = program_begin(&program, argc - 1, argv + 1);

        if (result != PROGRAM_GOES_ON)
                return result;
        for (int i = 0; argc >= 2 && i < COMMANDS; i++)
                if (!strcmp(argv[1], commands[i].command.name))
                        return run(i, argc - 2, argv + 2);
        if (argc >= 2)
                return program_unknown(argv[1], (const char *const[]){"start", "kill", "stop", "pid", NULL});
        print_help(stderr);
        return EXIT_USAGE;
}
