/* The clock that stands still: see fleet_clock.h. */
#include "tools/atmsim/fleet_clock.h"

#include <assert.h>

void fleet_clock_init(struct fleet_clock *clock, const struct business_clock *laboratory)
{
        *clock = (struct fleet_clock){.laboratory = *laboratory, .read_ms = INT64_MIN};
}

int64_t fleet_clock_business_ms(struct fleet_clock *clock, int64_t real_ms)
{
        int64_t running_ms = (clock->stands ? clock->stands_ms : real_ms) - clock->stood_ms;
        int64_t business_ms = clock_business_ms(&clock->laboratory, running_ms);

        if (business_ms > clock->read_ms)
                clock->read_ms = business_ms;
        return clock->read_ms;
}

int64_t fleet_clock_real_at(const struct fleet_clock *clock, int64_t business_ms)
{
        return clock_real_at(&clock->laboratory, business_ms) + clock->stood_ms;
}

void fleet_clock_stop(struct fleet_clock *clock, int64_t business_ms)
{
        assert(!clock->stands);
        clock->stands = true;
        clock->stands_ms = fleet_clock_real_at(clock, business_ms);
}

void fleet_clock_go_on(struct fleet_clock *clock, int64_t real_ms)
{
        assert(clock->stands);
        clock->stands = false;
        if (real_ms > clock->stands_ms)
                clock->stood_ms += real_ms - clock->stands_ms;
}
