#include "backoffice/audit/verify_history.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoffice/audit/verify_advices.h"
#include "backoffice/audit/verify_commission.h"
#include "backoffice/audit/verify_identity.h"
#include "backoffice/audit/verify_people.h"
#include "backoffice/audit/verify_pins.h"
#include "backoffice/audit/verify_price.h"
#include "lib/base/array.h"

/* reading ---------------------------------------------------------------------------------------------- */

static struct kept_notice acknowledged(const struct kept_notice *notice, struct copy_out *copy)
{
        struct kept_notice heard = *notice;

        heard.acknowledged = true;
        heard.verdict = copy_name(copy);
        heard.de39 = copy_name(copy);
        heard.attempts = copy_int4(copy, 0);
        return heard;
}

static void on_acknowledgement(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(&h->kept, copy, &key);
        int16_t seq = copy_int2(copy, 0);
        struct kept_notice *notice = w ? kept_find_notice(&h->kept, w, seq) : NULL;
        const struct fact expected = history_fact(FACT_NOTICE);

        h->findings->checked[CHECK_ACKNOWLEDGEMENT]++;
        if (notice)
                *notice = acknowledged(notice, copy);
        else
                verifying_tell_missing(h, CHECK_ACKNOWLEDGEMENT, &key, FACT_NOTICE_KEY, seq, &expected);
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
                notice->parked = copy_bool(copy);
                return;
        }
        h->findings->checked[CHECK_SAF]++;
        expected = history_fact(FACT_NOTICE_NONE);
        found = history_fact(FACT_TO_BE_SENT);
        fact_text(&found, names_text(h->names, link));
        verifying_tell_row(h, CHECK_SAF, &key, FACT_NOTICE_KEY, seq, &expected, &found);
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
        /* the house bank's may have ended while they were listed */
        expected = kept_is_priced(w) && (w->link == NAME_NONE || kept_ending_of(&h->kept, w).is_open)
                       ? history_open(w->card, w->amount_yen, w->link == NAME_NONE)
                       : history_fact(FACT_ENDED);
        found = history_open(card, amount_yen, is_house);
        if (!fact_is_same(&expected, &found))
                verifying_tell(h, CHECK_OPEN_WITHDRAWAL, &key, &expected, &found);
}

static void count_under_way(struct verify_history *h, const struct kept_withdrawal *w,
                            const struct kept_ending *end)
{
        struct under_way *under_way = &h->findings->under_way;

        under_way->asked += w->present && end->state == NAME_STATE + WITHDRAWAL_ASKED;
        under_way->approved += w->present && end->state == NAME_STATE + WITHDRAWAL_APPROVED;
        for (uint32_t at = w->notices; at; at = h->kept.notice[at].next)
                under_way->notices += h->kept.notice[at].saf != NAME_NONE;
}

static void use_card(struct verify_history *h, const struct kept_withdrawal *w, const struct kept_ending *end)
{
        struct card_use use = {.business_day = w->business_day,
                               .decided_us = verifying_decided_us(w),
                               .is_used = end->is_used,
                               .is_house = w->link == NAME_NONE,
                               .used_yen = end->used_yen,
                               .charge_yen = w->price[CUSTOMER_FEE] + w->price[CUSTOMER_TAX]};

        memcpy(use.card, w->card, UUID_SIZE);
        cards_use(&h->books->cards, &use);
}

