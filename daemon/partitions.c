/* Missing partitions: see partitions.h. */
#include "daemon/partitions.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "rules/calendar.h"

enum {
        AHEAD_DAYS = 214, /* DE 7 has no year: it may be half a year off, and a bit */
        DUE_DAYS = 31,
};

bool partitions_check(const struct reference *reference, int64_t now_ms, char *error, size_t size)
{
        char day[11];
        if (reference_holds_moment(reference, now_ms))
                return true;
        calendar_print_day(calendar_business_day(now_ms), day);
        snprintf(error, size, "database: no partitions for the business day %s: run 'atmctl db partitions'",
                 day);
        return false;
}

bool partitions_are_due(const struct reference *reference, int64_t now_ms)
{
        return !reference_holds_moment(reference, now_ms + (int64_t)(AHEAD_DAYS + DUE_DAYS) * DAY_MS);
}

void partitions_warn(struct partitions *partitions, const struct reference *reference, int64_t now_ms)
{
        const int64_t ahead_ms = (int64_t)AHEAD_DAYS * DAY_MS;
        const int64_t moments[PARTITIONS_MOMENTS] = {now_ms, now_ms - ahead_ms, now_ms + ahead_ms};
        for (size_t i = 0; i < PARTITIONS_MOMENTS; i++) {
                char text[11];
                int32_t day = calendar_business_day(moments[i]);
                if (reference_holds_moment(reference, moments[i]) || partitions->warned_day[i] == day)
                        continue;
                partitions->warned_day[i] = day;
                calendar_print_day(day, text);
                log_event(i == 0 ? LEVEL_ERROR : LEVEL_WARNING, "partitions_missing", LOG_TEXT("day", text),
                          LOG_TEXT("help", "atmctl db partitions"));
        }
}
