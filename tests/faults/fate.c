/*
 * Fates from a seed: splitmix64, three numbers a chunk whatever comes out, so that changing one rate does
 * not shift the rest of the stream.
 */
#include "tests/faults/fate.h"

static uint64_t next(uint64_t *state)
{
        uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

uint64_t fate_stream(const struct fate_rules *rules, uint64_t connection, unsigned direction)
{
        uint64_t state = rules->seed;
        state = next(&state) ^ connection;
        state = next(&state) ^ direction;
        return next(&state);
}

static uint32_t between(uint64_t random, uint32_t from, uint32_t to)
{
        return from + (uint32_t)(random % ((uint64_t)to - from + 1));
}

struct fate fate_draw(const struct fate_rules *rules, uint64_t *stream)
{
        uint64_t kind = next(stream) >> 32, hold = next(stream), how = next(stream);
        struct fate fate = {FATE_PASS, between(hold, rules->delay_from_ms, rules->delay_to_ms), 0};
        if (kind < rules->drop) {
                fate.kind = FATE_DROP;
                fate.reset = how & 1;
        } else if (kind < rules->drop + rules->half) {
                fate.kind = FATE_HALF; /* never a reset: it would take the half with it */
        } else if (kind < rules->drop + rules->half + rules->stall) {
                fate.kind = FATE_STALL;
                fate.hold_ms += between(how, rules->stall_from_ms, rules->stall_to_ms);
        }
        return fate;
}
