/*
 * The stream is drawn in 'share of the day's customers' (where it is even) and mapped to the hour through
 * the inverse of the profile's running sum, straight within each hour.
 */
#include "tools/atmsim/arrivals.h"

#include <assert.h>
#include <math.h>

#include "rules/calendar.h"

enum { HOURS = 24, HOUR_MS = 3600000 };

/* Customers by hour of the day in Japan, in any unit. */
static const int weight[2][HOURS] = {
    [PROFILE_DAY] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 6, 6, 7, 7, 7, 8, 9, 11, 13, 12, 7, 0, 0, 0},
    [PROFILE_FLAT] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
};

static int total_weight(enum profile_kind profile)
{
        int total = 0;

        for (int h = 0; h < HOURS; h++)
                total += weight[profile][h];
        return total;
}

/* Share of the day's customers that come before `ms` after midnight. */
static double share_before(enum profile_kind profile, int64_t ms)
{
        double sum = 0;

        for (int h = 0; h < HOURS; h++) {
                int64_t into = ms - (int64_t)h * HOUR_MS;

                if (into <= 0)
                        break;
                sum += weight[profile][h] * (into >= HOUR_MS ? 1.0 : (double)into / HOUR_MS);
        }
        return sum / total_weight(profile);
}

static int64_t ms_of_share(enum profile_kind profile, double share)
{
        double left = share * total_weight(profile);
        int last = 0;

        for (int h = 0; h < HOURS; h++) {
                if (weight[profile][h] == 0)
                        continue;
                if (left < weight[profile][h])
                        return (int64_t)h * HOUR_MS + (int64_t)(left / weight[profile][h] * HOUR_MS);
                left -= weight[profile][h];
                last = h;
        }
        return (int64_t)(last + 1) * HOUR_MS - 1; /* rounding at the very end of the day */
}

void arrivals_init(struct arrivals *arrivals, enum profile_kind profile, double per_day, int64_t from_ms,
                   uint64_t seed)
{
        assert(per_day > 0);
        *arrivals = (struct arrivals){.profile = profile, .per_day = per_day};
        random_seed(&arrivals->random, seed);
        arrivals->day = calendar_business_day(from_ms);
        arrivals->used = share_before(profile, from_ms - calendar_day_start_ms(arrivals->day));
}

int64_t arrivals_next_ms(struct arrivals *arrivals)
{
        arrivals->used += -log(1.0 - random_unit(&arrivals->random)) / arrivals->per_day;
        while (arrivals->used >= 1) {
                arrivals->used -= 1;
                arrivals->day++;
        }
        return calendar_day_start_ms(arrivals->day) + ms_of_share(arrivals->profile, arrivals->used);
}
