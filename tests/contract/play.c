/* Random plays: see play.h. */
#include "tests/contract/play.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/profile.h"
#include "rules/calendar.h"

enum {
        ROUND_MAX = 24,
        CLOSING_ROUND = 70, /* before, what is late is posted on days that are open */
        SKEW_MS = 300000,
        WITHDRAW = 10000,
        WITHDRAW_SAVINGS = 11000,
        INQUIRE = 310000,
        OTHER = 990000
};

/* One op and its twin. */
struct step {
        struct ledger_op pg, mem;
        int card; /* of a request or inquiry */
        int *pending;
};

struct play {
        struct world *world;
        const struct reference *reference; /* what the instances know */
        int32_t changes;
        int rounds;
        struct draws random;
        int64_t now_ms;
        int32_t next_stan;
        struct step **steps;
        size_t count;
        /* of this round: */
        size_t round_from;
        bool card_taken[WORLD_CARDS + WORLD_SPARE_CARDS];
        int pending;
        struct coverage coverage;
        int spares_used;         /* the numbers behind world_cards that somebody has got */
        int64_t saf_ms;          /* the time of those who forward; later than the ledgers' */
        int64_t asked_before_ms; /* the real time between the last two rounds */
};

/* filling ------------------------------------------------------------------------------------------- */

static enum processing_kind kind_of(int32_t processing_code)
{
        if (processing_code == INQUIRE)
                return PROCESSING_INQUIRY;
        return processing_code == OTHER ? PROCESSING_OTHER : PROCESSING_WITHDRAWAL;
}

static void fill_decided(const struct reference *reference, struct ledger_op *op, int card,
                         int64_t business_ms)
{
        struct ledger_request *r = &op->request;
        char pan[17];
        struct verdict verdict;
        struct request asked = {
            .terminal = op->identity.terminal,
            .transmitted_ms = op->identity.transmitted_ms,
            .processing = kind_of(r->processing_code),
            .amount_yen = r->amount_yen,
            .pan = pan,
            .expiry_yymm = r->expiry_yymm,
        };

        world_pan(card, pan);
        decide_request(reference, &asked, business_ms, SKEW_MS, &verdict);
        r->reference_version = reference_version(reference);
        r->refusal = verdict.refusal;
        r->business_day = verdict.business_day;
        r->price = verdict.price;
        r->pin_tries_max = verdict.issuer && verdict.issuer->pin_method != PIN_NONE
                               ? (int16_t)verdict.issuer->pin_tries_max
                               : 0;
        if (r->pin_tries_max)
                world_pin_value(card, r->pin_value);
        memcpy(r->limit, verdict.limit, sizeof r->limit);
        snprintf(r->issuer, sizeof r->issuer, "%s", verdict.issuer ? verdict.issuer->issuer : "");
        snprintf(r->link, sizeof r->link, "%s", verdict.issuer ? verdict.issuer->link : "");
        snprintf(r->hall, sizeof r->hall, "%s",
                 verdict.atm && verdict.atm->hall ? verdict.atm->hall->hall : "");
}

void play_fill_request(const struct reference *reference, struct ledger_op *op, int card, int64_t amount_yen,
                       int32_t processing_code)
{
        struct ledger_request *r = &op->request;
        char pan[17];

        op->kind = processing_code == INQUIRE ? LEDGER_INQUIRY : LEDGER_REQUEST;
        *r = (struct ledger_request){.processing_code = processing_code, .amount_yen = amount_yen};
        world_token(card, r->card_token);
        world_pan(card, pan);
        snprintf(r->pan_mask, sizeof r->pan_mask, "%.6s******%.4s", pan, pan + 12);
        snprintf(r->expiry_yymm, sizeof r->expiry_yymm, "%s", world_cards[card].expiry_yymm);
        snprintf(r->approval_code, sizeof r->approval_code, "%06u", (unsigned)op->identity.stan % 1000000u);
        fill_decided(reference, op, card, op->identity.transmitted_ms);
}

/* What ATMs report of chips: nothing, any bytes, as many as there may be. */
static const struct chip_data chips[] = {
    {0},
    {1, {0}},
    {3, "\xff\x00'"},
    {CHIP_DATA_MAX, {0x9f, 0x5b, 0xf8}},
};

void play_fill_advice(struct ledger_op *op, const struct ledger_identity *original, bool reversal,
                      int64_t amount_yen, int64_t dispensed_yen)
{
        static const char reasons[5][3] = {"22", "E1", "z9", " Z", "  "}; /* any that the message may hold */

        op->kind = LEDGER_ADVICE;
        op->advice = (struct ledger_advice){
            .reversal = reversal,
            .original = *original,
            .amount_yen = amount_yen,
            .dispensed_yen = dispensed_yen,
            .chip = op->identity.stan % 5 < 4 ? &chips[op->identity.stan % 5] : NULL,
        };
        memcpy(op->advice.original.terminal, op->identity.terminal, sizeof op->identity.terminal);
        if (reversal)
                strcpy(op->advice.why, dispensed_yen ? "32" : reasons[op->identity.stan % 5]);
}

/* comparing ----------------------------------------------------------------------------------------- */

