/* From a scenario to the rows of one ATM. See business.h for the way. */
#include "backoffice/generation/business.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/random.h"
#include "rules/calendar.h"
#include "rules/withdrawal.h"

enum {
        PERMILLE = 1000,
        BASIS_POINTS = 10000,
        TRIALS = 200,       /* chances to come that a day has: the number who do is nearly Poisson's */
        ARRIVALS_MAX = 400, /* a day; TRIALS is below it */
        APART_MS = 40000,   /* one customer after the other */
        STAN_MAX = 999999,
        NOTE_YEN = 1000,
};
_Static_assert(TRIALS <= ARRIVALS_MAX, "a day's arrivals have room");

/* What a card used of its limits so far, by where that stands among the rows. */
struct use {
        int32_t day, month;
        size_t day_at, month_at;
};

struct making {
        const struct business_plan *plan;
        const char *terminal;
        struct business *business;
        struct random random;
        struct use *use; /* one a card */
        int64_t atm_permille;
        int64_t weights, amounts; /* sums of the scenario's */
        int32_t stan;
        int64_t free_ms; /* when the ATM can serve again */
        bool failed;     /* no memory */
        char *error;
};

/* what an ATM is ------------------------------------------------------------------------------------------- */

/* Points that fill [0, 1) evenly however many there are: multiples of the golden ratio, 32 bits of them. */
static uint32_t golden(int64_t index, uint32_t which)
{
        return (uint32_t)((uint64_t)index * 2654435769u + which * 1013904223u);
}

static int64_t scaled_golden(int64_t index, uint32_t which, int64_t bound)
{
        return (int64_t)(((uint64_t)golden(index, which) * (uint64_t)bound) >> 32);
}

int32_t business_opens_day(const struct business_plan *plan, int64_t index)
{
        int64_t place = index * plan->atms_whole / plan->atms;
        int32_t low = plan->scenario->placed[0].day, high = plan->scenario->to_day;

        while (low < high) { /* the first day at whose end more than `place` stand */
                int32_t middle = low + (high - low) / 2;

                if (scenario_placed_on(plan->scenario, middle) > place)
                        high = middle;
                else
                        low = middle + 1;
        }
        return low;
}

int64_t business_base_fee_yen(const struct business_plan *plan, int64_t index)
{
        const struct scenario *s = plan->scenario;
        int64_t steps = (s->base_fee_high_yen - s->base_fee_low_yen) / NOTE_YEN + 1;

        return s->base_fee_low_yen + NOTE_YEN * scaled_golden(index, 1, steps);
}

static int64_t atm_permille(const struct scenario *scenario, int64_t index)
{
        return PERMILLE - scenario->spread_permille +
               scaled_golden(index, 2, 2 * scenario->spread_permille + 1);
}

/* A bijection of 32 bits, so that no two ATMs' cards begin alike. */
static uint32_t scramble(uint32_t x, uint64_t seed)
{
        x ^= (uint32_t)(seed ^ (seed >> 32));
        x = (x ^ (x >> 16)) * 0x45d9f3bu;
        x = (x ^ (x >> 16)) * 0x45d9f3bu;
        return x ^ (x >> 16);
}

static uint8_t card_issuer(const struct scenario *scenario, size_t card)
{
        int64_t at = scaled_golden((int64_t)card, 3, PERMILLE);
        size_t i = 0;

        while (at >= scenario->issuer[i].permille)
                at -= scenario->issuer[i++].permille;
        return (uint8_t)i;
}

/* Tokens of one ATM's cards share their first 4 bytes: neighbours in the indexes that they are written to. */
static void make_card(struct making *m, int64_t index, size_t number, struct business_card *card)
{
        uint32_t first = scramble((uint32_t)index, m->plan->seed);
        uint64_t rest[2] = {random_next(&m->random), random_next(&m->random)};

        *card = (struct business_card){.issuer = card_issuer(m->plan->scenario, number)};
        memcpy(card->token, &first, sizeof(first));
        memcpy(card->token + 4, rest, 12);
        snprintf(card->pan, sizeof(card->pan), "%.10s%06d", m->plan->prefix[card->issuer],
                 (int)random_below(&m->random, 1000000));
        snprintf(card->pan_mask, sizeof(card->pan_mask), "%.6s******%04d", card->pan,
                 (int)random_below(&m->random, 10000));
        card->empty = (int64_t)random_below(&m->random, PERMILLE) < m->plan->scenario->empty_permille;
}

/* room ------------------------------------------------------------------------------------------------------- */

