/* Which withdrawals, and what hangs on one: see withdrawals.h. */
#include "backoffice/cases/withdrawals.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/cases/claims.h"
#include "backoffice/cases/select.h"
#include "lib/base/array.h"

/* which -------------------------------------------------------------------------------------------------- */

#define SAME_KEY(row)                                                                                        \
        row ".terminal = w.terminal AND " row ".transmitted_at = w.transmitted_at AND " row ".stan = w.stan"
/* Of what was refused a price was computed, and nobody pays it. */
#define FIXED(column) "CASE WHEN v.state NOT IN ('declined', 'blocked') THEN " column " END"
/* In the order of enum withdrawal_column. */
#define WITHDRAWAL_COLUMNS                                                                                   \
        MOMENT("v.transmitted_at")                                                                           \
        ", v.terminal, v.stan, v.rrn, v.card_token, v.pan_mask, v.amount_yen, v.dispensed_yen, "             \
        "v.customer_fee_yen, v.interbank_fee_yen, v.tax_yen, v.state, v.de39, v.reason, v.hall, "            \
        "v.business_date, v.issuer, v.band, v.approval_code, v.link, v.outcome_cause, v.bank_de39, " FIXED(  \
            "v.fixed_customer_fee_yen") ", " FIXED("v.fixed_interbank_fee_yen") ", " FIXED("v.fixed_tax_"    \
                                                                                           "yen") ", CASE "  \
                                                                                                  "v.state " \
                                                                                                  "WHEN "    \
                                                                                                  "'asked' " \
                                                                                                  "THEN "    \
                                                                                                  "'fixed' " \
                                                                                                  "WHEN "    \
                                                                                                  "'approve" \
                                                                                                  "d' THEN " \
                                                                                                  "'fixed' " \
                                                                                                  "WHEN "    \
                                                                                                  "'complet" \
                                                                                                  "ed' "     \
                                                                                                  "THEN "    \
                                                                                                  "'earned'" \
                                                                                                  " ELSE "   \
                                                                                                  "'none' "  \
                                                                                                  "END"

#define HAS_OUTCOME "EXISTS (SELECT FROM bank_outcome x WHERE " SAME_KEY("x") ")"
#define IS_OPEN     "EXISTS (SELECT FROM v_open o WHERE " SAME_KEY("o") ")"
#define ENDED_AS(state)                                                                                      \
        "(w.reason IS NULL OR w.reason = reason_of('APPROVED')) AND EXISTS (SELECT FROM advice a "           \
        "WHERE " SAME_KEY("a") " AND a.state = '" state                                                      \
                               "' AND NOT EXISTS (SELECT FROM advice l WHERE l.terminal = "                  \
                               "a.terminal AND l.transmitted_at = "                                          \
                               "a.transmitted_at AND l.stan = a.stan AND l.seq > a.seq))"

/* A state as a condition that the history's own rows answer, before the end of each is looked up. */
static const struct {
        const char *state, *condition;
} state_conditions[] = {
    {"blocked", "w.reason = reason_of('BLOCKED')"},
    {"declined", "(w.reason NOT IN (reason_of('APPROVED'), reason_of('BLOCKED')) OR w.reason IS NULL AND "
                 "EXISTS (SELECT FROM bank_outcome x WHERE " SAME_KEY(
                     "x") " AND x.reason <> reason_of('APPROVED') AND x.cause IN ('answer', 'timeout')))"},
    {"asked", "w.reason IS NULL AND " IS_OPEN " AND NOT " HAS_OUTCOME},
    {"approved", "(w.reason = reason_of('APPROVED') OR " HAS_OUTCOME ") AND " IS_OPEN},
    {"completed", ENDED_AS("completed")},
    {"reversed", ENDED_AS("reversed")},
};

static void select_state(struct selection *selection, const char *state)
{
        size_t i = 0;

        while (i < LENGTH(state_conditions) && strcmp(state_conditions[i].state, state))
                i++;
        assert(i < LENGTH(state_conditions)); /* whoever asks has checked it */
        sql_add(&selection->conditions, " AND %s", state_conditions[i].condition);
}

