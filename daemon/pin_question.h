/*
 * What is asked of the key module about a request's PIN block, whether its value is wanted (pin_verify.h) or the block of a bank (pin_translate.h): the terminal's key and
 * the block are the same, and so is what an answer means that is not good.
 */
#ifndef DAEMON_PIN_QUESTION_H
#define DAEMON_PIN_QUESTION_H

#include "daemon/macs/session_keys.h"
#include "daemon/txn.h"

/* For whom, and what: the log says both where a key can't be used. */
struct pin_use {
        enum key_command command;
        enum key_owner owner_kind;
        const char *owner;
};

enum pin_verified {
        PIN_VERIFIED, /* the request has its value, right or wrong the ledger says; or the bank's block */
        PIN_UNREADABLE, /* the block is of another format, key or card, or holds no PIN: it is wiped, and there is nothing for it */
        PIN_NOBODY_KNOWS, /* there was no answer in time, or one that says nothing of the block */
};

/* The question but for what the command alone wants; other_block NULL: the owner has no key, `missing` says which. False: a key is not there, which the log says. */
ATM_MUST_USE bool pin_question_put(const struct txn *txn, const struct session_keys *keys,
                                   const struct pin_use *use, const char *other_block, const char *missing,
                                   struct key_message *ret_message);

/* Of an answer that is not good, or not there (NULL). */
enum pin_verified pin_question_unmet(struct txn *txn, const struct pin_use *use,
                                     const struct key_message *answer);

/* That a key can't be used: somebody's fault who looks after keys. */
void pin_question_log(const struct txn *txn, const struct pin_use *use, const char *code, const char *reason);

#endif
