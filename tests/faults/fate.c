/*
 * Fates from a seed: three numbers a chunk whatever comes out, so that changing one rate does
 * not shift the rest of the stream.
 */
#include "tests/faults/fate.h"

#include "lib/base/random.h"

uint64_t fate_stream(const struct fate_rules *rules, uint64_t connection, unsigned direction)
{
        uint64_t state = rules->seed;
        state = random_mix(&state) ^ connection;
        state = random_mix(&state) ^ direction;
        return random_mix(&state);
}

static uint32_t between(uint64_t random, uint32_t from, uint32_t to)
{
        return from + (uint32_t)(random % ((uint64_t)to - from + 1));
}

struct fate fate_draw(const struct fate_rules *rules, uint64_t *stream)
{
        uint64_t kind = random_mix(stream) >> 32, hold = random_mix(stream), how = random_mix(stream);
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
