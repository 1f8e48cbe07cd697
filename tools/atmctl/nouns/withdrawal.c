/* withdrawal: what happened, found by terminal, time, RRN, STAN, card or link: backoffice/cases' look-up as commands. */
#include "lib/base/array.h"
#include "tools/atmctl/nouns/withdrawal.h"

#include <inttypes.h>

#include "tools/atmctl/rows.h"

enum { WITHDRAWAL_LIMIT = 100 };

/* In the order of enum withdrawal_column. */
static const struct output_column withdrawal_columns[WITHDRAWAL_COLUMN_COUNT] = {
    {"transmitted_at", OUTPUT_TEXT, 0},
    {"terminal", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0},
    {"rrn", OUTPUT_TEXT, 0},
    {"card_token", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"pan_mask", OUTPUT_TEXT, 0},
    {"amount_yen", OUTPUT_YEN, 0},
    {"dispensed_yen", OUTPUT_YEN, 0},
    {"customer_fee_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"interbank_fee_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"tax_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"state", OUTPUT_TEXT, OUTPUT_STATE},
    {"de39", OUTPUT_TEXT, 0},
    {"reason", OUTPUT_TEXT, 0},
    {"hall", OUTPUT_TEXT, 0},
    {"business_date", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"issuer", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"band", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"approval_code", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"link", OUTPUT_TEXT, 0},
    {"cause", OUTPUT_TEXT, 0},
    {"bank_de39", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"fixed_customer_fee_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"fixed_interbank_fee_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"fixed_tax_yen", OUTPUT_YEN, OUTPUT_NOT_TABLE},
    {"commission", OUTPUT_TEXT, 0},
};

/* asking ------------------------------------------------------------------------------------------------ */

int withdrawal_asked(const struct invocation *invocation, struct withdrawal_question *ret_question,
                     char token[TOKEN_TEXT])
{
        int exit_code = EXIT_DONE;

        *token = '\0';
        if (invocation_has(invocation, "card") || invocation_has(invocation, "token"))
                exit_code = card_token_given(invocation, token);
        *ret_question =
            (struct withdrawal_question){.terminal = invocation_value(invocation, "terminal"),
                                         .from = invocation_value(invocation, "from"),
                                         .to = invocation_value(invocation, "to"),
                                         .date = invocation_value(invocation, "date"),
                                         .rrn = invocation_value(invocation, "rrn"),
                                         .stan = invocation_value(invocation, "stan"),
                                         .amount_yen = invocation_value(invocation, "amount-yen"),
                                         .amount_from_yen = invocation_value(invocation, "amount-from-yen"),
                                         .amount_to_yen = invocation_value(invocation, "amount-to-yen"),
                                         .hall = invocation_value(invocation, "hall"),
                                         .issuer = invocation_value(invocation, "issuer"),
                                         .reason = invocation_value(invocation, "reason"),
                                         .de39 = invocation_value(invocation, "de39"),
                                         .oldest_first = invocation_has(invocation, "oldest-first"),
                                         .link = invocation_value(invocation, "link"),
                                         .state = invocation_value(invocation, "state"),
                                         .card_token = *token ? token : NULL};
        if (exit_code == EXIT_DONE && invocation_has(invocation, "amount-from-yen") &&
            invocation_has(invocation, "amount-to-yen") &&
            invocation_number(invocation, "amount-from-yen", 0) >
                invocation_number(invocation, "amount-to-yen", 0))
                return usage_error(
                    invocation->command,
                    "--amount-from-yen %s is after --amount-to-yen %s: expected one that is not more",
                    ret_question->amount_from_yen, ret_question->amount_to_yen);
        return exit_code;
}

/* Whether any option selects at all. */
static bool is_selected(const struct invocation *invocation)
{
        static const struct field selecting[] = {WITHDRAWAL_FIELDS, {.name = NULL}};

        for (const struct field *field = selecting; field->name; field++) {
                if (invocation_has(invocation, field->name))
                        return true;
        }
        return invocation_has(invocation, "card") || invocation_has(invocation, "token");
}

static void complain_unless_found(const struct invocation *invocation, enum withdrawal_found found,
                                  const char *error)
{
        switch (found) {
        case WITHDRAWAL_FOUND:
                break;
        case WITHDRAWAL_NONE:
                complain("%s: none is like that: expected options that select a withdrawal; 'atmctl "
                         "withdrawal list' "
                         "shows them",
                         invocation_name(invocation));
                break;
        case WITHDRAWAL_SEVERAL:
                complain(
                    "%s: several are like that: expected options that select one; 'atmctl withdrawal list' "
                    "shows them",
                    invocation_name(invocation));
                break;
        case WITHDRAWAL_FAILED:
                database_complain_of(error);
                break;
        }
}

PGresult *withdrawal_one(const struct invocation *invocation, struct database *database,
                         const struct withdrawal_question *question)
{
        char error[PG_ERROR_MAX];
        PGresult *withdrawal = NULL;

        complain_unless_found(
            invocation, withdrawals_find_one(database->connection, question, &withdrawal, error), error);
        return withdrawal;
}

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        return withdrawals_find(connection, question, limit, error);
}

