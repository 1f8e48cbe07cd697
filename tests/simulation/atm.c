/*
 * The ATM: its side of docs/protocol.md's dialogue, and the truth about cash.
 *
 *      no power --boots--> offline --connected--> signs on --00--> free --customer--> asks --00--> dispenses
 *                             ^                                     ^  --customer--> inquires        |
 *                             '--hung up, no answer                 '----00---- advises <-- advice --'
 *
 * It keeps, as its journal would, all withdrawals and advices over a loss of power; an advice is sent until
 * it is acknowledged, each withdrawal's in its order. An ATM that got no answer repeats its request, or
 * reverses it; once it reverses, it dispenses nothing, whatever it hears later.
 *
 * 96 says that nothing was decided then. Where the request was sent more than once, by the ATM or by a rough
 * network, another copy may have been decided since: then it is reversed.
 */
#include "tests/simulation/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "tools/chips/chips.h"

enum {
        ANSWER_TIMEOUT_MS = 30000,
        RECONNECT_MS = 500,
        RECONNECT_MAX_MS = 60000,
        REPEATS_MAX = 3,
        SCRIPT_LOOK_MS = 1000,
        STANS = 999999,
        OPEN_MINUTE = 8 * 60,
        CLOSE_MINUTE = 21 * 60,
};

#define CHIP_RATE 0.7

static void go_on(struct machine *atm);

static void set_timer(struct machine *atm, int64_t in_ms)
{
        atm->timer++;
        sim_put(atm->sim, in_ms,
                (struct event){.kind = EVENT_ATM, .number = atm->number, .epoch = atm->timer});
}

static bool chance(struct machine *atm, int permille)
{
        return draw_permille(&atm->sim->random, permille);
}

static struct atm_withdrawal *current(struct machine *atm)
{
        return atm->withdrawal_count ? &atm->withdrawals[atm->withdrawal_count - 1] : NULL;
}

static bool is_unfinished(const struct atm_withdrawal *withdrawal)
{
        return withdrawal && (withdrawal->phase == PHASE_ASKED || withdrawal->phase == PHASE_DISPENSES);
}

/* Seconds, by its own clock. */
static struct ledger_identity new_identity(struct machine *atm)
{
        struct ledger_identity identity;

        memset(&identity, 0, sizeof identity);
        atm->stan = atm->stan % STANS + 1;
        identity.stan = atm->stan;
        identity.transmitted_ms = (atm->sim->now_ms + atm->skew_ms) / 1000 * 1000;
        memcpy(identity.terminal, atm->terminal, sizeof identity.terminal);
        return identity;
}

/* messages ------------------------------------------------------------------------------------------ */

static void start_message(struct iso_message *message, const char *mti,
                          const struct ledger_identity *identity)
{
        char transmitted[11];

        iso_init(message, mti);
        calendar_to_de7(identity->transmitted_ms, transmitted);
        iso_set_string(message, 7, transmitted);
        iso_set_number(message, 11, identity->stan, 6);
        iso_set_string(message, 41, identity->terminal);
}

/* Whether it has the MAC that it must have. */
static bool send(struct machine *atm, struct iso_message *message, const struct ledger_identity *identity,
                 enum atm_task task)
{
        uint8_t bytes[ISO_MESSAGE_MAX];
        bool is_right;
        size_t length = modules_seal(atm, message, bytes, &is_right);

        assert(atm->link);
        atm->task = task;
        atm->awaited = *identity;
        set_timer(atm, atm->sim->script ? script_patience_ms(atm->sim) : ANSWER_TIMEOUT_MS);
        link_send(atm->link, bytes, length);
        return is_right;
}

static void send_network(struct machine *atm, int code, enum atm_task task)
{
        struct iso_message message;
        struct ledger_identity identity = new_identity(atm);

        start_message(&message, "0800", &identity);
        iso_set_number(&message, 70, code, 3);
        send(atm, &message, &identity, task);
}

static struct chips_identity chips_identity_of(const struct ledger_identity *identity, int64_t amount_yen)
{
        return (struct chips_identity){.terminal = identity->terminal,
                                       .transmitted_ms = identity->transmitted_ms,
                                       .stan = identity->stan,
                                       .amount_yen = amount_yen};
}

