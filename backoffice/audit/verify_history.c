#include "backoffice/audit/verify_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/calendar.h"
#include "rules/pricing.h"
#include "rules/reasons.h"
#include "lib/base/array.h"

enum {
        NO_REASON = -1,            /* NULL: left to the bank; no outcome */
        SEQ_LATE_APPROVAL = 32767, /* of a notice: the bank approved when something else stood */
        WHOLE_BP = 10000,
};
enum price_part { CUSTOMER_FEE, CUSTOMER_TAX, INTERBANK_FEE, INTERBANK_TAX, HALL_SHARE, PRICE_PARTS };

struct withdrawal_key {
        int64_t at_us; /* since 1970 */
        uint32_t terminal;
        int32_t stan;
};

struct kept_withdrawal {
        bool present;
        bool has_outcome;
        bool open;         /* open_withdrawal has it */
        bool has_earnings; /* a commission row at least */
        int16_t reason, outcome;
        uint32_t cause; /* of the outcome */
        uint32_t issuer, band, hall, link;
        int32_t business_day, tariff_day, tax_rate_bp;
        uint32_t advices, notices; /* the first of each, in the order of seq */
        uint8_t card[UUID_SIZE];
        int64_t amount_yen;
        int64_t price[PRICE_PARTS];
        int64_t earned[PRICE_PARTS], earned_cash_yen; /* sums of its commission rows */
};

struct kept_advice {
        uint32_t next;
        int16_t seq, commission;
        bool has_row; /* a commission row */
        uint32_t kind, why, state_before, state;
        int64_t dispensed_yen, counted_yen;
};

struct kept_notice {
        uint32_t next;
        int16_t seq;
        bool acknowledged;
        uint32_t link, kind, why;
        uint32_t saf; /* the link that it is to be sent to */
        int64_t amount_yen, charge_yen, dispensed_yen;
};

/* telling ---------------------------------------------------------------------------------------------- */

static const char *text_of(const struct verify_history *h, uint32_t name)
{
        return names_text(h->names, name);
}

static int64_t moment_ms(const struct withdrawal_key *key)
{
        return key->at_us / 1000 - (key->at_us % 1000 < 0);
}

/* A withdrawal as people find it. */
static void begin_key(const struct verify_history *h, const struct withdrawal_key *key, enum fact_kind kind,
                      struct fact *ret_fact)
{
        char moment[26], stan[12];

        calendar_print_moment(moment_ms(key), moment);
        snprintf(stan, sizeof(stan), "%06" PRId32, key->stan);
        fact_begin(ret_fact, kind);
        fact_text(ret_fact, text_of(h, key->terminal));
        fact_text(ret_fact, moment);
        fact_text(ret_fact, stan);
}

static void tell(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                 const struct fact *expected, const struct fact *found)
{
        struct fact which;

        begin_key(h, key, FACT_WITHDRAWAL_KEY, &which);
        findings_add(h->findings, check, &which, expected, found);
}

static void tell_row(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                     enum fact_kind kind, int seq, const struct fact *expected, const struct fact *found)
{
        struct fact which;

        begin_key(h, key, kind, &which);
        fact_number(&which, seq);
        findings_add(h->findings, check, &which, expected, found);
}

/* Of a kind without values. */
static struct fact plain(enum fact_kind kind)
{
        struct fact fact;

        fact_begin(&fact, kind);
        return fact;
}

/* Something was expected, and there is nothing. */
static void tell_missing(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                         enum fact_kind kind, int seq, const struct fact *expected)
{
        const struct fact none = plain(FACT_NONE);

        tell_row(h, check, key, kind, seq, expected, &none);
}

/* what the rows say ------------------------------------------------------------------------------------ */

/* Approved by the house bank, or left to another: it has a price, and takes limits. */
static bool is_priced(const struct kept_withdrawal *w)
{
        return w->present && (w->reason == REASON_APPROVED || w->link != NAME_NONE);
}

/* What is known without any advice: the house bank's decision, or the bank's outcome. */
static enum withdrawal_state decided(const struct kept_withdrawal *w)
{
        int16_t reason = w->reason != NO_REASON ? w->reason : w->outcome;

        switch (reason) {
        case NO_REASON:
                return WITHDRAWAL_ASKED;
        case REASON_APPROVED:
                return WITHDRAWAL_APPROVED;
        case REASON_BLOCKED:
                return WITHDRAWAL_BLOCKED;
        default:
                return WITHDRAWAL_DECLINED;
        }
}

struct ending {
        uint32_t state; /* a name */
        int64_t counted_yen;
        int64_t used_yen; /* of the card's limits */
        bool is_open, is_used;
};