#define NARROW                                                                                               \
        "--limit N shows more, --terminal, --hall, --from, --to, --date, --card, --issuer, --link, "         \
        "--reason or "                                                                                       \
        "--state narrow it"

static int withdrawal_list(const struct invocation *invocation)
{
        struct withdrawal_question question;
        char token[TOKEN_TEXT];
        int exit_code = withdrawal_asked(invocation, &question, token);

        if (exit_code != EXIT_DONE)
                return exit_code;
        return rows_answer(
            invocation,
            &(struct rows_question){.ask = ask_list,
                                    .question = &question,
                                    .columns = withdrawal_columns,
                                    .column_count = LENGTH(withdrawal_columns),
                                    .limit = invocation_number(invocation, "limit", WITHDRAWAL_LIMIT),
                                    .cut = question.oldest_first ? "only the oldest %s are shown: " NARROW
                                                                 : "only the newest %s are shown: " NARROW});
}

/* one, whole -------------------------------------------------------------------------------------------- */

static const struct output_column advice_columns[] = {{"seq", OUTPUT_NUMBER, 0},
                                                      {"kind", OUTPUT_TEXT, 0},
                                                      {"advice_at", OUTPUT_TEXT, 0},
                                                      {"stan", OUTPUT_NUMBER, 0},
                                                      {"why", OUTPUT_TEXT, 0},
                                                      {"amount_yen", OUTPUT_YEN, 0},
                                                      {"dispensed_yen", OUTPUT_YEN, 0},
                                                      {"state_before", OUTPUT_TEXT, OUTPUT_STATE},
                                                      {"state", OUTPUT_TEXT, OUTPUT_STATE},
                                                      {"counted_yen", OUTPUT_YEN, 0},
                                                      {"commission", OUTPUT_NUMBER, 0}};
static const struct output_column commission_columns[] = {{"seq", OUTPUT_NUMBER, 0},
                                                          {"sign", OUTPUT_NUMBER, 0},
                                                          {"tariff_from", OUTPUT_TEXT, 0},
                                                          {"tax_rate_bp", OUTPUT_NUMBER, 0},
                                                          {"customer_fee_yen", OUTPUT_YEN, 0},
                                                          {"customer_tax_yen", OUTPUT_YEN, 0},
                                                          {"interbank_fee_yen", OUTPUT_YEN, 0},
                                                          {"interbank_tax_yen", OUTPUT_YEN, 0},
                                                          {"hall_share_yen", OUTPUT_YEN, 0},
                                                          {"cash_yen", OUTPUT_YEN, 0},
                                                          {"posted_on", OUTPUT_TEXT, 0}};
static const struct output_column outcome_columns[] = {{"cause", OUTPUT_TEXT, 0},
                                                       {"reason", OUTPUT_TEXT, 0},
                                                       {"de39", OUTPUT_TEXT, 0},
                                                       {"bank_de39", OUTPUT_TEXT, 0},
                                                       {"approval_code", OUTPUT_TEXT, 0}};
