/*
 * The rows of the ledger in memory: the second opinion about what sql/080_ledger.sql does to its tables, for the simulation and the
 * contract test. What an advice does and which reason wins come from rules/, where sql has tables of its own, so that the test compares
 * those too.
 *
 * A database survives a daemon's crash and is shared by any number of ledgers (ledger_mem.h). Each function is a transaction. The rows
 * are open to whoever checks invariants, and to nobody for changing them.
 */
#ifndef TESTS_LEDGER_MEM_MEMORY_H
#define TESTS_LEDGER_MEM_MEMORY_H

#include <stdio.h>

#include <uthash.h>

#include "config/bank_codes.h"
#include "daemon/ledger/ledger.h"

/* rows ---------------------------------------------------------------------------------------------- */

enum memory_card_status { MEMORY_CARD_ACTIVE, MEMORY_CARD_LOST, MEMORY_CARD_STOLEN, MEMORY_CARD_REPLACED };

struct memory_exclusion {
        int32_t from_day, until_day; /* INT32_MAX: renewed every year */
};

/* What became of a PIN; its number is its place. */
struct memory_pin_event {
        const char *kind;                /* as pin_event.kind */
        struct ledger_identity identity; /* zeros: a person's word */
        bool is_inquiry;
};

/* A card that somebody has told us of, or of another bank and used. */
struct memory_card {
        uint8_t token[CARD_TOKEN_LENGTH]; /* the key */
        bool in_bank;                     /* it has a row of card; what follows up to the balance is that's */
        bool only_used;                   /* the row was made at its first use */
        char expiry_yymm[5];              /* "": its bank's business */
        enum card_kind kind;
        enum memory_card_status status;
        bool is_replaced;
        uint8_t replaced_by[CARD_TOKEN_LENGTH]; /* of one that is: by which */
        uint8_t successor[CARD_TOKEN_LENGTH];   /* and where its account, use and exclusions stand now */
        bool has_account;
        int64_t opening_yen, balance_yen;
        int32_t day[2], month[2]; /* the newest dates of its use, which alone stand in the row; 0: none */
        char pin_value[PIN_VALUE_MAX + 1]; /* "": none is known */
        int pin_tries;
        struct memory_pin_event *pin_events;
        size_t pin_event_count;
        struct memory_exclusion *exclusions;
        size_t exclusion_count;
        UT_hash_handle hh;
};

struct memory_advice {
        struct ledger_advice advice; /* without its chip data, which waits in saf */
        bool by_person;              /* an operator's word; then `reversal` says nothing */
        int64_t recorded_ms;
        int64_t advice_ms; /* the advice's own identity */
        int32_t advice_stan;
        enum withdrawal_state before, after;
        int64_t counted_yen;
        int commission;
};

struct memory_commission {
        size_t seq;
        int sign;
        int64_t cash_yen;   /* by which the cash that counts as dispensed changes */
        struct price price; /* times the sign */
        int32_t posted_day; /* its withdrawal's, or the first that is open in the books */
        bool unsummed;      /* posted to a day that has its sums, which lack it */
};

/* How it went with the bank: the row that answer, time-out and the ATM's reversal compete for. */
enum memory_cause { MEMORY_CAUSE_ANSWER, MEMORY_CAUSE_TIMEOUT, MEMORY_CAUSE_REVERSAL, MEMORY_CAUSE_OPERATOR };

struct memory_outcome {
        enum reason reason;
        enum memory_cause cause;
        char approval_code[APPROVAL_CODE_LENGTH + 1];
        char bank_de39[3];
};

enum { MEMORY_SEQ_LATE = 32767 };
enum memory_notice_kind { MEMORY_NOTICE_COMPLETION, MEMORY_NOTICE_PARTIAL, MEMORY_NOTICE_REVERSAL };

/* What the bank must be told; acknowledged once it has a row of bank_ack. */
struct memory_notice {
        /* 0: of a time-out; MEMORY_SEQ_LATE: of a late approval; else of the advice that caused it */
        int16_t seq;
        enum memory_notice_kind kind;
        int64_t amount_yen, charge_yen, dispensed_yen;
        char why[3];
        bool acknowledged;
        enum notice_verdict verdict; /* once it is acknowledged, like those below */
        char de39[3];
        int32_t attempts;
        int64_t acknowledged_ms;
};

