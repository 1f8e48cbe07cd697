/* The kinds of values as rows, and the checks that they name. */
#include "tools/atmctl/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/digits.h"
#include "lib/base/nearest.h"
#include "lib/base/number.h"
#include "protocol/balances.h"
#include "protocol/profile.h"
#include "rules/calendar.h"
#include "rules/reasons.h"
#include "rules/reference.h"
#include "backoffice/books/result_items.h"
#include "lib/base/utf8.h"
#include "lib/db/conninfo.h"
#include "lib/security/pki.h"

#define DIGITS   "0123456789"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define SMALL    "abcdefghijklmnopqrstuvwxyz"

enum { FEE_MAX_YEN = 1000000, FISCAL_YEAR_FIRST = 2000 };

/* checks ---------------------------------------------------------------------------------------------- */

static bool is_choice(const char *choices, const char *text)
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

static bool check_choice(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)ret_canonical;
        return is_choice(row->choices, text);
}

/* One choice, or two that differ, with a comma between them. */
static bool check_choice_pair(const struct value_row *row, const char *text, char *ret_canonical)
{
        char first[VALUE_MAX];
        const char *comma = strchr(text, ',');

        (void)ret_canonical;
        if (!comma)
                return is_choice(row->choices, text);
        snprintf(first, sizeof(first), "%.*s", (int)(comma - text), text);
        return is_choice(row->choices, first) && is_choice(row->choices, comma + 1) &&
               strcmp(first, comma + 1);
}

static bool has_length(const struct value_row *row, const char *text)
{
        size_t length = strlen(text);

        return length >= (size_t)row->minimum && length <= (size_t)row->maximum;
}

static bool check_code(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)ret_canonical;
        return has_length(row, text) && strspn(text, row->alphabet) == strlen(text);
}

static bool check_number(const struct value_row *row, const char *text, char *ret_canonical)
{
        int64_t number;

        if (!number_parse(text, row->minimum, row->maximum, &number))
                return false;
        snprintf(ret_canonical, VALUE_MAX, "%" PRId64, number);
        return true;
}

/* What only the system reads, as paths: no business of ours otherwise. */
static bool check_text(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)ret_canonical;
        if (!has_length(row, text))
                return false;
        for (const char *at = text; *at; at++) {
                if ((unsigned char)*at < 0x20 || *at == 0x7f)
                        return false;
        }
        return true;
}

/* Everybody on the machine can read a program's arguments. */
static bool check_conninfo(const struct value_row *row, const char *text, char *ret_canonical)
{
        return check_text(row, text, ret_canonical) && !conninfo_has_password(text);
}

/* The names that a server's certificate is to have. */
static bool check_san(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)row, (void)ret_canonical;
        return pki_names_are_good(text);
}

/* What tables, pages and terminals will show. */
static bool check_name(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)ret_canonical;
        return has_length(row, text) && utf8_is_line(text);
}

static bool has_check_digit(const char *pan)
{
        int sum = 0;
        bool twice = false;

        for (size_t i = strlen(pan); i-- > 0; twice = !twice) {
                int digit = (pan[i] - '0') * (twice ? 2 : 1);

                sum += digit > 9 ? digit - 9 : digit;
        }
        return sum % 10 == 0;
}

static bool check_token(const struct value_row *row, const char *text, char *ret_canonical)
{
        static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        (void)row, (void)ret_canonical;
        if (strlen(text) != sizeof(form) - 1)
                return false;
        for (size_t i = 0; i < sizeof(form) - 1; i++) {
                if (form[i] == '-' ? text[i] != '-' : !strchr(DIGITS "abcdefABCDEF", text[i]))
                        return false;
        }
        return true;
}

static bool check_expiry(const struct value_row *row, const char *text, char *ret_canonical)
{
        int month;

        (void)row, (void)ret_canonical;
        if (strlen(text) != 4 || strspn(text, DIGITS) != 4)
                return false;
        month = (int)number_known(text + 2);
        return month >= 1 && month <= 12;
}

