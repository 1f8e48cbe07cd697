/* The kinds of values as rows, and the few checks that they share. */
#include "tools/atmctl/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/profile.h"
#include "rules/calendar.h"
#include "rules/reference.h"
#include "tools/atmctl/result_items.h"

#define DIGITS   "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL    "abcdefghijklmnopqrstuvwxyz"

enum { FEE_MAX_YEN = 1000000, FISCAL_YEAR_FIRST = 2000 };
static const long long yen_max = 1000000000000000;

static const struct value_row rows[VALUE_KIND_COUNT] = {
    [VALUE_NONE] = {.name = "", .expected = "no value"},
    [VALUE_TEXT] = {.name = "TEXT",
                    .expected = "a text of 1 to 200 bytes without control characters",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = 200},
    [VALUE_PREFECTURE] = {.name = "PREFECTURE",
                          .expected = "a prefecture's name of 1 to 31 bytes",
                          .sql_type = "text",
                          .minimum = 1,
                          .maximum = PREFECTURE_MAX},
    [VALUE_AREA] = {.name = "AREA",
                    .expected = "1 to 15 letters, digits, '_' or '-', as kanto",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = AREA_MAX,
                    .alphabet = SMALL CAPITALS DIGITS "_-"},
    [VALUE_HALL] = {.name = "HALL",
                    .expected = "1 to 15 capitals, digits or '-', as H00001",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = HALL_MAX,
                    .alphabet = CAPITALS DIGITS "-"},
    [VALUE_TERMINAL] = {.name = "TERMINAL",
                        .expected = "8 capitals or digits, as T0000001",
                        .sql_type = "text",
                        .minimum = TERMINAL_LENGTH,
                        .maximum = TERMINAL_LENGTH,
                        .alphabet = CAPITALS DIGITS},
    [VALUE_ISSUER] = {.name = "ISSUER",
                      .expected = "1 to 11 capitals or digits, as HOUSE",
                      .sql_type = "text",
                      .minimum = 1,
                      .maximum = ISSUER_MAX,
                      .alphabet = CAPITALS DIGITS},
    [VALUE_LINK] = {.name = "LINK",
                    .expected = "1 to 11 capitals or digits, as BANKA",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = ISSUER_MAX,
                    .alphabet = CAPITALS DIGITS},
    [VALUE_PREFIX] = {.name = "PREFIX",
                      .expected = "1 to 10 digits, as 990001",
                      .sql_type = "text",
                      .minimum = 1,
                      .maximum = PREFIX_MAX,
                      .alphabet = DIGITS},
    [VALUE_DATE] = {.name = "DATE", .expected = "a date as 2016-12-31", .sql_type = "date"},
    [VALUE_MONTH] = {.name = "MONTH", .expected = "a month as 2016-12", .sql_type = "text"},
    [VALUE_FISCAL_YEAR] = {.name = "YEAR",
                           .expected =
                               "a fiscal year from 2000 to 2099, as 2016 or FY2016: April 2016 to March 2017",
                           .sql_type = "integer",
                           .minimum = FISCAL_YEAR_FIRST,
                           .maximum = FISCAL_YEAR_FIRST + 99},
    [VALUE_QUARTER_NUMBER] = {.name = "1-4",
                              .expected = "a quarter's number from 1 (April to June) to 4",
                              .sql_type = "integer",
                              .minimum = 1,
                              .maximum = 4},
    [VALUE_QUARTER] = {.name = "QUARTER",
                       .expected = "a quarter as 3Q16: October to December 2016",
                       .sql_type = "text"},
    [VALUE_PERIOD] = {.name = "PERIOD",
                      .expected = "a quarter as 3Q16, several from the first as 1Q-3Q16, or a year as FY2016",
                      .sql_type = "text"},
    [VALUE_TIME] = {.name = "TIME",
                    .expected = "a time from 00:00 to 24:00, as 08:45",
                    .sql_type = "integer"},
    [VALUE_MOMENT] = {.name = "MOMENT",
                      .expected = "a moment as 2016-12-31T18:00 (Japan time unless it ends in Z or an "
                                  "offset) or a date as 2016-12-31",
                      .sql_type = "text"},
    [VALUE_FEE] = {.name = "YEN",
                   .expected = "whole yen from 0 to 1000000",
                   .sql_type = "bigint",
                   .minimum = 0,
                   .maximum = FEE_MAX_YEN},
    [VALUE_YEN] = {.name = "YEN",
                   .expected = "whole yen, 0 or more, as 80000",
                   .sql_type = "bigint",
                   .minimum = 0,
                   .maximum = 1000000000000000},
    [VALUE_NUMBER] = {.name = "N",
                      .expected = "a whole number, 1 or more",
                      .sql_type = "bigint",
                      .minimum = 1,
                      .maximum = 1000000000},
    [VALUE_DAYS] = {.name = "DAYS",
                    .expected = "a whole number of days from -36500 to 36500",
                    .sql_type = "integer",
                    .minimum = -36500,
                    .maximum = 36500},
    [VALUE_BASIS_POINTS] = {.name = "BP",
                            .expected = "basis points from 0 to 10000 (800 is 8 %)",
                            .sql_type = "integer",
                            .minimum = 0,
                            .maximum = 10000},
    [VALUE_BOOL] = {.name = "yes|no", .expected = "yes or no", .sql_type = "boolean", .choices = "yes|no"},
    [VALUE_BAND] = {.name = "day|other",
                    .expected = "day or other",
                    .sql_type = "text",
                    .choices = "day|other"},
    [VALUE_CARD_KIND] = {.name = "KIND",
                         .expected = "cash, credit or loan",
                         .sql_type = "text",
                         .choices = "cash|credit|loan"},
    [VALUE_ROUNDING] = {.name = "ROUNDING",
                        .expected = "down, nearest or up",
                        .sql_type = "text",
                        .choices = "down|nearest|up"},
    [VALUE_LIMIT_KIND] = {.name = "KIND",
                          .expected = "day_yen, month_yen or day_count",
                          .sql_type = "text",
                          .choices = "day_yen|month_yen|day_count"},
    [VALUE_DAY_KIND] = {.name = "weekday|off",
                        .expected = "weekday or off",
                        .sql_type = "text",
                        .choices = "weekday|off"},
    [VALUE_HOLIDAY_SOURCE] = {.name = "SOURCE",
                              .expected = "package or operator",
                              .sql_type = "text",
                              .choices = "package|operator"},
    [VALUE_CARD_STATUS] = {.name = "STATUS",
                           .expected = "active, lost or stolen",
                           .sql_type = "text",
                           .choices = "active|lost|stolen"},
    [VALUE_EXPIRY] = {.name = "YYMM", .expected = "year and month as YYMM, as 2103", .sql_type = "text"},
    [VALUE_PAN] = {.name = "PAN",
                   .expected = "a card number of 12 to 19 digits with a right check digit",
                   .sql_type = "text",
                   .secret = true},
    [VALUE_PAN_STDIN] = {.name = "-",
                         .expected = "'-': the card number is read from standard input, so that "
                                     "no list of processes shows it",
                         .sql_type = "text",
                         .choices = "-",
                         .secret = true},
    [VALUE_TOKEN] = {.name = "TOKEN",
                     .expected = "a card token as 6e2f33a1-9a59-4d6e-8b4e-0f6a1c2d3e4f",
                     .sql_type = "uuid"},
    [VALUE_STAN] = {.name = "STAN",
                    .expected = "a trace number from 0 to 999999",
                    .sql_type = "integer",
                    .minimum = 0,
                    .maximum = 999999},
    [VALUE_SEQUENCE] = {.name = "SEQ",
                        .expected = "a number from 0 to 32767",
                        .sql_type = "smallint",
                        .minimum = 0,
                        .maximum = 32767},
    [VALUE_RRN] = {.name = "RRN",
                   .expected = "12 digits: YDDDHH and the trace number",
                   .sql_type = "text",
                   .minimum = 12,
                   .maximum = 12,
                   .alphabet = DIGITS},
    [VALUE_STATE] = {.name = "STATE",
                     .expected = "asked, approved, completed, reversed, declined or blocked",
                     .sql_type = "text",
                     .choices = "asked|approved|completed|reversed|declined|blocked"},
    [VALUE_REPORT_KEY] = {.name = "WHAT",
                          .expected = "one or two of area, prefecture, hall, atm, issuer, band, hour, day, month, quarter and "
                                      "fy, as area or area,quarter",
                          .sql_type = "text",
                          .choices = "area|prefecture|hall|atm|issuer|band|hour|day|month|quarter|fy"},
    [VALUE_COMPARISON] = {.name = "yoy|qoq",
                          .expected = "yoy (a year before) or qoq (a quarter before)",
                          .sql_type = "text",
                          .choices = "yoy|qoq"},
    [VALUE_FLEET_KEY] = {.name = "WHAT",
                         .expected = "atm, hall or area",
                         .sql_type = "text",
                         .choices = "atm|hall|area"},
    [VALUE_FLEET_SECTION] = {.name = "SECTION",
                             .expected = "ranking, penetration or comparison",
                             .sql_type = "text",
                             .choices = "ranking|penetration|comparison"},
    [VALUE_COST_ITEM] = {.name = "ITEM",
                         .expected = "cash_in_transit, network, maintenance, depreciation, sga or capex",
                         .sql_type = "text",
                         .choices = "cash_in_transit|network|maintenance|depreciation|sga|capex"},
    [VALUE_RESULT_ITEM] = {.name = "ITEM",
                           .expected = "an item of 'atmctl report results', as revenue or sga",
                           .sql_type = "text",
                           .choices = RESULT_ITEM_CHOICES},
    [VALUE_PEER] = {.name = "PEER",
                    .expected = "1 to 15 capitals or digits, as SEVENBANK",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = 15,
                    .alphabet = CAPITALS DIGITS},
    [VALUE_PEER_ITEM] = {.name = "ITEM",
                         .expected = "atms, revenue_yen, transactions_per_atm_day, fee_yen_per_transaction, "
                                     "profit_ratio_percent or availability_percent",
                         .sql_type = "text",
                         .choices = "atms|revenue_yen|transactions_per_atm_day|fee_yen_per_transaction|"
                                    "profit_ratio_percent|availability_percent"},
    [VALUE_RATE_ITEM] = {.name = "ITEM",
                         .expected = "income_tax or non_controlling_share",
                         .sql_type = "text",
                         .choices = "income_tax|non_controlling_share"},
    [VALUE_AMOUNT] = {.name = "N",
                      .expected = "whole yen, or a whole number of things; may be negative",
                      .sql_type = "bigint",
                      .minimum = -1000000000000000,
                      .maximum = 1000000000000000},
    [VALUE_DECIMAL] = {.name = "N.N",
                       .expected = "a number with at most 4 decimals, as 98.8",
                       .sql_type = "numeric"},
    [VALUE_JOURNALS_KEY] = {.name = "WHAT",
                            .expected = "day, month, issuer or atm",
                            .sql_type = "text",
                            .choices = "day|month|issuer|atm"},
    [VALUE_SCALE] = {.name = "SCALE",
                     .expected = "a scale above 0 and up to 1 with at most 6 decimals, as 0.01",
                     .sql_type = "text"},
    [VALUE_FINANCE_NOUN] = {.name = "NOUN",
                            .expected = "contract, cost, target, published, peer or rate",
                            .sql_type = "text",
                            .choices = "contract|cost|target|published|peer|rate"},
    [VALUE_FORMAT] = {.name = "FORMAT",
                      .expected = "table, expanded, csv or json",
                      .sql_type = "text",
                      .choices = "table|expanded|csv|json"},
    [VALUE_DOCUMENT_FORMAT] = {.name = "FORMAT",
                               .expected = "table, expanded, csv, json, html, pdf, svg or png",
                               .sql_type = "text",
                               .choices = "table|expanded|csv|json|html|pdf|svg|png"},
    [VALUE_LANGUAGE] = {.name = "en|ja", .expected = "en or ja", .sql_type = "text", .choices = "en|ja"},
    [VALUE_FILE] = {.name = "FILE",
                    .expected = "a file's name",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = VALUE_MAX - 1},
    [VALUE_DIRECTORY] = {.name = "DIR",
                         .expected = "a folder's name",
                         .sql_type = "text",
                         .minimum = 1,
                         .maximum = VALUE_MAX - 1},
    [VALUE_CONNINFO] = {.name = "CONNINFO",
                        .expected = "a libpq connection string, as 'host=/run/pg "
                                    "dbname=atm'",
                        .sql_type = "text",
                        .minimum = 0,
                        .maximum = VALUE_MAX - 1},
    [VALUE_SAN] = {.name = "LIST",
                   .expected = "names as IP:127.0.0.1,DNS:localhost",
                   .sql_type = "text",
                   .minimum = 1,
                   .maximum = VALUE_MAX - 1},
    [VALUE_ANYTHING] = {.name = "TEXT", .expected = "anything", .secret = true},
};