/* The recorded end: the last advice's. */
static struct ending ending_of(const struct verify_history *h, const struct kept_withdrawal *w)
{
        struct ending end = {.state = NAME_STATE + WITHDRAWAL_ASKED};
        enum withdrawal_state state;

        for (uint32_t at = w->advices; at; at = h->advice[at].next) {
                end.state = h->advice[at].state;
                end.counted_yen = h->advice[at].counted_yen;
        }
        if (end.state == NAME_STATE + WITHDRAWAL_ASKED)
                end.state = NAME_STATE + (uint32_t)decided(w);
        state = name_state(end.state);
        end.is_open = state == WITHDRAWAL_ASKED || state == WITHDRAWAL_APPROVED;
        end.is_used = end.is_open || state == WITHDRAWAL_COMPLETED;
        end.used_yen = end.is_open ? w->amount_yen : state == WITHDRAWAL_COMPLETED ? end.counted_yen : 0;
        return end;
}

/* reading ---------------------------------------------------------------------------------------------- */

static void out_of_memory(struct verify_history *h)
{
        if (!h->failed)
                copy_source_fail(h->source, "out of memory");
        h->failed = true;
}

/* A new place in one of the pools, a pointer to which is at `pool`; 0: out of memory. */
static uint32_t make_room(struct verify_history *h, void *pool, uint32_t *count, uint32_t *max, size_t size)
{
        if (*count + 1 >= *max) {
                uint32_t grown = *max ? *max * 2 : 1024;
                void *items, *old;

                memcpy(&old, pool, sizeof(old));
                items = grown > *max ? reallocarray(old, grown, size) : NULL;
                if (!items) {
                        out_of_memory(h);
                        return 0;
                }
                memcpy(pool, &items, sizeof(items));
                *max = grown;
        }
        return ++*count;
}

/* The withdrawal that a row begins with the key of, present or not; NULL: out of memory. */
static struct kept_withdrawal *take_withdrawal(struct verify_history *h, struct copy_out *copy,
                                               struct withdrawal_key *ret_key)
{
        struct kept_withdrawal *w;
        size_t known = h->withdrawals.count;

        ret_key->terminal = copy_name(copy);
        ret_key->at_us = copy_moment_us(copy);
        ret_key->stan = copy_int4(copy, 0);
        w = (struct kept_withdrawal *)(void *)tally_at(&h->withdrawals, ret_key);
        if (!w)
                out_of_memory(h);
        else if (h->withdrawals.count > known)
                w->reason = w->outcome = NO_REASON;
        return w;
}

static void on_withdrawal(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);

        if (!w)
                return;
        w->present = true;
        w->reason = copy_int2(copy, NO_REASON);
        w->amount_yen = copy_int8(copy);
        copy_uuid(copy, w->card);
        w->issuer = copy_name(copy);
        w->band = copy_name(copy);
        w->hall = copy_name(copy);
        w->business_day = copy_day(copy);
        w->tariff_day = copy_day(copy);
        w->tax_rate_bp = copy_int4(copy, -1);
        for (int i = 0; i < PRICE_PARTS; i++)
                w->price[i] = copy_int8(copy);
        w->link = copy_name(copy);
}

static void on_outcome(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);

        if (!w)
                return;
        w->has_outcome = true;
        w->outcome = copy_int2(copy, NO_REASON);
        w->cause = copy_name(copy);
}

static void on_advice(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);
        uint32_t place = w ? make_room(h, &h->advice, &h->advices, &h->advices_max, sizeof(*h->advice)) : 0;
        struct kept_advice *advice;
        uint32_t *link;

        if (!place)
                return;
        advice = &h->advice[place];
        *advice = (struct kept_advice){.seq = copy_int2(copy, 0)};
        advice->kind = copy_name(copy);
        advice->why = copy_name(copy);
        advice->dispensed_yen = copy_int8(copy);
        advice->state_before = copy_name(copy);
        advice->state = copy_name(copy);
        advice->counted_yen = copy_int8(copy);
        advice->commission = copy_int2(copy, 0);
        for (link = &w->advices; *link && h->advice[*link].seq < advice->seq; link = &h->advice[*link].next)
                ;
        advice->next = *link;
        *link = place;
}

static struct kept_notice *find_notice(struct verify_history *h, const struct kept_withdrawal *w, int16_t seq)
{
        uint32_t at = w->notices;

        while (at && h->notice[at].seq != seq)
                at = h->notice[at].next;
        return at ? &h->notice[at] : NULL;
}