/* Our reason, or that of its bank's outcome, by its name or its code. */
static void select_reason(struct selection *selection, const char *column, const char *value)
{
        int given = selection_parameter(selection, value);

        sql_add(&selection->conditions,
                " AND (w.reason IN (SELECT r.reason FROM reason r WHERE r.%s = $%d::text) OR w.reason IS "
                "NULL AND "
                "EXISTS (SELECT FROM bank_outcome x JOIN reason r USING (reason) WHERE " SAME_KEY(
                    "x") " AND r.%s = $%d::text))",
                column, given, column, given);
}

static void select_amounts(struct selection *selection, const struct withdrawal_question *q)
{
        select_equal(selection, "w.amount_yen", "bigint", q->amount_yen);
        if (q->amount_from_yen)
                sql_add(&selection->conditions, " AND w.amount_yen >= $%d::bigint",
                        selection_parameter(selection, q->amount_from_yen));
        if (q->amount_to_yen)
                sql_add(&selection->conditions, " AND w.amount_yen <= $%d::bigint",
                        selection_parameter(selection, q->amount_to_yen));
}

/* A business date bounds the moment too, which is what partitions go by. */
static void bound_date(struct selection *selection, const char *date)
{
        sql_add(&selection->conditions, " AND w.transmitted_at >= ($%d::date)::timestamptz",
                selection_parameter(selection, date));
        sql_add(&selection->conditions, " AND w.transmitted_at < ($%d::date + 1)::timestamptz",
                selection_parameter(selection, date));
}

/* With a card, with those whose place it has taken, and with those that have taken its own: its token stands for all. */
static void select_chain(struct selection *selection, const char *token)
{
        int given = selection_parameter(selection, token);

        sql_add(
            &selection->conditions,
            " AND w.card_token = ANY (ARRAY(SELECT c.card_token FROM (SELECT coalesce((SELECT successor FROM "
            "card WHERE card_token = $%d::uuid), $%d::uuid) AS newest) n CROSS JOIN LATERAL (SELECT n.newest "
            "UNION ALL SELECT card_token FROM card WHERE successor = n.newest) c (card_token)))",
            given, given);
}

static bool select_withdrawals(struct selection *selection, PGconn *connection,
                               const struct withdrawal_question *q, char error[PG_ERROR_MAX])
{
        selection_start(selection);
        select_equal(selection, "w.terminal", "text", q->terminal);
        select_time(selection, "w.transmitted_at", q->from, q->to);
        select_equal(selection, "w.stan", "integer", q->stan);
        select_equal(selection, "w.business_date", "date", q->date);
        select_amounts(selection, q);
        select_equal(selection, "w.hall", "text", q->hall);
        select_equal(selection, "w.issuer", "text", q->issuer);
        select_equal(selection, "w.link", "text", q->link);
        if (q->reason)
                select_reason(selection, "name", q->reason);
        if (q->de39)
                select_reason(selection, "de39", q->de39);
        if (q->card_token)
                select_chain(selection, q->card_token);
        if (q->state)
                select_state(selection, q->state);
        if (q->rrn && !select_rrn(selection, connection, "w.", q->rrn, error))
                return false;
        if (q->date)
                bound_date(selection, q->date);
        return true;
}

/* since NULL: from the first one on. */
static PGresult *find_since(PGconn *connection, const struct withdrawal_question *question, const char *since,
                            int64_t limit, char error[PG_ERROR_MAX])
{
        const char *way = question->oldest_first ? "" : " DESC";
        struct selection selection;
        struct sqltext sql;

        if (!select_withdrawals(&selection, connection, question, error))
                return NULL;
        if (since)
                sql_add(&selection.conditions, " AND w.transmitted_at >= $%d::timestamptz",
                        selection_parameter(&selection, since));
        sql_start(&sql);
        sql_add(&sql,
                "SELECT " WITHDRAWAL_COLUMNS
                " FROM (SELECT terminal, transmitted_at, stan FROM withdrawal w WHERE true%s "
                "ORDER BY transmitted_at%s, terminal%s, stan%s LIMIT %" PRId64
                ") k JOIN v_withdrawal v USING (terminal, "
                "transmitted_at, stan) ORDER BY transmitted_at%s, terminal%s, stan%s",
                selection.conditions.text, way, way, way, limit, way, way, way);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}

