/*
 * Moments and days. A moment is milliseconds since 1970-01-01 00:00 UTC (int64_t, suffix _ms); a day is the
 * number of days since 1970-01-01 in the calendar of Japan (int32_t, suffix _day). Japan Standard Time is
 * UTC+9 without daylight saving, so both follow from each other by plain arithmetic; no libc time zone.
 */
#ifndef RULES_CALENDAR_H
#define RULES_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/attributes.h"

enum { DAY_MS = 86400000, MINUTE_MS = 60000, JST_OFFSET_MS = 9 * 3600 * 1000 };

struct civil {
        int year, month, day; /* 1-12, 1-31 */
        int hour, minute, second;
        int day_of_year; /* 1-366 */
        int weekday;     /* 0 Sunday .. 6 Saturday */
};

int32_t calendar_day(int year, int month, int day);
void calendar_civil_of_day(int32_t day, struct civil *ret_civil); /* hour, minute, second 0 */
void calendar_jst(int64_t moment_ms, struct civil *ret_civil);
void calendar_utc(int64_t moment_ms, struct civil *ret_civil);
int64_t calendar_from_utc(int year, int month, int day, int hour, int minute, int second);

/* The business date: the calendar date in Japan of a moment. */
int32_t calendar_business_day(int64_t moment_ms);
/* Minutes after midnight in Japan, 0-1439. */
int calendar_jst_minute(int64_t moment_ms);
/* The first moment of a day in Japan. */
int64_t calendar_day_start_ms(int32_t day);

/* A business day is over for good once no clock of an ATM may be in it: so many days later. */
enum { CALENDAR_SETTLED_DAYS = 2 };
/* The first day of the day's month. */
int32_t calendar_month_of(int32_t day);

/* "2016-12-31" both ways; parse wants exactly that form and a date that exists. */
void calendar_print_day(int32_t day, char buffer[11]);
ATM_MUST_USE bool calendar_parse_day(const char *text, int32_t *ret_day);
/* "08:45" (0:00 to 24:00) to minutes. */
ATM_MUST_USE bool calendar_parse_minute(const char *text, int *ret_minute);
/* "2016-12-29T07:55:00+09:00" or "...Z"; seconds may be left out; without a zone: Japan. */
ATM_MUST_USE bool calendar_parse_moment(const char *text, int64_t *ret_ms);
void calendar_print_moment(int64_t moment_ms, char buffer[26]); /* 2016-12-29T07:55:00+09:00 */

/* DE 7 (MMDDhhmmss, UTC; second 60 is taken for 59): the year is the one that puts it nearest to `near_ms`.
 * 29 February is that of the nearest year that has one. False: no such date. */
ATM_MUST_USE bool calendar_from_de7(const char *de7, int64_t near_ms, int64_t *ret_ms);
/* The same; the year is the latest that puts it at `latest_ms` or before. */
ATM_MUST_USE bool calendar_from_de7_until(const char *de7, int64_t latest_ms, int64_t *ret_ms);
void calendar_to_de7(int64_t moment_ms, char buffer[11]);

/* DE 37: YDDDHH of the moment in Japan and the STAN. */
void calendar_rrn(int64_t moment_ms, int32_t stan, char buffer[13]);

#endif
