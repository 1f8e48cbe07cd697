/* Kinds of faults by name, and the plan that a withdrawal gets. The draws are independent: faults combine. */
#include "tools/atmsim/faults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const fault_name[FAULT_COUNT] = {
    [FAULT_NO_DISPENSE] = "no-dispense", [FAULT_PARTIAL] = "partial",
    [FAULT_LOST_ANSWER] = "lost-answer", [FAULT_DROP] = "drop",
    [FAULT_DUPLICATE] = "duplicate",     [FAULT_REORDER] = "reorder",
    [FAULT_POWER_LOSS] = "power-loss",
};

static int fault_of(const char *name, size_t length)
{
        for (int i = 0; i < FAULT_COUNT; i++)
                if (strlen(fault_name[i]) == length && !memcmp(fault_name[i], name, length))
                        return i;
        return -1;
}

static bool rate_of(const char *text, size_t length, double *ret_rate)
{
        char copy[32], *end;
        double rate;

        if (length == 0 || length >= sizeof(copy))
                return false;
        memcpy(copy, text, length);
        copy[length] = '\0';
        if (strspn(copy, "0123456789.") != length)
                return false;
        rate = strtod(copy, &end);
        if (*end || rate < 0 || rate > 1)
                return false;
        *ret_rate = rate;
        return true;
}

bool faults_parse(const char *text, struct fault_rates *ret_rates, char *error, size_t error_size)
{
        struct fault_rates rates = {0};

        while (*text) {
                size_t part = strcspn(text, ",");
                size_t name = strcspn(text, "=,");
                int fault = fault_of(text, name);

                if (fault < 0) {
                        snprintf(error, error_size,
                                 "'%.*s' is no kind of fault; there are no-dispense, partial, "
                                 "lost-answer, drop, duplicate, reorder and power-loss",
                                 (int)part, text);
                        return false;
                }
                if (name == part || !rate_of(text + name + 1, part - name - 1, &rates.rate[fault])) {
                        snprintf(error, error_size, "'%.*s': a rate from 0 to 1 is expected, such as %s=0.02",
                                 (int)part, text, fault_name[fault]);
                        return false;
                }
                text += part;
                if (*text == ',')
                        text++;
        }
        *ret_rates = rates;
        return true;
}

void faults_draw(const struct fault_rates *rates, struct random *random, struct fault_plan *ret_plan)
{
        struct fault_plan plan = {0};
        bool any = false;

        for (int i = 0; i < FAULT_COUNT; i++) {
                plan.wanted[i] = random_chance(random, rates->rate[i]);
                any |= plan.wanted[i];
        }
        if (any) {
                plan.cut = (enum cut_point)random_below(random, CUT_POINT_COUNT);
                plan.power = (enum power_point)random_below(random, POWER_POINT_COUNT);
                plan.reorder = (enum reorder_kind)random_below(random, REORDER_KIND_COUNT);
                plan.lose_advice_answer = random_below(random, 2);
                plan.lose_count = (uint8_t)(1 + random_below(random, 2));
                plan.duplicate_advice = random_below(random, 2);
                plan.duplicate_as_repeat = random_below(random, 2);
                plan.draw = (uint32_t)random_next(random);
        }
        *ret_plan = plan;
}
