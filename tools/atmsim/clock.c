/* The laboratory's clock, all three variables or none. */
#include "tools/atmsim/clock.h"

#include <stdlib.h>

#include "lib/cli/say.h"
#include "lib/cli/values.h"
#include "rules/calendar.h"

bool take_moment(const struct option_value *value, char error[OPTIONS_ERROR_MAX])
{
        return calendar_parse_moment(value->text, value->row->target) ||
               option_refuse(value, error, "a moment such as 2016-12-29T08:00 (Japan time)");
}

bool clock_of_laboratory(struct business_clock *ret_clock)
{
        static const char *const names[3] = {"ATM_CLOCK_START_MS", "ATM_CLOCK_ANCHOR_MS", "ATM_CLOCK_SPEED"};
        int64_t value[3];
        int set = 0;

        for (int i = 0; i < 3; i++) {
                const char *text = getenv(names[i]);

                set += text != NULL;
                if (text &&
                    !number_parse(text, i == 2 ? 1 : INT64_MIN, i == 2 ? INT32_MAX : INT64_MAX, &value[i])) {
                        complain("%s '%s': expected a whole number%s", names[i], text,
                                 i == 2 ? " of 1 or more" : " of milliseconds since 1970");
                        return false;
                }
        }
        if (set == 0) {
                *ret_clock = clock_real;
                return true;
        }
        if (set < 3) {
                complain("%s, %s and %s belong together: set all or none", names[0], names[1], names[2]);
                return false;
        }
        *ret_clock =
            (struct business_clock){.start_ms = value[0], .anchor_ms = value[1], .speed = (int32_t)value[2]};
        return true;
}
