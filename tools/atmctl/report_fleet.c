/*
 * report fleet, in three sections: ranking, penetration, comparison. The ranking's last row is the total, and
 * what the comparison knows of us.
 *
 * Costs of a quarter (atmctl cost) go to the ATM-days of that quarter evenly: each ATM gets its part of the
 * running sum, so that the parts add up to the cost to the yen. A cost that was not entered is missing, and
 * so is every profit that would need it; an ATM that earned without a contract has no days, and no costs
 * either.
 */
#include "tools/atmctl/report_fleet.h"

#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/report_summary.h"
#include "tools/atmctl/rows.h"
#include "lib/db/sqltext.h"

/* ranking ----------------------------------------------------------------------------------------------- */

enum ranking_column {
        RANK,
        KEY,
        NAME,
        ATMS,
        DAYS,
        WITHDRAWALS,
        PER_DAY,
        COMMISSION,
        BASE_FEE,
        REVENUE,
        REVENUE_PER_DAY,
        SHARE,
        CASH_IN_TRANSIT,
        NETWORK,
        MAINTENANCE,
        DEPRECIATION,
        COST,
        PROFIT,
        PROFIT_PERCENT,
        RANKING_COLUMNS,
        WITHOUT_CONTRACT = RANKING_COLUMNS
};

