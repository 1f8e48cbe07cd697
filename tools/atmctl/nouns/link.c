/* link: the ways to the banks (backoffice/cases/links.h) as commands. */
#include "backoffice/cases/links.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tools/atmctl/business_clock.h"
#include "tools/atmctl/rows.h"

/* MORE: what a list has in CSV and JSON, for a table of all of it fits no terminal. */
#define LINK_COLUMNS(MORE)                                                                                   \
        {"link", OUTPUT_TEXT, 0}, {"state", OUTPUT_TEXT, OUTPUT_STATE}, {"state_s", OUTPUT_NUMBER, 0},       \
            {"up_at", OUTPUT_NUMBER, MORE}, {"seen_by", OUTPUT_NUMBER, MORE},                                \
            {"old", OUTPUT_NUMBER, OUTPUT_NOT_TABLE}, {"seen_s", OUTPUT_NUMBER, 0},                          \
            {"heard_s", OUTPUT_NUMBER, MORE}, {"issuers", OUTPUT_TEXT, MORE}, {"waiting", OUTPUT_NUMBER, 0}, \
            {"parked", OUTPUT_NUMBER, MORE}, {"oldest_s", OUTPUT_NUMBER, MORE},                              \
            {"attempts", OUTPUT_NUMBER, MORE}, {"holder", OUTPUT_TEXT, MORE},                                \
            {"asked", OUTPUT_NUMBER, MORE}, {"open", OUTPUT_NUMBER, MORE},                                   \
            {"approved", OUTPUT_NUMBER, MORE}, {"declined", OUTPUT_NUMBER, MORE},                            \
            {"timeouts", OUTPUT_NUMBER, MORE}, {"reversed", OUTPUT_NUMBER, MORE},                            \
            {"refused", OUTPUT_NUMBER, 0},                                                                   \
        {                                                                                                    \
                "why", OUTPUT_TEXT, 0                                                                        \
        }
static const struct output_column list_columns[] = {LINK_COLUMNS(OUTPUT_NOT_TABLE)};
static const struct output_column link_columns[] = {LINK_COLUMNS(0)};
static const struct output_column sighting_columns[] = {
    {"instance", OUTPUT_TEXT, 0},  {"state", OUTPUT_TEXT, OUTPUT_STATE}, {"fresh", OUTPUT_BOOL, 0},
    {"state_s", OUTPUT_NUMBER, 0}, {"heard_s", OUTPUT_NUMBER, 0},        {"seen_s", OUTPUT_NUMBER, 0},
    {"why", OUTPUT_TEXT, 0},
};
static const struct output_column outcome_columns[] = {{"cause", OUTPUT_TEXT, 0},
                                                       {"reason", OUTPUT_TEXT, 0},
                                                       {"de39", OUTPUT_TEXT, 0},
                                                       {"bank_de39", OUTPUT_TEXT, 0},
                                                       {"withdrawals", OUTPUT_NUMBER, 0}};
static const struct output_column waiting_columns[] = {{"kind", OUTPUT_TEXT, 0},
                                                       {"last_error", OUTPUT_TEXT, 0},
                                                       {"notices", OUTPUT_NUMBER, 0},
                                                       {"oldest_s", OUTPUT_NUMBER, 0},
                                                       {"attempts", OUTPUT_NUMBER, 0}};
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

static PGresult *ask_list(PGconn *connection, const void *question, int64_t limit, char error[PG_ERROR_MAX])
{
        (void)limit; /* a bank has one */
        return links_list(connection, question, error);
}

static int link_list(const struct invocation *invocation)
{
        char since[26];
        const struct link_question question = {.since = since};

        if (!day_ago(invocation, since))
                return EXIT_FAILED;
        return rows_answer(invocation, &(struct rows_question){.ask = ask_list,
                                                               .question = &question,
                                                               .columns = list_columns,
                                                               .column_count = LENGTH(list_columns)});
}

/* show: the link's row, and tables about it ------------------------------------------------------------
 */

struct shown {
        PGresult *link, *sightings, *outcomes, *waiting;
};

