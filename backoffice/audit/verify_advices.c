#include "backoffice/audit/verify_advices.h"

#include "rules/reasons.h"

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
                verifying_tell_missing(h, CHECK_ADVICE, key, FACT_ADVICE_KEY, a->seq, &expected);
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
        verifying_tell_row(h, CHECK_ADVICE, key, FACT_ADVICE_KEY, a->seq, &expected, &found);
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
        verifying_tell_missing(h, CHECK_COMMISSION_ROW, key, FACT_ROW_KEY, a->seq, &expected);
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
        verifying_tell_row(h, CHECK_NOTICE, key, FACT_NOTICE_KEY, expected ? expected->seq : found->seq,
                           &wanted, &got);
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
        verifying_tell(h, CHECK_OUTCOME, key, &expected, &found);
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

        verifying_tell_row(h, CHECK_SAF, key, FACT_NOTICE_KEY, n->seq, &expected, &found);
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

void verify_advices(struct verify_history *h, const struct withdrawal_key *key,
                    const struct kept_withdrawal *w)
{
        struct sequel sequel;

        check_advices(h, key, w, &sequel);
        check_outcome(h, key, w, &sequel);
        check_saf(h, key, w);
}
