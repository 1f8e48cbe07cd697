/* Business time: see clock.h. The arithmetic saturates: a moment beyond int64_t is the last one there is. */
#include "rules/clock.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#include "lib/base/number.h"

const struct business_clock clock_real = {.start_ms = 0, .anchor_ms = 0, .speed = 1};

const char *const clock_variable[CLOCK_VARIABLES] = {"ATM_CLOCK_START_MS", "ATM_CLOCK_ANCHOR_MS",
                                                     "ATM_CLOCK_SPEED"};

enum clock_source clock_parse(const char *const texts[CLOCK_VARIABLES], struct business_clock *ret_clock,
                              char error[CLOCK_ERROR_MAX])
{
        static const int64_t least[CLOCK_VARIABLES] = {0, 0, 1};
        static const int64_t most[CLOCK_VARIABLES] = {INT64_MAX, INT64_MAX, INT32_MAX};
        int64_t value[CLOCK_VARIABLES] = {0};
        bool given = false;

        for (int i = 0; i < CLOCK_VARIABLES; i++)
                given |= texts[i] && *texts[i];
        for (int i = 0; i < CLOCK_VARIABLES && given; i++) {
                const char *text = texts[i] ? texts[i] : "";
                char expected[NUMBER_EXPECTED_MAX];

                if (number_parse(text, least[i], most[i], &value[i]))
                        continue;
                snprintf(error, CLOCK_ERROR_MAX,
                         "%s: '%.40s': expected %s; a laboratory sets %s, %s and %s together",
                         clock_variable[i], text, number_expected(least[i], most[i], expected),
                         clock_variable[0], clock_variable[1], clock_variable[2]);
                return CLOCK_WRONG;
        }
        *ret_clock = given ? (struct business_clock){value[0], value[1], (int32_t)value[2]} : clock_real;
        return given ? CLOCK_LABORATORY : CLOCK_REAL;
}

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
