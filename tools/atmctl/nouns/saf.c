/* saf: store and forward, the notices that banks have not acknowledged yet, and what operators do about them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/cases/notices.h"
#include "tools/atmctl/operator.h"
#include "tools/atmctl/rows.h"

static const struct output_column saf_columns[] = {
    {"link", OUTPUT_TEXT, 0},
    {"terminal", OUTPUT_TEXT, 0},
    {"transmitted_at", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0},
    {"seq", OUTPUT_NUMBER, 0},
    {"rrn", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"kind", OUTPUT_TEXT, 0},
    {"amount_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"charge_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"dispensed_yen", OUTPUT_YEN, 0},
    {"why", OUTPUT_TEXT, 0},
    {"age_s", OUTPUT_NUMBER, 0},
    {"attempts", OUTPUT_NUMBER, 0},
    {"state", OUTPUT_TEXT, 0},
    {"next_s", OUTPUT_NUMBER, 0},
    {"last_error", OUTPUT_TEXT, 0},
};
static const struct output_column detail_columns[] = {{"withdrawal_state", OUTPUT_TEXT, 0},
                                                      {"outcome_cause", OUTPUT_TEXT, 0},
                                                      {"bank_de39", OUTPUT_TEXT, 0},
                                                      {"sender", OUTPUT_TEXT, 0}};

static struct notice_question question_of(const struct invocation *invocation)
{
        return (struct notice_question){.link = invocation_value(invocation, "link"),
                                        .terminal = invocation_value(invocation, "terminal"),
                                        .stan = invocation_value(invocation, "stan"),
                                        .seq = invocation_value(invocation, "seq"),
                                        .rrn = invocation_value(invocation, "rrn"),
                                        .from = invocation_value(invocation, "from"),
                                        .to = invocation_value(invocation, "to"),
                                        .parked = invocation_value(invocation, "parked"),
                                        .now_ms = operator_now()};
}

static bool is_narrowed(const struct invocation *invocation)
{
        static const char *const names[] = {"link", "terminal", "stan", "seq", "rrn", "from", "to", "parked"};

        for (size_t i = 0; i < LENGTH(names); i++) {
                if (invocation_has(invocation, names[i]))
                        return true;
        }
        return false;
}

static int saf_list(const struct invocation *invocation)
{
        const struct notice_question question = question_of(invocation);
        int64_t limit = invocation_number(invocation, "limit", LIST_LIMIT);
        struct database database;
        PGresult *result;
        char error[PG_ERROR_MAX];
        bool done = false;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        result = notices_list(database.connection, &question, limit + 1, error);
        if (result)
                done = rows_print_found(invocation, saf_columns, LENGTH(saf_columns), result, limit,
                                        "only the oldest %s are shown: --limit N shows more of them");
        else
                database_complain_of(error);
        PQclear(result);
        database_close(&database);
        return done ? EXIT_DONE : EXIT_FAILED;
}

static bool print_notice(const struct invocation *invocation, const PGresult *result)
{
        struct output_column columns[LENGTH(saf_columns) + LENGTH(detail_columns)];
        struct output *output;

        for (size_t i = 0; i < LENGTH(saf_columns); i++)
                columns[i] = (struct output_column){saf_columns[i].name, saf_columns[i].type, 0};
        memcpy(columns + LENGTH(saf_columns), detail_columns, sizeof(detail_columns));
        output = output_open(invocation, OUTPUT_ONE, columns, LENGTH(columns));
        if (!output)
                return false;
        if (output_result(output, result, 1))
                return output_close(output);
        output_abandon(output);
        return false;
}

static int saf_show(const struct invocation *invocation)
{
        const struct notice_question question = question_of(invocation);
        struct database database;
        PGresult *result;
        char error[PG_ERROR_MAX];
        bool done = false;

        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        result = notices_show(database.connection, &question, error);
        if (!result)
                database_complain_of(error);
        else if (PQntuples(result) == 1)
                done = print_notice(invocation, result);
        else
                complain("saf show: %s is like that: expected options that select one; 'atmctl saf list' "
                         "shows them",
                         PQntuples(result) ? "more than one notice" : "no notice");
        PQclear(result);
        database_close(&database);
        return done ? EXIT_DONE : EXIT_FAILED;
}

/* retry and park: the command's argument is whether to park. */
static int saf_change(const struct invocation *invocation)
{
        const enum notice_change change = *invocation->command->argument == 't' ? NOTICE_PARK : NOTICE_RETRY;
        const struct notice_question question = question_of(invocation);
        struct database database;
        char error[PG_ERROR_MAX];
        int changed;

        if (!is_narrowed(invocation))
                return usage_error(invocation->command,
                                   "which notices? expected --link, --terminal or another option "
                                   "that selects them");
        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        changed = notices_change(database.connection, &question, change, operator_name(),
                                 invocation_value(invocation, "note"), error);
        if (changed > 0)
                printf("saf: %d %s\n", changed,
                       change == NOTICE_PARK ? "parked, not to be sent until 'atmctl saf retry'"
                                             : "to be sent now");
        else if (changed == 0)
                complain("saf %s: no notice is like that%s", invocation->command->verb,
                         change == NOTICE_PARK ? " and not parked yet" : "");
        else
                database_complain_of(error);
        database_close(&database);
        return changed > 0 ? EXIT_DONE : EXIT_FAILED;
}

