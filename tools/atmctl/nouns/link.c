/*
 * link: the ways to the banks, as the database knows them: what waits to be sent, whose task that is, what
 * the banks decided lately. Which connections are up only the running instances of atmd know; their logs say.
 */
#include <inttypes.h>

#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/operator.h"
#include "tools/atmctl/rows.h"
#include "lib/db/selection.h"

static const struct output_column link_columns[] = {
    {"link", OUTPUT_TEXT, 0},       {"issuers", OUTPUT_TEXT, 0},    {"waiting", OUTPUT_NUMBER, 0},
    {"parked", OUTPUT_NUMBER, 0},   {"oldest_s", OUTPUT_NUMBER, 0}, {"attempts", OUTPUT_NUMBER, 0},
    {"holder", OUTPUT_TEXT, 0},     {"asked", OUTPUT_NUMBER, 0},    {"open", OUTPUT_NUMBER, 0},
    {"approved", OUTPUT_NUMBER, 0}, {"declined", OUTPUT_NUMBER, 0}, {"timeouts", OUTPUT_NUMBER, 0},
    {"reversed", OUTPUT_NUMBER, 0},
};
/* The last day's outcomes with their link; $2: since when. */
#define OUTCOMES                                                                                             \
        "SELECT w.link, o.cause, o.reason, o.bank_de39 FROM bank_outcome o CROSS JOIN LATERAL (SELECT "      \
        "w.link "                                                                                            \
        "FROM withdrawal w WHERE w.terminal = o.terminal AND w.transmitted_at = o.transmitted_at AND "       \
        "w.stan = o.stan LIMIT 1) w WHERE o.transmitted_at >= $2::timestamptz"
/* $1: real milliseconds now, $2 as above, $3: the link, NULL for all. */
#define LINKS                                                                                                \
        "SELECT l.link, l.issuers, l.waiting, l.parked, ($1::bigint - l.oldest_ms) / 1000, l.attempts, "     \
        "CASE WHEN l.until_ms >= $1::bigint THEN l.holder END, l.asked, l.approved, "                        \
        "coalesce(o.approved, 0), coalesce(o.declined, 0), coalesce(o.timeouts, 0), coalesce(o.reversed, "   \
        "0) "                                                                                                \
        "FROM v_link l LEFT JOIN (SELECT x.link, count(*) FILTER (WHERE x.reason = 0) AS approved, "         \
        "count(*) FILTER (WHERE x.reason <> 0 AND x.cause = 'answer') AS declined, "                         \
        "count(*) FILTER (WHERE x.cause = 'timeout') AS timeouts, "                                          \
        "count(*) FILTER (WHERE x.cause IN ('reversal', 'operator')) AS reversed "                           \
        "FROM (" OUTCOMES ") x GROUP BY x.link) o USING (link) "                                             \
        "WHERE $3::text IS NULL OR l.link = $3 ORDER BY l.link"

static const struct output_column outcome_columns[] = {{"cause", OUTPUT_TEXT, 0},
                                                       {"reason", OUTPUT_TEXT, 0},
                                                       {"de39", OUTPUT_TEXT, 0},
                                                       {"bank_de39", OUTPUT_TEXT, 0},
                                                       {"withdrawals", OUTPUT_NUMBER, 0}};
static const char outcome_sql[] =
    "SELECT x.cause, r.name, r.de39, x.bank_de39, count(*) FROM (" OUTCOMES
    ") x LEFT JOIN reason r USING (reason) WHERE x.link = $3 AND $1::bigint IS NOT NULL "
    "GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 1, 2, 3, 4";

static const struct output_column waiting_columns[] = {{"kind", OUTPUT_TEXT, 0},
                                                       {"last_error", OUTPUT_TEXT, 0},
                                                       {"notices", OUTPUT_NUMBER, 0},
                                                       {"oldest_s", OUTPUT_NUMBER, 0},
                                                       {"attempts", OUTPUT_NUMBER, 0}};
static const char waiting_sql[] =
    "SELECT s.kind, s.last_error, count(*), ($1::bigint - min(s.created_ms)) / 1000, max(s.attempts) FROM "
    "v_saf s "
    "WHERE s.link = $3 AND $2::timestamptz IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2";

/* A day of business time ago; false after a complaint. */
static bool day_ago(const struct invocation *invocation, char buffer[26])
{
        struct business_clock clock;
        const char *source;

        if (!business_clock_of(invocation, &clock, &source))
                return false;
        calendar_print_moment(clock_business_ms(&clock, real_now_ms()) - DAY_MS, buffer);
        return true;
}

