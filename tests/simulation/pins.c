/*
 * PINs of the house bank's cards: what customers type, what an ATM makes of it, what the module (modules.c) makes of that, and what must come of it.
 *
 * The model knows what was typed for each identity, and nothing of what the daemons say of it: a request is approved, or refused for something that ranks after its PIN, only
 * with the right one; each wrong one is counted once, over all daemons; the third blocks, until a person says otherwise; a right one before clears. What does not come, or can't
 * be read, counts nothing.
 *
 * A block is the PIN's four digits and a hash of the terminal's PIN key, the card number and the PIN. What is left to chance comes from the keys' stream.
 */
#include "tests/simulation/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/key_rings.h"
#include "lib/base/hash.h"
#include "lib/base/hex.h"
#include "protocol/tags.h"

enum {
        PINS_PERMILLE = 600,  /* of runs in which ATMs may have keys */
        WRONG_PERMILLE = 100, /* of requests, */
        OFTEN_PERMILLE = 600, /* or so many in half of those runs */
        NONE_PERMILLE = 20,
        UNREADABLE_PERMILLE = 40,
        UNBLOCK_PERMILLE = 5, /* of events */
        DIGITS = 4,
        AES_BLOCK = 16,
        TDES_BLOCK = 8,
};

#define VERIFICATION_BLOCK "D0016V2TC00E0000"

void pins_open(struct sim *sim)
{
        sim->wants_pins = sim->has_keys && draw_permille(&sim->key_random, PINS_PERMILLE);
        if (sim->wants_pins)
                sim->wrong_pins_permille =
                    draw_permille(&sim->key_random, 500) ? WRONG_PERMILLE : OFTEN_PERMILLE;
}

void pins_put_key(const struct sim *sim, struct key_rings *rings)
{
        struct key_row row = {.owner_kind = KEY_OWNER_ISSUER,
                              .owner = "HOUSE",
                              .kind = KEY_SET_VERIFICATION,
                              .number = 1,
                              .state = KEY_SET_CURRENT,
                              .purpose = KEY_PURPOSE_VERIFICATION,
                              .block = VERIFICATION_BLOCK,
                              .check_value = "0000000000"};

        if (sim->wants_pins)
                sim_must(key_rings_put(rings, &row), "keys");
}

/* The right one of a card's number; the module makes the same digits of it. */
void pins_of(int card, char ret_pin[SIM_PIN_TEXT])
{
        snprintf(ret_pin, SIM_PIN_TEXT, "%04u", (unsigned)(card * 7919 + 1234) % 10000);
}

/* Of the cards that its bank knows one in twenty has nothing to compare a PIN with. */
void pins_give_card(struct sim *sim, int card)
{
        char pin[SIM_PIN_TEXT];

        sim->cards[card].has_pin = card % 20 != 7;
        if (!sim->wants_pins || !sim->cards[card].has_pin)
                return;
        pins_of(card, pin);
        memory_set_pin(sim->database, sim->cards[card].token[0], pin);
}

/* ATMs ------------------------------------------------------------------------------------------------ */

enum sim_typed pins_type(struct machine *atm)
{
        struct sim *sim = atm->sim;

        if (!sim->wants_pins || !atm->key_set)
                return TYPED_NONE;
        if (sim->calm)
                return TYPED_RIGHT;
        if (draw_permille(&sim->key_random, sim->wrong_pins_permille))
                return TYPED_WRONG;
        if (draw_permille(&sim->key_random, NONE_PERMILLE))
                return TYPED_NONE;
        return draw_permille(&sim->key_random, UNREADABLE_PERMILLE) ? TYPED_UNREADABLE : TYPED_RIGHT;
}

static uint64_t seal_of(const char *key, const char *pan, const char *pin)
{
        return hash_text(hash_text(hash_text(HASH_FIRST, key), pan), pin);
}

static void make_block(const struct machine *atm, int card, enum sim_typed typed,
                       uint8_t ret_block[AES_BLOCK])
{
        char key[SIM_BLOCK_TEXT], pan[17], pin[SIM_PIN_TEXT];
        uint64_t seal;

        modules_pin_block(key, atm->terminal, atm->key_set);
        sim_pan(atm->sim, card, pan);
        pins_of(card, pin);
        if (typed == TYPED_WRONG)
                pin[1] = pin[1] == '9' ? '0' : (char)(pin[1] + 1);
        seal = seal_of(key, pan, pin) ^ (typed == TYPED_UNREADABLE);
        memset(ret_block, 0, AES_BLOCK);
        memcpy(ret_block, pin, DIGITS);
        memcpy(ret_block + DIGITS, &seal, DIGITS);
        memcpy(ret_block + TDES_BLOCK, &seal, sizeof seal);
}

/* In DE 52 or in DE 62: by the ATM. */
void pins_add(struct machine *atm, struct iso_message *message, int card, enum sim_typed typed)
{
        uint8_t block[AES_BLOCK];
        char digits[2 * AES_BLOCK + 1];

        if (!atm->sim->wants_pins || typed == TYPED_NONE)
                return;
        make_block(atm, card, typed, block);
        hex_print(block, AES_BLOCK, digits);
        if (atm->number % 2)
                iso_set(message, 52, (const char *)block, TDES_BLOCK);
        else
                tags_add(message, 62, TAG_PIN_BLOCK, digits);
}

/* the module ------------------------------------------------------------------------------------------ */

