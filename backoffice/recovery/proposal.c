#include "backoffice/recovery/proposal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/array.h"
#include "lib/base/json_text.h"
#include "lib/db/selection.h"

/* All of it as a JSON array; NULL: out of memory. */
static char *items_of(const struct losses *losses)
{
        struct json_text out = {.text = NULL};

        json_text_open(&out, NULL, '[');
        for (size_t i = 0; i < losses->count; i++) {
                const struct lost *lost = &losses->lost[i];

                json_text_open(&out, NULL, '{');
                json_text_string(&out, "terminal", lost->terminal);
                json_text_number(&out, "at_ms", lost->transmitted_ms);
                json_text_number(&out, "stan", lost->stan);
                json_text_raw(&out, "plan", lost->plan);
                json_text_close(&out, '}');
        }
        json_text_close(&out, ']');
        return json_text_done(&out);
}

/* A number, and what is lost where it is given. NULL with an error. */
static PGresult *ask(PGconn *connection, const char *sql, int64_t recovery, const struct losses *losses,
                     char error[PG_ERROR_MAX])
{
        char number[24], *items = losses ? items_of(losses) : NULL;
        const char *parameters[] = {number, items};
        PGresult *result = NULL;

        snprintf(number, sizeof(number), "%" PRId64, recovery);
        if (losses && !items)
                snprintf(error, PG_ERROR_MAX, "out of memory");
        else
                result = pg_query_repeated(connection, sql, losses ? 2 : 1, parameters, error);
        free(items);
        return result;
}

bool proposal_propose(PGconn *connection, const struct losses *losses, int64_t *ret_recovery,
                      char error[PG_ERROR_MAX])
{
        char *items = items_of(losses);
        const char *parameters[] = {items};
        PGresult *result = NULL;

        if (items)
                result = pg_query(connection, "SELECT recovery_propose($1::jsonb)", 1, parameters, error);
        else
                snprintf(error, PG_ERROR_MAX, "out of memory");
        if (result)
                *ret_recovery = pg_number(result, 0, 0);
        PQclear(result);
        free(items);
        return result;
}

bool proposal_confirm(PGconn *connection, int64_t recovery, const struct losses *losses, int64_t *ret_more,
                      char error[PG_ERROR_MAX])
{
        PGresult *result =
            ask(connection, "SELECT recovery_confirm($1::integer, $2::jsonb)", recovery, losses, error);

        if (result)
                *ret_more = pg_number(result, 0, 0);
        PQclear(result);
        return result;
}

bool proposal_step(PGconn *connection, int64_t recovery, int64_t version, struct proposal_step *ret_step,
                   char error[PG_ERROR_MAX])
{
        char number[24], version_text[24], most[24];
        const char *parameters[] = {number, version_text, most};
        PGresult *result;

        snprintf(number, sizeof(number), "%" PRId64, recovery);
        snprintf(version_text, sizeof(version_text), "%" PRId64, version);
        snprintf(most, sizeof(most), "%d", PROPOSAL_STEP);
        result = pg_query_repeated(
            connection,
            "SELECT r_brought, r_for_people, r_left FROM recovery_step($1::integer, $2::bigint, $3::integer)",
            LENGTH(parameters), parameters, error);
        if (result)
                *ret_step = (struct proposal_step){pg_number(result, 0, 0), pg_number(result, 0, 1),
                                                   pg_number(result, 0, 2)};
        PQclear(result);
        return result;
}

bool proposal_drop(PGconn *connection, int64_t recovery, char error[PG_ERROR_MAX])
{
        PGresult *result = ask(connection, "SELECT recovery_drop($1::integer)", recovery, NULL, error);

        PQclear(result);
        return result;
}

PGresult *proposals_list(PGconn *connection, int64_t limit, char error[PG_ERROR_MAX])
{
        return ask(
            connection,
            "SELECT r.recovery, " MOMENT("r.proposed_at") ", r.proposed_by, " MOMENT(
                "r.confirmed_at") ", r.confirmed_by, CASE WHEN r.dropped_at IS NOT NULL THEN 'dropped' "
                                  "WHEN r.ended_at IS NOT NULL THEN 'ended' WHEN r.confirmed_by IS NOT NULL "
                                  "THEN 'confirmed' ELSE 'proposed' END, r.withdrawals, "
                                  "(SELECT count(*) FROM recovery_item i WHERE i.recovery = r.recovery AND "
                                  "i.ended = 'brought back'), "
                                  "(SELECT count(*) FROM recovery_item i WHERE i.recovery = r.recovery AND "
                                  "i.ended = 'for people'), "
                                  "(SELECT count(*) FROM recovery_item i WHERE i.recovery = r.recovery AND "
                                  "i.ended IS NULL), r.cash_yen FROM recovery r ORDER BY r.recovery DESC "
                                  "LIMIT $1::bigint",
            limit, NULL, error);
}

PGresult *proposal_items(PGconn *connection, int64_t recovery, int64_t limit, char error[PG_ERROR_MAX])
{
        char number[24], most[24];
        const char *parameters[] = {number, most};

        snprintf(number, sizeof(number), "%" PRId64, recovery);
        snprintf(most, sizeof(most), "%" PRId64, limit);
        return pg_query(
            connection,
            "SELECT " MOMENT(
                "i.transmitted_at") ", i.terminal, i.stan, i.plan ->> 'lost', (i.plan ->> "
                                    "'amount_yen')::bigint, (i.plan ->> 'cash_yen')::bigint, "
                                    "coalesce(i.ended, 'waiting'), coalesce(i.problem, i.plan ->> "
                                    "'problem'), " MOMENT("i.ended_at") " FROM recovery_item i WHERE "
                                                                        "i.recovery = $1::integer ORDER BY "
                                                                        "i.transmitted_at, i.terminal, "
                                                                        "i.stan LIMIT $2::bigint",
            LENGTH(parameters), parameters, error);
}
