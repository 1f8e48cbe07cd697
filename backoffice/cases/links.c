#include "backoffice/cases/links.h"

#include "config/instance_label.h"
#include "lib/base/array.h"

/* Outcomes with their link, and refusals for want of a bank; $1: since when. */
#define OUTCOMES                                                                                             \
        "SELECT w.link, o.cause, o.reason, o.bank_de39 FROM bank_outcome o CROSS JOIN LATERAL (SELECT "      \
        "w.link "                                                                                            \
        "FROM withdrawal w WHERE w.terminal = o.terminal AND w.transmitted_at = o.transmitted_at AND "       \
        "w.stan = o.stan LIMIT 1) w WHERE o.transmitted_at >= $1::timestamptz UNION ALL "                    \
        "SELECT w.link, 'not asked', w.reason, NULL FROM withdrawal w WHERE w.transmitted_at >= "            \
        "$1::timestamptz AND w.link IS NOT NULL AND w.reason = reason_of('ISSUER_UNAVAILABLE')"
/* What instances see; place: the worst first, what is old last. Ages go by the database's clock. What an instance saw that is gone is old,
 * however lately it has said so. */
#define SIGHTINGS                                                                                            \
        "SELECT s.*, f.fresh, (real_now_ms() - s.since_ms) / 1000 AS state_s, "                              \
        "(real_now_ms() - s.heard_ms) / 1000 AS heard_s, (real_now_ms() - s.seen_ms) / 1000 AS seen_s, "     \
        "row_number() OVER (PARTITION BY s.name ORDER BY f.fresh DESC, "                                     \
        "array_position(ARRAY['down', 'signed_off', 'up'], s.state), s.since_ms, s.instance) AS place "      \
        "FROM sighting s CROSS JOIN LATERAL (SELECT sighting_is_fresh(s.seen_ms) AND " INSTANCE_IS_THERE(    \
            "s.instance") " AS fresh OFFSET 0) f WHERE s.kind = 'link'"
/* Of each link what its worst sighting says; of a link that nobody has seen lately the newest. */
#define SEEN                                                                                                 \
        "SELECT s.name AS link, count(*) FILTER (WHERE s.fresh AND s.state = 'up') AS up_at, "               \
        "count(*) FILTER (WHERE s.fresh) AS seen_by, count(*) FILTER (WHERE NOT s.fresh) AS old, "           \
        "max(s.state) FILTER (WHERE s.place = 1 AND s.fresh) AS state, "                                     \
        "max(s.state_s) FILTER (WHERE s.place = 1 AND s.fresh) AS state_s, "                                 \
        "coalesce(max(s.seen_s) FILTER (WHERE s.place = 1 AND s.fresh), min(s.seen_s)) AS seen_s, "          \
        "min(s.heard_s) AS heard_s, CASE WHEN bool_or(s.fresh) THEN max(s.why) FILTER (WHERE s.place = 1) "  \
        "ELSE 'no instance of atmd has said anything since; then it was ' || "                               \
        "(array_agg(s.state ORDER BY s.seen_ms DESC))[1] END AS why FROM (" SIGHTINGS ") s GROUP BY s.name"
/* $1 as above, $2: the link, NULL for all. Ages and leases go by the database's clock. */
#define LINKS                                                                                                \
        "SELECT l.link, coalesce(s.state, 'unknown'), s.state_s, coalesce(s.up_at, 0), "                     \
        "coalesce(s.seen_by, 0), coalesce(s.old, 0), s.seen_s, s.heard_s, "                                  \
        "l.issuers, l.waiting, l.parked, (real_now_ms() - l.oldest_ms) / 1000, l.attempts, "                 \
        "CASE WHEN l.until_ms >= real_now_ms() THEN l.holder END, l.asked, l.approved, "                     \
        "coalesce(o.approved, 0), coalesce(o.declined, 0), coalesce(o.timeouts, 0), coalesce(o.reversed, "   \
        "0), coalesce(o.refused, 0), CASE WHEN s.link IS NULL THEN 'no instance of atmd has seen it' ELSE "  \
        "s.why END "                                                                                         \
        "FROM v_link l LEFT JOIN (SELECT x.link, count(*) FILTER (WHERE x.reason = reason_of('APPROVED')) "  \
        "AS approved, "                                                                                      \
        "count(*) FILTER (WHERE x.reason <> reason_of('APPROVED') AND x.cause = 'answer') AS declined, "     \
        "count(*) FILTER (WHERE x.cause = 'timeout') AS timeouts, "                                          \
        "count(*) FILTER (WHERE x.cause IN ('reversal', 'operator')) AS reversed, "                          \
        "count(*) FILTER (WHERE x.cause = 'not asked') AS refused "                                          \
        "FROM (" OUTCOMES ") x GROUP BY x.link) o USING (link) LEFT JOIN (" SEEN ") s USING (link) "         \
        "WHERE $2::text IS NULL OR l.link = $2 ORDER BY array_position(ARRAY['down', "                       \
        "'unknown', 'signed_off', 'up'], coalesce(s.state, 'unknown')), l.link"

static const char sighting_sql[] =
    "SELECT s.instance, s.state, s.fresh, s.state_s, s.heard_s, s.seen_s, s.why FROM (" SIGHTINGS
    ") s WHERE s.name = $2 AND $1::timestamptz IS NOT NULL ORDER BY s.place";

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

PGresult *link_sightings(PGconn *connection, const struct link_question *question, char error[PG_ERROR_MAX])
{
        return ask(connection, sighting_sql, question, error);
}

PGresult *link_outcomes(PGconn *connection, const struct link_question *question, char error[PG_ERROR_MAX])
{
        return ask(connection, outcome_sql, question, error);
}

PGresult *link_notices(PGconn *connection, const struct link_question *question, char error[PG_ERROR_MAX])
{
        return ask(connection, waiting_sql, question, error);
}