const struct value_row *value_row(enum value_kind kind)
{
        return &rows[kind];
}

static bool check_choice(const char *choices, const char *text)
{
        size_t length = strlen(text);

        if (!length || strchr(text, '|'))
                return false;
        for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
                if (!strncmp(at, text, length) && (at[length] == '|' || !at[length]))
                        return true;
        }
        return false;
}

/* One choice, or two that differ, with a comma between them. */
static bool check_choice_pair(const char *choices, const char *text)
{
        char first[VALUE_MAX];
        const char *comma = strchr(text, ',');

        if (!comma)
                return check_choice(choices, text);
        snprintf(first, sizeof(first), "%.*s", (int)(comma - text), text);
        return check_choice(choices, first) && check_choice(choices, comma + 1) && strcmp(first, comma + 1);
}

static bool check_length(const struct value_row *row, const char *text)
{
        size_t length = strlen(text);

        return length >= (size_t)row->minimum && length <= (size_t)row->maximum;
}

static bool check_number(const struct value_row *row, const char *text, char *ret_canonical)
{
        const char *digits = *text == '-' ? text + 1 : text;
        char *end;
        long long number;

        if (!*digits || strspn(digits, DIGITS) != strlen(digits))
                return false;
        errno = 0;
        number = strtoll(text, &end, 10);
        if (errno || *end || number < row->minimum || number > row->maximum || number > yen_max)
                return false;
        snprintf(ret_canonical, VALUE_MAX, "%lld", number);
        return true;
}

