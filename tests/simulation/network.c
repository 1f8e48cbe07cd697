/*
 * The network: messages of one connection arrive in the order in which they were sent, each after a time of
 * its own, as over TCP; on a rough network one may also be lost, doubled or overtaken.
 */
#include "tests/simulation/sim.h"

#include <stdlib.h>
#include <string.h>

static int64_t delay_ms(struct sim *sim)
{
        if (sim_chance(sim, sim->rates.very_late))
                return draw_between(&sim->random, 20000, 400000);
        if (sim_chance(sim, sim->rates.late))
                return draw_between(&sim->random, 1000, 35000);
        return draw_between(&sim->random, 1, 40);
}

static void put_message(struct sim *sim, struct event event, int64_t at_ms, const uint8_t *bytes,
                        size_t length)
{
        event.length = length;
        event.bytes = malloc(length);
        if (!event.bytes)
                abort();
        memcpy(event.bytes, bytes, length);
        sim_put(sim, at_ms - sim->now_ms, event);
}

void network_carry(struct sim *sim, const struct wire *wire, struct event event, int64_t *last_ms,
                   const uint8_t *bytes, size_t length)
{
        int64_t at_ms = sim->now_ms + delay_ms(sim);

        if (wire->is_cut) {
                sim->counters->lost_messages++;
                return;
        }
        sim->counters->late_messages += at_ms > sim->now_ms + 1000;
        if (sim->is_rough && sim_chance(sim, sim->rates.lost)) {
                sim->counters->lost_messages++;
                return;
        }
        if (sim->is_rough && sim_chance(sim, sim->rates.overtaken))
                sim->counters->overtaken_messages += at_ms < *last_ms;
        else if (at_ms < *last_ms)
                at_ms = *last_ms;
        if (at_ms < wire->opened_ms)
                at_ms = wire->opened_ms;
        if (at_ms > *last_ms)
                *last_ms = at_ms;
        put_message(sim, event, at_ms, bytes, length);
        if (sim->is_rough && sim_chance(sim, sim->rates.doubled)) {
                sim->counters->doubled_messages++;
                put_message(sim, event, at_ms + delay_ms(sim), bytes, length);
        }
}

void network_carry_end(struct sim *sim, struct event event, int64_t last_ms)
{
        int64_t at_ms = sim->now_ms + delay_ms(sim);

        if (at_ms < last_ms)
                at_ms = last_ms;
        sim_put(sim, at_ms - sim->now_ms, event);
}