/* Up to 15 digits, and up to 4 behind a point. */
static bool check_decimal(const struct value_row *row, const char *text, char *ret_canonical)
{
        size_t whole = strspn(text, DIGITS), part;

        (void)row, (void)ret_canonical;
        if (!whole || whole > 15)
                return false;
        if (!text[whole])
                return true;
        part = strspn(text + whole + 1, DIGITS);
        return text[whole] == '.' && part >= 1 && part <= 4 && !text[whole + 1 + part];
}

/* "1", or "0." and up to 6 digits that are not all zero. */
static bool check_scale(const struct value_row *row, const char *text, char *ret_canonical)
{
        size_t digits = strncmp(text, "0.", 2) ? 0 : strspn(text + 2, DIGITS);

        (void)row, (void)ret_canonical;
        return !strcmp(text, "1") ||
               (digits >= 1 && digits <= 6 && !text[2 + digits] && strspn(text + 2, "0") < digits);
}

/* Of a company or of a person: both have 13 digits. */
static bool check_registration(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)row, (void)ret_canonical;
        return *text == 'T' && strlen(text) == 14 && strspn(text + 1, DIGITS) == 13;
}

static bool check_minute(const struct value_row *row, const char *text, char *ret_canonical)
{
        int minute;

        (void)row;
        if (!calendar_parse_minute(text, &minute))
                return false;
        snprintf(ret_canonical, VALUE_MAX, "%d", minute);
        return true;
}

/* "2016-12", "2016/12" */
static bool check_month(const struct value_row *row, const char *text, char *ret_canonical)
{
        char day[11];
        int32_t first;

        (void)row;
        if (strlen(text) != 7)
                return false;
        snprintf(day, sizeof(day), "%.4s%c%.2s-01", text, text[4] == '/' ? '-' : text[4], text + 5);
        if (!calendar_parse_day(day, &first))
                return false;
        snprintf(ret_canonical, VALUE_MAX, "%.7s", day);
        return true;
}

static void write_capitals(const char *text, char ret_capitals[VALUE_MAX])
{
        size_t i = 0;

        for (; text[i]; i++)
                ret_capitals[i] = (char)toupper((unsigned char)text[i]);
        ret_capitals[i] = '\0';
}

/* "FY2016", "fy2016" or "2016" to "2016" */
static bool check_fiscal_year(const struct value_row *row, const char *text, char *ret_canonical)
{
        if (!strncasecmp(text, "FY", 2))
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
static bool check_period(const struct value_row *row, const char *given, char *ret_canonical)
{
        static const char from_first[] = "1Q-";
        size_t prefix = sizeof(from_first) - 1;
        char text[VALUE_MAX];

        (void)row;
        write_capitals(given, text);
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

static bool check_quarter(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)row;
        write_capitals(text, ret_canonical);
        return is_quarter(ret_canonical);
}

static bool check_quarter_or_number(const struct value_row *row, const char *text, char *ret_canonical)
{
        return check_quarter(row, text, ret_canonical) || check_number(row, text, ret_canonical);
}

/* "2016/1/5", as spreadsheets write it. */
static bool parse_slashes(const char *text, int32_t *ret_day)
{
        int year, month, day, length = 0;
        char normal[16];

        if (strspn(text, "0123456789") != 4 ||
            sscanf(text, "%4d/%2d/%2d%n", &year, &month, &day, &length) != 3 || text[length] ||
            text[strspn(text, "0123456789/")])
                return false;
        snprintf(normal, sizeof(normal), "%04d-%02d-%02d", year, month % 100, day % 100);
        return calendar_parse_day(normal, ret_day);
}

bool value_parse_day(const char *text, int32_t *ret_day)
{
        return calendar_parse_day(text, ret_day) || parse_slashes(text, ret_day);
}

static bool check_day(const struct value_row *row, const char *text, char *ret_canonical)
{
        int32_t day;

        (void)row;
        if (!value_parse_day(text, &day))
                return false;
        calendar_print_day(day, ret_canonical);
        return true;
}

static bool check_moment(const struct value_row *row, const char *text, char *ret_canonical)
{
        int32_t day;
        int64_t moment_ms;

        (void)row;
        if (!value_parse_day(text, &day))
                return calendar_parse_moment(text, &moment_ms);
        calendar_print_day(day, ret_canonical);
        return true;
}

static bool check_pan(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)row, (void)ret_canonical;
        return pan_is_valid(text) && has_check_digit(text);
}

