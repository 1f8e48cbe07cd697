/* What happens over and over is said once, and then once in SELDOM_MS with how often it was meanwhile. */
#ifndef LIB_BASE_SELDOM_H
#define LIB_BASE_SELDOM_H

#include <stdbool.h>
#include <stdint.h>

enum { SELDOM_MS = 10000 };

/* All zeros: nothing was said yet. */
struct seldom {
        uint64_t what;
        int64_t said_ms, more;
};

/* May it be said, at this steady time? Something else than the last time always. *ret_more: how often it was left out before. */
bool seldom_may(struct seldom *seldom, uint64_t what, int64_t now_ms, int64_t *ret_more);

#endif
