/*
 * verify: every sum that is kept, recomputed from the history, as rows: a check is a query over all of its
 * things that gives (key, expected, found, differs). All checks see one snapshot. Each reads its tables once
 * and in sets, so that a fiscal year takes minutes.
 */
#include "tools/atmctl/verify.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tools/atmctl/rows.h"

struct check {
        const char *name;
        const char *text;
        const char *sql;
};

/* A withdrawal as people find it: "T0000001 2016-12-29T10:00:00+09:00 000123". */
#define KEY_OF(row)                                                                                            \
        row ".terminal || ' ' || to_char(" row ".transmitted_at, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+09:00 ' || lpad(" \
        row ".stan::text, 6, '0')"
#define KEY "terminal, transmitted_at, stan"

/* Every approved withdrawal with its recorded end: its last advice. Nearly all have one advice, so that
 * only the later ones are sorted. */
#define ENDS                                                                                                    \
        "ended AS (SELECT w.*, coalesce(l.state, f.state, 'approved') AS state, coalesce(l.counted_yen, f.counted_yen, 0) " \
        "AS counted_yen FROM withdrawal w LEFT JOIN (SELECT " KEY ", state, counted_yen FROM advice WHERE seq = 1) f "  \
        "USING (" KEY ") LEFT JOIN (SELECT DISTINCT ON (" KEY ") " KEY ", state, counted_yen FROM advice WHERE seq > 1 " \
        "ORDER BY terminal, transmitted_at, stan, seq DESC) l USING (" KEY ") WHERE w.reason = 0)"

#define FEES(row, times)                                                                                        \
        "'customer ' || " row "customer_fee_yen" times " || '+' || " row "customer_tax_yen" times                        \
        " || ', interbank ' || " row "interbank_fee_yen" times " || '+' || " row "interbank_tax_yen" times               \
        " || ', hall ' || " row "hall_share_yen" times

#define TAX(fee)                                                                                               \
        "CASE r.rounding WHEN 'down' THEN " fee " * r.rate_bp / 10000 WHEN 'nearest' THEN (" fee                      \
        " * r.rate_bp + 5000) / 10000 ELSE (" fee " * r.rate_bp + 9999) / 10000 END"

