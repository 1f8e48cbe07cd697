/*
 * What becomes of a request's PIN block at the key module where the card's bank verifies it: the same PIN under the link's key, in the format of its dialect. Plain functions on
 * one transaction; service.c says when.
 *
 * Asked is before the ledger, and so before anything is durable: what can't be translated is never asked of the bank. The block that comes of it is under one set of the
 * link's, which the 0200 names for block and MAC. It is in this transaction alone: nobody sends a request with a PIN from the database's rows.
 */
#ifndef DAEMON_PIN_TRANSLATE_H
#define DAEMON_PIN_TRANSLATE_H

#include "daemon/pin_verify.h"

/* Of a request that txn_decide has decided, and whose bank has a place for it. */
bool pin_translate_is_needed(const struct txn *txn);

/* Until it is taken. */
bool pin_translate_is_asked(const struct txn *txn);

/* As pin_verify_ask and pin_verify_take, whose word for a block of the bank's is PIN_VERIFIED. */
ATM_MUST_USE bool pin_translate_ask(struct txn *txn, const struct session_keys *keys);
enum pin_verified pin_translate_take(struct txn *txn, const struct key_message *answer);

#endif
