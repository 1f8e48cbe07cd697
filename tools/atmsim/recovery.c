/* One record after the other; see the states in recovery.h. */
#include "tools/atmsim/recovery.h"

#include <string.h>

static bool is_of(const struct journal_record *request, int32_t stan, int64_t transmitted_ms)
{
        return request->terminal[0] && request->stan == stan && request->transmitted_ms == transmitted_ms;
}

static bool apply_answer(struct recovery *recovery, const struct journal_record *record)
{
        if (!recovery->open || !is_of(&recovery->request, record->stan, record->transmitted_ms))
                return false;
        if (strcmp(record->de39, "00")) {
                recovery->open = false;
                return true;
        }
        recovery->answered = true;
        recovery->answer = *record;
        return true;
}

static bool apply_advice(struct recovery *recovery, const struct journal_record *record)
{
        if (!is_of(&recovery->request, record->original_stan, record->original_ms))
                return false;
        recovery->open = true;
        recovery->advised = true;
        recovery->advice = *record;
        return true;
}

static bool apply_acknowledged(struct recovery *recovery, const struct journal_record *record)
{
        if (!recovery->advised || recovery->advice.stan != record->stan ||
            recovery->advice.transmitted_ms != record->transmitted_ms)
                return false;
        recovery->open = false;
        return true;
}

bool recovery_apply(struct recovery *recovery, const struct journal_record *record)
{
        switch (record->kind) {
        case JOURNAL_REQUEST:
                if (recovery->open)
                        return false;
                *recovery = (struct recovery){.last_stan = record->stan, .open = true, .request = *record};
                return true;
        case JOURNAL_INQUIRY:
                recovery->last_stan = record->stan;
                return true;
        case JOURNAL_ANSWER:
                return apply_answer(recovery, record);
        case JOURNAL_ADVICE:
                recovery->last_stan = record->stan;
                return apply_advice(recovery, record);
        case JOURNAL_ACKNOWLEDGED:
                return apply_acknowledged(recovery, record);
        }
        return false;
}
