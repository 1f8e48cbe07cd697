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

/* Conditions and limit are what is filled in. What is wrong with offering a set to a bank is what instances see of its link that is up. */
#define SEEN                                                                                                 \
        "(SELECT string_agg(DISTINCT i.why, '; ' ORDER BY i.why) FROM sighting i "                           \
        "WHERE s.owner_kind = 'link' AND s.kind = 'working' AND s.state = 'loaded' AND i.kind = 'link' "     \
        "AND i.name = s.owner AND i.state = 'up' AND sighting_is_fresh(i.seen_ms))"
#define DAYS                                                                                                 \
        "business_today() - (coalesce(s.retired_at, s.current_at, s.loaded_at) AT TIME ZONE "                \
        "'Asia/Tokyo')::date"
static const char list_columns_sql[] =
    "SELECT s.owner_kind, s.owner, s.kind, s.number, s.state, k.purpose, k.check_value, " MOMENT(
        "s.loaded_at") ", " MOMENT("s.current_at") ", " MOMENT("s.retired_at") ", " MOMENT("s.exported_at");
static const char list_sql[] =
    "%s, " DAYS ", array_to_string(s.custodian, ', '), array_to_string(s.bag, ', '), " SEEN
    " FROM v_key_set s "
    "CROSS JOIN LATERAL unnest(s.purpose, s.check_value) WITH ORDINALITY k (purpose, check_value, place) "
    "LEFT JOIN atm a ON s.owner_kind = 'terminal' AND a.terminal = s.owner LEFT JOIN hall h USING (hall) "
    "WHERE true%s "
    "ORDER BY s.owner_kind, s.owner, s.kind, s.number DESC, k.place LIMIT %" PRId64;

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
        sql_add(&sql, list_sql, list_columns_sql, selection.conditions.text, limit);
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
