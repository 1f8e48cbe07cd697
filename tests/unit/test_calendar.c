/* Days, moments in Japan, DE 7 and DE 37. libc's gmtime_r and GNU date are the oracles. */
#include <check.h>
#include <string.h>
#include <time.h>

#include "rules/calendar.h"
#include "tests/suite.h"

struct day_row {
        int year, month, day;
        int32_t number;
        int weekday, day_of_year;
};

static const struct day_row days[] = {
    {1970, 1, 1, 0, 4, 1},         {1969, 12, 31, -1, 3, 365},  {1999, 12, 31, 10956, 5, 365},
    {2000, 2, 29, 11016, 2, 60},   {2000, 3, 1, 11017, 3, 61},  {2016, 2, 29, 16860, 1, 60},
    {2016, 12, 31, 17166, 6, 366}, {2017, 1, 1, 17167, 0, 1},   {2100, 2, 28, 47540, 0, 59},
    {2100, 3, 1, 47541, 1, 60},    {1900, 3, 1, -25508, 4, 60},
};
enum { DAY_ROWS = sizeof days / sizeof days[0] };

START_TEST(a_date_and_its_number_follow_from_each_other)
{
        const struct day_row *row = &days[_i];
        struct civil civil;

        ck_assert_int_eq(calendar_day(row->year, row->month, row->day), row->number);
        calendar_civil_of_day(row->number, &civil);
        ck_assert_int_eq(civil.year, row->year);
        ck_assert_int_eq(civil.month, row->month);
        ck_assert_int_eq(civil.day, row->day);
        ck_assert_int_eq(civil.weekday, row->weekday);
        ck_assert_int_eq(civil.day_of_year, row->day_of_year);
        ck_assert_int_eq(civil.hour, 0);
        ck_assert_int_eq(civil.minute, 0);
        ck_assert_int_eq(civil.second, 0);
}
END_TEST

START_TEST(every_day_of_two_centuries_is_libcs)
{
        for (int32_t day = calendar_day(1900, 1, 1); day <= calendar_day(2100, 12, 31); day++) {
                time_t seconds = (time_t)day * 86400;
                struct civil civil;
                struct tm wanted;

                ck_assert_ptr_nonnull(gmtime_r(&seconds, &wanted));
                calendar_civil_of_day(day, &civil);
                if (civil.year != wanted.tm_year + 1900 || civil.month != wanted.tm_mon + 1 ||
                    civil.day != wanted.tm_mday || civil.weekday != wanted.tm_wday ||
                    civil.day_of_year != wanted.tm_yday + 1 ||
                    calendar_day(civil.year, civil.month, civil.day) != day)
                        ck_abort_msg("day %d reads as %d-%d-%d", day, civil.year, civil.month, civil.day);
        }
}
END_TEST

START_TEST(every_moment_of_the_day_is_libcs_also_before_1970)
{
        /* a step that is no divisor of a day, so that every hour, minute and second comes up */
        for (int64_t moment_ms = -3 * (int64_t)DAY_MS - 1; moment_ms < 3 * (int64_t)DAY_MS;
             moment_ms += 997 * 7) {
                time_t seconds = (time_t)(moment_ms >= 0 ? moment_ms / 1000 : (moment_ms - 999) / 1000);
                struct civil civil;
                struct tm wanted;

                ck_assert_ptr_nonnull(gmtime_r(&seconds, &wanted));
                calendar_utc(moment_ms, &civil);
                if (civil.day != wanted.tm_mday || civil.hour != wanted.tm_hour ||
                    civil.minute != wanted.tm_min || civil.second != wanted.tm_sec)
                        ck_abort_msg("moment %lld", (long long)moment_ms);
        }
}
END_TEST

START_TEST(the_business_date_changes_at_midnight_in_japan)
{
        int64_t midnight_ms = calendar_from_utc(2016, 12, 31, 15, 0, 0);
        int32_t new_year = calendar_day(2017, 1, 1);
        struct civil civil;

        ck_assert_int_eq(midnight_ms, 1483196400000);
        ck_assert_int_eq(calendar_business_day(midnight_ms - 1), new_year - 1);
        ck_assert_int_eq(calendar_business_day(midnight_ms), new_year);
        ck_assert_int_eq(calendar_jst_minute(midnight_ms - 1), 1439);
        ck_assert_int_eq(calendar_jst_minute(midnight_ms), 0);
        ck_assert_int_eq(calendar_day_start_ms(new_year), midnight_ms);
        calendar_jst(midnight_ms - 1, &civil);
        ck_assert_int_eq(civil.year, 2016);
        ck_assert_int_eq(civil.hour, 23);
        ck_assert_int_eq(civil.second, 59);
        ck_assert_int_eq(calendar_business_day(-JST_OFFSET_MS - 1), -1);
        ck_assert_int_eq(calendar_jst_minute(-JST_OFFSET_MS - 1), 1439);
}
END_TEST

