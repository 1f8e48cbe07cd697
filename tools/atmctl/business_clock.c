/* Where business time comes from: see business_clock.h. */
#include "tools/atmctl/business_clock.h"

#include <stdlib.h>

#include "config/settings.h"
#include "rules/calendar.h"

static bool clock_of_environment(struct business_clock *ret_clock, const char **ret_source)
{
        static const char *const sources[] = {[CLOCK_REAL] = "real time", [CLOCK_LABORATORY] = "environment"};
        const char *texts[CLOCK_VARIABLES];
        char error[CLOCK_ERROR_MAX];

        for (int i = 0; i < CLOCK_VARIABLES; i++)
                texts[i] = getenv(clock_variable[i]);
        enum clock_source source = clock_parse(texts, ret_clock, error);
        if (source == CLOCK_WRONG) {
                complain("%s", error);
                return false;
        }
        *ret_source = sources[source];
        return true;
}

bool business_clock_of(const struct invocation *invocation, struct business_clock *ret_clock,
                       const char **ret_source)
{
        const char *path = invocation_value(invocation, "config");

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
        return clock_of_environment(ret_clock, ret_source);
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
