/*
 * period: closing the books. What is closed prints the same for ever: later corrections are posted on the first
 * open day.
 *
 *      OPEN --close: the quarter is over, nothing in it is without an end and no cost is missing, or --force--> CLOSED
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/books/closing.h"
#include "backoffice/books/period.h"
#include "backoffice/pages/period_text.h"
#include "backoffice/pages/report_text.h"
#include "lib/base/array.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/rows.h"
#include "lib/base/plural.h"

/* those without an end ------------------------------------------------------------------------------------ */

enum { WITHOUT_END_SHOWN = 1000 };

/* A section in its reader's language, and how its rows are written. */
struct listing {
        const char *english, *japanese;
        const struct output_column *columns;
        size_t count;
        bool (*write)(struct output *output, const PGresult *rows);
};

static bool write_rows(struct output *output, const PGresult *rows)
{
        return output_result(output, rows, PQntuples(rows));
}

/* The rows of a question as a section of their own, and how many they are; false after a complaint. */
static bool list(const struct invocation *invocation, const struct listing *listing, PGresult *rows,
                 const char *error, int *ret_rows)
{
        const struct output_section section = {.heading = output_reader_of(invocation) ? listing->japanese
                                                                                       : listing->english,
                                               .columns = listing->columns,
                                               .count = listing->count};
        struct output *output;
        bool listed = true;

        if (!rows) {
                database_complain_of(error);
                return false;
        }
        *ret_rows = PQntuples(rows);
        if (*ret_rows > 0) {
                output = output_open_whole(invocation);
                listed = output && output_begin(output, &section) && listing->write(output, rows);
                listed = output && output_close(output) && listed;
        }
        PQclear(rows);
        return listed;
}

static bool list_without_end(struct database *database, const struct invocation *invocation,
                             const char *quarter)
{
        static const struct output_column columns[] = {
            {"transmitted_at", OUTPUT_DAYS, 0}, {"terminal", OUTPUT_TEXT, 0},
            {"stan", OUTPUT_TEXT, 0},           {"issuer", OUTPUT_TEXT, 0},
            {"amount_yen", OUTPUT_YEN, 0},      {"state", OUTPUT_WORD, OUTPUT_STATE}};
        static const struct listing listing = {"Without an end", "未完了の出金", columns, LENGTH(columns),
                                               write_rows};
        char error[PG_ERROR_MAX];
        PGresult *rows = closing_without_end(database->connection, quarter, WITHOUT_END_SHOWN, error);
        int count;

        if (!list(invocation, &listing, rows, error, &count))
                return false;
        if (count == WITHOUT_END_SHOWN)
                note(output_reader_of(invocation) ? "先頭の%d件のみ表示しています。"
                                                  : "only the first %d are shown",
                     WITHOUT_END_SHOWN);
        return true;
}

/* what is closed ------------------------------------------------------------------------------------------- */

enum {
        QUARTERS_COLUMNS = 8,
        QUARTERS_COSTS = 7,
        CLOSINGS_COLUMNS = 12,
        CLOSINGS_COSTS = 10,
        ITEMS_MAX = 128
};

/* Rows of so many columns, of which one has names of costs, which are words to a Japanese reader. */
static bool write_with_costs(struct output *output, const PGresult *rows, int columns, int costs)
{
        enum reader reader = output_reader(output);

        for (int row = 0; row < PQntuples(rows); row++) {
                const char *values[CLOSINGS_COLUMNS];
                char missing[REPORT_TEXT_MAX], items[ITEMS_MAX];

                for (int i = 0; i < columns; i++)
                        values[i] = pg_text(rows, row, i);
                if (reader && values[costs]) {
                        snprintf(items, sizeof(items), "%s", values[costs]);
                        for (char *blank = items; (blank = strchr(blank, ' '));)
                                *blank = ',';
                        report_text_items(items, reader, missing);
                        values[costs] = missing;
                }
                if (!output_row(output, values))
                        return false;
        }
        return true;
}

static bool write_quarters(struct output *output, const PGresult *rows)
{
        return write_with_costs(output, rows, QUARTERS_COLUMNS, QUARTERS_COSTS);
}

/* None: it is closed already. */
static bool list_quarters(struct database *database, const struct invocation *invocation, const char *quarter)
{
        static const struct output_column columns[QUARTERS_COLUMNS] = {
            {"quarter", OUTPUT_DAYS, 0},     {"from", OUTPUT_DAYS, 0},
            {"to", OUTPUT_DAYS, 0},          {"withdrawals", OUTPUT_YEN, 0},
            {"cash_yen", OUTPUT_YEN, 0},     {"commission_yen", OUTPUT_YEN, 0},
            {"base_fee_yen", OUTPUT_YEN, 0}, {"missing_costs", OUTPUT_TEXT, 0}};
        static const struct listing listing = {"To be closed", "締め切る四半期", columns, QUARTERS_COLUMNS,
                                               write_quarters};
        char error[PG_ERROR_MAX];
        PGresult *rows = closing_quarters(database->connection, quarter, error);
        int count;

        return list(invocation, &listing, rows, error, &count);
}

/* close ---------------------------------------------------------------------------------------------------- */

static bool is_over(const struct invocation *invocation, const char *quarter)
{
        struct period period;
        int32_t today;

        period_of_name(quarter, &period);
        if (!business_today(invocation, &today))
                return false;
        if (period_is_over(&period, today))
                return true;
        complain("%s: %s is not over: its last day is %s", invocation_name(invocation), quarter, period.last);
        return false;
}