static void on_notice(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);
        uint32_t place = w ? make_room(h, &h->notice, &h->notices, &h->notices_max, sizeof(*h->notice)) : 0;
        struct kept_notice *notice;
        uint32_t *link;

        if (!place)
                return;
        notice = &h->notice[place];
        *notice = (struct kept_notice){.seq = copy_int2(copy, 0)};
        notice->link = copy_name(copy);
        notice->kind = copy_name(copy);
        notice->amount_yen = copy_int8(copy);
        notice->charge_yen = copy_int8(copy);
        notice->dispensed_yen = copy_int8(copy);
        notice->why = copy_name(copy);
        for (link = &w->notices; *link && h->notice[*link].seq < notice->seq; link = &h->notice[*link].next)
                ;
        notice->next = *link;
        *link = place;
}

static void on_acknowledgement(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);
        int16_t seq = copy_int2(copy, 0);
        struct kept_notice *notice = w ? find_notice(h, w, seq) : NULL;
        const struct fact expected = plain(FACT_NOTICE);

        h->findings->checked[CHECK_ACKNOWLEDGEMENT]++;
        if (notice)
                notice->acknowledged = true;
        else
                tell_missing(h, CHECK_ACKNOWLEDGEMENT, &key, FACT_NOTICE_KEY, seq, &expected);
}

static void on_saf(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);
        int16_t seq = copy_int2(copy, 0);
        uint32_t link = copy_name(copy);
        struct kept_notice *notice = w ? find_notice(h, w, seq) : NULL;
        struct fact expected, found;

        if (notice) {
                notice->saf = link;
                return;
        }
        h->findings->checked[CHECK_SAF]++;
        expected = plain(FACT_NOTICE_NONE);
        found = plain(FACT_TO_BE_SENT);
        fact_text(&found, text_of(h, link));
        tell_row(h, CHECK_SAF, &key, FACT_NOTICE_KEY, seq, &expected, &found);
}

static struct fact open_fact(const uint8_t card[UUID_SIZE], int64_t amount_yen, bool is_house)
{
        struct fact fact = plain(is_house ? FACT_OPEN_HOUSE : FACT_OPEN_LINK);
        char text[37];

        fact_text(&fact, copy_print_uuid(card, text));
        fact_number(&fact, amount_yen);
        return fact;
}

static void on_open(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);
        uint8_t card[UUID_SIZE];
        int64_t amount_yen;
        bool is_house;
        struct fact expected, found;

        if (!w)
                return;
        copy_uuid(copy, card);
        amount_yen = copy_int8(copy);
        is_house = copy_bool(copy);
        w->open = true;
        h->findings->checked[CHECK_OPEN_WITHDRAWAL]++;
        expected = is_priced(w) && ending_of(h, w).is_open
                       ? open_fact(w->card, w->amount_yen, w->link == NAME_NONE)
                       : plain(FACT_ENDED);
        found = open_fact(card, amount_yen, is_house);
        if (!fact_is_same(&expected, &found))
                tell(h, CHECK_OPEN_WITHDRAWAL, &key, &expected, &found);
}

/* commission rows -------------------------------------------------------------------------------------- */

struct commission_row {
        int16_t seq, sign;
        int32_t tariff_day;
        struct posting posting;
};

static struct fact commission_fact(const struct verify_history *h, uint32_t hall, int32_t business_day,
                                   uint32_t issuer, uint32_t band, int32_t tariff_day, int32_t tax_rate_bp,
                                   const int64_t price[PRICE_PARTS], int64_t cash_yen)
{
        struct fact fact = plain(FACT_COMMISSION);

        fact_text(&fact, text_of(h, hall));
        fact_day(&fact, business_day);
        fact_text(&fact, text_of(h, issuer));
        fact_text(&fact, text_of(h, band));
        fact_day(&fact, tariff_day);
        fact_number(&fact, tax_rate_bp);
        fact_numbers(&fact, price, PRICE_PARTS);
        fact_number(&fact, cash_yen);
        return fact;
}

/* The advice that a commission row is of; what it changed of the cash that counts. NULL: there is none. */
static struct kept_advice *cause_of(struct verify_history *h, const struct kept_withdrawal *w,
                                    const struct commission_row *row, int64_t *ret_cash_yen)
{
        int64_t counted_yen = 0;

        for (uint32_t at = w->advices; at; at = h->advice[at].next) {
                if (h->advice[at].seq == row->seq) {
                        *ret_cash_yen = h->advice[at].counted_yen - counted_yen;
                        return h->advice[at].commission == row->sign ? &h->advice[at] : NULL;
                }
                counted_yen = h->advice[at].counted_yen;
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
        if (!is_priced(w)) {
                expected = plain(FACT_WITHDRAWAL_APPROVED);
                tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, row->seq, &expected);
                return;
        }
        advice = cause_of(h, w, row, &cash_yen);
        if (!advice) {
                expected = plain(FACT_ADVICE_EARNING);
                fact_number(&expected, row->sign);
                tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, row->seq, &expected);
                return;
        }
        advice->has_row = true;
        for (int i = 0; i < PRICE_PARTS; i++)
                price[i] = w->price[i] * row->sign;
        if (w->hall == p->hall && w->business_day == p->business_day && w->issuer == p->issuer &&
            w->band == p->band && w->tariff_day == row->tariff_day && w->tax_rate_bp == p->tax_rate_bp &&
            !memcmp(price, fees, sizeof(price)) && cash_yen == p->value[POSTING_CASH])
                return;
        expected = commission_fact(h, w->hall, w->business_day, w->issuer, w->band, w->tariff_day,
                                   w->tax_rate_bp, price, cash_yen);
        found = commission_fact(h, p->hall, p->business_day, p->issuer, p->band, row->tariff_day,
                                p->tax_rate_bp, fees, p->value[POSTING_CASH]);
        tell_row(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, row->seq, &expected, &found);
}

