#include "backoffice/audit/verify_people.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backoffice/audit/verify_advices.h"
#include "rules/calendar.h"

/* exceptions ------------------------------------------------------------------------------------------- */

/* expected, found: one of them may be NULL. */
static void tell_exception(struct verify_history *h, const struct withdrawal_key *key,
                           const struct kept_exception *expected, const struct kept_exception *found)
{
        const struct kept_exception *about = expected ? expected : found, *both[] = {expected, found};
        struct fact which, fact[2];
        char moment[26];

        history_key(h->names, key, FACT_EXCEPTION_KEY, &which);
        calendar_print_moment(about->at_us / 1000, moment);
        fact_text(&which, names_text(h->names, about->kind));
        fact_text(&which, moment);
        fact_number(&which, about->stan);
        for (int i = 0; i < 2; i++) {
                fact[i] = history_fact(both[i] ? FACT_EXCEPTION : FACT_NONE);
                if (!both[i])
                        continue;
                fact_text(&fact[i], names_text(h->names, both[i]->what));
                fact_numbers(&fact[i], (const int64_t[]){both[i]->amount_yen, both[i]->dispensed_yen}, 2);
        }
        findings_add(h->findings, CHECK_EXCEPTION, &which, &fact[0], &fact[1]);
}

static void expect_exception(struct verify_history *h, const struct withdrawal_key *key,
                             const struct kept_withdrawal *w, const struct kept_exception *expected)
{
        struct kept_exception *found = kept_find_exception(&h->kept, w, expected);

        h->findings->checked[CHECK_EXCEPTION]++;
        if (found)
                found->is_met = true;
        if (!found || found->amount_yen != expected->amount_yen ||
            found->dispensed_yen != expected->dispensed_yen)
                tell_exception(h, key, expected, found);
}

/* What people should see of an advice after `last` (NULL: the first): a name; NAME_NONE: nothing. */
static uint32_t exception_of(const struct kept_withdrawal *w, const struct kept_advice *a,
                             const struct kept_advice *last, bool is_decided)
{
        enum withdrawal_state before = name_state(a->state_before);
        bool is_ended = before == WITHDRAWAL_COMPLETED || before == WITHDRAWAL_SETTLED;
        bool is_open = before == WITHDRAWAL_APPROVED || before == WITHDRAWAL_ASKED;
        int64_t counts_yen = is_ended && last ? last->counted_yen : is_open ? w->amount_yen : 0;
        const struct withdrawal_rule *rule =
            withdrawal_on_advice(before, withdrawal_relation(before, counts_yen, a->dispensed_yen));

        if (rule->exception)
                return is_decided && (is_ended || before == WITHDRAWAL_REVERSED) ? (uint32_t)NAME_DECIDED
                                                                                 : a->state_before;
        /* an earlier release left no record of these */
        return before == WITHDRAWAL_COMPLETED && a->kind != NAME_OPERATOR && a->dispensed_yen < counts_yen &&
                       a->is_timed
                   ? (uint32_t)NAME_CORRECTED
                   : (uint32_t)NAME_NONE;
}

static void expect_of_advices(struct verify_history *h, const struct withdrawal_key *key,
                              const struct kept_withdrawal *w)
{
        const struct kept_advice *last = NULL;
        bool is_decided = false;

        for (uint32_t at = w->advices; at; at = h->kept.advice[at].next) {
                const struct kept_advice *a = &h->kept.advice[at];
                struct kept_exception expected = {.kind = a->kind,
                                                  .what = exception_of(w, a, last, is_decided),
                                                  .stan = a->stan,
                                                  .at_us = a->at_us,
                                                  .amount_yen = a->amount_yen,
                                                  .dispensed_yen = a->dispensed_yen};

                if (expected.what != NAME_NONE)
                        expect_exception(h, key, w, &expected);
                is_decided |= a->kind == NAME_OPERATOR;
                last = a;
        }
}

