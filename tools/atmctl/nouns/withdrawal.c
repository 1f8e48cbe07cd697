/* withdrawal: what happened, found by terminal, time, RRN, STAN, card or link. */
#include <inttypes.h>

#include "tools/atmctl/rows.h"
#include "tools/atmctl/withdrawal_whole.h"

enum { WITHDRAWAL_LIMIT = 100 };

static int withdrawal_list(const struct invocation *invocation)
{
        struct selection selection;
        struct database database;
        struct output *output = NULL;
        PGresult *result;
        int64_t limit;
        char limit_text[24];
        bool cut;
        int exit_code = withdrawal_card(invocation, &selection);

        if (exit_code != EXIT_DONE)
                return exit_code;
        exit_code = EXIT_FAILED;
        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        rows_limit(invocation, WITHDRAWAL_LIMIT, &limit, limit_text);
        result = withdrawal_find(&database, invocation, &selection, limit_text);
        if (result)
                output = output_open(invocation, OUTPUT_ROWS, withdrawal_columns, WITHDRAWAL_COLUMN_COUNT);
        if (!output)
                goto clear;
        cut = PQntuples(result) > limit;
        if (!output_result(output, result, cut ? (int)limit : PQntuples(result)))
                output_abandon(output);
        else if (output_close(output))
                exit_code = EXIT_DONE;
        if (cut)
                note("only the newest %" PRId64
                     " are shown: --limit N shows more, --terminal, --from, --to, --date, --card, --link "
                     "or --state narrow it",
                     limit);
clear:
        PQclear(result);
        database_close(&database);
        return exit_code;
}

static const struct field list_fields[] = {
    WITHDRAWAL_FIELDS,
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 100 unless given"},
    {.name = NULL}};
static const struct field show_fields[] = {WITHDRAWAL_FIELDS, {.name = NULL}};

#define FLAGS (COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CARD | COMMAND_TOKEN_KEY)

static const struct command commands[] = {
    {.noun = "withdrawal",
     .verb = "list",
     .text = "list withdrawals, refused ones too, the newest first",
     .more = "Options narrow it together. State and amounts are what became of it so far: fees are zero "
             "until cash "
             "was dispensed, and again after a reversal. Asked: its bank is to decide, behind a link, and "
             "has not "
             "yet; cause is how that was decided: the bank's answer, a timeout, the ATM's reversal, an "
             "operator.\n"
             "Example: atmctl withdrawal list --terminal T0000001 --from 2016-12-31 --to 2016-12-31T12:00",
     .flags = FLAGS,
     .run = withdrawal_list,
     .fields = list_fields},
    {.noun = "withdrawal",
     .verb = "show",
     .text = "show one withdrawal with all that is recorded about it, on our side and of the bank's",
     .more = "The options must select exactly one. Its decision, the bank's outcome, advices, what the bank "
             "is told "
             "and when it acknowledged it, commission rows, exceptions, what operators did.\n"
             "Example: atmctl withdrawal show --terminal T0000001 --rrn 636610000123",
     .flags = FLAGS,
     .run = withdrawal_show,
     .fields = show_fields},
};

const struct command_group group_withdrawal = {commands, sizeof(commands) / sizeof(*commands),
                                               "What happened at the ATMs"};
