#include "backoffice/audit/verify_history.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/history_facts.h"
#include "rules/calendar.h"
#include "rules/pricing.h"
#include "rules/reasons.h"
#include "lib/base/array.h"

enum {
        SEQ_LATE_APPROVAL = 32767, /* of a notice: the bank approved when something else stood */
        WHOLE_BP = 10000,
};

/* telling ---------------------------------------------------------------------------------------------- */

static void tell(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                 const struct fact *expected, const struct fact *found)
{
        struct fact which;

        history_key(h->names, key, FACT_WITHDRAWAL_KEY, &which);
        findings_add(h->findings, check, &which, expected, found);
}

static void tell_row(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                     enum fact_kind kind, int seq, const struct fact *expected, const struct fact *found)
{
        struct fact which;

        history_key(h->names, key, kind, &which);
        fact_number(&which, seq);
        findings_add(h->findings, check, &which, expected, found);
}

/* Something was expected, and there is nothing. */
static void tell_missing(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                         enum fact_kind kind, int seq, const struct fact *expected)
{
        const struct fact none = history_fact(FACT_NONE);

        tell_row(h, check, key, kind, seq, expected, &none);
}

/* reading ---------------------------------------------------------------------------------------------- */

static void on_acknowledgement(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(&h->kept, copy, &key);
        int16_t seq = copy_int2(copy, 0);
        struct kept_notice *notice = w ? kept_find_notice(&h->kept, w, seq) : NULL;
        const struct fact expected = history_fact(FACT_NOTICE);

        h->findings->checked[CHECK_ACKNOWLEDGEMENT]++;
        if (notice)
                notice->acknowledged = true;
        else
                tell_missing(h, CHECK_ACKNOWLEDGEMENT, &key, FACT_NOTICE_KEY, seq, &expected);
}

static void on_saf(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(&h->kept, copy, &key);
        int16_t seq = copy_int2(copy, 0);
        uint32_t link = copy_name(copy);
        struct kept_notice *notice = w ? kept_find_notice(&h->kept, w, seq) : NULL;
        struct fact expected, found;

        if (notice) {
                notice->saf = link;
                return;
        }
        h->findings->checked[CHECK_SAF]++;
        expected = history_fact(FACT_NOTICE_NONE);
        found = history_fact(FACT_TO_BE_SENT);
        fact_text(&found, names_text(h->names, link));
        tell_row(h, CHECK_SAF, &key, FACT_NOTICE_KEY, seq, &expected, &found);
}

static void on_open(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(&h->kept, copy, &key);
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
        expected = kept_is_priced(w) && kept_ending_of(&h->kept, w).is_open
                       ? history_open(w->card, w->amount_yen, w->link == NAME_NONE)
                       : history_fact(FACT_ENDED);
        found = history_open(card, amount_yen, is_house);
        if (!fact_is_same(&expected, &found))
                tell(h, CHECK_OPEN_WITHDRAWAL, &key, &expected, &found);
}

