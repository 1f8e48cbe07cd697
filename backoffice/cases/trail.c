#include "backoffice/cases/trail.h"

#include <inttypes.h>

#include "backoffice/cases/select.h"

PGresult *trail_list(PGconn *connection, const struct trail_question *question, int64_t limit,
                     char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;
        int key, person;

        selection_start(&selection);
        select_equal(&selection, "t.change", "bigint", question->change);
        select_equal(&selection, "t.noun", "text", question->noun);
        select_time(&selection, "t.at", question->from, question->to);
        key = selection_parameter(&selection, question->key);
        person = selection_parameter(&selection, question->person);
        sql_start(&sql);
        sql_add(&sql,
                "SELECT t.change, " MOMENT(
                    "t.at") ", t.who, t.person, t.command, t.noun, t.key, CASE WHEN t.before IS NULL "
                            "THEN 'added' WHEN t.after IS NULL THEN 'removed' ELSE 'changed' END, t.before, "
                            "t.after, t.note FROM trail t "
                            "WHERE ($%d::text IS NULL OR t.key = $%d OR starts_with(t.key, $%d || ' ')) AND "
                            "($%d::text IS NULL OR "
                            "$%d IN (t.who, t.person))%s ORDER BY t.change DESC LIMIT %" PRId64,
                key, key, key, person, person, selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}
