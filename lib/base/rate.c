/* How often something may happen: see rate.h. What is left need not be kept: the moment at which all are there says it. */
#include "lib/base/rate.h"

bool rate_take(struct rate *rate, const struct rate_rules *rules, int64_t now_ms)
{
        int64_t full_ms = (rate->full_ms > now_ms ? rate->full_ms : now_ms) + rules->period_ms;
        if (full_ms - now_ms > rules->at_once * rules->period_ms)
                return false;
        rate->full_ms = full_ms;
        return true;
}
