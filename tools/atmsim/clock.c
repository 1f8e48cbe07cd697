/* Business time as atmsim is told it: see clock.h. */
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
        const char *texts[CLOCK_VARIABLES];
        char error[CLOCK_ERROR_MAX];

        for (int i = 0; i < CLOCK_VARIABLES; i++)
                texts[i] = getenv(clock_variable[i]);
        if (clock_parse(texts, ret_clock, error) != CLOCK_WRONG)
                return true;
        complain("%s", error);
        return false;
}