static void set_chip(struct iso_message *message, const struct ledger_identity *identity, int64_t amount_yen,
                     const char *pan)
{
        struct chips_identity chips_identity = chips_identity_of(identity, amount_yen);
        struct chip chip;

        chips_read_card(&chips_identity, pan, chips_has_card(pan, CHIP_RATE), &chip);
        chip_add(&chip, &iso_dialect_ascii, message);
}

static bool send_request(struct machine *atm, const char *mti, const char *code,
                         const struct ledger_identity *identity, int64_t amount_yen, int card,
                         enum sim_typed typed, enum atm_task task)
{
        struct iso_message message;
        char pan[17];

        sim_pan(atm->sim, card, pan);
        start_message(&message, mti, identity);
        iso_set_string(&message, 2, pan);
        iso_set_string(&message, 3, code);
        if (amount_yen)
                iso_set_number(&message, 4, amount_yen, 12);
        iso_set_string(&message, 14, "3012");
        iso_set_number(&message, 49, 392, 3);
        set_chip(&message, identity, amount_yen, pan);
        pins_add(atm, &message, card, typed);
        return send(atm, &message, identity, task);
}

static void ask(struct machine *atm, bool repeated)
{
        struct atm_withdrawal *w = current(atm);

        sim_tell(atm->sim, "%s asks for %" PRId64 " yen, card %d, STAN %" PRId32 "%s", atm->terminal,
                 w->amount_yen, w->card, w->identity.stan, repeated ? ", once more" : "");
        if (send_request(atm, repeated && !atm->hides_repeats ? "0201" : "0200", "010000", &w->identity,
                         w->amount_yen, w->card, w->typed, TASK_ASKS))
                w->is_sealed = true;
        w->is_mistaken = w->is_mistaken || atm->is_mistaken;
        w->key_set = w->key_set ? w->key_set : atm->key_set;
}

static void set_original(struct iso_message *message, const struct ledger_identity *original)
{
        char transmitted[11], text[43];

        calendar_to_de7(original->transmitted_ms, transmitted);
        snprintf(text, sizeof text, "0200%06" PRId32 "%s%022d", original->stan, transmitted, 0);
        iso_set_string(message, 90, text);
}

static void set_replacement(struct iso_message *message, int64_t dispensed_yen)
{
        char text[64];

        snprintf(text, sizeof text, "%012" PRId64 "%012dD00000000D00000000", dispensed_yen, 0);
        iso_set_string(message, 95, text);
}

static void set_report(struct iso_message *message, const struct atm_withdrawal *w)
{
        struct chips_identity identity = chips_identity_of(&w->identity, w->amount_yen);
        struct chip_data report;

        chips_report(&identity, &report);
        chip_data_add(&report, &iso_dialect_ascii, message);
}

static void send_advice(struct machine *atm, struct atm_advice *advice)
{
        const struct atm_withdrawal *w = &atm->withdrawals[advice->withdrawal];
        static const char *const mti[2][2] = {{"0220", "0221"}, {"0420", "0421"}};
        struct iso_message message;

        start_message(&message, mti[advice->reversal][advice->sent > 0], &advice->identity);
        iso_set_string(&message, 3, "010000");
        iso_set_number(&message, 4, w->amount_yen, 12);
        iso_set_number(&message, 49, 392, 3);
        if (advice->reversal)
                iso_set_string(&message, 39, advice->why);
        set_original(&message, &w->identity);
        if (advice->has_replacement)
                set_replacement(&message, advice->dispensed_yen);
        if (advice->reports)
                set_report(&message, w);
        sim_tell(atm->sim, "%s %s STAN %" PRId32 ": %" PRId64 " yen dispensed", atm->terminal,
                 advice->reversal ? "reverses" : "completes", w->identity.stan, advice->dispensed_yen);
        advice->sent++;
        if (send(atm, &message, &advice->identity, TASK_ADVISES))
                advice->is_sealed = true;
        advice->is_mistaken = advice->is_mistaken || atm->is_mistaken;
        advice->key_set = advice->key_set ? advice->key_set : atm->key_set;
}