static void check_posting(struct verify_history *h, const struct withdrawal_key *key,
                          const struct commission_row *row)
{
        struct fact expected, found;

        h->findings->checked[CHECK_POSTING]++;
        if (books_may_post(h->books, row->posting.business_day, row->posting.posted_day))
                return;
        expected = plain(FACT_POSTED);
        fact_day(&expected, row->posting.business_day);
        found = plain(FACT_VALUE);
        fact_day(&found, row->posting.posted_day);
        tell_row(h, CHECK_POSTING, key, FACT_ROW_KEY, row->seq, &expected, &found);
}

static void add_yen(struct verify_history *h, int64_t *sum_yen, int64_t yen)
{
        if (!__builtin_add_overflow(*sum_yen, yen, sum_yen))
                return;
        copy_source_fail(h->source, "a withdrawal's commission rows add up to over 2^63 yen");
        h->failed = true;
}

static void on_commission(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = take_withdrawal(h, copy, &key);
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
        p->hour = (int16_t)(calendar_jst_minute(moment_ms(&key)) / 60);
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

/* withdrawal by withdrawal ----------------------------------------------------------------------------- */

static struct fact earned_fact(const int64_t fees[PRICE_PARTS], int64_t cash_yen)
{
        struct fact fact = plain(FACT_EARNED);

        fact_numbers(&fact, fees, PRICE_PARTS);
        fact_number(&fact, cash_yen);
        return fact;
}

static void check_commission(struct verify_history *h, const struct withdrawal_key *key,
                             const struct kept_withdrawal *w, const struct ending *end)
{
        bool earns = is_priced(w) && end->state == NAME_STATE + WITHDRAWAL_COMPLETED;
        static const int64_t nothing[PRICE_PARTS];
        const int64_t *price = earns ? w->price : nothing;
        int64_t cash_yen = earns ? end->counted_yen : 0;
        struct fact expected, found;

        if (!is_priced(w) && !w->has_earnings)
                return;
        h->findings->checked[CHECK_COMMISSION]++;
        if (!memcmp(price, w->earned, sizeof(w->earned)) && cash_yen == w->earned_cash_yen)
                return;
        expected = earned_fact(price, cash_yen);
        found = earned_fact(w->earned, w->earned_cash_yen);
        tell(h, CHECK_COMMISSION, key, &expected, &found);
}

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

static struct fact price_fact(enum fact_kind kind, int32_t tariff_day, int32_t tax_rate_bp,
                              const int64_t price[PRICE_PARTS])
{
        struct fact fact = plain(kind);

        fact_day(&fact, tariff_day);
        fact_number(&fact, tax_rate_bp);
        fact_numbers(&fact, price, PRICE_PARTS);
        return fact;
}

static void check_price(struct verify_history *h, const struct withdrawal_key *key,
                        const struct kept_withdrawal *w)
{
        const struct tariff *tariff = NULL;
        const struct tax_rate *rate = reference_tax_rate(h->reference, w->business_day);
        int64_t price[PRICE_PARTS] = {0};
        int32_t share_bp = known_share_bp(h, w);
        struct fact expected = plain(FACT_PRICE_KNOWN), found;

        if (w->band >= NAME_BAND && w->band < NAME_BAND + BAND_COUNT)
                tariff = reference_tariff(h->reference, text_of(h, w->issuer),
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
                expected = price_fact(share_bp < 0 ? FACT_PRICE_AT_MOST : FACT_PRICE, tariff->from_day,
                                      rate->rate_bp, price);
        }
        found = price_fact(FACT_PRICE, w->tariff_day, w->tax_rate_bp, w->price);
        tell(h, CHECK_PRICE, key, &expected, &found);
}

static void check_band(struct verify_history *h, const struct withdrawal_key *key,
                       const struct kept_withdrawal *w)
{
        int64_t at_ms = moment_ms(key);
        int32_t day = calendar_business_day(at_ms);
        enum band band = pricing_band(h->reference, at_ms);
        struct fact expected, found;

        h->findings->checked[CHECK_BAND]++;
        if (w->business_day == day && w->band == (uint32_t)NAME_BAND + band)
                return;
        expected = plain(FACT_BAND);
        fact_day(&expected, day);
        fact_text(&expected, band_name[band]);
        found = plain(FACT_BAND);
        fact_day(&found, w->business_day);
        fact_text(&found, text_of(h, w->band));
        tell(h, CHECK_BAND, key, &expected, &found);
}

static struct fact advice_fact(int seq, const char *before, const char *state, int64_t counted_yen,
                               int commission)
{
        struct fact fact = plain(FACT_ADVICE);

        fact_number(&fact, seq);
        fact_text(&fact, before);
        fact_text(&fact, state);
        fact_number(&fact, counted_yen);
        fact_number(&fact, commission);
        return fact;
}

/* An advice after `last`, which is NULL for the first: what the table of states says that it does. */
static void check_advice(struct verify_history *h, const struct withdrawal_key *key,
                         const struct kept_withdrawal *w, const struct kept_advice *a, int number,
                         const struct kept_advice *last)
{
        enum withdrawal_state state;
        const struct withdrawal_rule *rule;
        int64_t counts_yen = 0, counted_yen;
        struct fact expected, found;

        h->findings->checked[CHECK_ADVICE]++;
        if (!w->present) {
                expected = plain(FACT_WITHDRAWAL);
                tell_missing(h, CHECK_ADVICE, key, FACT_ADVICE_KEY, a->seq, &expected);
                return;
        }
        if (last && last->state != NAME_STATE + WITHDRAWAL_ASKED)
                state = name_state(last->state);
        /* a bank may have been still deciding when the advice came, whatever it decided then */
        else if (w->link != NAME_NONE && a->state_before == NAME_STATE + WITHDRAWAL_ASKED)
                state = WITHDRAWAL_ASKED;
        else
                state = decided(w);
        if (state == WITHDRAWAL_COMPLETED && last)
                counts_yen = last->counted_yen;
        else if (state == WITHDRAWAL_APPROVED || state == WITHDRAWAL_ASKED)
                counts_yen = w->amount_yen;
        /* that it came too late for a correction, the row itself says */
        if (state == WITHDRAWAL_COMPLETED && a->kind != NAME_OPERATOR &&
            a->state_before == NAME_STATE + WITHDRAWAL_SETTLED)
                state = WITHDRAWAL_SETTLED;
        rule = withdrawal_on_advice(state, withdrawal_relation(state, counts_yen, a->dispensed_yen));
        counted_yen = withdrawal_counted_yen(rule, counts_yen, a->dispensed_yen);
        if (a->seq == number && a->state_before == (uint32_t)NAME_STATE + state &&
            a->state == (uint32_t)NAME_STATE + rule->to && a->counted_yen == counted_yen &&
            a->commission == rule->commission)
                return;
        expected = advice_fact(number, withdrawal_state_name[state], withdrawal_state_name[rule->to],
                               counted_yen, rule->commission);
        found = advice_fact(a->seq, text_of(h, a->state_before), text_of(h, a->state), a->counted_yen,
                            a->commission);
        tell_row(h, CHECK_ADVICE, key, FACT_ADVICE_KEY, a->seq, &expected, &found);
}

/* What an advice changed, and so what the bank must be told, and what must be in the books. */
static void check_earning(struct verify_history *h, const struct withdrawal_key *key,
                          const struct kept_withdrawal *w, const struct kept_advice *a, int64_t change_yen)
{
        struct fact expected;

        if (a->has_row || !is_priced(w) || (!a->commission && !change_yen))
                return;
        h->findings->checked[CHECK_COMMISSION_ROW]++;
        expected = plain(FACT_ROW_EARNING);
        fact_number(&expected, a->commission);
        fact_number(&expected, change_yen);
        tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, a->seq, &expected);
}