static void check_withdrawal(struct verify_history *h, const struct withdrawal_key *key,
                             const struct kept_withdrawal *w)
{
        struct kept_ending end = kept_ending_of(&h->kept, w);

        verify_advices(h, key, w);
        verify_commission(h, key, w, &end);
        verify_people(h, key, w);
        verify_pins(h, key, w);
        count_under_way(h, w, &end);
        verify_identity(h, key, w);
        if (!kept_is_priced(w))
                return;
        verify_price(h, key, w);
        /* before its day is summed up, the house bank's is found among its rows */
        if (end.is_open && !w->open &&
            (w->link != NAME_NONE || sums_have(&h->books->sums, w->business_day))) {
                struct fact expected = history_open(w->card, w->amount_yen, w->link == NAME_NONE);
                const struct fact ended = history_fact(FACT_ENDED);

                h->findings->checked[CHECK_OPEN_WITHDRAWAL]++;
                verifying_tell(h, CHECK_OPEN_WITHDRAWAL, key, &expected, &ended);
        }
        use_card(h, w, &end);
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

static void keep_exception(struct verify_history *h, struct copy_out *copy)
{
        kept_take_exception(&h->kept, copy);
}

static void keep_action(struct verify_history *h, struct copy_out *copy)
{
        kept_take_action(&h->kept, copy);
}

/* What people did to withdrawals and notices, of the trail. */
#define ACTIONS                                                                                              \
        "(SELECT split_part(key, ' ', 1) AS terminal, split_part(key, ' ', 2)::timestamptz AS "              \
        "transmitted_at, "                                                                                   \
        "split_part(key, ' ', 3)::integer AS stan, CASE WHEN noun = 'withdrawal' THEN 'exception resolve' "  \
        "WHEN (after ->> 'parked')::boolean THEN 'saf park' ELSE 'saf retry' END AS what, "                  \
        "(extract(epoch FROM at) * 1000)::bigint AS at_ms, CASE WHEN noun = 'saf' THEN "                     \
        "split_part(key, ' ', 4)::smallint ELSE (after ->> 'seq')::smallint END AS seq, "                    \
        "(after ->> 'dispensed_yen')::bigint AS dispensed_yen, coalesce((after ->> 'exceptions')::bigint, "  \
        "-1) "                                                                                               \
        "AS exceptions FROM trail WHERE noun IN ('withdrawal', 'saf') AND NOT after ? 'recovery') action"
/* What an exception is, as names.h has it. */
#define WHAT "replace(what, ' of ', '-of-')"
#define KEY  "terminal, transmitted_at, stan, "

#define ORIGINAL "transmitted_at"
/* In the order in which they are read: a row is checked against those that came before. */
static const struct table {
        const char *name;
        const char *
            moment; /* that it is read by; where that is its own, it says last whether its original is of the quarter */
        const char *columns;
        void (*on_row)(struct verify_history *history, struct copy_out *copy);
} tables[] = {
    {"withdrawal", ORIGINAL,
     KEY "reason, amount_yen, card_token, issuer, band, hall, business_date, tariff_from, tax_rate_bp, "
         "customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, link, "
         "left(pan_mask, 6), approved_at IS NOT NULL, approved_at",
     keep_withdrawal},
    {"(SELECT * FROM pin_event WHERE NOT is_inquiry) pin_event", ORIGINAL, KEY "card_token, kind = 'right'",
     verify_pin_event},
    {"bank_outcome", ORIGINAL, KEY "reason, cause, approved_at IS NOT NULL, approved_at", keep_outcome},
    {"advice", ORIGINAL,
     KEY
     "seq, kind, why, dispensed_yen, state_before, state, counted_yen, commission, advice_at, advice_stan, "
     "amount_yen, recorded_at IS NOT NULL",
     keep_advice},
    {"commission", ORIGINAL,
     KEY "seq, sign, hall, business_date, issuer, band, tariff_from, tax_rate_bp, customer_fee_yen, "
         "customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen, cash_yen, posted_on",
     verify_commission_row},
    {"bank_notice", ORIGINAL, KEY "seq, link, kind, amount_yen, charge_yen, dispensed_yen, why", keep_notice},
    {"bank_ack", ORIGINAL, KEY "seq, verdict, de39, attempts", on_acknowledgement},
    {"saf", ORIGINAL, KEY "seq, link, parked", on_saf},
    {"exception_record", ORIGINAL, KEY "kind, advice_at, advice_stan, " WHAT ", amount_yen, dispensed_yen",
     keep_exception},
    {"advice_identity", "advice_at", KEY "kind, advice_at, advice_stan", verify_identity_row},
    {"exception_resolution", ORIGINAL, KEY "kind, advice_at, advice_stan, " WHAT, verify_people_resolution},
    {ACTIONS, ORIGINAL, KEY "what, at_ms, seq, dispensed_yen, exceptions", keep_action},
    {"open_withdrawal", ORIGINAL, KEY "card_token, amount_yen, asked_ms IS NULL", on_open},
};

static bool read_table(struct verify_history *h, const struct table *table, const struct history_piece *piece)
{
        struct copy_out copy;
        char *query, part[96] = "", near[96] = "";
        bool begun;

        if (piece->parts > 1)
                snprintf(part, sizeof(part), " AND (hashtext(terminal) & 2147483647) %% %d = %d",
                         piece->parts, piece->part);
        if (strcmp(table->moment, ORIGINAL))
                snprintf(near, sizeof(near), ", transmitted_at >= '%s' AND transmitted_at < '%s'",
                         piece->from, piece->to);
        if (asprintf(&query, "SELECT %s%s FROM %s WHERE %s >= '%s' AND %s < '%s'%s", table->columns, near,
                     table->name, table->moment, piece->from, table->moment, piece->to, part) < 0) {
                kept_out_of_memory(&h->kept);
                return false;
        }
        begun = copy_out_begin(&copy, h->source, query);
        free(query);
        if (!begun)
                return false;
        while (copy_out_row(&copy)) {
                table->on_row(h, &copy);
                copy.failed |= h->kept.failed || h->books->with.failed || h->findings->failed;
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
        return !h->kept.failed && !h->books->with.failed && !h->findings->failed;
}

/* A set of names. */
static bool read_set(struct verify_history *h, struct tally *set, const char *query)
{
        struct copy_out copy;

        if (!copy_out_begin(&copy, h->source, query))
                return false;
        while (copy_out_row(&copy)) {
                uint32_t name = copy_name(&copy);

                if (!tally_at(set, &name))
                        kept_out_of_memory(&h->kept);
        }
        return copy_out_end(&copy) && !h->kept.failed;
}

bool verify_history_open(struct verify_history *h)
{
        kept_open(&h->kept, h->source);
        tally_open(&h->halls, sizeof(uint32_t), 0);
        tally_open(&h->long_prefix, sizeof(uint32_t), 0);
        return verify_identity_open(h) && stands_open(&h->stands, h->source) &&
               read_set(h, &h->halls, "SELECT hall FROM hall") &&
               read_set(h, &h->long_prefix,
                        "SELECT DISTINCT left(prefix, 6) FROM card_prefix WHERE length(prefix) > 6");
}

void verify_history_end(struct verify_history *h)
{
        verify_identity_end(h);
}

void verify_history_close(struct verify_history *h)
{
        kept_close(&h->kept);
        tally_close(&h->halls);
        tally_close(&h->long_prefix);
        stands_close(&h->stands);
        verify_identity_close(h);
}