const char *play_difference(const struct ledger_op *a, const struct ledger_op *b)
{
        const struct ledger_answer *x = &a->answer, *y = &b->answer;

        if (x->status != y->status)
                return "the status";
        if (x->status != LEDGER_DECIDED && x->status != LEDGER_STORED && x->status != LEDGER_ASK)
                return NULL;
        if (a->kind == LEDGER_ADVICE)
                return strcmp(x->what, y->what) != 0 ? "the exception" : NULL;
        if (x->reason != y->reason)
                return "the reason";
        if (x->reason != REASON_APPROVED)
                return NULL;
        if (a->kind == LEDGER_INQUIRY)
                return x->status == LEDGER_DECIDED && x->balance_yen != y->balance_yen ? "the balance" : NULL;
        if (x->business_day != y->business_day)
                return "the business date";
        if (x->customer_charge_yen != y->customer_charge_yen)
                return "the charge";
        return strcmp(x->approval_code, y->approval_code) != 0 ? "the approval code" : NULL;
}

static void compare(const struct step *step)
{
        const char *what = play_difference(&step->pg, &step->mem);
        const struct ledger_op *op = &step->pg;

        if (!what)
                return;
        ck_abort_msg("%s of %s %s/%" PRId64 "/%" PRId32
                     " differs: PostgreSQL status %d reason %d, memory status %d reason %d",
                     what,
                     op->kind == LEDGER_ADVICE    ? "advice"
                     : op->kind == LEDGER_REQUEST ? "request"
                                                  : "inquiry",
                     op->identity.terminal, op->identity.transmitted_ms, op->identity.stan,
                     (int)op->answer.status, (int)op->answer.reason, (int)step->mem.answer.status,
                     (int)step->mem.answer.reason);
}

static void count(struct coverage *coverage, const struct step *step)
{
        const struct ledger_answer *answer = &step->pg.answer;

        coverage->stale += answer->status == LEDGER_STALE;
        if (answer->status == LEDGER_STALE)
                return;
        switch (step->pg.kind) {
        case LEDGER_REQUEST:
                coverage->asked += answer->status == LEDGER_ASK;
                coverage->pending += answer->status == LEDGER_PENDING;
                if (answer->status == LEDGER_STORED)
                        coverage->stored_reason[answer->reason]++;
                else if (answer->status == LEDGER_DECIDED)
                        coverage->reason[answer->reason]++;
                break;
        case LEDGER_INQUIRY:
                coverage->passed_on += answer->status == LEDGER_ASK;
                if (answer->status == LEDGER_STORED)
                        coverage->stored_inquiry[answer->reason]++;
                else
                        coverage->inquiry_reason[answer->reason]++;
                break;
        case LEDGER_OUTCOME:
                if (answer->status == LEDGER_DECIDED)
                        coverage->outcome[step->pg.outcome.cause]++;
                else
                        coverage->late_outcome[step->pg.outcome.cause]++;
                coverage->late_approval += answer->status == LEDGER_STORED &&
                                           answer->reason != REASON_APPROVED &&
                                           step->pg.outcome.reason == REASON_APPROVED;
                break;
        default:
                coverage->repeated_advice += answer->status == LEDGER_STORED;
                coverage->corrected += !strcmp(answer->what, "corrected");
                coverage->against_people += !strcmp(answer->what, "decided");
                break;
        }
}

/* generating ---------------------------------------------------------------------------------------- */

static bool is_same(const struct ledger_identity *a, const struct ledger_identity *b)
{
        return a->stan == b->stan && a->transmitted_ms == b->transmitted_ms &&
               !strcmp(a->terminal, b->terminal);
}

/* What an op's outcome depends on besides its card: the withdrawal it asks for or speaks of. */
static const struct ledger_identity *subject(const struct ledger_op *op)
{
        return op->kind == LEDGER_ADVICE ? &op->advice.original : &op->identity;
}

static int card_of_token(const uint8_t token[CARD_TOKEN_LENGTH])
{
        return token[CARD_TOKEN_LENGTH - 1] - 1;
}

static int holder(const struct play *play, const uint8_t token[CARD_TOKEN_LENGTH])
{
        return card_of_token(memory_holder(play->world->memory, token));
}

/* The card whose use and balance an op touches, or -1. */
static int touched_card(const struct play *play, const struct step *step)
{
        const struct memory_withdrawal *stored;

        if (step->mem.kind == LEDGER_REQUEST || step->mem.kind == LEDGER_INQUIRY)
                return holder(play, step->mem.request.card_token);
        stored = memory_withdrawal(play->world->memory, subject(&step->mem));
        return stored && stored->reason != REASON_BLOCKED ? holder(play, stored->request.card_token) : -1;
}

/* Whether it speaks of a withdrawal with a card that was replaced since. */
static bool follows(const struct play *play, const struct step *step)
{
        const struct memory_withdrawal *stored = memory_withdrawal(play->world->memory, subject(&step->mem));

        return (step->mem.kind == LEDGER_ADVICE || step->mem.kind == LEDGER_OUTCOME) && stored &&
               stored->reason != REASON_BLOCKED && step->pg.answer.status == LEDGER_DECIDED &&
               holder(play, stored->request.card_token) != card_of_token(stored->request.card_token);
}

