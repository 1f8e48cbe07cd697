/*
 * Moments and days by plain arithmetic on the proleptic Gregorian calendar.
 *
 * Days are counted in years that begin on 1 March, so that the leap day is the last of its year and the
 * lengths of months follow one formula (H. Hinnant, "chrono-compatible low-level date algorithms").
 */
#include "rules/calendar.h"

#include <assert.h>
#include <string.h>

#include "lib/base/number.h"

enum {
        DAYS_PER_ERA = 146097,      /* 400 years */
        EPOCH_DAY_OF_ERAS = 719468, /* 1970-01-01 counted from 0000-03-01 */
        LEAP_YEAR_GAP_MAX = 8,      /* 1896 to 1904, 2096 to 2104 */
        ZONE_MINUTES_MAX = 14 * 60,
};

static int64_t floor_divide(int64_t a, int64_t b)
{
        return a / b - (a % b < 0);
}

static bool is_leap_year(int year)
{
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int month_length(int year, int month)
{
        static const int lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

        return lengths[month - 1] + (month == 2 && is_leap_year(year));
}

int32_t calendar_day(int year, int month, int day)
{
        int64_t march_year = (int64_t)year - (month <= 2);
        int64_t era = floor_divide(march_year, 400);
        int64_t year_of_era = march_year - era * 400;
        int64_t month_from_march = (month + 9) % 12;
        int64_t day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
        int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

        assert(month >= 1 && month <= 12);
        return (int32_t)(era * DAYS_PER_ERA + day_of_era - EPOCH_DAY_OF_ERAS);
}

void calendar_civil_of_day(int32_t day, struct civil *ret_civil)
{
        int64_t shifted = (int64_t)day + EPOCH_DAY_OF_ERAS;
        int64_t era = floor_divide(shifted, DAYS_PER_ERA);
        int64_t day_of_era = shifted - era * DAYS_PER_ERA;
        int64_t year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
        int64_t day_of_march_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        int64_t month_from_march = (5 * day_of_march_year + 2) / 153;
        int month = (int)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
        int year = (int)(year_of_era + era * 400 + (month <= 2));

        *ret_civil = (struct civil){
            .year = year,
            .month = month,
            .day = (int)(day_of_march_year - (153 * month_from_march + 2) / 5 + 1),
            .day_of_year = day - calendar_day(year, 1, 1) + 1,
            .weekday = (int)((((int64_t)day + 4) % 7 + 7) % 7), /* 1970-01-01 was a Thursday */
        };
}

void calendar_utc(int64_t moment_ms, struct civil *ret_civil)
{
        int64_t day = floor_divide(moment_ms, DAY_MS);
        int second_of_day = (int)((moment_ms - day * DAY_MS) / 1000);

        calendar_civil_of_day((int32_t)day, ret_civil);
        ret_civil->hour = second_of_day / 3600;
        ret_civil->minute = second_of_day / 60 % 60;
        ret_civil->second = second_of_day % 60;
}

void calendar_jst(int64_t moment_ms, struct civil *ret_civil)
{
        calendar_utc(moment_ms + JST_OFFSET_MS, ret_civil);
}

int64_t calendar_from_utc(int year, int month, int day, int hour, int minute, int second)
{
        int64_t seconds = (int64_t)hour * 3600 + minute * 60 + second;

        return (int64_t)calendar_day(year, month, day) * DAY_MS + seconds * 1000;
}

int32_t calendar_business_day(int64_t moment_ms)
{
        return (int32_t)floor_divide(moment_ms + JST_OFFSET_MS, DAY_MS);
}

int calendar_jst_minute(int64_t moment_ms)
{
        int64_t local_ms = moment_ms + JST_OFFSET_MS;

        return (int)((local_ms - floor_divide(local_ms, DAY_MS) * DAY_MS) / MINUTE_MS);
}

int64_t calendar_day_start_ms(int32_t day)
{
        return (int64_t)day * DAY_MS - JST_OFFSET_MS;
}

int32_t calendar_month_of(int32_t day)
{
        struct civil civil;

        calendar_civil_of_day(day, &civil);
        return day - (civil.day - 1);
}

/* Digits, zero-padded; what does not fit is cut at the left. */
static char *put_digits(char *at, int64_t value, int digits)
{
        for (int i = digits - 1; i >= 0; i--) {
                at[i] = (char)('0' + value % 10);
                value /= 10;
        }
        return at + digits;
}

static char *put_date(char *at, const struct civil *civil)
{
        at = put_digits(at, civil->year, 4);
        *at++ = '-';
        at = put_digits(at, civil->month, 2);
        *at++ = '-';
        return put_digits(at, civil->day, 2);
}

void calendar_print_day(int32_t day, char buffer[11])
{
        struct civil civil;

        calendar_civil_of_day(day, &civil);
        assert(civil.year >= 0 && civil.year <= 9999);
        *put_date(buffer, &civil) = '\0';
}

/* Take `digits` digits; the text moves on only where they are there. */
static bool take_digits(const char **text, int digits, int *ret_value)
{
        int64_t value;

        if (!number_parse_bytes(*text, (size_t)digits, 0, INT32_MAX, &value))
                return false;
        *text += digits;
        *ret_value = (int)value;
        return true;
}

static bool take_char(const char **text, char wanted)
{
        if (**text != wanted)
                return false;
        (*text)++;
        return true;
}

static bool take_date(const char **text, int32_t *ret_day)
{
        int year, month, day;

        if (!take_digits(text, 4, &year) || !take_char(text, '-') || !take_digits(text, 2, &month) ||
            !take_char(text, '-') || !take_digits(text, 2, &day))
                return false;
        if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_length(year, month))
                return false;
        *ret_day = calendar_day(year, month, day);
        return true;
}

