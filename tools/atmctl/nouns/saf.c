/* saf: store and forward, the notices that banks have not acknowledged yet, and what operators do about them.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/operator.h"
#include "tools/atmctl/rows.h"
#include "backoffice/cases/select.h"

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
/* $1: real milliseconds now. Behind: another notice of the same withdrawal goes first. */
#define SAF_COLUMNS                                                                                          \
        "s.link, s.terminal, " MOMENT(                                                                       \
            "s.transmitted_at") ", s.stan, s.seq, s.rrn, s.kind, s.amount_yen, s.charge_yen, "               \
                                "s.dispensed_yen, s.why, "                                                   \
                                "($1::bigint - s.created_ms) / 1000, s.attempts, CASE WHEN s.parked THEN "   \
                                "'parked' WHEN s.after > 0 "                                                 \
                                "THEN 'behind' WHEN s.due_ms <= $1::bigint THEN 'due' ELSE 'waiting' END, "  \
                                "CASE WHEN NOT s.parked AND s.after = 0 THEN greatest(0, s.due_ms - "        \
                                "$1::bigint) / 1000 END, "                                                   \
                                "s.last_error"

static const struct output_column detail_columns[] = {{"withdrawal_state", OUTPUT_TEXT, 0},
                                                      {"outcome_cause", OUTPUT_TEXT, 0},
                                                      {"bank_de39", OUTPUT_TEXT, 0},
                                                      {"sender", OUTPUT_TEXT, 0}};

static bool select_notices(struct selection *selection, struct database *database,
                           const struct invocation *invocation)
{
        const char *rrn = invocation_value(invocation, "rrn");
        char error[PG_ERROR_MAX];

        select_equal(selection, "s.link", "text", invocation_value(invocation, "link"));
        select_equal(selection, "s.terminal", "text", invocation_value(invocation, "terminal"));
        select_equal(selection, "s.stan", "integer", invocation_value(invocation, "stan"));
        select_equal(selection, "s.seq", "smallint", invocation_value(invocation, "seq"));
        select_equal(selection, "s.parked", "boolean", invocation_value(invocation, "parked"));
        select_time(selection, "s.transmitted_at", invocation_value(invocation, "from"), invocation_value(invocation, "to"));
        if (!rrn || select_rrn(selection, database->connection, "s.", rrn, error))
                return true;
        database_complain_of(error);
        return false;
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

/* Connected, and with the conditions that the options make; $1 is the time. False after a complaint. */
static bool start(const struct invocation *invocation, struct database *database, struct selection *selection)
{
        selection_start(selection);
        (void)selection_parameter(selection, operator_now());
        if (!database_open(database, invocation, DATABASE_READY))
                return false;
        if (select_notices(selection, database, invocation))
                return true;
        database_close(database);
        return false;
}

static int saf_list(const struct invocation *invocation)
{
        struct selection selection;
        struct database database;
        struct sqltext sql;
        PGresult *result;
        int64_t limit;
        char limit_text[24];
        bool done;

        rows_limit(invocation, LIST_LIMIT, &limit, limit_text);
        if (!start(invocation, &database, &selection))
                return EXIT_FAILED;
        sql_start(&sql);
        sql_add(&sql,
                "SELECT " SAF_COLUMNS
                " FROM v_saf s WHERE true%s ORDER BY s.created_ms, s.terminal, s.transmitted_at, "
                "s.stan, s.seq LIMIT %s",
                selection.conditions.text, limit_text);
        result = database_query(&database, sql.text, selection.count, selection.parameters);
        done = result && rows_print_found(invocation, saf_columns, LENGTH(saf_columns), result, limit,
                                          "only the oldest %s are shown: --limit N shows more of them");
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
        struct selection selection;
        struct database database;
        struct sqltext sql;
        PGresult *result;
        bool done = false;

        if (!start(invocation, &database, &selection))
                return EXIT_FAILED;
        sql_start(&sql);
        sql_add(&sql,
                "SELECT " SAF_COLUMNS
                ", v.state, v.outcome_cause, v.bank_de39, (SELECT l.holder FROM saf_lease l WHERE "
                "l.link = s.link AND l.until_ms >= $1::bigint) FROM v_saf s LEFT JOIN LATERAL (SELECT * FROM "
                "v_withdrawal v WHERE v.terminal = s.terminal AND v.transmitted_at = s.transmitted_at AND "
                "v.stan = "
                "s.stan LIMIT 1) v ON true WHERE true%s LIMIT 2",
                selection.conditions.text);
        result = database_query(&database, sql.text, selection.count, selection.parameters);
        if (result && PQntuples(result) == 1)
                done = print_notice(invocation, result);
        else if (result)
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
        const char *park = invocation->command->argument;
        struct selection selection;
        struct database database;
        struct sqltext sql;
        PGresult *result;
        int who, note_given, parking;
        bool done;

        if (!is_narrowed(invocation))
                return usage_error(invocation->command,
                                   "which notices? expected --link, --terminal or another option "
                                   "that selects them");
        if (!start(invocation, &database, &selection))
                return EXIT_FAILED;
        who = selection_parameter(&selection, operator_name());
        note_given = selection_parameter(&selection, invocation_value(invocation, "note"));
        parking = selection_parameter(&selection, park);
        sql_start(&sql);
        sql_add(&sql,
                "SELECT operator_saf($%d::boolean, k.terminals, k.moments, k.stans, k.seqs, $1::bigint, $%d, "
                "$%d) FROM "
                "(SELECT array_agg(s.terminal) AS terminals, array_agg(s.transmitted_at) AS moments, "
                "array_agg(s.stan) "
                "AS stans, array_agg(s.seq) AS seqs FROM saf s WHERE true%s) k",
                parking, who, note_given, selection.conditions.text);
        result = operator_query(&database, sql.text, selection.count, selection.parameters);
        done = result && atoi(PQgetvalue(result, 0, 0)) > 0;
        if (done)
                printf("saf: %s %s\n", PQgetvalue(result, 0, 0),
                       *park == 't' ? "parked, not to be sent until 'atmctl saf retry'" : "to be sent now");
        else if (result)
                complain("saf %s: no notice is like that%s", invocation->command->verb,
                         *park == 't' ? " and not parked yet" : "");
        PQclear(result);
        database_close(&database);
        return done ? EXIT_DONE : EXIT_FAILED;
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