/* n NULL: there is none. */
static struct fact notice_fact(const struct verify_history *h, const struct kept_notice *n)
{
        struct fact fact = plain(n ? FACT_NOTICE_OF : FACT_NOTICE_NONE);

        if (!n)
                return fact;
        fact_text(&fact, text_of(h, n->link));
        fact_text(&fact, text_of(h, n->kind));
        fact_numbers(&fact, (const int64_t[]){n->amount_yen, n->charge_yen, n->dispensed_yen}, 3);
        fact_text(&fact, text_of(h, n->why));
        return fact;
}

/* Either may be NULL: there is none. */
static void check_notice(struct verify_history *h, const struct withdrawal_key *key,
                         const struct kept_notice *expected, const struct kept_notice *found)
{
        struct fact wanted, got;

        h->findings->checked[CHECK_NOTICE]++;
        if (expected && found && expected->link == found->link && expected->kind == found->kind &&
            expected->amount_yen == found->amount_yen && expected->charge_yen == found->charge_yen &&
            expected->dispensed_yen == found->dispensed_yen && expected->why == found->why)
                return;
        wanted = notice_fact(h, expected);
        got = notice_fact(h, found);
        tell_row(h, CHECK_NOTICE, key, FACT_NOTICE_KEY, expected ? expected->seq : found->seq, &wanted, &got);
}