static bool print_link(const struct invocation *invocation, const struct shown *shown, const char *since)
{
        char heading[80];
        const struct {
                struct output_section section;
                const PGresult *result;
        } parts[] = {
            {{.heading = "", .shape = OUTPUT_ONE, .columns = link_columns, .count = LENGTH(link_columns)},
             shown->link},
            {{.name = "sightings",
              .heading = "What each instance of atmd sees",
              .columns = sighting_columns,
              .count = LENGTH(sighting_columns)},
             shown->sightings},
            {{.name = "outcomes",
              .heading = heading,
              .columns = outcome_columns,
              .count = LENGTH(outcome_columns)},
             shown->outcomes},
            {{.name = "notices",
              .heading = "What waits to be acknowledged",
              .columns = waiting_columns,
              .count = LENGTH(waiting_columns)},
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

/* False with an error, or, where there is no such link, without one. */
static bool read_link(PGconn *connection, const struct link_question *question, struct shown *ret_shown,
                      char error[PG_ERROR_MAX])
{
        *error = '\0';
        ret_shown->link = links_list(connection, question, error);
        if (!ret_shown->link || !PQntuples(ret_shown->link))
                return false;
        ret_shown->sightings = link_sightings(connection, question, error);
        ret_shown->outcomes = ret_shown->sightings ? link_outcomes(connection, question, error) : NULL;
        ret_shown->waiting = ret_shown->outcomes ? link_notices(connection, question, error) : NULL;
        return ret_shown->waiting;
}

static bool show(struct database *database, const struct invocation *invocation, void *context)
{
        const struct link_question *question = context;
        struct shown shown = {NULL, NULL, NULL, NULL};
        char error[PG_ERROR_MAX];
        bool printed = false;

        if (read_link(database->connection, question, &shown, error)) {
                printed = print_link(invocation, &shown, question->since);
        } else if (*error) {
                database_complain_of(error);
        } else {
                complain("link show: no issuer names link %s, no instance of atmd sees it, and nothing waits "
                         "for it",
                         question->link);
                note("'atmctl link list' shows what there is");
        }
        PQclear(shown.link);
        PQclear(shown.sightings);
        PQclear(shown.outcomes);
        PQclear(shown.waiting);
        return printed;
}

static int link_show(const struct invocation *invocation)
{
        char since[26];
        struct link_question question = {.link = invocation_value(invocation, "link"), .since = since};

        if (!output_holds_sections(invocation))
                return usage_error(invocation->command,
                                   "--format csv: a link and what is known of it are no one "
                                   "table: expected table or json");
        if (!day_ago(invocation, since))
                return EXIT_FAILED;
        return database_run(invocation, show, &question);
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
     .text = "list the ways to the banks: whether they are up, what waits for them, who sends it, what they "
             "decided lately",
     .more =
         "The worst on top. A table has what one watches; 'link show', --columns, CSV and JSON have the "
         "rest.\n"
         "state: the worst that an instance of atmd sees of it now (down: no connection; signed_off: by the "
         "bank; up), "
         "and unknown where none that is there has said anything for two and a half minutes; state_s: for "
         "how long; up_at: "
         "how many "
         "instances see it up, of seen_by; seen_s: how long ago that was said; heard_s: how long ago the "
         "bank said "
         "anything, or up to ten seconds less; why: it is not as it should be, as far as is known. "
         "waiting: notices that the bank has not acknowledged; oldest_s: for how long the oldest of them; "
         "attempts: the most that one of them took; holder: the instance of atmd that sends them just now; "
         "asked: withdrawals that the bank is being asked about; open: approved by it, and their end not "
         "known yet. "
         "The rest counts what became of the withdrawals of the last day of business time: approved and "
         "declined "
         "by the bank, timed out, reversed by the ATM or an operator before the bank had answered, refused "
         "for want "
         "of the bank, which was not asked.",
     .flags = FLAGS | COMMAND_LIST | COMMAND_WATCH,
     .columns = list_columns,
     .column_count = LENGTH(list_columns),
     .run = link_list},
    {.noun = "link",
     .verb = "show",
     .text = "show a link with what each instance of atmd sees of it, the reasons of the last day's "
             "outcomes, and what waits with which errors",
     .more = "An instance that is not fresh is gone, or has said nothing for two and a half minutes, for "
             "want of the database: what it "
             "saw says nothing of now.",
     .flags = FLAGS,
     .run = link_show,
     .fields = show_fields},
};

const struct command_group group_link = {commands, sizeof(commands) / sizeof(*commands),
                                         "The ways to the banks"};
