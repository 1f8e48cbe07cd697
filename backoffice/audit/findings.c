#include "backoffice/audit/findings.h"
#include "lib/base/array.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const verify_check_name[CHECK_COUNT] = {
    [CHECK_COMMISSION] = "commission",
    [CHECK_COMMISSION_ROW] = "commission_row",
    [CHECK_PRICE] = "price",
    [CHECK_BAND] = "band",
    [CHECK_ADVICE] = "advice",
    [CHECK_DAY_SUM] = "day_sum",
    [CHECK_CARD_DAY] = "card_day",
    [CHECK_CARD_MONTH] = "card_month",
    [CHECK_ACCOUNT] = "account",
    [CHECK_OPEN_WITHDRAWAL] = "open_withdrawal",
    [CHECK_OUTCOME] = "outcome",
    [CHECK_NOTICE] = "notice",
    [CHECK_SAF] = "saf",
    [CHECK_ACKNOWLEDGEMENT] = "acknowledgement",
    [CHECK_EXCEPTION] = "exception",
    [CHECK_PERSON] = "person",
    [CHECK_IDENTITY] = "identity",
    [CHECK_LIMIT] = "limit",
    [CHECK_PIN] = "pin",
    [CHECK_REFERENCE] = "reference",
    [CHECK_POSTING] = "posting",
    [CHECK_SUMMARY] = "summary",
    [CHECK_CONTRACT] = "contract",
    [CHECK_RULE] = "rule",
    [CHECK_TRAIL] = "trail",
    [CHECK_RECOVERY] = "recovery",
};

static bool keep(struct findings *findings, const struct difference *difference)
{
        struct difference *named =
            array_with_room(findings->named, &findings->capacity, findings->count, sizeof(*named));

        if (!named)
                return false;
        findings->named = named;
        findings->named[findings->count++] = *difference;
        return difference->key.values && difference->expected.values && difference->found.values;
}

static struct kept_fact kept(const struct fact *fact)
{
        return (struct kept_fact){fact->kind, strdup(fact->values)};
}

void findings_add(struct findings *findings, enum verify_check check, const struct fact *key,
                  const struct fact *expected, const struct fact *found)
{
        assert(fact_is_complete(key) && fact_is_complete(expected) && fact_is_complete(found));
        findings->differ[check]++;
        findings->differences++;
        if (findings->failed || findings->count == DIFFERENCES_NAMED_MAX)
                return;
        findings->failed =
            !keep(findings, &(struct difference){check, kept(key), kept(expected), kept(found)});
}

static int compare(const void *a, const void *b)
{
        const struct difference *x = a, *y = b;

        return x->check != y->check ? (x->check > y->check) - (x->check < y->check)
                                    : strcmp(x->key.values, y->key.values);
}

void findings_sort(struct findings *findings)
{
        if (findings->count)
                qsort(findings->named, findings->count, sizeof(*findings->named), compare);
}

void findings_free(struct findings *findings)
{
        for (size_t i = 0; i < findings->count; i++) {
                free(findings->named[i].key.values);
                free(findings->named[i].expected.values);
                free(findings->named[i].found.values);
        }
        free(findings->named);
}
