#include "backoffice/audit/verify_identity.h"

#include "rules/calendar.h"

/* An advice and the original that it speaks of: +1 where there is such an advice, -1 where its identity says so. */
struct far_key {
        int64_t original_us, advice_us;
        uint32_t terminal, kind;
        int32_t original_stan, advice_stan;
};

static bool has_place(const struct verify_history *h, int64_t moment_us)
{
        return reference_holds_moment(h->reference, moment_us / 1000);
}

void verify_identity_row(struct verify_history *h, struct copy_out *copy)
{
        static const int64_t said = -1;
        struct far_key far = {.terminal = copy_name(copy)};
        struct withdrawal_key key;
        const struct kept_withdrawal *w = NULL;
        bool is_near;

        far.original_us = copy_moment_us(copy);
        far.original_stan = copy_int4(copy, 0);
        far.kind = copy_name(copy);
        far.advice_us = copy_moment_us(copy);
        far.advice_stan = copy_int4(copy, 0);
        is_near = copy_bool(copy);
        h->findings->checked[CHECK_IDENTITY]++;
        /* of an original that there is no place for an exception is all that there is */
        if (copy->failed || !has_place(h, far.original_us))
                return;
        key = (struct withdrawal_key){
            .at_us = far.original_us, .terminal = far.terminal, .stan = far.original_stan};
        if (is_near)
                w = (const struct kept_withdrawal *)(const void *)tally_find(&h->kept.withdrawals, &key);
        for (uint32_t at = w ? w->advices : 0; at; at = h->kept.advice[at].next) {
                struct kept_advice *a = &h->kept.advice[at];

                if (a->kind == far.kind && a->at_us == far.advice_us && a->stan == far.advice_stan) {
                        a->has_identity = true;
                        return;
                }
        }
        if (!tally_add(&h->far_identity, &far, &said))
                kept_out_of_memory(&h->kept);
}

void verify_identity(struct verify_history *h, const struct withdrawal_key *key,
                     const struct kept_withdrawal *w)
{
        static const int64_t is_there = 1;

        for (uint32_t at = w->advices; at; at = h->kept.advice[at].next) {
                const struct kept_advice *a = &h->kept.advice[at];
                const struct far_key far = {.original_us = key->at_us,
                                            .advice_us = a->at_us,
                                            .terminal = key->terminal,
                                            .kind = a->kind,
                                            .original_stan = key->stan,
                                            .advice_stan = a->stan};

                /* an earlier release wrote none, and a person's word has no numbers */
                if (a->has_identity || !a->is_timed || !has_place(h, a->at_us) || a->kind == NAME_OPERATOR)
                        continue;
                if (!tally_add(&h->far_identity, &far, &is_there))
                        kept_out_of_memory(&h->kept);
        }
}

void verify_identity_end(struct verify_history *h)
{
        for (size_t i = 0; i < h->far_identity.count; i++) {
                const struct far_key *far = tally_key(&h->far_identity, i);
                int64_t rest = *tally_numbers(&h->far_identity, i);
                struct fact which, advice = history_fact(FACT_ADVICE_OF);
                const struct fact none = history_fact(FACT_NONE);
                char moment[26];

                if (rest == 0)
                        continue;
                history_key(h->names,
                            &(struct withdrawal_key){.at_us = far->original_us,
                                                     .terminal = far->terminal,
                                                     .stan = far->original_stan},
                            FACT_WITHDRAWAL_KEY, &which);
                calendar_print_moment(far->advice_us / 1000, moment);
                fact_text(&advice, names_text(h->names, far->kind));
                fact_text(&advice, moment);
                fact_number(&advice, far->advice_stan);
                findings_add(h->findings, CHECK_IDENTITY, &which, rest > 0 ? &advice : &none,
                             rest > 0 ? &none : &advice);
        }
}

bool verify_identity_open(struct verify_history *h)
{
        tally_open(&h->far_identity, sizeof(struct far_key), 1);
        return true;
}

void verify_identity_close(struct verify_history *h)
{
        tally_close(&h->far_identity);
}
