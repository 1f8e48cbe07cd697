/* The fleet in three parts: ranking, penetration, comparison; see fleet.h. */
#include "backoffice/books/fleet.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/books/place.h"
#include "backoffice/books/summary.h"
#include "lib/base/array.h"
#include "lib/db/sqltext.h"
#include "rules/calendar.h"

/* ranking ----------------------------------------------------------------------------------------------- */

struct fleet_key {
        const char *name;
        const char *key;   /* SQL over a row r of an ATM in a hall, its hall n, and where that was, h */
        const char *title; /* SQL over all rows of a key */
};

static const struct fleet_key fleet_keys[] = {
    {"atm", "r.terminal", "string_agg(DISTINCT n.name, E'\\n')"},
    {"hall", "r.hall", "min(n.name)"},
    {"area", "h.area", "min((SELECT a.name FROM area a WHERE a.area = h.area))"},
};

static const struct fleet_key *find_key(const char *by)
{
        size_t i = 0;

        while (strcmp(fleet_keys[i].name, by))
                i++; /* one of them: whoever asks saw to it */
        return &fleet_keys[i];
}

/* What an ATM cost that has nothing of a period but late posts, and so no days in it: nothing, if anybody knows what ATMs cost. */
#define LATE_TOO(item)                                                                                       \
        ", coalesce(c." item ", (SELECT m.late FROM known k WHERE k.item = '" item                           \
        "' AND k.known)) AS " item " "

/* $1 and $2 the days that count, $3 to $5 the parts of the cube, $6 how many at most. Everything by ATM, hall and
 * the hall's place first. Of a month in which the hall moves each place has its days, and of the month's fee its part of
 * the running sum. What is posted late counts where the hall was when the days began. */
static const char by_atm_sql[] =
    "WITH inside AS (SELECT quarter_of(b.month) AS quarter, b.terminal, b.hall, h.from_on AS place, "
    "sum(x.upto - x.before) AS "
    "days, sum(b.base_fee_yen * x.upto / b.days - b.base_fee_yen * x.before / b.days) AS base_fee "
    "FROM report_base_fee($1::date, $2::date) b "
    "CROSS JOIN LATERAL (SELECT greatest(b.month, b.from_on, $1::date) AS first) f "
    "JOIN hall_place h ON h.hall = b.hall AND h.from_on < f.first + b.days AND h.until_on > f.first "
    "CROSS JOIN LATERAL (SELECT least(f.first + b.days, h.until_on) - f.first AS upto, "
    "greatest(f.first, h.from_on) - f.first AS before) x GROUP BY 1, 2, 3, 4), "
    "whole AS (SELECT quarter_of(month) AS quarter, sum(days) AS days FROM report_base_fee("
    "quarter_first_day(quarter_of($1::date)), quarter_last_day(quarter_of($2::date))) GROUP BY 1), "
    "money AS (SELECT s.terminal, s.hall, h.from_on AS place, sum(s.withdrawals) AS withdrawals, "
    "sum(s.customer_fee_yen + "
    "s.interbank_fee_yen) AS commission, sum(s.hall_share_yen) AS share, "
    "CASE WHEN sum(s.earlier_yen) <> 0 AND sum(s.earlier_yen) = sum(s.customer_fee_yen + "
    "s.interbank_fee_yen) "
    "THEN 0 END AS late FROM cube_atm($3::date[], "
    "$4::date[], $5::date[]) s" JOIN_PLACE(
        "s.hall",
        "greatest(s.place_on, $1::date)") " GROUP BY 1, 2, 3), "
                                          "known AS (SELECT x.item, bool_and(c.item IS NOT NULL) AS known "
                                          "FROM (SELECT DISTINCT "
                                          "quarter_of(d::date) AS quarter "
                                          "FROM generate_series($1::timestamp, $2::timestamp, INTERVAL '1 "
                                          "day') d) q CROSS JOIN (VALUES "
                                          "('cash_in_transit'), "
                                          "('network'), ('maintenance'), ('depreciation')) x (item) LEFT "
                                          "JOIN cost c USING (quarter, item) GROUP "
                                          "BY 1), "
                                          "parts AS (SELECT i.terminal, i.hall, i.place, c.item, "
                                          "sum(div(c.amount_yen * i.so_far, w.days) - "
                                          "div(c.amount_yen * (i.so_far - "
                                          "i.days), w.days)) AS yen FROM (SELECT *, sum(days) OVER "
                                          "(PARTITION BY quarter ORDER BY terminal, hall, place) "
                                          "AS so_far "
                                          "FROM inside) i JOIN whole w USING (quarter) JOIN cost c USING "
                                          "(quarter) JOIN known k ON k.item = c.item "
                                          "AND k.known "
                                          "GROUP BY 1, 2, 3, 4), "
                                          "costs AS (SELECT terminal, hall, place, sum(yen) FILTER (WHERE "
                                          "item = 'cash_in_transit') AS cash_in_transit, "
                                          "sum(yen) FILTER (WHERE item = 'network') AS network, sum(yen) "
                                          "FILTER (WHERE item = 'maintenance') AS "
                                          "maintenance, "
                                          "sum(yen) FILTER (WHERE item = 'depreciation') AS depreciation "
                                          "FROM parts GROUP BY 1, 2, 3), "
                                          "atms AS (SELECT terminal, hall, place, coalesce(d.days, m.late) "
                                          "AS days, "
                                          "coalesce(d.base_fee, m.late) AS base_fee, "
                                          "coalesce(m.withdrawals, 0) AS withdrawals, "
                                          "coalesce(m.commission, 0) "
                                          "AS commission, coalesce(m.share, 0) AS share " LATE_TOO(
                                              "cash_in_transit") LATE_TOO("network") LATE_TOO("maintenance")
                                              LATE_TOO(
                                                  "depreciation") "FROM (SELECT terminal, hall, place, "
                                                                  "sum(days) AS days, "
                                                                  "sum(base_fee) AS base_fee FROM inside "
                                                                  "GROUP BY 1, 2, 3) d "
                                                                  "FULL JOIN (SELECT * FROM money WHERE "
                                                                  "(withdrawals, commission, "
                                                                  "share) <> (0, 0, 0)) m USING (terminal, "
                                                                  "hall, place) "
                                                                  "LEFT JOIN costs c USING (terminal, hall, "
                                                                  "place)), ";

