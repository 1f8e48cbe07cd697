/* Fiscal years, quarters, months and days; see period.h. */
#include "backoffice/books/period.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/number.h"
#include "rules/calendar.h"

enum { MONTHS = 12, QUARTERS = 4, QUARTER_MONTHS = 3, FIRST_MONTH = 4 }; /* April */

/* The first day of a month that may be counted past the end of its year. */
static int32_t month_day(int year, int month)
{
        int months = year * MONTHS + month - 1;

        return calendar_day(months / MONTHS, months % MONTHS + 1, 1);
}

static void set_days(int32_t first_day, int32_t last_day, struct period *ret_period)
{
        *ret_period = (struct period){.first_day = first_day, .last_day = last_day};
        calendar_print_day(first_day, ret_period->first);
        calendar_print_day(last_day, ret_period->last);
}

void period_of_quarters(int fiscal_year, int first, int last, struct period *ret_period)
{
        int year = fiscal_year % 100;

        set_days(month_day(fiscal_year, FIRST_MONTH + (first - 1) * QUARTER_MONTHS),
                 month_day(fiscal_year, FIRST_MONTH + last * QUARTER_MONTHS) - 1, ret_period);
        ret_period->whole_quarters = true;
        if (first == last)
                snprintf(ret_period->label, sizeof(ret_period->label), "%dQ%02d", first, year);
        else if (last - first + 1 == QUARTERS)
                snprintf(ret_period->label, sizeof(ret_period->label), "FY%d", fiscal_year);
        else
                snprintf(ret_period->label, sizeof(ret_period->label), "%dQ-%dQ%02d", first, last, year);
}

void period_of_month(const char *month, struct period *ret_period)
{
        int year = (int)number_known_bytes(month, 4),
            number = (int)number_known_bytes(month + sizeof("2016-") - 1, 2);

        set_days(month_day(year, number), month_day(year, number + 1) - 1, ret_period);
        snprintf(ret_period->label, sizeof(ret_period->label), "%.7s", month);
}

void period_of_name(const char *name, struct period *ret_period)
{
        int first = (int)number_known_bytes(name, 1), last = first;
        const char *dash = strchr(name, '-');

        if (dash)
                last = (int)number_known_bytes(dash + 1, 1);
        period_of_quarters(2000 + (int)number_known(strrchr(name, 'Q') + 1), first, last, ret_period);
}

/* Whole quarters of one fiscal year, or a whole month, are called by their names. */
void period_of_days(int32_t first_day, int32_t last_day, struct period *ret_period)
{
        struct civil first, next;
        int months, start;

        calendar_civil_of_day(first_day, &first);
        calendar_civil_of_day(last_day + 1, &next);
        months = (next.year - first.year) * MONTHS + next.month - first.month;
        start = (first.month - FIRST_MONTH + MONTHS) % MONTHS; /* months of the fiscal year before it */
        if (first.day == 1 && next.day == 1 && start % QUARTER_MONTHS == 0 && months % QUARTER_MONTHS == 0 &&
            start + months <= MONTHS) {
                period_of_quarters(first.year - (first.month < FIRST_MONTH), start / QUARTER_MONTHS + 1,
                                   (start + months) / QUARTER_MONTHS, ret_period);
                return;
        }
        set_days(first_day, last_day, ret_period);
        if (first.day == 1 && next.day == 1 && months == 1)
                snprintf(ret_period->label, sizeof(ret_period->label), "%.7s", ret_period->first);
        else if (first_day == last_day)
                snprintf(ret_period->label, sizeof(ret_period->label), "%s", ret_period->first);
        else
                snprintf(ret_period->label, sizeof(ret_period->label), "%s to %s", ret_period->first,
                         ret_period->last);
}

static int32_t shifted(int32_t day, int months)
{
        struct civil civil;
        int32_t last;

        calendar_civil_of_day(day, &civil);
        last = month_day(civil.year, civil.month - months + 1) - 1;
        day = month_day(civil.year, civil.month - months) + civil.day - 1;
        return day < last ? day : last;
}

bool period_is_of_months(const struct period *period)
{
        struct civil first, next;

        calendar_civil_of_day(period->first_day, &first);
        calendar_civil_of_day(period->last_day + 1, &next);
        return first.day == 1 && next.day == 1;
}

void period_before(const struct period *period, enum period_step step, struct period *ret_before)
{
        int32_t last_day = period_is_of_months(period) ? shifted(period->last_day + 1, step) - 1
                                                       : shifted(period->last_day, step);

        period_of_days(shifted(period->first_day, step), last_day, ret_before);
}

void period_year_to(int32_t last_day, struct period *ret_period)
{
        period_of_days(shifted(last_day + 1, MONTHS), last_day, ret_period);
}

bool period_is_over(const struct period *period, int32_t today)
{
        return period->last_day < today;
}

/* Quarters have their year last; all else is in its order as it is written. */
int period_compare(const char *a, const char *b)
{
        const char *a_year = strrchr(a, 'Q'), *b_year = strrchr(b, 'Q');
        int order = a_year && b_year ? strcmp(a_year, b_year) : 0;

        return order ? order : strcmp(a, b);
}

int32_t period_counted(const struct period *period, int32_t today)
{
        return period->last_day < today ? period->last_day : today;
}
