/* trail: who changed what, when and why. */
#include <inttypes.h>
#include <stdio.h>

#include "backoffice/cases/trail.h"
#include "lib/base/array.h"
#include "tools/atmctl/rows.h"

#define COLUMNS(in_list)                                                                                     \
        {"change", OUTPUT_NUMBER, 0}, {"at", OUTPUT_TEXT, 0}, {"who", OUTPUT_TEXT, 0},                       \
            {"person", OUTPUT_TEXT, 0}, {"command", OUTPUT_TEXT, 0}, {"noun", OUTPUT_TEXT, 0},               \
            {"key", OUTPUT_TEXT, 0}, {"what", OUTPUT_TEXT, 0}, {"before", OUTPUT_VALUE, (in_list)},          \
            {"after", OUTPUT_VALUE, (in_list)},                                                              \
        {                                                                                                    \
                "note", OUTPUT_TEXT, 0                                                                       \
        }

static const struct output_column list_columns[] = {COLUMNS(OUTPUT_NOT_TABLE)};
static const struct output_column show_columns[] = {COLUMNS(0)};

static PGresult *ask(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        return trail_list(connection, question, limit, error);
}

static int list(const struct invocation *invocation)
{
        const struct trail_question question = {.noun = invocation_value(invocation, "noun"),
                                                .key = invocation_value(invocation, "key"),
                                                .person = invocation_value(invocation, "person"),
                                                .from = invocation_value(invocation, "from"),
                                                .to = invocation_value(invocation, "to")};

        return rows_answer(
            invocation,
            &(struct rows_question){.ask = ask,
                                    .question = &question,
                                    .columns = list_columns,
                                    .column_count = LENGTH(list_columns),
                                    .limit = invocation_number(invocation, "limit", LIST_LIMIT),
                                    .cut = "only the latest %s are shown: --limit N shows more of them"});
}

static int show(const struct invocation *invocation)
{
        const struct trail_question question = {.change = invocation_value(invocation, "change")};

        return rows_answer(invocation, &(struct rows_question){.ask = ask,
                                                               .question = &question,
                                                               .shape = OUTPUT_ONE,
                                                               .columns = show_columns,
                                                               .column_count = LENGTH(show_columns),
                                                               .absent = "the trail has no such change"});
}

static const struct field list_fields[] = {
    {.name = "noun", .kind = VALUE_TRAIL_NOUN, .text = "changes of these"},
    {.name = "key",
     .kind = VALUE_TEXT,
     .text =
         "of the row with this key: its values with a blank between them, or the first of them; a card is "
         "known by its mask, a withdrawal by terminal, moment and STAN"},
    {.name = "person", .kind = VALUE_TEXT, .text = "by this person, or by this user of the database"},
    {.name = "from",
     .kind = VALUE_MOMENT,
     .text = "at this moment or later, by the server's clock; a day: its first"},
    {.name = "to", .kind = VALUE_MOMENT, .text = "before this moment; a day: that day included"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many, the latest first; 1000 unless given"},
    {.name = NULL},
};
static const struct field show_fields[] = {
    {.name = "change",
     .kind = VALUE_NUMBER,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED,
     .text = "its number, as 'atmctl trail list' shows it"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "trail",
     .verb = "list",
     .text = "list what people changed, the latest first",
     .more = "A row for each row that was changed, by whatever program or by hand: the user of the database "
             "(who), the person whom "
             "a program spoke for, its command, what people set of the row before and after (in CSV and "
             "JSON), and the note. Nothing "
             "is ever removed from it, and no card number or token is in it. A number is drawn before its "
             "change is "
             "committed: where one is missing, a change was refused, or only tried.\n"
             "Example: atmctl trail list --noun tariff --key HOUSE",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_REPLICA | COMMAND_LIST,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = list,
     .fields = list_fields},
    {.noun = "trail",
     .verb = "show",
     .text = "show one change whole",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_REPLICA,
     .run = show,
     .fields = show_fields},
};

const struct command_group group_trail = {commands, sizeof(commands) / sizeof(*commands), "Who changed what"};