/* A sum over ATMs of which one is not known is not known. */
static void add_known_sum(struct sqltext *sql, const char *name)
{
        sql_add(sql, "CASE WHEN bool_and(r.%s IS NOT NULL) THEN sum(r.%s) END AS %s, ", name, name, name);
}

static void build_ranking(struct sqltext *sql, const struct fleet_key *key)
{
        static const char *const sums[] = {"days",    "base_fee",    "cash_in_transit",
                                           "network", "maintenance", "depreciation"};

        sql_start(sql);
        sql_add(sql, "%s", by_atm_sql);
        sql_add(sql, "groups AS (SELECT %s AS key, CASE WHEN grouping(%s) = 0 THEN %s END AS name, ",
                key->key, key->key, key->title);
        for (size_t i = 0; i < LENGTH(sums); i++)
                add_known_sum(sql, sums[i]);
        sql_add(sql,
                "count(DISTINCT r.terminal) AS atms, sum(r.withdrawals) AS "
                "withdrawals, sum(r.commission) AS commission, sum(r.share) AS share, CASE WHEN "
                "bool_and(r.base_fee IS NOT NULL) THEN sum(r.commission + r.base_fee) END "
                "AS revenue, count(DISTINCT r.terminal) FILTER (WHERE r.days IS NULL) AS without_contract "
                "FROM atms r JOIN hall n USING (hall) JOIN hall_place h ON h.hall = r.hall AND h.from_on = "
                "r.place "
                "GROUP BY GROUPING SETS ((%s), ())), ",
                key->key);
        sql_add(sql,
                "profits AS (SELECT *, cash_in_transit + network + maintenance + depreciation AS cost, "
                "revenue - share - "
                "(cash_in_transit + network + maintenance + depreciation) AS profit FROM groups), "
                "ranks AS (SELECT CASE WHEN key IS NOT NULL THEN row_number() OVER (ORDER BY key IS "
                "NULL, profit DESC NULLS "
                "LAST, revenue DESC NULLS LAST, commission DESC, key) END AS rank, * FROM profits) "
                "SELECT coalesce(key, 'total'), name, rank, atms, days, withdrawals, commission, base_fee, "
                "revenue, share, cash_in_transit, network, maintenance, depreciation, cost, profit, "
                "without_contract, (SELECT count(*) FROM ranks) - 1 "
                "FROM ranks WHERE key IS NULL OR $6::bigint IS NULL OR rank <= $6::bigint ORDER BY rank "
                "NULLS LAST");
}

