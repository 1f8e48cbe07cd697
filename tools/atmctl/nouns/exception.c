/*
 * exception: what people should look at, and what they found. Two kinds of things: advices that contradict
 * what is known (exception_record), and withdrawals that are still without an end when they should have one.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/operator.h"
#include "tools/atmctl/rows.h"
#include "tools/atmctl/withdrawal_whole.h"

enum { OPEN_MINUTES = 10, YEN_STEP = 1000 };

static const struct output_column list_columns[] = {
    {"advice_at", OUTPUT_TEXT, 0}, {"terminal", OUTPUT_TEXT, 0},       {"advice_stan", OUTPUT_NUMBER, 0},
    {"kind", OUTPUT_TEXT, 0},      {"transmitted_at", OUTPUT_TEXT, 0}, {"stan", OUTPUT_NUMBER, 0},
    {"what", OUTPUT_TEXT, 0},      {"amount_yen", OUTPUT_YEN, 0},      {"dispensed_yen", OUTPUT_YEN, 0},
    {"resolved", OUTPUT_BOOL, 0},
};
#define LIST_COLUMNS                                                                                         \
        MOMENT("x.advice_at")                                                                                \
        ", x.terminal, x.advice_stan, x.kind, " MOMENT(                                                      \
            "x.transmitted_at") ", x.stan, x.what, x.amount_yen, x.dispensed_yen, x.resolved"

/* The open ones: asked of a bank and not decided, or approved and not heard of again. */
#define WITHOUT_END                                                                                          \
        "SELECT NULL::timestamptz AS advice_at, o.terminal, NULL::integer AS advice_stan, NULL::text AS "    \
        "kind, "                                                                                             \
        "o.transmitted_at, o.stan, CASE WHEN o.asked_ms IS NOT NULL AND NOT EXISTS (SELECT FROM "            \
        "bank_outcome b "                                                                                    \
        "WHERE b.terminal = o.terminal AND b.transmitted_at = o.transmitted_at AND b.stan = o.stan) "        \
        "THEN 'no outcome' ELSE 'no end' END AS what, o.amount_yen, NULL::bigint AS dispensed_yen, "         \
        "false AS resolved FROM open_withdrawal o"

/* The latest moment at which a withdrawal that is open now counts; false after a complaint. */
static bool open_before(const struct invocation *invocation, char buffer[26])
{
        struct business_clock clock;
        const char *source;
        int64_t minutes = invocation_number(invocation, "minutes", OPEN_MINUTES);

        if (!business_clock_of(invocation, &clock, &source))
                return false;
        calendar_print_moment(clock_business_ms(&clock, real_now_ms()) - minutes * MINUTE_MS, buffer);
        return true;
}

static int exception_list(const struct invocation *invocation)
{
        struct selection selection = {.count = 0};
        const char *resolved = invocation_value(invocation, "resolved");
        struct sqltext sql;
        int64_t limit;
        char limit_text[24], before[26];

        if (!open_before(invocation, before))
                return EXIT_FAILED;
        rows_limit(invocation, LIST_LIMIT, &limit, limit_text);
        sql_start(&selection.conditions);
        select_equal(&selection, "x.terminal", "text", invocation_value(invocation, "terminal"));
        select_equal(&selection, "x.resolved", "boolean", resolved ? resolved : "false");
        select_time(&selection, invocation, "coalesce(x.advice_at, x.transmitted_at)");
        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT " LIST_COLUMNS
            " FROM (SELECT advice_at, terminal, advice_stan, kind, transmitted_at, stan, what, amount_yen, "
            "dispensed_yen, resolved FROM v_exception UNION ALL " WITHOUT_END
            " WHERE o.transmitted_at < $%d::timestamptz) x WHERE true%s "
            "ORDER BY coalesce(x.advice_at, x.transmitted_at) DESC, x.terminal, x.advice_stan LIMIT %s",
            selection_parameter(&selection, before), selection.conditions.text, limit_text);
        return rows_print(invocation, &(struct rows_query){.sql = sql.text,
                                                           .count = selection.count,
                                                           .parameters = selection.parameters,
                                                           .columns = list_columns,
                                                           .column_count = LENGTH(list_columns),
                                                           .limit = limit});
}

/* resolve -------------------------------------------------------------------------------------------------
 */

/* "T0000001 2016-12-29T08:00:00+09:00 000005" */
static void describe(const PGresult *withdrawal, char buffer[80])
{
        snprintf(buffer, 80, "%s %s %06d", PQgetvalue(withdrawal, 0, WITHDRAWAL_TERMINAL),
                 PQgetvalue(withdrawal, 0, WITHDRAWAL_AT), atoi(PQgetvalue(withdrawal, 0, WITHDRAWAL_STAN)));
}

enum { REFUSAL, STATE_BEFORE, COUNTED_BEFORE, STATE, COUNTED, EXCEPTIONS };

