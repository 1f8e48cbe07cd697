/* A withdrawal and its parts: see withdrawal_whole.h. */
#include "tools/atmctl/withdrawal_whole.h"

#include <stdlib.h>

#include "tools/atmctl/rows.h"

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
static const struct output_column action_columns[] = {
    {"at", OUTPUT_TEXT, 0},    {"who", OUTPUT_TEXT, 0},          {"what", OUTPUT_TEXT, 0},
    {"seq", OUTPUT_NUMBER, 0}, {"dispensed_yen", OUTPUT_YEN, 0}, {"note", OUTPUT_TEXT, 0}};

#define KEY "terminal = $1 AND transmitted_at = $2::timestamptz AND stan = $3::integer"

/* What belongs to one withdrawal: a part of what is shown. */
struct part {
        const char *name, *heading;
        const struct output_column *columns;
        size_t count;
        const char *sql; /* $1 terminal, $2 moment, $3 stan */
};

static const struct part parts[] = {
    {"outcome", "The bank's outcome", outcome_columns, LENGTH(outcome_columns),
     "SELECT o.cause, r.name, r.de39, o.bank_de39, o.approval_code FROM bank_outcome o LEFT JOIN reason r "
     "USING "
     "(reason) WHERE o." KEY},
    {"advices", "Advices", advice_columns, LENGTH(advice_columns),
     "SELECT seq, kind, " MOMENT(
         "advice_at") ", advice_stan, why, amount_yen, dispensed_yen, state_before, state, "
                      "counted_yen, commission FROM advice a WHERE a." KEY " ORDER BY seq"},
    {"notices", "What the bank is told", notice_columns, LENGTH(notice_columns),
     "SELECT n.seq, n.kind, n.amount_yen, n.charge_yen, n.dispensed_yen, n.why, coalesce(k.attempts, "
     "s.attempts), " REAL_MOMENT(
         "k.acknowledged_ms") ", s.parked, s.last_error FROM bank_notice n "
                              "LEFT JOIN bank_ack k USING (terminal, transmitted_at, stan, seq) "
                              "LEFT JOIN saf s USING (terminal, transmitted_at, stan, seq) WHERE n." KEY
                              " ORDER BY n.seq"},
    {"commission", "Commission", commission_columns, LENGTH(commission_columns),
     "SELECT seq, sign, tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen, "
     "interbank_tax_yen, hall_share_yen, cash_yen, posted_on FROM commission c WHERE c." KEY " ORDER BY seq"},
    {"exceptions", "Exceptions", exception_columns, LENGTH(exception_columns),
     "SELECT " MOMENT(
         "e.advice_at") ", e.advice_stan, e.kind, e.what, e.amount_yen, e.dispensed_yen, e.resolved "
                        "FROM v_exception e WHERE e." KEY " ORDER BY e.advice_at, e.advice_stan"},
    {"actions", "What operators did", action_columns, LENGTH(action_columns),
     "SELECT " REAL_MOMENT(
         "o.at_ms") ", o.who, o.what, o.seq, o.dispensed_yen, o.note FROM operator_action o "
                    "WHERE o." KEY " ORDER BY o.at_ms"},
};

struct whole {
        PGresult *withdrawal;
        PGresult *part[LENGTH(parts)];
};

static bool load_parts(struct database *database, struct whole *whole)
{
        const char *parameters[] = {PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_TERMINAL),
                                    PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_AT),
                                    PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_STAN)};

        for (size_t i = 0; i < LENGTH(parts); i++) {
                whole->part[i] = database_query(database, parts[i].sql, LENGTH(parameters), parameters);
                if (!whole->part[i])
                        return false;
        }
        return true;
}

static bool print_whole_json(const struct invocation *invocation, const struct whole *whole)
{
        json_t *rows = output_json_rows(withdrawal_columns, WITHDRAWAL_COLUMN_COUNT, whole->withdrawal);
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
        struct output_column columns[WITHDRAWAL_COLUMN_COUNT];
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

int withdrawal_show(const struct invocation *invocation)
{
        struct selection selection;
        struct database database;
        struct whole whole = {.withdrawal = NULL};
        int exit_code;

        if (output_format_of(invocation) == OUTPUT_CSV)
                return usage_error(
                    invocation->command,
                    "--format csv: a withdrawal and what belongs to it are no one table: expected "
                    "table or json");
        if (!withdrawal_is_selected(invocation))
                return usage_error(invocation->command,
                                   "which withdrawal? expected options that select one, as --terminal with --rrn or --stan");
        exit_code = withdrawal_card(invocation, &selection);
        if (exit_code != EXIT_DONE)
                return exit_code;
        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        exit_code = EXIT_FAILED;
        whole.withdrawal = withdrawal_find_one(&database, invocation, &selection);
        if (whole.withdrawal && load_parts(&database, &whole) &&
            (output_format_of(invocation) == OUTPUT_JSON ? print_whole_json(invocation, &whole)
                                                         : print_whole_table(invocation, &whole)))
                exit_code = EXIT_DONE;
        PQclear(whole.withdrawal);
        for (size_t i = 0; i < LENGTH(parts); i++)
                PQclear(whole.part[i]);
        database_close(&database);
        return exit_code;
}
