/*
 * What becomes of a request's PIN block at the key module: the value (PVV or offset) that the ledger compares with the card's. Plain functions on one
 * transaction; service.c says when.
 *
 * Asked is where the card's issuer wants PINs verified here, nothing known beforehand refuses the request, and there is a block and no value yet. Where none
 * comes the ledger refuses the request (55) and counts nothing; so it does where the block is not in order, which says nothing of the holder's PIN.
 */
#ifndef DAEMON_PIN_VERIFY_H
#define DAEMON_PIN_VERIFY_H

#include "daemon/pin_question.h"

/* Of a request that txn_decide has decided. */
bool pin_verify_is_needed(const struct txn *txn);

/* By the transaction's question, whose `ended` and context are set. False: the module is away, or a key that is needed is not there (then the log says so). */
ATM_MUST_USE bool pin_verify_ask(struct txn *txn, const struct session_keys *keys);

enum pin_verified pin_verify_take(struct txn *txn, const struct key_message *answer);

#endif
