/* Protects tools/atmctl/value.c: what each kind of value takes, in which form it goes on, and what is shown
 * of it. */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rules/calendar.h"
#include "tools/atmctl/days.h"
#include "tools/atmctl/value.h"
#include "tests/suite.h"

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static const struct {
        enum value_kind kind;
        const char *text, *canonical; /* NULL: refused */
} values[] = {
    {VALUE_NONE, "", ""},
    {VALUE_TEXT, "丸の内", "丸の内"},
    {VALUE_TEXT, "", NULL},
    {VALUE_TEXT, "two\nlines", NULL},
    {VALUE_TEXT, "カジノ\U0001F3B0", "カジノ\U0001F3B0"},
    {VALUE_TEXT, "\u05e9\u05dc\u05d5\u05dd", "\u05e9\u05dc\u05d5\u05dd"}, /* Hebrew goes its way by itself */
    {VALUE_TEXT,
     "a\xc2\x9b"
     "b",
     NULL}, /* a terminal takes it for an escape */
    {VALUE_TEXT, "a\x7f", NULL},
    {VALUE_TEXT, "a\u2028b", NULL},
    {VALUE_TEXT, "a\u202eb", NULL},
    {VALUE_TEXT, "a\u2067b", NULL},
    {VALUE_TEXT, "a\U0010ffff", NULL},
    {VALUE_TEXT, "a\ufdd0", NULL},
    {VALUE_TEXT, "a\u200fb", NULL},
    {VALUE_TEXT, "a\xff", NULL}, /* no UTF-8 */
    {VALUE_TEXT, "\xe4\xb8", NULL},
    {VALUE_TEXT, "\xc0\x80", NULL},
    {VALUE_TEXT, "\xed\xa0\x80", NULL},
    {VALUE_PREFECTURE, "東京都", "東京都"},
    {VALUE_PREFECTURE, "東京\xc2\x85", NULL},
    {VALUE_FILE, "a\xff", "a\xff"}, /* the system's to know */
    {VALUE_REGISTRATION, "T1234567890123", "T1234567890123"},
    {VALUE_REGISTRATION, "T0000000000000", "T0000000000000"},
    {VALUE_REGISTRATION, "1234567890123", NULL},
    {VALUE_REGISTRATION, "t1234567890123", NULL},
    {VALUE_REGISTRATION, "T123456789012", NULL},
    {VALUE_REGISTRATION, "T12345678901234", NULL},
    {VALUE_REGISTRATION, "T123456789012x", NULL},
    {VALUE_REGISTRATION, "", NULL},
    {VALUE_CLAIM, "3000", "3000"},
    {VALUE_CLAIM, "0", NULL},
    {VALUE_BALANCE, "999999999999", "999999999999"},
    {VALUE_BALANCE, "1000000000000", NULL},
    {VALUE_TERMINAL, "T0000001", "T0000001"},
    {VALUE_TERMINAL, "T000001", NULL},
    {VALUE_TERMINAL, "t0000001", NULL},
    {VALUE_DATE, "2016-02-29", "2016-02-29"},
    {VALUE_DATE, "2015-02-29", NULL},
    {VALUE_DATE, "2016/12/31", "2016-12-31"},
    {VALUE_DATE, "2016/1/5", "2016-01-05"}, /* as spreadsheets write it */
    {VALUE_DATE, "2016/13/1", NULL},
    {VALUE_DATE, "2016/1/5x", NULL},
    {VALUE_DATE, "2016/-1/5", NULL},
    {VALUE_DATE, "today", NULL}, /* a file means the same whenever it is read */
    {VALUE_DATE, "-7d", NULL},
    {VALUE_MOMENT, "2016/12/31", "2016-12-31"},
    {VALUE_MONTH, "2016/12", "2016-12"},
    {VALUE_FISCAL_YEAR, "fy2016", "2016"},
    {VALUE_QUARTER, "3q16", "3Q16"},
    {VALUE_QUARTER_NUMBER, "3q16", "3Q16"},
    {VALUE_PERIOD, "1q-3q16", "1Q-3Q16"},
    {VALUE_PERIOD, "fy16", "1Q-4Q16"},
    {VALUE_MONTH, "2016-12", "2016-12"},
    {VALUE_MONTH, "2016-13", NULL},
    {VALUE_MONTH, "2016-12-01", NULL},
    {VALUE_FISCAL_YEAR, "FY2016", "2016"},
    {VALUE_FISCAL_YEAR, "2016", "2016"},
    {VALUE_FISCAL_YEAR, "1999", NULL},
    {VALUE_QUARTER_NUMBER, "4", "4"},
    {VALUE_QUARTER_NUMBER, "5", NULL},
    {VALUE_QUARTER, "3Q16", "3Q16"},
    {VALUE_QUARTER, "5Q16", NULL},
    {VALUE_PERIOD, "FY2016", "1Q-4Q16"},
    {VALUE_PERIOD, "FY16", "1Q-4Q16"},
    {VALUE_PERIOD, "1Q-3Q16", "1Q-3Q16"},
    {VALUE_PERIOD, "1Q-1Q16", NULL},
    {VALUE_PERIOD, "2Q-3Q16", NULL},
    {VALUE_TIME, "08:45", "525"},
    {VALUE_TIME, "24:00", "1440"},
    {VALUE_TIME, "24:01", NULL},
    {VALUE_MOMENT, "2016-12-31", "2016-12-31"},
    {VALUE_MOMENT, "2016-12-31T18:00", "2016-12-31T18:00"},
    {VALUE_MOMENT, "yesterday", NULL},
    {VALUE_FEE, "000108", "108"},
    {VALUE_FEE, "1000000", "1000000"},
    {VALUE_FEE, "1000001", NULL},
    {VALUE_FEE, "-1", NULL},
    {VALUE_YEN, "99999999999999999999", NULL},
    {VALUE_NUMBER, "1000000000", "1000000000"},
    {VALUE_NUMBER, "1000000001", NULL},
    {VALUE_NUMBER, "-1", NULL},
    {VALUE_NUMBER, "+1", NULL},
    {VALUE_DAYS, "-36500", "-36500"},
    {VALUE_DAYS, "-36501", NULL},
    {VALUE_AMOUNT, "-0", "0"},
    {VALUE_BOOL, "yes", "true"},
    {VALUE_BOOL, "no", "false"},
    {VALUE_BOOL, "true", NULL},
    {VALUE_BAND, "other", "other"},
    {VALUE_BAND, "oth", NULL},
    {VALUE_BAND, "day|other", NULL},
    {VALUE_BAND, "", NULL},
    {VALUE_EXPIRY, "2112", "2112"},
    {VALUE_EXPIRY, "2113", NULL},
    {VALUE_PAN, "9900010000000001", "9900010000000001"},
    {VALUE_PAN, "9900010000000002", NULL}, /* its check digit */
    {VALUE_PAN, "99000100000", NULL},
    {VALUE_PAN_STDIN, "-", "-"},
    {VALUE_PAN_STDIN, "9900010000000001", NULL},
    {VALUE_TOKEN, "6e2f33a1-9a59-4d6e-8b4e-0f6a1c2d3e4f", "6e2f33a1-9a59-4d6e-8b4e-0f6a1c2d3e4f"},
    {VALUE_TOKEN, "6e2f33a1-9a59-4d6e-8b4e-0f6a1c2d3e4", NULL},
    {VALUE_RRN, "636409000002", "636409000002"},
    {VALUE_RRN, "63640900000", NULL},
    {VALUE_REPORT_KEY, "area", "area"},
    {VALUE_REPORT_KEY, "area,quarter", "area,quarter"},
    {VALUE_REPORT_KEY, "area,area", NULL},
    {VALUE_REPORT_KEY, "area,", NULL},
    {VALUE_DECIMAL, "98.8", "98.8"},
    {VALUE_DECIMAL, "98.80001", NULL},
    {VALUE_DECIMAL, "98.", NULL},
    {VALUE_TRAIL_NOUN, "claim", "claim"},
    {VALUE_TRAIL_NOUN, "key-set", "key-set"},
    {VALUE_TRAIL_NOUN, "keys", NULL},
    {VALUE_KEY_SET, "09999", "9999"},
    {VALUE_KEY_SET, "0", NULL},
    {VALUE_KEY_SET, "10000", NULL},
    {VALUE_KEY_SET_KIND, "kek", "kek"},
    {VALUE_KEY_SET_KIND, "master", NULL},
    {VALUE_KEY_ALGORITHM, "des", NULL},
    {VALUE_CHECK_VALUE, "0A1b2c3D4e", "0A1b2c3D4e"},
    {VALUE_CHECK_VALUE, "0a1b2", NULL},
    {VALUE_CHECK_VALUE, "0a1b2c3d4e5", NULL},
    {VALUE_CHECK_VALUE, "0a1b2g", NULL},
    {VALUE_PIN_TABLE, "0123456789012345", "0123456789012345"},
    {VALUE_PIN_TABLE, "012345678901234", NULL},
    {VALUE_SCALE, "1", "1"},
    {VALUE_SCALE, "0.000001", "0.000001"},
    {VALUE_SCALE, "0.0", NULL},
    {VALUE_SCALE, "1.1", NULL},
    {VALUE_CONNINFO, "", ""},
    {VALUE_CONNINFO, "host=/run/pg user=x passfile=/p", "host=/run/pg user=x passfile=/p"},
    {VALUE_CONNINFO, "host=/run/pg password=secret", NULL},
    {VALUE_CONNINFO, "postgresql://x:secret@/atm", NULL},
    {VALUE_CONNINFO, "sslkey=/k sslpassword='a b'", NULL},
    {VALUE_FILE, "", NULL},
    {VALUE_ANYTHING, "\n", "\n"},
};

