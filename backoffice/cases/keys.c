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
        sql_add(&sql, LIST_SQL, selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}
