#include "backoffice/audit/verify_commission.h"

#include <string.h>

#include "rules/calendar.h"

struct commission_row {
        int16_t seq, sign;
        int32_t tariff_day;
        struct posting posting;
};

/* The advice that a commission row is of; what it changed of the cash that counts. NULL: there is none. */
static struct kept_advice *cause_of(struct verify_history *h, const struct kept_withdrawal *w,
                                    const struct commission_row *row, int64_t *ret_cash_yen)
{
        int64_t counted_yen = 0;

        for (uint32_t at = w->advices; at; at = h->kept.advice[at].next) {
                if (h->kept.advice[at].seq == row->seq) {
                        *ret_cash_yen = h->kept.advice[at].counted_yen - counted_yen;
                        return h->kept.advice[at].commission == row->sign ? &h->kept.advice[at] : NULL;
                }
                counted_yen = h->kept.advice[at].counted_yen;
        }
        return NULL;
}

static void check_commission_row(struct verify_history *h, const struct withdrawal_key *key,
                                 struct kept_withdrawal *w, const struct commission_row *row)
{
        const struct posting *p = &row->posting;
        const int64_t *fees = &p->value[POSTING_CUSTOMER_FEE];
        int64_t price[PRICE_PARTS], cash_yen;
        struct kept_advice *advice;
        struct fact expected, found;

        h->findings->checked[CHECK_COMMISSION_ROW]++;
        if (!kept_is_priced(w)) {
                expected = history_fact(FACT_WITHDRAWAL_APPROVED);
                verifying_tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, row->seq, &expected);
                return;
        }
        advice = cause_of(h, w, row, &cash_yen);
        if (!advice) {
                expected = history_fact(FACT_ADVICE_EARNING);
                fact_number(&expected, row->sign);
                verifying_tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, row->seq, &expected);
                return;
        }
        advice->has_row = true;
        for (int i = 0; i < PRICE_PARTS; i++)
                price[i] = w->price[i] * row->sign;
        if (w->hall == p->hall && w->business_day == p->business_day && w->issuer == p->issuer &&
            w->band == p->band && w->tariff_day == row->tariff_day && w->tax_rate_bp == p->tax_rate_bp &&
            !memcmp(price, fees, sizeof(price)) && cash_yen == p->value[POSTING_CASH])
                return;
        expected = history_commission(h->names, w->hall, w->business_day, w->issuer, w->band, w->tariff_day,
                                      w->tax_rate_bp, price, cash_yen);
        found = history_commission(h->names, p->hall, p->business_day, p->issuer, p->band, row->tariff_day,
                                   p->tax_rate_bp, fees, p->value[POSTING_CASH]);
        verifying_tell_row(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, row->seq, &expected, &found);
}

static void check_posting(struct verify_history *h, const struct withdrawal_key *key,
                          const struct commission_row *row)
{
        int32_t business_day = row->posting.business_day, posted_day = row->posting.posted_day;
        struct fact expected, found;

        h->findings->checked[CHECK_POSTING]++;
        if (!books_may_post(h->books, business_day, posted_day)) {
                expected = history_fact(FACT_POSTED);
                fact_day(&expected, business_day);
                found = history_fact(FACT_VALUE);
        } else if (!books_are_reported(h->books, posted_day)) {
                expected = history_fact(FACT_REPORTED);
                found = history_fact(FACT_UNREPORTED);
        } else {
                return;
        }
        fact_day(&found, posted_day);
        verifying_tell_row(h, CHECK_POSTING, key, FACT_ROW_KEY, row->seq, &expected, &found);
}

static void add_yen(struct verify_history *h, int64_t *sum_yen, int64_t yen)
{
        if (!__builtin_add_overflow(*sum_yen, yen, sum_yen))
                return;
        copy_source_fail(h->source, "a withdrawal's commission rows add up to over 2^63 yen");
        h->kept.failed = true;
}

void verify_commission_row(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(&h->kept, copy, &key);
        struct commission_row row;
        struct posting *p = &row.posting;

        if (!w)
                return;
        row.seq = copy_int2(copy, 0);
        row.sign = copy_int2(copy, 0);
        p->terminal = key.terminal;
        p->moment_us = key.at_us;
        p->stan = key.stan;
        p->seq = row.seq;
        p->hall = copy_name(copy);
        p->business_day = copy_day(copy);
        p->issuer = copy_name(copy);
        p->band = copy_name(copy);
        row.tariff_day = copy_day(copy);
        p->tax_rate_bp = copy_int4(copy, -1);
        p->value[POSTING_WITHDRAWALS] = row.sign;
        for (int i = POSTING_CUSTOMER_FEE; i <= POSTING_HALL_SHARE; i++)
                p->value[i] = copy_int8(copy);
        p->value[POSTING_CASH] = copy_int8(copy);
        p->posted_day = copy_day(copy);
        p->hour = (int16_t)(calendar_jst_minute(kept_moment_ms(&key)) / 60);
        if (copy->failed)
                return;

        w->has_earnings = true;
        for (int i = 0; i < PRICE_PARTS; i++)
                add_yen(h, &w->earned[i], p->value[POSTING_CUSTOMER_FEE + i]);
        add_yen(h, &w->earned_cash_yen, p->value[POSTING_CASH]);
        check_commission_row(h, &key, w, &row);
        check_posting(h, &key, &row);
        books_post(h->books, p);
}

void verify_commission(struct verify_history *h, const struct withdrawal_key *key,
                       const struct kept_withdrawal *w, const struct kept_ending *end)
{
        bool earns = kept_is_priced(w) && end->state == NAME_STATE + WITHDRAWAL_COMPLETED;
        static const int64_t nothing[PRICE_PARTS];
        const int64_t *price = earns ? w->price : nothing;
        int64_t cash_yen = earns ? end->counted_yen : 0;
        struct fact expected, found;

        if (!kept_is_priced(w) && !w->has_earnings)
                return;
        h->findings->checked[CHECK_COMMISSION]++;
        if (!memcmp(price, w->earned, sizeof(w->earned)) && cash_yen == w->earned_cash_yen)
                return;
        expected = history_earned(price, cash_yen);
        found = history_earned(w->earned, w->earned_cash_yen);
        verifying_tell(h, CHECK_COMMISSION, key, &expected, &found);
}