/* An expected notice against the withdrawal's, which are in the order of seq; `*at` is the next of them. */
static void meet_notice(struct verify_history *h, const struct withdrawal_key *key,
                        const struct kept_notice *expected, uint32_t *at)
{
        for (; *at && h->notice[*at].seq < expected->seq; *at = h->notice[*at].next)
                check_notice(h, key, NULL, &h->notice[*at]);
        if (*at && h->notice[*at].seq == expected->seq) {
                check_notice(h, key, expected, &h->notice[*at]);
                *at = h->notice[*at].next;
        } else {
                check_notice(h, key, expected, NULL);
        }
}

static struct kept_notice notice_of(const struct kept_withdrawal *w, int16_t seq)
{
        return (struct kept_notice){.seq = seq,
                                    .link = w->link,
                                    .kind = NAME_REVERSAL,
                                    .amount_yen = w->amount_yen,
                                    .charge_yen = w->price[CUSTOMER_FEE] + w->price[CUSTOMER_TAX]};
}

static struct kept_notice notice_of_advice(const struct kept_withdrawal *w, const struct kept_advice *a)
{
        struct kept_notice notice = notice_of(w, a->seq);
        bool is_all = a->counted_yen >= w->amount_yen;

        if (a->state != NAME_STATE + WITHDRAWAL_REVERSED)
                notice.kind = is_all ? NAME_COMPLETION : NAME_PARTIAL;
        notice.dispensed_yen = a->counted_yen;
        notice.why = a->why != NAME_NONE   ? a->why
                     : a->counted_yen == 0 ? NAME_WHY_NONE
                     : is_all              ? NAME_WHY_ALL
                                           : NAME_WHY_PART;
        return notice;
}

/* What the advices tell of a bank's outcome. */
struct sequel {
        bool reversed_by_operator, reversed_by_atm; /* while the bank was still asked */
        bool after_approval;
};

static void check_advices(struct verify_history *h, const struct withdrawal_key *key,
                          const struct kept_withdrawal *w, struct sequel *ret_sequel)
{
        const struct kept_advice *last = NULL;
        uint32_t told = w->notices;
        int number = 0;

        *ret_sequel = (struct sequel){false};
        if (is_priced(w) && w->has_outcome && w->cause == NAME_TIMEOUT) {
                struct kept_notice expected = notice_of(w, 0);

                expected.why = NAME_WHY_LATE;
                meet_notice(h, key, &expected, &told);
        }
        for (uint32_t at = w->advices; at; at = h->advice[at].next) {
                const struct kept_advice *a = &h->advice[at];
                int64_t change_yen = a->counted_yen - (last ? last->counted_yen : 0);
                enum withdrawal_state before = name_state(a->state_before);

                check_advice(h, key, w, a, ++number, last);
                check_earning(h, key, w, a, change_yen);
                bool reverses = name_state(a->state) == WITHDRAWAL_REVERSED && before != WITHDRAWAL_REVERSED;

                if (w->link != NAME_NONE && (reverses || change_yen)) {
                        struct kept_notice expected = notice_of_advice(w, a);

                        meet_notice(h, key, &expected, &told);
                }
                if (before == WITHDRAWAL_ASKED && name_state(a->state) == WITHDRAWAL_REVERSED) {
                        ret_sequel->reversed_by_operator |= a->kind == NAME_OPERATOR;
                        ret_sequel->reversed_by_atm |= a->kind != NAME_OPERATOR;
                }
                ret_sequel->after_approval |= before == WITHDRAWAL_APPROVED ||
                                              before == WITHDRAWAL_COMPLETED || before == WITHDRAWAL_SETTLED;
                last = a;
        }
        for (; told; told = h->notice[told].next) {
                struct kept_notice late = notice_of(w, SEQ_LATE_APPROVAL);

                late.why = NAME_WHY_LATE;
                check_notice(h, key,
                             h->notice[told].seq == SEQ_LATE_APPROVAL && w->has_outcome &&
                                     w->outcome != REASON_APPROVED
                                 ? &late
                                 : NULL,
                             &h->notice[told]);
        }
}

static struct fact outcome_fact(const char *cause, int reason)
{
        struct fact fact = plain(FACT_OUTCOME);

