/* exception: what people should look at (backoffice/cases), and what they found. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/cases/exceptions.h"
#include "backoffice/pages/case_text.h"
#include "config/settings.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "rules/withdrawal.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/rows.h"
#include "tools/atmctl/nouns/withdrawal.h"

enum { OPEN_MINUTES = 10 };

/* As people read them first; programs have what they are made of. Those of what is open end before the last three. */
static const struct output_column list_columns[] = {
    {"age", OUTPUT_TEXT, OUTPUT_ONLY_TABLE | OUTPUT_IN_WORDS},
    {"advice_at", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"terminal", OUTPUT_TEXT, 0},
    {"advice_stan", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
    {"kind", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"transmitted_at", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0},
    {"what", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"amount_yen", OUTPUT_YEN, 0},
    {"dispensed_yen", OUTPUT_YEN, 0},
    {"claimed_yen", OUTPUT_YEN, 0},
    {"resolved", OUTPUT_BOOL, OUTPUT_NOT_TABLE},
    {"hall", OUTPUT_TEXT, 0},
    {"issuer", OUTPUT_TEXT, 0},
    {"age_minutes", OUTPUT_NUMBER, OUTPUT_NOT_TABLE},
    {"text", OUTPUT_TEXT, 0},
    {"resolved_at", OUTPUT_TEXT, 0},
    {"resolved_by", OUTPUT_TEXT, 0},
    {"note", OUTPUT_TEXT, 0},
};
enum { AGE, ROW, TEXT = ROW + EXCEPTION_AGE_MINUTES + 1, OPEN_COLUMNS, COLUMNS = LENGTH(list_columns) };
_Static_assert(COLUMNS == OPEN_COLUMNS + EXCEPTION_COUNT - EXCEPTION_RESOLVED_AT,
               "those of a row, age and text");

static const char *value_of(const PGresult *result, int row, int column)
{
        return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

static bool write_row(struct output *output, const PGresult *result, int row)
{
        const char *values[COLUMNS], *minutes = value_of(result, row, EXCEPTION_AGE_MINUTES);
        char text[CASE_TEXT_MAX], age[CASE_AGE_MAX];

        for (int i = 0; i < EXCEPTION_COUNT; i++)
                values[i < EXCEPTION_RESOLVED_AT ? ROW + i : OPEN_COLUMNS + i - EXCEPTION_RESOLVED_AT] =
                    value_of(result, row, i);
        case_text(PQgetvalue(result, row, EXCEPTION_KIND), PQgetvalue(result, row, EXCEPTION_WHAT), text);
        values[TEXT] = text;
        if (minutes)
                case_age(pg_number(result, row, EXCEPTION_AGE_MINUTES), age);
        values[AGE] = minutes ? age : NULL;
        return output_row(output, values);
}

/* The sums of all of them, also where not all are shown. */
static bool write_total(struct output *output, const PGresult *result)
{
        const char *values[COLUMNS] = {NULL};
        char text[64];

        snprintf(text, sizeof(text), "total of %s", PQgetvalue(result, 0, EXCEPTION_COUNT));
        values[AGE] = text;
        values[ROW + EXCEPTION_AMOUNT_YEN] = value_of(result, 0, EXCEPTION_AMOUNTS_YEN);
        values[ROW + EXCEPTION_DISPENSED_YEN] = value_of(result, 0, EXCEPTION_DISPENSED_SUM_YEN);
        values[ROW + EXCEPTION_CLAIMED_YEN] = value_of(result, 0, EXCEPTION_CLAIMED_SUM_YEN);
        return output_total(output, values);
}

static bool write_list(struct output *output, const PGresult *result, int rows)
{
        for (int i = 0; i < rows; i++)
                if (!write_row(output, result, i))
                        return false;
        return !rows || write_total(output, result);
}

/* Now, and the latest moment at which a withdrawal that is open now counts; false after a complaint. */
static bool moments_of(const struct invocation *invocation, char now[26], char open_before[26])
{
        struct business_clock clock;
        const char *source;
        int64_t minutes = invocation_number(invocation, "minutes", OPEN_MINUTES), now_ms;

        if (!business_clock_of(invocation, &clock, &source))
                return false;
        now_ms = clock_business_ms(&clock, real_now_ms());
        calendar_print_moment(now_ms, now);
        calendar_print_moment(now_ms - minutes * MINUTE_MS, open_before);
        return true;
}

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        return exceptions_list(connection, question, limit, error);
}

static int exception_list(const struct invocation *invocation)
{
        const char *resolved = invocation_value(invocation, "resolved");
        char now[26], before[26];
        const struct exception_question question = {.terminal = invocation_value(invocation, "terminal"),
                                                    .hall = invocation_value(invocation, "hall"),
                                                    .issuer = invocation_value(invocation, "issuer"),
                                                    .from = invocation_value(invocation, "from"),
                                                    .to = invocation_value(invocation, "to"),
                                                    .resolved = resolved ? resolved : "false",
                                                    .now = now,
                                                    .open_before = before};

        if (!moments_of(invocation, now, before))
                return EXIT_FAILED;
        return rows_answer(invocation,
                           &(struct rows_question){
                               .ask = ask_list,
                               .question = &question,
                               .columns = list_columns,
                               .column_count = strcmp(question.resolved, "true") ? OPEN_COLUMNS : COLUMNS,
                               .write = write_list,
                               .limit = invocation_number(invocation, "limit", LIST_LIMIT)});
}

/* resolve -------------------------------------------------------------------------------------------------
 */

/* "T0000001 2016-12-29T08:00:00+09:00 000005" */
static void describe(const PGresult *withdrawal, char buffer[80])
{
        snprintf(buffer, 80, "%s %s %06d", PQgetvalue(withdrawal, 0, WITHDRAWAL_TERMINAL),
                 PQgetvalue(withdrawal, 0, WITHDRAWAL_AT), (int)pg_number(withdrawal, 0, WITHDRAWAL_STAN));
}

static void complain_of_refusal(const struct invocation *invocation, const PGresult *found, const char *key,
                                enum exception_end end, const struct exception_outcome *outcome)
{
        const char *state = outcome->state_before, *dispensed = invocation_value(invocation, "dispensed");
        bool is_completed = !strcmp(state, "completed");

        if (end == EXCEPTION_NO_END) {
                complain(
                    "exception resolve: %s is %s: --elsewhere settles what has an end: expected the finding "
                    "without it",
                    key, state);
        } else if (end == EXCEPTION_NO_CHANGE) {
                complain("exception resolve: %s is %s with %" PRId64
                         " yen dispensed already, and nothing about it is open",
                         key, state, outcome->counted_before_yen);
        } else if (end == EXCEPTION_YOUNG) {
                complain(
                    "exception resolve: %s is %s, and so young that its ATM may still %s: expected to wait "
                    "another %" PRId64
                    " seconds, until an ATM's longest wait and longest dispensing are over, in real "
                    "time (atm_wait_s and atm_dispense_s of atmd's configuration, which it has told the "
                    "database)",
                    key, state,
                    !strcmp(state, "asked") || !strcmp(state, "approved") ? "pay out"
                                                                          : "correct what it said",
                    outcome->left_s);
                note("where the ATM is known to stand still, --force decides now");
        } else if (!strcmp(state, "declined") || !strcmp(state, "blocked") || !strcmp(state, "reversed")) {
                complain("exception resolve: %s is %s: that %s yen left for it can't be recorded any more",
                         key, state, dispensed);
                note("once the money is put right by hand, with the card-holder's bank too, --elsewhere "
                     "records that");
        } else if (!strcmp(state, "asked")) {
                complain("exception resolve: %s: its bank has not decided yet: expected --dispensed 0, or to "
                         "wait for "
                         "the outcome",
                         key);
        } else {
                complain("exception resolve: %s is %s: expected --dispensed of at most %" PRId64
                         " yen, which was %s",
                         key, state,
                         is_completed ? outcome->counted_before_yen
                                      : pg_number(found, 0, WITHDRAWAL_AMOUNT_YEN),
                         is_completed ? "dispensed already" : "approved");
                note("once the money is put right by hand, --elsewhere records that");
        }
}

static bool resolve_found(const struct invocation *invocation, struct database *database,
                          const PGresult *found, const char *advice_at)
{
        const struct exception_finding finding = {.terminal = PQgetvalue(found, 0, WITHDRAWAL_TERMINAL),
                                                  .transmitted_at = PQgetvalue(found, 0, WITHDRAWAL_AT),
                                                  .stan = PQgetvalue(found, 0, WITHDRAWAL_STAN),
                                                  .dispensed_yen = invocation_value(invocation, "dispensed"),
                                                  .elsewhere = invocation_has(invocation, "elsewhere"),
                                                  .force = invocation_has(invocation, "force"),
                                                  .advice_at = advice_at};
        struct exception_outcome outcome;
        char key[80], error[PG_ERROR_MAX];
        enum exception_end end = exception_resolve(database->connection, &finding, &outcome, error);

        describe(found, key);
        if (end == EXCEPTION_FAILED)
                database_complain_of(error);
        else if (end != EXCEPTION_RESOLVED)
                complain_of_refusal(invocation, found, key, end, &outcome);
        else if (finding.elsewhere)
                change_say(
                    invocation,
                    "%s: %s yen dispensed, put right elsewhere: it stays %s with %" PRId64
                    " yen, and a difference that 'atmctl reconcile' finds is settled; exceptions dealt "
                    "with: %d\n",
                    key, finding.dispensed_yen, outcome.state, outcome.counted_yen, outcome.exceptions);
        else
                change_say(invocation,
                           "%s: %s, %" PRId64 " yen dispensed (was: %s, %" PRId64
                           " yen); exceptions dealt with: %d\n",
                           key, outcome.state, outcome.counted_yen, outcome.state_before,
                           outcome.counted_before_yen, outcome.exceptions);
        return end == EXCEPTION_RESOLVED;
}

/* The one that is meant: a withdrawal, or, of one that a restore has lost, its exception. NULL after a complaint. */
static PGresult *find(const struct invocation *invocation, struct database *database,
                      const struct withdrawal_question *question)
{
        const struct exception_question lost = {
            .terminal = question->terminal, .from = question->from, .to = question->to};
        char error[PG_ERROR_MAX];
        PGresult *found = NULL;

        if (invocation_has(invocation, "elsewhere") && question->terminal && question->stan) {
                found = exceptions_lost(database->connection, &lost, question->stan, error);
                if (!found)
                        database_complain_of(error);
                if (!found || PQntuples(found) == 1)
                        return found;
                PQclear(found);
        }
        return withdrawal_one(invocation, database, question);
}

static int resolve(const struct invocation *invocation)
{
        struct withdrawal_question question;
        char token[TOKEN_TEXT];
        struct database database;
        struct business_clock clock;
        const char *source;
        char advice_at[32];
        PGresult *found;
        int64_t now_ms;
        bool done;
        int exit_code;

        if (invocation_number(invocation, "dispensed", 0) % SMALLEST_NOTE_YEN)
                return usage_error(invocation->command,
                                   "--dispensed %s: expected a multiple of %d yen: notes",
                                   invocation_value(invocation, "dispensed"), SMALLEST_NOTE_YEN);
        exit_code = withdrawal_asked(invocation, &question, token);
        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!business_clock_of(invocation, &clock, &source) ||
            !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        now_ms = clock_business_ms(&clock, real_now_ms());
        calendar_print_moment(now_ms, advice_at);
        /* to the millisecond, so that two findings of a second are two advices */
        snprintf(advice_at + 19, sizeof(advice_at) - 19, ".%03d+09:00", (int)(now_ms % 1000));
        found = find(invocation, &database, &question);
        done = found && change_begin_dry(&database, invocation) &&
               resolve_found(invocation, &database, found, advice_at) &&
               change_end_dry(&database, invocation);
        PQclear(found);
        database_close(&database);
        return done ? EXIT_DONE : EXIT_FAILED;
}

/* rows ----------------------------------------------------------------------------------------------------
 */

static const struct field list_fields[] = {
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "of this ATM"},
    {.name = "hall", .kind = VALUE_HALL, .text = "of withdrawals in this hall"},
    {.name = "issuer", .kind = VALUE_ISSUER, .text = "of withdrawals with this bank's cards"},
    WITHDRAWAL_TIME_FIELDS("advices, or withdrawals without an end, sent"),
    {.name = "resolved",
     .kind = VALUE_BOOL,
     .text = "yes: those that an operator has dealt with, with when, who and why; no unless given"},
    {.name = "minutes",
     .kind = VALUE_NUMBER,
     .text = "a withdrawal without an end counts after so many minutes of business time; 10 unless given"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};
static const struct field show_fields[] = {WITHDRAWAL_FIELDS, {.name = NULL}};
static const struct field resolve_fields[] = {
    {.name = "dispensed",
     .kind = VALUE_YEN,
     .flags = FIELD_REQUIRED,
     .text = "the cash that was found to have left the ATM for it"},
    {.name = "elsewhere",
     .kind = VALUE_NONE,
     .text = "the money was put right outside this system: deal with its exceptions, move nothing; 'atmctl "
             "reconcile' shows it as settled"},
    {.name = "force",
     .kind = VALUE_NONE,
     .text = "decide although its ATM may still pay out or correct, because it is known to stand still"},
    WITHDRAWAL_FIELDS,
    {.name = NULL},
};

#define FIND_FLAGS (COMMAND_DATABASE | COMMAND_CARD | COMMAND_TOKEN_KEY)

static const struct command commands[] = {
    {.noun = "exception",
     .verb = "list",
     .text = "list what people should look at, the oldest first, with its sums",
     .more =
         "Advices that contradict what is known, with what the withdrawal was to us when they came (settled: "
         "completed, and too late to correct it; decided: a person had said otherwise); corrections of what "
         "was "
         "completed (corrected), which did move money: look whether they are honest; completions and "
         "reversals that a bank would not book (kind bank, with its code), which are not sent again: agree "
         "with the bank; what a restore has lost and journals could not bring back (kind recovery, with the "
         "reason: see "
         "'atmctl recover'); what somebody claims and no book does (kind claim: see 'atmctl claim'); and "
         "withdrawals without an end: approved and not heard of again (no end), or asked of a bank and not "
         "decided, which any running atmd does by itself (no outcome).",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CLOCK | COMMAND_LIST | COMMAND_WATCH,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = exception_list,
     .fields = list_fields},
    {.noun = "exception",
     .verb = "show",
     .text = "show a withdrawal with all that is recorded about it, on our side and of the bank's",
     .more = "The same as 'atmctl withdrawal show'.\nExample: atmctl exception show --terminal T0000001 "
             "--stan 123",
     .flags = FIND_FLAGS | COMMAND_OUTPUT,
     .run = withdrawal_show,
     .fields = show_fields},
    {.noun = "exception",
     .verb = "resolve",
     .text = "say how much cash a withdrawal dispensed, where its ATM can't any more or was contradicted",
     .more =
         "The options must select exactly one withdrawal. It does what the ATM's advice would do: "
         "commission, "
         "limits, account, and what the bank must be told; and it deals with the withdrawal's "
         "exceptions. Where the finding is what is recorded already, it only does the latter. Refused where "
         "the "
         "finding can't be recorded any more: put the money right by hand, then --elsewhere, which also "
         "takes a "
         "difference that only 'atmctl reconcile' finds out of its later ones. Refused also "
         "while "
         "its ATM may still pay out, or correct what it said: for its longest wait and longest dispensing "
         "after the "
         "approval, together "
         "ten minutes of real time unless atmd's configuration says otherwise, whatever clock a laboratory "
         "has. Should "
         "the ATM "
         "speak after all and say otherwise, that is a new exception and moves nothing.\n"
         "Example: atmctl exception resolve --terminal T0000001 --stan 123 --dispensed 0 --note 'counted the "
         "cassettes with the guard'",
     .flags = FIND_FLAGS | COMMAND_CLOCK | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = resolve,
     .fields = resolve_fields},
};

const struct command_group group_exception = {commands, sizeof(commands) / sizeof(*commands),
                                              "What people must decide"};