/* A bank that will not book what it is told, or does not know what it was heard to approve. */
static void expect_of_notice(struct verify_history *h, const struct withdrawal_key *key,
                             const struct kept_withdrawal *w, const struct kept_notice *n)
{
        struct kept_exception expected = {.kind = NAME_BANK,
                                          .stan = key->stan,
                                          .at_us = key->at_us,
                                          .amount_yen = n->amount_yen,
                                          .dispensed_yen = n->dispensed_yen};
        struct fact wanted = history_fact(FACT_VERDICT), got = history_fact(FACT_VERDICT);
        char what[64];

        /* a reversal that had no answer before may be booked and put away */
        if (n->verdict == NAME_MISSING && (w->cause == NAME_ANSWER || n->seq == SEQ_LATE_APPROVAL) &&
            (n->kind != NAME_REVERSAL || n->attempts <= 1)) {
                fact_text(&wanted, names_text(h->names, NAME_CASE));
                fact_text(&got, names_text(h->names, NAME_MISSING));
                verifying_tell_row(h, CHECK_ACKNOWLEDGEMENT, key, FACT_NOTICE_KEY, n->seq, &wanted, &got);
        }
        if (n->verdict != NAME_CASE)
                return;
        snprintf(what, sizeof(what), "%s answered %s", names_text(h->names, n->kind),
                 names_text(h->names, n->de39));
        expected.what = names_add(h->names, what, strlen(what));
        expect_exception(h, key, w, &expected);
}

/* May it be that nothing of the withdrawal calls for it? An advice with another's numbers, or of an original that there is no
 * place for, leaves nothing else; and what could not be brought back is held to its recovery (verify_entries.c). */
static bool is_alone(const struct verify_history *h, const struct kept_withdrawal *w,
                     const struct kept_exception *e)
{
        if (e->kind == NAME_RECOVERY)
                return true;
        if (e->what == NAME_OUT_OF_RANGE)
                return !w->present;
        if (e->what != NAME_CONTRADICTS)
                return false;
        for (uint32_t at = w->advices; at; at = h->kept.advice[at].next) {
                const struct kept_advice *a = &h->kept.advice[at];

                if (a->kind == e->kind && a->at_us == e->at_us && a->stan == e->stan)
                        return a->amount_yen != e->amount_yen || a->dispensed_yen != e->dispensed_yen;
        }
        return true;
}

static void check_exceptions(struct verify_history *h, const struct withdrawal_key *key,
                             const struct kept_withdrawal *w)
{
        if (w->present)
                expect_of_advices(h, key, w);
        for (uint32_t at = w->notices; at; at = h->kept.notice[at].next)
                expect_of_notice(h, key, w, &h->kept.notice[at]);
        for (uint32_t at = w->exceptions; at; at = h->kept.exception[at].next) {
                const struct kept_exception *e = &h->kept.exception[at];

                if (!e->is_met && !is_alone(h, w, e))
                        tell_exception(h, key, NULL, e);
        }
}

/* people ----------------------------------------------------------------------------------------------- */

static struct fact decision(int64_t dispensed_yen)
{
        struct fact fact = history_fact(FACT_DECISION);

        fact_number(&fact, dispensed_yen);
        return fact;
}

static const struct kept_action *
find_action(const struct verify_history *h, const struct kept_withdrawal *w,
            bool (*is_it)(const struct kept_action *action, const void *context), const void *context)
{
        for (uint32_t at = w->actions; at; at = h->kept.action[at].next)
                if (is_it(&h->kept.action[at], context))
                        return &h->kept.action[at];
        return NULL;
}

static bool decides(const struct kept_action *action, const void *context)
{
        const struct kept_advice *a = context;

        return action->what == NAME_RESOLVE && action->seq == a->seq &&
               action->dispensed_yen == a->dispensed_yen;
}

/* As many exceptions are dealt with as people's actions say. */
static void check_resolutions(struct verify_history *h, const struct withdrawal_key *key,
                              const struct kept_withdrawal *w)
{
        struct fact expected = history_fact(FACT_RESOLUTIONS), found = history_fact(FACT_RESOLUTIONS);
        int64_t resolved = 0, told = 0;
        bool is_known = true;

        for (uint32_t at = w->exceptions; at; at = h->kept.exception[at].next)
                resolved += h->kept.exception[at].is_resolved;
        for (uint32_t at = w->actions; at; at = h->kept.action[at].next) {
                const struct kept_action *action = &h->kept.action[at];

                if (action->what != NAME_RESOLVE)
                        continue;
                is_known &= action->exceptions != KEPT_NO_COUNT;
                told += action->exceptions;
        }
        h->findings->checked[CHECK_PERSON] += resolved > 0;
        if (!is_known || resolved == told)
                return;
        fact_number(&expected, told);
        fact_number(&found, resolved);
        verifying_tell(h, CHECK_PERSON, key, &expected, &found);
}

