#include "backoffice/audit/verify_pins.h"

#include <string.h>

#include "rules/reasons.h"

static bool is_refused(const struct kept_withdrawal *w)
{
        return w->reason == REASON_PIN_WRONG;
}

/* Whatever else refused it comes after a wrong PIN among the reasons. */
static bool is_passed(const struct kept_withdrawal *w)
{
        return w->present && (w->reason == REASON_APPROVED || w->reason > REASON_PIN_WRONG);
}

void verify_pin_event(struct verify_history *h, struct copy_out *copy)
{
        struct withdrawal_key key;
        struct kept_withdrawal *w = kept_take(&h->kept, copy, &key);
        uint8_t card[UUID_SIZE];
        bool is_right;
        struct fact expected = history_fact(FACT_NONE), found;

        if (!w)
                return;
        copy_uuid(copy, card);
        is_right = copy_bool(copy);
        h->findings->checked[CHECK_PIN]++;
        if (!memcmp(card, w->card, UUID_SIZE) && (is_right ? is_passed(w) : is_refused(w)) &&
            !w->has_pin_event) {
                w->has_pin_event = true;
                return;
        }
        found = history_fact(is_right ? FACT_PIN_RIGHT : FACT_PIN_REFUSED);
        verifying_tell(h, CHECK_PIN, &key, &expected, &found);
}

void verify_pins(struct verify_history *h, const struct withdrawal_key *key, const struct kept_withdrawal *w)
{
        const struct fact expected = history_fact(FACT_PIN_REFUSED), none = history_fact(FACT_NONE);

        /* a bank's is refused so where none came, and is compared by the bank */
        if (is_refused(w) && !w->has_pin_event && !w->is_banks)
                verifying_tell(h, CHECK_PIN, key, &expected, &none);
}