static bool check_plain_text(const struct value_row *row, const char *text)
{
        if (!check_length(row, text))
                return false;
        for (const char *at = text; *at; at++) {
                if ((unsigned char)*at < 0x20 || *at == 0x7f)
                        return false;
        }
        return true;
}

static bool check_luhn(const char *pan)
{
        int sum = 0;
        bool twice = false;

        for (size_t i = strlen(pan); i-- > 0; twice = !twice) {
                int digit = (pan[i] - '0') * (twice ? 2 : 1);

                sum += digit > 9 ? digit - 9 : digit;
        }
        return sum % 10 == 0;
}

static bool check_token(const char *text)
{
        static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        if (strlen(text) != sizeof(form) - 1)
                return false;
        for (size_t i = 0; i < sizeof(form) - 1; i++) {
                if (form[i] == '-' ? text[i] != '-' : !strchr(DIGITS "abcdefABCDEF", text[i]))
                        return false;
        }
        return true;
}

static bool check_expiry(const char *text)
{
        int month;

        if (strlen(text) != 4 || strspn(text, DIGITS) != 4)
                return false;
        month = (text[2] - '0') * 10 + text[3] - '0';
        return month >= 1 && month <= 12;
}

/* Up to 15 digits, and up to 4 behind a point. */
static bool check_decimal(const char *text)
{
        size_t whole = strspn(text, DIGITS), part;

        if (!whole || whole > 15)
                return false;
        if (!text[whole])
                return true;
        part = strspn(text + whole + 1, DIGITS);
        return text[whole] == '.' && part >= 1 && part <= 4 && !text[whole + 1 + part];
}

