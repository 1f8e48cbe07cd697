/*
 * Bucket of a value v: below 2^6 the value itself; above, with e its highest bit, the power (e - 5) and the
 * six bits that follow the highest one.
 */
#include "tools/atmsim/histogram.h"

enum { SUB_BUCKETS = 1 << HISTOGRAM_SUB_BITS };

static int bucket_of(int64_t value)
{
        if (value < SUB_BUCKETS)
                return value < 0 ? 0 : (int)value;

        int highest_bit = 63 - __builtin_clzll((unsigned long long)value);
        int power = highest_bit - HISTOGRAM_SUB_BITS + 1;

        if (power > HISTOGRAM_POWERS)
                return HISTOGRAM_BUCKETS - 1;
        return (power << HISTOGRAM_SUB_BITS) + (int)((value >> (power - 1)) - SUB_BUCKETS);
}

static int64_t upper_edge(int bucket)
{
        int power = bucket >> HISTOGRAM_SUB_BITS;
        int64_t sub = bucket & (SUB_BUCKETS - 1);

        if (power == 0)
                return sub;
        return ((sub + SUB_BUCKETS + 1) << (power - 1)) - 1;
}

void histogram_add(struct histogram *histogram, int64_t value)
{
        histogram->bucket[bucket_of(value)]++;
        histogram->count++;
        if (value > histogram->highest)
                histogram->highest = value;
}

int64_t histogram_quantile(const struct histogram *histogram, double quantile)
{
        uint64_t rank = (uint64_t)(quantile * (double)histogram->count);
        uint64_t below = 0;

        if (histogram->count == 0)
                return 0;
        if ((double)rank < quantile * (double)histogram->count)
                rank++;
        if (rank == 0)
                rank = 1;
        for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
                below += histogram->bucket[i];
                if (below >= rank)
                        return upper_edge(i) < histogram->highest ? upper_edge(i) : histogram->highest;
        }
        return histogram->highest;
}
