/* claim: what somebody claims of a withdrawal of which our own books are right (backoffice/cases/claims.h). */
#include <inttypes.h>
#include <string.h>

#include "backoffice/cases/claims.h"
#include "lib/base/array.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/nouns/withdrawal.h"
#include "tools/atmctl/rows.h"

static const struct output_column list_columns[] = {
    {"claim", OUTPUT_NUMBER, 0},        {"open", OUTPUT_BOOL, 0},      {"terminal", OUTPUT_TEXT, 0},
    {"transmitted_at", OUTPUT_TEXT, 0}, {"stan", OUTPUT_NUMBER, 0},    {"hall", OUTPUT_TEXT, 0},
    {"issuer", OUTPUT_TEXT, 0},         {"amount_yen", OUTPUT_YEN, 0}, {"claimed_yen", OUTPUT_YEN, 0},
    {"noted_at", OUTPUT_TEXT, 0},       {"noted_by", OUTPUT_TEXT, 0},  {"note", OUTPUT_TEXT, 0},
    {"closed_at", OUTPUT_TEXT, 0},      {"closed_by", OUTPUT_TEXT, 0}, {"closing_note", OUTPUT_TEXT, 0},
};
enum { CLOSING_COLUMNS = 3 };

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        return claims_list(connection, question, limit, error);
}

static int claim_list(const struct invocation *invocation)
{
        const char *open = invocation_value(invocation, "open");
        const struct claim_question question = {.terminal = invocation_value(invocation, "terminal"),
                                                .hall = invocation_value(invocation, "hall"),
                                                .issuer = invocation_value(invocation, "issuer"),
                                                .from = invocation_value(invocation, "from"),
                                                .to = invocation_value(invocation, "to"),
                                                .open = open ? open : "true"};
        bool is_open = !strcmp(question.open, "true");

        return rows_answer(
            invocation,
            &(struct rows_question){.ask = ask_list,
                                    .question = &question,
                                    .columns = list_columns,
                                    .column_count = LENGTH(list_columns) - (is_open ? CLOSING_COLUMNS : 0),
                                    .limit = invocation_number(invocation, "limit", LIST_LIMIT)});
}

static bool add_found(const struct invocation *invocation, struct database *database, const PGresult *found)
{
        const char *terminal = PQgetvalue(found, 0, WITHDRAWAL_TERMINAL),
                   *at = PQgetvalue(found, 0, WITHDRAWAL_AT), *stan = PQgetvalue(found, 0, WITHDRAWAL_STAN),
                   *claimed = invocation_value(invocation, "claimed");
        char error[PG_ERROR_MAX];
        int64_t claim = claim_add(database->connection, terminal, at, stan, claimed, error);

        if (!claim)
                database_complain_of(error);
        else
                change_say(invocation, "claim %" PRId64 ": %s yen of %s %s %06d\n", claim, claimed, terminal,
                           at, (int)pg_number(found, 0, WITHDRAWAL_STAN));
        return claim;
}

static bool add(struct database *database, const struct invocation *invocation, void *context)
{
        PGresult *found = withdrawal_one(invocation, database, context);
        bool added = found && add_found(invocation, database, found);

        PQclear(found);
        return added;
}

static int claim_added(const struct invocation *invocation)
{
        struct withdrawal_question question;
        char token[TOKEN_TEXT];
        int exit_code = withdrawal_asked(invocation, &question, token);

        return exit_code == EXIT_DONE ? change_run(invocation, add, &question) : exit_code;
}

static bool end(struct database *database, const struct invocation *invocation, void *context)
{
        char error[PG_ERROR_MAX];
        const char *claim = invocation_value(invocation, "claim");
        bool closed = claim_close(database->connection, claim, error);

        (void)context;
        if (closed) {
                change_say(invocation, "claim %s: closed\n", claim);
        } else {
                database_complain_of(error);
                note("'atmctl claim list' shows those that are open, '--open no' who closed the others");
        }
        return closed;
}

static int claim_closed(const struct invocation *invocation)
{
        return change_run(invocation, end, NULL);
}

/* rows --------------------------------------------------------------------------------------------------- */

static const struct field list_fields[] = {
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "about withdrawals at this ATM"},
    {.name = "hall", .kind = VALUE_HALL, .text = "about withdrawals in this hall"},
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "about withdrawals with this bank's cards"},
    WITHDRAWAL_TIME_FIELDS("noted"),
    {.name = "open", .kind = VALUE_BOOL, .text = "no: those that are closed; yes unless given"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};
static const struct field add_fields[] = {
    {.name = "claimed", .kind = VALUE_CLAIM, .flags = FIELD_REQUIRED, .text = "the yen that are claimed"},
    WITHDRAWAL_FIELDS,
    {.name = NULL},
};
static const struct field close_fields[] = {
    {.name = "claim",
     .kind = VALUE_NUMBER,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED,
     .text = "its number, as 'atmctl claim list' shows it"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "claim",
     .verb = "list",
     .text = "list what is claimed of withdrawals of which our own books are right, the oldest first",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = claim_list,
     .fields = list_fields},
    {.noun = "claim",
     .verb = "add",
     .text = "note a claim about a withdrawal: what somebody says and no book does",
     .more =
         "As a card-holder who says that less cash came than the ATM's journal, his bank and we have. It "
         "moves "
         "no money and changes no book: 'atmctl exception list' and 'withdrawal show' have it until it is "
         "closed. The options must select exactly one withdrawal. What the journals or the bank contradict "
         "is no claim: 'atmctl reconcile' finds it, and 'exception resolve' decides it.\n"
         "Example: atmctl claim add --terminal T0000001 --stan 123 --claimed 10000 --note 'the card-holder "
         "counted 20,000, ticket 4711'",
     .flags = COMMAND_DATABASE | COMMAND_CARD | COMMAND_TOKEN_KEY | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = claim_added,
     .fields = add_fields},
    {.noun = "claim",
     .verb = "close",
     .text = "close a claim, with a note of how",
     .more = "Example: atmctl claim close 7 --note 'the notes were in the reject bin: paid back by the bank'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = claim_closed,
     .fields = close_fields},
};

const struct command_group group_claim = {commands, sizeof(commands) / sizeof(*commands), "What is claimed"};
