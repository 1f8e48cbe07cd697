/*
 * One transaction: from a decoded request to the ledger's op, and from the ledger's answer to the message
 * that the ATM gets. Plain functions; no socket, no clock, no database. service.c moves transactions about.
 *
 *      FREE --take--> IN_HAND --submit--> IN_LEDGER --done--> IN_HAND
 *                     IN_HAND --ask-----> ASKING ----answered, or none in time--> IN_HAND, with the outcome
 *                     IN_HAND --PIN-----> VERIFYING -answered, or not--> IN_HAND
 *                     IN_HAND ----------> STALE -----other reference data, to be decided anew--> IN_HAND
 *                     IN_HAND ----------> PENDING ---after LIMIT_PENDING_POLL_MS, to look again--> IN_HAND
 *                     IN_HAND --answered, or nobody waits any more--> FREE   (so do STALE and PENDING)
 *
 * IN_HAND     with the service alone: being decided, or just back and about to go on; within one call only
 * IN_LEDGER   op is the ledger's until on_done
 * ASKING      exchange is the bank's until on_end
 * VERIFYING   question is the key module's until its end: its PIN's value, or its PIN block for a bank
 * STALE       decided from reference data that have changed, and the new are not here yet
 * PENDING     the bank has been asked about it by another transaction, and nothing is decided
 *
 * Invariants: a transaction outlives its connection, so it owns all that its answer needs: the answer's
 * echoes, encoded. It lives in its pool until ledger and bank have given op and exchange back, whoever still
 * waits. Card number, PIN block and the ATM's chip data are wiped as soon as the bank's 0200 has been encoded, the echoes, the PIN's value and the bank's
 * chip data when it goes back to the free list. op.request is gone once op is the outcome of the same withdrawal: they share their
 * memory.
 */
#ifndef DAEMON_TXN_H
#define DAEMON_TXN_H

#include <sys/queue.h>

#include "config/bank_codes.h"
#include "daemon/banks/bank_session.h"
#include "daemon/ledger/ledger.h"
#include "daemon/txn_pin.h"
#include "keymodule/client/key_client.h"
#include "lib/security/token.h"
#include "protocol/chip.h"
#include "protocol/profile.h"

/* MTI, two bitmaps and every field that an answer to a request or an advice echoes, at its longest:
 * 2, 3, 4, 7, 11, 32, 41, 42, 49 take 94 bytes with their lengths. */
enum { TXN_ECHO_MAX = 4 + 16 + 108 };

enum txn_state {
        TXN_FREE,
        TXN_IN_HAND,
        TXN_IN_LEDGER,
        TXN_VERIFYING,
        TXN_STALE,
        TXN_ASKING,
        TXN_PENDING,
        TXN_STATE_COUNT
};

struct txn {
        struct ledger_op op;
        enum txn_state state;
        const struct profile_row *row;
        enum processing_kind processing; /* of a MESSAGE_REQUEST */
        uint64_t session;                /* the handle of who waits; 0: nobody any more */
        int64_t started_ms, deadline_ms; /* steady time */
        int decisions;
        struct profile_card card;     /* of a MESSAGE_REQUEST: to decide anew, and for the bank's 0200 */
        struct txn_pin pin;           /* of the same */
        struct bank_pin bank_pin;     /* the same for the bank of `route`, where that wants one */
        struct key_question question; /* about it */
        /* Of a repeat whose PIN is to be verified: the op only asks the ledger whether it knows it, and it does not. */
        bool looks, has_looked;
        /* Of a request or advice, for the bank; then of the bank's answer, for the ATM. [database] queue_max (4,096) open ones have 1 MB of it. */
        struct chip chip;
        struct bank_route *route; /* the bank that it has a reservation with; NULL: none */
        struct bank_exchange exchange;
        int64_t poll_ms; /* PENDING: when to look again, steady time */
        uint16_t echo_length;
        uint8_t echo[TXN_ECHO_MAX];
        TAILQ_ENTRY(txn) entry; /* the free list, or the service's by deadline */
};

TAILQ_HEAD(txn_list, txn);

/* What deciding needs to know besides the request. */
struct txn_world {
        const struct reference *reference;
        struct token_key *token_key;
        int64_t business_ms;
        int64_t skew_limit_ms;
};

/*
 * Fill a taken transaction from a request or advice that profile_check has accepted. 0, or -1 with
 * *ret_error filled where a value is of the right form and still means nothing (30 February). The year of DE 7 is
 * the nearest to business time, of an advice's the latest that is at most a day after it; of DE 90's DE 7 the
 * latest that is at most ahead_limit_ms after it: the skew limit, since what is further ahead was refused, and what the clock of the
 * instance that took it may be ahead of this one's.
 */
ATM_MUST_USE int txn_read(struct txn *txn, const struct profile_row *row, const struct iso_message *message,
                          const char *terminal, int64_t business_ms, int64_t ahead_limit_ms,
                          struct iso_error *ret_error);

/* Decide a request or inquiry as far as that goes without shared rows, into txn->op.request. False: the
 * ledger has no partition for its moment, so that no answer could be made durable. */
ATM_MUST_USE bool txn_decide(struct txn *txn, const struct txn_world *world);

/* The answer that the ledger's answer calls for. False: silence. */
ATM_MUST_USE bool txn_answer(const struct txn *txn, struct iso_message *ret_answer);
/* The bank's answer to an inquiry, passed on: its DE 28 and 54. */
void txn_answer_inquiry(const struct txn *txn, enum reason reason, const struct iso_message *bank_answer,
                        struct iso_message *ret_answer);

/* Turn the op into the outcome of its withdrawal, and keep the bank's chip data for the ATM: it is not durable, so that whoever
 * hears a stored answer goes without. bank_answer NULL: there was none in time, and no codes are needed. */
void txn_make_outcome(struct txn *txn, struct token_key *key, const struct bank_codes *codes,
                      const struct iso_message *bank_answer);

/* The answer 96, where the ledger could not be asked: to an inquiry, which leaves nothing behind. False: silence,
 * since an advice is its ATM's to keep, and a withdrawal may be durable already, at whichever instance. */
ATM_MUST_USE bool txn_answer_unavailable(const struct txn *txn, struct iso_message *ret_answer);

/* DE 38 for an identity: always the same, so that whichever instance proposes it, it is one; and keyed (the key of the card tokens, which
 * all instances share), so that nobody who knows the message can compute what an approval of it would say. */
void txn_approval_code(struct token_key *key, const struct ledger_identity *identity,
                       char buffer[APPROVAL_CODE_LENGTH + 1]);

/* The pool: taken and given back without malloc; it grows by blocks up to its limit and never shrinks. */
struct txn_pool {
        struct txn_list free;
        struct txn_block *blocks;
        size_t made, taken, limit;
};

void txn_pool_init(struct txn_pool *pool, size_t limit);
void txn_pool_clear(struct txn_pool *pool);
struct txn *txn_take(struct txn_pool *pool); /* NULL: the limit is reached, or out of memory */
void txn_give_back(struct txn_pool *pool, struct txn *txn);

#endif
