/*
 * Random numbers from a seed (xoshiro256**), so that a run can be played again. Never for secrets.
 */
#ifndef LIB_BASE_RANDOM_H
#define LIB_BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
        uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);
/* 0 .. bound-1; bound is more than zero. */
uint64_t random_below(struct random *random, uint64_t bound);
/* [0, 1) */
double random_unit(struct random *random);
bool random_chance(struct random *random, double probability);
/* value * [0.5, 1.5): pauses that don't march in step */
int64_t random_jitter(struct random *random, int64_t value);

#endif