static void *grow(struct making *m, void *array, size_t count, size_t *room, size_t size)
{
        size_t wanted = *room ? 2 * *room : 1024;
        void *grown;

        if (count < *room || m->failed)
                return array;
        grown = realloc(array, wanted * size);
        if (!grown) {
                m->failed = true;
                return array;
        }
        *room = wanted;
        return grown;
}

/* use of a card ------------------------------------------------------------------------------------------------ */

/* Its rows of the day and of the month: there from the moment that a request reached the ledger. */
static struct business_usage *month_of(struct making *m, uint32_t card, int32_t business_day)
{
        struct business *b = m->business;
        struct use *use = &m->use[card];
        int32_t month = calendar_month_of(business_day);

        if (use->month != month) {
                b->month = grow(m, b->month, b->months, &b->months_room, sizeof(*b->month));
                if (m->failed)
                        return NULL;
                b->month[b->months] = (struct business_usage){.card = card, .day = month};
                use->month = month;
                use->month_at = b->months++;
        }
        return &b->month[use->month_at];
}

static struct business_usage *day_of(struct making *m, uint32_t card, int32_t business_day)
{
        struct business *b = m->business;
        struct use *use = &m->use[card];

        if (use->day != business_day) {
                b->day = grow(m, b->day, b->days, &b->days_room, sizeof(*b->day));
                if (m->failed)
                        return NULL;
                b->day[b->days] = (struct business_usage){.card = card, .day = business_day};
                use->day = business_day;
                use->day_at = b->days++;
        }
        return &b->day[use->day_at];
}

/* The ledger's part of the decision, in the order of rules/reasons.def. */
static enum reason limit_refusal(struct making *m, const struct verdict *verdict, uint32_t card,
                                 int64_t amount_yen)
{
        const struct business *b = m->business;
        const struct use *use = &m->use[card];
        bool today = use->day == verdict->business_day;
        int64_t day_yen = today ? b->day[use->day_at].cash_yen : 0;
        int64_t count = today ? b->day[use->day_at].withdrawals : 0;
        const struct business_usage *month = month_of(m, card, verdict->business_day);

        if (m->failed)
                return REASON_CANNOT_DECIDE;
        if (count + 1 > verdict->limit[LIMIT_DAY_COUNT])
                return REASON_COUNT_LIMIT;
        if (day_yen + amount_yen > verdict->limit[LIMIT_DAY_YEN])
                return REASON_DAY_LIMIT;
        if (month->cash_yen + amount_yen > verdict->limit[LIMIT_MONTH_YEN])
                return REASON_MONTH_LIMIT;
        return REASON_APPROVED;
}

/* what becomes of an approved one ------------------------------------------------------------------------------- */

static int32_t next_stan(struct making *m)
{
        m->stan = m->stan == STAN_MAX ? 1 : m->stan + 1;
        return m->stan;
}

static void tell(struct making *m, struct business_withdrawal *w, int64_t after_ms, int64_t dispensed_yen,
                 const char *why)
{
        struct business_advice *advice = &w->advice[w->advices];
        int64_t before_ms = w->advices ? w->advice[w->advices - 1].advice_ms : w->transmitted_ms;

        assert(w->advices < BUSINESS_ENDS);
        *advice = (struct business_advice){.reversal = *why != '\0',
                                           .advice_ms = before_ms + after_ms,
                                           .stan = next_stan(m),
                                           .dispensed_yen = dispensed_yen};
        memcpy(advice->why, why, strlen(why) + 1);
        w->advices++;
}

/* Some of the notes, at least one and not all. */
static int64_t some_of(struct making *m, int64_t yen)
{
        return NOTE_YEN * (1 + (int64_t)random_below(&m->random, (uint64_t)(yen / NOTE_YEN - 1)));
}

static void end_withdrawal(struct making *m, struct business_withdrawal *w)
{
        const struct scenario *s = m->plan->scenario;
        int64_t dice = (int64_t)random_below(&m->random, BASIS_POINTS);
        int64_t soon_ms = 15000 + (int64_t)random_below(&m->random, 20) * 1000;
        int64_t later_ms = 600000 + (int64_t)random_below(&m->random, 1800) * 1000;
        bool splits = w->amount_yen > NOTE_YEN;

        if ((dice -= s->none_bp) < 0) {
                tell(m, w, soon_ms, 0, "22");
        } else if ((dice -= s->partial_bp) < 0 && splits) {
                tell(m, w, soon_ms, some_of(m, w->amount_yen), "32");
        } else {
                tell(m, w, soon_ms, w->amount_yen, "");
                if (dice < 0)
                        return; /* one note can't be part of itself */
                if ((dice -= s->corrected_bp) < 0 && splits)
                        tell(m, w, later_ms, some_of(m, w->amount_yen), "32");
                else if (dice >= 0 && dice - s->taken_back_bp < 0)
                        tell(m, w, later_ms, 0, "22");
        }
}