/* Keep it for this round unless it meets another of the round. */
static void keep(struct play *play, const struct step *step)
{
        int card = touched_card(play, step);
        struct step *kept;

        if (card >= 0 && play->card_taken[card])
                return;
        /* nobody submits what can't be kept: daemon/txn.c */
        if (step->mem.kind == LEDGER_REQUEST &&
            !reference_holds_moment(play->reference, step->mem.identity.transmitted_ms))
                return;
        for (size_t i = play->round_from; i < play->count; i++) {
                const struct ledger_op *other = &play->steps[i]->mem;

                if (other->kind == LEDGER_ADVICE && step->mem.kind == LEDGER_ADVICE &&
                    is_same(&other->identity, &step->mem.identity))
                        return;
                if (is_same(subject(&play->steps[i]->mem), subject(&step->mem)))
                        return;
        }
        if (card >= 0)
                play->card_taken[card] = true;
        kept = malloc(sizeof *kept);
        play->steps = realloc(play->steps, (play->count + 1) * sizeof *play->steps);
        ck_assert(kept && play->steps);
        *kept = *step;
        kept->pg = kept->mem;
        play->steps[play->count++] = kept;
}

static struct ledger_identity fresh_identity(struct play *play, const char *terminal)
{
        struct ledger_identity identity = {.transmitted_ms = play->now_ms};

        /* STANs and moments are shared between terminals, and moments between STANs */
        identity.stan = play->next_stan;
        play->next_stan += draw_below(&play->random, 3) != 0;
        play->now_ms += 1000 * draw_between(&play->random, 0, 60);
        if (!terminal) /* mostly one of the three that may serve */
                terminal = world_terminals[draw_below(
                    &play->random, draw_permille(&play->random, 930) ? 3 : WORLD_TERMINALS)];
        snprintf(identity.terminal, sizeof identity.terminal, "%s", terminal);
        return identity;
}

static int64_t some_amount(struct play *play)
{
        static const int64_t edges[] = {0, 500, 1000, 9000, 10000, 11000, 20000, 29000, 30000, 31000, 80000};

        if (draw_permille(&play->random, 600))
                return 1000 * draw_between(&play->random, 1, 12);
        return edges[draw_below(&play->random, sizeof edges / sizeof edges[0])];
}

static int some_card(struct play *play)
{
        if (play->spares_used > 0 && draw_permille(&play->random, 150))
                return WORLD_CARDS + draw_below(&play->random, play->spares_used);
        /* mostly good ones, so that limits are met */
        switch (draw_below(&play->random, 8)) {
        case 7:
                return WORLD_PIN_CARD + draw_below(&play->random, WORLD_PIN_CARDS);
        case 0:
        case 1:
        case 2:
                return draw_below(&play->random, 8);
        case 3:
        case 4:
                return WORLD_LINK_CARD + draw_below(&play->random, WORLD_LINK_CARDS);
        default:
                return draw_below(&play->random, WORLD_CARDS);
        }
}

static const struct step *some_step(struct play *play, enum ledger_kind kind)
{
        for (int attempt = 0; attempt < 20 && play->round_from > 0; attempt++) {
                /* the young ones are more interesting, but none is forgotten */
                size_t span =
                    draw_permille(&play->random, 700) && play->round_from > 60 ? 60 : play->round_from;
                const struct step *step =
                    play->steps[play->round_from - 1 - (size_t)draw_below(&play->random, (int)span)];

                if (step->mem.kind == kind)
                        return step;
        }
        return NULL;
}

static int32_t some_processing(struct play *play)
{
        if (draw_permille(&play->random, 20))
                return OTHER;
        return draw_permille(&play->random, 800) ? WITHDRAW : WITHDRAW_SAVINGS;
}

static void disturb(struct play *play, struct step *step)
{
        struct ledger_request *r = &step->mem.request;

        if (draw_permille(&play->random, 30))
                strcpy(r->expiry_yymm, "2906");
        if (draw_permille(&play->random, 10))
                r->expiry_yymm[0] = '\0';
        fill_decided(play->reference, &step->mem, step->card,
                     step->mem.identity.transmitted_ms +
                         (draw_permille(&play->random, 20) ? 2 * SKEW_MS : 0));
        if (*r->pin_value && draw_permille(&play->random, 450))
                strcpy(r->pin_value, draw_permille(&play->random, 850) ? "0000" : "");
}

static void make_request(struct play *play)
{
        struct step step = {.card = some_card(play)};

        step.mem.identity = fresh_identity(play, NULL);
        play_fill_request(play->reference, &step.mem, step.card, some_amount(play), some_processing(play));
        disturb(play, &step);
        keep(play, &step);
}

static void make_inquiry(struct play *play)
{
        struct step step = {.card = draw_permille(&play->random, 400)
                                        ? WORLD_PIN_CARD + draw_below(&play->random, WORLD_PIN_CARDS)
                                        : some_card(play)};
        const struct step *taken = some_step(play, LEDGER_REQUEST);

        step.mem.identity =
            taken && draw_permille(&play->random, 250) ? taken->mem.identity : fresh_identity(play, NULL);
        play_fill_request(play->reference, &step.mem, step.card, 0, INQUIRE);
        disturb(play, &step);
        keep(play, &step);
}

