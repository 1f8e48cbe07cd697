/* The clocks of the system: see now.h. */
#include "lib/base/now.h"

#include <time.h>

static int64_t clock_us(clockid_t clock)
{
        struct timespec now;

        clock_gettime(clock, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t real_now_us(void)
{
        return clock_us(CLOCK_REALTIME);
}

int64_t real_now_ms(void)
{
        return real_now_us() / 1000;
}

int64_t steady_now_us(void)
{
        return clock_us(CLOCK_MONOTONIC);
}

int64_t steady_now_ms(void)
{
        return steady_now_us() / 1000;
}

int64_t processor_now_us(void)
{
        return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}
