/* Business time. The arithmetic saturates: a moment beyond int64_t is the last one there is. */
#include "rules/clock.h"

#include <assert.h>

const struct business_clock clock_real = {.start_ms = 0, .anchor_ms = 0, .speed = 1};

static int64_t saturating_add(int64_t a, int64_t b)
{
        int64_t sum;

        if (__builtin_add_overflow(a, b, &sum))
                return b < 0 ? INT64_MIN : INT64_MAX;
        return sum;
}

static int64_t saturating_subtract(int64_t a, int64_t b)
{
        int64_t difference;

        if (__builtin_sub_overflow(a, b, &difference))
                return b < 0 ? INT64_MAX : INT64_MIN;
        return difference;
}

int64_t clock_business_ms(const struct business_clock *clock, int64_t real_ms)
{
        int64_t elapsed_ms = saturating_subtract(real_ms, clock->anchor_ms);
        int64_t business_elapsed_ms;

        assert(clock->speed >= 1);
        if (__builtin_mul_overflow(elapsed_ms, (int64_t)clock->speed, &business_elapsed_ms))
                business_elapsed_ms = elapsed_ms < 0 ? INT64_MIN : INT64_MAX;
        return saturating_add(clock->start_ms, business_elapsed_ms);
}

int64_t clock_real_at(const struct business_clock *clock, int64_t business_ms)
{
        int64_t elapsed_ms = saturating_subtract(business_ms, clock->start_ms);
        int64_t real_elapsed_ms;

        assert(clock->speed >= 1);
        /* Rounded up: who sleeps until then must not wake before business time is reached. */
        real_elapsed_ms = elapsed_ms / clock->speed + (elapsed_ms % clock->speed > 0);
        return saturating_add(clock->anchor_ms, real_elapsed_ms);
}
