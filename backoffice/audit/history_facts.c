#include "backoffice/audit/history_facts.h"

#include <inttypes.h>
#include <stdio.h>

#include "rules/calendar.h"

void history_key(const struct names *names, const struct withdrawal_key *key, enum fact_kind kind,
                 struct fact *ret_fact)
{
        char moment[26], stan[12];

        calendar_print_moment(kept_moment_ms(key), moment);
        snprintf(stan, sizeof(stan), "%06" PRId32, key->stan);
        fact_begin(ret_fact, kind);
        fact_text(ret_fact, names_text(names, key->terminal));
        fact_text(ret_fact, moment);
        fact_text(ret_fact, stan);
}

struct fact history_fact(enum fact_kind kind)
{
        struct fact fact;

        fact_begin(&fact, kind);
        return fact;
}

struct fact history_numbers(enum fact_kind kind, const int64_t *values)
{
        struct fact fact = history_fact(kind);

        fact_numbers(&fact, values, fact_values_of(kind));
        return fact;
}

struct fact history_open(const uint8_t card[UUID_SIZE], int64_t amount_yen, bool is_house)
{
        struct fact fact = history_fact(is_house ? FACT_OPEN_HOUSE : FACT_OPEN_LINK);
        char text[37];

        fact_text(&fact, copy_print_uuid(card, text));
        fact_number(&fact, amount_yen);
        return fact;
}

struct fact history_commission(const struct names *names, uint32_t hall, int32_t business_day,
                               uint32_t issuer, uint32_t band, int32_t tariff_day, int32_t tax_rate_bp,
                               const int64_t price[PRICE_PARTS], int64_t cash_yen)
{
        struct fact fact = history_fact(FACT_COMMISSION);

        fact_text(&fact, names_text(names, hall));
        fact_day(&fact, business_day);
        fact_text(&fact, names_text(names, issuer));
        fact_text(&fact, names_text(names, band));
        fact_day(&fact, tariff_day);
        fact_number(&fact, tax_rate_bp);
        fact_numbers(&fact, price, PRICE_PARTS);
        fact_number(&fact, cash_yen);
        return fact;
}

struct fact history_earned(const int64_t fees[PRICE_PARTS], int64_t cash_yen)
{
        struct fact fact = history_fact(FACT_EARNED);

        fact_numbers(&fact, fees, PRICE_PARTS);
        fact_number(&fact, cash_yen);
        return fact;
}

struct fact history_price(enum fact_kind kind, int32_t tariff_day, int32_t tax_rate_bp,
                          const int64_t price[PRICE_PARTS])
{
        struct fact fact = history_fact(kind);

        fact_day(&fact, tariff_day);
        fact_number(&fact, tax_rate_bp);
        fact_numbers(&fact, price, PRICE_PARTS);
        return fact;
}

struct fact history_advice(int seq, const char *before, const char *state, int64_t counted_yen,
                           int commission)
{
        struct fact fact = history_fact(FACT_ADVICE);

        fact_number(&fact, seq);
        fact_text(&fact, before);
        fact_text(&fact, state);
        fact_number(&fact, counted_yen);
        fact_number(&fact, commission);
        return fact;
}

struct fact history_notice(const struct names *names, const struct kept_notice *n)
{
        struct fact fact = history_fact(n ? FACT_NOTICE_OF : FACT_NOTICE_NONE);

        if (!n)
                return fact;
        fact_text(&fact, names_text(names, n->link));
        fact_text(&fact, names_text(names, n->kind));
        fact_numbers(&fact, (const int64_t[]){n->amount_yen, n->charge_yen, n->dispensed_yen}, 3);
        fact_text(&fact, names_text(names, n->why));
        return fact;
}

struct fact history_outcome(const char *cause, int reason)
{
        struct fact fact = history_fact(FACT_OUTCOME);

        fact_text(&fact, cause);
        fact_number(&fact, reason);
        return fact;
}

struct fact history_sent(const struct names *names, enum fact_kind kind, uint32_t link)
{
        struct fact fact = history_fact(kind);

        fact_text(&fact, names_text(names, link));
        return fact;
}
