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

PGresult *keys_list(PGconn *connection, const struct key_list_question *question, int64_t limit,
                    char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        selection_start(&selection);
        select_owner(&selection, "terminal", "s.owner", question->terminal);
        select_owner(&selection, "link", "s.owner", question->link);
        select_owner(&selection, "issuer", "s.owner", question->issuer);
        select_owner(&selection, "terminal", "a.hall", question->hall);
        select_owner(&selection, "terminal", "h.area", question->area);
        select_equal(&selection, "s.kind", "text", question->kind);
        select_equal(&selection, "s.state", "text", question->state);
        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT s.owner_kind, s.owner, s.kind, s.number, s.state, k.purpose, k.check_value, " MOMENT(
                "s.loaded_at") ", " MOMENT("s.current_at") ", " MOMENT("s.retired_at") ", "
                                                                                       "business_today() - "
                                                                                       "(coalesce(s.retired_"
                                                                                       "at, s.current_at, "
                                                                                       "s.loaded_at) AT TIME "
                                                                                       "ZONE "
                                                                                       "'Asia/Tokyo')::date, "
                                                                                       "array_to_string(s."
                                                                                       "custodian, ', '), "
                                                                                       "array_to_string(s."
                                                                                       "bag, ', ') FROM "
                                                                                       "v_key_set s CROSS "
                                                                                       "JOIN LATERAL "
                                                                                       "unnest(s.purpose, "
                                                                                       "s.check_value) WITH "
                                                                                       "ORDINALITY k "
                                                                                       "(purpose, "
                                                                                       "check_value, place) "
                                                                                       "LEFT JOIN atm a ON "
                                                                                       "s.owner_kind = "
                                                                                       "'terminal' AND "
                                                                                       "a.terminal = s.owner "
                                                                                       "LEFT JOIN hall h "
                                                                                       "USING (hall) WHERE "
                                                                                       "true%s ORDER BY "
                                                                                       "s.owner_kind, "
                                                                                       "s.owner, s.kind, "
                                                                                       "s.number "
                                                                                       "DESC, k.place LIMIT "
                                                                                       "%" PRId64,
            selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}
