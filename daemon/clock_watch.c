#include "daemon/clock_watch.h"

#include "config/limits.h"
#include "lib/base/log.h"

/* Ahead of the database's clock by so much at least, and at most. */
struct gap {
        int64_t least_ms, most_ms;
};

static int64_t nearest_ms(struct gap gap)
{
        return gap.least_ms > 0 ? gap.least_ms : gap.most_ms < 0 ? -gap.most_ms : 0;
}

static int64_t furthest_ms(struct gap gap)
{
        return gap.most_ms > -gap.least_ms ? gap.most_ms : -gap.least_ms;
}

static const int64_t limit_ms[CLOCK_STATE_COUNT] = {[CLOCK_DRIFTS] = LIMIT_CLOCK_WARN_MS,
                                                    [CLOCK_OFF] = LIMIT_CLOCK_OFF_MS,
                                                    [CLOCK_LOST] = LIMIT_CLOCK_LOST_MS};

/* What may be beyond a state's limit leaves it where it is. */
static enum clock_state next_state(enum clock_state now, struct gap gap)
{
        for (int state = CLOCK_LOST; state > CLOCK_AGREES; state--)
                if (nearest_ms(gap) > limit_ms[state] ||
                    (now >= (enum clock_state)state && furthest_ms(gap) > limit_ms[state]))
                        return (enum clock_state)state;
        return CLOCK_AGREES;
}

bool clock_watch_look(struct clock_watch *watch, int64_t real_ms, int64_t steady_ms)
{
        enum clock_state before = watch->state;
        struct gap gap = {real_ms - steady_ms - watch->most_ms, real_ms - steady_ms - watch->least_ms};

        if (!watch->is_measured)
                return false;
        watch->ahead_ms = gap.least_ms + (gap.most_ms - gap.least_ms) / 2;
        watch->state = next_state(before, gap);
        return watch->state != before;
}

bool clock_watch_hear(struct clock_watch *watch, int64_t database_ms, int64_t round_trip_ms, int64_t real_ms,
                      int64_t steady_ms)
{
        watch->is_measured = true;
        watch->least_ms = database_ms - steady_ms;
        watch->most_ms = database_ms + round_trip_ms - steady_ms;
        return clock_watch_look(watch, real_ms, steady_ms);
}

void clock_watch_log(const struct clock_watch *watch)
{
        static const struct {
                enum log_level level;
                const char *event, *help;
        } rows[CLOCK_STATE_COUNT] = {
            [CLOCK_AGREES] = {LEVEL_INFO, "clock_agrees", "this machine's clock and the database's agree"},
            [CLOCK_DRIFTS] = {LEVEL_WARNING, "clock_drifts",
                              "this machine's clock or the database's is wrong: look after NTP on both"},
            [CLOCK_OFF] =
                {LEVEL_ERROR, "clock_off",
                 "until this machine's clock and the database's agree no withdrawal is approved here "
                 "and no advice taken: look after NTP on both"},
            [CLOCK_LOST] =
                {LEVEL_ERROR, "clock_lost",
                 "more than a day: until this machine's clock and the database's agree nothing is decided "
                 "here: look after NTP on both"},
        };

        log_event(rows[watch->state].level, rows[watch->state].event, LOG_NUMBER("ahead_ms", watch->ahead_ms),
                  LOG_TEXT("help", rows[watch->state].help));
}
