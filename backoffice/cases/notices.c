#include "backoffice/cases/notices.h"

#include <inttypes.h>

#include "backoffice/cases/select.h"

/* Ages and what is due go by the database's clock. Behind: another notice of the same withdrawal goes first. */
#define SAF_COLUMNS                                                                                          \
        "s.link, s.terminal, " MOMENT(                                                                       \
            "s.transmitted_at") ", s.stan, s.seq, s.rrn, s.kind, s.amount_yen, s.charge_yen, "               \
                                "s.dispensed_yen, s.why, "                                                   \
                                "(real_now_ms() - s.created_ms) / 1000, s.attempts, CASE WHEN s.parked "     \
                                "THEN "                                                                      \
                                "'parked' WHEN s.after > 0 "                                                 \
                                "THEN 'behind' WHEN s.due_ms <= real_now_ms() THEN 'due' ELSE 'waiting' "    \
                                "END, "                                                                      \
                                "CASE WHEN NOT s.parked AND s.after = 0 THEN greatest(0, s.due_ms - "        \
                                "real_now_ms()) / 1000 END, "                                                \
                                "s.last_error"

/* The conditions of the question. False with an error. */
static bool select_notices(struct selection *selection, PGconn *connection, const struct notice_question *q,
                           char error[PG_ERROR_MAX])
{
        selection_start(selection);
        select_equal(selection, "s.link", "text", q->link);
        select_equal(selection, "s.terminal", "text", q->terminal);
        select_equal(selection, "s.stan", "integer", q->stan);
        select_equal(selection, "s.seq", "smallint", q->seq);
        select_equal(selection, "s.parked", "boolean", q->parked);
        select_time(selection, "s.transmitted_at", q->from, q->to);
        return !q->rrn || select_rrn(selection, connection, "s.", q->rrn, error);
}

PGresult *notices_list(PGconn *connection, const struct notice_question *question, int64_t limit,
                       char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        if (!select_notices(&selection, connection, question, error))
                return NULL;
        sql_start(&sql);
        sql_add(&sql,
                "SELECT " SAF_COLUMNS
                " FROM v_saf s WHERE true%s ORDER BY s.created_ms, s.terminal, s.transmitted_at, "
                "s.stan, s.seq LIMIT %" PRId64,
                selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}

PGresult *notices_show(PGconn *connection, const struct notice_question *question, int64_t limit,
                       char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        if (!select_notices(&selection, connection, question, error))
                return NULL;
        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT " SAF_COLUMNS
            ", v.state, v.outcome_cause, v.bank_de39, (SELECT l.holder FROM saf_lease l WHERE "
            "l.link = s.link AND l.until_ms >= real_now_ms()) FROM v_saf s LEFT JOIN LATERAL (SELECT * FROM "
            "v_withdrawal v WHERE v.terminal = s.terminal AND v.transmitted_at = s.transmitted_at AND "
            "v.stan = s.stan LIMIT 1) v ON true WHERE true%s ORDER BY s.created_ms, s.terminal, "
            "s.transmitted_at, s.stan, s.seq LIMIT %" PRId64,
            selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}

int notices_change(PGconn *connection, const struct notice_question *question, enum notice_change change,
                   char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;
        PGresult *result;
        int parking, changed;

        if (!select_notices(&selection, connection, question, error))
                return -1;
        parking = selection_parameter(&selection, change == NOTICE_PARK ? "true" : "false");
        sql_start(&sql);
        sql_add(&sql,
                "SELECT operator_saf($%d::boolean, k.terminals, k.moments, k.stans, k.seqs) FROM "
                "(SELECT array_agg(s.terminal) AS terminals, array_agg(s.transmitted_at) AS moments, "
                "array_agg(s.stan) "
                "AS stans, array_agg(s.seq) AS seqs FROM saf s WHERE true%s) k",
                parking, selection.conditions.text);
        result = pg_query_repeated(connection, sql.text, selection.count, selection.parameters, error);
        if (!result)
                return -1;
        changed = (int)pg_number(result, 0, 0);
        PQclear(result);
        return changed;
}