static void complain_of_refusal(const struct invocation *invocation, const char *key, const PGresult *result)
{
        const char *refusal = PQgetvalue(result, 0, REFUSAL), *state = PQgetvalue(result, 0, STATE_BEFORE);
        const char *counted = PQgetvalue(result, 0, COUNTED_BEFORE),
                   *dispensed = invocation_value(invocation, "dispensed");

        if (!strcmp(refusal, "no exception")) {
                complain("exception resolve: %s is %s: nothing about it is open: expected one that 'atmctl "
                         "exception "
                         "list' shows",
                         key, state);
        } else if (!strcmp(refusal, "no change")) {
                complain(
                    "exception resolve: %s is %s with %s yen dispensed already, and nothing about it is open",
                    key, state, counted);
        } else if (!strcmp(state, "declined") || !strcmp(state, "blocked") || !strcmp(state, "reversed")) {
                complain("exception resolve: %s is %s: that %s yen left for it can't be recorded, for the "
                         "bank was told "
                         "otherwise",
                         key, state, dispensed);
                note("once the money is put right with the bank by hand, --elsewhere records that");
        } else if (!strcmp(state, "asked")) {
                complain("exception resolve: %s: its bank has not decided yet: expected --dispensed 0, or to "
                         "wait for "
                         "the outcome",
                         key);
        } else {
                complain("exception resolve: %s is %s: expected --dispensed of at most %s yen", key, state,
                         strcmp(state, "completed") ? "what was approved," : counted);
                note("once the money is put right by hand, --elsewhere records that");
        }
}

static bool resolve_found(const struct invocation *invocation, struct database *database,
                          const PGresult *found, const char *advice_at)
{
        char key[80];
        const char *parameters[] = {PQgetvalue(found, 0, WITHDRAWAL_TERMINAL),
                                    PQgetvalue(found, 0, WITHDRAWAL_AT),
                                    PQgetvalue(found, 0, WITHDRAWAL_STAN),
                                    invocation_value(invocation, "dispensed"),
                                    invocation_has(invocation, "elsewhere") ? "true" : "false",
                                    advice_at,
                                    operator_now(),
                                    operator_name(),
                                    invocation_value(invocation, "note")};
        PGresult *result =
            operator_query(database,
                           "SELECT r_refusal, r_state_before, r_counted_before_yen, r_state, "
                           "r_counted_yen, r_exceptions FROM operator_resolve($1, $2::timestamptz, "
                           "$3::integer, $4::bigint, $5::boolean, $6::timestamptz, $7::bigint, $8, $9)",
                           LENGTH(parameters), parameters);
        bool done = result && PQgetisnull(result, 0, REFUSAL);

        describe(found, key);
        if (result && !done)
                complain_of_refusal(invocation, key, result);
        if (done)
                printf("%s: %s, %s yen dispensed (was: %s, %s yen); exceptions dealt with: %s\n", key,
                       PQgetvalue(result, 0, STATE), PQgetvalue(result, 0, COUNTED),
                       PQgetvalue(result, 0, STATE_BEFORE), PQgetvalue(result, 0, COUNTED_BEFORE),
                       PQgetvalue(result, 0, EXCEPTIONS));
        PQclear(result);
        return done;
}

static int exception_resolve(const struct invocation *invocation)
{
        struct selection selection;
        struct database database;
        struct business_clock clock;
        const char *source;
        char advice_at[32];
        PGresult *found;
        int64_t now_ms;
        bool done;
        int exit_code;

        if (invocation_number(invocation, "dispensed", 0) % YEN_STEP)
                return usage_error(invocation->command,
                                   "--dispensed %s: expected a multiple of %d yen: notes",
                                   invocation_value(invocation, "dispensed"), YEN_STEP);
        exit_code = withdrawal_card(invocation, &selection);
        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!business_clock_of(invocation, &clock, &source) ||
            !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        now_ms = clock_business_ms(&clock, real_now_ms());
        calendar_print_moment(now_ms, advice_at);
        /* to the millisecond, so that two findings of a second are two advices */
        snprintf(advice_at + 19, sizeof(advice_at) - 19, ".%03d+09:00", (int)(now_ms % 1000));
        found = withdrawal_find_one(&database, invocation, &selection);
        done = found && resolve_found(invocation, &database, found, advice_at);
        PQclear(found);
        database_close(&database);
        return done ? EXIT_DONE : EXIT_FAILED;
}

/* rows ----------------------------------------------------------------------------------------------------
 */

static const struct field list_fields[] = {
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "of this ATM"},
    WITHDRAWAL_TIME_FIELDS("advices, or withdrawals without an end, sent"),
    {.name = "resolved",
     .kind = VALUE_BOOL,
     .text = "yes: those that an operator has dealt with; no unless given"},
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
    {.name = "note",
     .kind = VALUE_TEXT,
     .flags = FIELD_REQUIRED,
     .text = "how that was found; kept with who did it and when"},
    {.name = "elsewhere",
     .kind = VALUE_NONE,
     .text = "the money was put right outside this system: deal with its exceptions, move nothing"},
    WITHDRAWAL_FIELDS,
    {.name = NULL},
};

#define FIND_FLAGS (COMMAND_DATABASE | COMMAND_CARD | COMMAND_TOKEN_KEY)

static const struct command commands[] = {
    {.noun = "exception",
     .verb = "list",
     .text = "list what people should look at, the newest first",
     .more =
         "Advices that contradict what is known, with what the withdrawal was to us when they came; and "
         "withdrawals without an end: approved and not heard of again (no end), or asked of a bank and not "
         "decided, which any running atmd does by itself (no outcome).",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CLOCK,
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
         "roll-up, limits, account, and what the bank must be told; and it deals with the withdrawal's "
         "exceptions. Where the finding is what is recorded already, it only does the latter. Refused where "
         "the "
         "finding can't be recorded any more: put the money right by hand, then --elsewhere. Should the ATM "
         "speak after all and say otherwise, that is a new exception.\n"
         "Example: atmctl exception resolve --terminal T0000001 --stan 123 --dispensed 0 --note 'counted the "
         "cassettes with the guard'",
     .flags = FIND_FLAGS | COMMAND_CLOCK,
     .run = exception_resolve,
     .fields = resolve_fields},
};

const struct command_group group_exception = {commands, sizeof(commands) / sizeof(*commands),
                                              "What people must decide"};
