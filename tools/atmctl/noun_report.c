/*
 * report: what the fleet earned, from the roll-up that is kept in the same commit as the rows it sums
 * (atmctl verify compares them). Amounts are whole yen; revenue is both fees without tax.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/rows.h"
#include "tools/atmctl/report_results.h"
#include "tools/atmctl/sqltext.h"
#include "tools/atmctl/reconcile.h"
#include "tools/atmctl/verify.h"

struct report_key {
        const char *name;
        const char *key;   /* SQL over v_revenue r */
        const char *title; /* SQL: its name for people, of any row of the group; NULL: the key says it */
        bool by_time;      /* in the order of time, else the most revenue first */
};

static const struct report_key report_keys[] = {
    {"area", "r.area", "min(r.area_name)", false},
    {"prefecture", "r.prefecture", NULL, false},
    {"hall", "r.hall", "min(r.hall_name)", false},
    {"atm", "r.terminal", "string_agg(DISTINCT r.hall_name, '、')", false},
    {"day", "to_char(r.posted_on, 'YYYY-MM-DD')", NULL, true},
    {"month", "to_char(r.posted_on, 'YYYY-MM')", NULL, true},
};

enum { FIRST_SUM = 2 };
#define REPORT_COLUMNS(flags)                                                                                \
        {                                                                                                    \
                {"key", OUTPUT_TEXT, 0}, {"name", OUTPUT_TEXT, flags}, {"withdrawals", OUTPUT_YEN, 0},       \
                    {"cash_yen", OUTPUT_YEN, 0}, {"customer_fee_yen", OUTPUT_YEN, 0},                        \
                    {"interbank_fee_yen", OUTPUT_YEN, 0}, {"tax_yen", OUTPUT_YEN, 0},                        \
                {                                                                                            \
                        "revenue_yen", OUTPUT_YEN, 0                                                         \
                }                                                                                            \
        }
/* The name is for people; a column of nothing is for nobody. */
static const struct output_column named_columns[] = REPORT_COLUMNS(OUTPUT_ONLY_TABLE);
static const struct output_column plain_columns[] = REPORT_COLUMNS(OUTPUT_ONLY_TABLE | OUTPUT_NOT_TABLE);

static const struct report_key *find_key(const char *name)
{
        size_t i = 0;

        while (strcmp(report_keys[i].name, name))
                i++; /* one of them: value_check saw to it */
        return &report_keys[i];
}

static void add_sums(struct sqltext *sql)
{
        for (size_t i = FIRST_SUM; i < LENGTH(named_columns); i++)
                sql_add(sql, ", coalesce(sum(r.%s), 0)::bigint AS %s", named_columns[i].name,
                        named_columns[i].name);
}

/* Parameters: $1 first day, $2 last day, $3 how many at most. The last row is the total. */
static void build(struct sqltext *sql, const struct report_key *key)
{
        static const char filter[] = " FROM v_revenue r WHERE r.posted_on BETWEEN $1::date AND $2::date";

        sql_start(sql);
        sql_add(sql, "(SELECT %s AS key, %s AS name", key->key, key->title ? key->title : "NULL");
        add_sums(sql);
        sql_add(
            sql,
            "%s GROUP BY 1 HAVING sum(r.withdrawals) <> 0 OR sum(r.cash_yen) <> 0 OR sum(r.revenue_yen) <> 0 "
            "OR sum(r.tax_yen) <> 0 ORDER BY %s LIMIT $3::bigint) UNION ALL (SELECT 'total', NULL",
            filter, key->by_time ? "1" : "revenue_yen DESC, 1");
        add_sums(sql);
        sql_add(sql, "%s)", filter);
}

static bool print_report(const struct invocation *invocation, const struct report_key *key,
                         const PGresult *result)
{
        struct output *output = output_open(
            invocation, OUTPUT_ROWS, key->title ? named_columns : plain_columns, LENGTH(named_columns));
        int groups = PQntuples(result) - 1;
        const char *total[LENGTH(named_columns)];

        if (!output)
                return false;
        for (int i = 0; i < (int)LENGTH(total); i++)
                total[i] = PQgetisnull(result, groups, i) ? NULL : PQgetvalue(result, groups, i);
        if (!output_result(output, result, groups) || (groups && !output_total(output, total))) {
                output_abandon(output);
                return false;
        }
        return output_close(output);
}