/* the truth ----------------------------------------------------------------------------------------- */

/* Write down what became of a withdrawal; it is sent from then on until acknowledged. */
static void advise(struct machine *atm, size_t number, bool reversal, int64_t dispensed_yen, const char *why)
{
        struct atm_withdrawal *w = &atm->withdrawals[number];
        bool corrects = w->phase == PHASE_ENDED;
        struct atm_advice *advice;

        atm->advices = reallocarray(atm->advices, atm->advice_count + 1, sizeof *atm->advices);
        if (!atm->advices)
                abort();
        advice = &atm->advices[atm->advice_count++];
        *advice = (struct atm_advice){
            .identity = atm->own_numbers || corrects ? new_identity(atm) : w->identity,
            .withdrawal = number,
            .reversal = reversal,
            .dispensed_yen = dispensed_yen,
            /* without DE 95 a completion means all, a reversal nothing */
            .has_replacement = dispensed_yen != (reversal ? 0 : w->amount_yen) || chance(atm, 200),
            .why = why,
            .reports = w->has_script && !corrects,
        };
        w->phase = PHASE_ENDED;
        w->dispensed_yen = dispensed_yen;
        if (corrects)
                atm->sim->counters->corrections++;
        else if (dispensed_yen == 0)
                atm->sim->counters->reversals++;
        else
                atm->sim->counters->completions++;
}

static void dispense(struct machine *atm)
{
        struct atm_withdrawal *w = current(atm);
        size_t number = atm->withdrawal_count - 1;
        int64_t part_yen = 1000 * draw_between(&atm->sim->random, 0, w->amount_yen / 1000 - 1);

        assert(w->phase == PHASE_DISPENSES);
        if (atm->sim->script) {
                int64_t dispensed_yen = script_dispensed_yen(atm->sim);

                advise(atm, number, dispensed_yen < w->amount_yen, dispensed_yen,
                       dispensed_yen ? "32" : "22");
        } else if (chance(atm, atm->sim->fumbles ? 400 : 850)) {
                advise(atm, number, false, w->amount_yen, NULL);
        } else if (part_yen > 0 && chance(atm, atm->sim->fumbles ? 900 : 600)) {
                bool reversal = chance(atm, 700);

                atm->sim->counters->partial_dispenses++;
                advise(atm, number, reversal, part_yen, "32");
        } else {
                advise(atm, number, true, 0, "22");
        }
}

/* Notes that were left in the slot and taken back, found at the next count. */
static void correct(struct machine *atm, size_t number)
{
        struct atm_withdrawal *w = &atm->withdrawals[number];

        if (w->dispensed_yen > 0 && !atm->sim->calm && !atm->sim->script &&
            chance(atm, atm->sim->fumbles ? 500 : 60))
                advise(atm, number, true,
                       1000 * draw_between(&atm->sim->random, 0, w->dispensed_yen / 1000 - 1), "32");
}

/* No answer came: once more, or never mind. */
static void lose_answer(struct machine *atm)
{
        struct atm_withdrawal *w = current(atm);
        bool repeats = atm->sim->script ? w->repeats < script_repeats(atm->sim)
                                        : w->repeats < REPEATS_MAX && chance(atm, 600);

        if (atm->has_power && repeats)
                w->repeats++;
        else
                advise(atm, atm->withdrawal_count - 1, true, 0, "68");
}

/* what it does next --------------------------------------------------------------------------------- */

static int64_t some_amount(struct machine *atm)
{
        if (chance(atm, 30))
                return chance(atm, 500) ? 500 : 31000;
        return chance(atm, 500) ? 10000 * draw_between(&atm->sim->random, 1, 3)
                                : 1000 * draw_between(&atm->sim->random, 1, 30);
}

static void withdraw(struct machine *atm, int card, int64_t amount_yen)
{
        struct atm_withdrawal *w;

        atm->withdrawals =
            reallocarray(atm->withdrawals, atm->withdrawal_count + 1, sizeof *atm->withdrawals);
        if (!atm->withdrawals)
                abort();
        w = &atm->withdrawals[atm->withdrawal_count++];
        *w = (struct atm_withdrawal){
            .identity = new_identity(atm), .amount_yen = amount_yen, .card = card, .typed = pins_type(atm)};
        atm->sim->counters->requests++;
        ask(atm, false);
}