/* The keys are led by the moment: a STAN without one is looked for in all of them, and few are like that. */
static bool looks_back(const struct withdrawal_question *q)
{
        return q->stan && !q->from && !q->to && !q->date && !q->rrn && !q->card_token;
}

PGresult *withdrawals_find(PGconn *connection, const struct withdrawal_question *question, int64_t limit,
                           char error[PG_ERROR_MAX])
{
        PGresult *since = NULL, *found;

        if (looks_back(question)) {
                since = pg_query(
                    connection,
                    "SELECT at - INTERVAL '2 days', at - INTERVAL '31 days', at - INTERVAL '1 year' FROM "
                    "(SELECT max(transmitted_at) AS at FROM withdrawal) w",
                    0, NULL, error);
                if (!since)
                        return NULL;
        }
        for (int i = 0; since && i < PQnfields(since) && !PQgetisnull(since, 0, i); i++) {
                found = find_since(connection, question, PQgetvalue(since, 0, i), limit, error);
                if (!found || PQntuples(found) > 0) {
                        PQclear(since);
                        return found;
                }
                PQclear(found);
        }
        PQclear(since);
        return find_since(connection, question, NULL, limit, error);
}

enum withdrawal_found withdrawals_find_one(PGconn *connection, const struct withdrawal_question *question,
                                           PGresult **ret_withdrawal, char error[PG_ERROR_MAX])
{
        PGresult *result = withdrawals_find(connection, question, 2, error);
        int count = result ? PQntuples(result) : -1;

        if (count == 1) {
                *ret_withdrawal = result;
                return WITHDRAWAL_FOUND;
        }
        PQclear(result);
        return count < 0 ? WITHDRAWAL_FAILED : count ? WITHDRAWAL_SEVERAL : WITHDRAWAL_NONE;
}

/* whole -------------------------------------------------------------------------------------------------- */

#define KEY "terminal = $1 AND transmitted_at = $2::timestamptz AND stan = $3::integer"

/* What belongs to one withdrawal; $1 terminal, $2 moment, $3 stan. */
static const char *const parts[WITHDRAWAL_PARTS] = {
    [WITHDRAWAL_OUTCOME] =
        "SELECT o.cause, r.name, r.de39, o.bank_de39, o.approval_code FROM bank_outcome o LEFT JOIN reason r "
        "USING "
        "(reason) WHERE o." KEY,
    [WITHDRAWAL_ADVICES] = "SELECT seq, kind, " MOMENT(
        "advice_at") ", advice_stan, why, amount_yen, dispensed_yen, state_before, state, "
                     "counted_yen, commission FROM advice a WHERE a." KEY " ORDER BY seq",
    [WITHDRAWAL_NOTICES] =
        "SELECT n.seq, n.kind, n.amount_yen, n.charge_yen, n.dispensed_yen, n.why, coalesce(k.attempts, "
        "s.attempts), " REAL_MOMENT(
            "k.acknowledged_ms") ", s.parked, s.last_error FROM bank_notice n "
                                 "LEFT JOIN bank_ack k USING (terminal, transmitted_at, stan, seq) "
                                 "LEFT JOIN saf s USING (terminal, transmitted_at, stan, seq) WHERE n." KEY
                                 " ORDER BY n.seq",
    [WITHDRAWAL_COMMISSION] =
        "SELECT seq, sign, tariff_from, tax_rate_bp, customer_fee_yen, customer_tax_yen, interbank_fee_yen, "
        "interbank_tax_yen, hall_share_yen, cash_yen, posted_on FROM commission c WHERE c." KEY
        " ORDER BY seq",
    [WITHDRAWAL_EXCEPTIONS] = "SELECT " MOMENT(
        "e.advice_at") ", e.advice_stan, e.kind, e.what, e.amount_yen, e.dispensed_yen, e.resolved "
                       "FROM v_exception e WHERE e." KEY " ORDER BY e.advice_at, e.advice_stan",
    [WITHDRAWAL_CLAIMS] = "SELECT c.claim, c.is_open, c.claimed_yen, " CLAIM_COLUMNS
                          " FROM claim c " CLAIM_JOINS "WHERE c." KEY " ORDER BY c.claim",
    [WITHDRAWAL_ACTIONS] = "SELECT " MOMENT(
        "o.at") ", concat_ws('/', o.who, o.person), coalesce(o.command, o.noun), coalesce(o.after ->> 'seq', "
                "split_part(o.key, ' ', 4)), o.after ->> 'dispensed_yen', o.after ->> 'recovery', o.note "
                "FROM trail o CROSS JOIN "
                "(SELECT "
                "trail_key($1, $2::timestamptz, $3::integer) AS key) k WHERE (o.noun = 'withdrawal' AND "
                "o.key = k.key) OR "
                "(o.noun = 'saf' AND o.key LIKE k.key || ' %') ORDER BY o.change",
};