static int report_revenue(const struct invocation *invocation)
{
        const struct report_key *key = find_key(invocation_value(invocation, "by"));
        const char *parameters[] = {invocation_value(invocation, "from"), invocation_value(invocation, "to"),
                                    invocation_value(invocation, "limit")};
        struct database database;
        struct sqltext sql;
        PGresult *result;
        bool printed;

        if (strcmp(parameters[0], parameters[1]) > 0)
                return usage_error(invocation->command, "--to %s: expected --from %s or a later day",
                                   parameters[1], parameters[0]);
        if (!database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        build(&sql, key);
        result = database_query(&database, sql.text, LENGTH(parameters), parameters);
        printed = result && print_report(invocation, key, result);
        PQclear(result);
        database_close(&database);
        return printed ? EXIT_DONE : EXIT_FAILED;
}

static const struct field report_fields[] = {
    {.name = "from", .kind = VALUE_DATE, .flags = FIELD_REQUIRED, .text = "the first business date"},
    {.name = "to", .kind = VALUE_DATE, .flags = FIELD_REQUIRED, .text = "the last business date, included"},
    {.name = "by", .kind = VALUE_REPORT_KEY, .flags = FIELD_REQUIRED, .text = "one row for each"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many rows; the total is of all of them"},
    {.name = NULL},
};

static const struct command commands[] = {
    {.noun = "report",
     .verb = "revenue",
     .text = "report what the fleet earned, by place or time",
     .more = "Places come in the order of their revenue, times in their own. The table ends with the total "
             "of all rows; "
             "CSV and JSON have the rows alone: key, withdrawals, cash_yen, customer_fee_yen, "
             "interbank_fee_yen, tax_yen, "
             "revenue_yen. Fees are without tax, revenue is both fees, tax is that of both. A withdrawal "
             "counts on its "
             "business date once its end is known and cash was dispensed.\n"
             "Example: atmctl report revenue --from 2016-12-29 --to 2016-12-31 --by area",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE,
     .run = report_revenue,
     .fields = report_fields},
    {.noun = "report",
     .verb = "results",
     .text = "report a quarter's results as they are published",
     .more =
         "The quarters of the fiscal year, all of them together (1Q-3Q16), the same a year before, the changes (YoY, QoQ), the "
         "full-year target and the progress towards it, the published figures and the difference. Tables and documents show "
         "millions of yen, rounded once; CSV and JSON whole yen. What was not entered is missing, and so is what would be "
         "made of it. A quarter that is not over counts up to today, and says so.\n"
         "JSON: an array of {\"item\", \"unit\", \"columns\": {\"1Q16\": ..., \"1Q-3Q16\": ...}}; percentages are numbers "
         "with one decimal.\n"
         "Example: atmctl report results --quarter 3Q16 --format pdf --lang ja --output 3Q16.pdf",
     .flags = COMMAND_OUTPUT | COMMAND_DOCUMENT | COMMAND_DATABASE | COMMAND_CLOCK,
     .run = report_results,
     .fields = results_fields},
    {.noun = "reconcile",
     .text = "compare every withdrawal with what the ATMs did and what the banks hold, to the yen",
     .more = "Three sides: the ATMs' journals and dispensers, the database, the banks' journals. Each "
             "difference is "
             "named with what all three say: dispensed, amount, card, fee, state, de39 (ATM and host); "
             "bank-held, "
             "bank-dispensed, bank-amount, bank-charge, bank-card, bank-rrn, bank-de39, bank-approval, "
             "bank-untold, "
             "bank-exception, not-at-bank, only-at-bank (host and bank); only-in-journal, only-in-database; "
             "total: "
             "a dispenser's counter; and lines of journals that are damaged. What is under way is counted, "
             "and no "
             "difference unless --drained. The ATMs must stand still; atmd and the banks may go on. Without "
             "banks' "
             "journals two sides are compared. Exit code 0 only if there is no difference.\n"
             "JSON: one object {\"withdrawals\", \"unfinished\", \"cash_yen\", \"terminals\", \"banks\", "
             "\"differences\": [{\"what\", \"terminal\", \"text\", \"transmitted_at\", \"stan\", \"atm\", "
             "\"host\", "
             "\"bank\"}]}.\n"
             "Example: atmctl reconcile --atm-journals journal --bank-journals banks/journal --drained",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE,
     .run = reconcile_all,
     .fields = reconcile_fields},
    {.noun = "verify",
     .text = "recompute every sum from the history and name each difference",
     .more = "Reads the withdrawals, outcomes, advices and commission rows and compares with them: each "
             "withdrawal's commission with its tariff and end, tariff, tax and band with the reference rows "
             "of its "
             "date, the revenue roll-up, the use of each card by day and month, the accounts, the open "
             "withdrawals, "
             "what banks are told, what of it they have acknowledged and what is still to be sent, and what "
             "the rows "
             "refer to. One snapshot, nothing is locked or changed, atmd may go on. Exit code 1 if anything "
             "differs.",
     .flags = COMMAND_OUTPUT | COMMAND_DATABASE,
     .run = verify_all},
};

const struct command_group group_report = {commands, sizeof(commands) / sizeof(*commands), "Reports"};