static const struct check checks[] = {
    {"commission", "the commission rows of a withdrawal add up to its price if cash was dispensed, else to nothing",
     "WITH " ENDS ", c AS (SELECT " KEY ", sum(customer_fee_yen) AS customer_fee_yen, sum(customer_tax_yen) AS "
     "customer_tax_yen, sum(interbank_fee_yen) AS interbank_fee_yen, sum(interbank_tax_yen) AS interbank_tax_yen, "
     "sum(hall_share_yen) AS hall_share_yen FROM commission GROUP BY " KEY "), "
     "e AS (SELECT " KEY ", customer_fee_yen * n AS customer_fee_yen, customer_tax_yen * n AS customer_tax_yen, "
     "interbank_fee_yen * n AS interbank_fee_yen, interbank_tax_yen * n AS interbank_tax_yen, hall_share_yen * n AS "
     "hall_share_yen FROM ended, LATERAL (SELECT CASE state WHEN 'completed' THEN 1 ELSE 0 END AS n) x) "
     "SELECT " KEY_OF("b") " AS key, " FEES("b.e_", "") " AS expected, " FEES("b.c_", "") " AS found, "
     "(e_customer_fee_yen, e_customer_tax_yen, e_interbank_fee_yen, e_interbank_tax_yen, e_hall_share_yen) "
     "IS DISTINCT FROM (c_customer_fee_yen, c_customer_tax_yen, c_interbank_fee_yen, c_interbank_tax_yen, "
     "c_hall_share_yen) AS differs FROM (SELECT " KEY ", coalesce(e.customer_fee_yen, 0) AS e_customer_fee_yen, "
     "coalesce(e.customer_tax_yen, 0) AS e_customer_tax_yen, coalesce(e.interbank_fee_yen, 0) AS e_interbank_fee_yen, "
     "coalesce(e.interbank_tax_yen, 0) AS e_interbank_tax_yen, coalesce(e.hall_share_yen, 0) AS e_hall_share_yen, "
     "coalesce(c.customer_fee_yen, 0) AS c_customer_fee_yen, coalesce(c.customer_tax_yen, 0) AS c_customer_tax_yen, "
     "coalesce(c.interbank_fee_yen, 0) AS c_interbank_fee_yen, coalesce(c.interbank_tax_yen, 0) AS "
     "c_interbank_tax_yen, coalesce(c.hall_share_yen, 0) AS c_hall_share_yen FROM e FULL JOIN c USING (" KEY ")) b"},

    {"commission_row", "each commission row is its withdrawal's price, caused by an advice that says so",
     "SELECT " KEY_OF("c") " || ' row ' || c.seq AS key, CASE WHEN w.terminal IS NULL THEN 'an approved withdrawal' "
     "WHEN a.seq IS NULL THEN 'an advice that earns ' || c.sign ELSE concat_ws(' ', w.hall, w.business_date, w.issuer, "
     "w.band, w.tariff_from, w.tax_rate_bp, " FEES("w.", "* c.sign") ") END AS expected, "
     "CASE WHEN w.terminal IS NULL OR a.seq IS NULL THEN 'none' ELSE concat_ws(' ', c.hall, c.business_date, c.issuer, "
     "c.band, c.tariff_from, c.tax_rate_bp, " FEES("c.", "") ") END AS found, "
     "w.terminal IS NULL OR a.seq IS NULL OR (w.hall, w.business_date, w.issuer, w.band, w.tariff_from, w.tax_rate_bp, "
     "w.customer_fee_yen * c.sign, w.customer_tax_yen * c.sign, w.interbank_fee_yen * c.sign, "
     "w.interbank_tax_yen * c.sign, w.hall_share_yen * c.sign) IS DISTINCT FROM (c.hall, c.business_date, c.issuer, "
     "c.band, c.tariff_from, c.tax_rate_bp, c.customer_fee_yen, c.customer_tax_yen, c.interbank_fee_yen, "
     "c.interbank_tax_yen, c.hall_share_yen) AS differs "
     "FROM commission c LEFT JOIN withdrawal w ON w.terminal = c.terminal AND w.transmitted_at = c.transmitted_at AND "
     "w.stan = c.stan AND w.reason = 0 LEFT JOIN advice a ON a.terminal = c.terminal AND "
     "a.transmitted_at = c.transmitted_at AND a.stan = c.stan AND a.seq = c.seq AND a.commission = c.sign"},

    {"price", "tariff and tax of a withdrawal are those of the reference rows of its date",
     "SELECT " KEY_OF("w") " AS key, CASE WHEN t.from_on IS NULL OR r.from_on IS NULL THEN 'a tariff and a tax rate of "
     "that day' ELSE concat_ws(' ', t.from_on, r.rate_bp, 'customer', t.customer_fee_yen || '+' || x.customer_tax_yen, "
     "'interbank', t.interbank_fee_yen || '+' || x.interbank_tax_yen, 'hall at most', t.customer_fee_yen + "
     "t.interbank_fee_yen) END AS expected, concat_ws(' ', w.tariff_from, w.tax_rate_bp, 'customer', w.customer_fee_yen "
     "|| '+' || w.customer_tax_yen, 'interbank', w.interbank_fee_yen || '+' || w.interbank_tax_yen, 'hall', "
     "w.hall_share_yen) AS found, "
     "(t.from_on, r.rate_bp, t.customer_fee_yen, x.customer_tax_yen, t.interbank_fee_yen, x.interbank_tax_yen) IS "
     "DISTINCT FROM (w.tariff_from, w.tax_rate_bp, w.customer_fee_yen, w.customer_tax_yen, w.interbank_fee_yen, "
     "w.interbank_tax_yen) OR w.hall_share_yen NOT BETWEEN 0 AND w.customer_fee_yen + w.interbank_fee_yen AS differs "
     "FROM withdrawal w LEFT JOIN LATERAL (SELECT * FROM tariff t WHERE t.issuer = w.issuer AND t.band = w.band AND "
     "t.from_on <= w.business_date ORDER BY t.from_on DESC LIMIT 1) t ON true LEFT JOIN LATERAL (SELECT * FROM tax_rate r "
     "WHERE r.from_on <= w.business_date ORDER BY r.from_on DESC LIMIT 1) r ON true CROSS JOIN LATERAL (SELECT "
     TAX("t.customer_fee_yen") " AS customer_tax_yen, " TAX("t.interbank_fee_yen") " AS interbank_tax_yen) x "
     "WHERE w.reason = 0"},

    {"band", "business date and band of a withdrawal follow from its moment and the holidays",
     "WITH days AS (SELECT d::date AS day, extract(isodow FROM d) < 6 AND to_char(d, 'MMDD') NOT IN ('1231', '0101', "
     "'0102', '0103') AND NOT EXISTS (SELECT FROM v_holiday h WHERE h.day = d::date AND h.is_holiday) AS working FROM "
     "generate_series((SELECT min(from_on) FROM ledger_partition)::timestamp, (SELECT max(to_on) FROM "
     "ledger_partition)::timestamp, INTERVAL '1 day') d) "
     "SELECT " KEY_OF("w") " AS key, w.moment::date || ' ' || b.band AS expected, w.business_date || ' ' || w.band AS "
     "found, (w.moment::date, b.band) IS DISTINCT FROM (w.business_date, w.band) AS differs "
     "FROM (SELECT *, transmitted_at AT TIME ZONE 'Asia/Tokyo' AS moment FROM withdrawal WHERE reason = 0) w "
     "JOIN days d ON d.day = w.moment::date CROSS JOIN LATERAL (SELECT CASE WHEN d.working AND w.moment::time >= TIME "
     "'08:45' AND w.moment::time < TIME '18:00' THEN 'day' ELSE 'other' END AS band) b"},

    {"advice", "each advice did to its withdrawal what the table of states says",
     "SELECT " KEY_OF("a") " || ' advice ' || a.seq AS key, CASE WHEN w.terminal IS NULL THEN 'a withdrawal' ELSE "
     "concat_ws(' ', 'seq', a.n, b.state, '->', u.state_after, 'counted', e.counted_yen, 'commission', u.commission) END "
     "AS expected, CASE WHEN w.terminal IS NULL THEN 'none' ELSE concat_ws(' ', 'seq', a.seq, a.state_before, '->', "
     "a.state, 'counted', a.counted_yen, 'commission', a.commission) END AS found, "
     "(a.n, b.state, u.state_after, e.counted_yen, u.commission::integer) IS DISTINCT FROM (a.seq::bigint, "
     "a.state_before, a.state, a.counted_yen, a.commission::integer) AS differs "
     "FROM (SELECT *, row_number() OVER o AS n, lag(state) OVER o AS last_state, lag(counted_yen) OVER o AS last_counted "
     "FROM advice WINDOW o AS (PARTITION BY " KEY " ORDER BY seq)) a LEFT JOIN withdrawal w USING (" KEY ") "
     "CROSS JOIN LATERAL (SELECT coalesce(a.last_state, CASE w.reason WHEN 0 THEN 'approved' WHEN 6 THEN 'blocked' ELSE "
     "'declined' END) AS state) b CROSS JOIN LATERAL (SELECT CASE b.state WHEN 'completed' THEN a.last_counted WHEN "
     "'approved' THEN w.amount_yen ELSE 0 END AS counts_yen) c LEFT JOIN advice_rule u ON u.state_before = b.state AND "
     "u.relation = CASE WHEN a.dispensed_yen = 0 THEN 'zero' WHEN a.dispensed_yen < c.counts_yen THEN 'less' WHEN "
     "a.dispensed_yen = c.counts_yen THEN 'equal' ELSE 'more' END CROSS JOIN LATERAL (SELECT CASE WHEN u.state_after <> "
     "'completed' THEN 0 WHEN u.relation = 'more' THEN c.counts_yen ELSE a.dispensed_yen END AS counted_yen) e"},

    {"rollup", "the revenue roll-up is the sum of the commission rows and of the cash that was dispensed",
     "WITH " ENDS ", s AS (SELECT terminal, business_date, hall, issuer, band, sum(n) AS withdrawals, sum(cash_yen) AS "
     "cash_yen, sum(customer_fee_yen) AS customer_fee_yen, sum(customer_tax_yen) AS customer_tax_yen, "
     "sum(interbank_fee_yen) AS interbank_fee_yen, sum(interbank_tax_yen) AS interbank_tax_yen, sum(hall_share_yen) AS "
     "hall_share_yen FROM (SELECT terminal, business_date, hall, issuer, band, sign AS n, 0 AS cash_yen, "
     "customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen FROM commission UNION ALL "
     "SELECT terminal, business_date, hall, issuer, band, 0, counted_yen, 0, 0, 0, 0, 0 FROM ended WHERE state = "
     "'completed') x GROUP BY 1, 2, 3, 4, 5) "
     "SELECT concat_ws(' ', terminal, business_date, hall, issuer, band) AS key, 'withdrawals ' || "
     "coalesce(s.withdrawals, 0) || ', cash ' || coalesce(s.cash_yen, 0) || coalesce(', ' || " FEES("s.", "") ", '') AS "
     "expected, 'withdrawals ' || coalesce(r.withdrawals, 0) || ', cash ' || coalesce(r.cash_yen, 0) || coalesce(', ' || "
     FEES("r.", "") ", '') AS found, "
     "(coalesce(s.withdrawals, 0), coalesce(s.cash_yen, 0), coalesce(s.customer_fee_yen, 0), coalesce(s.customer_tax_yen, "
     "0), coalesce(s.interbank_fee_yen, 0), coalesce(s.interbank_tax_yen, 0), coalesce(s.hall_share_yen, 0)) IS DISTINCT "
     "FROM (coalesce(r.withdrawals, 0), coalesce(r.cash_yen, 0), coalesce(r.customer_fee_yen, 0), "
     "coalesce(r.customer_tax_yen, 0), coalesce(r.interbank_fee_yen, 0), coalesce(r.interbank_tax_yen, 0), "
     "coalesce(r.hall_share_yen, 0)) AS differs "
     "FROM s FULL JOIN revenue_rollup r USING (terminal, business_date, hall, issuer, band)"},

    {"card_day", "a card's use of a day is what its withdrawals took: dispensed cash, or all where the end is not known",
     "WITH " ENDS ", u AS (SELECT card_token, business_date AS day, sum(CASE state WHEN 'completed' THEN counted_yen ELSE "
     "amount_yen END) AS cash_yen, count(*) AS withdrawals FROM ended WHERE state <> 'reversed' GROUP BY 1, 2) "
     "SELECT 'card ' || card_token || ' ' || day AS key, coalesce(u.withdrawals, 0) || ' withdrawals, ' || "
     "coalesce(u.cash_yen, 0) AS expected, coalesce(d.withdrawals, 0) || ' withdrawals, ' || coalesce(d.cash_yen, 0) AS "
     "found, (coalesce(u.withdrawals, 0), coalesce(u.cash_yen, 0)) IS DISTINCT FROM (coalesce(d.withdrawals, 0)::bigint, "
     "coalesce(d.cash_yen, 0)::numeric) AS differs FROM u FULL JOIN card_day d USING (card_token, day)"},

    {"card_month", "a card's use of a calendar month likewise",
     "WITH " ENDS ", u AS (SELECT card_token, date_trunc('month', business_date::timestamp)::date AS month, sum(CASE state "
     "WHEN 'completed' THEN counted_yen ELSE amount_yen END) AS cash_yen FROM ended WHERE state <> 'reversed' GROUP BY 1, "
     "2) SELECT 'card ' || card_token || ' ' || to_char(month, 'YYYY-MM') AS key, coalesce(u.cash_yen, 0)::text AS "
     "expected, coalesce(m.cash_yen, 0)::text AS found, coalesce(u.cash_yen, 0) IS DISTINCT FROM coalesce(m.cash_yen, "
     "0)::numeric AS differs FROM u FULL JOIN card_month m USING (card_token, month)"},

    {"account", "an account holds what it opened with less what its card's withdrawals took and cost",
     "WITH " ENDS ", u AS (SELECT card_token, sum(CASE state WHEN 'completed' THEN counted_yen ELSE amount_yen END + "
     "customer_fee_yen + customer_tax_yen) AS taken_yen FROM ended WHERE state <> 'reversed' GROUP BY 1) "
     "SELECT 'card ' || card_token AS key, CASE WHEN a.opening_yen IS NULL THEN 'an account' ELSE (a.opening_yen - "
     "coalesce(u.taken_yen, 0))::text END AS expected, coalesce(a.balance_yen::text, 'none') AS found, a.opening_yen - "
     "coalesce(u.taken_yen, 0) IS DISTINCT FROM a.balance_yen::numeric OR a.opening_yen IS NULL AS differs FROM account a "
     "FULL JOIN u USING (card_token)"},

    {"open_withdrawal", "the open withdrawals are the approved ones without an end",
     "WITH u AS (SELECT * FROM withdrawal w WHERE reason = 0 AND NOT EXISTS (SELECT FROM advice a WHERE a.terminal = "
     "w.terminal AND a.transmitted_at = w.transmitted_at AND a.stan = w.stan AND a.state IN ('completed', 'reversed'))) "
     "SELECT " KEY_OF("b") " AS key, expected, found, expected IS DISTINCT FROM found AS differs FROM (SELECT " KEY ", "
     "coalesce('open, card ' || u.card_token || ', ' || u.amount_yen, 'ended') AS expected, coalesce('open, card ' || "
     "o.card_token || ', ' || o.amount_yen, 'ended') AS found FROM u FULL JOIN open_withdrawal o USING (" KEY ")) b"},

    {"reference", "what an approved withdrawal names exists: ATM, hall, issuer, card, account",
     "SELECT " KEY_OF("w") " AS key, concat_ws(', ', CASE WHEN t.terminal IS NULL THEN 'ATM ' || w.terminal END, CASE WHEN "
     "h.hall IS NULL THEN 'hall ' || w.hall END, CASE WHEN i.issuer IS NULL THEN 'issuer ' || w.issuer END, CASE WHEN "
     "c.card_token IS NULL THEN 'card ' || w.card_token END) AS expected, 'none' AS found, t.terminal IS NULL OR h.hall IS "
     "NULL OR i.issuer IS NULL OR c.card_token IS NULL AS differs FROM withdrawal w LEFT JOIN atm t USING (terminal) LEFT "
     "JOIN hall h ON h.hall = w.hall LEFT JOIN issuer i ON i.issuer = w.issuer LEFT JOIN card c ON c.card_token = "
     "w.card_token WHERE w.reason = 0"},
};