/* "1", or "0." and up to 6 digits that are not all zero. */
static bool check_scale(const char *text)
{
        size_t digits = strncmp(text, "0.", 2) ? 0 : strspn(text + 2, DIGITS);

        return !strcmp(text, "1") ||
               (digits >= 1 && digits <= 6 && !text[2 + digits] && strspn(text + 2, "0") < digits);
}

static bool check_minute(const char *text, char *ret_canonical)
{
        int minute;

        if (!calendar_parse_minute(text, &minute))
                return false;
        snprintf(ret_canonical, VALUE_MAX, "%d", minute);
        return true;
}

/* "2016-12" */
static bool check_month(const char *text)
{
        char day[11];
        int32_t first;

        snprintf(day, sizeof(day), "%.7s-01", text);
        return strlen(text) == 7 && calendar_parse_day(day, &first);
}

/* "FY2016" or "2016" to "2016" */
static bool check_fiscal_year(const struct value_row *row, const char *text, char *ret_canonical)
{
        if (!strncmp(text, "FY", 2))
                text += 2;
        return strlen(text) == 4 && check_number(row, text, ret_canonical);
}

/* "3Q16" */
static bool is_quarter(const char *text)
{
        return strlen(text) == 4 && text[0] >= '1' && text[0] <= '4' && text[1] == 'Q' &&
               strspn(text + 2, DIGITS) == 2;
}