/* The same inquiry once more, mostly; with a PIN that was wrong or right before and is now as it may be. */
static void make_inquiry_repeat(struct play *play)
{
        const struct step *former = some_step(play, LEDGER_INQUIRY);
        struct step step;

        if (!former)
                return;
        step = (struct step){.card = draw_permille(&play->random, 800)
                                         ? former->card
                                         : WORLD_PIN_CARD + draw_below(&play->random, WORLD_PIN_CARDS)};
        step.mem.identity = former->mem.identity;
        play_fill_request(play->reference, &step.mem, step.card, 0, INQUIRE);
        disturb(play, &step);
        keep(play, &step);
}

/* The same request once more, or one that pretends to be. */
static void make_repeat(struct play *play)
{
        const struct step *former = some_step(play, LEDGER_REQUEST);
        struct step step;
        int64_t amount_yen;
        int32_t processing_code;

        if (!former)
                return;
        step = *former;
        amount_yen = former->mem.request.amount_yen;
        processing_code = former->mem.request.processing_code;
        switch (draw_below(&play->random, 12)) {
        case 0:
                amount_yen += 1000;
                break;
        case 1:
                processing_code = processing_code == WITHDRAW ? WITHDRAW_SAVINGS : WITHDRAW;
                break;
        case 2:
                step.card = some_card(play);
                break;
        default:
                break;
        }
        /* whether or not its message says that it is one */
        step.mem =
            (struct ledger_op){.identity = former->mem.identity, .look = draw_permille(&play->random, 500)};
        play_fill_request(play->reference, &step.mem, step.card, amount_yen, processing_code);
        strcpy(step.mem.request.approval_code, "REPEAT"); /* must not be heard */
        keep(play, &step);
}

/* A 0200 that comes after its own reversal. */
static void make_late_request(struct play *play)
{
        const struct step *advice = some_step(play, LEDGER_ADVICE);
        struct step step = {.card = some_card(play)};

        if (!advice || !reference_holds_moment(play->reference, advice->mem.advice.original.transmitted_ms))
                return;
        step.mem.identity = advice->mem.advice.original;
        play_fill_request(play->reference, &step.mem, step.card, some_amount(play), WITHDRAW);
        keep(play, &step);
}

/* What became of a request with its bank, at first or once more, the same or something else. */
static void make_outcome(struct play *play)
{
        static const enum reason refusals[] = {REASON_NOT_COVERED, REASON_INVALID_TRANSACTION,
                                               REASON_ISSUER_UNAVAILABLE, REASON_CARD_EXPIRED,
                                               REASON_DECLINED};
        const struct step *former = some_step(play, LEDGER_REQUEST);
        const struct memory_withdrawal *stored =
            former ? memory_withdrawal(play->world->memory, &former->mem.identity) : NULL;
        struct step step = {.card = -1};
        struct ledger_outcome *outcome = &step.mem.outcome;

        if (!stored || stored->reason != REASON_COUNT)
                return;
        step.mem.kind = LEDGER_OUTCOME;
        step.mem.identity = former->mem.identity;
        if (draw_permille(&play->random, 300)) {
                outcome->cause = OUTCOME_TIMEOUT;
                outcome->reason = REASON_ISSUER_UNAVAILABLE;
        } else if (draw_permille(&play->random, 650)) {
                outcome->cause = OUTCOME_ANSWER;
                strcpy(outcome->bank_de39, "00");
                snprintf(outcome->approval_code, sizeof outcome->approval_code, "B%05d",
                         draw_below(&play->random, 100000));
        } else {
                outcome->cause = OUTCOME_ANSWER;
                outcome->reason = refusals[draw_below(&play->random, sizeof refusals / sizeof refusals[0])];
                strcpy(outcome->bank_de39, reason_de39(outcome->reason));
        }
        keep(play, &step);
}

static int64_t some_dispensed(struct play *play, int64_t amount_yen, int64_t counts_yen)
{
        switch (draw_below(&play->random, 8)) {
        case 0:
        case 1:
                return amount_yen;
        case 2:
        case 3:
                return 0;
        case 4:
                return counts_yen;
        case 5:
                return counts_yen > 1000 ? counts_yen - 1000 : 0;
        case 6:
                return counts_yen + (draw_permille(&play->random, 500) ? 1000 : 500);
        default:
                return 1000 * draw_between(&play->random, 0, 1 + amount_yen / 1000);
        }
}

/* Of a few the first that has no end, so that more is said of those. */
static const struct step *some_open_step(struct play *play)
{
        const struct step *step = some_step(play, LEDGER_REQUEST);

        for (int i = 0; i < 8 && step; i++) {
                const struct memory_withdrawal *stored =
                    memory_withdrawal(play->world->memory, &step->mem.identity);

                if (stored && stored->open)
                        break;
                step = some_step(play, LEDGER_REQUEST);
        }
        return step;
}

