/*
 * The desks: what people do while withdrawals are under way. They change reference data, close quarters, and say what left an ATM
 * whose withdrawal has no end.
 */
#include "tests/simulation/sim.h"

#include <inttypes.h>
#include <string.h>

#include "rules/calendar.h"

/* reference data ------------------------------------------------------------------------------------ */

/* Tariffs, prefixes and links are the banks'; they come back as often as they go. */
void desk_changes_reference(struct sim *sim)
{
        static const int limits_yen[] = {10000, 30000, 50000}, opens[] = {-1, 8, 14};
        struct draws *random = &sim->random;
        struct sim_change change = {.kind = (enum sim_change_kind)draw_below(random, SIM_CHANGE_KINDS),
                                    .day = calendar_business_day(sim->now_ms)};
        bool is_of_issuer = change.kind == SIM_CHANGE_TARIFF || change.kind == SIM_CHANGE_PREFIX ||
                            change.kind == SIM_CHANGE_LINK;

        if (is_of_issuer && sim->bank_count == 0)
                change.kind = SIM_CHANGE_LIMIT;
        else if (is_of_issuer)
                change.issuer = 1 + draw_below(random, sim->bank_count);
        switch (change.kind) {
        case SIM_CHANGE_TARIFF:
                change.day += 1 + draw_below(random, 3);
                change.value = 10 * draw_below(random, 30);
                break;
        case SIM_CHANGE_PREFIX:
                change.day += 1;
                change.value =
                    draw_permille(random, 500) ? change.issuer : 1 + draw_below(random, sim->bank_count);
                break;
        case SIM_CHANGE_HOURS:
                change.value = opens[draw_below(random, sizeof opens / sizeof opens[0])];
                break;
        case SIM_CHANGE_LIMIT:
                change.value = limits_yen[draw_below(random, sizeof limits_yen / sizeof limits_yen[0])];
                break;
        case SIM_CHANGE_LINK:
                change.value =
                    draw_permille(random, 500) ? change.issuer : 1 + draw_below(random, sim->bank_count);
                break;
        case SIM_CHANGE_KINDS:
                break;
        }
        sim_change_reference(sim, &change);
}

/* decisions ----------------------------------------------------------------------------------------- */

/* Mostly one that has no end for long. NULL: none. */
static const struct memory_withdrawal *some_withdrawal(struct sim *sim)
{
        const struct memory_withdrawal *found = NULL;
        int count = 0;
        bool any = draw_permille(&sim->random, 100);

        for (const struct memory_withdrawal *w = sim->database->withdrawals; w; w = w->hh.next) {
                bool old = w->open && sim->now_ms - w->approved_ms >= SIM_YOUNGEST_MS;

                if ((any || old) && draw_below(&sim->random, ++count) == 0)
                        found = w;
        }
        return found;
}

/* A person finds out, or believes to, how much left an ATM. */
void desk_decides(struct sim *sim)
{
        const struct memory_withdrawal *w = some_withdrawal(sim);
        int64_t dispensed_yen;
        const char *refusal;

        if (!w)
                return;
        dispensed_yen = draw_permille(&sim->random, 400) ? 0 : w->request.amount_yen;
        refusal = memory_operator_resolve(sim->database, &w->identity, dispensed_yen, sim->now_ms,
                                          sim->now_ms, SIM_YOUNGEST_MS);
        sim->counters->people_refused += refusal && strcmp(refusal, "young") == 0;
        sim_tell(sim, "a person says of %s STAN %" PRId32 " that %" PRId64 " yen left: %s",
                 w->identity.terminal, w->identity.stan, dispensed_yen, refusal ? refusal : "done");
}

/* closing ------------------------------------------------------------------------------------------- */

/* Mostly the last quarter that is over; now and then the running one, as if its end had come: then everything that is still earned
 * in it is posted late. Not all who close sum its days up before, and some leave it open while a withdrawal has no end. */
void desk_closes(struct sim *sim)
{
        struct draws *random = &sim->random;
        int32_t from_day, to_day;
        const char *refusal;

        memory_quarter_of(calendar_business_day(sim->now_ms), &from_day, &to_day);
        if (draw_permille(random, 700))
                memory_quarter_of(from_day - 1, &from_day, &to_day);
        if (draw_permille(random, 800))
                memory_sum_up(sim->database, to_day);
        refusal = memory_period_close(sim->database, to_day, draw_permille(random, 500));
        if (refusal && strcmp(refusal, "closed") == 0)
                return;
        sim_tell(sim, "a quarter is closed: %s", refusal ? refusal : "done");
        sim->counters->closings_refused += refusal != NULL;
        if (refusal)
                return;
        sim->counters->quarters_closed++;
        check_closed(sim, from_day, to_day);
}