bool calendar_parse_day(const char *text, int32_t *ret_day)
{
        int32_t day;

        if (!take_date(&text, &day) || *text != '\0')
                return false;
        *ret_day = day;
        return true;
}

bool calendar_parse_minute(const char *text, int *ret_minute)
{
        int hour, minute;

        if (!take_digits(&text, 2, &hour) || !take_char(&text, ':') || !take_digits(&text, 2, &minute) ||
            *text != '\0')
                return false;
        if (minute > 59 || hour * 60 + minute > 24 * 60)
                return false;
        *ret_minute = hour * 60 + minute;
        return true;
}

/* Nothing (Japan), Z, or +hh:mm and -hh:mm. */
static bool take_zone(const char **text, int *ret_offset_minutes)
{
        int hours, minutes, sign;

        if (**text == '\0') {
                *ret_offset_minutes = JST_OFFSET_MS / MINUTE_MS;
                return true;
        }
        if (take_char(text, 'Z')) {
                *ret_offset_minutes = 0;
                return true;
        }
        if (**text != '+' && **text != '-')
                return false;
        sign = **text == '-' ? -1 : 1;
        (*text)++;
        if (!take_digits(text, 2, &hours) || !take_char(text, ':') || !take_digits(text, 2, &minutes) ||
            minutes > 59 || hours * 60 + minutes > ZONE_MINUTES_MAX)
                return false;
        *ret_offset_minutes = sign * (hours * 60 + minutes);
        return true;
}

bool calendar_parse_moment(const char *text, int64_t *ret_ms)
{
        int hour, minute, second = 0, offset_minutes;
        int32_t day;

        if (!take_date(&text, &day) || !take_char(&text, 'T') || !take_digits(&text, 2, &hour) ||
            !take_char(&text, ':') || !take_digits(&text, 2, &minute))
                return false;
        if (take_char(&text, ':') && !take_digits(&text, 2, &second))
                return false;
        if (hour > 23 || minute > 59 || second > 59)
                return false;
        if (!take_zone(&text, &offset_minutes) || *text != '\0')
                return false;
        *ret_ms = (int64_t)day * DAY_MS + ((int64_t)hour * 60 + minute - offset_minutes) * MINUTE_MS +
                  (int64_t)second * 1000;
        return true;
}

