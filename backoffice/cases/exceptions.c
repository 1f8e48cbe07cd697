#include "backoffice/cases/exceptions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/cases/select.h"
#include "lib/base/array.h"

/* What somebody claims, too: it stands until it is closed. */
#define CLAIMS                                                                                               \
        "SELECT noted_at, terminal, NULL::integer, 'claim', transmitted_at, stan, 'claim ' || claim, "       \
        "NULL::bigint, NULL::bigint, claimed_yen, NOT is_open FROM claim"

/* In the order of enum exception_column. Who dealt with one, the trail of its withdrawal says: in the transaction that did it; one that
 * could not be brought back is dealt with when it was. A claim has a trail of its own. */
#define LIST_COLUMNS                                                                                         \
        MOMENT("x.advice_at")                                                                                \
        ", x.terminal, x.advice_stan, x.kind, " MOMENT(                                                      \
            "x.transmitted_at") ", x.stan, x.what, x.amount_yen, x.dispensed_yen, x.claimed_yen, "           \
                                "x.resolved, x.hall, x.issuer, "                                             \
                                "CASE WHEN NOT x.resolved THEN greatest(0, floor(extract(epoch FROM "        \
                                "$%d::timestamptz - x.since) / "                                             \
                                "60))::bigint END, " MOMENT(                                                 \
                                    "t.at") ", concat_ws('/', t.who, t.person), t.note, "                    \
                                            "count(*) OVER (), "                                             \
                                            "(sum(x.amount_yen) FILTER (WHERE x.is_first) OVER "             \
                                            "())::bigint, "                                                  \
                                            "(sum(x.dispensed_yen) FILTER (WHERE x.is_first) OVER "          \
                                            "())::bigint, "                                                  \
                                            "(sum(x.claimed_yen) OVER ())::bigint"

#define LIST_JOINS                                                                                           \
        "LEFT JOIN exception_resolution r ON r.terminal = x.terminal AND r.advice_at = x.advice_at AND "     \
        "r.advice_stan = x.advice_stan AND r.kind = x.kind AND r.transmitted_at = x.transmitted_at AND "     \
        "r.stan = x.stan AND r.what = x.what "                                                               \
        "LEFT JOIN LATERAL (SELECT t.at, t.who, t.person, t.note FROM trail t WHERE x.resolved AND "         \
        "(t.noun, t.key) = (CASE WHEN x.kind = 'claim' THEN 'claim' ELSE 'withdrawal' END, CASE WHEN "       \
        "x.kind = 'claim' THEN substr(x.what, 7) ELSE trail_key(x.terminal, x.transmitted_at, x.stan) END) " \
        "ORDER BY "                                                                                          \
        "abs(extract(epoch FROM t.at) * 1000 - r.at_ms), t.change DESC LIMIT 1) t ON true"

/* Of the rows of a withdrawal the one that its sums are taken from, so that they count once: the newest that says what was dispensed. */
#define IS_FIRST                                                                                             \
        "row_number() OVER (PARTITION BY x.terminal, x.transmitted_at, x.stan ORDER BY x.kind IS NOT "       \
        "DISTINCT FROM 'claim', x.dispensed_yen IS NULL, x.since DESC, x.advice_stan DESC) = 1 AS is_first"

/* The open ones: asked of a bank and not decided, or approved and not heard of again. */
#define WITHOUT_END                                                                                          \
        "SELECT NULL::timestamptz AS advice_at, o.terminal, NULL::integer AS advice_stan, NULL::text AS "    \
        "kind, "                                                                                             \
        "o.transmitted_at, o.stan, CASE WHEN o.asked_ms IS NOT NULL AND NOT EXISTS (SELECT FROM "            \
        "bank_outcome b "                                                                                    \
        "WHERE b.terminal = o.terminal AND b.transmitted_at = o.transmitted_at AND b.stan = o.stan) "        \
        "THEN 'no outcome' ELSE 'no end' END AS what, o.amount_yen, NULL::bigint AS dispensed_yen, "         \
        "NULL::bigint AS claimed_yen, false AS resolved FROM v_open o"

