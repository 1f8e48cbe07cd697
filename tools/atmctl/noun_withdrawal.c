/*
 * withdrawal and exception: what happened, found by terminal, time, RRN, STAN or card. The selection is made
 * on the history's own columns first, so that partitions and indexes serve it; only what is shown is then
 * joined with its end and its commission (v_withdrawal).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/card_token.h"
#include "tools/atmctl/rows.h"
#include "tools/atmctl/sqltext.h"

enum { WITHDRAWAL_LIMIT = 100, FILTERS_MAX = 12, RRN_YEARS = 10 };

#define MOMENT(column) "to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+09:00'"
#define SAME_KEY(row)                                                                                        \
        row ".terminal = w.terminal AND " row ".transmitted_at = w.transmitted_at AND " row ".stan = w.stan"
#define WITHDRAWAL_COLUMNS                                                                                   \
        MOMENT("v.transmitted_at")                                                                           \
        ", v.terminal, v.stan, v.rrn, v.card_token, v.pan_mask, v.amount_yen, "                              \
        "v.dispensed_yen, v.customer_fee_yen, v.interbank_fee_yen, v.tax_yen, v.state, v.de39, v.reason, "   \
        "v.hall, "                                                                                           \
        "v.business_date, v.issuer, v.band, v.approval_code"

static const struct output_column withdrawal_columns[] = {
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
    {"state", OUTPUT_TEXT, 0},
    {"de39", OUTPUT_TEXT, 0},
    {"reason", OUTPUT_TEXT, 0},
    {"hall", OUTPUT_TEXT, 0},
    {"business_date", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"issuer", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"band", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
    {"approval_code", OUTPUT_TEXT, OUTPUT_NOT_TABLE},
};

/* The filters of one look-up: conditions over w, and what their parameters are. */
struct selection {
        struct sqltext conditions;
        const char *parameters[FILTERS_MAX];
        int count;
        char token[TOKEN_TEXT], from[26], to[26];
};

static int add_parameter(struct selection *selection, const char *value)
{
        selection->parameters[selection->count] = value;
        return ++selection->count;
}

/* A day stands for its first moment, or, as an end, for the first moment of the next day. */
static const char *moment_of(const char *text, bool end, char buffer[26])
{
        int32_t day;
        int64_t moment_ms;

        if (calendar_parse_day(text, &day))
                moment_ms = calendar_day_start_ms(day + end);
        else if (!calendar_parse_moment(text, &moment_ms))
                return NULL;
        calendar_print_moment(moment_ms, buffer);
        return buffer;
}

static void select_time(struct selection *selection, const struct invocation *invocation, const char *column)
{
        const char *from = invocation_value(invocation, "from"), *to = invocation_value(invocation, "to");

        if (from)
                sql_add(&selection->conditions, " AND %s >= $%d::timestamptz", column,
                        add_parameter(selection, moment_of(from, false, selection->from)));
        if (to)
                sql_add(&selection->conditions, " AND %s < $%d::timestamptz", column,
                        add_parameter(selection, moment_of(to, true, selection->to)));
}

/* YDDDHH and the STAN: an hour of each year with that last digit for which there are partitions. */
static bool select_rrn(struct selection *selection, struct database *database, const char *rrn)
{
        PGresult *result =
            database_query(database,
                           "SELECT extract(year FROM min(from_on))::integer, extract(year FROM "
                           "max(to_on))::integer FROM ledger_partition",
                           0, NULL);
        int first, last, day_of_year, hour;

        if (!result)
                return false;
        first = atoi(PQgetvalue(result, 0, 0));
        last = atoi(PQgetvalue(result, 0, 1));
        PQclear(result);
        day_of_year = (rrn[1] - '0') * 100 + (rrn[2] - '0') * 10 + rrn[3] - '0';
        hour = (rrn[4] - '0') * 10 + rrn[5] - '0';
        sql_add(&selection->conditions, " AND w.stan = %d AND (false", atoi(rrn + 6));
        for (int year = first + (rrn[0] - '0' - first % 10 + RRN_YEARS) % RRN_YEARS; year <= last;
             year += RRN_YEARS) {
                int64_t start_ms = calendar_day_start_ms(calendar_day(year, 1, 1) + day_of_year - 1) +
                                   (int64_t)hour * 60 * MINUTE_MS;
                char from[26], to[26];

                calendar_print_moment(start_ms, from);
                calendar_print_moment(start_ms + 60 * MINUTE_MS, to);
                sql_add(&selection->conditions, " OR (w.transmitted_at >= '%s' AND w.transmitted_at < '%s')",
                        from, to);
        }
        sql_add(&selection->conditions, ")");
        return true;
}