static bool say_closed(struct database *database, const struct invocation *invocation, const char *quarter,
                       int64_t without_end)
{
        enum reader reader = output_reader_of(invocation);
        char name[PERIOD_TEXT_MAX], count[PLURAL_MAX];
        bool dry = change_is_dry(invocation);

        change_say(invocation,
                   reader ? dry ? "%sまでのすべての日を締め切ることができます。\n"
                                : "%sまでのすべての日を締め切りました。\n"
                   : dry  ? "%s can be closed, and with it every day before\n"
                          : "%s is closed, and with it every day before\n",
                   period_text(quarter, reader, name));
        if (without_end && !list_without_end(database, invocation, quarter))
                return false;
        if (without_end && reader)
                note("未完了の出金：%" PRId64 "件。結果は最初の未締めの日に計上されます。", without_end);
        else if (without_end)
                note("%s without an end: what becomes of them is posted on the first open day",
                     plural_count((uint64_t)without_end, "withdrawal", count));
        return true;
}

static bool close_quarter(struct database *database, const struct invocation *invocation, void *context)
{
        const char *quarter = invocation_value(invocation, "quarter");
        const struct closing_question question = {.quarter = quarter,
                                                  .anyway = invocation_has(invocation, "force"),
                                                  .dry = change_is_dry(invocation)};
        char error[PG_ERROR_MAX], count[PLURAL_MAX];
        int64_t without_end;

        (void)context;
        if (!list_quarters(database, invocation, quarter))
                return false;
        switch (closing_close(database->connection, &question, &without_end, error)) {
        case CLOSING_DONE:
                return say_closed(database, invocation, quarter, without_end);
        case CLOSING_BEFORE:
                complain("%s: the books are closed through %s already", invocation_name(invocation), quarter);
                break;
        case CLOSING_WITHOUT_END:
                complain("%s: %s up to the end of %s %s no end: nothing was closed",
                         invocation_name(invocation),
                         plural_count((uint64_t)without_end, "withdrawal", count), quarter,
                         without_end == 1 ? "has" : "have");
                note("'atmctl exception list' and 'atmctl withdrawal list --state approved' show them; "
                     "--force lists "
                     "them and closes: what becomes of them is then posted on the first open day");
                break;
        case CLOSING_MISSING:
                complain("%s: costs are missing, see above, and can't be entered once their quarter is "
                         "closed: nothing was closed",
                         invocation_name(invocation));
                note("'atmctl cost add' enters one; --force closes without them");
                break;
        case CLOSING_FAILED:
                database_complain_of(error);
                break;
        }
        return false;
}

static int period_close(const struct invocation *invocation)
{
        if (!is_over(invocation, invocation_value(invocation, "quarter")))
                return EXIT_FAILED;
        return database_run(invocation, close_quarter, NULL);
}

/* list ----------------------------------------------------------------------------------------------------- */

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        (void)question;
        (void)limit; /* a year has four */
        return closing_list(connection, error);
}

static bool write_closings(struct output *output, const PGresult *rows, int count)
{
        (void)count;
        return write_with_costs(output, rows, CLOSINGS_COLUMNS, CLOSINGS_COSTS);
}

static const struct output_column list_columns[CLOSINGS_COLUMNS] = {
    {"quarter", OUTPUT_DAYS, 0},     {"from", OUTPUT_DAYS, 0},          {"to", OUTPUT_DAYS, 0},
    {"closed_at", OUTPUT_DAYS, 0},   {"who", OUTPUT_TEXT, 0},           {"without_end", OUTPUT_NUMBER, 0},
    {"withdrawals", OUTPUT_YEN, 0},  {"cash_yen", OUTPUT_YEN, 0},       {"commission_yen", OUTPUT_YEN, 0},
    {"base_fee_yen", OUTPUT_YEN, 0}, {"missing_costs", OUTPUT_TEXT, 0}, {"note", OUTPUT_TEXT, 0},
};

static int period_list(const struct invocation *invocation)
{
        return rows_answer(invocation, &(struct rows_question){.ask = ask_list,
                                                               .columns = list_columns,
                                                               .column_count = LENGTH(list_columns),
                                                               .write = write_closings});
}

static const struct field close_fields[] = {
    {.name = "quarter",
     .kind = VALUE_QUARTER,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED,
     .text = "the quarter, as 3Q16: October to December 2016"},
    {.name = "force",
     .kind = VALUE_NONE,
     .text = "close although withdrawals have no end yet, and list them, and although costs are missing"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "period",
     .verb = "close",
     .text = "close the books through the end of a quarter: from then on it prints the same for ever",
     .more = "Earlier quarters that are still open are closed with it. What an ATM, a bank or a person "
             "corrects later is posted "
             "on the first open day, with both dates, and reports show it there as 'of which earlier "
             "periods'. Costs, contracts, "
             "rates and targets of closed days can't be changed any more. What is closed is shown first. "
             "Refused while a withdrawal of "
             "those days has no end, while a cost of those quarters is missing (one that is none is entered "
             "as 0), "
             "and before the quarter is over. Batches that are on their way are waited for.\n"
             "Example: atmctl period close 3Q16 --note 'agreed by finance, minutes of 12 January'",
     .flags = COMMAND_DATABASE | COMMAND_CLOCK | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES | COMMAND_LANGUAGE,
     .run = period_close,
     .fields = close_fields},
    {.noun = "period",
     .verb = "list",
     .text = "list the closings with the sums of that moment",
     .flags = COMMAND_OUTPUT | COMMAND_DOCUMENT | COMMAND_DATABASE | COMMAND_REPLICA | COMMAND_LIST,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = period_list},
};

const struct command_group group_period = {commands, sizeof(commands) / sizeof(*commands), "Closing"};