static int link_list(const struct invocation *invocation)
{
        char since[26];
        const char *parameters[] = {operator_now(), since, NULL};

        if (!day_ago(invocation, since))
                return EXIT_FAILED;
        return rows_print(invocation, &(struct rows_query){.sql = LINKS,
                                                           .count = LENGTH(parameters),
                                                           .parameters = parameters,
                                                           .columns = link_columns,
                                                           .column_count = LENGTH(link_columns)});
}

/* show: the link's row, and two tables about it ------------------------------------------------------------
 */

struct shown {
        PGresult *link, *outcomes, *waiting;
};

static bool print_link(const struct invocation *invocation, const struct shown *shown, const char *since)
{
        char heading[80];
        const struct {
                struct output_section section;
                const PGresult *result;
        } parts[] = {
            {{NULL, "", OUTPUT_ONE, link_columns, LENGTH(link_columns), 0}, shown->link},
            {{"outcomes", heading, OUTPUT_ROWS, outcome_columns, LENGTH(outcome_columns), 0},
             shown->outcomes},
            {{"notices", "What waits to be acknowledged", OUTPUT_ROWS, waiting_columns,
              LENGTH(waiting_columns), 0},
             shown->waiting},
        };
        struct output *output = output_open_whole(invocation);
        bool printed = output != NULL;

        snprintf(heading, sizeof(heading), "What became of withdrawals since %s", since);
        for (size_t i = 0; i < LENGTH(parts) && printed; i++)
                printed = output_section(output, &parts[i].section, parts[i].result);
        if (printed)
                return output_close(output);
        output_abandon(output);
        return false;
}

static bool show_link(const struct invocation *invocation, struct database *database,
                      const char *const *parameters, struct shown *shown)
{
        enum { COUNT = 3 };

        shown->link = database_query(database, LINKS, COUNT, parameters);
        if (!shown->link)
                return false;
        if (!PQntuples(shown->link)) {
                complain("link show: no issuer names link %s, and nothing waits for it", parameters[2]);
                note("'atmctl link list' shows what there is");
                return false;
        }
        shown->outcomes = database_query(database, outcome_sql, COUNT, parameters);
        shown->waiting = shown->outcomes ? database_query(database, waiting_sql, COUNT, parameters) : NULL;
        return shown->waiting && print_link(invocation, shown, parameters[1]);
}

static int link_show(const struct invocation *invocation)
{
        char since[26];
        const char *parameters[] = {operator_now(), since, invocation_value(invocation, "link")};
        struct database database;
        struct shown shown = {NULL, NULL, NULL};
        bool done;

        if (!output_holds_sections(invocation))
                return usage_error(invocation->command,
                                   "--format csv: a link and what is known of it are no one "
                                   "table: expected table or json");
        if (!day_ago(invocation, since) || !database_open(&database, invocation, DATABASE_READY))
                return EXIT_FAILED;
        done = show_link(invocation, &database, parameters, &shown);
        PQclear(shown.link);
        PQclear(shown.outcomes);
        PQclear(shown.waiting);
        database_close(&database);
        return done ? EXIT_DONE : EXIT_FAILED;
}

static const struct field show_fields[] = {
    {.name = "link",
     .kind = VALUE_LINK,
     .flags = FIELD_POSITIONAL | FIELD_REQUIRED,
     .text = "the link's name"},
    {.name = NULL},
};

#define FLAGS (COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_CLOCK)

static const struct command commands[] = {
    {.noun = "link",
     .verb = "list",
     .text = "list the ways to the banks: what waits for them, who sends it, what they decided lately",
     .more =
         "waiting: notices that the bank has not acknowledged; oldest_s: for how long the oldest of them; "
         "attempts: the most that one of them took; holder: the instance of atmd that sends them just now; "
         "asked: "
         "withdrawals that the bank is being asked about; open: approved by it, and their end not known yet. "
         "The "
         "rest counts what became of the withdrawals of the last day of business time: approved and declined "
         "by "
         "the bank, timed out, reversed by the ATM or an operator before the bank had answered.",
     .flags = FLAGS,
     .run = link_list},
    {.noun = "link",
     .verb = "show",
     .text = "show a link with the reasons of the last day's outcomes, and what waits with which errors",
     .flags = FLAGS,
     .run = link_show,
     .fields = show_fields},
};

const struct command_group group_link = {commands, sizeof(commands) / sizeof(*commands),
                                         "The ways to the banks"};