static void make_advice(struct play *play)
{
        const struct step *former =
            draw_permille(&play->random, 500) ? some_open_step(play) : some_step(play, LEDGER_REQUEST);
        const struct memory_withdrawal *stored;
        struct step step = {.card = -1};
        int64_t amount_yen;

        if (!former)
                return;
        stored = memory_withdrawal(play->world->memory, &former->mem.identity);
        amount_yen = former->mem.request.amount_yen;
        if (draw_permille(&play->random, 30))
                amount_yen += 1000;
        step.mem.identity = draw_permille(&play->random, 500)
                                ? fresh_identity(play, former->mem.identity.terminal)
                                : former->mem.identity;
        play_fill_advice(&step.mem, &former->mem.identity, draw_permille(&play->random, 500), amount_yen,
                         some_dispensed(play, amount_yen, stored ? memory_counts_yen(stored) : 0));
        /* a correction is taken once a card and day, and soon: seldom without help */
        if (stored && memory_state(stored) == WITHDRAWAL_COMPLETED && memory_counts_yen(stored) > 1000 &&
            draw_permille(&play->random, 400))
                step.mem.advice.dispensed_yen = memory_counts_yen(stored) - 1000;
        keep(play, &step);
}

static void make_repeated_advice(struct play *play)
{
        const struct step *former = some_step(play, LEDGER_ADVICE);
        struct step step = {.card = -1};
        const struct ledger_advice *a;

        if (!former)
                return;
        a = &former->mem.advice;
        step.mem.identity = former->mem.identity;
        play_fill_advice(&step.mem, &a->original, a->reversal,
                         a->amount_yen + (draw_permille(&play->random, 80) ? 1000 : 0),
                         draw_permille(&play->random, 80) ? a->dispensed_yen + 1000 : a->dispensed_yen);
        keep(play, &step);
}

/* The numbers of an advice once more, of another withdrawal. */
static void make_misdirected_advice(struct play *play)
{
        const struct step *former = some_step(play, LEDGER_ADVICE), *other = some_step(play, LEDGER_REQUEST);
        struct step step = {.card = -1};

        if (!former || !other || strcmp(former->mem.identity.terminal, other->mem.identity.terminal) != 0 ||
            is_same(&former->mem.advice.original, &other->mem.identity))
                return;
        step.mem.identity = former->mem.identity;
        play_fill_advice(&step.mem, &other->mem.identity, former->mem.advice.reversal,
                         other->mem.request.amount_yen,
                         draw_permille(&play->random, 500) ? 0 : other->mem.request.amount_yen);
        keep(play, &step);
}

static void make_stray_advice(struct play *play)
{
        struct step step = {.card = -1};
        struct ledger_identity original;
        int64_t amount_yen = some_amount(play);

        step.mem.identity = fresh_identity(play, NULL);
        original = step.mem.identity;
        original.stan = (int32_t)draw_between(&play->random, 0, 999999);
        if (draw_permille(&play->random, 250))
                original.transmitted_ms +=
                    (draw_permille(&play->random, 500) ? 1 : -1) * 20000 * (int64_t)DAY_MS;
        play_fill_advice(&step.mem, &original, draw_permille(&play->random, 700), amount_yen,
                         draw_permille(&play->random, 700) ? 0 : amount_yen);
        keep(play, &step);
}

static const struct {
        int permille;
        void (*make)(struct play *play);
} makers[] = {
    {280, make_request},        {90, make_inquiry},      {110, make_repeat},
    {40, make_late_request},    {200, make_advice},      {40, make_misdirected_advice},
    {60, make_repeated_advice}, {30, make_stray_advice}, {110, make_outcome},
    {40, make_inquiry_repeat},
};

static void make_something(struct play *play)
{
        int pick = draw_below(&play->random, 1000);

        for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
                if (pick < makers[i].permille) {
                        makers[i].make(play);
                        return;
                }
                pick -= makers[i].permille;
        }
}

/* Most nights are over in no time: whatever is asked in them is refused for the hour. */
static void sleep_till_morning(struct play *play)
{
        enum { OPENS_MS = 8 * 3600000, CLOSES_MS = 21 * 3600000, TOKYO_MS = 9 * 3600000 };
        int64_t of_day_ms = (play->now_ms + TOKYO_MS) % DAY_MS;

        if ((of_day_ms >= OPENS_MS && of_day_ms < CLOSES_MS) || draw_permille(&play->random, 250))
                return;
        play->now_ms +=
            (DAY_MS + OPENS_MS - of_day_ms) % DAY_MS + 1000 * draw_between(&play->random, 0, 3600);
}

static void let_time_pass(struct play *play)
{
        int pick = draw_below(&play->random, 100);

        if (pick < 40)
                play->now_ms += 1000 * draw_between(&play->random, 1, 1800);
        else if (pick < 75)
                play->now_ms += 1000 * draw_between(&play->random, 1, 36000);
        else if (pick < 77)
                play->now_ms += DAY_MS * draw_between(&play->random, 1, 12);
        sleep_till_morning(play);
}

/* rounds -------------------------------------------------------------------------------------------- */

static void on_done(struct ledger_op *op, void *context)
{
        (void)op;
        --*(int *)context;
}

/* What people change. Prices follow from the first ones, of some withdrawals; the last one has no version, so that it may not come in
 * the middle of a round. */
enum change_kind {
        CHANGE_TARIFF,
        CHANGE_TAX,
        CHANGE_HOLIDAY,
        CHANGE_PREFIX,
        CHANGE_LIMIT,
        CHANGE_HOURS,
        CHANGE_LINK,
        CHANGE_ATM,
        CHANGE_KINDS
};

