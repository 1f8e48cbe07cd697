#include "backoffice/cases/keys.h"

#include <inttypes.h>

#include "lib/db/selection.h"

/* Owners of one kind; nothing where value is NULL. */
static void select_owner(struct selection *selection, const char *owner_kind, const char *column,
                         const char *value)
{
        if (value)
                sql_add(&selection->conditions, " AND s.owner_kind = '%s' AND %s = $%d", owner_kind, column,
                        selection_parameter(selection, value));
}

/* clang-format off: a line a thing. Conditions and limit are what is filled in. */
#define LIST_SQL                                                                                             \
        "SELECT s.owner_kind, s.owner, s.kind, s.number, s.state, k.purpose, k.check_value, " MOMENT(        \
            "s.loaded_at") ", " MOMENT("s.current_at") ", " MOMENT("s.retired_at") ", " MOMENT("s.exported_" \
                                                                                               "at") ", "    \
                                                                                                     "busin" \
                                                                                                     "ess_"  \
                                                                                                     "today" \
                                                                                                     "() - " \
                                                                                                     "(coal" \
                                                                                                     "esce(" \
                                                                                                     "s."    \
                                                                                                     "retir" \
                                                                                                     "ed_"   \
                                                                                                     "at, "  \
                                                                                                     "s."    \
                                                                                                     "curre" \
                                                                                                     "nt_"   \
                                                                                                     "at, "  \
                                                                                                     "s."    \
                                                                                                     "loade" \
                                                                                                     "d_at)" \
                                                                                                     " AT "  \
                                                                                                     "TIME " \
                                                                                                     "ZONE " \
                                                                                                     "'Asia" \
                                                                                                     "/Toky" \
                                                                                                     "o')::" \
                                                                                                     "date," \
                                                                                                     " "     \
                                                                                                     "array" \
                                                                                                     "_to_"  \
                                                                                                     "strin" \
                                                                                                     "g(s."  \
                                                                                                     "custo" \
                                                                                                     "dian," \
                                                                                                     " ', "  \
                                                                                                     "'), "  \
                                                                                                     "array" \
                                                                                                     "_to_"  \
                                                                                                     "strin" \
                                                                                                     "g(s."  \
                                                                                                     "bag, " \
                                                                                                     "', "   \
                                                                                                     "') "   \
                                                                                                     "FROM " \
                                                                                                     "v_"    \
                                                                                                     "key_"  \
                                                                                                     "set "  \
                                                                                                     "s "    \
                                                                                                     "CROSS" \
                                                                                                     " JOIN" \
                                                                                                     " LATE" \
                                                                                                     "RAL "  \
                                                                                                     "unnes" \
                                                                                                     "t(s."  \
                                                                                                     "purpo" \
                                                                                                     "se, "  \
                                                                                                     "s."    \
                                                                                                     "check" \
                                                                                                     "_valu" \
                                                                                                     "e) "   \
                                                                                                     "WITH " \
                                                                                                     "ORDIN" \
                                                                                                     "ALITY" \
                                                                                                     " k "   \
                                                                                                     "(purp" \
                                                                                                     "ose, " \
                                                                                                     "check" \
                                                                                                     "_valu" \
                                                                                                     "e, "   \
                                                                                                     "place" \
                                                                                                     ") "    \
                                                                                                     "LEFT " \
                                                                                                     "JOIN " \
                                                                                                     "atm "  \
                                                                                                     "a ON " \
                                                                                                     "s."    \
                                                                                                     "owner" \
                                                                                                     "_kind" \
                                                                                                     " = "   \
                                                                                                     "'term" \
                                                                                                     "inal'" \
                                                                                                     " AND " \
                                                                                                     "a."    \
                                                                                                     "termi" \
                                                                                                     "nal "  \
                                                                                                     "= "    \
                                                                                                     "s."    \
                                                                                                     "owner" \
                                                                                                     " "     \
                                                                                                     "LEFT " \
                                                                                                     "JOIN " \
                                                                                                     "hall " \
                                                                                                     "h "    \
                                                                                                     "USING" \
                                                                                                     " ("    \
                                                                                                     "hall)" \
                                                                                                     " "     \
                                                                                                     "WHERE" \
                                                                                                     " true" \
                                                                                                     "%s "   \
                                                                                                     "ORDER" \
                                                                                                     " BY "  \
                                                                                                     "s."    \
                                                                                                     "owner" \
                                                                                                     "_kind" \
                                                                                                     ", "    \
                                                                                                     "s."    \
                                                                                                     "owner" \
                                                                                                     ", "    \
                                                                                                     "s."    \
                                                                                                     "kind," \
                                                                                                     " s."   \
                                                                                                     "numbe" \
                                                                                                     "r "    \
                                                                                                     "DESC," \
                                                                                                     " k."   \
                                                                                                     "place" \
                                                                                                     " LIMI" \
                                                                                                     "T "    \
                                                                                                     "%" PRId64
/* clang-format on */

static void select_owners(struct selection *selection, const struct key_list_question *question)
{
        select_owner(selection, "terminal", "s.owner", question->terminal);
        select_owner(selection, "link", "s.owner", question->link);
        select_owner(selection, "issuer", "s.owner", question->issuer);
        select_owner(selection, "terminal", "a.hall", question->hall);
        select_owner(selection, "terminal", "h.area", question->area);
}

PGresult *keys_list(PGconn *connection, const struct key_list_question *question, int64_t limit,
                    char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        selection_start(&selection);
        select_owners(&selection, question);
        select_equal(&selection, "s.kind", "text", question->kind);
        select_equal(&selection, "s.state", "text", question->state);
        sql_start(&sql);
        sql_add(&sql, LIST_SQL, selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}

/* An owner each: its newest set is used, or since when it has had one that is not. */
static const char progress_sql[] =
    "SELECT p.owner_kind, CASE WHEN GROUPING(p.area) = 1 THEN 'all' ELSE p.area END, count(*), "
    "count(*) FILTER (WHERE p.since IS NULL), count(p.since), " MOMENT(
        "min(p.since)") ", "
                        "business_today() - (min(p.since) AT TIME ZONE 'Asia/Tokyo')::date "
                        "FROM (SELECT s.owner_kind, s.owner, h.area, min(s.loaded_at) FILTER "
                        "(WHERE s.state = 'loaded' AND s.number > c.number) AS since "
                        "FROM v_key_set s LEFT JOIN atm a ON s.owner_kind = 'terminal' AND a.terminal = "
                        "s.owner LEFT JOIN hall h USING (hall) "
                        "CROSS JOIN LATERAL (SELECT coalesce(max(u.number), 0) AS number FROM v_key_set u "
                        "WHERE u.owner_kind = s.owner_kind AND u.owner = s.owner AND u.kind = s.kind AND "
                        "u.state = 'current') c "
                        "WHERE s.kind = 'working' AND s.state <> 'retired'%s "
                        "GROUP BY s.owner_kind, s.owner, h.area) p "
                        "GROUP BY GROUPING SETS ((p.owner_kind, p.area), (p.owner_kind)) "
                        "HAVING GROUPING(p.area) = 1 OR p.area IS NOT NULL "
                        "ORDER BY p.owner_kind DESC, GROUPING(p.area), p.area LIMIT %" PRId64;

PGresult *keys_progress(PGconn *connection, const struct key_list_question *question, int64_t limit,
                        char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        selection_start(&selection);
        select_owners(&selection, question);
        sql_start(&sql);
        sql_add(&sql, progress_sql, selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}
