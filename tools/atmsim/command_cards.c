/* atmsim cards: a file of test cards, mode 0600, complete or not there at all. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/cli/values.h"
#include "tools/atmsim/cards.h"
#include "tools/atmsim/commands.h"

enum { OUTPUT_MAX = 4091 };

static int64_t card_count, card_seed = 1, balance_yen = 200000;
static const char *issuer = "HOUSE", *prefix = "990001", *expiry = "4912", *output;

static const struct option_row rows[] = {
    {.name = "count",
     .value = "N",
     .take = option_take_number,
     .target = &card_count,
     .minimum = 1,
     .maximum = 100000000,
     .flags = OPTION_REQUIRED,
     .text = "how many"},
    {.name = "output",
     .value = "FILE",
     .take = option_take_text,
     .target = &output,
     .flags = OPTION_REQUIRED,
     .text = "where to; '-' is standard output"},
    {.name = "seed",
     .value = "S",
     .take = option_take_number,
     .target = &card_seed,
     .minimum = 0,
     .maximum = INT64_MAX,
     .text = "the same seed makes the same cards (1)"},
    {.name = "issuer",
     .value = "ID",
     .take = option_take_text,
     .target = &issuer,
     .text = "the bank (HOUSE)"},
    {.name = "prefix",
     .value = "DIGITS",
     .take = option_take_text,
     .target = &prefix,
     .text = "first digits of the 16 of a card number (990001)"},
    {.name = "expiry",
     .value = "YYMM",
     .take = option_take_text,
     .target = &expiry,
     .text = "of all of them (4912)"},
    {.name = "balance-yen",
     .value = "YEN",
     .take = option_take_number,
     .target = &balance_yen,
     .minimum = 0,
     .maximum = 1000000000000,
     .text = "on each account at the start (200000)"},
};

const struct program_command cards_command = {
    .name = "cards",
    .synopsis = "atmsim cards --count N --output FILE [options]",
    .about = "Makes a CSV file of test cards (pan,expiry,pin,issuer,balance_yen) for 'atmctl card import' "
             "and for\n"
             "'atmsim run'. The numbers are made up, each with its check digit. The file's mode is 0600.\n",
    .ending = "Exit codes: 0 done, 1 failed, 2 wrong usage.\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

ATM_PRINTF(2, 3) static bool refuse(char problem[OPTIONS_ERROR_MAX], const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(problem, OPTIONS_ERROR_MAX, format, arguments);
        va_end(arguments);
        return false;
}

/* False with what is wrong with the options. */
static bool check(char problem[OPTIONS_ERROR_MAX])
{
        size_t digits = strlen(prefix);
        int64_t numbers = 1;

        if (strspn(prefix, "0123456789") != digits || digits > 10)
                return refuse(problem, "--prefix: '%.80s': expected 1 to 10 digits", prefix);
        for (size_t i = digits; i < 15 && numbers < card_count; i++)
                numbers *= 10;
        if (card_count > numbers)
                return refuse(problem,
                              "--count: '%" PRId64 "': expected at most %" PRId64
                              ", as many numbers as there are with the prefix %s",
                              card_count, numbers, prefix);
        if (strlen(expiry) != 4 || strspn(expiry, "0123456789") != 4 || memcmp(expiry + 2, "01", 2) < 0 ||
            memcmp(expiry + 2, "12", 2) > 0)
                return refuse(problem, "--expiry: '%.80s': expected YYMM, the month from 01 to 12", expiry);
        if (strlen(issuer) > 11 || strspn(issuer, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(issuer))
                return refuse(problem, "--issuer: '%.80s': expected 1 to 11 capital letters and digits",
                              issuer);
        if (strlen(output) >= OUTPUT_MAX)
                return refuse(problem, "--output: '%.80s...': expected a path of fewer than %d bytes", output,
                              OUTPUT_MAX);
        return true;
}

static int fail(void)
{
        complain("cards: %s: can't be written: %s", output, strerror(errno));
        return EXIT_FAILED;
}

/* A device or a pipe: a file in its place would put an end to it, to /dev/null, for one. */
static bool is_special(void)
{
        struct stat status;

        return stat(output, &status) == 0 && !S_ISREG(status.st_mode);
}

static int write_special(const struct cards_recipe *recipe)
{
        FILE *file = fopen(output, "we");
        bool made = file && cards_make(recipe, file);

        if (file && fclose(file) != 0)
                made = false;
        return made ? EXIT_DONE : fail();
}

static int write_file(const struct cards_recipe *recipe)
{
        char temporary[OUTPUT_MAX + sizeof(".new")];
        FILE *file;
        int fd;

        snprintf(temporary, sizeof(temporary), "%s.new", output);
        unlink(temporary); /* what a broken-off run left: its mode might be another */
        fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        file = fd < 0 ? NULL : fdopen(fd, "w");
        if (!file)
                goto fail;
        if (!cards_make(recipe, file)) {
                fclose(file);
                goto fail;
        }
        if (fclose(file) != 0 || rename(temporary, output) < 0)
                goto fail;
        return EXIT_DONE;
fail:
        fail();
        unlink(temporary);
        return EXIT_FAILED;
}

int command_cards(int count, char **words)
{
        int result = program_options(&cards_command, NULL, count, words);
        struct cards_recipe recipe;
        char problem[OPTIONS_ERROR_MAX];

        if (result != PROGRAM_GOES_ON)
                return result;
        if (!check(problem))
                return program_usage(cards_command.name, problem);
        recipe = (struct cards_recipe){.count = (uint64_t)card_count,
                                       .seed = (uint64_t)card_seed,
                                       .issuer = issuer,
                                       .prefix = prefix,
                                       .expiry_yymm = expiry,
                                       .balance_yen = balance_yen};
        if (!strcmp(output, "-"))
                return program_end(cards_make(&recipe, stdout) ? EXIT_DONE : EXIT_FAILED);
        return is_special() ? write_special(&recipe) : write_file(&recipe);
}
