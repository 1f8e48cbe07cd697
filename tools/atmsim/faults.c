/* Kinds of faults by name, and the plan that a withdrawal gets. The draws are independent: faults combine. */
#include "tools/atmsim/faults.h"

#include "lib/cli/values.h"

const char *const fault_name[FAULT_COUNT] = {
    [FAULT_NO_DISPENSE] = "no-dispense", [FAULT_PARTIAL] = "partial",
    [FAULT_LOST_ANSWER] = "lost-answer", [FAULT_DROP] = "drop",
    [FAULT_DUPLICATE] = "duplicate",     [FAULT_REORDER] = "reorder",
    [FAULT_RETRACT] = "retract",         [FAULT_POWER_LOSS] = "power-loss",
    [FAULT_WRONG_MAC] = "wrong-mac",     [FAULT_NO_MAC] = "no-mac",
    [FAULT_OTHER_MAC] = "other-mac",     [FAULT_NO_PIN] = "no-pin",
    [FAULT_BAD_PIN] = "bad-pin",
};

static const struct rate_kinds kinds = {"kind of fault", fault_name, FAULT_COUNT};

bool faults_parse(const char *text, struct fault_rates *ret_rates, char error[OPTIONS_ERROR_MAX])
{
        return rates_parse(&kinds, text, ret_rates->rate, error);
}

bool faults_planned(const struct fault_plan *plan)
{
        for (int i = 0; i < FAULT_COUNT; i++)
                if (plan->wanted[i])
                        return true;
        return false;
}

void faults_draw(const struct fault_rates *rates, struct random *random, struct fault_plan *ret_plan)
{
        struct fault_plan plan = {0};

        for (int i = 0; i < FAULT_COUNT; i++)
                plan.wanted[i] = random_chance(random, rates->rate[i]);
        if (faults_planned(&plan)) {
                plan.cut = (enum cut_point)random_below(random, CUT_POINT_COUNT);
                plan.power = (enum power_point)random_below(random, POWER_POINT_COUNT);
                plan.reorder = (enum reorder_kind)random_below(random, REORDER_KIND_COUNT);
                plan.lose_advice_answer = random_below(random, 2);
                plan.lose_count = (uint8_t)(1 + random_below(random, 2));
                plan.duplicate_advice = random_below(random, 2);
                plan.duplicate_as_repeat = random_below(random, 2);
                plan.draw = (uint32_t)random_next(random);
                plan.mac_of_advice = plan.draw >> 31;
        }
        *ret_plan = plan;
}