/* What its advices make of it: the same table as the daemon's. */
static enum withdrawal_state end_state(const struct business_withdrawal *w, int64_t *ret_counted_yen)
{
        enum withdrawal_state state = WITHDRAWAL_APPROVED;
        int64_t counts_yen = w->amount_yen;

        for (uint8_t i = 0; i < w->advices; i++) {
                state = withdrawal_on_advice(
                            state, withdrawal_relation(state, counts_yen, w->advice[i].dispensed_yen))
                            ->to;
                counts_yen = state == WITHDRAWAL_COMPLETED ? w->advice[i].dispensed_yen : 0;
        }
        *ret_counted_yen = counts_yen;
        return state;
}

/* Cash, limits and account of one that may have dispensed. */
static void settle(struct making *m, struct business_withdrawal *w)
{
        struct business_card *card = &m->business->card[w->card];
        struct business_usage *day = day_of(m, w->card, w->business_day),
                              *month = month_of(m, w->card, w->business_day);
        int64_t counted_yen = 0;

        if (m->failed)
                return;
        day->used = month->used = true;
        if (w->outcome > 0)
                return; /* the dates of its use are there, with nothing used */
        if (end_state(w, &counted_yen) != WITHDRAWAL_COMPLETED)
                return;
        day->cash_yen += counted_yen;
        day->withdrawals++;
        month->cash_yen += counted_yen;
        card->taken_yen += counted_yen + w->price.customer_fee_yen + w->price.customer_tax_yen;
}

/* one customer ------------------------------------------------------------------------------------------------------ */

static int64_t choose_amount(struct making *m)
{
        const struct scenario *s = m->plan->scenario;
        int64_t at = (int64_t)random_below(&m->random, (uint64_t)m->amounts);
        size_t i = 0;

        while (at >= s->amount[i].weight)
                at -= s->amount[i++].weight;
        return s->amount[i].yen;
}

/* A refusal that no working fleet gives: something is wrong with the reference data. */
static bool is_our_fault(enum reason refusal)
{
        switch (refusal) {
        case REASON_APPROVED:
        case REASON_OUTSIDE_HOURS:
        case REASON_ISSUER_UNAVAILABLE:
                return false;
        default:
                return true;
        }
}

static void complain(struct making *m, const struct business_card *card, int64_t moment_ms,
                     enum reason refusal)
{
        char moment[26];

        calendar_print_moment(moment_ms, moment);
        snprintf(m->error, SCENARIO_ERROR_MAX,
                 "%s at %s: a card of %s is refused, %s: expected reference data that serve it", m->terminal,
                 moment, m->plan->scenario->issuer[card->issuer].issuer, reason_rows[refusal].name);
}

/* The bank behind the link: its answer, or none. */
static void ask_bank(struct making *m, struct business_withdrawal *w)
{
        const struct scenario *s = m->plan->scenario;
        int64_t dice = (int64_t)random_below(&m->random, BASIS_POINTS);

        w->reason = -1;
        w->outcome = REASON_APPROVED;
        if ((dice -= s->refused_bp) < 0) {
                w->outcome = REASON_NOT_COVERED;
        } else if (dice - s->silent_bp < 0) {
                w->outcome = REASON_ISSUER_UNAVAILABLE;
                w->timed_out = true;
        }
}

static bool serve(struct making *m, int64_t moment_ms)
{
        struct business *b = m->business;
        uint32_t number = (uint32_t)random_below(&m->random, b->cards);
        const struct business_card *card = &b->card[number];
        struct request request = {.terminal = m->terminal,
                                  .transmitted_ms = moment_ms,
                                  .processing = PROCESSING_WITHDRAWAL,
                                  .amount_yen = choose_amount(m),
                                  .pan = card->pan,
                                  .expiry_yymm = ""};
        struct business_withdrawal *w;
        struct verdict verdict;
        enum reason reason;

        decide_request(m->plan->reference, &request, moment_ms, 0, &verdict);
        if (is_our_fault(verdict.refusal)) {
                complain(m, card, moment_ms, verdict.refusal);
                return false;
        }
        if (verdict.refusal == REASON_OUTSIDE_HOURS)
                return true; /* nobody asks a closed ATM */
        if (!b->hall[0])
                strcpy(b->hall, verdict.atm->hall->hall);
        reason = verdict.refusal;
        if (reason == REASON_APPROVED)
                reason = limit_refusal(m, &verdict, number, request.amount_yen);
        if (reason == REASON_APPROVED && !verdict.issuer->link[0] && card->empty)
                reason = REASON_NOT_COVERED;

        b->withdrawal = grow(m, b->withdrawal, b->withdrawals, &b->withdrawals_room, sizeof(*b->withdrawal));
        if (m->failed)
                return false;
        w = &b->withdrawal[b->withdrawals++];
        *w = (struct business_withdrawal){.transmitted_ms = moment_ms,
                                          .stan = next_stan(m),
                                          .amount_yen = request.amount_yen,
                                          .card = number,
                                          .reason = (int8_t)reason,
                                          .outcome = -1,
                                          .price = verdict.price,
                                          .business_day = verdict.business_day};
        m->free_ms = moment_ms + APART_MS;
        if (reason != REASON_APPROVED)
                return true;
        if (verdict.issuer->link[0])
                ask_bank(m, w);
        if (w->outcome <= 0)
                end_withdrawal(m, w);
        settle(m, w);
        return !m->failed;
}