enum key_code pins_verify(const struct key_message *message, char ret_value[SIM_PIN_TEXT])
{
        const struct key_value *block = &message->value[KEY_FIELD_PIN_BLOCK];
        char key[SIM_BLOCK_TEXT], pan[20], pin[SIM_PIN_TEXT] = "";
        uint64_t seal;

        key_message_copy(message, KEY_FIELD_KEY, key, sizeof key);
        key_message_copy(message, KEY_FIELD_PAN, pan, sizeof pan);
        memcpy(pin, block->bytes, DIGITS);
        seal = seal_of(key, pan, pin);
        if (memcmp(block->bytes + DIGITS, &seal, DIGITS) != 0)
                return KEY_CODE_PIN_BLOCK;
        memcpy(ret_value, pin, SIM_PIN_TEXT);
        return KEY_CODE_GOOD;
}

/* the model ------------------------------------------------------------------------------------------- */

static enum sim_typed typed_for(struct sim *sim, const struct ledger_op *op)
{
        for (int i = 0; i < sim->atm_count; i++) {
                const struct machine *atm = &sim->atms[i];

                if (strcmp(atm->terminal, op->identity.terminal) != 0)
                        continue;
                for (size_t k = 0; k < atm->withdrawal_count && op->kind == LEDGER_REQUEST; k++)
                        if (!memcmp(&atm->withdrawals[k].identity, &op->identity, sizeof op->identity))
                                return atm->withdrawals[k].typed;
                for (size_t k = 0; k < atm->inquiry_count && op->kind == LEDGER_INQUIRY; k++)
                        if (!memcmp(&atm->inquiries[k].identity, &op->identity, sizeof op->identity))
                                return atm->inquiries[k].typed;
        }
        sim_violate(sim, "dialog", "%s STAN %" PRId32 " is decided, which nobody has asked for",
                    op->identity.terminal, op->identity.stan);
        return TYPED_NONE;
}

static void violate(struct sim *sim, const struct ledger_op *op, const struct sim_card *card,
                    enum sim_typed typed)
{
        static const char *const names[] = {"a right PIN", "a wrong PIN", "no PIN",
                                            "an unreadable PIN block"};

        sim_violate(sim, "I13", "%s STAN %" PRId32 ": %s after %s and %d wrong ones before",
                    op->identity.terminal, op->identity.stan, reason_rows[op->answer.reason].name,
                    names[typed], card->pin_tries);
}

/* A PIN was looked at: what may come of it, and what counts then. */
static void check_looked_at(struct sim *sim, const struct ledger_op *op, struct sim_card *card)
{
        enum sim_typed typed = typed_for(sim, op);
        enum reason reason = op->answer.reason;
        bool is_blocked = card->pin_tries >= SIM_PIN_TRIES_MAX,
             is_right = typed == TYPED_RIGHT && card->has_pin;

        if (reason != REASON_APPROVED && reason < REASON_PIN_TRIES)
                return; /* for something that comes before */
        if (reason == REASON_PIN_TRIES   ? !is_blocked
            : reason == REASON_PIN_WRONG ? is_blocked || is_right
                                         : is_blocked || !is_right)
                violate(sim, op, card, typed);
        sim->counters->pins_blocked += reason == REASON_PIN_TRIES;
        sim->counters->pins_unreadable += reason == REASON_PIN_WRONG && typed == TYPED_UNREADABLE;
        sim->counters->pins_missing += reason == REASON_PIN_WRONG && typed == TYPED_NONE;
        if (reason == REASON_PIN_WRONG && typed == TYPED_WRONG && card->has_pin) {
                sim->counters->pins_wrong++;
                card->pin_tries++;
        } else if (reason != REASON_PIN_WRONG && reason != REASON_PIN_TRIES) {
                sim->counters->pins_cleared += card->pin_tries > 0;
                card->pin_tries = 0;
        }
}

void pins_check(struct sim *sim, const struct ledger_op *op)
{
        struct sim_card *card;
        const struct memory_card *row;

        if (!sim->wants_pins || (op->kind != LEDGER_REQUEST && op->kind != LEDGER_INQUIRY))
                return;
        card = check_find_card(sim, op->request.card_token);
        if (!card || card->bank >= 0)
                return;
        if (op->answer.status == LEDGER_DECIDED && op->request.refusal == REASON_APPROVED)
                check_looked_at(sim, op, card);
        row = memory_card(sim->database, card->token[card->number_count - 1]);
        if (row && row->pin_tries != card->pin_tries)
                sim_violate(sim, "I13", "%s STAN %" PRId32 ": its card has %d wrong PINs, and %d are counted",
                            op->identity.terminal, op->identity.stan, card->pin_tries, row->pin_tries);
}

/* people ---------------------------------------------------------------------------------------------- */

/* Somebody has come with his card and his passport. */
void pins_unblock(struct sim *sim)
{
        struct sim_card *card;

        if (!sim->wants_pins || sim->calm || !draw_permille(&sim->key_random, UNBLOCK_PERMILLE))
                return;
        card = &sim->cards[draw_below(&sim->key_random, SIM_CARDS)];
        if (card->bank >= 0 || card->number_count == 0)
                return;
        if (memory_card_unblock(sim->database, card->token[card->number_count - 1]) != (card->pin_tries > 0))
                sim_violate(sim, "I13", "card %d is unblocked after %d wrong PINs, or is not",
                            (int)(card - sim->cards), card->pin_tries);
        sim->counters->pins_unblocked += card->pin_tries > 0;
        card->pin_tries = 0;
}