/* An @ stands for an issuer, a # for a day, a ? for a number that is another each time. */
static const char *const change_sql[CHANGE_KINDS] = {
    [CHANGE_TARIFF] = "INSERT INTO tariff VALUES ('@', 'day', '#', ?, 90), ('@', 'other', '#', ?, "
                      "90) ON CONFLICT (issuer, band, from_on) DO UPDATE SET customer_fee_yen = ?",
    [CHANGE_TAX] = "INSERT INTO tax_rate VALUES ('#', 500 + ?) ON CONFLICT (from_on) DO UPDATE SET rate_bp = "
                   "500 + ?",
    [CHANGE_HOLIDAY] =
        "INSERT INTO holiday VALUES ('#', 'operator', 'number ?') ON CONFLICT (day, source) DO "
        "UPDATE SET is_holiday = NOT holiday.is_holiday",
    [CHANGE_PREFIX] =
        "INSERT INTO card_prefix VALUES ('990006', '#', '@', 'cash') ON CONFLICT (prefix, from_on) "
        "DO UPDATE SET issuer = '@'",
    [CHANGE_LIMIT] = "INSERT INTO limit_rule VALUES ('day_yen', '#', 24000 + 1000 * (? % 7)) ON CONFLICT "
                     "(kind, from_on) DO UPDATE SET value = excluded.value",
    [CHANGE_HOURS] = "UPDATE hall SET opens_minute = 300 + ? % 400 WHERE hall = 'H00002'",
    [CHANGE_LINK] =
        "UPDATE issuer SET link = CASE link WHEN 'BANKA' THEN 'BANKB' ELSE 'BANKA' END WHERE issuer = 'B'",
    [CHANGE_ATM] = "UPDATE atm SET enabled = NOT enabled WHERE terminal = 'T0000003'",
};

struct change {
        enum change_kind kind;
        char sql[320];
        struct memory_priced question;
        bool is_priced; /* the question is asked */
};

static void fill_change(struct change *change, const char *issuer, const char *day, int number)
{
        FILE *out = fmemopen(change->sql, sizeof(change->sql), "w");

        ck_assert_ptr_nonnull(out);
        for (const char *at = change_sql[change->kind]; *at; at++) {
                if (*at == '@')
                        fputs(issuer, out);
                else if (*at == '#')
                        fputs(day, out);
                else if (*at == '?')
                        fprintf(out, "%d", number);
                else
                        fputc(*at, out);
        }
        ck_assert_int_eq(fclose(out), 0);
}

/* Mostly for a day to come, now and then for one that may have withdrawals. */
static void draw_change(struct play *play, int kinds, struct change *ret_change)
{
        static const char *const issuers[] = {"HOUSE", "OTHER", "A", "B"};
        const char *issuer = issuers[draw_below(&play->random, 4)];
        enum change_kind kind = (enum change_kind)draw_below(&play->random, kinds);
        int32_t day = calendar_business_day(play->now_ms) + draw_below(&play->random, 6) - 1;
        char text[11];

        calendar_print_day(day, text);
        *ret_change = (struct change){.kind = kind};
        ret_change->is_priced = ret_change->kind <= CHANGE_PREFIX;
        ret_change->question = (struct memory_priced){
            .from_day = day,
            .to_day = ret_change->kind == CHANGE_HOLIDAY ? day : INT32_MAX,
            .issuer = ret_change->kind == CHANGE_TARIFF ? issuer : NULL,
            .digits = ret_change->kind == CHANGE_PREFIX ? "990006" : NULL,
        };
        fill_change(ret_change, issuer, text, ++play->changes);
}

static const struct memory_priced *question_of(const struct change *change)
{
        return change->is_priced ? &change->question : NULL;
}

static void count_change(struct play *play, bool is_done)
{
        play->coverage.changed += is_done;
        play->coverage.change_refused += !is_done;
}

/* The instances learn of it at once, or from the next round, all of whose requests were decided by the former version. */
static void catch_up(struct play *play)
{
        if (play->reference == world_reference(play->world))
                return;
        world_refresh(play->world);
        play->reference = world_reference(play->world);
}

static void change_reference(struct play *play)
{
        struct change change;
        bool is_done;

        if (!draw_permille(&play->random, 80))
                return;
        draw_change(play, CHANGE_KINDS, &change);
        is_done = world_change(play->world, change.sql, question_of(&change));
        count_change(play, is_done);
        if (is_done && draw_permille(&play->random, 700))
                catch_up(play);
}

/* By the memory: first what PostgreSQL did by the version that was current, then what came after the change. */
static void submit_kept(struct play *play, bool stale)
{
        for (size_t i = play->round_from; i < play->count; i++) {
                struct step *step = play->steps[i];

                if ((step->pg.answer.status == LEDGER_STALE) != stale)
                        continue;
                play->pending++;
                ledger_submit(play->world->mem, &step->mem);
        }
        ledger_mem_drain(play->world->mem);
}

