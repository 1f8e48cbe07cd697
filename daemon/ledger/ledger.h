/*
 * The ledger's face: withdrawals, inquiries and advices go in, durable answers come out.
 *
 * One struct ledger_op is one piece of work. Whoever submits it owns its memory but must not touch it until
 * its on_done has been called, which happens exactly once, never from within ledger_submit. Two back ends
 * stand behind the face: ledger_pg (PostgreSQL, batched) and tests/ledger_mem (simulation, tests); a contract
 * test gives both the same plays and wants the same answers and rows.
 *
 *      FREE --submit--> WAITING --batch leaves--> IN_FLIGHT --commit seen--> done
 *                          |                          |--serialization failure, lost connection--> WAITING
 *                          '--database or standby gone--> done (UNAVAILABLE)
 *
 * Invariants: an answer is given only after its commit was seen (I1). An op in flight when the connection
 * is lost is never given up: whether it was committed is unknown, so it is sent again first, and its
 * identity makes that a look-up where it was. (The submitter stops waiting at its own deadline.)
 */
#ifndef DAEMON_LEDGER_LEDGER_H
#define DAEMON_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "protocol/chip.h"
#include "rules/decide.h"
#include "rules/withdrawal.h"

enum { CARD_TOKEN_LENGTH = 16, APPROVAL_CODE_LENGTH = 6, PIN_VALUE_MAX = 12, LEDGER_WHAT_MAX = 15 };

enum ledger_kind { LEDGER_REQUEST, LEDGER_INQUIRY, LEDGER_ADVICE, LEDGER_OUTCOME, LEDGER_KIND_COUNT };

enum ledger_status {
        LEDGER_DECIDED, /* durable now; for an inquiry without a PIN: looked up */
        LEDGER_STORED,  /* a repeat: the answer that was durable already */
        LEDGER_ASK,     /* a request: its intent is durable, limits are taken; the bank is to be asked. An
                             * inquiry: nothing stands against passing it on */
        LEDGER_PENDING, /* a repeat of a request whose bank was asked and about which nothing is decided */
        LEDGER_STALE,   /* nothing written: decided from another version of the reference data */
        LEDGER_UNAVAILABLE, /* nothing written by this op: no database, or the queue is full */
        LEDGER_UNKNOWN,     /* an earlier sending may have been committed: nothing may be said */
};

/* DE 41 + DE 11 + DE 7; the kind of message is the op's. */
struct ledger_identity {
        char terminal[TERMINAL_LENGTH + 1];
        int64_t transmitted_ms;
        int32_t stan;
};

/* A 0200, with what decide_request found. Strings are "" where unknown. */
struct ledger_request {
        int64_t reference_version;
        int32_t processing_code; /* DE 3 */
        int64_t amount_yen;
        uint8_t card_token[CARD_TOKEN_LENGTH];
        char pan_mask[20];
        char expiry_yymm[5];
        char issuer[ISSUER_MAX + 1];
        char link[ISSUER_MAX + 1]; /* the bank to be asked; "": the house bank */
        char hall[HALL_MAX + 1];
        int32_t business_day;
        struct price price;
        int64_t limit[LIMIT_KIND_COUNT];
        enum reason refusal;   /* REASON_APPROVED: none known to C */
        int16_t pin_tries_max; /* so many wrong PINs and its issuer refuses the card; 0: no PIN is wanted */
        char pin_value[PIN_VALUE_MAX +
                       1]; /* what the key module made of the PIN; "": none came. Never a PIN */
        char approval_code[APPROVAL_CODE_LENGTH + 1]; /* DE 38 if it is approved */
};

struct ledger_advice {
        bool reversal;
        struct ledger_identity original; /* the terminal is the op's */
        int64_t amount_yen;              /* DE 4 */
        int64_t dispensed_yen;
        char why[3]; /* DE 39 of a reversal, else "" */
        /* The submitter's, for the bank's notice alone; NULL or no length: none. */
        const struct chip_data *chip;
};

/* What became of a request that a bank was asked about. Answer, time-out and the ATM's own reversal compete:
 * the first commit wins, and the op's answer says what stands (LEDGER_STORED: it came too late). A time-out
 * queues a reversal to the bank in the same commit. */
enum outcome_cause { OUTCOME_ANSWER, OUTCOME_TIMEOUT, OUTCOME_CAUSE_COUNT };
extern const char *const outcome_cause_name[OUTCOME_CAUSE_COUNT]; /* "answer", "timeout" */

struct ledger_outcome {
        enum outcome_cause cause;
        enum reason reason; /* REASON_APPROVED: the bank approved */
        char approval_code[APPROVAL_CODE_LENGTH + 1];
        char bank_de39[3]; /* "" for a time-out */
};

/* What the ATM is to hear. */
struct ledger_answer {
        enum ledger_status status;
        enum reason reason;          /* of a request or inquiry */
        int32_t business_day;        /* DE 15 */
        int64_t customer_charge_yen; /* DE 28: fee with tax, of an approved withdrawal */
        char approval_code[APPROVAL_CODE_LENGTH + 1];
        int64_t balance_yen;            /* of an approved inquiry */
        char what[LEDGER_WHAT_MAX + 1]; /* the exception or correction that an advice left, "": none */
};

struct ledger_op {
        enum ledger_kind kind;
        struct ledger_identity identity;
        union {
                struct ledger_request request; /* LEDGER_REQUEST, LEDGER_INQUIRY */
                struct ledger_advice advice;
                struct ledger_outcome outcome;
        };
        struct ledger_answer answer; /* valid in on_done */
        void (*on_done)(struct ledger_op *op, void *context);
        void *context;
        /* the ledger's own: */
        TAILQ_ENTRY(ledger_op) entry;
        bool
            look; /* for its identity before it is decided; at first: whether its message says that it is a repeat */
        bool in_doubt; /* was in flight on a connection that was lost; false before the first submit */
        bool alone;    /* its batch failed over somebody's data: to be sent by itself */
        int misses;    /* how often its batch met a key that it had not seen */
};

/* How long, in real time by the database's clock: */
struct ledger_times {
        int64_t wait_ms;    /* an ATM may wait for an approval, repeats included; later repeats are refused */
        int64_t correct_ms; /* after its completion a withdrawal may be corrected by message */
};

struct ledger;

struct ledger_backend {
        void (*submit)(struct ledger *ledger, struct ledger_op *op);
        /* The current snapshot of the reference data, NULL before the first. */
        const struct reference *(*reference)(struct ledger *ledger);
        void (*free)(struct ledger *ledger);
};

/* The first member of each back end's own struct. */
struct ledger {
        const struct ledger_backend *backend;
};

/* Does the op change its card, or wait for whoever does? */
static inline bool ledger_op_locks_card(const struct ledger_op *op)
{
        return op->kind == LEDGER_REQUEST || (op->kind == LEDGER_INQUIRY && op->request.pin_tries_max > 0);
}

static inline void ledger_submit(struct ledger *ledger, struct ledger_op *op)
{
        ledger->backend->submit(ledger, op);
}

static inline const struct reference *ledger_reference(struct ledger *ledger)
{
        return ledger->backend->reference(ledger);
}

static inline void ledger_free(struct ledger *ledger)
{
        if (ledger)
                ledger->backend->free(ledger);
}

#endif