/* A withdrawal with its history; seq of an advice is its place, from 1. */
struct memory_withdrawal {
        struct ledger_identity identity; /* the key; unused bytes are zero */
        struct ledger_request request;   /* of a blocked identity: the amount and the business day alone; link
                                          * is "" unless its bank was asked, or it was refused for want of it */
        enum reason reason;              /* REASON_COUNT for NULL: the bank was asked; see outcome */
        bool has_outcome;
        struct memory_outcome outcome;
        struct memory_advice *advices;
        size_t advice_count;
        struct memory_commission *commissions;
        size_t commission_count;
        struct memory_notice *notices;
        size_t notice_count;
        bool open;
        int64_t asked_ms;    /* while it is open */
        int64_t approved_ms; /* by us or by its bank; 0: it is not */
        UT_hash_handle hh;
};

/* An inquiry in which a PIN was looked at. */
struct memory_inquiry {
        struct ledger_identity identity; /* the key; unused bytes are zero */
        enum reason reason;
        int32_t processing_code;
        uint8_t card_token[CARD_TOKEN_LENGTH];
        int64_t balance_yen; /* of an approved one */
        UT_hash_handle hh;
};

struct memory_saf_key {
        struct ledger_identity identity;
        int32_t seq;
};

/* A notice that its bank has not acknowledged yet. */
struct memory_saf {
        struct memory_saf_key key;
        char link[ISSUER_MAX + 1];
        int64_t created_ms, due_ms;
        int32_t attempts;
        bool parked;
        char last_error[64]; /* "": none */
        struct chip_data chip;
        UT_hash_handle hh;
};

enum { MEMORY_HOLDER_MAX = 63 };

struct memory_lease {
        char link[ISSUER_MAX + 1]; /* the key */
        char holder[MEMORY_HOLDER_MAX + 1];
        int64_t until_ms;
        UT_hash_handle hh;
};

struct memory_usage_key {
        uint8_t token[CARD_TOKEN_LENGTH];
        int32_t day; /* of a month: its first */
};

struct memory_usage {
        struct memory_usage_key key;
        int64_t cash_yen;
        int64_t withdrawals; /* by day alone, as are corrections by message */
        int64_t corrections;
        UT_hash_handle hh;
};

/* What was posted on a day, by ATM, hall and bank: made when memory_sum_up is told to. */
struct memory_sum_key {
        char terminal[TERMINAL_LENGTH + 1];
        char hall[HALL_MAX + 1];
        char issuer[ISSUER_MAX + 1];
        int32_t posted_day;
        enum band band;
};

struct memory_sum {
        struct memory_sum_key key;
        int64_t withdrawals, cash_yen;
        int64_t customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, hall_share_yen;
        UT_hash_handle hh;
};

/* A quarter that was closed, with what its days sum to since. */
struct memory_period {
        int32_t from_day, to_day; /* both included; from_day is the key */
        int64_t without_end;      /* withdrawals, then */
        int64_t withdrawals, cash_yen, commission_yen;
        UT_hash_handle hh;
};

enum memory_exception_kind { MEMORY_EXCEPTION_COMPLETION, MEMORY_EXCEPTION_REVERSAL, MEMORY_EXCEPTION_BANK };

struct memory_exception_key {
        struct ledger_identity advice, original;
        enum memory_exception_kind kind;
        char what[32];
};

/* Whose end an advice told, by its own numbers. */
struct memory_advice_identity_key {
        struct ledger_identity advice;
        int32_t reversal;
};

struct memory_advice_identity {
        struct memory_advice_identity_key key;
        struct ledger_identity original;
        UT_hash_handle hh;
};

struct memory_exception {
        struct memory_exception_key key;
        int64_t amount_yen, dispensed_yen;
        bool resolved;
        UT_hash_handle hh;
};

/* the database -------------------------------------------------------------------------------------- */

