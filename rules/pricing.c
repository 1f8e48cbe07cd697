/* The price of a withdrawal: band, tariff, tax of each fee by itself, the hall's share. */
#include "rules/pricing.h"

#include <assert.h>

#include "rules/calendar.h"

enum {
        DAY_BAND_OPENS = 8 * 60 + 45, /* minutes in Japan */
        DAY_BAND_CLOSES = 18 * 60,
        BASIS_POINTS = 10000,
};

static bool is_year_end(const struct civil *date)
{
        return (date->month == 12 && date->day == 31) || (date->month == 1 && date->day <= 3);
}

enum band pricing_band(const struct reference *reference, int64_t moment_ms)
{
        int32_t day = calendar_business_day(moment_ms);
        int minute = calendar_jst_minute(moment_ms);
        struct civil date;

        if (minute < DAY_BAND_OPENS || minute >= DAY_BAND_CLOSES)
                return BAND_OTHER;
        if (reference_day_kind(reference, day) != DAY_WEEKDAY)
                return BAND_OTHER;
        calendar_civil_of_day(day, &date);
        return is_year_end(&date) ? BAND_OTHER : BAND_DAY;
}

/* yen x basis points; both come from checked reference rows, so an overflow is our own bug. */
static int64_t checked_product(int64_t yen, int32_t basis_points)
{
        int64_t product;

        assert(yen >= 0 && basis_points >= 0);
        if (__builtin_mul_overflow(yen, (int64_t)basis_points, &product))
                assert(!"money overflows");
        return product;
}

int64_t pricing_tax_yen(int64_t fee_yen, const struct tax_rate *rate)
{
        int64_t product = checked_product(fee_yen, rate->rate_bp);
        int64_t whole = product / BASIS_POINTS, rest = product % BASIS_POINTS;

        switch (rate->rounding) {
        case TAX_DOWN:
                return whole;
        case TAX_NEAREST:
                return whole + (rest >= BASIS_POINTS / 2);
        case TAX_UP:
                return whole + (rest > 0);
        }
        assert(!"unknown tax rounding");
        return whole;
}

int64_t pricing_share_yen(const struct tariff *tariff, int32_t share_bp)
{
        int64_t fees_yen;

        if (__builtin_add_overflow(tariff->customer_fee_yen, tariff->interbank_fee_yen, &fees_yen))
                assert(!"money overflows");
        return checked_product(fees_yen, share_bp) / BASIS_POINTS;
}

bool pricing_price(const struct reference *reference, const struct issuer *issuer, const struct hall *hall,
                   int64_t moment_ms, struct price *ret_price)
{
        int32_t day = calendar_business_day(moment_ms);
        enum band band = pricing_band(reference, moment_ms);
        const struct tariff *tariff = reference_tariff(reference, issuer->issuer, band, day);
        const struct tax_rate *rate = reference_tax_rate(reference, day);

        if (!tariff || !rate)
                return false;
        *ret_price = (struct price){
            .band = band,
            .tariff_from_day = tariff->from_day,
            .tax_rate_bp = rate->rate_bp,
            .customer_fee_yen = tariff->customer_fee_yen,
            .customer_tax_yen = pricing_tax_yen(tariff->customer_fee_yen, rate),
            .interbank_fee_yen = tariff->interbank_fee_yen,
            .interbank_tax_yen = pricing_tax_yen(tariff->interbank_fee_yen, rate),
            .hall_share_yen = hall ? pricing_share_yen(tariff, reference_share_bp(reference, hall, day)) : 0,
        };
        return true;
}