static const struct output_column notice_columns[] = {
    {"seq", OUTPUT_NUMBER, 0},        {"kind", OUTPUT_TEXT, 0},
    {"amount_yen", OUTPUT_YEN, 0},    {"charge_yen", OUTPUT_YEN, 0},
    {"dispensed_yen", OUTPUT_YEN, 0}, {"why", OUTPUT_TEXT, 0},
    {"attempts", OUTPUT_NUMBER, 0},   {"acknowledged_at", OUTPUT_TEXT, 0},
    {"parked", OUTPUT_BOOL, 0},       {"last_error", OUTPUT_TEXT, 0}};
static const struct output_column exception_columns[] = {
    {"advice_at", OUTPUT_TEXT, 0}, {"advice_stan", OUTPUT_NUMBER, 0}, {"kind", OUTPUT_TEXT, 0},
    {"what", OUTPUT_TEXT, 0},      {"amount_yen", OUTPUT_YEN, 0},     {"dispensed_yen", OUTPUT_YEN, 0},
    {"resolved", OUTPUT_BOOL, 0}};
static const struct output_column claim_columns[] = {
    {"claim", OUTPUT_NUMBER, 0},   {"open", OUTPUT_BOOL, 0},      {"claimed_yen", OUTPUT_YEN, 0},
    {"noted_at", OUTPUT_TEXT, 0},  {"noted_by", OUTPUT_TEXT, 0},  {"note", OUTPUT_TEXT, 0},
    {"closed_at", OUTPUT_TEXT, 0}, {"closed_by", OUTPUT_TEXT, 0}, {"closing_note", OUTPUT_TEXT, 0}};
static const struct output_column action_columns[] = {
    {"at", OUTPUT_TEXT, 0},    {"who", OUTPUT_TEXT, 0},          {"what", OUTPUT_TEXT, 0},
    {"seq", OUTPUT_NUMBER, 0}, {"dispensed_yen", OUTPUT_YEN, 0}, {"recovery", OUTPUT_NUMBER, 0},
    {"note", OUTPUT_TEXT, 0}};

/* What belongs to one withdrawal: a part of what is shown. */
static const struct part {
        const char *name, *heading;
        const struct output_column *columns;
        size_t count;
} parts[WITHDRAWAL_PARTS] = {
    [WITHDRAWAL_OUTCOME] = {"outcome", "The bank's outcome", outcome_columns, LENGTH(outcome_columns)},
    [WITHDRAWAL_ADVICES] = {"advices", "Advices", advice_columns, LENGTH(advice_columns)},
    [WITHDRAWAL_NOTICES] = {"notices", "What the bank is told", notice_columns, LENGTH(notice_columns)},
    [WITHDRAWAL_COMMISSION] = {"commission", "Commission", commission_columns, LENGTH(commission_columns)},
    [WITHDRAWAL_EXCEPTIONS] = {"exceptions", "Exceptions", exception_columns, LENGTH(exception_columns)},
    [WITHDRAWAL_CLAIMS] = {"claims", "Claims", claim_columns, LENGTH(claim_columns)},
    [WITHDRAWAL_ACTIONS] = {"actions", "What operators did", action_columns, LENGTH(action_columns)},
};

/* To people everything, be it left out of a list. */
static bool print_whole(struct output *output, const struct withdrawal_whole *whole)
{
        struct output_column columns[WITHDRAWAL_COLUMN_COUNT];
        struct output_section section = {
            .heading = "", .shape = OUTPUT_ONE, .columns = columns, .count = LENGTH(columns)};
        bool printed;

        for (size_t i = 0; i < LENGTH(columns); i++)
                columns[i] =
                    (struct output_column){withdrawal_columns[i].name, withdrawal_columns[i].type, 0};
        printed = output_section(output, &section, whole->withdrawal);
        for (size_t i = 0; i < LENGTH(parts) && printed; i++) {
                section = (struct output_section){.name = parts[i].name,
                                                  .heading = parts[i].heading,
                                                  .columns = parts[i].columns,
                                                  .count = parts[i].count};
                printed = output_section(output, &section, whole->part[i]);
        }
        return printed;
}