static void submit_round(struct play *play)
{
        struct world *world = play->world;
        bool is_changed = draw_permille(&play->random, 60), is_done = false;
        struct change change;
        int stale = 0;

        for (size_t i = play->round_from; i < play->count; i++) {
                struct step *step = play->steps[i];

                step->pg.on_done = step->mem.on_done = on_done;
                step->pg.context = step->mem.context = &play->pending;
                play->pending++;
                ledger_submit(world->pg[draw_below(&play->random, WORLD_INSTANCES)], &step->pg);
        }
        if (is_changed) {
                for (int turn = draw_below(&play->random, 4); turn > 0; turn--)
                        event_base_loop(world->base, EVLOOP_NONBLOCK);
                draw_change(play, CHANGE_ATM, &change);
                is_done = world_change_stored(world, change.sql);
                count_change(play, is_done);
        }
        world_wait(world, &play->pending);
        for (size_t i = play->round_from; i < play->count; i++)
                stale += play->steps[i]->pg.answer.status == LEDGER_STALE;
        submit_kept(play, false);
        if (is_changed)
                world_change_kept(world, is_done, change.sql, question_of(&change));
        submit_kept(play, true);
        play->coverage.parted += is_done && stale > 0 && stale < (int)(play->count - play->round_from);
}

/* store and forward ---------------------------------------------------------------------------------- */

/* What a bank says of a notice, by its dialect's usual codes. */
static void answer_notice(struct play *play, struct memory_ended *ended)
{
        static const char *const rare[] = {"96", "96", "21", "94", "25", "05"};
        struct bank_codes codes;

        bank_codes_init(&codes);
        ended->said = draw_permille(&play->random, 250) ? rare[draw_below(&play->random, 6)] : "00";
        ended->verdict = bank_codes_verdict(&codes, ended->said);
        play->coverage.cases += ended->verdict == NOTICE_CASE;
        play->coverage.missing += ended->verdict == NOTICE_MISSING;
}

/* What the holder of the lease, or who believes to be, says of what he has sent. */
static void end_taken(struct play *play, const struct memory_taken *taken, size_t count)
{
        struct memory_ended *ended = calloc(count + 1, sizeof *ended);
        size_t ended_count = 0;
        int gone;

        for (size_t i = 0; i < count; i++) {
                if (draw_permille(&play->random, 150))
                        continue; /* no answer in time */
                ended[ended_count].identity = taken[i].identity;
                ended[ended_count].seq = taken[i].notice.seq;
                answer_notice(play, &ended[ended_count++]);
        }
        gone = world_saf_end(play->world, ended, ended_count, play->saf_ms);
        play->coverage.acknowledged += gone;
        if (gone > 0 && draw_permille(&play->random, 100)) {
                ck_assert_int_eq(world_saf_end(play->world, ended, ended_count, play->saf_ms), 0);
                play->coverage.acknowledged_twice++;
        }
        free(ended);
}

static void park_something(struct play *play)
{
        const struct memory_database *memory = play->world->memory;
        int skip = draw_below(&play->random, (int)HASH_COUNT(memory->saf) + 1);

        for (const struct memory_saf *saf = memory->saf; saf; saf = saf->hh.next) {
                if (skip-- > 0)
                        continue;
                play->coverage.parked += !saf->parked;
                world_operator_saf(play->world, !saf->parked, &saf->key.identity, saf->key.seq, play->saf_ms);
                return;
        }
}

static void forward(struct play *play)
{
        static const char *const holders[] = {"one", "two"};
        enum { MAX = 4000 };
        const char *holder = holders[draw_below(&play->random, 2)];
        const char *link = world_links[draw_below(&play->random, WORLD_LINKS)];
        struct memory_taken *taken = calloc(MAX, sizeof *taken);
        size_t count;

        ck_assert_ptr_nonnull(taken);
        play->saf_ms += draw_between(&play->random, 100, 4000);
        count = world_saf_take(play->world, link, holder, play->saf_ms, MAX, taken);
        ck_assert_int_lt(count, MAX);
        for (const struct memory_lease *lease = play->world->memory->leases; lease; lease = lease->hh.next)
                play->coverage.refused_lease += !strcmp(lease->link, link) && strcmp(lease->holder, holder);
        play->coverage.taken += (int)count;
        for (size_t i = 0; i < count; i++) {
                play->coverage.notice[taken[i].notice.kind]++;
                play->coverage.taken_again += taken[i].notice.attempts > 1;
        }
        end_taken(play, taken, count);
        free(taken);
        if (draw_permille(&play->random, 150))
                park_something(play);
}

/* Requests of before the last round, so that both back ends see the same ones as old. */
static void sweep(struct play *play)
{
        int64_t now_ms = world_real_ms();

        if (draw_permille(&play->random, 200))
                play->coverage.swept += world_sweep(play->world, play->asked_before_ms, play->saf_ms);
        play->asked_before_ms = now_ms + 1;
        while (world_real_ms() == now_ms) {
        }
}

/* An hour or two go by; a person says how much left an ATM. */
static void decide_something(struct play *play)
{
        const struct step *step = some_open_step(play);
        const struct memory_withdrawal *stored =
            step ? memory_withdrawal(play->world->memory, &step->mem.identity) : NULL;
        const char *refusal;

        if (draw_permille(&play->random, 150))
                world_age(play->world, draw_permille(&play->random, 500) ? WORLD_WAIT_MS : WORLD_CORRECT_MS);
        if (!stored || draw_permille(&play->random, 600))
                return;
        refusal = world_resolve(
            play->world, &stored->identity,
            /* notes; what is none is not even asked */
            some_dispensed(play, step->mem.request.amount_yen, memory_counts_yen(stored)) / 1000 * 1000,
            play->now_ms + 999, WORLD_WAIT_MS / 2);
        play->coverage.resolved += !refusal;
        play->coverage.too_young += refusal && !strcmp(refusal, "young");
}

