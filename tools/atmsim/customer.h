/*
 * A customer: the card, what it is asked for, whether the balance is wanted first, and what will go wrong.
 * A customer who finds the ATM taken waits; response times then count from the moment of coming.
 */
#ifndef ATMSIM_CUSTOMER_H
#define ATMSIM_CUSTOMER_H

#include "tools/atmsim/cards.h"
#include "tools/atmsim/faults.h"

struct customer {
        int64_t came_us; /* monotonic; from here on the customer wants an answer */
        int64_t came_ms; /* the same in business time */
        uint32_t card;
        int64_t amount_yen;
        bool inquires;
        bool mistypes; /* the PIN, the first time */
        struct fault_plan plan;
};

struct customers {
        struct cards cards;
        struct random random;
        struct fault_rates rates;
        int64_t fixed_yen; /* 0: amounts as people choose them */
        double inquiry_rate, wrong_pin_rate;
        bool even;
};

/* False when the cards that are handed out evenly are used up. */
ATM_MUST_USE bool customer_draw(struct customers *customers, int64_t business_ms, int64_t now_us,
                                struct customer *ret_customer);

#endif