START_TEST(a_value_is_taken_in_its_canonical_form_or_refused)
{
        char canonical[VALUE_MAX];
        bool taken = value_check(values[_i].kind, values[_i].text, canonical);
        ck_assert_msg(taken == (values[_i].canonical != NULL), "%s '%s'", value_row(values[_i].kind)->name,
                      values[_i].text);
        if (taken)
                ck_assert_str_eq(canonical, values[_i].canonical);
}
END_TEST

START_TEST(every_kind_says_what_it_expects_and_refuses_what_is_too_long)
{
        char text[VALUE_MAX + 1], canonical[VALUE_MAX];
        memset(text, '1', VALUE_MAX);
        text[VALUE_MAX] = '\0';
        for (int kind = 0; kind < VALUE_KIND_COUNT; kind++) {
                const struct value_row *row = value_row((enum value_kind)kind);
                ck_assert_msg(row->name && row->expected && row->check, "kind %d", kind);
                ck_assert(!value_check((enum value_kind)kind, text, canonical));
        }
}
END_TEST

/* The next of "day, other or off", alone; NULL: there is none. */
static const char *next_listed(const char **list, char word[VALUE_MAX])
{
        size_t length = strcspn(*list, ", ");

        snprintf(word, VALUE_MAX, "%.*s", (int)length, *list);
        *list += length;
        *list += strspn(*list, ", ");
        if (!strncmp(*list, "or ", 3))
                *list += 3;
        return *word ? word : NULL;
}