/* rows ----------------------------------------------------------------------------------------------------
 */

#define NOTICE_FIELDS                                                                                        \
        {.name = "link", .kind = VALUE_LINK, .text = "to the bank behind this link"},                        \
            {.name = "terminal", .kind = VALUE_TERMINAL, .text = "of withdrawals at this ATM"},              \
            {.name = "from",                                                                                 \
             .kind = VALUE_MOMENT,                                                                           \
             .text = "of withdrawals sent at this moment or later; a day: its first"},                       \
            {.name = "to",                                                                                   \
             .kind = VALUE_MOMENT,                                                                           \
             .text = "of withdrawals sent before this moment; a day: that day included"},                    \
            {.name = "rrn",                                                                                  \
             .kind = VALUE_RRN,                                                                              \
             .text = "of withdrawals with this retrieval reference number, DE 37"},                          \
            {.name = "stan", .kind = VALUE_STAN, .text = "of withdrawals with this trace number, DE 11"},    \
            {.name = "seq", .kind = VALUE_SEQUENCE, .text = "with this place in its withdrawal's order"},    \
        {                                                                                                    \
                .name = "parked", .kind = VALUE_BOOL, .text = "yes: only parked ones, no: only others"       \
        }

static const struct field list_fields[] = {
    NOTICE_FIELDS,
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};
static const struct field show_fields[] = {NOTICE_FIELDS, {.name = NULL}};
static const struct field retry_fields[] = {
    NOTICE_FIELDS,
    {.name = "note", .kind = VALUE_TEXT, .text = "why; kept with who did it and when"},
    {.name = NULL},
};
static const struct field park_fields[] = {
    NOTICE_FIELDS,
    {.name = "note",
     .kind = VALUE_TEXT,
     .flags = FIELD_REQUIRED,
     .text = "why; kept with who did it and when"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "saf",
     .verb = "list",
     .text = "list what banks have not acknowledged yet, the oldest first",
     .more =
         "Each is one notice of a completion, a partial dispense or a reversal, written in the commit of its "
         "cause; why is its DE 39. It is sent again and again, with growing pauses, by the instance of atmd "
         "that "
         "holds the link's lease, until the bank acknowledges it. due: at its next turn; waiting: in next_s "
         "seconds; behind: an earlier one of the same withdrawal goes first; parked: by an operator.",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = saf_list,
     .fields = list_fields},
    {.noun = "saf",
     .verb = "show",
     .text = "show one notice, what its withdrawal is now, and which instance of atmd sends for its link",
     .more = "The options must select exactly one. 'atmctl exception show' shows its withdrawal whole.",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = saf_show,
     .fields = show_fields},
    {.noun = "saf",
     .verb = "retry",
     .text = "let notices be sent now, without waiting out their pause; parked ones too",
     .more = "Example: atmctl saf retry --link BANKA",
     .flags = COMMAND_DATABASE,
     .run = saf_change,
     .fields = retry_fields,
     .argument = "false"},
    {.noun = "saf",
     .verb = "park",
     .text = "hold notices back, and with each those of the same withdrawal that come after it, until 'saf "
             "retry'",
     .more = "For what a bank can't take just now and must not be asked again. Money stays where it is "
             "meanwhile: a "
             "reversal that is parked is a card-holder's money.\n"
             "Example: atmctl saf park --terminal T0000001 --stan 123 --note 'the bank books it by hand, "
             "case 4711'",
     .flags = COMMAND_DATABASE,
     .run = saf_change,
     .fields = park_fields,
     .argument = "true"},
};

const struct command_group group_saf = {commands, sizeof(commands) / sizeof(*commands), "Store and forward"};