static bool check_bool(const struct value_row *row, const char *text, char *ret_canonical)
{
        if (!is_choice(row->choices, text))
                return false;
        strcpy(ret_canonical, *text == 'y' ? "true" : "false");
        return true;
}

static bool check_reason(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)row;
        for (int i = 0; i < REASON_COUNT; i++) {
                if (!strcasecmp(reason_rows[i].name, text)) {
                        strcpy(ret_canonical, reason_rows[i].name);
                        return true;
                }
        }
        return false;
}

static bool check_nothing(const struct value_row *row, const char *text, char *ret_canonical)
{
        (void)row, (void)text, (void)ret_canonical;
        return true;
}

/* rows ------------------------------------------------------------------------------------------------ */

static const struct value_row rows[VALUE_KIND_COUNT] = {
    [VALUE_NONE] = {.name = "", .expected = "no value", .check = check_nothing},
    [VALUE_TEXT] =
        {.name = "TEXT",
         .expected = "a text of 1 to 200 bytes in UTF-8, without control characters and marks of direction",
         .sql_type = "text",
         .minimum = 1,
         .maximum = 200,
         .check = check_name},
    [VALUE_PREFECTURE] =
        {.name = "PREFECTURE",
         .expected =
             "a prefecture's name of 1 to 31 bytes, without control characters and marks of direction",
         .sql_type = "text",
         .minimum = 1,
         .maximum = PREFECTURE_MAX,
         .check = check_name},
    [VALUE_AREA] = {.name = "AREA",
                    .expected = "1 to 15 letters, digits, '_' or '-', as kanto",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = AREA_MAX,
                    .alphabet = SMALL CAPITALS DIGITS "_-",
                    .check = check_code},
    [VALUE_HALL] = {.name = "HALL",
                    .expected = "1 to 15 capitals, digits or '-', as H00001",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = HALL_MAX,
                    .alphabet = CAPITALS DIGITS "-",
                    .check = check_code},
    [VALUE_TERMINAL] = {.name = "TERMINAL",
                        .expected = "8 capitals or digits, as T0000001",
                        .sql_type = "text",
                        .minimum = TERMINAL_LENGTH,
                        .maximum = TERMINAL_LENGTH,
                        .alphabet = CAPITALS DIGITS,
                        .check = check_code},
    [VALUE_ISSUER] = {.name = "ISSUER",
                      .expected = "1 to 11 capitals or digits, as HOUSE",
                      .sql_type = "text",
                      .minimum = 1,
                      .maximum = ISSUER_MAX,
                      .alphabet = CAPITALS DIGITS,
                      .check = check_code},
    [VALUE_LINK] = {.name = "LINK",
                    .expected = "1 to 11 capitals or digits, as BANKA",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = ISSUER_MAX,
                    .alphabet = CAPITALS DIGITS,
                    .check = check_code},
    [VALUE_PREFIX] = {.name = "PREFIX",
                      .expected = "1 to 10 digits, as 990001",
                      .sql_type = "text",
                      .minimum = 1,
                      .maximum = PREFIX_MAX,
                      .alphabet = DIGITS,
                      .check = check_code},
    [VALUE_DATE] = {.name = "DATE",
                    .expected = "a date as 2016-12-31",
                    .sql_type = "date",
                    .check = check_day},
    [VALUE_MONTH] = {.name = "MONTH",
                     .expected = "a month as 2016-12",
                     .sql_type = "text",
                     .check = check_month},
    [VALUE_FISCAL_YEAR] = {.name = "YEAR",
                           .expected =
                               "a fiscal year from 2000 to 2099, as 2016 or FY2016: April 2016 to March 2017",
                           .sql_type = "integer",
                           .minimum = FISCAL_YEAR_FIRST,
                           .maximum = FISCAL_YEAR_FIRST + 99,
                           .check = check_fiscal_year},
    [VALUE_QUARTER_NUMBER] = {.name = "QUARTER",
                              .expected =
                                  "a quarter as 3Q16, October to December 2016, or of --fy its number "
                                  "from 1 to 4",
                              .sql_type = "text",
                              .minimum = 1,
                              .maximum = 4,
                              .check = check_quarter_or_number},
    [VALUE_QUARTER] = {.name = "QUARTER",
                       .expected = "a quarter as 3Q16: October to December 2016",
                       .sql_type = "text",
                       .check = check_quarter},
    [VALUE_PERIOD] = {.name = "PERIOD",
                      .expected = "a quarter as 3Q16, several from the first as 1Q-3Q16, or a year as FY2016",
                      .sql_type = "text",
                      .check = check_period},
    [VALUE_TIME] = {.name = "TIME",
                    .expected = "a time from 00:00 to 24:00, as 08:45",
                    .sql_type = "integer",
                    .check = check_minute},
    [VALUE_MOMENT] = {.name = "MOMENT",
                      .expected = "a moment as 2016-12-31T18:00 (Japan time unless it ends in Z or an "
                                  "offset) or a date as 2016-12-31",
                      .sql_type = "text",
                      .check = check_moment},
    [VALUE_FEE] = {.name = "YEN",
                   .expected = "whole yen from 0 to 1000000",
                   .sql_type = "bigint",
                   .minimum = 0,
                   .maximum = FEE_MAX_YEN,
                   .check = check_number},
    [VALUE_YEN] = {.name = "YEN",
                   .expected = "whole yen from 0 to 1000000000000000, as 80000",
                   .sql_type = "bigint",
                   .minimum = 0,
                   .maximum = 1000000000000000,
                   .check = check_number},
    [VALUE_CLAIM] = {.name = "YEN",
                     .expected = "whole yen from 1 to 999999999, as 3000",
                     .sql_type = "bigint",
                     .minimum = 1,
                     .maximum = 999999999,
                     .check = check_number},
    [VALUE_BALANCE] = {.name = "YEN",
                       .expected = "whole yen from 0 to 999999999999, which an ATM can be told",
                       .sql_type = "bigint",
                       .minimum = 0,
                       .maximum = BALANCE_MAX_YEN,
                       .check = check_number},
    [VALUE_NUMBER] = {.name = "N",
                      .expected = "a whole number from 1 to 1000000000",
                      .sql_type = "bigint",
                      .minimum = 1,
                      .maximum = 1000000000,
                      .check = check_number},
    [VALUE_DAYS] = {.name = "DAYS",
                    .expected = "a whole number of days from -36500 to 36500",
                    .sql_type = "integer",
                    .minimum = -36500,
                    .maximum = 36500,
                    .check = check_number},
    [VALUE_BASIS_POINTS] = {.name = "BP",
                            .expected = "basis points from 0 to 10000 (800 is 8 %)",
                            .sql_type = "integer",
                            .minimum = 0,
                            .maximum = 10000,
                            .check = check_number},
    [VALUE_REGISTRATION] = {.name = "REGISTRATION",
                            .expected = "a registration number: T and 13 digits, as T1234567890123",
                            .sql_type = "text",
                            .check = check_registration},
    [VALUE_BOOL] = {.name = "yes|no",
                    .expected = "yes or no",
                    .sql_type = "boolean",
                    .choices = "yes|no",
                    .check = check_bool},
    [VALUE_BAND] = {.name = "day|other",
                    .expected = "day or other",
                    .sql_type = "text",
                    .choices = "day|other",
                    .check = check_choice},
    [VALUE_CARD_KIND] = {.name = "KIND",
                         .expected = "cash, credit or loan",
                         .sql_type = "text",
                         .choices = "cash|credit|loan",
                         .check = check_choice},
    [VALUE_ROUNDING] = {.name = "ROUNDING",
                        .expected = "down, nearest or up",
                        .sql_type = "text",
                        .choices = "down|nearest|up",
                        .check = check_choice},
    [VALUE_LIMIT_KIND] = {.name = "KIND",
                          .expected = "day_yen, month_yen or day_count",
                          .sql_type = "text",
                          .choices = "day_yen|month_yen|day_count",
                          .check = check_choice},
    [VALUE_DAY_KIND] = {.name = "weekday|off",
                        .expected = "weekday or off",
                        .sql_type = "text",
                        .choices = "weekday|off",
                        .check = check_choice},
    [VALUE_HOLIDAY_SOURCE] = {.name = "SOURCE",
                              .expected = "package or operator",
                              .sql_type = "text",
                              .choices = "package|operator",
                              .check = check_choice},
    [VALUE_CARD_STATUS] = {.name = "STATUS",
                           .expected = "active, lost or stolen",
                           .sql_type = "text",
                           .choices = "active|lost|stolen",
                           .check = check_choice},
    [VALUE_CARD_STATUS_ANY] = {.name = "STATUS",
                               .expected = "active, lost, stolen or replaced",
                               .sql_type = "text",
                               .choices = "active|lost|stolen|replaced",
                               .check = check_choice},
    [VALUE_CARD_END] = {.name = "STATUS",
                        .expected = "lost, stolen or replaced",
                        .sql_type = "text",
                        .choices = "lost|stolen|replaced",
                        .check = check_choice},
    [VALUE_EXPIRY] = {.name = "YYMM",
                      .expected = "year and month as YYMM, as 2103",
                      .sql_type = "text",
                      .check = check_expiry},
    [VALUE_PIN_METHOD] = {.name = "METHOD",
                          .expected = "none, pvv or offset",
                          .sql_type = "text",
                          .choices = "none|pvv|offset",
                          .check = check_choice},
    [VALUE_PIN_TRIES] = {.name = "N",
                         .expected = "a whole number from 1 to 99",
                         .sql_type = "smallint",
                         .minimum = 1,
                         .maximum = PIN_TRIES_MAX_MAX,
                         .check = check_number},
    [VALUE_PIN_VALUE] = {.name = "VALUE",
                         .expected = "a PVV of 4 digits, or an offset of 4 to 12; no PIN",
                         .sql_type = "text",
                         .minimum = 4,
                         .maximum = 12,
                         .alphabet = DIGITS,
                         .secret = true,
                         .check = check_code},
    [VALUE_PAN] = {.name = "PAN",
                   .expected = "a card number of 12 to 19 digits with a right check digit",
                   .sql_type = "text",
                   .secret = true,
                   .check = check_pan},
    [VALUE_PAN_STDIN] = {.name = "-",
                         .expected = "'-': the card number is read from standard input, so that "
                                     "no list of processes shows it",
                         .sql_type = "text",
                         .choices = "-",
                         .secret = true,
                         .check = check_choice},
    [VALUE_TOKEN] = {.name = "TOKEN",
                     .expected = "a card token as 6e2f33a1-9a59-4d6e-8b4e-0f6a1c2d3e4f",
                     .sql_type = "uuid",
                     .check = check_token},
    [VALUE_STAN] = {.name = "STAN",
                    .expected = "a trace number from 0 to 999999",
                    .sql_type = "integer",
                    .minimum = 0,
                    .maximum = 999999,
                    .check = check_number},
    [VALUE_SEQUENCE] = {.name = "SEQ",
                        .expected = "a number from 0 to 32767",
                        .sql_type = "smallint",
                        .minimum = 0,
                        .maximum = 32767,
                        .check = check_number},
    [VALUE_RRN] = {.name = "RRN",
                   .expected = "12 digits: YDDDHH and the trace number",
                   .sql_type = "text",
                   .minimum = 12,
                   .maximum = 12,
                   .alphabet = DIGITS,
                   .check = check_code},
    [VALUE_STATE] = {.name = "STATE",
                     .expected = "asked, approved, completed, reversed, declined or blocked",
                     .sql_type = "text",
                     .choices = "asked|approved|completed|reversed|declined|blocked",
                     .check = check_choice},
    [VALUE_REASON] = {.name = "REASON",
                      .expected = "a reason's name, as 'atmctl withdrawal list' has it: ISSUER_UNAVAILABLE",
                      .sql_type = "text",
                      .check = check_reason},
    [VALUE_RESPONSE] = {.name = "CODE",
                        .expected = "2 digits, as 91",
                        .sql_type = "text",
                        .minimum = 2,
                        .maximum = 2,
                        .alphabet = DIGITS,
                        .check = check_code},
    [VALUE_REPORT_KEY] =
        {.name = "WHAT",
         .expected = "one or two of area, prefecture, hall, atm, issuer, band, hour, day, month, quarter and "
                     "fy, as area or area,quarter",
         .sql_type = "text",
         .choices = "area|prefecture|hall|atm|issuer|band|hour|day|month|quarter|fy",
         .check = check_choice_pair},
    [VALUE_COMPARISON] = {.name = "yoy|qoq",
                          .expected = "yoy (a year before) or qoq (a quarter before)",
                          .sql_type = "text",
                          .choices = "yoy|qoq",
                          .check = check_choice},
    [VALUE_FLEET_KEY] = {.name = "WHAT",
                         .expected = "atm, hall or area",
                         .sql_type = "text",
                         .choices = "atm|hall|area",
                         .check = check_choice},
    [VALUE_FLEET_SECTION] = {.name = "SECTION",
                             .expected = "ranking, penetration or comparison",
                             .sql_type = "text",
                             .choices = "ranking|penetration|comparison",
                             .check = check_choice},
    [VALUE_COST_ITEM] = {.name = "ITEM",
                         .expected = "cash_in_transit, network, maintenance, depreciation, sga or capex",
                         .sql_type = "text",
                         .choices = "cash_in_transit|network|maintenance|depreciation|sga|capex",
                         .check = check_choice},
    [VALUE_RESULT_ITEM] = {.name = "ITEM",
                           .expected = "an item of 'atmctl report results', as revenue or sga",
                           .sql_type = "text",
                           .choices = RESULT_ITEM_CHOICES,
                           .check = check_choice},
    [VALUE_PEER] = {.name = "PEER",
                    .expected = "1 to 15 capitals or digits, as SEVENBANK",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = 15,
                    .alphabet = CAPITALS DIGITS,
                    .check = check_code},
    [VALUE_PEER_ITEM] = {.name = "ITEM",
                         .expected = "atms, revenue_yen, transactions_per_atm_day, fee_yen_per_transaction, "
                                     "profit_ratio_percent or availability_percent",
                         .sql_type = "text",
                         .choices = "atms|revenue_yen|transactions_per_atm_day|fee_yen_per_transaction|"
                                    "profit_ratio_percent|availability_percent",
                         .check = check_choice},
    [VALUE_RATE_ITEM] = {.name = "ITEM",
                         .expected = "income_tax or non_controlling_share",
                         .sql_type = "text",
                         .choices = "income_tax|non_controlling_share",
                         .check = check_choice},
    [VALUE_AMOUNT] =
        {.name = "N",
         .expected = "whole yen, or a whole number of things, from -1000000000000000 to 1000000000000000",
         .sql_type = "bigint",
         .minimum = -1000000000000000,
         .maximum = 1000000000000000,
         .check = check_number},
    [VALUE_DECIMAL] = {.name = "N.N",
                       .expected = "a number with at most 4 decimals, as 98.8",
                       .sql_type = "numeric",
                       .check = check_decimal},
    [VALUE_JOURNALS_KEY] = {.name = "WHAT",
                            .expected = "day, month, issuer or atm",
                            .sql_type = "text",
                            .choices = "day|month|issuer|atm",
                            .check = check_choice},
    [VALUE_SCALE] = {.name = "SCALE",
                     .expected = "a scale above 0 and up to 1 with at most 6 decimals, as 0.01",
                     .sql_type = "text",
                     .check = check_scale},
    [VALUE_TRAIL_NOUN] =
        {.name = "NOUN",
         .expected =
             "area, hall, atm, issuer, prefix, tariff, tax, holiday, limit, hours, card, account, pin, "
             "exclusion, "
             "withdrawal, saf, contract, cost, target, published, peer, rate, period, clock, key, session, "
             "epoch, recovery, claim or key-set",
         .sql_type = "text",
         .choices = "area|hall|atm|issuer|prefix|tariff|tax|holiday|limit|hours|card|account|pin|exclusion|"
                    "withdrawal|saf|contract|cost|target|published|peer|rate|period|clock|key|session|epoch|"
                    "recovery|claim|key-set",
         .check = check_choice},
    [VALUE_KEY_SET] = {.name = "N",
                       .expected = "a set's number from 1 to 9999",
                       .sql_type = "integer",
                       .minimum = 1,
                       .maximum = 9999,
                       .check = check_number},
    [VALUE_KEY_SET_KIND] = {.name = "KIND",
                            .expected = "kek, working or verification",
                            .sql_type = "text",
                            .choices = "kek|working|verification",
                            .check = check_choice},
    [VALUE_KEY_SET_STATE] = {.name = "STATE",
                             .expected = "loaded, current or retired",
                             .sql_type = "text",
                             .choices = "loaded|current|retired",
                             .check = check_choice},
    [VALUE_KEY_ALGORITHM] = {.name = "ALGORITHM",
                             .expected = "aes or tdes",
                             .sql_type = "text",
                             .choices = "aes|tdes",
                             .check = check_choice},
    [VALUE_CHECK_VALUE] = {.name = "DIGITS",
                           .expected = "a check value of 6 to 10 digits of hexadecimal, as 0a1b2c",
                           .sql_type = "text",
                           .minimum = 6,
                           .maximum = 10,
                           .alphabet = DIGITS "abcdefABCDEF",
                           .check = check_code},
    [VALUE_PIN_TABLE] = {.name = "DIGITS",
                         .expected = "a decimalisation table of 16 digits, as 0123456789012345",
                         .sql_type = "text",
                         .minimum = 16,
                         .maximum = 16,
                         .alphabet = DIGITS,
                         .check = check_code},
    [VALUE_COLUMNS] = {.name = "COLUMN,...",
                       .expected = "columns as CSV names them, with commas between them",
                       .sql_type = "text",
                       .minimum = 1,
                       .maximum = VALUE_MAX - 1,
                       .check = check_text},
    [VALUE_SORT] = {.name = "COLUMN,...",
                    .expected = "columns as CSV names them, with commas between them, as hall,-amount_yen",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = VALUE_MAX - 1,
                    .check = check_text},
    [VALUE_SECONDS] = {.name = "SECONDS",
                       .expected = "whole seconds from 1 to 86400",
                       .sql_type = "integer",
                       .minimum = 1,
                       .maximum = 86400,
                       .check = check_number},
    [VALUE_FORMAT] = {.name = "FORMAT",
                      .letter = 'o',
                      .expected = "table, expanded, csv, json or xlsx",
                      .sql_type = "text",
                      .choices = "table|expanded|csv|json|xlsx",
                      .check = check_choice},
    [VALUE_DOCUMENT_FORMAT] = {.name = "FORMAT",
                               .letter = 'o',
                               .expected = "table, expanded, csv, json, xlsx, html, pdf, svg or png",
                               .sql_type = "text",
                               .choices = "table|expanded|csv|json|xlsx|html|pdf|svg|png",
                               .check = check_choice},
    [VALUE_LANGUAGE] = {.name = "en|ja",
                        .expected = "en or ja",
                        .sql_type = "text",
                        .choices = "en|ja",
                        .check = check_choice},
    [VALUE_FILE] = {.name = "FILE",
                    .expected = "a file's name",
                    .sql_type = "text",
                    .minimum = 1,
                    .maximum = VALUE_MAX - 1,
                    .check = check_text},
    [VALUE_DIRECTORY] = {.name = "DIR",
                         .expected = "a folder's name",
                         .sql_type = "text",
                         .minimum = 1,
                         .maximum = VALUE_MAX - 1,
                         .check = check_text},
    [VALUE_CONNINFO] = {.name = "CONNINFO",
                        .expected =
                            "a libpq connection string, as 'host=/run/pg dbname=atm'; a password, which "
                            "others would see here, is for PGPASSFILE",
                        .sql_type = "text",
                        .minimum = 0,
                        .maximum = VALUE_MAX - 1,
                        .secret = true,
                        .check = check_conninfo},
    [VALUE_SAN] = {.name = "LIST",
                   .expected = "names as IP:127.0.0.1,DNS:localhost, each an address or a name",
                   .sql_type = "text",
                   .check = check_san},
    [VALUE_LOGIN] = {.name = "NAME",
                     .expected = "a name of 1 to 63 letters, digits, '_', '-' and '.'",
                     .sql_type = "text",
                     .minimum = 1,
                     .maximum = 63,
                     .alphabet = CAPITALS SMALL DIGITS "_-.",
                     .check = check_code},
    [VALUE_ANYTHING] = {.name = "TEXT", .expected = "anything", .secret = true, .check = check_nothing},
};

