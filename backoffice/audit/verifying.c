#include "backoffice/audit/verifying.h"

int64_t verifying_decided_us(const struct kept_withdrawal *w)
{
        if (w->is_timed)
                return w->approved_us;
        return w->link != NAME_NONE && !w->has_outcome ? DECIDED_LATELY : DECIDED_ONCE;
}

void verifying_tell(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                    const struct fact *expected, const struct fact *found)
{
        struct fact which;

        history_key(h->names, key, FACT_WITHDRAWAL_KEY, &which);
        findings_add(h->findings, check, &which, expected, found);
}

void verifying_tell_row(struct verify_history *h, enum verify_check check, const struct withdrawal_key *key,
                        enum fact_kind kind, int seq, const struct fact *expected, const struct fact *found)
{
        struct fact which;

        history_key(h->names, key, kind, &which);
        fact_number(&which, seq);
        findings_add(h->findings, check, &which, expected, found);
}

void verifying_tell_missing(struct verify_history *h, enum verify_check check,
                            const struct withdrawal_key *key, enum fact_kind kind, int seq,
                            const struct fact *expected)
{
        const struct fact none = history_fact(FACT_NONE);

        verifying_tell_row(h, check, key, kind, seq, expected, &none);
}
