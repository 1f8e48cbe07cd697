/* The words as rows. */
#include "backoffice/pages/audit_text.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/number.h"

/* {N} is the value in place N. */
static const char *const fact_words[FACT_KINDS] = {
    [FACT_NONE] = "none",
    [FACT_VALUE] = "{0}",
    [FACT_WITHDRAWAL_KEY] = "{0} {1} {2}",
    [FACT_ROW_KEY] = "{0} {1} {2} row {3}",
    [FACT_ADVICE_KEY] = "{0} {1} {2} advice {3}",
    [FACT_NOTICE_KEY] = "{0} {1} {2} notice {3}",
    [FACT_DETAIL_KEY] = "{0} {1} {2} {3} {4}",
    [FACT_DETAIL_PLACE_KEY] = "{0} {1} {2} {3} {4}, place since {5}",
    [FACT_EXCEPTION_KEY] = "{0} {1} {2}, {3} {4} {5}",
    [FACT_DAY_KEY] = "day {0}",
    [FACT_RULE_KEY] = "{0} {1}",
    [FACT_POST_KEY] = "{0} STAN {1} row {2}, said to be in no sum",
    [FACT_CARD_KEY] = "card {0}",
    [FACT_CARD_DAY_KEY] = "card {0} {1}",
    [FACT_SUMMARY_KEY] = "{0} {1} {2} {3} {4} {5} {6} {7} {8}",
    [FACT_PLACE_KEY] = "{0} {1} {2} {3} {4} {5} {6} {7} {8}, place since {9}",
    [FACT_CONTRACT_KEY] = "{0} from {1}",
    [FACT_COPY_KEY] = "{0} {1}",
    [FACT_COPIED] = "a row that atmd decides from",
    [FACT_WITHDRAWAL] = "a withdrawal",
    [FACT_WITHDRAWAL_APPROVED] = "an approved withdrawal",
    [FACT_WITHDRAWAL_ASKED] = "a withdrawal that a bank was asked about",
    [FACT_OPEN_HOUSE] = "open, card {0}, {1}, house bank",
    [FACT_OPEN_LINK] = "open, card {0}, {1}, link",
    [FACT_ENDED] = "ended",
    [FACT_ADVICE] = "seq {0} {1} -> {2} counted {3} commission {4}",
    [FACT_ADVICE_EARNING] = "an advice that earns {0}",
    [FACT_ROW_EARNING] = "a row that earns {0}, cash {1}",
    [FACT_COMMISSION] = "{0} {1} {2} {3} {4} {5} customer {6}+{7}, interbank {8}+{9}, hall {10}, cash {11}",
    [FACT_EARNED] = "customer {0}+{1}, interbank {2}+{3}, hall {4}, cash {5}",
    [FACT_PRICE] = "tariff {0} tax {1} customer {2}+{3}, interbank {4}+{5}, hall {6}",
    [FACT_PRICE_AT_MOST] = "tariff {0} tax {1} customer {2}+{3}, interbank {4}+{5}, hall {6} at most",
    [FACT_PRICE_KNOWN] = "a tariff and a tax rate of that day",
    [FACT_BAND] = "{0} {1}",
    [FACT_POSTED] = "{0}, or the first day after a later close",
    [FACT_REPORTED] = "a day that reports have",
    [FACT_UNREPORTED] = "posted on {0}, which no report has",
    [FACT_NOTICE] = "a notice",
    [FACT_NOTICE_NONE] = "no notice",
    [FACT_NOTICE_OF] = "{0} {1} {2} {3} {4} {5}",
    [FACT_TO_BE_SENT] = "to be sent to {0}",
    [FACT_TO_BE_SENT_BEHIND] = "to be sent to {0} after those before it",
    [FACT_ACKNOWLEDGED] = "acknowledged",
    [FACT_NOTHING] = "nothing",
    [FACT_OUTCOME] = "{0}, reason {1}",
    [FACT_EXCEPTION] = "an exception '{0}', amount {1}, dispensed {2}",
    [FACT_RESOLUTION] = "dealt with",
    [FACT_DECISION] = "a person's word that {0} yen were dispensed",
    [FACT_RESOLUTIONS] = "{0} exceptions that people dealt with",
    [FACT_PARKED] = "parked",
    [FACT_NOT_PARKED] = "not parked",
    [FACT_VERDICT] = "verdict '{0}'",
    [FACT_ATM] = "ATM {0}",
    [FACT_HALL] = "hall {0}",
    [FACT_ISSUER] = "issuer {0}",
    [FACT_CARD] = "card {0}",
    [FACT_ACCOUNT] = "an account",
    [FACT_LIMIT] = "{0} {1} at most",
    [FACT_NOT_EXCLUDED] = "no card that is excluded",
    [FACT_PIN_REFUSED] = "a PIN that was wrong or missing",
    [FACT_PIN_RIGHT] = "a right PIN after wrong ones",
    [FACT_ADVICE_OF] = "{0} {1} {2}",
    [FACT_EXCLUSION] = "an exclusion",
    [FACT_SUMS] = "withdrawals {0}, cash {1}, customer {2}+{3}, interbank {4}+{5}, hall {6}",
    [FACT_SUMS_EARLIER] =
        "withdrawals {0}, cash {1}, customer {2}+{3}, interbank {4}+{5}, hall {6}, earlier {7}",
    [FACT_USE] = "{0} withdrawals, {1}",
    [FACT_PERIOD_SUMS] = "withdrawals {0}, cash {1}, commission {2}, base fees {3}",
    [FACT_SUMMED] = "summed up",
    [FACT_SUMMED_LATER] = "not summed up: late posts are noted through {0}",
    [FACT_POSTED_ROW] = "a commission row posted on {0}",
    [FACT_UNTIL] = "until {0} or earlier",
    [FACT_NO_END] = "no end",
    [FACT_FAULT] = "{0}",
    [FACT_ATM_DISPENSED] = "the ATM dispensed {0} yen, the database has {1}",
    [FACT_ATM_EXPLAINED] = ("the ATM dispensed {0} yen, the database has {1}: known, the ATM's word is an "
                            "exception ('{2}') that "
                            "is not dealt with yet"),
    [FACT_ATM_SETTLED] =
        "the ATM dispensed {0} yen, the database has {1}: an exception ('{2}'), and dealt with",
    [FACT_ATM_AMOUNT] = "the ATM asked for {0} yen, the database has {1}",
    [FACT_ATM_CARD] = "the ATM had another card than the database",
    [FACT_ATM_STATE] = "to the ATM it is {0}, the database has it {1}",
    [FACT_ATM_ENDED] = "to the ATM it is reversed, declined or blocked, the database has it {0}",
    [FACT_ATM_ANSWER] = "the ATM was answered {0}, the database has {1}",
    [FACT_ATM_CHARGE] = "the customer was charged {0} yen (DE 28), the database has {1} with tax",
    [FACT_ATM_APPROVAL] = "the ATM was given the approval code '{0}', the database has '{1}'",
    [FACT_FEES_WITHOUT_CASH] =
        "no cash was dispensed, but the database has fees of {0} and {1} yen and {2} yen of tax",
    [FACT_FEES_SENSELESS] = "fees of {0} and {1} yen with {2} yen of tax make no sense",
    [FACT_NO_ROW_REFUSED] = "a withdrawal of {0} yen that was refused with {1}; the database has none",
    [FACT_NO_ROW] = "a withdrawal of {0} yen, {1} dispensed; the database has none",
    [FACT_NO_JOURNAL] = "the database has it ({0}, {1} yen dispensed), no journal knows it",
    [FACT_TOTAL] =
        ("in all its dispenser counted {0} yen, its journal has {1}, the database {2}: {3} yen by the "
         "withdrawals below, {4} by none"),
    [FACT_TOTAL_PART] = ("of what was asked for its journal has {0} yen, the database {1}: {2} yen by the "
                         "withdrawals below"),
    [FACT_BANK_ALONE] = "bank {0} has it and holds {1} yen, the database has none",
    [FACT_BANK_UNASKED] = "bank {0} has it and holds {1} yen, the database sent it to no bank",
    [FACT_BANK_OTHER] = "bank {0} has it and holds {1} yen, the database sent it to bank {2}",
    [FACT_BANK_AMOUNT] = "the bank was asked for {0} yen, the database has {1}",
    [FACT_BANK_CHARGE] = "the bank was asked for a charge (DE 28) of {0} yen, the database has {1}",
    [FACT_BANK_CARD] = "the bank has another card than the database",
    [FACT_BANK_RRN] = "the bank has the reference number '{0}', the database '{1}'",
    [FACT_BANK_ANSWER] = "the bank has the answer '{0}', the database '{1}'",
    [FACT_BANK_APPROVAL] = "the bank has the approval code '{0}', the database '{1}'",
    [FACT_BANK_LACKS_REQUEST] = "the bank has answered {0} to us; its journal has no request of it",
    [FACT_BANK_LACKS_ANSWER] = "the bank has answered {0} to us; its journal has nothing of it",
    [FACT_BANK_LACKS_REVERSAL] = "the bank has acknowledged a reversal to us; its journal has nothing of it",
    [FACT_BANK_KEEPS] =
        "the bank keeps of the card-holder's money {0} yen, by what the database has it should be {1}",
    [FACT_BANK_DISPENSED] = "the bank was told that the ATM dispensed {0} yen, the database has {1}",
    [FACT_BANK_UNTOLD] = "the bank has acknowledged the end to us; its journal has none",
    [FACT_BANK_EXCEPTION] = "the bank was told of cash that does not fit what it knew",
    [FACT_BANK_REFUSED] = "the bank answered our {0} with {1} and did not book it; no exception says so",
    [FACT_BANK_EXPLAINED] =
        ("the bank answered our {0} with {1} and keeps {2} yen; by what the database has it should be {3}: "
         "known, an exception says so that is not dealt with yet"),
    [FACT_BANK_SETTLED] =
        ("the bank answered our {0} with {1} and keeps {2} yen; by what the database has it should be {3}: "
         "an exception, and dealt with"),
    [FACT_UNACKNOWLEDGED] = "its advice is not acknowledged yet",
    [FACT_UNENDED] = "the ATM has not brought it to its end",
    [FACT_UNDECIDED] = "its bank is still being asked",
    [FACT_NOT_RECOVERED] =
        "it could not be brought back from journals ('{0}'), an exception that is not dealt with yet",
    [FACT_NOT_RECOVERED_SETTLED] =
        "it could not be brought back from journals ('{0}'), an exception that was dealt with",
    [FACT_GOING_ON] = "it went on while the sides were read",
    [FACT_BANK_WAITING] = "its bank has not acknowledged yet what it must be told",
};

