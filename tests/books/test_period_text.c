/* Protects how backoffice/pages writes periods, and what every report says of the books. */
#include <check.h>
#include <string.h>

#include "backoffice/pages/period_text.h"
#include "backoffice/pages/report_text.h"
#include "lib/base/array.h"
#include "rules/calendar.h"
#include "tests/suite.h"

static const struct {
        const char *name, *japanese, *with_short, *in_little_room;
} periods[] = {
    {"2016-12-29", "2016年12月29日", "2016年12月29日", "2016年12月29日"},
    {"2016-04-01 09:05:00", "2016年4月1日 09:05:00", "2016年4月1日 09:05:00", "2016年4月1日 09:05:00"},
    {"2026-12-01T00:14:53+09:00", "2026年12月1日 0時14分", "2026年12月1日 0時14分", "2026年12月1日 0時14分"},
    {"2016-04", "2016年4月", "2016年4月", "2016年4月"},
    {"2016-04-01 to 2016-12-31", "2016年4月1日～2016年12月31日", "2016年4月1日～2016年12月31日",
     "2016年4月1日～2016年12月31日"},
    {"3Q16", "2017年3月期第3四半期", "3Q16", "17/3期3Q"},
    {"4Q99", "2100年3月期第4四半期", "4Q99", "00/3期4Q"},
    {"1Q-3Q16", "2017年3月期第3四半期累計", "1Q-3Q16", "2017年3月期第3四半期累計"},
    {"2Q-3Q16", "2017年3月期第2～第3四半期", "2Q-3Q16", "2017年3月期第2～第3四半期"},
    {"1Q-4Q16", "2017年3月期", "1Q-4Q16", "2017年3月期"},
    {"FY2016", "2017年3月期", "2016年度", "2017年3月期"},
    {"FY16", "2017年3月期", "2016年度", "2017年3月期"},
    {"total", "total", "total", "total"},
    {"", "", "", ""},
};

START_TEST(periods_are_written_as_their_reader_does)
{
        char text[PERIOD_TEXT_MAX];

        ck_assert_str_eq(period_text(periods[_i].name, READER_ENGLISH, text), periods[_i].name);
        ck_assert_str_eq(period_text(periods[_i].name, READER_JAPANESE, text), periods[_i].japanese);
        ck_assert_str_eq(period_text(periods[_i].name, READER_JAPANESE_SHORT, text), periods[_i].with_short);
        ck_assert_str_eq(period_text_short(periods[_i].name, READER_JAPANESE, text),
                         periods[_i].in_little_room);
}
END_TEST

static int32_t day(const char *text)
{
        int32_t number;

        ck_assert(calendar_parse_day(text, &number));
        return number;
}

static const struct {
        const char *today, *closed, *english, *japanese;
} provisional[] = {
    {"2016-12-31", NULL, "Preliminary: 3Q16 is not over: business today is 2016-12-31.",
     "2017年3月期第3四半期は終了していないため、速報値です（営業日2016年12月31日）。"},
    {"2017-01-01", NULL, "3Q16 is not closed yet: figures may change.",
     "2017年3月期第3四半期は未締めのため、数値は変わることがあります。"},
    {"2017-01-01", "2016-09-30", "3Q16 is not closed yet: figures may change.",
     "2017年3月期第3四半期は未締めのため、数値は変わることがあります。"},
    {"2017-01-01", "2016-12-31", "", ""},
};

START_TEST(figures_that_may_change_are_provisional)
{
        const char *closed = provisional[_i].closed;
        struct standing standing = {.begun_day = day("2016-01-01"),
                                    .closed_day = closed ? day(closed) : INT32_MIN};
        char text[REPORT_TEXT_MAX];
        struct period period;

        period_of_name("3Q16", &period);
        ck_assert_int_eq(
            report_text_provisional(&standing, &period, day(provisional[_i].today), READER_ENGLISH, text),
            *provisional[_i].english != '\0');
        ck_assert_str_eq(text, provisional[_i].english);
        report_text_provisional(&standing, &period, day(provisional[_i].today), READER_JAPANESE, text);
        ck_assert_str_eq(text, provisional[_i].japanese);
}
END_TEST

START_TEST(what_was_before_the_books_began_is_said_to_be_missing)
{
        struct standing standing = {.begun_day = day("2016-10-02")};
        char text[REPORT_TEXT_MAX];
        struct period period;

        period_of_name("3Q16", &period);
        ck_assert(report_text_begun(&standing, &period, READER_ENGLISH, text));
        ck_assert_str_eq(text, "The books begin on 2016-10-02: what 3Q16 had before that day is missing.");
        ck_assert(report_text_incomparable(&standing, &period, READER_JAPANESE, text));
        ck_assert_str_eq(
            text, "帳簿は2016年10月2日に始まるため、2017年3月期第3四半期の数値は揃わず、比較していません。");
        standing.begun_day = day("2016-10-01");
        ck_assert(!report_text_begun(&standing, &period, READER_ENGLISH, text));
        ck_assert(!report_text_incomparable(&standing, &period, READER_ENGLISH, text));
        standing.begun_day = INT32_MAX; /* nothing yet */
        ck_assert(!report_text_begun(&standing, &period, READER_ENGLISH, text));
}
END_TEST

START_TEST(items_are_named_in_words)
{
        char text[REPORT_TEXT_MAX];

        report_text_items("2Q16: cash_in_transit, network; 3Q16: network", READER_ENGLISH, text);
        ck_assert_str_eq(text, "2Q16: Cash in transit, Network; 3Q16: Network");
        report_text_items("2Q16: cash_in_transit, network; 3Q16: network", READER_JAPANESE, text);
        ck_assert_str_eq(
            text, "2017年3月期第2四半期：現金輸送費、ネットワーク費；2017年3月期第3四半期：ネットワーク費");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("period_text");
        TCase *tests = tcase_create("period_text");

        tcase_add_loop_test(tests, periods_are_written_as_their_reader_does, 0, LENGTH(periods));
        tcase_add_loop_test(tests, figures_that_may_change_are_provisional, 0, LENGTH(provisional));
        tcase_add_test(tests, what_was_before_the_books_began_is_said_to_be_missing);
        tcase_add_test(tests, items_are_named_in_words);
        suite_add_tcase(suite, tests);
        return suite_run(suite);
}