void calendar_print_moment(int64_t moment_ms, char buffer[26])
{
        struct civil civil;
        char *at;

        calendar_jst(moment_ms, &civil);
        assert(civil.year >= 0 && civil.year <= 9999);
        at = put_date(buffer, &civil);
        *at++ = 'T';
        at = put_digits(at, civil.hour, 2);
        *at++ = ':';
        at = put_digits(at, civil.minute, 2);
        *at++ = ':';
        at = put_digits(at, civil.second, 2);
        memcpy(at, "+09:00", sizeof "+09:00");
}

static int64_t distance(int64_t a, int64_t b)
{
        return a < b ? b - a : a - b;
}

/* DE 7's parts, without a year. */
struct yearless {
        int month, day, hour, minute, second;
};

static bool take_yearless(const char *de7, struct yearless *ret)
{
        if (!take_digits(&de7, 2, &ret->month) || !take_digits(&de7, 2, &ret->day) ||
            !take_digits(&de7, 2, &ret->hour) || !take_digits(&de7, 2, &ret->minute) ||
            !take_digits(&de7, 2, &ret->second) || *de7 != '\0')
                return false;
        if (ret->month < 1 || ret->month > 12 || ret->day < 1 || ret->hour > 23 || ret->minute > 59 ||
            ret->second > 60)
                return false;
        if (ret->second == 60) /* a leap second: this system counts without */
                ret->second = 59;
        return true;
}

/* False: that year has no such day. */
static bool moment_in_year(const struct yearless *y, int year, int64_t *ret_ms)
{
        if (y->day > month_length(year, y->month))
                return false;
        *ret_ms = calendar_from_utc(year, y->month, y->day, y->hour, y->minute, y->second);
        return true;
}

bool calendar_from_de7(const char *de7, int64_t near_ms, int64_t *ret_ms)
{
        struct yearless y;
        struct civil near;
        int64_t best_ms = 0, candidate_ms;
        bool found = false;
        int reach;

        if (!take_yearless(de7, &y))
                return false;
        calendar_utc(near_ms, &near);
        /* 29 February is up to eight years away; every other date is within the neighbouring years. */
        reach = y.month == 2 && y.day == 29 ? LEAP_YEAR_GAP_MAX : 1;
        for (int year = near.year - reach; year <= near.year + reach; year++) {
                if (!moment_in_year(&y, year, &candidate_ms))
                        continue;
                if (!found || distance(candidate_ms, near_ms) < distance(best_ms, near_ms)) {
                        best_ms = candidate_ms;
                        found = true;
                }
        }
        if (!found)
                return false;
        *ret_ms = best_ms;
        return true;
}

bool calendar_from_de7_until(const char *de7, int64_t latest_ms, int64_t *ret_ms)
{
        struct yearless y;
        struct civil latest;
        int64_t candidate_ms;

        if (!take_yearless(de7, &y))
                return false;
        calendar_utc(latest_ms, &latest);
        for (int year = latest.year; year >= latest.year - LEAP_YEAR_GAP_MAX; year--) {
                if (moment_in_year(&y, year, &candidate_ms) && candidate_ms <= latest_ms) {
                        *ret_ms = candidate_ms;
                        return true;
                }
        }
        return false;
}

void calendar_to_de7(int64_t moment_ms, char buffer[11])
{
        struct civil civil;
        char *at = buffer;

        calendar_utc(moment_ms, &civil);
        at = put_digits(at, civil.month, 2);
        at = put_digits(at, civil.day, 2);
        at = put_digits(at, civil.hour, 2);
        at = put_digits(at, civil.minute, 2);
        at = put_digits(at, civil.second, 2);
        *at = '\0';
}

void calendar_rrn(int64_t moment_ms, int32_t stan, char buffer[13])
{
        struct civil civil;
        char *at = buffer;

        assert(stan >= 0 && stan <= 999999);
        calendar_jst(moment_ms, &civil);
        at = put_digits(at, civil.year % 10, 1);
        at = put_digits(at, civil.day_of_year, 3);
        at = put_digits(at, civil.hour, 2);
        at = put_digits(at, stan, 6);
        *at = '\0';
}
