/* saf: store and forward, the notices that banks have not acknowledged yet, and what operators do about them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/cases/notices.h"
#include "lib/base/array.h"
#include "tools/atmctl/change.h"
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
    {"state", OUTPUT_TEXT, OUTPUT_STATE},
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
                                        .parked = invocation_value(invocation, "parked")};
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

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        return notices_list(connection, question, limit, error);
}

static int saf_list(const struct invocation *invocation)
{
        const struct notice_question question = question_of(invocation);

        return rows_answer(
            invocation,
            &(struct rows_question){.ask = ask_list,
                                    .question = &question,
                                    .columns = saf_columns,
                                    .column_count = LENGTH(saf_columns),
                                    .limit = invocation_number(invocation, "limit", LIST_LIMIT),
                                    .cut = "only the oldest %s are shown: --limit N shows more of them"});
}

/* show ------------------------------------------------------------------------------------------------------ */

enum { SHOWN_COLUMNS = LENGTH(saf_columns) + LENGTH(detail_columns) };

static bool print_one(const struct invocation *invocation, const struct output_column *columns,
                      const PGresult *result)
{
        struct output *output = output_open(invocation, OUTPUT_ONE, columns, SHOWN_COLUMNS);

        if (!output)
                return false;
        if (output_result(output, result, 1))
                return output_close(output);
        output_abandon(output);
        return false;
}

static const char *const *values_of(const PGresult *result, int row, const char *ret_values[SHOWN_COLUMNS])
{
        for (int i = 0; i < (int)SHOWN_COLUMNS; i++)
                ret_values[i] = PQgetisnull(result, row, i) ? NULL : PQgetvalue(result, row, i);
        return ret_values;
}

/* Rows to programs; to people one under the other, for a row is wider than a terminal. */
static bool print_several(const struct invocation *invocation, const struct output_column *columns,
                          const PGresult *result)
{
        const struct output_section rows = {
            .columns = columns, .count = SHOWN_COLUMNS, .flags = OUTPUT_NOT_TABLE};
        const struct output_section one = {.heading = "",
                                           .shape = OUTPUT_ONE,
                                           .columns = columns,
                                           .count = SHOWN_COLUMNS,
                                           .flags = OUTPUT_ONLY_TABLE};
        struct output *output = output_open_whole(invocation);
        const char *values[SHOWN_COLUMNS];
        bool printed = output && output_section(output, &rows, result);

        for (int i = 0; i < PQntuples(result) && printed; i++)
                printed = output_begin(output, &one) && output_row(output, values_of(result, i, values));
        if (printed)
                return output_close(output);
        output_abandon(output);
        return false;
}

static bool print_notices(const struct invocation *invocation, const PGresult *result)
{
        struct output_column columns[SHOWN_COLUMNS];

        for (size_t i = 0; i < LENGTH(saf_columns); i++)
                columns[i] = (struct output_column){saf_columns[i].name, saf_columns[i].type, 0};
        memcpy(columns + LENGTH(saf_columns), detail_columns, sizeof(detail_columns));
        return PQntuples(result) == 1 ? print_one(invocation, columns, result)
                                      : print_several(invocation, columns, result);
}

static bool show(struct database *database, const struct invocation *invocation, void *context)
{
        char error[PG_ERROR_MAX];
        PGresult *result = notices_show(database->connection, context, LIST_LIMIT, error);
        bool shown = false;

        if (!result)
                database_complain_of(error);
        else if (!PQntuples(result))
                complain("saf show: no notice is like that; 'atmctl saf list' shows what there is");
        else
                shown = print_notices(invocation, result);
        if (shown && PQntuples(result) == LIST_LIMIT)
                note("only the oldest %d are shown", LIST_LIMIT);
        PQclear(result);
        return shown;
}

static int saf_show(const struct invocation *invocation)
{
        struct notice_question question = question_of(invocation);

        return database_run(invocation, show, &question);
}

/* change ---------------------------------------------------------------------------------------------------- */

static enum notice_change change_of(const struct invocation *invocation)
{
        return *invocation->command->argument == 't' ? NOTICE_PARK : NOTICE_RETRY;
}

static bool change(struct database *database, const struct invocation *invocation, void *context)
{
        enum notice_change change = change_of(invocation);
        char error[PG_ERROR_MAX];
        int changed = notices_change(database->connection, context, change, error);

        if (changed > 0)
                change_say(invocation, "saf: %d %s\n", changed,
                           change == NOTICE_PARK ? "parked, not to be sent until 'atmctl saf retry'"
                                                 : "to be sent now");
        else if (changed == 0)
                complain("saf %s: no notice is like that%s", invocation->command->verb,
                         change == NOTICE_PARK ? " and not parked yet" : "");
        else
                database_complain_of(error);
        return changed > 0;
}

/* retry and park: the command's argument is whether to park. */
static int saf_change(const struct invocation *invocation)
{
        struct notice_question question = question_of(invocation);

        if (!is_narrowed(invocation))
                return usage_error(invocation->command,
                                   "which notices? expected --link, --terminal or another option "
                                   "that selects them");
        return change_run(invocation, change, &question);
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
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST | COMMAND_WATCH,
     .columns = saf_columns,
     .column_count = LENGTH(saf_columns),
     .run = saf_list,
     .fields = list_fields},
    {.noun = "saf",
     .verb = "show",
     .text = "show notices, what their withdrawals are now, and which instance of atmd sends for their link",
     .more = "All that are like that, the oldest first. JSON is an object, or, of several, an array of such "
             "objects. 'atmctl exception show' shows a withdrawal whole.",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = saf_show,
     .fields = show_fields},
    {.noun = "saf",
     .verb = "retry",
     .text = "let notices be sent now, without waiting out their pause; parked ones too",
     .more = "The leases of their links are broken with it: should an instance hold one and not send, "
             "another does.\n"
             "Example: atmctl saf retry --link BANKA",
     .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES,
     .run = saf_change,
     .fields = show_fields,
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
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = saf_change,
     .fields = show_fields,
     .argument = "true"},
};

const struct command_group group_saf = {commands, sizeof(commands) / sizeof(*commands), "Store and forward"};
