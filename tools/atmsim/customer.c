/* Amounts as people choose them at a parlor: round ones, the day's 30,000 yen among them. */
#include "tools/atmsim/customer.h"

#include "rules/calendar.h"

static const struct {
        int64_t yen;
        int weight;
} amounts[] = {
    {10000, 34}, {20000, 16}, {30000, 10}, {5000, 13}, {3000, 8},
    {1000, 4},   {2000, 4},   {15000, 6},  {13000, 3}, {25000, 2},
};

static int64_t draw_amount(struct random *random)
{
        int total = 0;

        for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
                total += amounts[i].weight;

        int left = (int)random_below(random, (uint64_t)total);
        size_t chosen = 0;

        while (left >= amounts[chosen].weight)
                left -= amounts[chosen++].weight;
        return amounts[chosen].yen;
}

bool customer_draw(struct customers *customers, int64_t business_ms, int64_t now_us,
                   struct customer *ret_customer)
{
        struct customer customer = {
            .came_us = now_us, .came_ms = business_ms, .amount_yen = customers->fixed_yen};

        if (customer.amount_yen == 0)
                customer.amount_yen = draw_amount(&customers->random);
        if (customers->even) {
                if (!cards_take_even(&customers->cards, &customer.card))
                        return false;
        } else {
                customer.card =
                    cards_take(&customers->cards, &customers->random, calendar_business_day(business_ms),
                               customers->fixed_yen != 0, &customer.amount_yen);
        }
        customer.inquires = random_chance(&customers->random, customers->inquiry_rate);
        faults_draw(&customers->rates, &customers->random, &customer.plan);
        customer.mistypes = random_chance(&customers->random, customers->wrong_pin_rate);
        *ret_customer = customer;
        return true;
}