/* What stands in the rows as a person's needs an action. */
static void check_actions_are_there(struct verify_history *h, const struct withdrawal_key *key,
                                    const struct kept_withdrawal *w)
{
        const struct fact none = history_fact(FACT_NONE);

        for (uint32_t at = w->advices; at; at = h->kept.advice[at].next) {
                const struct kept_advice *a = &h->kept.advice[at];
                struct fact expected;

                if (a->kind != NAME_OPERATOR)
                        continue;
                h->findings->checked[CHECK_PERSON]++;
                expected = decision(a->dispensed_yen);
                if (!find_action(h, w, decides, a))
                        verifying_tell_row(h, CHECK_PERSON, key, FACT_ADVICE_KEY, a->seq, &expected, &none);
        }
}

static bool is_carried_out(const struct verify_history *h, const struct kept_withdrawal *w,
                           const struct kept_action *action)
{
        if (action->what != NAME_RESOLVE) {
                for (uint32_t at = w->notices; at; at = h->kept.notice[at].next)
                        if (h->kept.notice[at].seq == action->seq)
                                return true;
                return false;
        }
        for (uint32_t at = w->advices; at; at = h->kept.advice[at].next) {
                const struct kept_advice *a = &h->kept.advice[at];

                if (a->seq == action->seq)
                        return a->kind == NAME_OPERATOR && a->dispensed_yen == action->dispensed_yen;
        }
        return action->seq == KEPT_NO_SEQ; /* it was put right elsewhere */
}

static void check_actions(struct verify_history *h, const struct withdrawal_key *key,
                          const struct kept_withdrawal *w)
{
        const struct fact none = history_fact(FACT_NONE);

        for (uint32_t at = w->actions; at; at = h->kept.action[at].next) {
                const struct kept_action *action = &h->kept.action[at];
                struct fact found = history_fact(FACT_VALUE);

                h->findings->checked[CHECK_PERSON]++;
                if (is_carried_out(h, w, action))
                        continue;
                fact_text(&found, names_text(h->names, action->what));
                verifying_tell(h, CHECK_PERSON, key, &none, &found);
        }
}

/* What people said last of the sending of a notice. */
static void check_parked(struct verify_history *h, const struct withdrawal_key *key,
                         const struct kept_withdrawal *w, const struct kept_notice *n)
{
        const struct kept_action *last = NULL;
        struct fact expected, found;
        bool is_parked;

        if (n->saf == NAME_NONE)
                return;
        for (uint32_t at = w->actions; at; at = h->kept.action[at].next) {
                const struct kept_action *action = &h->kept.action[at];

                if (action->what != NAME_RESOLVE && action->seq == n->seq &&
                    (!last || action->at_ms > last->at_ms))
                        last = action;
        }
        is_parked = last && last->what == NAME_PARK;
        h->findings->checked[CHECK_PERSON]++;
        if (n->parked == is_parked)
                return;
        expected = history_fact(is_parked ? FACT_PARKED : FACT_NOT_PARKED);
        found = history_fact(is_parked ? FACT_NOT_PARKED : FACT_PARKED);
        verifying_tell_row(h, CHECK_PERSON, key, FACT_NOTICE_KEY, n->seq, &expected, &found);
}

void verify_people_resolution(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(&h->kept, copy, &key);
        struct kept_exception like = {.kind = copy_name(copy)}, *exception;
        const struct fact expected = history_fact(FACT_NONE), found = history_fact(FACT_RESOLUTION);

        like.at_us = copy_moment_us(copy);
        like.stan = copy_int4(copy, 0);
        like.what = copy_name(copy);
        exception = w ? kept_find_exception(&h->kept, w, &like) : NULL;
        h->findings->checked[CHECK_EXCEPTION]++;
        if (exception)
                exception->is_resolved = true;
        else
                verifying_tell(h, CHECK_EXCEPTION, &key, &expected, &found);
}

void verify_people(struct verify_history *h, const struct withdrawal_key *key,
                   const struct kept_withdrawal *w)
{
        check_exceptions(h, key, w);
        check_resolutions(h, key, w);
        check_actions_are_there(h, key, w);
        check_actions(h, key, w);
        for (uint32_t at = w->notices; at; at = h->kept.notice[at].next)
                check_parked(h, key, w, &h->kept.notice[at]);
}
