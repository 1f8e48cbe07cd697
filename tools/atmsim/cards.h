/*
 * The cards of the customers: read from a laboratory's card file, handed out so that the limits of cards are
 * met and sometimes hit, or evenly. Card numbers and PINs stay in memory; journals know cards by token and mask.
 */
#ifndef ATMSIM_CARDS_H
#define ATMSIM_CARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/security/token.h"
#include "lib/base/attributes.h"
#include "lib/base/random.h"

enum { CARDS_ERROR_MAX = 768, CARDS_RECENT = 64 };

struct card {
        char pan[20];
        char expiry_yymm[5];
        char pin[13]; /* 4 to 12 digits; "": it has none */
        bool tokened;
        uint8_t token[TOKEN_LENGTH];
        /* what its holder has taken, as far as the holder remembers */
        int32_t day, month;
        int32_t day_count;
        int64_t day_yen, month_yen;
};

struct cards {
        struct card *card;
        size_t count, room;
        struct token_key *key;
        /* evenly: in the file's order, each at most `uses` times */
        size_t next;
        uint32_t uses, round;
        /* at random: those used last, for holders who forget that they were here already */
        uint32_t recent[CARDS_RECENT];
        size_t recent_count;
        double careless;
};

/* All files' cards. skip: how many to leave out at their start. The key is borrowed. */
ATM_MUST_USE bool cards_load(const char *const *paths, size_t count, size_t skip, struct token_key *key,
                             struct cards *ret_cards, char error[CARDS_ERROR_MAX]);
void cards_free(struct cards *cards);

/* The next card in turn; false when each has been used `uses` times. */
ATM_MUST_USE bool cards_take_even(struct cards *cards, uint32_t *ret_index);
/* A card whose holder may still take *amount_yen on that day (a holder knows the limits of 30,000 yen and
 * two withdrawals a day and 80,000 yen a month), except that a careless one takes the card that was used a
 * moment ago and asks for the day's whole amount. */
uint32_t cards_take(struct cards *cards, struct random *random, int32_t day, bool fixed_amount,
                    int64_t *amount_yen);

const uint8_t *card_token(struct cards *cards, uint32_t index);

/* Write `count` cards of the prefix, each with a check digit, as a card file. Seeded: the same ones again. */
struct cards_recipe {
        uint64_t count, seed;
        const char *issuer, *prefix, *expiry_yymm;
        int64_t balance_yen;
};
ATM_MUST_USE bool cards_make(const struct cards_recipe *recipe, FILE *file);

#endif
