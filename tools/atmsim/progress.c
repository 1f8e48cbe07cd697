/* Standard error only: standard output belongs to the result. */
#include "tools/atmsim/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rules/calendar.h"

enum { EVERY_TERMINAL_US = 200000, EVERY_ELSEWHERE_US = 1000000 };

void progress_init(struct progress *progress, bool forced)
{
        *progress = (struct progress){.terminal = isatty(STDERR_FILENO) == 1};
        progress->shows = forced || progress->terminal;
}

bool progress_is_due(const struct progress *progress, int64_t now_us)
{
        return progress->shows && now_us >= progress->next_us;
}

static void progress_text(struct progress *progress, int64_t now_us, const char *text)
{
        if (!progress_is_due(progress, now_us))
                return;
        progress->next_us = now_us + (progress->terminal ? EVERY_TERMINAL_US : EVERY_ELSEWHERE_US);
        if (progress->terminal)
                fprintf(stderr, "\r%s\033[K", text);
        else
                fprintf(stderr, "%s\n", text);
        fflush(stderr);
        progress->dirty = progress->terminal;
}

void progress_show(struct progress *progress, const struct progress_line *line, int64_t now_us)
{
        char moment[26], text[240];

        if (progress->last_us > 0 && now_us > progress->last_us) {
                double now =
                    (double)(line->ended - progress->last_ended) * 1e6 / (double)(now_us - progress->last_us);

                progress->per_second = progress->terminal ? progress->per_second * 0.7 + now * 0.3 : now;
        }
        progress->last_us = now_us;
        progress->last_ended = line->ended;
        calendar_print_moment(line->business_ms, moment);
        moment[16] = '\0'; /* to the minute */
        moment[10] = ' ';
        snprintf(text, sizeof(text),
                 "%s  ATMs %" PRId64 "/%" PRId64 "  withdrawals %" PRIu64 " (%.0f/s)  paid %" PRIu64
                 "  declined %" PRIu64 "  open %" PRIu64 "%s",
                 moment, line->signed_on, line->atms, line->ended, progress->per_second, line->paid,
                 line->declined, line->open, line->draining ? "  coming to an end" : "");
        progress_text(progress, now_us, text);
}

void progress_clear(struct progress *progress)
{
        if (progress->dirty)
                fputs("\r\033[K", stderr);
        progress->dirty = false;
}