START_TEST(a_month_starts_on_its_first_day)
{
        for (int32_t day = calendar_day(2015, 1, 1); day <= calendar_day(2020, 12, 31); day++) {
                struct civil civil;

                calendar_civil_of_day(day, &civil);
                ck_assert_int_eq(calendar_month_of(day), calendar_day(civil.year, civil.month, 1));
        }
}
END_TEST

static const char *const bad_days[] = {
    "",           "2016-12",     "2016-12-",    "2016-12-3",   "2016-13-01", "2016-00-01",
    "2016-01-00", "2016-04-31",  "2015-02-29",  "1900-02-29",  "2016-1-01",  "2016/12/31",
    "16-12-31",   "2016-12-31 ", " 2016-12-31", "2016-12-311", "0000-01-01", "2016-12-3x",
    "-016-12-31", "2016-+1-01",
};
enum { BAD_DAYS = sizeof bad_days / sizeof bad_days[0] };

START_TEST(a_date_that_does_not_exist_is_not_read)
{
        int32_t day = 4711;

        ck_assert_msg(!calendar_parse_day(bad_days[_i], &day), "\"%s\" was read", bad_days[_i]);
        ck_assert_int_eq(day, 4711);
}
END_TEST

START_TEST(a_date_reads_as_it_prints)
{
        for (int i = 0; i < DAY_ROWS; i++) {
                char text[11];
                int32_t day;

                calendar_print_day(days[i].number, text);
                ck_assert(calendar_parse_day(text, &day));
                ck_assert_int_eq(day, days[i].number);
        }
        {
                char text[11];
                int32_t day;

                ck_assert(calendar_parse_day("2016-02-29", &day));
                ck_assert_int_eq(day, 16860);
                calendar_print_day(day, text);
                ck_assert_str_eq(text, "2016-02-29");
        }
}
END_TEST

static const struct {
        const char *text;
        int minute; /* -1: bad */
} minutes[] = {
    {"00:00", 0},  {"08:45", 525}, {"18:00", 1080}, {"23:59", 1439}, {"24:00", 1440},  {"24:01", -1},
    {"25:00", -1}, {"08:60", -1},  {"8:45", -1},    {"0845", -1},    {"08:45:00", -1}, {"", -1},
    {"08:4", -1},  {" 8:45", -1},  {"08-45", -1},   {"-1:00", -1},
};
enum { MINUTE_ROWS = sizeof minutes / sizeof minutes[0] };

START_TEST(times_of_day_reach_to_24_00)
{
        int minute = -1;
        bool read = calendar_parse_minute(minutes[_i].text, &minute);

        ck_assert_msg(read == (minutes[_i].minute >= 0), "\"%s\"", minutes[_i].text);
        ck_assert_int_eq(minute, minutes[_i].minute);
}
END_TEST

static const struct {
        const char *text;
        bool good;
        int64_t ms;
} moments[] = {
    {"2016-12-29T07:55:00+09:00", true, 1482965700000},
    {"2016-12-28T22:55:00Z", true, 1482965700000},
    {"2016-12-29T07:55:00", true, 1482965700000},
    {"2016-12-29T07:55", true, 1482965700000},
    {"2016-12-29T07:55+09:00", true, 1482965700000},
    {"2016-12-28T17:25:00-05:30", true, 1482965700000},
    {"1970-01-01T00:00:00Z", true, 0},
    {"1970-01-01T00:00:00", true, -JST_OFFSET_MS},
    {"2016-12-29", false, 0},
    {"2016-12-29 07:55:00", false, 0},
    {"2016-12-29T24:00:00", false, 0},
    {"2016-12-29T07:60:00", false, 0},
    {"2016-12-29T07:55:60", false, 0},
    {"2016-12-29T07:55:", false, 0},
    {"2016-12-29T07:55:00+9", false, 0},
    {"2016-12-29T07:55:00+15:00", false, 0},
    {"2016-12-29T07:55:00+09:60", false, 0},
    {"2016-12-29T07:55:00Zx", false, 0},
    {"2016-02-30T07:55:00Z", false, 0},
    {"", false, 0},
};
enum { MOMENT_ROWS = sizeof moments / sizeof moments[0] };