PGresult *exceptions_list(PGconn *connection, const struct exception_question *question, int64_t limit,
                          char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        selection_start(&selection);
        select_equal(&selection, "x.terminal", "text", question->terminal);
        select_equal(&selection, "x.resolved", "boolean", question->resolved);
        select_equal(&selection, "w.hall", "text", question->hall);
        select_equal(&selection, "w.issuer", "text", question->issuer);
        select_time(&selection, "x.since", question->from, question->to);
        sql_start(&sql);
        sql_add(
            &sql,
            "WITH listed AS MATERIALIZED (SELECT x.*, w.hall, w.issuer, " IS_FIRST
            " FROM (SELECT *, coalesce(advice_at, transmitted_at) AS since FROM (SELECT advice_at, terminal, "
            "advice_stan, kind, transmitted_at, stan, what, amount_yen, "
            "dispensed_yen, NULL::bigint AS claimed_yen, resolved FROM v_exception UNION ALL " CLAIMS
            " UNION ALL " WITHOUT_END " WHERE o.transmitted_at < $%d::timestamptz) e) x LEFT JOIN LATERAL "
            "(SELECT w.hall, w.issuer FROM "
            "withdrawal w WHERE w.terminal = x.terminal AND w.transmitted_at = x.transmitted_at AND w.stan = "
            "x.stan) w ON true WHERE true%s) SELECT " LIST_COLUMNS " FROM listed x " LIST_JOINS
            " ORDER BY x.since, x.terminal, x.advice_stan LIMIT %" PRId64,
            selection_parameter(&selection, question->open_before), selection.conditions.text,
            selection_parameter(&selection, question->now), limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}

PGresult *exceptions_lost(PGconn *connection, const struct exception_question *question, const char *stan,
                          char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        selection_start(&selection);
        select_equal(&selection, "x.terminal", "text", question->terminal);
        select_equal(&selection, "x.stan", "integer", stan);
        select_time(&selection, "x.transmitted_at", question->from, question->to);
        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT DISTINCT " MOMENT(
                "x.transmitted_at") ", x.terminal, x.stan FROM v_exception x WHERE x.kind = "
                                    "'recovery' AND NOT x.resolved AND NOT EXISTS (SELECT FROM withdrawal w "
                                    "WHERE w.terminal = x.terminal "
                                    "AND w.transmitted_at = x.transmitted_at AND w.stan = x.stan)%s LIMIT 2",
            selection.conditions.text);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}

enum { REFUSAL, STATE_BEFORE, COUNTED_BEFORE, STATE, COUNTED, EXCEPTIONS, LEFT };

static enum exception_end end_of(const PGresult *result)
{
        static const struct {
                const char *refusal;
                enum exception_end end;
        } ends[] = {
            {"no end", EXCEPTION_NO_END}, {"no change", EXCEPTION_NO_CHANGE}, {"young", EXCEPTION_YOUNG}};

        if (PQgetisnull(result, 0, REFUSAL))
                return EXCEPTION_RESOLVED;
        for (size_t i = 0; i < LENGTH(ends); i++) {
                if (!strcmp(PQgetvalue(result, 0, REFUSAL), ends[i].refusal))
                        return ends[i].end;
        }
        return EXCEPTION_IMPOSSIBLE;
}

enum exception_end exception_resolve(PGconn *connection, const struct exception_finding *finding,
                                     struct exception_outcome *ret_outcome, char error[PG_ERROR_MAX])
{
        const char *parameters[] = {finding->terminal,
                                    finding->transmitted_at,
                                    finding->stan,
                                    finding->dispensed_yen,
                                    finding->elsewhere ? "true" : "false",
                                    finding->advice_at,
                                    finding->force ? "true" : "false"};
        struct exception_outcome *o = ret_outcome;
        enum exception_end end;
        PGresult *result;

        result = pg_query_repeated(
            connection,
            "SELECT r_refusal, r_state_before, r_counted_before_yen, r_state, r_counted_yen, "
            "r_exceptions, r_left_s FROM operator_resolve($1, $2::timestamptz, $3::integer, $4::bigint, "
            "$5::boolean, $6::timestamptz, $7::boolean)",
            LENGTH(parameters), parameters, error);
        if (!result)
                return EXCEPTION_FAILED;
        *o = (struct exception_outcome){.counted_before_yen = pg_number(result, 0, COUNTED_BEFORE),
                                        .counted_yen = pg_number(result, 0, COUNTED),
                                        .exceptions = (int)pg_number(result, 0, EXCEPTIONS),
                                        .left_s = pg_number(result, 0, LEFT)};
        snprintf(o->state_before, sizeof(o->state_before), "%s", PQgetvalue(result, 0, STATE_BEFORE));
        snprintf(o->state, sizeof(o->state), "%s", PQgetvalue(result, 0, STATE));
        end = end_of(result);
        PQclear(result);
        return end;
}