const struct value_row *value_row(enum value_kind kind)
{
        return &rows[kind];
}

bool value_check(enum value_kind kind, const char *text, char ret_canonical[VALUE_MAX])
{
        *ret_canonical = '\0';
        if (strlen(text) >= VALUE_MAX || !rows[kind].check(&rows[kind], text, ret_canonical))
                return false;
        if (!*ret_canonical)
                strcpy(ret_canonical, text);
        return true;
}

const char *value_meant(enum value_kind kind, const char *text, char buffer[VALUE_MAX])
{
        struct nearest nearest;
        char *rest = buffer;

        nearest_begin(&nearest, text, strlen(text));
        for (int i = 0; kind == VALUE_REASON && i < REASON_COUNT; i++)
                nearest_try(&nearest, reason_rows[i].name);
        snprintf(buffer, VALUE_MAX, "%s", rows[kind].choices ? rows[kind].choices : "");
        for (const char *word = strtok_r(buffer, "|", &rest); word; word = strtok_r(NULL, "|", &rest))
                nearest_try(&nearest, word);
        return nearest.found;
}

void value_show(enum value_kind kind, const char *text, char *buffer, size_t size)
{
        enum { SHOWN_MAX = 60 };
        char copy[VALUE_MAX], shown[UTF8_GROWTH * SHOWN_MAX + 1];
        size_t length = strlen(text);

        if (rows[kind].secret && !pan_is_valid(text)) {
                snprintf(buffer, size, "a value of %zu characters", length);
                return;
        }
        snprintf(copy, sizeof(copy), "%s", text);
        digits_mask(copy);
        if (length > SHOWN_MAX) {
                size_t cut = SHOWN_MAX;

                while (cut && ((unsigned char)copy[cut] & 0xc0) == 0x80)
                        cut--; /* not within a character of UTF-8 */
                copy[cut] = '\0';
        }
        utf8_show(copy, "", shown, sizeof(shown));
        snprintf(buffer, size, "'%s%s'", shown, length > SHOWN_MAX ? "..." : "");
}
