/*
 * Random numbers from a seed (xoshiro256**), so that a run can be played again; or, for what must differ between
 * processes, from a seed of the system's. Never for secrets.
 */
#ifndef LIB_BASE_RANDOM_H
#define LIB_BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
        uint64_t state[4];
};

void random_seed(struct random *random, uint64_t seed);
/* With a seed of the system's, unlike that of any other process. */
void random_seed_anew(struct random *random);
uint64_t random_next(struct random *random);
/* 0 .. bound-1; bound is more than zero. */
uint64_t random_below(struct random *random, uint64_t bound);
/* [0, 1) */
double random_unit(struct random *random);
bool random_chance(struct random *random, double probability);
/* Some time around a pause, up to `percent` less or more, so that those who wait don't march in step. */
int64_t random_jitter(struct random *random, int64_t pause, int percent);

#endif
