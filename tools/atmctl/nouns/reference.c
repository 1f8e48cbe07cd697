/* The nouns of the reference data as rows: their fields, rules and commands. */
#include "config/instance_label.h"
#include "tools/atmctl/nouns/atm_switch.h"
#include "tools/atmctl/nouns/entity_commands.h"
#include "tools/atmctl/output/output.h"

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
     "the registration number of who runs it, for qualified invoices; '': he is not registered", "", NULL,
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
    {"changes_on", OUTPUT_TEXT, 0},
    {"then", OUTPUT_TEXT, 0},
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
static const struct field atm_filters[] = {
    {.name = "area",
     .kind = VALUE_AREA,
     .flags = FIELD_FILTER,
     .text = "where its hall lies today",
     .column = "area"},
    {.name = "barred",
     .kind = VALUE_BOOL,
     .flags = FIELD_FILTER,
     .text = "whether it is barred",
     .column = "barred"},
    {.name = NULL},
};
static const struct output_column atm_more[] = {
    {"hall_name", OUTPUT_TEXT, 0},    {"prefecture", OUTPUT_TEXT, 0}, {"disabled_until", OUTPUT_TEXT, 0},
    {"disabled_why", OUTPUT_TEXT, 0}, {"barred", OUTPUT_TEXT, 0},     {"barred_until", OUTPUT_TEXT, 0},
};
/* Where it stands today. */
#define ATM_TODAY                                                                                            \
        "(SELECT a.*, h.name AS hall_name, p.prefecture, p.area FROM atm a LEFT JOIN hall h USING (hall) "   \
        "LEFT JOIN hall_place p ON p.hall = a.hall AND p.from_on <= business_today() AND p.until_on > "      \
        "business_today())"
static const struct entity atm = {
    .noun = "atm",
    .plural = "ATMs",
    .table = "atm",
    .fields = atm_fields,
    .shown = ATM_TODAY,
    .filters = atm_filters,
    .order = "t.terminal",
    .more_sql = "t.hall_name, t.prefecture, " ATM_UNTIL(
        "t.disabled_until") ", disabled_note(t.terminal), "
                            "barred_note(t.terminal), " ATM_UNTIL("t.barred_until"),
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
/* Where no atmd runs, nobody's cards are refused for it. */
#define LINKS_OF_NONE                                                                                        \
        "SELECT DISTINCT 'no running atmd has a link ' || s.link || ': until one has ([link ' || s.link || " \
        "'] of its configuration), cards of issuers that name it are refused' FROM pg_temp.stage s "         \
        "WHERE s.link IS NOT NULL AND EXISTS (SELECT FROM " INSTANCE_LABELS " WHERE m IS NOT NULL AND "      \
        "a.datname = current_database()) AND NOT EXISTS (SELECT FROM sighting g WHERE g.kind = 'link' AND "  \
        "g.name = s.link AND " INSTANCE_IS_THERE("g.instance") ") ORDER BY 1"
static const struct entity issuer = {.noun = "issuer",
                                     .plural = "issuers",
                                     .doubt_sql = LINKS_OF_NONE,
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

static const struct command commands[] = {
    KEPT(area, "an area", "areas"),
    KEPT_WITH(hall, "a hall", "halls", COMMAND_CLOCK | COMMAND_FROM),
    KEPT(atm, "an ATM", "ATMs"),
    {.noun = "atm",
     .verb = "enable",
     .text = "let ATMs serve",
     .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES,
     .run = atm_switch,
     .fields = atm_end_fields},
    {.noun = "atm",
     .verb = "disable",
     .text = "take ATMs out of service: their requests are refused, their advices not",
     .more =
         "With --until any running atmd ends it within seconds of that moment; the trail has it as atmd's.\n"
         "Example: atmctl atm disable --hall H00012 --until 2017-01-04 --note 'closed over New Year'",
     .flags = COMMAND_DATABASE | COMMAND_NOTE | COMMAND_CHANGES,
     .run = atm_switch,
     .fields = atm_begin_fields},
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
     .fields = atm_begin_fields},
    {.noun = "atm",
     .verb = "unbar",
     .text = "let barred ATMs in again",
     .flags = COMMAND_DATABASE | COMMAND_NOTE_DEMANDED | COMMAND_CHANGES,
     .run = atm_switch,
     .fields = atm_end_fields},
    {.noun = "atm",
     .verb = "barred",
     .text = "list the ATMs that are barred, and why",
     .flags = COMMAND_DATABASE | COMMAND_OUTPUT | COMMAND_LIST,
     .columns = atm_barred_columns,
     .column_count = ATM_BARRED_COLUMNS,
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