/* What the state says of the request's own row narrows the selection before its end is looked up. */
static void select_state(struct selection *selection, const char *state)
{
        if (!strcmp(state, "declined"))
                sql_add(&selection->conditions, " AND w.reason NOT IN (0, 6)");
        else if (!strcmp(state, "blocked"))
                sql_add(&selection->conditions, " AND w.reason = 6");
        else if (!strcmp(state, "approved"))
                sql_add(&selection->conditions,
                        " AND EXISTS (SELECT FROM open_withdrawal o WHERE " SAME_KEY("o") ")");
        else
                sql_add(&selection->conditions,
                        " AND w.reason = 0 AND EXISTS (SELECT FROM advice a WHERE " SAME_KEY(
                            "a") " AND a.state = $%d AND "
                                 "NOT EXISTS (SELECT FROM advice l WHERE l.terminal = a.terminal AND "
                                 "l.transmitted_at = "
                                 "a.transmitted_at AND l.stan = a.stan AND l.seq > a.seq))",
                        add_parameter(selection, state));
}

static void select_equal(struct selection *selection, const char *column, const char *type, const char *value)
{
        if (value)
                sql_add(&selection->conditions, " AND %s = $%d::%s", column, add_parameter(selection, value),
                        type);
}

static bool select_withdrawals(struct selection *selection, struct database *database,
                               const struct invocation *invocation)
{
        const char *rrn = invocation_value(invocation, "rrn"), *state = invocation_value(invocation, "state");

        select_equal(selection, "w.terminal", "text", invocation_value(invocation, "terminal"));
        select_time(selection, invocation, "w.transmitted_at");
        select_equal(selection, "w.stan", "integer", invocation_value(invocation, "stan"));
        select_equal(selection, "w.business_date", "date", invocation_value(invocation, "date"));
        select_equal(selection, "w.amount_yen", "bigint", invocation_value(invocation, "amount-yen"));
        if (*selection->token)
                select_equal(selection, "w.card_token", "uuid", selection->token);
        if (state)
                select_state(selection, state);
        return !rrn || select_rrn(selection, database, rrn);
}

/* A business date bounds the moment too, which is what partitions go by. */
static void bound_date(struct selection *selection, const struct invocation *invocation)
{
        const char *date = invocation_value(invocation, "date");

        if (!date)
                return;
        sql_add(&selection->conditions, " AND w.transmitted_at >= ($%d::date)::timestamptz",
                add_parameter(selection, date));
        sql_add(&selection->conditions, " AND w.transmitted_at < ($%d::date + 1)::timestamptz",
                add_parameter(selection, date));
}

/* The rows of v_withdrawal that the options select, newest first, at most `limit` of them. */
static PGresult *find_withdrawals(struct database *database, const struct invocation *invocation,
                                  struct selection *selection, const char *limit)
{
        struct sqltext sql;

        sql_start(&selection->conditions);
        if (!select_withdrawals(selection, database, invocation))
                return NULL;
        bound_date(selection, invocation);
        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT " WITHDRAWAL_COLUMNS
            " FROM (SELECT terminal, transmitted_at, stan FROM withdrawal w WHERE true%s "
            "ORDER BY transmitted_at DESC, terminal, stan LIMIT %s) k JOIN v_withdrawal v USING (terminal, "
            "transmitted_at, stan) ORDER BY transmitted_at DESC, terminal, stan",
            selection->conditions.text, limit);
        return database_query(database, sql.text, selection->count, selection->parameters);
}

static int take_card(const struct invocation *invocation, struct selection *selection)
{
        if (!invocation_has(invocation, "card") && !invocation_has(invocation, "token"))
                return EXIT_DONE;
        return card_token_given(invocation, selection->token);
}