/* A holder who got a new number mostly has it with him. */
static int some_card(struct machine *atm)
{
        int card = draw_below(&atm->sim->random, SIM_CARDS), numbers = atm->sim->cards[card].number_count;

        return card + SIM_CARDS * (numbers > 1 && chance(atm, 300) ? draw_below(&atm->sim->random, numbers)
                                                                   : numbers - 1);
}

static void inquire(struct machine *atm)
{
        struct atm_inquiry *inquiry;

        atm->inquiries = reallocarray(atm->inquiries, atm->inquiry_count + 1, sizeof *atm->inquiries);
        if (!atm->inquiries)
                abort();
        inquiry = &atm->inquiries[atm->inquiry_count++];
        *inquiry = (struct atm_inquiry){.identity = new_identity(atm), .typed = pins_type(atm)};
        atm->sim->counters->inquiries++;
        send_request(atm, "0200", "310000", &inquiry->identity, 0, some_card(atm), inquiry->typed,
                     TASK_INQUIRES);
}

static void serve(struct machine *atm)
{
        if (atm->sim->script) {
                if (script_wants_customer(atm->sim))
                        withdraw(atm, script_card(atm->sim), script_amount_yen(atm->sim));
                else
                        set_timer(atm, SCRIPT_LOOK_MS);
                return;
        }
        if (chance(atm, 50)) {
                send_network(atm, 301, TASK_ECHOES);
                return;
        }
        if (chance(atm, 150)) {
                inquire(atm);
                return;
        }
        withdraw(atm, some_card(atm), some_amount(atm));
}

/* Customers come while the hall is open, mostly. */
static void wait_for_customer(struct machine *atm)
{
        struct sim *sim = atm->sim;
        int64_t pause_ms = draw_between(&sim->random, 1000, 2 * sim->pause_ms);
        int minute = calendar_jst_minute(sim->now_ms + pause_ms);

        if (sim->script) {
                set_timer(atm, SCRIPT_LOOK_MS);
                return;
        }
        if (minute < OPEN_MINUTE && !chance(atm, 20))
                pause_ms += (OPEN_MINUTE - minute) * (int64_t)MINUTE_MS;
        else if (minute >= CLOSE_MINUTE && !chance(atm, 20))
                pause_ms += (24 * 60 - minute + OPEN_MINUTE) * (int64_t)MINUTE_MS;
        set_timer(atm, pause_ms);
}

static void connect_somewhere(struct machine *atm)
{
        struct sim *sim = atm->sim;

        atm->signed_on = false;
        atm->advises_first = chance(atm, 200);
        /* whoever tells a story goes to the next one each time */
        atm->link = link_connect(atm, sim->script ? (int)(atm->connects++ % (unsigned)sim->instance_count)
                                                  : draw_below(&sim->random, sim->instance_count));
}

/* Nothing is being waited for: what is next? */
static void go_on(struct machine *atm)
{
        bool must_advise = atm->first_open < atm->advice_count;

        assert(atm->has_power && atm->task == TASK_NONE);
        if (!atm->link)
                connect_somewhere(atm);
        if (!atm->signed_on && !(must_advise && atm->advises_first)) {
                send_network(atm, 1, TASK_SIGNS_ON);
        } else if (modules_want_keys(atm)) {
                atm->sim->counters->key_changes_in_withdrawals += must_advise;
                send_network(atm, 101, TASK_CHANGES_KEYS);
        } else if (must_advise) {
                send_advice(atm, &atm->advices[atm->first_open]);
        } else if (is_unfinished(current(atm))) {
                atm->sim->counters->repeats++;
                ask(atm, true);
        } else if (!atm->sim->calm) {
                wait_for_customer(atm);
        }
}

