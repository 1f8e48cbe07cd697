/* Where business time comes from. */
#include "tools/atmctl/business_clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/settings.h"
#include "rules/calendar.h"

int64_t real_now_ms(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool read_variable(const char *name, int64_t least, int64_t *ret_number)
{
        const char *text = getenv(name);
        char *end;
        long long number;

        errno = 0;
        number = text ? strtoll(text, &end, 10) : 0;
        if (text && *text && !*end && !errno && number >= least) {
                *ret_number = number;
                return true;
        }
        complain("%s: '%.40s': expected a whole number, %lld or more; a laboratory sets ATM_CLOCK_START_MS, "
                 "ATM_CLOCK_ANCHOR_MS and ATM_CLOCK_SPEED together",
                 name, text ? text : "", (long long)least);
        return false;
}

static bool is_set(const char *name)
{
        const char *text = getenv(name);

        return text && *text;
}

bool business_clock_of(const struct invocation *invocation, struct business_clock *ret_clock,
                       const char **ret_source)
{
        const char *path = invocation_value(invocation, "config");
        int64_t start_ms, anchor_ms, speed;

        if (path) {
                char error[SETTINGS_ERROR_MAX];
                struct settings settings;

                if (!settings_load(path, &settings, error)) {
                        complain("%s", error);
                        return false;
                }
                *ret_clock = settings.clock;
                *ret_source = "configuration";
                return true;
        }
        if (!is_set("ATM_CLOCK_START_MS") && !is_set("ATM_CLOCK_ANCHOR_MS") && !is_set("ATM_CLOCK_SPEED")) {
                *ret_clock = clock_real;
                *ret_source = "real time";
                return true;
        }
        if (!read_variable("ATM_CLOCK_START_MS", 0, &start_ms) ||
            !read_variable("ATM_CLOCK_ANCHOR_MS", 0, &anchor_ms) ||
            !read_variable("ATM_CLOCK_SPEED", 1, &speed))
                return false;
        if (speed > INT32_MAX) {
                complain("ATM_CLOCK_SPEED: expected at most %d", INT32_MAX);
                return false;
        }
        *ret_clock =
            (struct business_clock){.start_ms = start_ms, .anchor_ms = anchor_ms, .speed = (int32_t)speed};
        *ret_source = "environment";
        return true;
}

bool business_today(const struct invocation *invocation, int32_t *ret_day)
{
        struct business_clock clock;
        const char *source;

        if (!business_clock_of(invocation, &clock, &source))
                return false;
        *ret_day = calendar_business_day(clock_business_ms(&clock, real_now_ms()));
        return true;
}
