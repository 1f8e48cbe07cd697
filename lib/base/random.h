/*
 * Random numbers from a seed, so that a run can be played again, the same on every machine; or, for what must differ
 * between processes, from a seed of the system's. Never for secrets.
 *
 * struct random is xoshiro256**. Who keeps many small streams, or mixes numbers of its own into one, has the 64 bits
 * of splitmix64 for each of them.
 */
#ifndef LIB_BASE_RANDOM_H
#define LIB_BASE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* The next number of the stream that stands at *state. */
uint64_t random_mix(uint64_t *state);

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
