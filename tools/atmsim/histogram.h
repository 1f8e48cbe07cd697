/*
 * Response times in microseconds, kept as counts in buckets of growing width: each power of two is cut
 * into 64, so a quantile is off by less than 1.6 %. Fixed size, no allocation, adding is a few shifts.
 */
#ifndef ATMSIM_HISTOGRAM_H
#define ATMSIM_HISTOGRAM_H

#include <stdint.h>

enum {
        HISTOGRAM_SUB_BITS = 6,
        HISTOGRAM_POWERS = 36, /* up to 2^41 microseconds: 25 days */
        HISTOGRAM_BUCKETS = (HISTOGRAM_POWERS + 1) << HISTOGRAM_SUB_BITS,
};

struct histogram {
        uint64_t bucket[HISTOGRAM_BUCKETS];
        uint64_t count;
        int64_t highest;
};

/* Negative values count as zero, those beyond the range as the highest bucket. */
void histogram_add(struct histogram *histogram, int64_t value);
/* The smallest value that at least `quantile` of all values don't exceed, to the bucket's upper edge; never
 * more than the highest value seen. 0 where there are none. */
int64_t histogram_quantile(const struct histogram *histogram, double quantile);

#endif
