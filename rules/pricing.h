/*
 * What a withdrawal costs the card-holder and earns us, from its moment, issuer and hall alone.
 * Fees are yen before tax; each fee's tax is rounded by itself. The hall's share is a cost, not less revenue.
 */
#ifndef RULES_PRICING_H
#define RULES_PRICING_H

#include "rules/reference.h"

struct price {
        enum band band;
        int32_t tariff_from_day; /* which tariff row was applied */
        int32_t tax_rate_bp;
        int64_t customer_fee_yen, customer_tax_yen;
        int64_t interbank_fee_yen, interbank_tax_yen;
        int64_t hall_share_yen;
};

/* The band of a moment: day on weekdays [8:45, 18:00), other at all other times, on public holidays and
 * from 31 December to 3 January. */
enum band pricing_band(const struct reference *reference, int64_t moment_ms);

/* A hall's share of a withdrawal's fees. */
int64_t pricing_share_yen(const struct tariff *tariff, int32_t share_bp);
int64_t pricing_tax_yen(int64_t fee_yen, const struct tax_rate *rate);

/* False where no tariff or tax rate is in force: then no withdrawal can be decided. */
ATM_MUST_USE bool pricing_price(const struct reference *reference, const struct issuer *issuer,
                                const struct hall *hall, int64_t moment_ms, struct price *ret_price);

#endif