/* The count of all and the differences of one check: one pass, differences as a JSON array. */
static PGresult *run_check(struct database *database, const struct check *check)
{
        char *sql;
        PGresult *result;

        if (asprintf(&sql,
                     "SELECT count(*), coalesce(json_agg(json_build_array(key, expected, found) ORDER BY key) "
                     "FILTER (WHERE differs), '[]') FROM (%s) d",
                     check->sql) < 0) {
                complain("out of memory");
                return NULL;
        }
        result = database_query(database, sql, 0, NULL);
        free(sql);
        return result;
}

struct verification {
        json_t *checked;     /* {check: how many} */
        json_t *differences; /* [{check, key, expected, found}] */
};

static bool keep_difference(struct verification *verification, const struct check *check, const json_t *found)
{
        json_t *row = json_pack("{s:s, s:O, s:O, s:O}", "check", check->name, "key", json_array_get(found, 0), "expected",
                                json_array_get(found, 1), "found", json_array_get(found, 2));

        return json_array_append_new(verification->differences, row) == 0;
}

static bool keep_result(struct verification *verification, const struct check *check, const PGresult *result)
{
        json_t *rows = json_loads(PQgetvalue(result, 0, 1), 0, NULL), *row;
        size_t i;
        bool kept = rows && json_object_set_new(verification->checked, check->name,
                                                json_integer(atoll(PQgetvalue(result, 0, 0)))) == 0;

        json_array_foreach(rows, i, row) kept = kept && keep_difference(verification, check, row);
        json_decref(rows);
        if (!kept)
                complain("out of memory");
        return kept;
}