/* commission rows -------------------------------------------------------------------------------------- */

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
                tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, row->seq, &expected);
                return;
        }
        advice = cause_of(h, w, row, &cash_yen);
        if (!advice) {
                expected = history_fact(FACT_ADVICE_EARNING);
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
        expected = history_commission(h->names, w->hall, w->business_day, w->issuer, w->band, w->tariff_day,
                                      w->tax_rate_bp, price, cash_yen);
        found = history_commission(h->names, p->hall, p->business_day, p->issuer, p->band, row->tariff_day,
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
        expected = history_fact(FACT_POSTED);
        fact_day(&expected, row->posting.business_day);
        found = history_fact(FACT_VALUE);
        fact_day(&found, row->posting.posted_day);
        tell_row(h, CHECK_POSTING, key, FACT_ROW_KEY, row->seq, &expected, &found);
}

static void add_yen(struct verify_history *h, int64_t *sum_yen, int64_t yen)
{
        if (!__builtin_add_overflow(*sum_yen, yen, sum_yen))
                return;
        copy_source_fail(h->source, "a withdrawal's commission rows add up to over 2^63 yen");
        h->kept.failed = true;
}

static void on_commission(struct verify_history *h, struct copy_out *copy)
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

/* withdrawal by withdrawal ----------------------------------------------------------------------------- */

static void check_commission(struct verify_history *h, const struct withdrawal_key *key,
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
        tell(h, CHECK_PRICE, key, &expected, &found);
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
        tell(h, CHECK_BAND, key, &expected, &found);
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
                expected = history_fact(FACT_WITHDRAWAL);
                tell_missing(h, CHECK_ADVICE, key, FACT_ADVICE_KEY, a->seq, &expected);
                return;
        }
        if (last && last->state != NAME_STATE + WITHDRAWAL_ASKED)
                state = name_state(last->state);
        /* a bank may have been still deciding when the advice came, whatever it decided then */
        else if (w->link != NAME_NONE && a->state_before == NAME_STATE + WITHDRAWAL_ASKED)
                state = WITHDRAWAL_ASKED;
        else
                state = kept_decided(w);
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
        expected = history_advice(number, withdrawal_state_name[state], withdrawal_state_name[rule->to],
                                  counted_yen, rule->commission);
        found = history_advice(a->seq, names_text(h->names, a->state_before), names_text(h->names, a->state),
                               a->counted_yen, a->commission);
        tell_row(h, CHECK_ADVICE, key, FACT_ADVICE_KEY, a->seq, &expected, &found);
}

/* What an advice changed, and so what the bank must be told, and what must be in the books. */
static void check_earning(struct verify_history *h, const struct withdrawal_key *key,
                          const struct kept_withdrawal *w, const struct kept_advice *a, int64_t change_yen)
{
        struct fact expected;

        if (a->has_row || !kept_is_priced(w) || (!a->commission && !change_yen))
                return;
        h->findings->checked[CHECK_COMMISSION_ROW]++;
        expected = history_fact(FACT_ROW_EARNING);
        fact_number(&expected, a->commission);
        fact_number(&expected, change_yen);
        tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, a->seq, &expected);
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
        wanted = history_notice(h->names, expected);
        got = history_notice(h->names, found);
        tell_row(h, CHECK_NOTICE, key, FACT_NOTICE_KEY, expected ? expected->seq : found->seq, &wanted, &got);
}