static int withdrawal_list(const struct invocation *invocation)
{
        struct selection selection = {.count = 0};
        struct database database;
        struct output *output = NULL;
        PGresult *result;
        int64_t limit;
        char limit_text[24];
        bool cut;
        int exit_code = take_card(invocation, &selection);

        if (exit_code != EXIT_DONE)
                return exit_code;
        exit_code = EXIT_FAILED;
        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        rows_limit(invocation, WITHDRAWAL_LIMIT, &limit, limit_text);
        result = find_withdrawals(&database, invocation, &selection, limit_text);
        if (result)
                output = output_open(invocation, OUTPUT_ROWS, withdrawal_columns, LENGTH(withdrawal_columns));
        if (!output)
                goto clear;
        cut = PQntuples(result) > limit;
        if (!output_result(output, result, cut ? (int)limit : PQntuples(result)))
                output_abandon(output);
        else if (output_close(output))
                exit_code = EXIT_DONE;
        if (cut)
                note("only the newest %" PRId64
                     " are shown: --limit N shows more, --terminal, --from, --to, --date, --card "
                     "or --state narrow it",
                     limit);
clear:
        PQclear(result);
        database_close(&database);
        return exit_code;
}

/* show ------------------------------------------------------------------------------------------------------
 */

static const struct output_column advice_columns[] = {
    {"seq", OUTPUT_NUMBER, 0},        {"kind", OUTPUT_TEXT, 0},         {"advice_at", OUTPUT_TEXT, 0},
    {"stan", OUTPUT_NUMBER, 0},       {"why", OUTPUT_TEXT, 0},          {"amount_yen", OUTPUT_YEN, 0},
    {"dispensed_yen", OUTPUT_YEN, 0}, {"state_before", OUTPUT_TEXT, 0}, {"state", OUTPUT_TEXT, 0},
    {"counted_yen", OUTPUT_YEN, 0},   {"commission", OUTPUT_NUMBER, 0}};
static const struct output_column commission_columns[] = {{"seq", OUTPUT_NUMBER, 0},
                                                          {"sign", OUTPUT_NUMBER, 0},
                                                          {"tariff_from", OUTPUT_TEXT, 0},
                                                          {"tax_rate_bp", OUTPUT_NUMBER, 0},
                                                          {"customer_fee_yen", OUTPUT_YEN, 0},
                                                          {"customer_tax_yen", OUTPUT_YEN, 0},
                                                          {"interbank_fee_yen", OUTPUT_YEN, 0},
                                                          {"interbank_tax_yen", OUTPUT_YEN, 0},
                                                          {"hall_share_yen", OUTPUT_YEN, 0}};
static const struct output_column exception_columns[] = {
    {"advice_at", OUTPUT_TEXT, 0}, {"terminal", OUTPUT_TEXT, 0},       {"advice_stan", OUTPUT_NUMBER, 0},
    {"kind", OUTPUT_TEXT, 0},      {"transmitted_at", OUTPUT_TEXT, 0}, {"stan", OUTPUT_NUMBER, 0},
    {"what", OUTPUT_TEXT, 0},      {"amount_yen", OUTPUT_YEN, 0},      {"dispensed_yen", OUTPUT_YEN, 0}};
#define EXCEPTION_COLUMNS                                                                                    \
        MOMENT("e.advice_at")                                                                                \
        ", e.terminal, e.advice_stan, e.kind, " MOMENT(                                                      \
            "e.transmitted_at") ", e.stan, e.what, e.amount_yen, e.dispensed_yen FROM exception_record e"

/* What belongs to one withdrawal: a part of what is shown. */
struct part {
        const char *name, *heading;
        const struct output_column *columns;
        size_t count;
        const char *sql; /* $1 terminal, $2 moment, $3 stan */
};

