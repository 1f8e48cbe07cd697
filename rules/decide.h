/*
 * What can be decided of a request without any shared row: terminal, clock, hours, amount, route, card
 * kind, expiry, price, the limits in force. The ledger decides the rest under its locks: identity, card,
 * exclusion, usage against the limits, balance. The final reason is the first of both (reason_first).
 */
#ifndef RULES_DECIDE_H
#define RULES_DECIDE_H

#include "protocol/profile.h"
#include "rules/pricing.h"
#include "rules/reasons.h"

struct request {
        const char *terminal;
        int64_t transmitted_ms; /* DE 7, resolved */
        enum processing_kind processing;
        int64_t amount_yen; /* 0 in an inquiry */
        const char *pan;
        const char *expiry_yymm; /* "" where the request has none */
};

struct verdict {
        enum reason refusal;         /* REASON_APPROVED: none so far */
        const struct atm *atm;       /* NULL: not in the fleet */
        const struct issuer *issuer; /* NULL: no route */
        int32_t business_day;
        struct price price; /* zeros where refused before pricing */
        int64_t limit[LIMIT_KIND_COUNT];
};

/* skew_limit_ms: how far DE 7 may be from business time, already scaled by the clock's speed. */
bool decide_is_clock_off(int64_t transmitted_ms, int64_t business_ms, int64_t skew_limit_ms);
void decide_request(const struct reference *reference, const struct request *request, int64_t business_ms,
                    int64_t skew_limit_ms, struct verdict *ret_verdict);

/* Valid to the end of the month YYMM of the 2000s; "" is always. What is no month can't be the card's either. */
bool decide_is_expired(const char *expiry_yymm, int32_t business_day);

#endif