/* An expected notice against the withdrawal's, which are in the order of seq; `*at` is the next of them. */
static void meet_notice(struct verify_history *h, const struct withdrawal_key *key,
                        const struct kept_notice *expected, uint32_t *at)
{
        for (; *at && h->kept.notice[*at].seq < expected->seq; *at = h->kept.notice[*at].next)
                check_notice(h, key, NULL, &h->kept.notice[*at]);
        if (*at && h->kept.notice[*at].seq == expected->seq) {
                check_notice(h, key, expected, &h->kept.notice[*at]);
                *at = h->kept.notice[*at].next;
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
        if (kept_is_priced(w) && w->has_outcome && w->cause == NAME_TIMEOUT) {
                struct kept_notice expected = notice_of(w, 0);

                expected.why = NAME_WHY_LATE;
                meet_notice(h, key, &expected, &told);
        }
        for (uint32_t at = w->advices; at; at = h->kept.advice[at].next) {
                const struct kept_advice *a = &h->kept.advice[at];
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
        for (; told; told = h->kept.notice[told].next) {
                struct kept_notice late = notice_of(w, SEQ_LATE_APPROVAL);

                late.why = NAME_WHY_LATE;
                check_notice(h, key,
                             h->kept.notice[told].seq == SEQ_LATE_APPROVAL && w->has_outcome &&
                                     w->outcome != REASON_APPROVED
                                 ? &late
                                 : NULL,
                             &h->kept.notice[told]);
        }
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
                expected = history_fact(FACT_WITHDRAWAL_ASKED);
                holds = false;
        } else if (sequel->reversed_by_operator) {
                expected = history_outcome(names_text(h->names, NAME_OPERATOR), REASON_BLOCKED);
                holds = w->cause == NAME_OPERATOR && w->outcome == REASON_BLOCKED;
        } else if (sequel->reversed_by_atm) {
                expected = history_outcome(names_text(h->names, NAME_REVERSAL), REASON_BLOCKED);
                holds = w->cause == NAME_REVERSAL && w->outcome == REASON_BLOCKED;
        } else if (sequel->after_approval) {
                expected = history_outcome(names_text(h->names, NAME_ANSWER), REASON_APPROVED);
                holds = w->cause == NAME_ANSWER && w->outcome == REASON_APPROVED;
        } else if (w->cause == NAME_TIMEOUT) {
                expected = history_outcome(names_text(h->names, NAME_TIMEOUT), REASON_ISSUER_UNAVAILABLE);
                holds = w->outcome == REASON_ISSUER_UNAVAILABLE;
        } else {
                expected = history_fact(FACT_VALUE);
                fact_text(&expected, names_text(h->names, NAME_ANSWER));
                holds = w->cause == NAME_ANSWER;
        }
        if (holds)
                return;
        found = history_outcome(names_text(h->names, w->cause), w->outcome);
        tell(h, CHECK_OUTCOME, key, &expected, &found);
}

/* Where it is to be sent by what the notices before it say, and where it is. */
static void tell_saf(struct verify_history *h, const struct withdrawal_key *key, const struct kept_notice *n,
                     bool is_behind)
{
        struct fact expected = !n->acknowledged ? history_sent(h->names, FACT_TO_BE_SENT, n->link)
                               : is_behind      ? history_sent(h->names, FACT_TO_BE_SENT_BEHIND, n->link)
                                                : history_fact(FACT_ACKNOWLEDGED);
        struct fact found = n->saf != NAME_NONE ? history_sent(h->names, FACT_TO_BE_SENT, n->saf)
                            : n->acknowledged   ? history_fact(FACT_ACKNOWLEDGED)
                                                : history_fact(FACT_NOTHING);

        tell_row(h, CHECK_SAF, key, FACT_NOTICE_KEY, n->seq, &expected, &found);
}

/* To be sent is what is not acknowledged; a bank acknowledges in order. */
static void check_saf(struct verify_history *h, const struct withdrawal_key *key,
                      const struct kept_withdrawal *w)
{
        bool is_behind = false;

        for (uint32_t at = w->notices; at; at = h->kept.notice[at].next) {
                const struct kept_notice *n = &h->kept.notice[at];

                h->findings->checked[CHECK_SAF]++;
                if (n->acknowledged ? is_behind || n->saf != NAME_NONE : n->saf != n->link)
                        tell_saf(h, key, n, is_behind);
                is_behind |= !n->acknowledged;
        }
}

static void tell_absent(struct verify_history *h, const struct withdrawal_key *key, enum fact_kind kind,
                        const char *name)
{
        struct fact expected = history_fact(kind);
        const struct fact none = history_fact(FACT_NONE);

        fact_text(&expected, name);
        tell(h, CHECK_REFERENCE, key, &expected, &none);
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
        if (w->link == NAME_NONE && !books_has_card(h->books, w->card))
                tell_absent(h, key, FACT_CARD, copy_print_uuid(w->card, card));
}

static void check_withdrawal(struct verify_history *h, const struct withdrawal_key *key,
                             const struct kept_withdrawal *w)
{
        struct kept_ending end = kept_ending_of(&h->kept, w);
        struct sequel sequel;

        check_advices(h, key, w, &sequel);
        check_outcome(h, key, w, &sequel);
        check_commission(h, key, w, &end);
        check_saf(h, key, w);
        if (!kept_is_priced(w))
                return;
        check_price(h, key, w);
        check_band(h, key, w);
        check_reference(h, key, w);
        if (end.is_open && !w->open) {
                struct fact expected = history_open(w->card, w->amount_yen, w->link == NAME_NONE);
                const struct fact ended = history_fact(FACT_ENDED);

                h->findings->checked[CHECK_OPEN_WITHDRAWAL]++;
                tell(h, CHECK_OPEN_WITHDRAWAL, key, &expected, &ended);
        }
        if (end.is_used)
                books_use(h->books, w->card, w->business_day, end.used_yen, w->link == NAME_NONE,
                          w->price[CUSTOMER_FEE] + w->price[CUSTOMER_TAX]);
}

/* the tables ------------------------------------------------------------------------------------------- */

static void keep_withdrawal(struct verify_history *h, struct copy_out *copy)
{
        kept_take_withdrawal(&h->kept, copy);
}

static void keep_outcome(struct verify_history *h, struct copy_out *copy)
{
        kept_take_outcome(&h->kept, copy);
}

static void keep_advice(struct verify_history *h, struct copy_out *copy)
{
        kept_take_advice(&h->kept, copy);
}

static void keep_notice(struct verify_history *h, struct copy_out *copy)
{
        kept_take_notice(&h->kept, copy);
}

#define KEY "terminal, transmitted_at, stan, "

/* In the order in which they are read: a row is checked against those that came before. */
static const struct table {
        const char *name, *columns;
        void (*on_row)(struct verify_history *history, struct copy_out *copy);
} tables[] = {
    {"withdrawal",
     KEY "reason, amount_yen, card_token, issuer, band, hall, business_date, tariff_from, tax_rate_bp, "
         "customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, link",
     keep_withdrawal},
    {"bank_outcome", KEY "reason, cause", keep_outcome},
    {"advice", KEY "seq, kind, why, dispensed_yen, state_before, state, counted_yen, commission",
     keep_advice},
    {"commission",
     KEY "seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp, customer_fee_yen, "
         "customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on",
     on_commission},
    {"bank_notice", KEY "seq, link, kind, amount_yen, charge_yen, dispensed_yen, why", keep_notice},
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
                kept_out_of_memory(&h->kept);
                return false;
        }
        begun = copy_out_begin(&copy, h->source, query);
        free(query);
        if (!begun)
                return false;
        while (copy_out_row(&copy)) {
                table->on_row(h, &copy);
                copy.failed |= h->kept.failed || h->books->failed || h->findings->failed;
        }
        return copy_out_end(&copy);
}

