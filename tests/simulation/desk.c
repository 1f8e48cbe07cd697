/*
 * The desks: what people do while withdrawals are under way. They change reference data, close quarters, say what left an ATM whose
 * withdrawal has no end, hold notices to banks back, and give holders new numbers.
 */
#include "tests/simulation/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "rules/calendar.h"

/* reference data ------------------------------------------------------------------------------------ */

static const char *const issuer_names[] = {"HOUSE", "BANKA", "BANKB", "BANKC"};

/* What must not be priced yet where it changes; false: no price follows from it. */
static bool price_question(const struct sim_change *change, char digits[8],
                           struct memory_priced *ret_question)
{
        *ret_question = (struct memory_priced){.from_day = change->day, .to_day = INT32_MAX};
        switch (change->kind) {
        case SIM_CHANGE_TARIFF:
                ret_question->issuer = issuer_names[change->issuer];
                return true;
        case SIM_CHANGE_PREFIX:
                snprintf(digits, 8, "99100%d", change->issuer);
                ret_question->digits = digits;
                return true;
        case SIM_CHANGE_TAX:
                return true;
        case SIM_CHANGE_HOLIDAY:
                ret_question->to_day = change->day;
                return true;
        case SIM_CHANGE_SHARE:
                ret_question->hall = "H00001";
                return true;
        case SIM_CHANGE_HOURS:
        case SIM_CHANGE_LIMIT:
        case SIM_CHANGE_LINK:
        case SIM_CHANGE_ATM:
        case SIM_CHANGE_KINDS:
                break;
        }
        return false;
}

/* By the cards' withdrawals, not the ledger's. */
static bool has_reason(const struct sim *sim, const struct sim_change *change, const struct memory_priced *q)
{
        for (int i = 0; i < SIM_CARDS; i++) {
                const struct sim_card *card = &sim->cards[i];

                if (q->digits && card->bank + 1 != change->issuer)
                        continue;
                for (size_t k = 0; k < card->used_count; k++) {
                        const struct ledger_request *r = &card->used[k]->request;

                        if (r->business_day >= q->from_day && r->business_day <= q->to_day &&
                            (!q->issuer || strcmp(q->issuer, r->issuer) == 0) &&
                            (!q->hall || strcmp(q->hall, r->hall) == 0))
                                return true;
                }
        }
        return false;
}

static bool is_refused(struct sim *sim, const struct sim_change *change)
{
        struct memory_priced question;
        char digits[8];
        bool refused;

        if (!price_question(change, digits, &question))
                return false;
        refused = memory_is_priced(sim->database, &question);
        if (refused != has_reason(sim, change, &question))
                sim_violate(sim, "I3", "a change of kind %d is %s without a reason", (int)change->kind,
                            refused ? "refused" : "taken");
        sim->counters->changes_refused += refused;
        return refused;
}

static int one_of(struct sim *sim, const int *values, size_t count)
{
        return values[draw_below(&sim->random, (int)count)];
}

/* Tariffs, prefixes and links are the banks'; they come back as often as they go. */
static void draw_change(struct sim *sim, struct sim_change *change)
{
        static const int limits_yen[] = {10000, 30000, 50000}, opens[] = {-1, 8, 14},
                         taxes_bp[] = {0, 800, 1250};
        struct draws *random = &sim->random;
        bool is_of_bank = change->kind == SIM_CHANGE_TARIFF || change->kind == SIM_CHANGE_PREFIX ||
                          change->kind == SIM_CHANGE_LINK;

        if (is_of_bank && sim->bank_count == 0)
                change->kind = SIM_CHANGE_LIMIT;
        else if (is_of_bank)
                change->issuer = 1 + draw_below(random, sim->bank_count);
        switch (change->kind) {
        case SIM_CHANGE_TARIFF:
                change->value = 10 * draw_below(random, 30);
                break;
        case SIM_CHANGE_PREFIX:
        case SIM_CHANGE_LINK:
                change->value =
                    draw_permille(random, 500) ? change->issuer : 1 + draw_below(random, sim->bank_count);
                break;
        case SIM_CHANGE_HOURS:
                change->value = one_of(sim, opens, LENGTH(opens));
                break;
        case SIM_CHANGE_LIMIT:
                change->value = one_of(sim, limits_yen, LENGTH(limits_yen));
                break;
        case SIM_CHANGE_TAX:
                change->value = one_of(sim, taxes_bp, LENGTH(taxes_bp));
                break;
        case SIM_CHANGE_SHARE:
                change->value = 10 * draw_below(random, 1000);
                break;
        case SIM_CHANGE_ATM: /* most serve again */
                change->issuer = draw_below(random, sim->atm_count);
                change->value = draw_permille(random, 600) ? SIM_ATM_SERVES : draw_below(random, 3);
                break;
        case SIM_CHANGE_HOLIDAY:
        case SIM_CHANGE_KINDS:
                break;
        }
}