enum { WITHOUT_CONTRACT = 16, ALL_ROWS };

void fleet_derive(struct fleet_row *row)
{
        row->withdrawals_per_day_tenths = figure_ratio(row->withdrawals, row->days);
        row->revenue_per_day_tenths = figure_ratio(row->revenue_yen, row->days);
        row->profit_tenths = figure_share(row->profit_yen, row->revenue_yen);
}

bool fleet_others(const struct fleet *fleet, struct fleet_row *ret_others)
{
        struct fleet_row others = fleet->total;
        struct figure *const left[] = {&others.atms,
                                       &others.days,
                                       &others.withdrawals,
                                       &others.commission_yen,
                                       &others.base_fee_yen,
                                       &others.revenue_yen,
                                       &others.hall_share_yen,
                                       &others.cash_in_transit_yen,
                                       &others.network_yen,
                                       &others.maintenance_yen,
                                       &others.depreciation_yen,
                                       &others.cost_yen,
                                       &others.profit_yen};
        bool any = false;

        for (size_t i = 0; i < fleet->rows; i++) {
                const struct fleet_row *row = &fleet->row[i];
                const struct figure shown[] = {row->atms,
                                               row->days,
                                               row->withdrawals,
                                               row->commission_yen,
                                               row->base_fee_yen,
                                               row->revenue_yen,
                                               row->hall_share_yen,
                                               row->cash_in_transit_yen,
                                               row->network_yen,
                                               row->maintenance_yen,
                                               row->depreciation_yen,
                                               row->cost_yen,
                                               row->profit_yen};

                for (size_t f = 0; f < LENGTH(left); f++)
                        *left[f] = figure_subtract(*left[f], shown[f]);
        }
        for (size_t f = 0; f < LENGTH(left); f++)
                any = any || (left[f]->known && left[f]->value);
        others.key = "others";
        others.name = NULL;
        others.rank = figure_missing;
        fleet_derive(&others);
        *ret_others = others;
        return any;
}

/* Key and name first, then these, then without_contract. */
static void take_row(const PGresult *result, int row, struct fleet_row *ret_row)
{
        struct figure *const figure[] = {&ret_row->rank,
                                         &ret_row->atms,
                                         &ret_row->days,
                                         &ret_row->withdrawals,
                                         &ret_row->commission_yen,
                                         &ret_row->base_fee_yen,
                                         &ret_row->revenue_yen,
                                         &ret_row->hall_share_yen,
                                         &ret_row->cash_in_transit_yen,
                                         &ret_row->network_yen,
                                         &ret_row->maintenance_yen,
                                         &ret_row->depreciation_yen,
                                         &ret_row->cost_yen,
                                         &ret_row->profit_yen};

        ret_row->key = PQgetvalue(result, row, 0);
        ret_row->name = pg_text(result, row, 1);
        for (size_t i = 0; i < LENGTH(figure); i++) {
                int column = (int)i + 2;

                *figure[i] = figure_read(pg_text(result, row, column));
        }
        fleet_derive(ret_row);
}

static PGresult *ask_ranking(PGconn *connection, const struct fleet_question *question, const char *counted,
                             char error[PG_ERROR_MAX])
{
        struct summary_parts parts = {0};
        struct sqltext sql;
        char limit[24];
        PGresult *result = NULL;

        if (question->limit)
                snprintf(limit, sizeof(limit), "%" PRId64, *question->limit);
        if (summary_parts_of(connection, question->period.first, counted, SUMMARY_OF_DAYS, &parts, error)) {
                const char *parameters[] = {
                    question->period.first,        counted, parts.months, parts.days, parts.rows,
                    question->limit ? limit : NULL};

                build_ranking(&sql, find_key(question->by));
                result = pg_query(connection, sql.text, LENGTH(parameters), parameters, error);
        }
        PQclear(parts.result);
        return result;
}

/* What the ledger does not have of a period that was over when the books began. */
static void take_out(struct fleet_row *row)
{
        row->withdrawals = row->commission_yen = row->revenue_yen = row->hall_share_yen = row->profit_yen =
            figure_missing;
        fleet_derive(row);
}