static bool run_all(struct database *database, struct verification *verification)
{
        /* Joined partition by partition, or the hash tables of a year do not fit. */
        if (!database_execute(database,
                              "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_partitionwise_join = on;"
                              "SET LOCAL enable_partitionwise_aggregate = on; SET LOCAL work_mem = '128MB'",
                              0, NULL))
                return false;
        for (size_t i = 0; i < LENGTH(checks); i++) {
                PGresult *result;
                bool kept;

                progress("%zu of %zu: %s", i + 1, LENGTH(checks), checks[i].text);
                result = run_check(database, &checks[i]);
                kept = result && keep_result(verification, &checks[i], result);
                PQclear(result);
                if (!kept)
                        return false;
        }
        progress_end();
        return database_execute(database, "COMMIT", 0, NULL);
}

/* output ------------------------------------------------------------------------------------------------- */

static const struct output_column difference_columns[] = {
    {"check", OUTPUT_TEXT, 0}, {"key", OUTPUT_TEXT, 0}, {"expected", OUTPUT_TEXT, 0}, {"found", OUTPUT_TEXT, 0}};

static bool print_differences(const struct invocation *invocation, const struct verification *verification)
{
        struct output *output = output_open(invocation, OUTPUT_ROWS, difference_columns, LENGTH(difference_columns));
        json_t *row;
        size_t i;

        if (!output)
                return false;
        json_array_foreach(verification->differences, i, row)
        {
                const char *values[LENGTH(difference_columns)];

                for (size_t column = 0; column < LENGTH(values); column++)
                        values[column] = json_string_value(json_object_get(row, difference_columns[column].name));
                if (!output_row(output, values)) {
                        output_abandon(output);
                        return false;
                }
        }
        return output_close(output);
}