START_TEST(a_kind_of_choices_takes_what_it_says_and_says_what_it_takes)
{
        for (int kind = 0; kind < VALUE_KIND_COUNT; kind++) {
                const struct value_row *row = value_row((enum value_kind)kind);
                const char *list = row->expected;
                char word[VALUE_MAX], canonical[VALUE_MAX];
                size_t said = 0, taken = 1;

                if (row->check != value_row(VALUE_BAND)->check || strpbrk(list, "'("))
                        continue; /* that is a sentence, and no list */
                for (const char *at = row->choices; *at; at++)
                        taken += *at == '|';
                for (; next_listed(&list, word); said++)
                        ck_assert_msg(value_check((enum value_kind)kind, word, canonical),
                                      "%s: '%s' is expected and refused", row->name, word);
                ck_assert_msg(said == taken, "%s: %zu words are expected, %zu are taken", row->name, said,
                              taken);
        }
}
END_TEST

START_TEST(a_kind_of_number_says_between_which_bounds)
{
        for (int kind = 0; kind < VALUE_KIND_COUNT; kind++) {
                const struct value_row *row = value_row((enum value_kind)kind);
                char bounds[64];
                if (row->check != value_row(VALUE_NUMBER)->check)
                        continue;
                snprintf(bounds, sizeof(bounds), "from %" PRId64 " to %" PRId64, row->minimum, row->maximum);
                ck_assert_msg(strstr(row->expected, bounds), "%s: '%s' lacks '%s'", row->name, row->expected,
                              bounds);
        }
}
END_TEST