static bool print_wholes(const struct invocation *invocation, const struct withdrawal_wholes *wholes)
{
        struct output *output = output_open_whole(invocation);
        bool printed = output != NULL;

        for (int i = 0; i < wholes->count && printed; i++)
                printed = (!i || output_next_whole(output)) && print_whole(output, &wholes->whole[i]);
        if (printed)
                return output_close(output);
        output_abandon(output);
        return false;
}

static bool show(struct database *database, const struct invocation *invocation, void *context)
{
        struct withdrawal_wholes wholes;
        char error[PG_ERROR_MAX];
        enum withdrawal_found found = withdrawal_wholes_read(database->connection, context, &wholes, error);
        bool shown;

        complain_unless_found(invocation, found, error);
        if (found != WITHDRAWAL_FOUND)
                return false;
        shown = print_wholes(invocation, &wholes);
        withdrawal_wholes_free(&wholes);
        return shown;
}

int withdrawal_show(const struct invocation *invocation)
{
        struct withdrawal_question question;
        char token[TOKEN_TEXT];
        int exit_code;

        if (!output_holds_sections(invocation))
                return usage_error(
                    invocation->command,
                    "--format csv: a withdrawal and what belongs to it are no one table: expected "
                    "table or json");
        if (!is_selected(invocation))
                return usage_error(
                    invocation->command,
                    "which withdrawal? expected options that select one, as --terminal with --rrn or --stan");
        exit_code = withdrawal_asked(invocation, &question, token);
        return exit_code == EXIT_DONE ? database_run(invocation, show, &question) : exit_code;
}

/* rows --------------------------------------------------------------------------------------------------- */

static const struct field list_fields[] = {
    WITHDRAWAL_FIELDS,
    {.name = "oldest-first", .kind = VALUE_NONE, .text = "the oldest first"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 100 unless given"},
    {.name = NULL}};
static const struct field show_fields[] = {WITHDRAWAL_FIELDS, {.name = NULL}};

#define FLAGS (COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CARD | COMMAND_TOKEN_KEY)

static const struct command commands[] = {
    {.noun = "withdrawal",
     .verb = "list",
     .text = "list withdrawals, refused ones too, the newest first",
     .more =
         "Options narrow it together. State and amounts are what became of it so far: fees are what was "
         "earned, zero until cash was dispensed, and again after a reversal; fixed_... is its price, which "
         "stands from the decision on. Commission is earned with the cash; fixed, and not earned yet, while "
         "the end is not known; or none, of what was refused or reversed. Link: the bank that was asked, or "
         "that it was refused for want of (91). Asked: its bank is to decide, behind a link, and "
         "has not "
         "yet; cause is how that was decided: the bank's answer, a timeout, the ATM's reversal, an "
         "operator.\n"
         "Example: atmctl withdrawal list --terminal T0000001 --from 2016-12-31 --to 2016-12-31T12:00",
     .flags = FLAGS | COMMAND_REPLICA | COMMAND_LIST | COMMAND_WATCH,
     .columns = withdrawal_columns,
     .column_count = LENGTH(withdrawal_columns),
     .run = withdrawal_list,
     .fields = list_fields},
    {.noun = "withdrawal",
     .verb = "show",
     .text = "show a withdrawal with all that is recorded about it, on our side and of the bank's",
     .more =
         "Its decision, the bank's outcome, advices, what the bank is told and when it acknowledged it, "
         "commission rows, exceptions, claims, what operators did. Where several are like that, all are "
         "shown, the "
         "newest first, up to 10: an ATM that uses a trace number again within an hour has two withdrawals "
         "of "
         "one terminal and RRN. JSON is an object, or, of several, an array of such objects.\n"
         "Example: atmctl withdrawal show --terminal T0000001 --rrn 636610000123",
     .flags = FLAGS,
     .run = withdrawal_show,
     .fields = show_fields},
};

const struct command_group group_withdrawal = {commands, sizeof(commands) / sizeof(*commands),
                                               "What happened at the ATMs"};
