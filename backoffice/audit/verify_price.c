#include "backoffice/audit/verify_price.h"

#include <string.h>

#include "rules/calendar.h"
#include "rules/pricing.h"

enum { WHOLE_BP = 10000 };

/* What share the hall had. -1: on the day of a change it was one or the other, and before places had dates nobody wrote it
 * down. */
static int32_t known_share_bp(const struct verify_history *h, const struct kept_withdrawal *w)
{
        const struct place *place = places_find(&h->books->places, w->hall, w->business_day);

        return place && place->from_day != w->business_day ? place->share_bp : -1;
}

/* As far as it is known what it should be: at most the fees. */
static bool is_share(int64_t share_yen, int32_t share_bp, int64_t expected_yen)
{
        return share_bp < 0 ? share_yen >= 0 && share_yen <= expected_yen : share_yen == expected_yen;
}

static void check_price(struct verify_history *h, const struct withdrawal_key *key,
                        const struct kept_withdrawal *w)
{
        const struct tariff *tariff = NULL;
        const struct tax_rate *rate = reference_tax_rate(h->reference, w->business_day);
        int64_t price[PRICE_PARTS] = {0};
        int32_t share_bp = known_share_bp(h, w);
        struct fact expected = history_fact(FACT_PRICE_KNOWN), found;

        if (w->band >= NAME_BAND && w->band < NAME_BAND + BAND_COUNT)
                tariff = reference_tariff(h->reference, names_text(h->names, w->issuer),
                                          (enum band)(w->band - NAME_BAND), w->business_day);
        h->findings->checked[CHECK_PRICE]++;
        if (tariff && rate) {
                price[CUSTOMER_FEE] = tariff->customer_fee_yen;
                price[CUSTOMER_TAX] = pricing_tax_yen(tariff->customer_fee_yen, rate);
                price[INTERBANK_FEE] = tariff->interbank_fee_yen;
                price[INTERBANK_TAX] = pricing_tax_yen(tariff->interbank_fee_yen, rate);
                price[HALL_SHARE] = pricing_share_yen(tariff, share_bp < 0 ? WHOLE_BP : share_bp);
                if (is_share(w->price[HALL_SHARE], share_bp, price[HALL_SHARE]) &&
                    w->tariff_day == tariff->from_day && w->tax_rate_bp == rate->rate_bp &&
                    !memcmp(price, w->price, HALL_SHARE * sizeof(*price)))
                        return;
                expected = history_price(share_bp < 0 ? FACT_PRICE_AT_MOST : FACT_PRICE, tariff->from_day,
                                         rate->rate_bp, price);
        }
        found = history_price(FACT_PRICE, w->tariff_day, w->tax_rate_bp, w->price);
        verifying_tell(h, CHECK_PRICE, key, &expected, &found);
}

static void check_band(struct verify_history *h, const struct withdrawal_key *key,
                       const struct kept_withdrawal *w)
{
        int64_t at_ms = kept_moment_ms(key);
        int32_t day = calendar_business_day(at_ms);
        enum band band = pricing_band(h->reference, at_ms);
        struct fact expected, found;

        h->findings->checked[CHECK_BAND]++;
        if (w->business_day == day && w->band == (uint32_t)NAME_BAND + band)
                return;
        expected = history_fact(FACT_BAND);
        fact_day(&expected, day);
        fact_text(&expected, band_name[band]);
        found = history_fact(FACT_BAND);
        fact_day(&found, w->business_day);
        fact_text(&found, names_text(h->names, w->band));
        verifying_tell(h, CHECK_BAND, key, &expected, &found);
}

/* Whether the card number leads to the issuer; of longer prefixes six digits don't tell. */
static void check_issuer(struct verify_history *h, const struct withdrawal_key *key,
                         const struct kept_withdrawal *w)
{
        const struct card_prefix *prefix;
        struct fact expected, found;

        if (w->head == NAME_NONE || tally_find(&h->long_prefix, &w->head))
                return;
        prefix = reference_prefix(h->reference, names_text(h->names, w->head), w->business_day);
        if (prefix && !strcmp(prefix->issuer->issuer, names_text(h->names, w->issuer)))
                return;
        expected = history_fact(FACT_ISSUER);
        fact_text(&expected, prefix ? prefix->issuer->issuer : "-");
        found = history_fact(FACT_ISSUER);
        fact_text(&found, names_text(h->names, w->issuer));
        verifying_tell(h, CHECK_REFERENCE, key, &expected, &found);
}

/* Whether the ATM was in that hall: by its contract, or where it is now. */
static void check_hall(struct verify_history *h, const struct withdrawal_key *key,
                       const struct kept_withdrawal *w)
{
        const struct atm *atm = reference_atm(h->reference, names_text(h->names, key->terminal));
        uint32_t other = stands_contradict(&h->stands, key->terminal, w->hall, w->business_day);
        struct fact expected = history_fact(FACT_HALL), found = history_fact(FACT_HALL);

        if (other == NAME_NONE ||
            (atm && atm->hall && !strcmp(atm->hall->hall, names_text(h->names, w->hall))))
                return;
        fact_text(&expected, names_text(h->names, other));
        fact_text(&found, names_text(h->names, w->hall));
        verifying_tell(h, CHECK_REFERENCE, key, &expected, &found);
}

static void check_exclusion(struct verify_history *h, const struct withdrawal_key *key,
                            const struct kept_withdrawal *w)
{
        const struct fact expected = history_fact(FACT_NOT_EXCLUDED), found = history_fact(FACT_EXCLUSION);

        h->findings->checked[CHECK_LIMIT]++;
        if (cards_exclude(&h->books->cards, w->card, w->business_day, verifying_decided_us(w)))
                verifying_tell(h, CHECK_LIMIT, key, &expected, &found);
}

static void tell_absent(struct verify_history *h, const struct withdrawal_key *key, enum fact_kind kind,
                        const char *name)
{
        struct fact expected = history_fact(kind);
        const struct fact none = history_fact(FACT_NONE);

        fact_text(&expected, name);
        verifying_tell(h, CHECK_REFERENCE, key, &expected, &none);
}

static void check_reference(struct verify_history *h, const struct withdrawal_key *key,
                            const struct kept_withdrawal *w)
{
        char card[37];

        h->findings->checked[CHECK_REFERENCE]++;
        if (!reference_atm(h->reference, names_text(h->names, key->terminal)))
                tell_absent(h, key, FACT_ATM, names_text(h->names, key->terminal));
        if (!tally_find(&h->halls, &w->hall))
                tell_absent(h, key, FACT_HALL, names_text(h->names, w->hall));
        if (!reference_issuer(h->reference, names_text(h->names, w->issuer)))
                tell_absent(h, key, FACT_ISSUER, names_text(h->names, w->issuer));
        if (w->link == NAME_NONE && !cards_have(&h->books->cards, w->card))
                tell_absent(h, key, FACT_CARD, copy_print_uuid(w->card, card));
}

void verify_price(struct verify_history *h, const struct withdrawal_key *key, const struct kept_withdrawal *w)
{
        check_price(h, key, w);
        check_band(h, key, w);
        check_reference(h, key, w);
        check_issuer(h, key, w);
        check_hall(h, key, w);
        check_exclusion(h, key, w);
}
