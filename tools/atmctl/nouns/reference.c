/* The nouns of the reference data as rows: their fields, rules and commands. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/plural.h"
#include "lib/cli/say.h"
#include "lib/db/pg_query.h"
#include "lib/db/sqltext.h"
#include "tools/atmctl/change.h"
#include "tools/atmctl/nouns/entity_commands.h"
#include "tools/atmctl/output/output.h"
#include "tools/atmctl/rows.h"
#include "tools/atmctl/selecting.h"

static const struct field area_fields[] = {
    {"area", VALUE_AREA, FIELD_KEY, "the area's short name", NULL, NULL, "area", NULL},
    {"name", VALUE_TEXT, 0, "its name for people", NULL, NULL, "name", NULL},
    {"parlors", VALUE_NUMBER, FIELD_NULLABLE, "how many parlors there are in it, whoever serves them", "",
     NULL, "parlors", NULL},
    {.name = NULL},
};
static const struct entity area = {
    .noun = "area", .plural = "areas", .table = "area", .fields = area_fields, .order = "t.area"};

static const struct field hall_fields[] = {
    {"hall", VALUE_HALL, FIELD_KEY, "the hall's id, DE 42", NULL, NULL, "hall", NULL},
    {"name", VALUE_TEXT, 0, "its name for people", NULL, NULL, "name", NULL},
    {"area", VALUE_AREA, FIELD_FILTER | FIELD_DATED, "where it lies", NULL, NULL, "area", "area"},
    {"prefecture", VALUE_PREFECTURE, FIELD_FILTER | FIELD_DATED,
     "its prefecture, one of Japan's 47, whole and in Japanese", NULL, NULL, "prefecture", NULL},
    {"opens", VALUE_TIME, 0, "when it opens, in Japan", "00:00", NULL, "opens_minute", NULL},
    {"closes", VALUE_TIME, 0, "when it closes, that minute excluded", "24:00", NULL, "closes_minute", NULL},
    {"share_bp", VALUE_BASIS_POINTS, FIELD_DATED, "the hall's share of both fees without tax", "0", NULL,
     "share_bp", NULL},
    {"registration", VALUE_REGISTRATION, FIELD_NULLABLE,
     "the registration number of who runs it, for qualified invoices; none: he is not registered", "", NULL,
     "registration", NULL},
    {.name = NULL},
};
static const struct entity_rule hours_rules[] = {
    {"closes", "s.opens_minute >= s.closes_minute", "a time after 'opens'"},
    {NULL, NULL, NULL},
};
/* One that an earlier release took stays until it is changed. */
static const struct entity_rule hall_rules[] = {
    {"closes", "s.opens_minute >= s.closes_minute", "a time after 'opens'"},
    {"prefecture",
     "NOT EXISTS (SELECT FROM prefecture p WHERE p.prefecture = s.prefecture) AND NOT EXISTS (SELECT FROM "
     "hall h WHERE "
     "h.hall = s.hall AND h.prefecture = s.prefecture)",
     "one of Japan's 47 prefectures, as 東京都"},
    {NULL, NULL, NULL},
};
/* As it is today; its row has what it will be. */
#define HALL_TODAY                                                                                           \
        "(SELECT h.hall, h.name, p.area, p.prefecture, h.opens_minute, h.closes_minute, p.share_bp, "        \
        "h.registration, CASE "                                                                              \
        "WHEN p.until_on < 'infinity' THEN p.until_on END AS changes_on, n.area AS next_area, n.prefecture " \
        "AS next_prefecture, n.share_bp AS next_share_bp FROM hall h JOIN hall_place p ON p.hall = h.hall "  \
        "AND p.from_on <= business_today() AND p.until_on > business_today() LEFT JOIN hall_place n ON "     \
        "n.hall = h.hall AND n.from_on = p.until_on)"