/* A holder gets a new number. */
static void replace_something(struct play *play)
{
        int card = some_card(play), spare = WORLD_CARDS + play->spares_used;
        const char *prefix = world_cards[card].prefix, *problem;
        bool is_link = !strcmp(prefix, "990004");

        if (play->spares_used == WORLD_SPARE_CARDS || strcmp(prefix, world_cards[spare].prefix) ||
            draw_permille(&play->random, 700))
                return;
        problem = world_replace(play->world, card, spare,
                                is_link && draw_permille(&play->random, 500) ? NULL : "3111",
                                (enum memory_card_status)draw_below(&play->random, 4));
        play->spares_used += !problem;
        play->coverage.replaced += !problem;
        play->coverage.replaced_again += !problem && card >= WORLD_CARDS;
        play->coverage.not_replaced += problem != NULL;
}

/* A person forgets a card's wrong PINs, or would. */
static void unblock_something(struct play *play)
{
        if (draw_permille(&play->random, 60))
                play->coverage.unblocked +=
                    world_unblock(play->world, WORLD_PIN_CARD + draw_below(&play->random, WORLD_PIN_CARDS));
}

/* Days that are over, and now and then those that are not: then all that comes is posted late. */
static void sum_up(struct play *play)
{
        if (!draw_permille(&play->random, 50))
                return;
        world_sum_up(play->world, calendar_business_day(play->now_ms) - draw_below(&play->random, 4));
        play->coverage.summed++;
}

/* The quarter of about now, whether or not it is over: from then on all that comes of its days is posted on the first open one. */
static void close_books(struct play *play)
{
        int32_t day = calendar_business_day(play->now_ms) - draw_below(&play->random, 60), from_day, to_day;
        const char *refusal;

        if (++play->rounds < CLOSING_ROUND || !draw_permille(&play->random, 30))
                return;
        memory_quarter_of(day, &from_day, &to_day);
        if (draw_permille(&play->random, 700))
                world_sum_up(play->world, to_day);
        refusal = world_close_books(play->world, day, draw_permille(&play->random, 700));
        play->coverage.closed += !refusal;
        play->coverage.not_closed += refusal != NULL;
}

void play_round(struct play *play)
{
        int wanted = 1 + draw_below(&play->random, ROUND_MAX);

        play->round_from = play->count;
        memset(play->card_taken, 0, sizeof play->card_taken);
        for (int i = 0; i < wanted; i++)
                make_something(play);
        submit_round(play);
        for (size_t i = play->round_from; i < play->count; i++) {
                compare(play->steps[i]);
                count(&play->coverage, play->steps[i]);
                play->coverage.followed += follows(play, play->steps[i]);
        }
        sweep(play);
        play->round_from = play->count;
        decide_something(play);
        replace_something(play);
        unblock_something(play);
        if (draw_permille(&play->random, 500))
                forward(play);
        sum_up(play);
        close_books(play);
        catch_up(play);
        change_reference(play);
        let_time_pass(play);
}

struct play *play_new(struct world *world, uint64_t seed, const char *start)
{
        struct play *play = calloc(1, sizeof *play);

        ck_assert_ptr_nonnull(play);
        play->world = world;
        play->reference = world_reference(world);
        play->random.state = seed;
        play->saf_ms = world_real_ms() + 3600000;
        ck_assert(calendar_parse_moment(start, &play->now_ms));
        return play;
}

void play_cover(const struct play *play, struct coverage *coverage)
{
        *coverage = play->coverage;
        for (const struct memory_withdrawal *w = play->world->memory->withdrawals; w; w = w->hh.next) {
                bool used = w->reason == REASON_APPROVED || w->reason == REASON_COUNT;
                int64_t counts_yen = used ? w->request.amount_yen : 0;

                for (size_t i = 0; i < w->commission_count; i++)
                        coverage->posted_late += w->commissions[i].posted_day > w->request.business_day;
                for (size_t i = 0; i < w->advice_count; i++) {
                        const struct memory_advice *a = &w->advices[i];

                        coverage->cell[a->before]
                                      [withdrawal_relation(a->before, counts_yen, a->advice.dispensed_yen)]++;
                        counts_yen = a->after == WITHDRAWAL_APPROVED || a->after == WITHDRAWAL_ASKED
                                         ? w->request.amount_yen
                                         : a->counted_yen;
                }
        }
        for (const struct memory_exception *e = play->world->memory->exceptions; e; e = e->hh.next) {
                coverage->contradicting_advice += !strcmp(e->key.what, "contradicts");
                coverage->out_of_range += !strcmp(e->key.what, "out of range");
        }
}

void play_free(struct play *play)
{
        for (size_t i = 0; i < play->count; i++)
                free(play->steps[i]);
        free(play->steps);
        free(play);
}