static const struct output_column ranking_columns[RANKING_COLUMNS] = {
    [RANK] = {"rank", OUTPUT_NUMBER, 0},
    [KEY] = {"key", OUTPUT_TEXT, 0},
    [NAME] = {"name", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    [ATMS] = {"atms", OUTPUT_YEN, 0},
    [DAYS] = {"days", OUTPUT_YEN, OUTPUT_DASH},
    [WITHDRAWALS] = {"withdrawals", OUTPUT_YEN, 0},
    [PER_DAY] = {"withdrawals_per_atm_day", OUTPUT_DECIMAL, 0},
    [COMMISSION] = {"commission_yen", OUTPUT_YEN, 0},
    [BASE_FEE] = {"base_fee_yen", OUTPUT_YEN, OUTPUT_DASH},
    [REVENUE] = {"revenue_yen", OUTPUT_YEN, 0},
    [REVENUE_PER_DAY] = {"revenue_yen_per_atm_day", OUTPUT_DECIMAL, OUTPUT_NOT_TABLE},
    [SHARE] = {"hall_share_yen", OUTPUT_YEN, 0},
    [CASH_IN_TRANSIT] = {"cash_in_transit_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [NETWORK] = {"network_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [MAINTENANCE] = {"maintenance_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [DEPRECIATION] = {"depreciation_yen", OUTPUT_YEN, OUTPUT_DASH | OUTPUT_NOT_TABLE},
    [COST] = {"cost_yen", OUTPUT_YEN, OUTPUT_DASH},
    [PROFIT] = {"profit_yen", OUTPUT_YEN, OUTPUT_DASH},
    [PROFIT_PERCENT] = {"profit_percent", OUTPUT_DECIMAL, 0},
};

struct fleet_key {
        const char *name;
        const char *key;   /* SQL over a row r of an ATM in a hall, and the hall h */
        const char *title; /* SQL over all rows of a key */
};

static const struct fleet_key fleet_keys[] = {
    {"atm", "r.terminal", "string_agg(DISTINCT h.name, '、')"},
    {"hall", "r.hall", "min(h.name)"},
    {"area", "h.area", "min((SELECT a.name FROM area a WHERE a.area = h.area))"},
};

static const struct fleet_key *find_key(const struct invocation *invocation)
{
        const char *by = invocation_value(invocation, "by");
        size_t i = 0;

        while (by && strcmp(fleet_keys[i].name, by))
                i++; /* one of them: value_check saw to it */
        return &fleet_keys[i];
}

/* $1 and $2 the days that count, $3 and $4 the parts of the cube, $5 how many at most. Everything by ATM and
 * hall first. */
static const char by_atm_sql[] =
    "WITH inside AS (SELECT quarter_of(month) AS quarter, terminal, hall, sum(days) AS days, "
    "sum(base_fee_yen) AS base_fee "
    "FROM report_base_fee($1::date, $2::date) GROUP BY 1, 2, 3), "
    "whole AS (SELECT quarter_of(month) AS quarter, sum(days) AS days FROM report_base_fee("
    "quarter_first_day(quarter_of($1::date)), quarter_last_day(quarter_of($2::date))) GROUP BY 1), "
    "money AS (SELECT terminal, hall, sum(withdrawals) AS withdrawals, sum(customer_fee_yen + "
    "interbank_fee_yen) AS "
    "commission, sum(hall_share_yen) AS share FROM cube_atm($3::date[], $4::date[]) GROUP BY 1, 2), "
    "known AS (SELECT x.item, bool_and(c.item IS NOT NULL) AS known FROM (SELECT DISTINCT "
    "quarter_of(d::date) AS quarter "
    "FROM generate_series($1::timestamp, $2::timestamp, INTERVAL '1 day') d) q CROSS JOIN (VALUES "
    "('cash_in_transit'), "
    "('network'), ('maintenance'), ('depreciation')) x (item) LEFT JOIN cost c USING (quarter, item) GROUP "
    "BY 1), "
    "parts AS (SELECT i.terminal, i.hall, c.item, sum(div(c.amount_yen * i.so_far, w.days) - "
    "div(c.amount_yen * (i.so_far - "
    "i.days), w.days)) AS yen FROM (SELECT *, sum(days) OVER (PARTITION BY quarter ORDER BY terminal, hall) "
    "AS so_far "
    "FROM inside) i JOIN whole w USING (quarter) JOIN cost c USING (quarter) JOIN known k ON k.item = c.item "
    "AND k.known "
    "GROUP BY 1, 2, 3), "
    "costs AS (SELECT terminal, hall, sum(yen) FILTER (WHERE item = 'cash_in_transit') AS cash_in_transit, "
    "sum(yen) FILTER (WHERE item = 'network') AS network, sum(yen) FILTER (WHERE item = 'maintenance') AS "
    "maintenance, "
    "sum(yen) FILTER (WHERE item = 'depreciation') AS depreciation FROM parts GROUP BY 1, 2), "
    "atms AS (SELECT terminal, hall, d.days, d.base_fee, coalesce(m.withdrawals, 0) AS withdrawals, "
    "coalesce(m.commission, 0) "
    "AS commission, coalesce(m.share, 0) AS share, c.cash_in_transit, c.network, c.maintenance, "
    "c.depreciation "
    "FROM (SELECT terminal, hall, sum(days) AS days, sum(base_fee) AS base_fee FROM inside GROUP BY 1, 2) d "
    "FULL JOIN (SELECT * FROM money WHERE (withdrawals, commission, share) <> (0, 0, 0)) m USING (terminal, "
    "hall) "
    "LEFT JOIN costs c USING (terminal, hall)), ";

/* A sum over ATMs of which one is not known is not known. */
static void add_known_sum(struct sqltext *sql, const char *name)
{
        sql_add(sql, "CASE WHEN bool_and(r.%s IS NOT NULL) THEN sum(r.%s) END AS %s, ", name, name, name);
}

static void build_ranking(struct sqltext *sql, const struct fleet_key *key)
{
        static const char *const sums[] = {"cash_in_transit", "network", "maintenance", "depreciation"};

        sql_start(sql);
        sql_add(sql, "%s", by_atm_sql);
        sql_add(sql, "groups AS (SELECT %s AS key, CASE WHEN grouping(%s) = 0 THEN %s END AS name, ",
                key->key, key->key, key->title);
        for (size_t i = 0; i < LENGTH(sums); i++)
                add_known_sum(sql, sums[i]);
        sql_add(sql,
                "count(DISTINCT r.terminal) AS atms, sum(r.days) AS days, sum(r.base_fee) AS base_fee, "
                "sum(r.withdrawals) AS "
                "withdrawals, sum(r.commission) AS commission, sum(r.share) AS share, sum(r.commission + "
                "coalesce(r.base_fee, 0)) "
                "AS revenue, count(DISTINCT r.terminal) FILTER (WHERE r.days IS NULL) AS without_contract "
                "FROM atms r JOIN hall h USING (hall) GROUP BY GROUPING SETS ((%s), ())), ",
                key->key);
        sql_add(sql, "profits AS (SELECT *, cash_in_transit + network + maintenance + depreciation AS cost, "
                     "revenue - share - "
                     "(cash_in_transit + network + maintenance + depreciation) AS profit FROM groups), "
                     "ranks AS (SELECT CASE WHEN key IS NOT NULL THEN row_number() OVER (ORDER BY key IS "
                     "NULL, profit DESC NULLS "
                     "LAST, revenue DESC, key) END AS rank, * FROM profits) "
                     "SELECT rank, coalesce(key, 'total'), name, atms, days, withdrawals, "
                     "tenths_text(withdrawals, days), "
                     "commission, base_fee, revenue, tenths_text(revenue, days), share, cash_in_transit, "
                     "network, maintenance, "
                     "depreciation, cost, profit, tenths_text(100 * profit, revenue), without_contract "
                     "FROM ranks WHERE key IS NULL OR $5::bigint IS NULL OR rank <= $5::bigint ORDER BY rank "
                     "NULLS LAST");
}

/* penetration ------------------------------------------------------------------------------------------- */

static const struct output_column penetration_columns[] = {
    {"area", OUTPUT_TEXT, 0},
    {"name", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    {"atms", OUTPUT_YEN, 0},
    {"halls", OUTPUT_YEN, 0},
    {"parlors", OUTPUT_YEN, OUTPUT_DASH},
    {"penetration_percent", OUTPUT_DECIMAL, 0},
};

/* $1 the day. ATMs in place for each hundred parlors, whoever serves them. The last row is the total. */
static const char penetration_sql[] =
    "WITH areas AS (SELECT a.area, a.name, a.parlors, count(c.terminal) AS atms, count(DISTINCT c.hall) AS "
    "halls FROM area a "
    "LEFT JOIN hall h USING (area) LEFT JOIN contract c ON c.hall = h.hall AND c.from_on <= $1::date AND "
    "coalesce(c.until_on, 'infinity') > $1::date GROUP BY a.area), "
    "sums AS (SELECT area, min(name) AS name, sum(atms) AS atms, sum(halls) AS halls, CASE WHEN "
    "bool_and(parlors IS NOT NULL) "
    "THEN sum(parlors) END AS parlors FROM areas GROUP BY GROUPING SETS ((area), ())) "
    "SELECT coalesce(area, 'total'), CASE WHEN area IS NOT NULL THEN name END, coalesce(atms, 0), "
    "coalesce(halls, 0), parlors, "
    "tenths_text(100 * atms, parlors) FROM sums ORDER BY area IS NULL, atms DESC, area";

/* comparison -------------------------------------------------------------------------------------------- */

static const struct output_column comparison_columns[] = {
    {"peer", OUTPUT_TEXT, 0},      {"item", OUTPUT_TEXT, 0},          {"ours", OUTPUT_DECIMAL, 0},
    {"theirs", OUTPUT_DECIMAL, 0}, {"difference", OUTPUT_DECIMAL, 0}, {"source", OUTPUT_TEXT, OUTPUT_DASH},
};

/* $1 ATMs in place; of the ranking's total: $2 days, $3 withdrawals, $4 commission, $5 revenue, $6 profit.
 * Theirs as it was published, in the order that people read it. */
static const char comparison_sql[] =
    "SELECT p.peer, p.item, o.ours, trim_scale(p.value)::text, trim_scale(o.ours::numeric - p.value)::text, "
    "p.source FROM peer p "
    "LEFT JOIN (VALUES (1, 'atms', $1::text), (2, 'transactions_per_atm_day', tenths_text($3::numeric, "
    "$2::numeric)), "
    "(3, 'fee_yen_per_transaction', tenths_text($4::numeric, $3::numeric)), (4, 'profit_ratio_percent', "
    "tenths_text(100 * $6::numeric, $5::numeric)), (5, 'revenue_yen', $5::text)) o (place, item, ours) USING "
    "(item) "
    "ORDER BY p.peer, o.place, p.item";

/* the whole --------------------------------------------------------------------------------------------- */

enum section { SECTION_RANKING, SECTION_PENETRATION, SECTION_COMPARISON, SECTION_COUNT };

static const struct {
        const char *name, *english, *japanese;
        const struct output_column *columns;
        size_t count;
        bool total; /* its last row is one, which programs don't get */
} sections[SECTION_COUNT] = {
    [SECTION_RANKING] = {"ranking", "Ranking", "ランキング", ranking_columns, RANKING_COLUMNS, true},
    [SECTION_PENETRATION] = {"penetration", "ATMs in place and parlors", "普及率", penetration_columns,
                             LENGTH(penetration_columns), true},
    [SECTION_COMPARISON] = {"comparison", "Comparison", "他社比較", comparison_columns,
                            LENGTH(comparison_columns), false},
};

struct fleet {
        const struct invocation *invocation;
        struct database *database;
        struct report_period period;
        char counted[11]; /* its last day that counts */
        int32_t today;
        PGresult *result[SECTION_COUNT];
        PGresult *missing;
};

static const char *value_of(const PGresult *result, int row, int column)
{
        return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

static bool ask_ranking(struct fleet *fleet)
{
        struct report_parts parts = {0};
        struct sqltext sql;

        if (report_parts_of(fleet->database, fleet->period.first, fleet->counted, true, &parts)) {
                const char *parameters[] = {fleet->period.first, fleet->counted, parts.months, parts.days,
                                            invocation_value(fleet->invocation, "limit")};

                build_ranking(&sql, find_key(fleet->invocation));
                fleet->result[SECTION_RANKING] =
                    database_query(fleet->database, sql.text, LENGTH(parameters), parameters);
        }
        PQclear(parts.result);
        return fleet->result[SECTION_RANKING];
}

static bool ask_rest(struct fleet *fleet)
{
        static const char missing_sql[] = "SELECT string_agg(quarter || ': ' || items, '; ' ORDER BY first) "
                                          "FROM (SELECT q.quarter, quarter_first_day(q.quarter) "
                                          "AS first, string_agg(x.item, ', ' ORDER BY x.place) AS items FROM "
                                          "(SELECT DISTINCT quarter_of(d::date) AS quarter "
                                          "FROM generate_series($1::timestamp, $2::timestamp, INTERVAL '1 "
                                          "day') d) q CROSS JOIN (VALUES (1, 'cash_in_transit'), "
                                          "(2, 'network'), (3, 'maintenance'), (4, 'depreciation')) x "
                                          "(place, item) WHERE NOT EXISTS (SELECT FROM cost c WHERE "
                                          "c.quarter = q.quarter AND c.item = x.item) GROUP BY 1) m";
        const PGresult *ranking = fleet->result[SECTION_RANKING];
        int total = PQntuples(ranking) - 1;
        const char *day[] = {fleet->counted}, *days[] = {fleet->period.first, fleet->counted};
        PGresult *penetration = database_query(fleet->database, penetration_sql, LENGTH(day), day);

        fleet->result[SECTION_PENETRATION] = penetration;
        if (penetration) {
                const char *ours[] = {PQgetvalue(penetration, PQntuples(penetration) - 1, 2),
                                      value_of(ranking, total, DAYS),
                                      value_of(ranking, total, WITHDRAWALS),
                                      value_of(ranking, total, COMMISSION),
                                      value_of(ranking, total, REVENUE),
                                      value_of(ranking, total, PROFIT)};

                fleet->result[SECTION_COMPARISON] =
                    database_query(fleet->database, comparison_sql, LENGTH(ours), ours);
        }
        fleet->missing = database_query(fleet->database, missing_sql, LENGTH(days), days);
        return fleet->result[SECTION_COMPARISON] && fleet->missing;
}

static bool is_asked_for(const struct fleet *fleet, size_t section)
{
        const char *asked = invocation_value(fleet->invocation, "section");

        return !asked || !strcmp(asked, sections[section].name);
}

static bool is_empty(const struct fleet *fleet)
{
        return PQntuples(fleet->result[SECTION_RANKING]) == 1; /* the total alone */
}

static bool write_notes(const struct fleet *fleet, struct output *output)
{
        const PGresult *ranking = fleet->result[SECTION_RANKING];
        const char *without = value_of(ranking, PQntuples(ranking) - 1, WITHOUT_CONTRACT);

        if (is_empty(fleet))
                output_note(output, "no ATM under contract and no withdrawals from %s to %s",
                            fleet->period.first, fleet->period.last);
        if (without && strcmp(without, "0"))
                output_note(output,
                            "ATMs that earned where they had no contract: %s; their days, base fees and "
                            "costs are missing",
                            without);
        if (!PQgetisnull(fleet->missing, 0, 0))
                output_note(output, "costs not entered, and so missing: %s",
                            PQgetvalue(fleet->missing, 0, 0));
        return report_notes(fleet->database, fleet->invocation, output, &fleet->period, fleet->today);
}

/* The ranking has one column more than is shown; a total of nothing is none. */
static bool write_section(const struct fleet *fleet, struct output *output, size_t number)
{
        const char *values[OUTPUT_COLUMNS_MAX];
        const PGresult *result = fleet->result[number];
        int rows = PQntuples(result) - sections[number].total;

        if (!output_result(output, result, rows))
                return false;
        if (!sections[number].total || !rows)
                return true;
        for (size_t i = 0; i < sections[number].count; i++)
                values[i] = value_of(result, rows, (int)i);
        return output_total(output, values);
}

static bool print_report(const struct fleet *fleet)
{
        struct output *output = output_open_whole(fleet->invocation);
        struct output_section section[SECTION_COUNT];
        bool written = output;

        if (!output)
                return false;
        report_head(output, "The fleet", "ATM網の収益性", fleet->period.label);
        for (size_t i = 0; i < SECTION_COUNT && written; i++) {
                section[i] = (struct output_section){
                    .name = sections[i].name,
                    .heading = output_writes_japanese(output) ? sections[i].japanese : sections[i].english,
                    .columns = sections[i].columns,
                    .count = sections[i].count};
                if (is_asked_for(fleet, i))
                        written = output_begin(output, &section[i]) && write_section(fleet, output, i);
        }
        if (written && write_notes(fleet, output))
                return output_close(output);
        output_abandon(output);
        return false;
}

int report_fleet(const struct invocation *invocation)
{
        struct database database;
        struct fleet fleet = {.invocation = invocation, .database = &database};
        bool printed;
        int usage = report_period_of(invocation, &fleet.period);

        if (usage != EXIT_DONE)
                return usage;
        if (!business_today(invocation, &fleet.today) ||
            !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        calendar_print_day(report_period_counted(&fleet.period, fleet.today), fleet.counted);
        report_summary_refresh(&database, fleet.today);
        printed =
            report_snapshot(&database) && ask_ranking(&fleet) && ask_rest(&fleet) && print_report(&fleet);
        for (size_t i = 0; i < SECTION_COUNT; i++)
                PQclear(fleet.result[i]);
        PQclear(fleet.missing);
        database_close(&database);
        return printed ? EXIT_DONE : EXIT_FAILED;
}

const struct field fleet_fields[] = {
    REPORT_PERIOD_FIELDS,
    {.name = "by", .kind = VALUE_FLEET_KEY, .text = "what is ranked; atm unless given"},
    {.name = "section", .kind = VALUE_FLEET_SECTION, .text = "this section alone"},
    {.name = "limit", .kind = VALUE_NUMBER, .text = "at most so many of the ranking; its total is of all"},
    {.name = NULL},
};
