/* Random choices that a seed gives back (lib/base/random.h), as tests make them: from small streams, as int. */
#ifndef TESTS_CONTRACT_DRAWS_H
#define TESTS_CONTRACT_DRAWS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/number.h"
#include "lib/base/random.h"

/* What ATM_TEST_SEED asks for, else `otherwise`. */
static inline uint64_t draws_seed(uint64_t otherwise)
{
        const char *text = getenv("ATM_TEST_SEED");

        return text ? (uint64_t)number_known(text) : otherwise;
}

struct draws {
        uint64_t state;
};

/* 0 to bound - 1 */
static inline int draw_below(struct draws *draws, int bound)
{
        return (int)(random_mix(&draws->state) % (uint64_t)bound);
}

/* low to high, both included */
static inline int64_t draw_between(struct draws *draws, int64_t low, int64_t high)
{
        return low + (int64_t)(random_mix(&draws->state) % (uint64_t)(high - low + 1));
}

static inline bool draw_permille(struct draws *draws, int permille)
{
        return draw_below(draws, 1000) < permille;
}

#endif