/* What a price follows from: mostly for a day to come, now and then for one that may be priced. */
void desk_changes_reference(struct sim *sim)
{
        struct draws *random = &sim->random;
        struct sim_change change = {.kind = (enum sim_change_kind)draw_below(random, SIM_CHANGE_KINDS),
                                    .day = calendar_business_day(sim->now_ms)};
        struct memory_priced question;
        char digits[8];

        draw_change(sim, &change);
        if (price_question(&change, digits, &question))
                change.day += draw_permille(random, 700) ? 1 + draw_below(random, 3) : -draw_below(random, 3);
        if (!is_refused(sim, &change))
                sim_change_reference(sim, &change);
}

/* A card-holder bars the own card, for a year. */
void desk_excludes(struct sim *sim)
{
        struct sim_card *card = &sim->cards[draw_below(&sim->random, SIM_CARDS)];
        int32_t day = calendar_business_day(sim->now_ms);

        if (card->excluded_day != INT32_MAX)
                return;
        sim_tell(sim, "card %d is excluded", (int)(card - sim->cards));
        sim->counters->cards_excluded++;
        card->excluded_day = day;
        memory_add_exclusion(sim->database, card->token[card->number_count - 1], day, INT32_MAX);
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
        refusal =
            memory_operator_resolve(sim->database, &w->identity, dispensed_yen, sim->now_ms, SIM_YOUNGEST_MS);
        sim->counters->people_refused += refusal && strcmp(refusal, "young") == 0;
        sim_tell(sim, "a person says of %s STAN %" PRId32 " that %" PRId64 " yen left: %s",
                 w->identity.terminal, w->identity.stan, dispensed_yen, refusal ? refusal : "done");
}

/* holding back -------------------------------------------------------------------------------------- */

static void let_go(struct sim *sim, size_t number)
{
        struct memory_saf_key key = sim->held[number];

        sim->held[number] = sim->held[--sim->held_count];
        sim->counters->notices_let_go += memory_operator_saf(sim->database, false, &key.identity, key.seq);
        /* whoever forwards finds it when he looks again */
        for (int i = 0; i < sim->instance_count; i++)
                instance_arm(&sim->instances[i]);
}

static const struct memory_saf *some_notice(struct sim *sim)
{
        int skip = sim->database->saf ? draw_below(&sim->random, (int)HASH_COUNT(sim->database->saf)) : 0;
        const struct memory_saf *saf = sim->database->saf;

        while (saf && skip-- > 0)
                saf = saf->hh.next;
        return saf;
}

void desk_holds(struct sim *sim)
{
        const struct memory_saf *saf = some_notice(sim);

        if (sim->held_count && draw_permille(&sim->random, 500)) {
                let_go(sim, (size_t)draw_below(&sim->random, (int)sim->held_count));
        } else if (saf && memory_operator_saf(sim->database, true, &saf->key.identity, saf->key.seq)) {
                sim_tell(sim, "a notice of STAN %" PRId32 " is held back", saf->key.identity.stan);
                sim->counters->notices_held++;
                sim->held = reallocarray(sim->held, sim->held_count + 1, sizeof *sim->held);
                if (!sim->held)
                        abort();
                sim->held[sim->held_count++] = saf->key;
        }
}

void desk_lets_go(struct sim *sim)
{
        while (sim->held_count)
                let_go(sim, sim->held_count - 1);
}

/* replacing ----------------------------------------------------------------------------------------- */

/* A holder of the house bank gets a new number; what is under way with the old one goes on. */
void desk_replaces(struct sim *sim)
{
        struct sim_card *card = &sim->cards[draw_below(&sim->random, SIM_CARDS)];
        enum memory_card_status status =
            (enum memory_card_status)draw_below(&sim->random, MEMORY_CARD_REPLACED + 1);
        struct memory_replacement replacement = {
            .is_house = true, .is_same_bank = true, .expiry_yymm = "3012", .status = status};
        const char *refusal;
        char pan[17], pin[SIM_PIN_TEXT];
        int number = (int)(card - sim->cards) + SIM_CARDS * card->number_count;

        if (card->bank >= 0 || card->number_count == SIM_NUMBERS_MAX)
                return;
        sim_pan(sim, number, pan);
        pins_of(number, pin);
        if (sim->wants_pins)
                replacement.pin_value = pin;
        token_of_pan(sim->token_key, pan, card->token[card->number_count]);
        replacement.old_token = card->token[card->number_count - 1];
        replacement.new_token = card->token[card->number_count];
        refusal = memory_card_replace(sim->database, &replacement);
        sim_tell(sim, "card %d is replaced: %s", (int)(card - sim->cards), refusal ? refusal : "done");
        sim->counters->replacements_refused += refusal != NULL;
        sim->counters->cards_replaced += !refusal;
        card->number_count += !refusal;
        if (refusal)
                return;
        card->has_pin = true;
        card->pin_tries = 0;
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