static const struct part parts[] = {
    {"advices", "Advices", advice_columns, LENGTH(advice_columns),
     "SELECT seq, kind, " MOMENT(
         "advice_at") ", advice_stan, why, amount_yen, dispensed_yen, state_before, state, "
                      "counted_yen, commission FROM advice WHERE terminal = $1 AND transmitted_at = "
                      "$2::timestamptz AND stan = $3::integer "
                      "ORDER BY seq"},
    {"commission", "Commission", commission_columns, LENGTH(commission_columns),
     "SELECT seq, sign, tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen, "
     "interbank_tax_yen, hall_share_yen FROM commission WHERE terminal = $1 AND transmitted_at = "
     "$2::timestamptz AND stan = "
     "$3::integer ORDER BY seq"},
    {"exceptions", "Exceptions", exception_columns, LENGTH(exception_columns),
     "SELECT " EXCEPTION_COLUMNS
     " WHERE terminal = $1 AND transmitted_at = $2::timestamptz AND stan = $3::integer "
     "ORDER BY advice_at, advice_stan"},
};

struct whole {
        PGresult *withdrawal;
        PGresult *part[LENGTH(parts)];
};

static bool load_parts(struct database *database, struct whole *whole)
{
        const char *parameters[] = {PQgetvalue(whole->withdrawal, 0, 1), PQgetvalue(whole->withdrawal, 0, 0),
                                    PQgetvalue(whole->withdrawal, 0, 2)};

        for (size_t i = 0; i < LENGTH(parts); i++) {
                whole->part[i] = database_query(database, parts[i].sql, LENGTH(parameters), parameters);
                if (!whole->part[i])
                        return false;
        }
        return true;
}

static bool print_whole_json(const struct invocation *invocation, const struct whole *whole)
{
        json_t *rows = output_json_rows(withdrawal_columns, LENGTH(withdrawal_columns), whole->withdrawal);
        json_t *object = json_array_get(rows, 0);
        bool printed = object != NULL;

        for (size_t i = 0; i < LENGTH(parts) && printed; i++)
                printed = json_object_set_new(
                              object, parts[i].name,
                              output_json_rows(parts[i].columns, parts[i].count, whole->part[i])) == 0;
        printed = printed && output_json(invocation, object);
        json_decref(rows);
        return printed;
}

static bool print_whole_table(const struct invocation *invocation, const struct whole *whole)
{
        struct output_column columns[LENGTH(withdrawal_columns)];
        struct output *output = output_open_stream(invocation);
        bool printed;

        if (!output)
                return false;
        for (size_t i = 0; i < LENGTH(columns); i++)
                columns[i] =
                    (struct output_column){withdrawal_columns[i].name, withdrawal_columns[i].type, 0};
        printed = output_section(output, NULL, OUTPUT_ONE, columns, LENGTH(columns), whole->withdrawal);
        for (size_t i = 0; i < LENGTH(parts) && printed; i++)
                printed = output_section(output, parts[i].heading, OUTPUT_ROWS, parts[i].columns,
                                         parts[i].count, whole->part[i]);
        if (!printed) {
                output_abandon(output);
                return false;
        }
        return output_close(output);
}

static int show_found(const struct invocation *invocation, struct database *database, struct whole *whole)
{
        bool printed;

        if (!PQntuples(whole->withdrawal)) {
                complain("withdrawal show: none is like that");
                return EXIT_FAILED;
        }
        if (PQntuples(whole->withdrawal) > 1) {
                complain("withdrawal show: several are like that: expected options that select one; 'atmctl "
                         "withdrawal "
                         "list' shows them");
                return EXIT_FAILED;
        }
        if (!load_parts(database, whole))
                return EXIT_FAILED;
        printed = output_format_of(invocation) == OUTPUT_JSON ? print_whole_json(invocation, whole)
                                                              : print_whole_table(invocation, whole);
        return printed ? EXIT_DONE : EXIT_FAILED;
}

static int withdrawal_show(const struct invocation *invocation)
{
        struct selection selection = {.count = 0};
        struct database database;
        struct whole whole = {.withdrawal = NULL};
        int exit_code;

        if (output_format_of(invocation) == OUTPUT_CSV)
                return usage_error(invocation->command,
                                   "--format csv: a withdrawal and what belongs to it are no one "
                                   "table: expected table or json");
        exit_code = take_card(invocation, &selection);
        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        whole.withdrawal = find_withdrawals(&database, invocation, &selection, "2");
        exit_code = whole.withdrawal ? show_found(invocation, &database, &whole) : EXIT_FAILED;
        PQclear(whole.withdrawal);
        for (size_t i = 0; i < LENGTH(parts); i++)
                PQclear(whole.part[i]);
        database_close(&database);
        return exit_code;
}