static void reconnect(struct machine *atm)
{
        int64_t pause_ms = (int64_t)RECONNECT_MS << (atm->failures < 7 ? atm->failures : 7);

        atm->failures++;
        atm->link = NULL;
        set_timer(atm, draw_between(&atm->sim->random, pause_ms / 2,
                                    pause_ms < RECONNECT_MAX_MS ? pause_ms : RECONNECT_MAX_MS));
}

/* The dialogue at hand is over without an answer. */
static void give_up(struct machine *atm)
{
        enum atm_task task = atm->task;

        atm->task = TASK_NONE;
        if (task == TASK_ASKS)
                lose_answer(atm);
}

void atm_timer(struct machine *atm, uint64_t epoch)
{
        if (epoch != atm->timer)
                return;
        switch (atm->task) {
        case TASK_NONE:
                atm->has_power = true;
                /* a customer at a connected ATM that has nothing else to do */
                if (atm->link && atm->signed_on && atm->first_open == atm->advice_count &&
                    !is_unfinished(current(atm)) && !atm->sim->calm)
                        serve(atm);
                else
                        go_on(atm);
                break;
        case TASK_DISPENSES:
                atm->task = TASK_NONE;
                dispense(atm);
                go_on(atm);
                break;
        default:
                sim_tell(atm->sim, "%s hears nothing", atm->terminal);
                give_up(atm);
                if (chance(atm, 500) && atm->signed_on) {
                        go_on(atm);
                } else {
                        link_hang_up(atm->link);
                        reconnect(atm);
                }
                break;
        }
}

void atm_hung_up(struct machine *atm, struct link *link)
{
        if (link != atm->link)
                return;
        sim_tell(atm->sim, "%s: the connection is gone", atm->terminal);
        if (atm->task == TASK_DISPENSES) {
                atm->link = NULL; /* the notes come first */
                return;
        }
        give_up(atm);
        reconnect(atm);
}

void atm_lose_power(struct machine *atm)
{
        struct atm_withdrawal *w = current(atm);

        if (!atm->has_power)
                return;
        sim_tell(atm->sim, "%s loses its power", atm->terminal);
        atm->sim->counters->power_losses++;
        if (atm->link)
                link_cut(atm->link);
        if (atm->link)
                atm->link->atm_open = false;
        atm->link = NULL;
        atm->has_power = false;
        atm->task = TASK_NONE;
        /* with the power back, the journal says what was open and the dispenser's counters what left it */
        if (is_unfinished(w)) {
                bool left = w->phase == PHASE_DISPENSES && chance(atm, 300);

                advise(atm, atm->withdrawal_count - 1, !left, left ? w->amount_yen : 0, "22");
        }
        set_timer(atm, draw_between(&atm->sim->random, 10000, chance(atm, 300) ? 3600000 : 600000));
}

/* answers ------------------------------------------------------------------------------------------- */

static bool answers(const struct machine *atm, const struct iso_message *message, const char *mti)
{
        char transmitted[11], wanted[11];
        int64_t stan;

        calendar_to_de7(atm->awaited.transmitted_ms, wanted);
        return strcmp(message->mti, mti) == 0 && iso_number(message, 11, &stan) &&
               stan == atm->awaited.stan && iso_copy(message, 7, transmitted, sizeof transmitted) &&
               strcmp(transmitted, wanted) == 0;
}

static const char *awaited_mti(const struct machine *atm)
{
        switch (atm->task) {
        case TASK_SIGNS_ON:
        case TASK_ECHOES:
        case TASK_CHANGES_KEYS:
                return "0810";
        case TASK_ASKS:
        case TASK_INQUIRES:
                return "0210";
        case TASK_ADVISES:
                return atm->advices[atm->first_open].reversal ? "0430" : "0230";
        default:
                return "";
        }
}

/* What a bank has to say to a chip is for the one that asked, and of that withdrawal or inquiry. True: a script is in it. */
static bool hear_chip(struct machine *atm, const struct iso_message *message, const char code[3],
                      int64_t amount_yen)
{
        struct chips_identity identity = chips_identity_of(&atm->awaited, amount_yen);
        struct chip_data answer;
        bool has_script = false;

        chip_data_of(message, &answer);
        if (answer.length == 0)
                return false;
        atm->sim->counters->chip_answers++;
        if (!chips_is_answer(&identity, &answer, code, &has_script))
                sim_violate(atm->sim, "I12", "%s STAN %" PRId32 ": a bank's data for another chip",
                            atm->terminal, atm->awaited.stan);
        return has_script;
}

