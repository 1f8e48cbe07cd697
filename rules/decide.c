/*
 * The first refusal of a request that needs no shared row, in the order of rules/reasons.def.
 *
 * Price and limits are filled even where the request is refused here: the ledger may find a reason that
 * ranks earlier, and it needs the limits to do so.
 */
#include "rules/decide.h"

#include <string.h>

#include "lib/base/number.h"
#include "rules/calendar.h"
#include "rules/withdrawal.h"

static bool is_within(const struct hours *hours, int minute)
{
        return minute >= hours->opens && minute < hours->closes;
}

bool decide_is_clock_off(int64_t transmitted_ms, int64_t business_ms, int64_t skew_limit_ms)
{
        int64_t difference_ms;

        if (__builtin_sub_overflow(transmitted_ms, business_ms, &difference_ms))
                return true;
        return difference_ms > skew_limit_ms || difference_ms < -skew_limit_ms;
}

bool decide_is_expired(const char *expiry_yymm, int32_t business_day)
{
        int year, month;
        struct civil today;

        if (expiry_yymm[0] == '\0')
                return false;
        if (strlen(expiry_yymm) != 4 || strspn(expiry_yymm, "0123456789") != 4)
                return true;
        year = 2000 + (int)number_known_bytes(expiry_yymm, 2);
        month = (int)number_known_bytes(expiry_yymm + 2, 2);
        if (month < 1 || month > 12)
                return true;
        calendar_civil_of_day(business_day, &today);
        return today.year * 12 + today.month > year * 12 + month;
}

static bool is_valid_amount(int64_t amount_yen)
{
        return amount_yen > 0 && amount_yen % SMALLEST_NOTE_YEN == 0;
}

static enum reason terminal_refusal(const struct reference *reference, const struct request *request,
                                    int64_t business_ms, int64_t skew_limit_ms, const struct verdict *verdict)
{
        int minute = calendar_jst_minute(request->transmitted_ms);
        struct hours network;

        if (!verdict->atm)
                return REASON_TERMINAL_UNKNOWN;
        /* One that stands nowhere has no place to earn at. */
        if (!verdict->atm->enabled || !verdict->atm->hall)
                return REASON_TERMINAL_DISABLED;
        if (decide_is_clock_off(request->transmitted_ms, business_ms, skew_limit_ms))
                return REASON_CLOCK_OFF;
        network = reference_network_hours(reference, verdict->business_day);
        if (!is_within(&network, minute) || !is_within(&verdict->atm->hall->hours, minute))
                return REASON_OUTSIDE_HOURS;
        return REASON_APPROVED;
}

static bool is_in_service(const struct reference *reference, const struct issuer *issuer,
                          int64_t transmitted_ms, int32_t business_day)
{
        enum day_kind kind = reference_day_kind(reference, business_day);

        return is_within(&issuer->hours[kind], calendar_jst_minute(transmitted_ms));
}

static enum reason request_refusal(const struct reference *reference, const struct request *request,
                                   const struct card_prefix *prefix, int32_t business_day)
{
        if (request->processing == PROCESSING_OTHER)
                return REASON_INVALID_TRANSACTION;
        if (request->processing == PROCESSING_WITHDRAWAL && !is_valid_amount(request->amount_yen))
                return REASON_INVALID_AMOUNT;
        if (!prefix)
                return REASON_NO_ROUTE;
        if (prefix->kind != CARD_CASH)
                return REASON_CARD_KIND;
        if (decide_is_expired(request->expiry_yymm, business_day))
                return REASON_CARD_EXPIRED;
        if (!is_in_service(reference, prefix->issuer, request->transmitted_ms, business_day))
                return REASON_ISSUER_UNAVAILABLE;
        return REASON_APPROVED;
}

static void fill_limits(const struct reference *reference, const struct request *request,
                        struct verdict *verdict)
{
        for (int kind = 0; kind < LIMIT_KIND_COUNT; kind++)
                verdict->limit[kind] =
                    request->processing == PROCESSING_WITHDRAWAL
                        ? reference_limit(reference, (enum limit_kind)kind, verdict->business_day)
                        : LIMIT_NONE;
}

/* False: a withdrawal that nothing refuses yet has no price, since its issuer has none at this time. That is the issuer's
 * lack alone: it is as if it were closed. */
static bool fill_price(const struct reference *reference, const struct request *request,
                       struct verdict *verdict)
{
        if (request->processing != PROCESSING_WITHDRAWAL || !verdict->issuer || !verdict->atm ||
            !verdict->atm->hall)
                return true;
        return pricing_price(reference, verdict->issuer, verdict->atm->hall, request->transmitted_ms,
                             &verdict->price);
}

void decide_request(const struct reference *reference, const struct request *request, int64_t business_ms,
                    int64_t skew_limit_ms, struct verdict *ret_verdict)
{
        int32_t business_day = calendar_business_day(request->transmitted_ms);
        const struct card_prefix *prefix = reference_prefix(reference, request->pan, business_day);
        struct verdict verdict = {
            .refusal = REASON_APPROVED,
            .atm = reference_atm(reference, request->terminal),
            .issuer = prefix ? prefix->issuer : NULL,
            .business_day = business_day,
        };
        bool priced;

        fill_limits(reference, request, &verdict);
        priced = fill_price(reference, request, &verdict);
        verdict.refusal = terminal_refusal(reference, request, business_ms, skew_limit_ms, &verdict);
        if (verdict.refusal == REASON_APPROVED)
                verdict.refusal = request_refusal(reference, request, prefix, business_day);
        if (verdict.refusal == REASON_APPROVED && !priced)
                verdict.refusal = REASON_ISSUER_UNAVAILABLE;
        *ret_verdict = verdict;
}