/* exceptions ----------------------------------------------------------------------------------------------
 */

static int exception_list(const struct invocation *invocation)
{
        struct selection selection = {.count = 0};
        struct sqltext sql;
        int64_t limit;
        char limit_text[24];

        rows_limit(invocation, LIST_LIMIT, &limit, limit_text);
        sql_start(&selection.conditions);
        select_equal(&selection, "e.terminal", "text", invocation_value(invocation, "terminal"));
        select_time(&selection, invocation, "e.advice_at");
        sql_start(&sql);
        sql_add(&sql,
                "SELECT " EXCEPTION_COLUMNS
                " WHERE true%s ORDER BY e.advice_at DESC, e.terminal, e.advice_stan LIMIT %s",
                selection.conditions.text, limit_text);
        return rows_print(invocation, &(struct rows_query){.sql = sql.text,
                                                           .count = selection.count,
                                                           .parameters = selection.parameters,
                                                           .columns = exception_columns,
                                                           .column_count = LENGTH(exception_columns),
                                                           .limit = limit});
}

/* rows
 * -------------------------------------------------------------------------------------------------------- */

#define TIME_FIELDS(what)                                                                                    \
        {.name = "from", .kind = VALUE_MOMENT, .text = what " at this moment or later; a day: its first"},   \
        {                                                                                                    \
                .name = "to", .kind = VALUE_MOMENT,                                                          \
                .text = what " before this moment; a day: that day included"                                 \
        }
#define SELECTION_FIELDS                                                                                     \
        {.name = "terminal", .kind = VALUE_TERMINAL, .text = "at this ATM"}, TIME_FIELDS("sent"),            \
            {.name = "date", .kind = VALUE_DATE, .text = "of this business date"},                           \
            {.name = "rrn", .kind = VALUE_RRN, .text = "with this retrieval reference number, DE 37"},       \
            {.name = "stan", .kind = VALUE_STAN, .text = "with this trace number, DE 11"},                   \
            {.name = "amount-yen", .kind = VALUE_YEN, .text = "of this amount"},                             \
        {                                                                                                    \
                .name = "state", .kind = VALUE_STATE, .text = "that are now in this state"                   \
        }

static const struct field list_fields[] = {
    SELECTION_FIELDS,
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 100 unless given"},
    {.name = NULL}};
static const struct field show_fields[] = {SELECTION_FIELDS, {.name = NULL}};
static const struct field exception_fields[] = {
    {.name = "terminal", .kind = VALUE_TERMINAL, .text = "of this ATM"},
    TIME_FIELDS("advices sent"),
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many; 1000 unless given"},
    {.name = NULL},
};

#define FLAGS (COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CARD | COMMAND_TOKEN_KEY)

static const struct command commands[] = {
    {.noun = "withdrawal",
     .verb = "list",
     .text = "list withdrawals, refused ones too, the newest first",
     .more = "Options narrow it together. State and amounts are what became of it so far: fees are zero "
             "until cash was "
             "dispensed, and again after a reversal.\n"
             "Example: atmctl withdrawal list --terminal T0000001 --from 2016-12-31 --to 2016-12-31T12:00",
     .flags = FLAGS,
     .run = withdrawal_list,
     .fields = list_fields},
    {.noun = "withdrawal",
     .verb = "show",
     .text = "show one withdrawal with its advices, commission rows and exceptions",
     .more = "The options must select exactly one.\nExample: atmctl withdrawal show --terminal T0000001 "
             "--rrn 636610000123",
     .flags = FLAGS,
     .run = withdrawal_show,
     .fields = show_fields},
    {.noun = "exception",
     .verb = "list",
     .text = "list what people should look at: advices that contradict what is known, the newest first",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT,
     .run = exception_list,
     .fields = exception_fields},
};

const struct command_group group_withdrawal = {commands, sizeof(commands) / sizeof(*commands),
                                               "What happened at the ATMs"};