static bool take_ranking(const struct fleet_question *question, const PGresult *result, struct fleet *fleet)
{
        bool is_before = question->period.last_day < question->standing->begun_day;
        int rows = PQntuples(result) - 1; /* the last is the total */

        fleet->row = calloc((size_t)rows + 1, sizeof(*fleet->row));
        for (int i = 0; i < rows && fleet->row; i++)
                take_row(result, i, &fleet->row[fleet->rows++]);
        take_row(result, rows, &fleet->total);
        for (size_t i = 0; i < fleet->rows && is_before; i++)
                take_out(&fleet->row[i]);
        if (is_before)
                take_out(&fleet->total);
        fleet->more = (size_t)pg_number(result, rows, ALL_ROWS) - fleet->rows;
        fleet->without_contract = pg_number(result, rows, WITHOUT_CONTRACT);
        return fleet->row;
}

/* penetration ------------------------------------------------------------------------------------------- */

/* $1 the day. ATMs in place for each hundred parlors, whoever serves them. The last row is the total. */
static const char penetration_sql[] =
    "WITH areas AS (SELECT a.area, a.name, a.parlors, count(c.terminal) AS atms, count(DISTINCT c.hall) AS "
    "halls FROM area a "
    "LEFT JOIN hall_place h ON h.area = a.area AND h.from_on <= $1::date AND h.until_on > $1::date LEFT JOIN "
    "contract c ON c.hall = h.hall AND c.from_on <= $1::date AND "
    "coalesce(c.until_on, 'infinity') > $1::date GROUP BY a.area), "
    "sums AS (SELECT area, min(name) AS name, sum(atms) AS atms, sum(halls) AS halls, CASE WHEN "
    "bool_and(parlors IS NOT NULL) "
    "THEN sum(parlors) END AS parlors FROM areas GROUP BY GROUPING SETS ((area), ())) "
    "SELECT coalesce(area, 'total'), CASE WHEN area IS NOT NULL THEN name END, coalesce(atms, 0), "
    "coalesce(halls, 0), parlors FROM sums ORDER BY area IS NULL, atms DESC, area";

static void take_area(const PGresult *result, int row, struct fleet_area *ret_area)
{
        ret_area->area = PQgetvalue(result, row, 0);
        ret_area->name = pg_text(result, row, 1);
        ret_area->atms = figure_read(PQgetvalue(result, row, 2));
        ret_area->halls = figure_read(PQgetvalue(result, row, 3));
        ret_area->parlors = figure_read(pg_text(result, row, 4));
        ret_area->penetration_tenths = figure_share(ret_area->atms, ret_area->parlors);
}

static bool take_areas(const PGresult *result, struct fleet *fleet)
{
        int areas = PQntuples(result) - 1; /* the last is the total */

        fleet->area = calloc((size_t)areas + 1, sizeof(*fleet->area));
        for (int i = 0; i < areas && fleet->area; i++)
                take_area(result, i, &fleet->area[fleet->areas++]);
        take_area(result, areas, &fleet->areas_total);
        return fleet->area;
}

/* comparison -------------------------------------------------------------------------------------------- */

/* $1 ATMs in place; of the twelve months: $2 days, $3 withdrawals, $4 commission, $5 revenue, $6 profit; $7: the fleet is but a part. In the order
 * that people read it. */
static const char comparison_sql[] =
    "SELECT peer, item, round(ours, digits)::text, round(theirs, digits)::text, round(ours - theirs, "
    "digits)::text, source "
    "FROM (SELECT p.peer, p.item, o.place, o.ours::numeric AS ours, p.value AS theirs, "
    "greatest(coalesce(scale(o.ours::numeric), 0), scale(trim_scale(p.value))) AS digits, p.source FROM peer "
    "p "
    "LEFT JOIN (VALUES (1, 'atms', CASE WHEN NOT $7::boolean THEN $1::text END), (2, "
    "'transactions_per_atm_day', "
    "tenths_text($3::numeric, $2::numeric)), (3, 'fee_yen_per_transaction', tenths_text($4::numeric, "
    "$3::numeric)), "
    "(4, 'profit_ratio_percent', tenths_text(100 * $6::numeric, $5::numeric)), (5, 'revenue_yen', "
    "CASE WHEN NOT $7::boolean THEN $5::text END)) o (place, item, ours) USING (item)) x "
    "ORDER BY peer, place, item";

/* The total alone of the twelve months, all of which the books must have. */
static bool load_year(PGconn *connection, const struct fleet_question *question, struct fleet *fleet,
                      struct fleet_row *ret_total, char error[PG_ERROR_MAX])
{
        static const int64_t none = 0;
        struct fleet_question of_year = *question;