static const char *const check_texts[CHECK_COUNT] = {
    [CHECK_COMMISSION] = ("the commission rows of a withdrawal add up to its price and its cash if "
                          "cash was dispensed, else to nothing"),
    [CHECK_COMMISSION_ROW] = ("each commission row is its withdrawal's price, caused by an "
                              "advice that says so, and each such advice has its row"),
    [CHECK_PRICE] = "tariff and tax of a withdrawal are those of the reference rows of its date",
    [CHECK_BAND] = "business date and band of a withdrawal follow from its moment and the holidays",
    [CHECK_ADVICE] = "each advice did to its withdrawal what the table of states says",
    [CHECK_DAY_SUM] = "the sums of a day by ATM, hall, issuer and band are those of its commission rows",
    [CHECK_CARD_DAY] = ("a card's use of a day is what its withdrawals took: dispensed cash, or all "
                        "where the end is not known"),
    [CHECK_CARD_MONTH] = "a card's use of a calendar month likewise",
    [CHECK_ACCOUNT] = ("an account of the house bank holds what it opened with less what its card's "
                       "withdrawals took and cost; a card that was replaced has none"),
    [CHECK_OPEN_WITHDRAWAL] = "the open withdrawals are the asked and the approved ones without an end",
    [CHECK_OUTCOME] = ("each outcome is of a withdrawal that a bank was asked about, and is told by the "
                       "advices that follow it"),
    [CHECK_NOTICE] = ("each change that a bank must hear of has its notice, in its order, and there are "
                      "no others"),
    [CHECK_SAF] = ("what is to be sent is the notices that are not acknowledged, and a bank acknowledges "
                   "them in order"),
    [CHECK_ACKNOWLEDGEMENT] = "what a bank has acknowledged, it was told",
    [CHECK_EXCEPTION] =
        ("each advice and each bank's word that people should see has its exception, each exception "
         "its cause, and a resolution is of an exception"),
    [CHECK_PERSON] =
        ("what was decided by a person, dealt with or parked, the trail says, and what it says of that "
         "has been carried out; what is claimed is claimed of a withdrawal"),
    [CHECK_IDENTITY] = "each advice's own numbers speak of its withdrawal, and of no other",
    [CHECK_LIMIT] =
        ("what was approved, or asked about, was within the limits of its day and month, and no card was "
         "excluded"),
    [CHECK_PIN] =
        ("each withdrawal or inquiry that was refused for its PIN is in the history of PINs, in which "
         "nothing else is; and a card's wrong ones are those since the last right one, or since a person "
         "unblocked it, as the trail says"),
    [CHECK_REFERENCE] = ("what a withdrawal that was approved or asked about names exists: ATM, hall, "
                         "issuer, the house bank's card; no exclusion is of a card that was replaced; and "
                         "atmd decides from what the tables say"),
    [CHECK_POSTING] = ("each commission row is posted on its business date, or after it on the first day "
                       "after a close, and on a day that reports have; and a closed period's sums are still "
                       "those it was closed with"),
    [CHECK_SUMMARY] =
        ("all other sums of days and months are those of the commission rows, and the rows that are "
         "said to be in none are there"),
    [CHECK_CONTRACT] = "an ATM stands in one place at a time",
    [CHECK_RULE] =
        "the tables of reasons and of states, and the quarters that there are, are as the programs know them",
    [CHECK_TRAIL] = "what people entered stands as the trail of their changes has it",
    [CHECK_RECOVERY] = ("what was brought back from journals two persons have proposed and confirmed, and "
                        "each withdrawal of it "
                        "is there, or is an exception for people"),
};

const char *audit_check_text(enum verify_check check)
{
        return check_texts[check];
}

/* The value in a place, and how long it is. */
static const char *value_at(const char *values, int64_t place, int *ret_length)
{
        const char *end;

        for (; place > 0 && (end = strchr(values, FACT_BETWEEN)); place--)
                values = end + 1;
        end = strchrnul(values, FACT_BETWEEN);
        *ret_length = place > 0 ? 0 : (int)(end - values);
        return values;
}

void audit_text(enum fact_kind kind, const char *values, char buffer[AUDIT_TEXT_MAX])
{
        const char *at = fact_words[kind];
        size_t used = 0;

        buffer[0] = '\0';
        while (*at && used < AUDIT_TEXT_MAX) {
                size_t plain = strcspn(at, "{");
                const char *value = "", *place = at + plain + 1;
                size_t digits = at[plain] ? strcspn(place, "}") : 0;
                int length = 0;

                if (digits)
                        value = value_at(values, number_known_bytes(place, digits), &length);
                used += (size_t)snprintf(buffer + used, AUDIT_TEXT_MAX - used, "%.*s%.*s", (int)plain, at,
                                         length, value);
                at = digits ? place + digits + 1 : at + plain;
        }
}
