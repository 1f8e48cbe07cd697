/* atmsim cards: a file of test cards, mode 0600, complete or not there at all. */
#include <errno.h>
#include <fcntl.h>
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

/* What is wrong with the options; NULL: nothing. */
static const char *check(void)
{
        size_t digits = strlen(prefix);
        int64_t numbers = 1;

        if (strspn(prefix, "0123456789") != digits || digits > 10)
                return "--prefix: expected 1 to 10 digits";
        for (size_t i = digits; i < 15 && numbers < card_count; i++)
                numbers *= 10;
        if (card_count > numbers)
                return "--count: there are not so many numbers with this prefix";
        if (strlen(expiry) != 4 || strspn(expiry, "0123456789") != 4 || memcmp(expiry + 2, "01", 2) < 0 ||
            memcmp(expiry + 2, "12", 2) > 0)
                return "--expiry: expected YYMM";
        if (strlen(issuer) > 11 || strspn(issuer, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(issuer))
                return "--issuer: expected 1 to 11 capital letters and digits";
        if (strlen(output) >= OUTPUT_MAX)
                return "--output: the path is too long";
        return NULL;
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
        complain("cards: %s: %s", output, strerror(errno));
        unlink(temporary);
        return EXIT_FAILED;
}

int command_cards(int count, char **words)
{
        int result = program_options(&cards_command, NULL, count, words);
        struct cards_recipe recipe;
        const char *problem;

        if (result != PROGRAM_GOES_ON)
                return result;
        problem = check();
        if (problem)
                return program_usage(cards_command.name, problem);
        recipe = (struct cards_recipe){.count = (uint64_t)card_count,
                                       .seed = (uint64_t)card_seed,
                                       .issuer = issuer,
                                       .prefix = prefix,
                                       .expiry_yymm = expiry,
                                       .balance_yen = balance_yen};
        if (!strcmp(output, "-"))
                return cards_make(&recipe, stdout) ? EXIT_DONE : EXIT_FAILED;
        return write_file(&recipe);
}