        fact_text(&fact, cause);
        fact_number(&fact, reason);
        return fact;
}

static void check_outcome(struct verify_history *h, const struct withdrawal_key *key,
                          const struct kept_withdrawal *w, const struct sequel *sequel)
{
        bool holds;
        struct fact expected, found;

        if (!w->has_outcome)
                return;
        h->findings->checked[CHECK_OUTCOME]++;
        if (!w->present || w->link == NAME_NONE) {
                expected = plain(FACT_WITHDRAWAL_ASKED);
                holds = false;
        } else if (sequel->reversed_by_operator) {
                expected = outcome_fact(text_of(h, NAME_OPERATOR), REASON_BLOCKED);
                holds = w->cause == NAME_OPERATOR && w->outcome == REASON_BLOCKED;
        } else if (sequel->reversed_by_atm) {
                expected = outcome_fact(text_of(h, NAME_REVERSAL), REASON_BLOCKED);
                holds = w->cause == NAME_REVERSAL && w->outcome == REASON_BLOCKED;
        } else if (sequel->after_approval) {
                expected = outcome_fact(text_of(h, NAME_ANSWER), REASON_APPROVED);
                holds = w->cause == NAME_ANSWER && w->outcome == REASON_APPROVED;
        } else if (w->cause == NAME_TIMEOUT) {
                expected = outcome_fact(text_of(h, NAME_TIMEOUT), REASON_ISSUER_UNAVAILABLE);
                holds = w->outcome == REASON_ISSUER_UNAVAILABLE;
        } else {
                expected = plain(FACT_VALUE);
                fact_text(&expected, text_of(h, NAME_ANSWER));
                holds = w->cause == NAME_ANSWER;
        }
        if (holds)
                return;
        found = outcome_fact(text_of(h, w->cause), w->outcome);
        tell(h, CHECK_OUTCOME, key, &expected, &found);
}

static struct fact to_be_sent(const struct verify_history *h, enum fact_kind kind, uint32_t link)
{
        struct fact fact = plain(kind);

        fact_text(&fact, text_of(h, link));
        return fact;
}

/* Where it is to be sent by what the notices before it say, and where it is. */
static void tell_saf(struct verify_history *h, const struct withdrawal_key *key, const struct kept_notice *n,
                     bool is_behind)
{
        struct fact expected = !n->acknowledged ? to_be_sent(h, FACT_TO_BE_SENT, n->link)
                               : is_behind      ? to_be_sent(h, FACT_TO_BE_SENT_BEHIND, n->link)
                                                : plain(FACT_ACKNOWLEDGED);
        struct fact found = n->saf != NAME_NONE ? to_be_sent(h, FACT_TO_BE_SENT, n->saf)
                            : n->acknowledged   ? plain(FACT_ACKNOWLEDGED)
                                                : plain(FACT_NOTHING);

        tell_row(h, CHECK_SAF, key, FACT_NOTICE_KEY, n->seq, &expected, &found);
}

/* To be sent is what is not acknowledged; a bank acknowledges in order. */
static void check_saf(struct verify_history *h, const struct withdrawal_key *key,
                      const struct kept_withdrawal *w)
{
        bool is_behind = false;

        for (uint32_t at = w->notices; at; at = h->notice[at].next) {
                const struct kept_notice *n = &h->notice[at];

                h->findings->checked[CHECK_SAF]++;
                if (n->acknowledged ? is_behind || n->saf != NAME_NONE : n->saf != n->link)
                        tell_saf(h, key, n, is_behind);
                is_behind |= !n->acknowledged;
        }
}

static void tell_absent(struct verify_history *h, const struct withdrawal_key *key, enum fact_kind kind,
                        const char *name)
{
        struct fact expected = plain(kind);
        const struct fact none = plain(FACT_NONE);

        fact_text(&expected, name);
        tell(h, CHECK_REFERENCE, key, &expected, &none);
}

static void check_reference(struct verify_history *h, const struct withdrawal_key *key,
                            const struct kept_withdrawal *w)
{
        char card[37];

        h->findings->checked[CHECK_REFERENCE]++;
        if (!reference_atm(h->reference, text_of(h, key->terminal)))
                tell_absent(h, key, FACT_ATM, text_of(h, key->terminal));
        if (!tally_find(&h->halls, &w->hall))
                tell_absent(h, key, FACT_HALL, text_of(h, w->hall));
        if (!reference_issuer(h->reference, text_of(h, w->issuer)))
                tell_absent(h, key, FACT_ISSUER, text_of(h, w->issuer));
        if (w->link == NAME_NONE && !books_has_card(h->books, w->card))
                tell_absent(h, key, FACT_CARD, copy_print_uuid(w->card, card));
}