/* "3Q16", "1Q-3Q16", "1Q-4Q16"; that last is also FY16 and FY2016. */
static bool check_period(const char *text, char *ret_canonical)
{
        static const char from_first[] = "1Q-";
        size_t prefix = sizeof(from_first) - 1;

        if (!strncmp(text, "FY", 2)) {
                size_t length = strlen(text);

                if ((length != 4 && (length != 6 || strncmp(text, "FY20", 4))) ||
                    strspn(text + 2, DIGITS) != length - 2)
                        return false;
                snprintf(ret_canonical, VALUE_MAX, "1Q-4Q%s", text + length - 2);
                return true;
        }
        if (!is_quarter(text) &&
            (strncmp(text, from_first, prefix) || !is_quarter(text + prefix) || text[prefix] == '1'))
                return false;
        strcpy(ret_canonical, text);
        return true;
}

bool value_check(enum value_kind kind, const char *text, char ret_canonical[VALUE_MAX])
{
        const struct value_row *row = &rows[kind];
        int32_t day;
        int64_t moment_ms;
        bool fits;

        if (strlen(text) >= VALUE_MAX)
                return false;
        switch (kind) {
        case VALUE_TIME:
                return check_minute(text, ret_canonical);
        case VALUE_FEE:
        case VALUE_YEN:
        case VALUE_AMOUNT:
        case VALUE_NUMBER:
        case VALUE_DAYS:
        case VALUE_BASIS_POINTS:
        case VALUE_STAN:
        case VALUE_SEQUENCE:
        case VALUE_QUARTER_NUMBER:
                return check_number(row, text, ret_canonical);
        case VALUE_BOOL:
                if (!check_choice(row->choices, text))
                        return false;
                strcpy(ret_canonical, *text == 'y' ? "true" : "false");
                return true;
        case VALUE_REPORT_KEY:
                fits = check_choice_pair(row->choices, text);
                break;
        case VALUE_FISCAL_YEAR:
                return check_fiscal_year(row, text, ret_canonical);
        case VALUE_PERIOD:
                return check_period(text, ret_canonical);
        case VALUE_QUARTER:
                fits = is_quarter(text);
                break;
        case VALUE_MONTH:
                fits = check_month(text);
                break;
        case VALUE_DATE:
                fits = calendar_parse_day(text, &day);
                break;
        case VALUE_MOMENT:
                fits = calendar_parse_day(text, &day) || calendar_parse_moment(text, &moment_ms);
                break;
        case VALUE_EXPIRY:
                fits = check_expiry(text);
                break;
        case VALUE_PAN:
                fits = pan_is_valid(text) && check_luhn(text);
                break;
        case VALUE_SCALE:
                fits = check_scale(text);
                break;
        case VALUE_DECIMAL:
                fits = check_decimal(text);
                break;
        case VALUE_TOKEN:
                fits = check_token(text);
                break;
        case VALUE_NONE:
        case VALUE_ANYTHING:
                fits = true;
                break;
        default:
                if (row->choices)
                        fits = check_choice(row->choices, text);
                else if (row->alphabet)
                        fits = check_length(row, text) && strspn(text, row->alphabet) == strlen(text);
                else
                        fits = check_plain_text(row, text);
        }
        if (fits)
                strcpy(ret_canonical, text);
        return fits;
}

/* Whatever column it is in: a card number in the wrong column of a file is a card number still. */
static void mask_long_numbers(char *text)
{
        enum { PAN_SHORTEST = 12, SHOWN_HEAD = 6, SHOWN_TAIL = 4 };

        while (*text) {
                size_t run = strspn(text, DIGITS);

                if (run >= PAN_SHORTEST)
                        memset(text + SHOWN_HEAD, '*', run - SHOWN_HEAD - SHOWN_TAIL);
                text += run ? run : 1;
        }
}

void value_show(enum value_kind kind, const char *text, char *buffer, size_t size)
{
        enum { SHOWN_MAX = 60 };
        char copy[VALUE_MAX];
        size_t length = strlen(text);

        if (rows[kind].secret && !pan_is_valid(text)) {
                snprintf(buffer, size, "a value of %zu characters", length);
                return;
        }
        snprintf(copy, sizeof(copy), "%s", text);
        mask_long_numbers(copy);
        if (length > SHOWN_MAX) {
                size_t cut = SHOWN_MAX;

                while (cut && ((unsigned char)copy[cut] & 0xc0) == 0x80)
                        cut--; /* not within a character of UTF-8 */
                copy[cut] = '\0';
        }
        for (char *at = copy; *at; at++) {
                if ((unsigned char)*at < 0x20 || *at == 0x7f)
                        *at = '?';
        }
        snprintf(buffer, size, "'%s%s'", copy, length > SHOWN_MAX ? "..." : "");
}