static const struct output_column hall_more[] = {
    {"changes_on", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    {"then", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
};
static const struct entity hall = {
    .noun = "hall",
    .plural = "halls",
    .table = "hall",
    .shown = HALL_TODAY,
    .fields = hall_fields,
    .order = "t.hall",
    .rules = hall_rules,
    .more_sql =
        "t.changes_on, CASE WHEN t.changes_on IS NOT NULL THEN concat_ws(', ', 'area ' || "
        "nullif(t.next_area, t.area), "
        "'prefecture ' || nullif(t.next_prefecture, t.prefecture), 'share_bp ' || nullif(t.next_share_bp, "
        "t.share_bp)) END",
    .more = hall_more,
    .more_count = sizeof(hall_more) / sizeof(*hall_more)};

static const struct field atm_fields[] = {
    {"terminal", VALUE_TERMINAL, FIELD_KEY, "the ATM's id, DE 41 and its certificate's name", NULL, NULL,
     "terminal", NULL},
    {"hall", VALUE_HALL, FIELD_FILTER | FIELD_NULLABLE, "the hall it stands in; none while it stands nowhere",
     NULL, NULL, "hall", "hall"},
    {"enabled", VALUE_BOOL, FIELD_FILTER, "whether it may serve", "yes", NULL, "enabled", NULL},
    {.name = NULL},
};
static const struct output_column atm_more[] = {
    {"hall_name", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},      {"prefecture", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    {"disabled_until", OUTPUT_TEXT, OUTPUT_ONLY_TABLE}, {"barred", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
    {"barred_until", OUTPUT_TEXT, OUTPUT_ONLY_TABLE},
};
#define UNTIL(column) "to_char(" column " AT TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD\"T\"HH24:MI')"
static const struct entity atm = {
    .noun = "atm",
    .plural = "ATMs",
    .table = "atm",
    .fields = atm_fields,
    .order = "t.terminal",
    .more_sql =
        "(SELECT h.name FROM hall h WHERE h.hall = t.hall), (SELECT p.prefecture FROM hall_place p WHERE "
        "p.hall = t.hall AND p.from_on <= business_today() AND p.until_on > business_today()), " UNTIL(
            "t.disabled_until") ", barred_note(t.terminal), " UNTIL("t.barred_until"),
    .more = atm_more,
    .more_count = sizeof(atm_more) / sizeof(*atm_more)};

static const struct field issuer_fields[] = {
    {"issuer", VALUE_ISSUER, FIELD_KEY, "the bank's id", NULL, NULL, "issuer", NULL},
    {"name", VALUE_TEXT, 0, "its name for people", NULL, NULL, "name", NULL},
    {"link", VALUE_LINK, FIELD_NULLABLE | FIELD_FILTER,
     "the way to it, a [link NAME] of atmd's configuration; none: the house bank, whose accounts are here",
     "", NULL, "link", NULL},
    {"opens", VALUE_TIME, 0, "when it begins to answer on weekdays, in Japan", "00:00", NULL, "opens_minute",
     NULL},
    {"closes", VALUE_TIME, 0, "when it ends, that minute excluded", "24:00", NULL, "closes_minute", NULL},
    {"off_opens", VALUE_TIME, 0, "when it begins on Saturdays, Sundays and public holidays", "=opens", NULL,
     "off_opens_minute", NULL},
    {"off_closes", VALUE_TIME, 0, "when it ends on those; the same as off_opens: closed all day", "=closes",
     NULL, "off_closes_minute", NULL},
    {"pin_method", VALUE_PIN_METHOD, 0,
     "what PINs of its cards are compared by; none: it wants no PIN, or is behind a link", "none", NULL,
     "pin_method", NULL},
    {"pin_tries_max", VALUE_PIN_TRIES, 0,
     "after so many wrong ones a card is refused (75) until 'card unblock'", "3", NULL, "pin_tries_max",
     NULL},
    {.name = NULL},
};
static const struct entity_rule calendar_rules[] = {
    {"closes", "s.opens_minute > s.closes_minute", "a time not before 'opens'"},
    {"off_closes", "s.off_opens_minute > s.off_closes_minute", "a time not before 'off_opens'"},
    {"link",
     "s.link IS NOT NULL AND EXISTS (SELECT FROM card c WHERE c.opening_yen IS NOT NULL AND c.issuer = "
     "s.issuer)",
     "none: accounts of this bank's cards are kept here, as the house bank's are"},
    {"pin_method", "s.link IS NOT NULL AND s.pin_method <> 'none'",
     "none: a bank behind a link verifies its cards' PINs itself"},
    {NULL, NULL, NULL},
};
static const struct entity issuer = {.noun = "issuer",
                                     .plural = "issuers",
                                     .table = "issuer",
                                     .fields = issuer_fields,
                                     .order = "t.issuer",
                                     .rules = calendar_rules};

static const struct field prefix_fields[] = {
    {"prefix", VALUE_PREFIX, FIELD_KEY, "how card numbers begin", NULL, NULL, "prefix", NULL},
    {"from", VALUE_DATE, FIELD_KEY, "the first day", NULL, NULL, "from_on", NULL},
    {"issuer", VALUE_ISSUER, FIELD_FILTER, "the bank that they belong to", NULL, NULL, "issuer", "issuer"},
    {"kind", VALUE_CARD_KIND, FIELD_FILTER, "what such cards are; only cash cards are served", "cash", NULL,
     "kind", NULL},
    {.name = NULL},
};
static const struct entity prefix = {.noun = "prefix",
                                     .plural = "prefixes",
                                     .table = "card_prefix",
                                     .fields = prefix_fields,
                                     .order = "t.prefix, t.from_on"};

static const struct field tariff_fields[] = {
    {"issuer", VALUE_ISSUER, FIELD_KEY | FIELD_FILTER, "the bank", NULL, NULL, "issuer", "issuer"},
    {"band", VALUE_BAND, FIELD_KEY | FIELD_FILTER, "day: weekdays 8:45 to 18:00; other: all else", NULL, NULL,
     "band", NULL},
    {"from", VALUE_DATE, FIELD_KEY, "the first day", NULL, NULL, "from_on", NULL},
    {"customer_fee_yen", VALUE_FEE, 0, "what the card-holder pays, before tax", NULL, NULL,
     "customer_fee_yen", NULL},
    {"interbank_fee_yen", VALUE_FEE, 0, "what the bank pays, before tax", NULL, NULL, "interbank_fee_yen",
     NULL},
    {.name = NULL},
};
static const struct entity tariff = {.noun = "tariff",
                                     .plural = "tariffs",
                                     .table = "tariff",
                                     .fields = tariff_fields,
                                     .order = "t.issuer, t.band, t.from_on",
                                     .is_noted = true};

static const struct field tax_fields[] = {
    {"from", VALUE_DATE, FIELD_KEY, "the first day", NULL, NULL, "from_on", NULL},
    {"rate_bp", VALUE_BASIS_POINTS, 0, "the rate", NULL, NULL, "rate_bp", NULL},
    {"rounding", VALUE_ROUNDING, 0, "how each fee's tax becomes whole yen", "down", NULL, "rounding", NULL},
    {.name = NULL},
};
static const struct entity tax = {.noun = "tax",
                                  .plural = "tax rates",
                                  .table = "tax_rate",
                                  .fields = tax_fields,
                                  .order = "t.from_on",
                                  .is_noted = true};

static const struct field holiday_fields[] = {
    {"day", VALUE_DATE, FIELD_KEY, "the day", NULL, NULL, "day", NULL},
    {"source", VALUE_HOLIDAY_SOURCE, FIELD_KEY | FIELD_FILTER, "who says so; the operator's row wins",
     "package", "operator", "source", NULL},
    {"name", VALUE_TEXT, 0, "its name", NULL, NULL, "name", NULL},
    {"holiday", VALUE_BOOL, FIELD_FILTER, "no: not a holiday after all", "yes", NULL, "is_holiday", NULL},
    {.name = NULL},
};
static const struct entity holiday = {.noun = "holiday",
                                      .plural = "holidays",
                                      .table = "holiday",
                                      .fields = holiday_fields,
                                      .order = "t.day, t.source"};

static const struct field limit_fields[] = {
    {"kind", VALUE_LIMIT_KIND, FIELD_KEY | FIELD_FILTER,
     "cash a day, cash a calendar month, or withdrawals a day, of a card in the whole fleet", NULL, NULL,
     "kind", NULL},
    {"from", VALUE_DATE, FIELD_KEY, "the first day", NULL, NULL, "from_on", NULL},
    {"value", VALUE_YEN, FIELD_NULLABLE | FIELD_REQUIRED, "the limit; empty lifts it", NULL, NULL, "value",
     NULL},
    {.name = NULL},
};
static const struct entity limit = {.noun = "limit",
                                    .plural = "limits",
                                    .table = "limit_rule",
                                    .fields = limit_fields,
                                    .order = "t.kind, t.from_on",
                                    .is_noted = true};

static const struct field hours_fields[] = {
    {"from", VALUE_DATE, FIELD_KEY, "the first day", NULL, NULL, "from_on", NULL},
    {"day_kind", VALUE_DAY_KIND, FIELD_KEY | FIELD_FILTER, "off: Saturdays, Sundays, public holidays", NULL,
     NULL, "day_kind", NULL},
    {"opens", VALUE_TIME, 0, "when the fleet opens, in Japan", NULL, NULL, "opens_minute", NULL},
    {"closes", VALUE_TIME, 0, "when it closes, that minute excluded", NULL, NULL, "closes_minute", NULL},
    {.name = NULL},
};
static const struct entity hours = {.noun = "hours",
                                    .plural = "hours",
                                    .table = "network_hours",
                                    .fields = hours_fields,
                                    .order = "t.from_on, t.day_kind",
                                    .rules = hours_rules};

/* enable, disable, bar, unbar ------------------------------------------------------------------------------ */

/* What each says of an ATM, and until when it is so. */
static const struct switching {
        const char *verb, *column, *until, *value, *done;
} switchings[] = {
    {"enable", "enabled", "disabled_until", "true", "enabled"},
    {"disable", "enabled", "disabled_until", "false", "disabled"},
    {"bar", "barred", "barred_until", "true", "barred"},
    {"unbar", "barred", "barred_until", "false", "let in again"},
};

static const struct switching *switching_of(const struct invocation *invocation)
{
        size_t i = 0;

        while (strcmp(switchings[i].verb, invocation->command->verb))
                i++;
        return &switchings[i];
}

static bool is_to_come(struct database *database, const char *until)
{
        PGresult *result =
            database_query(database,
                           "SELECT $1::timestamptz > business_now(), to_char(business_now() AT "
                           "TIME ZONE 'Asia/Tokyo', 'YYYY-MM-DD\"T\"HH24:MI')",
                           1, &until);
        bool good = result && *PQgetvalue(result, 0, 0) == 't';

        if (result && !good)
                complain("--until %s: expected a moment after now, %s in business time", until,
                         PQgetvalue(result, 0, 1));
        PQclear(result);
        return good;
}

/* Those that are meant and are not so yet, locked; how many are meant, in the second column of each. */
static PGresult *ask_others(struct database *database, const struct switching *switching,
                            const struct selecting *selecting, const char *const parameters[3])
{
        struct sqltext sql;

        sql_start(&sql);
        sql_add(
            &sql,
            "SELECT a.terminal, (SELECT count(*) FROM atm a WHERE %s) FROM atm a WHERE %s AND (a.%s, a.%s) "
            "IS DISTINCT FROM ($2::boolean, $3::timestamptz) ORDER BY a.terminal FOR NO KEY UPDATE",
            selecting->condition, selecting->condition, switching->column, switching->until);
        return database_query(database, sql.text, 3, parameters);
}

static bool switch_others(struct database *database, const struct switching *switching,
                          const struct selecting *selecting, const char *const parameters[3])
{
        struct sqltext sql;

        sql_start(&sql);
        sql_add(
            &sql,
            "UPDATE atm a SET %s = $2::boolean, %s = $3::timestamptz WHERE %s AND (a.%s, a.%s) IS DISTINCT "
            "FROM ($2::boolean, $3::timestamptz)",
            switching->column, switching->until, selecting->condition, switching->column, switching->until);
        return database_execute(database, sql.text, 3, parameters);
}

static void say_switched(const struct invocation *invocation, const struct switching *switching,
                         const char *names, const char *until, const PGresult *others)
{
        int count = PQntuples(others);
        char atms[PLURAL_MAX];

        if (invocation_has(invocation, "terminal") && !strchr(names, ','))
                change_say(invocation, "atm %.*s: %s%s%s\n", (int)strlen(names) - 2, names + 1,
                           count ? switching->done : "is so already", until && count ? " until " : "",
                           until && count ? until : "");
        else if (!count)
                change_say(invocation, "no ATM is otherwise\n");
        else
                change_say(invocation, "%d of %s %s%s%s\n", count,
                           plural_count((uint64_t)pg_number(others, 0, 1), "ATM", atms), switching->done,
                           until ? " until " : "", until ? until : "");
}

static bool switch_within(struct database *database, const struct invocation *invocation, const char *names)
{
        const struct switching *switching = switching_of(invocation);
        const struct selecting *selecting = selecting_of(invocation, selecting_atms, SELECTING_ATMS);
        const char *until = invocation_value(invocation, "until");
        const char *parameters[] = {names, switching->value, until};
        PGresult *others;
        bool done;

        if (!selecting_names_are_known(database, selecting, names) || (until && !is_to_come(database, until)))
                return false;
        others = ask_others(database, switching, selecting, parameters);
        /* a statement that changes no row would still tell every atmd to load its reference data anew */
        done = others && (!PQntuples(others) || switch_others(database, switching, selecting, parameters)) &&
               change_commit(database, invocation);
        if (done)
                say_switched(invocation, switching, names, until, others);
        PQclear(others);
        return done;
}

static bool switch_all(struct database *database, const struct invocation *invocation, void *context)
{
        return change_begin(database) && switch_within(database, invocation, context);
}

static int atm_switch(const struct invocation *invocation)
{
        const struct selecting *selecting = selecting_of(invocation, selecting_atms, SELECTING_ATMS);
        int exit_code = EXIT_FAILED;
        char *names;

        if (!selecting)
                return usage_error(invocation->command,
                                   "which ATMs? expected their ids, or --hall, or --area");
        names = selecting_names(invocation, selecting);
        if (names)
                exit_code = database_run(invocation, switch_all, names);
        else
                complain("out of memory");
        free(names);
        return exit_code;
}

#define SELECTED_ATMS                                                                                        \
        {.name = "terminal",                                                                                 \
         .kind = VALUE_TERMINAL,                                                                             \
         .flags = FIELD_POSITIONAL | FIELD_REPEAT,                                                           \
         .text = "the ATMs' ids"},                                                                           \
            {.name = "hall",                                                                                 \
             .kind = VALUE_HALL,                                                                             \
             .flags = FIELD_REPEAT,                                                                          \
             .text = "all that stand in these halls instead"},                                               \
        {                                                                                                    \
                .name = "area", .kind = VALUE_AREA, .flags = FIELD_REPEAT,                                   \
                .text = "all that stand in halls of these areas instead"                                     \
        }
static const struct field begin_fields[] = {
    SELECTED_ATMS,
    {.name = "until",
     .kind = VALUE_MOMENT,
     .text = "when it ends by itself, in business time; a day: its first moment; unless given, when somebody "
             "ends it"},
    {.name = NULL},
};
static const struct field end_fields[] = {SELECTED_ATMS, {.name = NULL}};

static const struct output_column barred_columns[] = {{"terminal", OUTPUT_TEXT, 0},
                                                      {"hall", OUTPUT_TEXT, 0},
                                                      {"until", OUTPUT_TEXT, 0},
                                                      {"note", OUTPUT_TEXT, 0}};

static int atm_barred(const struct invocation *invocation)
{
        return rows_print(
            invocation,
            &(struct rows_query){.sql = "SELECT t.terminal, t.hall, " UNTIL(
                                     "t.barred_until") ", barred_note(t.terminal)"
                                                       " FROM atm t WHERE t.barred ORDER BY t.terminal",
                                 .columns = barred_columns,
                                 .column_count = sizeof(barred_columns) / sizeof(*barred_columns)});
}

static const struct command commands[] = {
    KEPT(area, "an area", "areas"),
    KEPT_WITH(hall, "a hall", "halls", COMMAND_CLOCK | COMMAND_FROM),
    KEPT(atm, "an ATM", "ATMs"),
    {.noun = "atm",
     .verb = "enable",
     .text = "let ATMs serve",
     .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES,
     .run = atm_switch,
     .fields = end_fields},
    {.noun = "atm",
     .verb = "disable",
     .text = "take ATMs out of service: their requests are refused, their advices not",
     .more =
         "With --until any running atmd ends it within seconds of that moment; the trail has it as atmd's.\n"
         "Example: atmctl atm disable --hall H00012 --until 2017-01-04 --note 'closed over New Year'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES,
     .run = atm_switch,
     .fields = begin_fields},
    {.noun = "atm",
     .verb = "bar",
     .text = "let ATMs in no more: their connections end, at every instance, and they get no others",
     .more =
         "Every instance knows within a second (reference_poll_ms). What an ATM has still to say of its "
         "withdrawals waits in it until it is unbarred; 'atmctl exception resolve' decides without it. With "
         "--until any running atmd ends it within seconds of that moment.\n"
         "Example: atmctl atm bar T0000001 --note 'stolen from the hall, police report 4711'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = atm_switch,
     .fields = begin_fields},
    {.noun = "atm",
     .verb = "unbar",
     .text = "let barred ATMs in again",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = atm_switch,
     .fields = end_fields},
    {.noun = "atm",
     .verb = "barred",
     .text = "list the ATMs that are barred, and why",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .run = atm_barred},
    KEPT(issuer, "a bank", "banks that issue cards"),
    DATED(prefix, "a prefix", "prefixes of card numbers"),
    DATED(tariff, "a tariff", "tariffs"),
    DATED(tax, "a tax rate", "rates of the consumption tax"),
    DATED(holiday, "a holiday", "public holidays"),
    DATED(limit, "a limit", "limits of cards"),
    DATED(hours, "hours", "hours of the fleet"),
};

const struct command_group group_reference = {commands, sizeof(commands) / sizeof(*commands),
                                              "What operators set"};