static void check_withdrawal(struct verify_history *h, const struct withdrawal_key *key,
                             const struct kept_withdrawal *w)
{
        struct ending end = ending_of(h, w);
        struct sequel sequel;

        check_advices(h, key, w, &sequel);
        check_outcome(h, key, w, &sequel);
        check_commission(h, key, w, &end);
        check_saf(h, key, w);
        if (!is_priced(w))
                return;
        check_price(h, key, w);
        check_band(h, key, w);
        check_reference(h, key, w);
        if (end.is_open && !w->open) {
                struct fact expected = open_fact(w->card, w->amount_yen, w->link == NAME_NONE);
                const struct fact ended = plain(FACT_ENDED);

                h->findings->checked[CHECK_OPEN_WITHDRAWAL]++;
                tell(h, CHECK_OPEN_WITHDRAWAL, key, &expected, &ended);
        }
        if (end.is_used)
                books_use(h->books, w->card, w->business_day, end.used_yen, w->link == NAME_NONE,
                          w->price[CUSTOMER_FEE] + w->price[CUSTOMER_TAX]);
}

/* the tables ------------------------------------------------------------------------------------------- */

#define KEY "terminal, transmitted_at, stan, "

/* In the order in which they are read: a row is checked against those that came before. */
static const struct table {
        const char *name, *columns;
        void (*on_row)(struct verify_history *history, struct copy_out *copy);
} tables[] = {
    {"withdrawal",
     KEY "reason, amount_yen, card_token, issuer, band, hall, business_date, tariff_from, tax_rate_bp, "
         "customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, link",
     on_withdrawal},
    {"bank_outcome", KEY "reason, cause", on_outcome},
    {"advice", KEY "seq, kind, why, dispensed_yen, state_before, state, counted_yen, commission", on_advice},
    {"commission",
     KEY "seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp, customer_fee_yen, "
         "customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on",
     on_commission},
    {"bank_notice", KEY "seq, link, kind, amount_yen, charge_yen, dispensed_yen, why", on_notice},
    {"bank_ack", KEY "seq", on_acknowledgement},
    {"saf", KEY "seq, link", on_saf},
    {"open_withdrawal", KEY "card_token, amount_yen, asked_ms IS NULL", on_open},
};

static bool read_table(struct verify_history *h, const struct table *table, const struct history_piece *piece)
{
        struct copy_out copy;
        char *query, part[96] = "";
        bool begun;

        if (piece->parts > 1)
                snprintf(part, sizeof(part), " AND (hashtext(terminal) & 2147483647) %% %d = %d",
                         piece->parts, piece->part);
        if (asprintf(&query, "SELECT %s FROM %s WHERE transmitted_at >= '%s' AND transmitted_at < '%s'%s",
                     table->columns, table->name, piece->from, piece->to, part) < 0) {
                out_of_memory(h);
                return false;
        }
        begun = copy_out_begin(&copy, h->source, query);
        free(query);
        if (!begun)
                return false;
        while (copy_out_row(&copy)) {
                table->on_row(h, &copy);
                copy.failed |= h->failed || h->books->failed || h->findings->failed;
        }
        return copy_out_end(&copy);
}

bool verify_history_piece(struct verify_history *h, const struct history_piece *piece)
{
        tally_clear(&h->withdrawals);
        h->advices = h->notices = 0;
        for (size_t i = 0; i < LENGTH(tables); i++) {
                if (!read_table(h, &tables[i], piece))
                        return false;
        }
        for (size_t i = 0; i < h->withdrawals.count; i++)
                check_withdrawal(
                    h, tally_key(&h->withdrawals, i),
                    (const struct kept_withdrawal *)(const void *)tally_numbers(&h->withdrawals, i));
        return !h->failed && !h->books->failed && !h->findings->failed;
}

static bool read_halls(struct verify_history *h)
{
        struct copy_out copy;

        if (!copy_out_begin(&copy, h->source, "SELECT hall FROM hall"))
                return false;
        while (copy_out_row(&copy)) {
                uint32_t hall = copy_name(&copy);

                if (!tally_at(&h->halls, &hall))
                        out_of_memory(h);
        }
        return copy_out_end(&copy) && !h->failed;
}

bool verify_history_open(struct verify_history *h)
{
        _Static_assert(sizeof(struct kept_withdrawal) % sizeof(int64_t) == 0,
                       "it lies in the room of numbers");
        tally_open(&h->withdrawals, sizeof(struct withdrawal_key),
                   sizeof(struct kept_withdrawal) / sizeof(int64_t));
        tally_open(&h->halls, sizeof(uint32_t), 0);
        return read_halls(h);
}

void verify_history_close(struct verify_history *h)
{
        tally_close(&h->withdrawals);
        tally_close(&h->halls);
        free(h->advice);
        free(h->notice);
}
