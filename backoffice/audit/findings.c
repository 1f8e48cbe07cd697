#include "backoffice/audit/findings.h"

#include <stdlib.h>
#include <string.h>

const struct check_text verify_checks[CHECK_COUNT] = {
    [CHECK_COMMISSION] = {"commission",
                          "the commission rows of a withdrawal add up to its price and its cash if "
                          "cash was dispensed, else to nothing"},
    [CHECK_COMMISSION_ROW] = {"commission_row", "each commission row is its withdrawal's price, caused by an "
                                                "advice that says so, and each such advice has its row"},
    [CHECK_PRICE] = {"price", "tariff and tax of a withdrawal are those of the reference rows of its date"},
    [CHECK_BAND] = {"band", "business date and band of a withdrawal follow from its moment and the holidays"},
    [CHECK_ADVICE] = {"advice", "each advice did to its withdrawal what the table of states says"},
    [CHECK_ROLLUP] = {"rollup", "the revenue roll-up is the sum of the commission rows"},
    [CHECK_CARD_DAY] = {"card_day",
                        "a card's use of a day is what its withdrawals took: dispensed cash, or all "
                        "where the end is not known"},
    [CHECK_CARD_MONTH] = {"card_month", "a card's use of a calendar month likewise"},
    [CHECK_ACCOUNT] = {"account",
                       "an account of the house bank holds what it opened with less what its card's "
                       "withdrawals took and cost"},
    [CHECK_OPEN_WITHDRAWAL] = {"open_withdrawal",
                               "the open withdrawals are the asked and the approved ones without an end"},
    [CHECK_OUTCOME] = {"outcome",
                       "each outcome is of a withdrawal that a bank was asked about, and is told by the "
                       "advices that follow it"},
    [CHECK_NOTICE] = {"notice",
                      "each change that a bank must hear of has its notice, in its order, and there are "
                      "no others"},
    [CHECK_SAF] = {"saf",
                   "what is to be sent is the notices that are not acknowledged, and a bank acknowledges "
                   "them in order"},
    [CHECK_ACKNOWLEDGEMENT] = {"acknowledgement", "what a bank has acknowledged, it was told"},
    [CHECK_REFERENCE] = {"reference",
                         "what a withdrawal that was approved or asked about names exists: ATM, hall, "
                         "issuer, the house bank's card"},
    [CHECK_POSTING] = {"posting",
                       "each commission row is posted on its business date, or after it on the first day "
                       "after a close, and a closed period's sums are still those it was closed with"},
    [CHECK_SUMMARY] = {"summary", "the summaries of whole months are the sums of the commission rows"},
    [CHECK_CONTRACT] = {"contract", "an ATM stands in one place at a time"},
};

static bool keep(struct findings *findings, const struct difference *difference)
{
        if (findings->count == findings->capacity) {
                size_t capacity = findings->capacity ? findings->capacity * 2 : 64;
                struct difference *named = reallocarray(findings->named, capacity, sizeof(*named));

                if (!named)
                        return false;
                findings->named = named;
                findings->capacity = capacity;
        }
        findings->named[findings->count++] = *difference;
        return difference->key && difference->expected && difference->found;
}

void findings_add(struct findings *findings, enum verify_check check, const char *key, const char *expected,
                  const char *found)
{
        findings->differ[check]++;
        findings->differences++;
        if (findings->failed || findings->count == DIFFERENCES_NAMED_MAX)
                return;
        findings->failed =
            !keep(findings, &(struct difference){check, strdup(key), strdup(expected), strdup(found)});
}

static int compare(const void *a, const void *b)
{
        const struct difference *x = a, *y = b;

        return x->check != y->check ? (x->check > y->check) - (x->check < y->check) : strcmp(x->key, y->key);
}

void findings_sort(struct findings *findings)
{
        if (findings->count)
                qsort(findings->named, findings->count, sizeof(*findings->named), compare);
}

void findings_free(struct findings *findings)
{
        for (size_t i = 0; i < findings->count; i++) {
                free(findings->named[i].key);
                free(findings->named[i].expected);
                free(findings->named[i].found);
        }
        free(findings->named);
}