        *ret_total = (struct fleet_row){.key = ""};
        period_year_to(period_counted(&question->period, question->today), &fleet->year);
        if (standing_lacks(question->standing, &fleet->year))
                return true;
        of_year.period = fleet->year;
        of_year.limit = &none;
        fleet->held[4] = ask_ranking(connection, &of_year, fleet->year.last, error);
        if (!fleet->held[4])
                return false;
        take_row(fleet->held[4], PQntuples(fleet->held[4]) - 1, ret_total);
        return true;
}

static PGresult *ask_comparison(PGconn *connection, const struct fleet_question *question,
                                struct fleet *fleet, char error[PG_ERROR_MAX])
{
        struct fleet_row year;

        if (!load_year(connection, question, fleet, &year, error))
                return NULL;

        const struct figure ours[] = {fleet->areas_total.atms, year.days,        year.withdrawals,
                                      year.commission_yen,     year.revenue_yen, year.profit_yen};
        char text[LENGTH(ours)][FIGURE_TEXT_MAX];
        const char *parameters[LENGTH(ours) + 1];

        for (size_t i = 0; i < LENGTH(ours); i++)
                parameters[i] = figure_print(ours[i], text[i]);
        parameters[LENGTH(ours)] = question->standing->is_part ? "t" : "f";
        return pg_query(connection, comparison_sql, LENGTH(parameters), parameters, error);
}

static bool take_peers(const PGresult *result, struct fleet *fleet)
{
        fleet->peer = calloc((size_t)PQntuples(result) + 1, sizeof(*fleet->peer));
        for (int row = 0; row < PQntuples(result) && fleet->peer; row++) {
                struct fleet_peer *peer = &fleet->peer[fleet->peers++];
                const char **const text[] = {&peer->peer,   &peer->item,       &peer->ours,
                                             &peer->theirs, &peer->difference, &peer->source};

                for (size_t i = 0; i < LENGTH(text); i++)
                        *text[i] = pg_text(result, row, (int)i);
        }
        return fleet->peer;
}

/* the whole --------------------------------------------------------------------------------------------- */

/* $1 and $2 the days that count. */
static const char missing_sql[] = "SELECT string_agg(quarter || ': ' || items, '; ' ORDER BY first) "
                                  "FROM (SELECT q.quarter, quarter_first_day(q.quarter) "
                                  "AS first, string_agg(x.item, ', ' ORDER BY x.place) AS items FROM "
                                  "(SELECT DISTINCT quarter_of(d::date) AS quarter "
                                  "FROM generate_series($1::timestamp, $2::timestamp, INTERVAL '1 "
                                  "day') d) q CROSS JOIN (VALUES (1, 'cash_in_transit'), "
                                  "(2, 'network'), (3, 'maintenance'), (4, 'depreciation')) x "
                                  "(place, item) WHERE NOT EXISTS (SELECT FROM cost c WHERE "
                                  "c.quarter = q.quarter AND c.item = x.item) GROUP BY 1) m";

bool fleet_load(PGconn *connection, const struct fleet_question *question, struct fleet *ret_fleet,
                char error[PG_ERROR_MAX])
{
        PGresult **held = ret_fleet->held;
        char counted[11];
        const char *days[] = {question->period.first, counted};

        *ret_fleet = (struct fleet){.rows = 0};
        calendar_print_day(period_counted(&question->period, question->today), counted);
        snprintf(error, PG_ERROR_MAX, "out of memory");
        if (!(held[0] = ask_ranking(connection, question, counted, error)) ||
            !take_ranking(question, held[0], ret_fleet) ||
            !(held[1] = pg_query(connection, penetration_sql, 1, &days[1], error)) ||
            !take_areas(held[1], ret_fleet) ||
            !(held[2] = ask_comparison(connection, question, ret_fleet, error)) ||
            !take_peers(held[2], ret_fleet) ||
            !(held[3] = pg_query(connection, missing_sql, LENGTH(days), days, error)))
                return false;
        ret_fleet->missing = pg_text(held[3], 0, 0);
        return true;
}

void fleet_free(struct fleet *fleet)
{
        free(fleet->row);
        free(fleet->area);
        free(fleet->peer);
        for (size_t i = 0; i < LENGTH(fleet->held); i++)
                PQclear(fleet->held[i]);
}