/* Deliberate defects, for the tests that show that the simulation's invariants find such things. */
enum ledger_mem_defect {
        LEDGER_MEM_SOUND,
        LEDGER_MEM_ANSWERS_BEFORE_COMMIT,
        LEDGER_MEM_DECIDES_REPEATS_ANEW,
        LEDGER_MEM_KEEPS_COMMISSION,    /* after a reversal */
        LEDGER_MEM_PAYS_LATE_APPROVALS, /* that come after a time-out or a reversal */
        LEDGER_MEM_FORGETS_REVERSALS,   /* that a time-out should queue */
        LEDGER_MEM_FORGETS_COMPLETIONS, /* that an advice should queue */
        LEDGER_MEM_TIMES_OUT_APPROVALS, /* which may have left */
        LEDGER_MEM_KEEPS_USAGE,         /* of what a bank declined */
        LEDGER_MEM_TAKES_OUT_OF_ORDER,  /* notices of one withdrawal */
        LEDGER_MEM_REPEATS_AFTER_END,   /* approvals of withdrawals that have their end */
        LEDGER_MEM_REPEATS_FOR_EVER,    /* approvals that nobody waits for any more */
        LEDGER_MEM_OVERRIDES_PEOPLE,    /* by an ATM's advice */
        LEDGER_MEM_HURRIES_PEOPLE,      /* lets them decide while the ATM may still pay out */
        LEDGER_MEM_CORRECTS_LATE,       /* at any age */
        LEDGER_MEM_CORRECTS_OFTEN,      /* any number of times a card and day */
        LEDGER_MEM_BELIEVES_REFUSALS,   /* takes a notice that the bank refused for heard and booked */
        LEDGER_MEM_REPEATS_REPEATED,    /* sends again what the bank says it had before */
        LEDGER_MEM_FORGETS_PUT_OFF,     /* does not send again what the bank does not want now */
        LEDGER_MEM_DECIDES_STALE,  /* from a version of the reference data that is not current any more */
        LEDGER_MEM_SWAPS_HALF,     /* of a snapshot: the new version's number, and the old one's halls */
        LEDGER_MEM_TELLS_NEW_LINK, /* tells the bank that is the issuer's now, not the one that was asked */
        LEDGER_MEM_FORGETS_LATE_POSTS, /* to days that have their sums */
        LEDGER_MEM_POSTS_INTO_CLOSED,  /* days, of which a report was printed */
        LEDGER_MEM_COUNTS_TWICE,       /* a person's decision, and then its ATM's */
        LEDGER_MEM_SENDS_HELD,         /* notices that people hold back */
        LEDGER_MEM_SERVES_REPLACED,    /* cards */
        LEDGER_MEM_FORGETS_REPORTS,    /* of chips */
        LEDGER_MEM_CHANGES_PRICED,     /* what a price follows from, under withdrawals that have it */
        LEDGER_MEM_TAKES_ANY_PIN, /* that can be compared; from here on ATMs have keys, and their customers PINs */
        LEDGER_MEM_COUNTS_NO_PIN,    /* as if it were a wrong one */
        LEDGER_MEM_KEEPS_WRONG_PINS, /* after a right one */
};

struct memory_database {
        const struct reference *reference; /* the owner's; what is current */
        const struct reference *torn;      /* what a ledger takes for it that swaps half of it; NULL: none */
        enum ledger_mem_defect defect;
        struct memory_card *cards;
        struct memory_withdrawal *withdrawals;
        struct memory_inquiry *inquiries;
        struct memory_usage *months, *days;
        struct memory_sum *sums;
        int32_t summed_day_last; /* the days up to it have their sums; INT32_MIN: none */
        struct memory_period *periods;
        int32_t closed_day_last; /* the books are closed through it; INT32_MIN: nothing is closed */
        struct memory_exception *exceptions;
        struct memory_advice_identity *advice_identities;
        struct memory_saf *saf;
        struct memory_lease *leases;
        /* Called after each op that was committed, and each time-out of a sweep; may be NULL. */
        void (*on_commit)(struct memory_database *database, const struct ledger_op *op, void *context);
        void *context;
        /* The database's own clock; NULL: real time stands still. */
        int64_t (*clock_ms)(void *context);
};

struct memory_database *memory_database_new(const struct reference *reference);
void memory_database_free(struct memory_database *database);

/* Sum up the days through day_last, and what was posted since to days before. */
void memory_sum_up(struct memory_database *database, int32_t day_last);
void memory_add_to_sum(struct memory_sum **sums, const struct memory_withdrawal *withdrawal,
                       const struct memory_commission *commission);

/* period_close, of the quarter that the day lies in: NULL, or why nothing was done. */
const char *memory_period_close(struct memory_database *database, int32_t day, bool force);
void memory_quarter_of(int32_t day, int32_t *ret_from_day, int32_t *ret_to_day);

/* Operators at work. A reference stays its owner's and must outlive every ledger that has seen it. */
void memory_set_reference(struct memory_database *database, const struct reference *reference);

/* Has any withdrawal a price (it was approved, or its bank was asked, whatever became of it) that a change for these days would
 * follow from? Of the issuer, in the hall and with the first digits of the card, where they are given: then the change is refused. */
struct memory_priced {
        int32_t from_day, to_day; /* both included */
        const char *issuer, *hall, *digits;
};
bool memory_is_priced(const struct memory_database *database, const struct memory_priced *question);

