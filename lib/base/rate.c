/* How often something may happen: see rate.h. What is left need not be kept: the moment at which all are there says it. */
#include "lib/base/rate.h"

int64_t rate_wait_ms(const struct rate *rate, const struct rate_rules *rules, int64_t now_ms)
{
        int64_t furthest_ms = now_ms + (rules->at_once - 1) * rules->period_ms;
        return rate->full_ms > furthest_ms ? rate->full_ms - furthest_ms : 0;
}

bool rate_take(struct rate *rate, const struct rate_rules *rules, int64_t now_ms)
{
        if (rate_wait_ms(rate, rules, now_ms) > 0)
                return false;
        rate->full_ms = (rate->full_ms > now_ms ? rate->full_ms : now_ms) + rules->period_ms;
        return true;
}
