#include "backoffice/cases/claims.h"

#include <inttypes.h>

#include "backoffice/cases/select.h"
#include "lib/base/array.h"

PGresult *claims_list(PGconn *connection, const struct claim_question *question, int64_t limit,
                      char error[PG_ERROR_MAX])
{
        struct selection selection;
        struct sqltext sql;

        selection_start(&selection);
        select_equal(&selection, "c.claim", "integer", question->claim);
        select_equal(&selection, "c.terminal", "text", question->terminal);
        select_equal(&selection, "w.hall", "text", question->hall);
        select_equal(&selection, "w.issuer", "text", question->issuer);
        select_equal(&selection, "c.is_open", "boolean", question->open);
        select_time(&selection, "c.noted_at", question->from, question->to);
        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT c.claim, c.is_open, c.terminal, " MOMENT(
                "c.transmitted_at") ", c.stan, w.hall, w.issuer, w.amount_yen, c.claimed_yen, " CLAIM_COLUMNS
                                    " FROM claim c LEFT JOIN withdrawal w USING (terminal, transmitted_at, "
                                    "stan) " CLAIM_JOINS "WHERE true%s ORDER BY c.claim LIMIT %" PRId64,
            selection.conditions.text, limit);
        return pg_query(connection, sql.text, selection.count, selection.parameters, error);
}

int64_t claim_add(PGconn *connection, const char *terminal, const char *transmitted_at, const char *stan,
                  const char *claimed_yen, char error[PG_ERROR_MAX])
{
        const char *parameters[] = {terminal, transmitted_at, stan, claimed_yen};
        PGresult *result =
            pg_query(connection, "SELECT claim_add($1, $2::timestamptz, $3::integer, $4::bigint)",
                     LENGTH(parameters), parameters, error);
        int64_t claim = result ? pg_number(result, 0, 0) : 0;

        PQclear(result);
        return claim;
}

bool claim_close(PGconn *connection, const char *claim, char error[PG_ERROR_MAX])
{
        PGresult *result = pg_query(connection, "SELECT claim_close($1::integer)", 1, &claim, error);
        bool closed = result != NULL;

        PQclear(result);
        return closed;
}