bool verify_history_piece(struct verify_history *h, const struct history_piece *piece)
{
        kept_clear(&h->kept);
        for (size_t i = 0; i < LENGTH(tables); i++) {
                if (!read_table(h, &tables[i], piece))
                        return false;
        }
        for (size_t i = 0; i < h->kept.withdrawals.count; i++)
                check_withdrawal(
                    h, tally_key(&h->kept.withdrawals, i),
                    (const struct kept_withdrawal *)(const void *)tally_numbers(&h->kept.withdrawals, i));
        return !h->kept.failed && !h->books->failed && !h->findings->failed;
}

static bool read_halls(struct verify_history *h)
{
        struct copy_out copy;

        if (!copy_out_begin(&copy, h->source, "SELECT hall FROM hall"))
                return false;
        while (copy_out_row(&copy)) {
                uint32_t hall = copy_name(&copy);

                if (!tally_at(&h->halls, &hall))
                        kept_out_of_memory(&h->kept);
        }
        return copy_out_end(&copy) && !h->kept.failed;
}

bool verify_history_open(struct verify_history *h)
{
        kept_open(&h->kept, h->source);
        tally_open(&h->halls, sizeof(uint32_t), 0);
        return read_halls(h);
}

void verify_history_close(struct verify_history *h)
{
        kept_close(&h->kept);
        tally_close(&h->halls);
}
