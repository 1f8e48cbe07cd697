#include "tools/atmsim/run_line.h"

#include <inttypes.h>

#include "lib/cli/say.h"
#include "rules/calendar.h"

/* Of the last second, about: what is shown more often would jump. */
static void take_pace(struct run_pace *pace, uint64_t ended, int64_t now_us)
{
        if (pace->last_us > 0 && now_us > pace->last_us) {
                double seconds = (double)(now_us - pace->last_us) / 1e6,
                       now = (double)(ended - pace->last_ended) / seconds;
                double weight = seconds < 1 ? seconds : 1;

                pace->per_second = pace->per_second * (1 - weight) + now * weight;
        }
        pace->last_us = now_us;
        pace->last_ended = ended;
}

void run_line_show(struct run_pace *pace, const struct run_line *line, int64_t now_us)
{
        char moment[26];

        take_pace(pace, line->ended, now_us);
        calendar_print_moment(line->business_ms, moment);
        moment[16] = '\0'; /* to the minute */
        moment[10] = ' ';
        progress("%s  ATMs %" PRId64 "/%" PRId64 "  withdrawals %" PRIu64 " (%.0f/s)  paid %" PRIu64
                 "  declined %" PRIu64 "  open %" PRIu64 "%s",
                 moment, line->signed_on, line->atms, line->ended, pace->per_second, line->paid,
                 line->declined, line->open, line->draining ? "  coming to an end" : "");
}