static void hear_decision(struct machine *atm, const char code[3])
{
        bool approved = strcmp(code, "00") == 0;
        /* another copy may have been approved, or still be */
        bool unsure = strcmp(code, "96") == 0 || strcmp(code, "94") == 0 || strcmp(code, "98") == 0;
        struct atm_withdrawal *w = current(atm);

        memcpy(w->heard, code, sizeof w->heard);
        sim_tell(atm->sim, "%s: STAN %" PRId32 " is %s", atm->terminal, w->identity.stan,
                 approved ? "approved"
                 : unsure ? "unsure"
                          : "refused");
        if (approved) {
                check_payment(atm->sim, &w->identity);
                w->phase = PHASE_DISPENSES;
                atm->task = TASK_DISPENSES;
                set_timer(atm, draw_between(&atm->sim->random, 2000, 15000));
                return;
        }
        w->phase = PHASE_REFUSED;
        if (unsure && (atm->sim->is_rough || w->repeats > 0))
                advise(atm, atm->withdrawal_count - 1, true, 0, "68");
}

static void hear_acknowledgement(struct machine *atm)
{
        struct atm_advice *advice = &atm->advices[atm->first_open++];

        advice->acknowledged = true;
        correct(atm, advice->withdrawal);
}

void atm_hear(struct machine *atm, struct link *link, const uint8_t *bytes, size_t length)
{
        struct iso_message message;
        struct iso_error error;
        char code[3] = "";
        enum atm_task task = atm->task;

        if (iso_decode(&iso_dialect_ascii, bytes, length, &message, &error) < 0 ||
            !iso_copy(&message, 39, code, sizeof code)) {
                sim_violate(atm->sim, "dialog", "%s got an answer that it can't read", atm->terminal);
                return;
        }
        if (link != atm->link || !answers(atm, &message, awaited_mti(atm)))
                return; /* too late, or a second time */
        atm->task = TASK_NONE;
        atm->failures = 0;
        modules_hear_offer(atm, &message);
        switch (task) {
        case TASK_SIGNS_ON:
                atm->signed_on = strcmp(code, "00") == 0;
                break;
        case TASK_ASKS:
                current(atm)->has_script = hear_chip(atm, &message, code, current(atm)->amount_yen);
                atm->sim->counters->scripts += current(atm)->has_script;
                hear_decision(atm, code);
                break;
        case TASK_INQUIRES:
                (void)hear_chip(atm, &message, code, 0);
                break;
        case TASK_CHANGES_KEYS:
                modules_hear_keys(atm, &message);
                break;
        case TASK_ADVISES:
                if (strcmp(code, "98") != 0) /* which is of a copy: it is sent again */
                        hear_acknowledgement(atm);
                break;
        default:
                break;
        }
        if (atm->task == TASK_NONE)
                go_on(atm);
}

/* beginning and end --------------------------------------------------------------------------------- */

void atm_start(struct machine *atm)
{
        struct draws *random = &atm->sim->random;

        snprintf(atm->terminal, sizeof atm->terminal, "T%07u", (unsigned)atm->number % 1000 + 1);
        atm->has_power = true;
        atm->own_numbers = draw_permille(random, 700);
        atm->hides_repeats = draw_permille(random, 250);
        atm->skew_ms = draw_between(random, -40000, 40000);
        atm->stan = draw_permille(random, 300) ? STANS - draw_below(random, 30) : draw_below(random, STANS);
        set_timer(atm, draw_between(random, 0, 5000));
}

bool atm_is_quiet(const struct machine *atm)
{
        return atm->has_power && atm->task == TASK_NONE && atm->first_open == atm->advice_count &&
               !(atm->withdrawal_count && is_unfinished(&atm->withdrawals[atm->withdrawal_count - 1]));
}

void atm_free(struct machine *atm)
{
        free(atm->withdrawals);
        free(atm->advices);
        free(atm->inquiries);
}
