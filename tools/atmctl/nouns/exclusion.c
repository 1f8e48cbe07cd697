/*
 * exclusion: a card-holder bars the own card for a year, renewed automatically until it is ended; possible
 * since 1 April 2020.
 */
#include <string.h>

#include "lib/base/array.h"
#include "tools/atmctl/nouns/card_change.h"
#include "tools/atmctl/nouns/card_import.h"
#include "tools/atmctl/card_token.h"
#include "tools/atmctl/rows.h"

static int exclusion_add(const struct invocation *invocation)
{
        char token[TOKEN_TEXT], mask[CARD_MASK_TEXT];
        const char *from = invocation_value(invocation, "from");
        const char *parameters[] = {token, from, invocation_value(invocation, "until"), mask};
        int exit_code;

        if (strcmp(from, "2020-04-01") < 0)
                return usage_error(
                    invocation->command,
                    "--from %s: expected 2020-04-01 or later: there was no self-exclusion before", from);
        exit_code = card_given(invocation, token, mask);
        if (exit_code != EXIT_DONE)
                return exit_code;
        return change_card(
            invocation,
            "INSERT INTO exclusion (card_token, from_on, until_on, pan_mask) VALUES ($1::uuid, $2::date, "
            "$3::date, nullif($4, '')) "
            "ON CONFLICT DO NOTHING",
            LENGTH(parameters), parameters, "excluded", "the card is excluded from that day already");
}

/* It is renewed year by year, so it can end only when a year does: on the first anniversary from that day on.
 */
static int exclusion_end(const struct invocation *invocation)
{
        char token[TOKEN_TEXT], today[11];
        const char *on = invocation_value(invocation, "on");
        const char *parameters[] = {token, on ? on : today};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!print_today(invocation, today))
                return EXIT_FAILED;
        return change_card(
            invocation,
            "UPDATE exclusion SET until_on = (SELECT min(d::date) FROM generate_series(1, 200) n, "
            "LATERAL (SELECT from_on + make_interval(years => n) AS d) y WHERE d >= $2::date) "
            "WHERE card_token = " CARD_HOLDER("$1") " AND until_on IS NULL AND from_on <= $2::date",
            LENGTH(parameters), parameters, "its exclusion ends with its running year",
            "the card has no exclusion that runs on that day without an end");
}

static const struct output_column exclusion_output[] = {{"card_token", OUTPUT_TEXT, 0},
                                                        {"from", OUTPUT_TEXT, 0},
                                                        {"until", OUTPUT_TEXT, 0},
                                                        {"pan_mask", OUTPUT_TEXT, 0}};
#define EXCLUSION_COLUMNS                                                                                    \
        "SELECT e.card_token, e.from_on, e.until_on, c.pan_mask FROM exclusion e LEFT JOIN card c USING "    \
        "(card_token)"

static int exclusion_show(const struct invocation *invocation)
{
        char token[TOKEN_TEXT];
        const char *parameters[] = {token};
        int exit_code = card_token_given(invocation, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        return rows_print(
            invocation, &(struct rows_query){.sql = EXCLUSION_COLUMNS
                                             " WHERE e.card_token = " CARD_HOLDER("$1") " ORDER BY e.from_on",
                                             .count = 1,
                                             .parameters = parameters,
                                             .columns = exclusion_output,
                                             .column_count = LENGTH(exclusion_output),
                                             .absent = "the card has no exclusion"});
}

static int exclusion_list(const struct invocation *invocation)
{
        char limit_text[24];
        int64_t limit;
        const char *parameters[] = {limit_text, invocation_value(invocation, "date")};

        rows_limit(invocation, LIST_LIMIT, &limit, limit_text);
        return rows_print(invocation,
                          &(struct rows_query){.sql = EXCLUSION_COLUMNS
                                               " WHERE $2::date IS NULL OR (e.from_on <= $2::date AND "
                                               "(e.until_on IS NULL OR e.until_on > $2::date)) ORDER BY "
                                               "e.from_on, e.card_token LIMIT $1::bigint",
                                               .count = LENGTH(parameters),
                                               .parameters = parameters,
                                               .columns = exclusion_output,
                                               .column_count = LENGTH(exclusion_output),
                                               .limit = limit});
}

/* rows ------------------------------------------------------------------------------------------------ */

static const struct field new_exclusion_fields[] = {
    {.name = "from",
     .kind = VALUE_DATE,
     .flags = FIELD_REQUIRED,
     .text = "the first day that the card is refused"},
    {.name = "until",
     .kind = VALUE_DATE,
     .text = "the first day that it is served again; renewed every year unless given"},
    {.name = NULL},
};
static const struct field exclusion_end_fields[] = {
    {.name = "on",
     .kind = VALUE_DATE,
     .text = "the holder asked for it on this day; business today unless given"},
    {.name = NULL},
};
static const struct field exclusion_filter_fields[] = {
    {.name = "date", .kind = VALUE_DATE, .text = "in force on this day"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "exclusion",
     .verb = "import",
     .text = "import self-exclusions of cards from CSV",
     .flags = COMMAND_CARDS | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = exclusion_import,
     .shape = SHAPE_IMPORT,
     .entity = &exclusion_file},
    {.noun = "exclusion",
     .verb = "add",
     .text = "bar a card because its holder asks for it, by the year",
     .more = "Of a card that was replaced, its successor is barred.",
     .flags = COMMAND_ONE_CARD | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = exclusion_add,
     .fields = new_exclusion_fields},
    {.noun = "exclusion",
     .verb = "end",
     .text = "end a card's exclusion when its running year is over",
     .flags = COMMAND_ONE_CARD | COMMAND_CLOCK | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = exclusion_end,
     .fields = exclusion_end_fields},
    {.noun = "exclusion",
     .verb = "show",
     .text = "show a card's exclusions; of one that was replaced, its successor's",
     .flags = COMMAND_ONE_CARD | COMMAND_OUTPUT,
     .run = exclusion_show},
    {.noun = "exclusion",
     .verb = "list",
     .text = "list exclusions",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = exclusion_output,
     .column_count = LENGTH(exclusion_output),
     .run = exclusion_list,
     .fields = exclusion_filter_fields},
};

const struct command_group group_exclusion = {commands, sizeof(commands) / sizeof(*commands),
                                              "Self-exclusion"};