START_TEST(moments_are_read_with_and_without_a_zone)
{
        int64_t ms = 4711;
        bool read = calendar_parse_moment(moments[_i].text, &ms);

        ck_assert_msg(read == moments[_i].good, "\"%s\"", moments[_i].text);
        ck_assert_int_eq(ms, read ? moments[_i].ms : 4711);
}
END_TEST

START_TEST(a_moment_prints_in_japans_time)
{
        char text[26];

        calendar_print_moment(1482965700000, text);
        ck_assert_str_eq(text, "2016-12-29T07:55:00+09:00");
        calendar_print_moment(1482965700999, text);
        ck_assert_str_eq(text, "2016-12-29T07:55:00+09:00");
}
END_TEST

static const struct {
        const char *de7;
        const char *near;
        const char *moment; /* NULL: no such date */
} de7_rows[] = {
    {"1229005500", "2016-12-29T00:55:00Z", "2016-12-29T00:55:00Z"},
    /* at New Year the year is the nearer one, on either side */
    {"1231235959", "2017-01-01T00:00:01Z", "2016-12-31T23:59:59Z"},
    {"0101000001", "2016-12-31T23:59:59Z", "2017-01-01T00:00:01Z"},
    {"0101000000", "2017-01-01T00:00:00Z", "2017-01-01T00:00:00Z"},
    {"0101000000", "2016-01-01T00:00:00Z", "2016-01-01T00:00:00Z"},
    /* half a year back or forth: 183 days against 182 */
    {"0702000000", "2017-01-01T00:00:00Z", "2017-07-02T00:00:00Z"},
    {"0703000000", "2017-01-01T00:00:00Z", "2016-07-03T00:00:00Z"},
    /* the leap day */
    {"0229120000", "2016-03-01T00:00:00Z", "2016-02-29T12:00:00Z"},
    {"0229120000", "2017-02-28T00:00:00Z", "2016-02-29T12:00:00Z"},
    {"0229120000", "2018-06-01T00:00:00Z", "2020-02-29T12:00:00Z"},
    {"0229120000", "2099-12-31T00:00:00Z", "2096-02-29T12:00:00Z"},
    {"0229120000", "2100-06-01T00:00:00Z", "2104-02-29T12:00:00Z"},
    {"0230120000", "2016-03-01T00:00:00Z", NULL},
    {"0431120000", "2016-03-01T00:00:00Z", NULL},
    {"1301120000", "2016-03-01T00:00:00Z", NULL},
    {"0001120000", "2016-03-01T00:00:00Z", NULL},
    {"0100120000", "2016-03-01T00:00:00Z", NULL},
    {"0101240000", "2016-03-01T00:00:00Z", NULL},
    {"0101006000", "2016-03-01T00:00:00Z", NULL},
    {"0101000060", "2016-03-01T00:00:00Z", "2016-01-01T00:00:59Z"}, /* a leap second */
    {"0101000061", "2016-03-01T00:00:00Z", NULL},
    {"010100000", "2016-03-01T00:00:00Z", NULL},
    {"01010000000", "2016-03-01T00:00:00Z", NULL},
    {"01010000x0", "2016-03-01T00:00:00Z", NULL},
    {"", "2016-03-01T00:00:00Z", NULL},
};
enum { DE7_ROWS = sizeof de7_rows / sizeof de7_rows[0] };

START_TEST(the_year_of_de7_is_the_nearest)
{
        int64_t near_ms, wanted_ms = 4711, ms = 4711;

        ck_assert(calendar_parse_moment(de7_rows[_i].near, &near_ms));
        if (de7_rows[_i].moment)
                ck_assert(calendar_parse_moment(de7_rows[_i].moment, &wanted_ms));
        ck_assert_msg(calendar_from_de7(de7_rows[_i].de7, near_ms, &ms) == (de7_rows[_i].moment != NULL),
                      "DE 7 %s near %s", de7_rows[_i].de7, de7_rows[_i].near);
        ck_assert_int_eq(ms, wanted_ms);
}
END_TEST

