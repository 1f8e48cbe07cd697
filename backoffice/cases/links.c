#include "backoffice/cases/links.h"

#include "lib/base/array.h"

/* Outcomes with their link; $1: since when. */
#define OUTCOMES                                                                                             \
        "SELECT w.link, o.cause, o.reason, o.bank_de39 FROM bank_outcome o CROSS JOIN LATERAL (SELECT "      \
        "w.link "                                                                                            \
        "FROM withdrawal w WHERE w.terminal = o.terminal AND w.transmitted_at = o.transmitted_at AND "       \
        "w.stan = o.stan LIMIT 1) w WHERE o.transmitted_at >= $1::timestamptz"
/* $1 as above, $2: the link, NULL for all. Ages and leases go by the database's clock. */
#define LINKS                                                                                                \
        "SELECT l.link, l.issuers, l.waiting, l.parked, (real_now_ms() - l.oldest_ms) / 1000, l.attempts, "  \
        "CASE WHEN l.until_ms >= real_now_ms() THEN l.holder END, l.asked, l.approved, "                     \
        "coalesce(o.approved, 0), coalesce(o.declined, 0), coalesce(o.timeouts, 0), coalesce(o.reversed, "   \
        "0) "                                                                                                \
        "FROM v_link l LEFT JOIN (SELECT x.link, count(*) FILTER (WHERE x.reason = reason_of('APPROVED')) "  \
        "AS approved, "                                                                                      \
        "count(*) FILTER (WHERE x.reason <> reason_of('APPROVED') AND x.cause = 'answer') AS declined, "     \
        "count(*) FILTER (WHERE x.cause = 'timeout') AS timeouts, "                                          \
        "count(*) FILTER (WHERE x.cause IN ('reversal', 'operator')) AS reversed "                           \
        "FROM (" OUTCOMES ") x GROUP BY x.link) o USING (link) "                                             \
        "WHERE $2::text IS NULL OR l.link = $2 ORDER BY l.link"

static const char outcome_sql[] = "SELECT x.cause, r.name, r.de39, x.bank_de39, count(*) FROM (" OUTCOMES
                                  ") x LEFT JOIN reason r USING (reason) WHERE x.link = $2 "
                                  "GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4";

static const char waiting_sql[] =
    "SELECT s.kind, s.last_error, count(*), (real_now_ms() - min(s.created_ms)) / 1000, max(s.attempts) FROM "
    "v_saf s "
    "WHERE s.link = $2 AND $1::timestamptz IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2";

static PGresult *ask(PGconn *connection, const char *sql, const struct link_question *question,
                     char error[PG_ERROR_MAX])
{
        const char *parameters[] = {question->since, question->link};

        return pg_query(connection, sql, LENGTH(parameters), parameters, error);
}

PGresult *links_list(PGconn *connection, const struct link_question *question, char error[PG_ERROR_MAX])
{
        return ask(connection, LINKS, question, error);
}

PGresult *link_outcomes(PGconn *connection, const struct link_question *question, char error[PG_ERROR_MAX])
{
        return ask(connection, outcome_sql, question, error);
}

PGresult *link_notices(PGconn *connection, const struct link_question *question, char error[PG_ERROR_MAX])
{
        return ask(connection, waiting_sql, question, error);
}