void memory_add_card(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                     const char *expiry_yymm, enum card_kind kind);
void memory_add_account(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                        int64_t opening_yen);
void memory_add_exclusion(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                          int32_t from_day, int32_t until_day);
void memory_set_card_status(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                            enum memory_card_status status);
/* pin_set, of a card that was not replaced. */
void memory_set_pin(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH],
                    const char *pin_value);
/* card_unblock. False: nothing is counted, or it was replaced. */
bool memory_card_unblock(struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH]);

/* One pair of card_replace: NULL where it was done, or its word for why not. Without an expiry: NULL; with
 * MEMORY_CARD_ACTIVE the old card is refused for what it is already. */
struct memory_replacement {
        const uint8_t *old_token, *new_token;
        bool is_house;     /* the new number's bank has its accounts here */
        bool is_same_bank; /* as the old number's */
        const char *expiry_yymm;
        enum memory_card_status status;
        const char *pin_value; /* NULL: none is known yet */
};
const char *memory_card_replace(struct memory_database *database,
                                const struct memory_replacement *replacement);
/* The token under which the card's account, use and exclusions stand now. */
const uint8_t *memory_holder(const struct memory_database *database, const uint8_t token[CARD_TOKEN_LENGTH]);

struct memory_card *memory_card(const struct memory_database *database,
                                const uint8_t token[CARD_TOKEN_LENGTH]);
struct memory_withdrawal *memory_withdrawal(const struct memory_database *database,
                                            const struct ledger_identity *identity);
struct memory_inquiry *memory_inquiry(const struct memory_database *database,
                                      const struct ledger_identity *identity);
const struct memory_usage *memory_month(const struct memory_database *database,
                                        const uint8_t token[CARD_TOKEN_LENGTH], int32_t business_day);
const struct memory_usage *memory_day(const struct memory_database *database,
                                      const uint8_t token[CARD_TOKEN_LENGTH], int32_t business_day);

/* What was decided, by ourselves or with the bank; REASON_COUNT: nothing yet. */
enum reason memory_reason(const struct memory_withdrawal *withdrawal);
enum withdrawal_state memory_state(const struct memory_withdrawal *withdrawal);
/* The cash that counts as used: all of an open withdrawal, what was dispensed of an ended one. */
int64_t memory_counts_yen(const struct memory_withdrawal *withdrawal);
const struct memory_saf *memory_saf(const struct memory_database *database,
                                    const struct ledger_identity *identity, int seq);
/* No other of the same withdrawal goes before it. */
bool memory_saf_is_first(const struct memory_database *database, const struct memory_saf *saf);

/*
 * Every row of every table as a line of text, "table|column|...", sorted: days as 2016-12-31, moments as
 * milliseconds, "-" for NULL. The contract test makes the same lines from PostgreSQL.
 */
void memory_print(const struct memory_database *database, FILE *out);

/* banks --------------------------------------------------------------------------------------------- */

/* The functions of sql/080_ledger.sql by the same names, each a transaction, by the database's clock. `taken` has
 * room for `max`. */
struct memory_taken {
        struct ledger_identity identity;
        struct memory_notice notice; /* attempts: this one included */
        struct chip_data chip;
};
size_t memory_saf_take(struct memory_database *database, const char *link, const char *holder,
                       int64_t lease_ms, int64_t first_ms, int64_t longest_ms, size_t max,
                       struct memory_taken *taken);

/* error NULL: acknowledged; else why not. Returns how many are acknowledged by this. */
struct memory_ended {
        struct ledger_identity identity;
        int16_t seq;
        enum notice_verdict verdict;
        const char *said; /* the bank's DE 39, or why there is none */
};
int memory_saf_end(struct memory_database *database, const struct memory_ended *ended, size_t count);

/* All that is there becomes older by so much. */
void memory_age(struct memory_database *database, int64_t ms);

int memory_sweep(struct memory_database *database, int64_t age_ms, int max);

/* operator_resolve, without `elsewhere`: NULL, or why nothing was done. Its exceptions are resolved with it. */
const char *memory_operator_resolve(struct memory_database *database, const struct ledger_identity *identity,
                                    int64_t dispensed_yen, int64_t advice_ms, int64_t youngest_ms);

/* operator_saf, for one notice. False: it is not there, or parked already. */
bool memory_operator_saf(struct memory_database *database, bool park, const struct ledger_identity *identity,
                         int seq);

#endif