static const struct {
        const char *de7;
        const char *latest;
        const char *moment;
} until_rows[] = {
    {"1229005500", "2016-12-29T00:55:00Z", "2016-12-29T00:55:00Z"},
    {"1229005501", "2016-12-29T00:55:00Z", "2015-12-29T00:55:01Z"},
    {"0101000000", "2016-12-31T23:59:59Z", "2016-01-01T00:00:00Z"},
    {"1231235960", "2017-01-01T00:00:00Z", "2016-12-31T23:59:59Z"},
    {"0229120000", "2016-02-29T12:00:00Z", "2016-02-29T12:00:00Z"},
    {"0229120000", "2016-02-29T11:59:59Z", "2012-02-29T12:00:00Z"},
    {"0229120000", "2019-06-01T00:00:00Z", "2016-02-29T12:00:00Z"},
    {"0229120000", "2104-02-29T11:00:00Z", "2096-02-29T12:00:00Z"},
};
enum { UNTIL_ROWS = sizeof until_rows / sizeof until_rows[0] };

START_TEST(the_year_of_what_has_happened_is_the_latest_before)
{
        int64_t latest_ms, wanted_ms, ms = 0;

        ck_assert(calendar_parse_moment(until_rows[_i].latest, &latest_ms));
        ck_assert(calendar_parse_moment(until_rows[_i].moment, &wanted_ms));
        ck_assert(calendar_from_de7_until(until_rows[_i].de7, latest_ms, &ms));
        ck_assert_int_eq(ms, wanted_ms);
        ck_assert(!calendar_from_de7_until("0230120000", latest_ms, &ms));
}
END_TEST

START_TEST(de7_reads_as_it_prints_anywhere_in_the_year)
{
        int64_t from_ms = calendar_from_utc(2015, 12, 1, 0, 0, 0),
                to_ms = calendar_from_utc(2017, 2, 1, 0, 0, 0);

        for (int64_t moment_ms = from_ms; moment_ms < to_ms; moment_ms += 12347 * 1000) {
                char de7[11];
                int64_t ms;

                calendar_to_de7(moment_ms, de7);
                ck_assert_uint_eq(strlen(de7), 10);
                ck_assert(calendar_from_de7(de7, moment_ms + 290 * 1000, &ms));
                ck_assert_int_eq(ms, moment_ms);
        }
}
END_TEST

static const struct {
        const char *moment;
        int32_t stan;
        const char *rrn;
} rrns[] = {
    {"2016-12-29T07:55:00+09:00", 1, "636407000001"},
    {"2016-12-31T23:59:59+09:00", 999999, "636623999999"},
    {"2016-12-31T15:00:00Z", 42, "700100000042"}, /* New Year in Japan, not yet in UTC */
    {"2020-01-01T00:00:00+09:00", 0, "000100000000"},
};
enum { RRN_ROWS = sizeof rrns / sizeof rrns[0] };

START_TEST(the_rrn_holds_day_and_hour_in_japan_and_the_stan)
{
        char rrn[13];
        int64_t ms;

        ck_assert(calendar_parse_moment(rrns[_i].moment, &ms));
        calendar_rrn(ms, rrns[_i].stan, rrn);
        ck_assert_str_eq(rrn, rrns[_i].rrn);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("calendar");
        TCase *tcase = tcase_create("calendar");

        tcase_add_loop_test(tcase, a_date_and_its_number_follow_from_each_other, 0, DAY_ROWS);
        tcase_add_test(tcase, every_day_of_two_centuries_is_libcs);
        tcase_add_test(tcase, every_moment_of_the_day_is_libcs_also_before_1970);
        tcase_add_test(tcase, the_business_date_changes_at_midnight_in_japan);
        tcase_add_test(tcase, a_month_starts_on_its_first_day);
        tcase_add_loop_test(tcase, a_date_that_does_not_exist_is_not_read, 0, BAD_DAYS);
        tcase_add_test(tcase, a_date_reads_as_it_prints);
        tcase_add_loop_test(tcase, times_of_day_reach_to_24_00, 0, MINUTE_ROWS);
        tcase_add_loop_test(tcase, moments_are_read_with_and_without_a_zone, 0, MOMENT_ROWS);
        tcase_add_test(tcase, a_moment_prints_in_japans_time);
        tcase_add_loop_test(tcase, the_year_of_de7_is_the_nearest, 0, DE7_ROWS);
        tcase_add_loop_test(tcase, the_year_of_what_has_happened_is_the_latest_before, 0, UNTIL_ROWS);
        tcase_add_test(tcase, de7_reads_as_it_prints_anywhere_in_the_year);
        tcase_add_loop_test(tcase, the_rrn_holds_day_and_hour_in_japan_and_the_stan, 0, RRN_ROWS);
        suite_add_tcase(suite, tcase);
        return suite_run(suite);
}