static bool print_summary(const struct invocation *invocation, const struct verification *verification)
{
        static const struct output_column columns[] = {{"check", OUTPUT_TEXT, 0}, {"checked", OUTPUT_YEN, 0},
                                                       {"differences", OUTPUT_YEN, 0}, {"what", OUTPUT_TEXT, 0}};
        struct output *output = output_open(invocation, OUTPUT_ROWS, columns, LENGTH(columns));

        for (size_t i = 0; i < LENGTH(checks) && output; i++) {
                char checked[24], differences[24];
                size_t count = 0, at;
                json_t *row;

                json_array_foreach(verification->differences, at, row) count +=
                    !strcmp(json_string_value(json_object_get(row, "check")), checks[i].name);
                snprintf(checked, sizeof(checked), "%lld",
                         (long long)json_integer_value(json_object_get(verification->checked, checks[i].name)));
                snprintf(differences, sizeof(differences), "%zu", count);
                if (!output_row(output, (const char *const[]){checks[i].name, checked, differences, checks[i].text})) {
                        output_abandon(output);
                        return false;
                }
        }
        return output && output_close(output);
}

static bool print_json(const struct invocation *invocation, const struct verification *verification)
{
        json_t *whole = json_pack("{s:O, s:O}", "checked", verification->checked, "differences", verification->differences);
        bool printed = whole && output_json(invocation, whole);

        json_decref(whole);
        return printed;
}

/* For people: what was checked, or, where something differs, the differences. */
static bool print_verification(const struct invocation *invocation, const struct verification *verification)
{
        switch (output_format_of(invocation)) {
        case OUTPUT_JSON:
                return print_json(invocation, verification);
        case OUTPUT_CSV:
                return print_differences(invocation, verification);
        default:
                return json_array_size(verification->differences) ? print_differences(invocation, verification)
                                                                  : print_summary(invocation, verification);
        }
}

int verify_all(const struct invocation *invocation)
{
        struct verification verification = {.checked = json_object(), .differences = json_array()};
        struct database database;
        size_t differences;
        int exit_code = EXIT_FAILED;

        if (!database_open(&database, invocation, DATABASE_READY))
                goto free_json;
        if (run_all(&database, &verification) && print_verification(invocation, &verification)) {
                differences = json_array_size(verification.differences);
                if (differences)
                        complain("verify: %zu differences", differences);
                else
                        exit_code = EXIT_DONE;
        }
        database_close(&database);
free_json:
        json_decref(verification.checked);
        json_decref(verification.differences);
        return exit_code;
}
