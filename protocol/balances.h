/*
 * DE 54: balances as groups of 20 characters, of which an ATM's message holds six. A group is account type 2, amount
 * type 2 (02 available, 01 ledger), currency 3, C or D, and 12 digits of yen.
 */
#ifndef PROTOCOL_BALANCES_H
#define PROTOCOL_BALANCES_H

#include "protocol/iso8583.h"

#define BALANCE_MAX_YEN INT64_C(999999999999) /* what twelve digits say */

/* The available and the ledger balance of an account, both so much; what is further from zero than BALANCE_MAX_YEN is
 * said to be that. account_type: the middle of DE 3. */
void balances_set(struct iso_message *message, int account_type, int64_t balance_yen);

/* Whether a message has DE 54, and whole groups in it. */
ATM_MUST_USE bool balances_are_whole(const struct iso_message *message);

/* Pass a bank's groups on to an ATM: where they are more than six, its available and ledger balances first. */
void balances_echo(struct iso_message *to, const struct iso_message *from);

#endif
