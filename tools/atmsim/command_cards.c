/* atmsim cards: a file of test cards, mode 0600, complete or not there at all. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/atmsim/cards.h"
#include "tools/atmsim/commands.h"
#include "tools/atmsim/options.h"

static int64_t card_count, card_seed = 1, balance_yen = 200000;
static const char *issuer = "HOUSE", *prefix = "990001", *expiry = "4912", *output;

static const struct option_row rows[] = {
    {.name = "count",
     .argument = "N",
     .type = OPTION_NUMBER,
     .target = &card_count,
     .minimum = 1,
     .maximum = 100000000,
     .mandatory = true,
     .text = "how many"},
    {.name = "output",
     .argument = "FILE",
     .type = OPTION_TEXT,
     .target = &output,
     .mandatory = true,
     .text = "where to; '-' is standard output"},
    {.name = "seed",
     .argument = "S",
     .type = OPTION_NUMBER,
     .target = &card_seed,
     .minimum = 0,
     .maximum = INT64_MAX,
     .text = "the same seed makes the same cards (1)"},
    {.name = "issuer", .argument = "ID", .type = OPTION_TEXT, .target = &issuer, .text = "the bank (HOUSE)"},
    {.name = "prefix",
     .argument = "DIGITS",
     .type = OPTION_TEXT,
     .target = &prefix,
     .text = "first digits of the 16 of a card number (990001)"},
    {.name = "expiry",
     .argument = "YYMM",
     .type = OPTION_TEXT,
     .target = &expiry,
     .text = "of all of them (4912)"},
    {.name = "balance-yen",
     .argument = "YEN",
     .type = OPTION_NUMBER,
     .target = &balance_yen,
     .minimum = 0,
     .maximum = 1000000000000,
     .text = "on each account at the start (200000)"},
};

const struct command cards_command = {
    .name = "cards",
    .synopsis = "atmsim cards --count N --output FILE [options]",
    .about = "Makes a CSV file of test cards (pan,expiry,pin,issuer,balance_yen) for 'atmctl card import' "
             "and for\n"
             "'atmsim run'. The numbers are made up, each with its check digit. The file's mode is 0600.\n",
    .rows = rows,
    .count = sizeof(rows) / sizeof(rows[0]),
};

static int refuse(const char *option, const char *why)
{
        fprintf(stderr, "atmsim cards: --%s: %s\n", option, why);
        return EXIT_USAGE;
}

static int check(void)
{
        size_t digits = strlen(prefix);
        int64_t numbers = 1;

        if (strspn(prefix, "0123456789") != digits || digits > 10)
                return refuse("prefix", "1 to 10 digits are expected");
        for (size_t i = digits; i < 15 && numbers < card_count; i++)
                numbers *= 10;
        if (card_count > numbers)
                return refuse("count", "there are not so many numbers with this prefix");
        if (strlen(expiry) != 4 || strspn(expiry, "0123456789") != 4 || memcmp(expiry + 2, "01", 2) < 0 ||
            memcmp(expiry + 2, "12", 2) > 0)
                return refuse("expiry", "YYMM is expected");
        if (strlen(issuer) > 11 || strspn(issuer, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(issuer))
                return refuse("issuer", "1 to 11 capital letters and digits are expected");
        return EXIT_DONE;
}

static int write_file(const struct cards_recipe *recipe)
{
        char temporary[4096];
        FILE *file;
        int fd;

        if (snprintf(temporary, sizeof(temporary), "%s.new", output) >= (int)sizeof(temporary))
                return refuse("output", "the path is too long");
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
        fprintf(stderr, "atmsim cards: %s: %s\n", output, strerror(errno));
        unlink(temporary);
        return EXIT_FAILED;
}

int command_cards(int count, char **words)
{
        int result = options_take(&cards_command, count, words);
        struct cards_recipe recipe;

        if (result != EXIT_DONE)
                return result == EXIT_FAILED ? EXIT_DONE : result;
        result = check();
        if (result != EXIT_DONE)
                return result;
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
