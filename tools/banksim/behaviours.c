/* Behaviours by name and rate, and their draws: see behaviours.h. */
#include "tools/banksim/behaviours.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/random.h"
#include "lib/cli/values.h"

const char *const behaviour_name[BEHAVIOUR_COUNT + 1] = {
    [BEHAVIOUR_SLOW] = "slow",
    [BEHAVIOUR_LATE] = "late",
    [BEHAVIOUR_HELD] = "held",
    [BEHAVIOUR_SILENT] = "silent",
    [BEHAVIOUR_DEAF] = "deaf",
    [BEHAVIOUR_WRONG_ECHO] = "wrong-echo",
    [BEHAVIOUR_WRONG_MAC] = "wrong-mac",
    [BEHAVIOUR_DUPLICATE] = "duplicate",
    [BEHAVIOUR_DECLINE] = "decline",
    [BEHAVIOUR_REPEATED] = "repeated",
    [BEHAVIOUR_MISSING] = "missing",
    [BEHAVIOUR_CASE] = "case",
    [BEHAVIOUR_AGAIN] = "again",
    [BEHAVIOUR_REFUSE_KEYS] = "refuse-keys",
    [BEHAVIOUR_FORGET_KEYS] = "forget-keys",
    [BEHAVIOUR_OLD_KEYS] = "old-keys",
    [BEHAVIOUR_HANG_UP] = "hang-up",
    [BEHAVIOUR_DOWN] = "down",
    [BEHAVIOUR_NORMAL] = "normal",
};

static double next_unit(uint64_t *state)
{
        return (double)(random_mix(state) >> 11) * 0x1.0p-53; /* [0, 1) */
}

enum behaviour behaviour_of(const char *name, size_t length)
{
        int i = 0;
        while (i <= BEHAVIOUR_COUNT &&
               (strlen(behaviour_name[i]) != length || memcmp(behaviour_name[i], name, length) != 0))
                i++;
        return (enum behaviour)i;
}

static const struct rate_kinds kinds = {"behaviour", behaviour_name, BEHAVIOUR_COUNT};

bool behaviour_rates_parse(const char *text, struct behaviour_rates *ret_rates, char error[OPTIONS_ERROR_MAX])
{
        struct behaviour_rates rates;
        double sum = 0;
        if (!rates_parse(&kinds, text, rates.rate, error))
                return false;
        for (int i = 0; i < BEHAVIOUR_COUNT; i++)
                sum += rates.rate[i];
        if (sum > 1 + 1e-9) {
                snprintf(error, OPTIONS_ERROR_MAX, "'%s': the rates' sum is over 1; at most 1 is expected",
                         text);
                return false;
        }
        *ret_rates = rates;
        return true;
}

void behaviours_start(struct behaviours *ret_behaviours, const struct behaviour_rates *rates, uint64_t seed,
                      const char *bank)
{
        uint64_t random = seed;
        for (; *bank; bank++)
                random = random_mix(&random) ^ (unsigned char)*bank;
        *ret_behaviours = (struct behaviours){.rates = *rates, .random = random, .command = BEHAVIOUR_NORMAL};
}

void behaviours_command(struct behaviours *behaviours, enum behaviour command, int64_t until_ms)
{
        assert((unsigned)command <= BEHAVIOUR_NORMAL);
        behaviours->command = command;
        behaviours->command_until_ms = until_ms;
}

static bool is_of_keys(enum behaviour behaviour)
{
        return behaviour == BEHAVIOUR_REFUSE_KEYS || behaviour == BEHAVIOUR_FORGET_KEYS ||
               behaviour == BEHAVIOUR_OLD_KEYS;
}

/* What a command makes of a message that it does not fit. */
static enum behaviour fitting(enum behaviour behaviour, enum behaviour_matter matter)
{
        return is_of_keys(behaviour) && matter != MATTER_KEYS ? BEHAVIOUR_NORMAL : behaviour;
}

enum behaviour behaviours_draw(struct behaviours *behaviours, int64_t now_ms, enum behaviour_matter matter)
{
        if (behaviours->command != BEHAVIOUR_NORMAL && now_ms >= behaviours->command_until_ms)
                behaviours->command = BEHAVIOUR_NORMAL;
        if (behaviours->command != BEHAVIOUR_NORMAL)
                return fitting(behaviours->command, matter);
        if (matter == MATTER_OTHER)
                return BEHAVIOUR_NORMAL;
        double draw = next_unit(&behaviours->random);
        for (int i = 0; i < BEHAVIOUR_COUNT; i++) {
                if (is_of_keys((enum behaviour)i) != (matter == MATTER_KEYS))
                        continue;
                if (draw < behaviours->rates.rate[i])
                        return (enum behaviour)i;
                draw -= behaviours->rates.rate[i];
        }
        return BEHAVIOUR_NORMAL;
}

void behaviours_count(struct behaviours *behaviours, enum behaviour behaviour)
{
        assert((unsigned)behaviour < BEHAVIOUR_COUNT);
        behaviours->happened[behaviour]++;
}

static const struct {
        enum behaviour behaviour;
        enum notice_verdict verdict;
} notice_behaviours[] = {
    {BEHAVIOUR_REPEATED, NOTICE_REPEATED},
    {BEHAVIOUR_MISSING, NOTICE_MISSING},
    {BEHAVIOUR_CASE, NOTICE_CASE},
    {BEHAVIOUR_AGAIN, NOTICE_AGAIN},
};

size_t behaviour_order(enum behaviour behaviour, const struct bank_codes *codes, uint64_t choice,
                       struct behaviour_order *ret_order)
{
        struct behaviour_order order = {.has_request = behaviour == BEHAVIOUR_DECLINE};
        size_t count = 0;
        for (size_t i = 0; i < sizeof(notice_behaviours) / sizeof(notice_behaviours[0]); i++) {
                if (notice_behaviours[i].behaviour != behaviour)
                        continue;
                order.has_notice = true;
                order.verdict = notice_behaviours[i].verdict;
        }
        if (order.has_request)
                count = bank_codes_choose_refusal(codes, choice, order.de39);
        else if (order.has_notice)
                count = bank_codes_choose_answer(codes, order.verdict, choice, order.de39);
        *ret_order = count > 0 ? order : (struct behaviour_order){.has_request = false};
        return count;
}

int64_t behaviours_between(struct behaviours *behaviours, int64_t from, int64_t to)
{
        assert(from <= to);
        return from + (int64_t)(random_mix(&behaviours->random) % ((uint64_t)(to - from) + 1));
}