/* one day ------------------------------------------------------------------------------------------------------------- */

static int by_moment(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return x < y ? -1 : x > y;
}

static int64_t choose_moment_ms(struct making *m, int32_t day)
{
        int64_t at = (int64_t)random_below(&m->random, (uint64_t)m->weights);
        int hour = 0;

        while (at >= m->plan->scenario->hour_weight[hour])
                at -= m->plan->scenario->hour_weight[hour++];
        return calendar_day_start_ms(day) + (int64_t)hour * 60 * MINUTE_MS +
               (int64_t)random_below(&m->random, 3600) * 1000;
}

static bool make_day(struct making *m, int32_t day)
{
        const struct scenario *s = m->plan->scenario;
        /* a millionth of a withdrawal, and of that each trial's chance in 2^32 */
        int64_t millionths = s->demand_hundredths * 10 * scenario_day_permille(s, m->plan->reference, day) /
                             PERMILLE * m->atm_permille;
        uint64_t chance = (uint64_t)(((__int128)millionths << 32) / 1000000 / TRIALS);
        int64_t moment_ms[ARRIVALS_MAX];
        size_t count = 0;

        for (int i = 0; i < TRIALS; i++) {
                if ((random_next(&m->random) >> 32) < chance)
                        moment_ms[count++] = choose_moment_ms(m, day);
        }
        qsort(moment_ms, count, sizeof(*moment_ms), by_moment);
        for (size_t i = 0; i < count; i++) {
                if (!serve(m, moment_ms[i] > m->free_ms ? moment_ms[i] : m->free_ms))
                        return false;
        }
        return true;
}

/* the whole ------------------------------------------------------------------------------------------------------------ */

static bool prepare(struct making *m, int64_t index)
{
        const struct scenario *s = m->plan->scenario;
        struct business *b = m->business;

        random_seed(&m->random, m->plan->seed ^ ((uint64_t)index * 0x9e3779b97f4a7c15u));
        m->atm_permille = atm_permille(s, index);
        for (int i = 0; i < 24; i++)
                m->weights += s->hour_weight[i];
        for (size_t i = 0; i < s->amount_count; i++)
                m->amounts += s->amount[i].weight;
        b->cards = (size_t)s->cards_per_atm;
        b->card = b->card ? b->card : calloc(b->cards, sizeof(*b->card));
        m->use = calloc(b->cards, sizeof(*m->use));
        if (!b->card || !m->use)
                return false;
        for (size_t i = 0; i < b->cards; i++)
                make_card(m, index, i, &b->card[i]);
        return true;
}

bool business_make(const struct business_plan *plan, const char *terminal, int64_t index,
                   struct business *business, char error[SCENARIO_ERROR_MAX])
{
        const struct scenario *s = plan->scenario;
        struct making m = {.plan = plan, .terminal = terminal, .business = business, .error = error};
        int32_t first = business_opens_day(plan, index);
        bool made;

        snprintf(business->terminal, sizeof(business->terminal), "%s", terminal);
        business->hall[0] = '\0';
        business->withdrawals = business->days = business->months = 0;
        snprintf(error, SCENARIO_ERROR_MAX, "out of memory");
        made = prepare(&m, index);
        for (int32_t day = first > s->from_day ? first : s->from_day; day <= s->to_day && made; day++)
                made = make_day(&m, day);
        free(m.use);
        return made;
}

void business_free(struct business *business)
{
        free(business->card);
        free(business->withdrawal);
        free(business->day);
        free(business->month);
        *business = (struct business){.cards = 0};
}