static const struct {
        enum value_kind kind;
        const char *text, *shown;
} shows[] = {
    {VALUE_TEXT, "plain", "'plain'"},
    {VALUE_TEXT, "a\tb", "'a\\u0009b'"},
    {VALUE_TEXT,
     "a\xc2\x9b"
     "b\u202e"
     "c\xff",
     "'a\\u009bb\\u202ec\\xff'"},
    {VALUE_TEXT, "in the wrong column 9900010000000001", "'in the wrong column 990001******0001'"},
    {VALUE_TEXT, "9900 0100 0000 0001, 9900-0100-0000-0001", "'9900 01** **** 0001, 9900-01**-****-0001'"},
    {VALUE_TEXT, "2016-12-31 23:59, 12345678901", "'2016-12-31 23:59, 12345678901'"},
    {VALUE_PAN, "9900010000000001", "'990001******0001'"},
    {VALUE_PAN, "secret", "a value of 6 characters"},
    {VALUE_ANYTHING, "1234", "a value of 4 characters"},
};

START_TEST(a_value_is_shown_without_what_is_secret)
{
        char shown[2 * VALUE_MAX];
        value_show(shows[_i].kind, shows[_i].text, shown, sizeof(shown));
        ck_assert_str_eq(shown, shows[_i].shown);
}
END_TEST

static const struct {
        const char *text, *first, *last; /* NULL: refused. Today is 2016-12-31. */
} days[] = {
    {"2016-12-29", "2016-12-29", "2016-12-29"},
    {"2016/12/29", "2016-12-29", "2016-12-29"},
    {"today", "2016-12-31", "2016-12-31"},
    {"TODAY", "2016-12-31", "2016-12-31"},
    {"yesterday", "2016-12-30", "2016-12-30"},
    {"tomorrow", "2017-01-01", "2017-01-01"},
    {"-7d", "2016-12-24", "2016-12-24"},
    {"+2w", "2017-01-14", "2017-01-14"},
    {"-0d", "2016-12-31", "2016-12-31"},
    {"2016-02", "2016-02-01", "2016-02-29"},
    {"2016/12", "2016-12-01", "2016-12-31"},
    {"3q16", "2016-10-01", "2016-12-31"},
    {"4Q16", "2017-01-01", "2017-03-31"},
    {"1Q-3Q16", "2016-04-01", "2016-12-31"},
    {"fy2016", "2016-04-01", "2017-03-31"},
    {"7d", NULL, NULL},
    {"-d", NULL, NULL},
    {"-7x", NULL, NULL},
    {"-7", NULL, NULL},
    {"--7d", NULL, NULL},
    {"-99999999d", NULL, NULL},
    {"5q16", NULL, NULL},
    {"", NULL, NULL},
    {"2016-13", NULL, NULL},
};

START_TEST(days_are_typed_in_many_forms)
{
        char first[11], last[11];
        struct days found;
        int32_t today;

        ck_assert(calendar_parse_day("2016-12-31", &today));
        ck_assert_msg(days_parse(days[_i].text, today, &found) == (days[_i].first != NULL), "%s",
                      days[_i].text);
        if (!days[_i].first)
                return;
        calendar_print_day(found.first, first);
        calendar_print_day(found.last, last);
        ck_assert_str_eq(first, days[_i].first);
        ck_assert_str_eq(last, days[_i].last);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("value");
        TCase *tcase = tcase_create("value");
        tcase_add_loop_test(tcase, days_are_typed_in_many_forms, 0, COUNT(days));
        tcase_add_loop_test(tcase, a_value_is_taken_in_its_canonical_form_or_refused, 0, COUNT(values));
        tcase_add_test(tcase, every_kind_says_what_it_expects_and_refuses_what_is_too_long);
        tcase_add_test(tcase, a_kind_of_choices_takes_what_it_says_and_says_what_it_takes);
        tcase_add_test(tcase, a_kind_of_number_says_between_which_bounds);
        tcase_add_loop_test(tcase, a_value_is_shown_without_what_is_secret, 0, COUNT(shows));
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
