/* Periods in words: see period_text.h. */
#include "backoffice/pages/period_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/number.h"
#include "rules/calendar.h"

/* Whether a text begins as a pattern says, '0' for a digit; how many bytes that is. */
static size_t matches(const char *text, const char *pattern)
{
        for (size_t i = 0; pattern[i]; i++) {
                if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
                        return 0;
        }
        return strlen(pattern);
}

static int digits(const char *text, size_t count)
{
        return (int)number_known_bytes(text, count);
}

/* The fiscal year that begins in April of `year` is named by the month that it ends in. */
static void print_year(int year, enum reader reader, char *buffer, size_t size)
{
        if (reader == READER_JAPANESE)
                snprintf(buffer, size, "%d年3月期", year + 1);
        else
                snprintf(buffer, size, "%d年度", year);
}

/* "3Q16", "1Q-3Q16": of the first quarters those up to the last, together. */
static bool print_quarters(const char *name, enum reader reader, char *buffer, size_t size)
{
        bool several = matches(name, "0Q-0Q00") == strlen(name), one = matches(name, "0Q00") == strlen(name);
        const char *last = several ? name + 3 : name;
        char year[32];

        if (!several && !one)
                return false;
        if (reader == READER_JAPANESE_SHORT) {
                snprintf(buffer, size, "%s", name);
                return true;
        }
        print_year(2000 + digits(last + 2, 2), reader, year, sizeof(year));
        if (one)
                snprintf(buffer, size, "%s第%c四半期", year, *name);
        else if (*name == '1' && *last == '4')
                snprintf(buffer, size, "%s", year);
        else if (*name == '1')
                snprintf(buffer, size, "%s第%c四半期累計", year, *last);
        else
                snprintf(buffer, size, "%s第%c～第%c四半期", year, *name, *last);
        return true;
}

static bool print_fiscal_year(const char *name, enum reader reader, char *buffer, size_t size)
{
        if (matches(name, "FY0000") == strlen(name))
                print_year(digits(name + 2, 4), reader, buffer, size);
        else if (matches(name, "FY00") == strlen(name))
                print_year(2000 + digits(name + 2, 2), reader, buffer, size);
        else
                return false;
        return true;
}

/* A day, or a month, and what stands behind it; a moment to its minute, in Japan's time as all are written. */
static bool print_date(const char *name, char *buffer, size_t size)
{
        size_t length = matches(name, "0000-00-00");

        if (length && matches(name + length, "T00:00:00"))
                snprintf(buffer, size, "%d年%d月%d日 %d時%.2s分", digits(name, 4), digits(name + 5, 2),
                         digits(name + 8, 2), digits(name + 11, 2), name + 14);
        else if (length)
                snprintf(buffer, size, "%d年%d月%d日%s", digits(name, 4), digits(name + 5, 2),
                         digits(name + 8, 2), name + length);
        else if (matches(name, "0000-00") == strlen(name))
                snprintf(buffer, size, "%d年%d月", digits(name, 4), digits(name + 5, 2));
        return length || matches(name, "0000-00") == strlen(name);
}

static bool print_days(const char *name, char *buffer, size_t size)
{
        char first[32], last[32];
        size_t length = matches(name, "0000-00-00 to 0000-00-00");

        if (!length || length != strlen(name))
                return false;
        snprintf(first, sizeof(first), "%d年%d月%d日", digits(name, 4), digits(name + 5, 2),
                 digits(name + 8, 2));
        print_date(name + sizeof("2016-12-29 to ") - 1, last, sizeof(last));
        snprintf(buffer, size, "%s～%s", first, last);
        return true;
}

const char *period_text(const char *name, enum reader reader, char buffer[PERIOD_TEXT_MAX])
{
        if (*name && reader != READER_ENGLISH &&
            (print_days(name, buffer, PERIOD_TEXT_MAX) || print_date(name, buffer, PERIOD_TEXT_MAX) ||
             print_quarters(name, reader, buffer, PERIOD_TEXT_MAX) ||
             print_fiscal_year(name, reader, buffer, PERIOD_TEXT_MAX)))
                return buffer;
        snprintf(buffer, PERIOD_TEXT_MAX, "%s", name);
        return buffer;
}

const char *period_text_short(const char *name, enum reader reader, char buffer[PERIOD_TEXT_MAX])
{
        if (!*name || reader != READER_JAPANESE || matches(name, "0Q00") != strlen(name))
                return period_text(name, reader, buffer);
        snprintf(buffer, PERIOD_TEXT_MAX, "%02d/3期%.2s", (digits(name + 2, 2) + 1) % 100, name);
        return buffer;
}

const char *period_text_day(int32_t day, enum reader reader, char buffer[PERIOD_TEXT_MAX])
{
        char name[11];

        calendar_print_day(day, name);
        return period_text(name, reader, buffer);
}

const char *period_text_before(const struct period *period, enum period_step step)
{
        bool is_quarter = period->whole_quarters && !strchr(period->label, '-') && *period->label != 'F';

        if (step == PERIOD_STEP_YEAR)
                return *period->label == 'F' ? "before_year_yen" : "before_yoy_yen";
        return is_quarter ? "before_qoq_yen" : "before_months_yen";
}
