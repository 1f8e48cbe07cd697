/*
 * What becomes of a chunk of bytes on a bad line, drawn from a seed. Each direction of each connection draws
 * from a stream of its own, so that what happens to one does not depend on how many others there are.
 */
#ifndef TESTS_FAULTS_FATE_H
#define TESTS_FAULTS_FATE_H

#include <stdint.h>

/* Rates in chunks of 2^32, which is every chunk; their sum is 2^32 at most. Milliseconds from..to. */
struct fate_rules {
        uint64_t seed;
        uint64_t drop, half, stall;
        uint32_t delay_from_ms, delay_to_ms;
        uint32_t stall_from_ms, stall_to_ms;
};

enum fate_kind {
        FATE_PASS,
        FATE_STALL, /* passes, after a time in which this direction stands still */
        FATE_HALF,  /* the first half passes, then the connection is cut */
        FATE_DROP,  /* the connection is cut instead */
};

struct fate {
        enum fate_kind kind;
        uint32_t hold_ms; /* before it goes on */
        uint32_t reset;   /* of a cut: 1: reset, 0: an orderly end */
};

/* The stream of one direction (0, 1) of the connection of that number. */
uint64_t fate_stream(const struct fate_rules *rules, uint64_t connection, unsigned direction);
struct fate fate_draw(const struct fate_rules *rules, uint64_t *stream);

#endif
