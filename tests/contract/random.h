/* Random numbers that a seed gives back: splitmix64. For tests; the same on every machine. */
#ifndef TESTS_RANDOM_H
#define TESTS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
        uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
        uint64_t z = random->state += 0x9e3779b97f4a7c15u;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
}

/* 0 to bound - 1 */
static inline int random_below(struct random *random, int bound)
{
        return (int)(random_next(random) % (uint64_t)bound);
}

/* low to high, both included */
static inline int64_t random_between(struct random *random, int64_t low, int64_t high)
{
        return low + (int64_t)(random_next(random) % (uint64_t)(high - low + 1));
}

static inline bool random_permille(struct random *random, int permille)
{
        return random_below(random, 1000) < permille;
}

#endif