static bool read_parts(PGconn *connection, struct withdrawal_whole *whole, char error[PG_ERROR_MAX])
{
        const char *parameters[] = {PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_TERMINAL),
                                    PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_AT),
                                    PQgetvalue(whole->withdrawal, 0, WITHDRAWAL_STAN)};

        for (size_t i = 0; i < LENGTH(parts); i++) {
                whole->part[i] = pg_query(connection, parts[i], LENGTH(parameters), parameters, error);
                if (!whole->part[i])
                        return false;
        }
        return true;
}

/* One row of a result as a result. NULL: out of memory. */
static PGresult *copy_row(const PGresult *result, int row)
{
        PGresult *copy = PQcopyResult(result, PG_COPYRES_ATTRS);

        for (int i = 0; copy && i < PQnfields(result); i++) {
                bool null = PQgetisnull(result, row, i);

                if (!PQsetvalue(copy, 0, i, null ? NULL : PQgetvalue(result, row, i),
                                null ? -1 : PQgetlength(result, row, i))) {
                        PQclear(copy);
                        copy = NULL;
                }
        }
        return copy;
}

/* What is read so far is kept also where it fails. */
static bool read_wholes(PGconn *connection, const PGresult *found, struct withdrawal_wholes *wholes,
                        char error[PG_ERROR_MAX])
{
        for (int row = 0; row < PQntuples(found); row++) {
                struct withdrawal_whole *whole = &wholes->whole[wholes->count++];

                whole->withdrawal = copy_row(found, row);
                if (!whole->withdrawal)
                        snprintf(error, PG_ERROR_MAX, "out of memory");
                if (!whole->withdrawal || !read_parts(connection, whole, error))
                        return false;
        }
        return true;
}

enum withdrawal_found withdrawal_wholes_read(PGconn *connection, const struct withdrawal_question *question,
                                             struct withdrawal_wholes *ret_wholes, char error[PG_ERROR_MAX])
{
        PGresult *result = withdrawals_find(connection, question, WITHDRAWALS_WHOLE_MAX + 1, error);
        int count = result ? PQntuples(result) : -1;
        enum withdrawal_found found = count > WITHDRAWALS_WHOLE_MAX ? WITHDRAWAL_SEVERAL
                                      : count                       ? WITHDRAWAL_FOUND
                                                                    : WITHDRAWAL_NONE;

        *ret_wholes = (struct withdrawal_wholes){.count = 0};
        if (count < 0 || (found == WITHDRAWAL_FOUND && !read_wholes(connection, result, ret_wholes, error))) {
                withdrawal_wholes_free(ret_wholes);
                found = WITHDRAWAL_FAILED;
        }
        PQclear(result);
        return found;
}

void withdrawal_wholes_free(struct withdrawal_wholes *wholes)
{
        for (int i = 0; i < wholes->count; i++) {
                PQclear(wholes->whole[i].withdrawal);
                for (size_t part = 0; part < WITHDRAWAL_PARTS; part++)
                        PQclear(wholes->whole[i].part[part]);
        }
        *wholes = (struct withdrawal_wholes){.count = 0};
}
