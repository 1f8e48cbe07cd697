/* splitmix64; xoshiro256** by Blackman and Vigna, seeded through the former as they recommend. */
#include "lib/base/random.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

uint64_t random_mix(uint64_t *state)
{
        uint64_t z = (*state += 0x9e3779b97f4a7c15u);

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
}

void random_seed(struct random *random, uint64_t seed)
{
        for (int i = 0; i < 4; i++)
                random->state[i] = random_mix(&seed);
}

void random_seed_anew(struct random *random)
{
        uint64_t seed;
        while (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
                assert(errno == EINTR); /* the kernel always has some, once the machine is up */
        random_seed(random, seed);
}

static uint64_t rotate(uint64_t x, int bits)
{
        return (x << bits) | (x >> (64 - bits));
}

uint64_t random_next(struct random *random)
{
        uint64_t *s = random->state;
        uint64_t result = rotate(s[1] * 5, 7) * 9;
        uint64_t t = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = rotate(s[3], 45);
        return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
        assert(bound > 0);
        /* The bias of a plain remainder of 64 bits is far below anything a simulation could notice. */
        return random_next(random) % bound;
}

double random_unit(struct random *random)
{
        return (double)(random_next(random) >> 11) * 0x1.0p-53;
}

bool random_chance(struct random *random, double probability)
{
        return probability > 0 && random_unit(random) < probability;
}

int64_t random_jitter(struct random *random, int64_t pause, int percent)
{
        assert(pause >= 0 && percent >= 0 && percent <= 100);
        int64_t lowest = pause * (100 - percent) / 100, width = pause * 2 * percent / 100;
        return lowest + (int64_t)random_below(random, (uint64_t)width + 1);
}
