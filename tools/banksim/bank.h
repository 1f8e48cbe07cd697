/*
 * What one bank knows: its accounts, and each withdrawal that it was ever asked or told about. Pure: no
 * clock, no file, no socket. Every change is a record (struct bank_record), which is one line of the bank's
 * journal; the same door takes it, whether it was decided a moment ago or read back from the journal at the
 * start.
 *
 *      bank_request, bank_advise --decide--> record --bank_apply--> state      live
 *      journal ----------------------------> record --bank_replay-> state      at the start
 *
 * A withdrawal's states and what an advice does to it are the rows of rules/withdrawal.h, read from the
 * bank's side: approved debits cash and charge; completed with less gives cash back and keeps the charge;
 * reversed gives back whatever is still held; nothing is ever taken a second time. An advice that the bank refuses on
 * order changes nothing, and is refused again with the same code whenever it comes again.
 *
 * What became of a script is told with one advice of a withdrawal, or with none.
 * A card with BANK_PIN_TRIES wrong PINs in a row is refused until it is somebody's to unblock, which nobody does here: what was wrong is what was declined so.
 *
 * Invariants: an account's balance is its opening balance plus the sum of its records' moved_yen, and never
 * below zero. An identity (terminal, STAN, moment) is decided once; whatever comes again is told from memory.
 */
#ifndef BANKSIM_BANK_H
#define BANKSIM_BANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoffice/journals/bank_record.h"
#include "lib/security/token.h"
#include "lib/base/attributes.h"
#include "protocol/profile.h"

#define BANK_ACCOUNTS_MAX 5000000
enum { BANK_PIN_MAX = 12, BANK_PIN_TRIES = 3 };

struct bank_request {
        struct bank_identity identity;
        enum processing_kind processing;
        int32_t processing_code;
        int64_t amount_yen, charge_yen;
        char rrn[BANK_RRN_LENGTH + 1];
        uint8_t token[TOKEN_LENGTH];
        char mask[20];
        char expiry_yymm[5];
        bool wants_pin;
        char pin[BANK_PIN_MAX + 1]; /* "": none came, or in no block that can be read */
        const char *order;          /* a DE 39 to decline with where it would be approved; NULL: none */
};

struct bank_advice {
        struct bank_identity original;
        bool reversal;
        int32_t processing_code;
        int64_t amount_yen; /* DE 4 */
        int64_t dispensed_yen;
        char rrn[BANK_RRN_LENGTH + 1];
        bool reported;     /* it says what became of the bank's script */
        const char *order; /* a DE 39 to answer it with; NULL: 00 */
        bool refuse;       /* with that code, and not booked */
};

enum bank_verdict {
        BANK_NEW,         /* decided now: the record goes into the journal before the answer leaves */
        BANK_ORDERED,     /* the same, and declined, or answered so, only because it was ordered */
        BANK_REPEAT,      /* the record is the one of the first time */
        BANK_CONTRADICTS, /* known with another card, DE 3, DE 4 or DE 28: 94, nothing recorded */
};

struct bank;

struct bank *bank_new(const char *name); /* NULL: out of memory */
void bank_free(struct bank *bank);
const char *bank_name(const struct bank *bank);

/* False: the card is there already. At most BANK_ACCOUNTS_MAX. */
ATM_MUST_USE bool bank_add_account(struct bank *bank, const uint8_t token[TOKEN_LENGTH],
                                   const char *expiry_yymm, int64_t balance_yen);
/* Of a card that is there; without one, any will do. */
void bank_set_pin(struct bank *bank, const uint8_t token[TOKEN_LENGTH], const char *pin);
/* The DE 39 of a wrong PIN, and of one too many in a row: 55 and 75 unless set. */
void bank_set_pin_codes(struct bank *bank, const char *wrong, const char *blocked);
ATM_MUST_USE bool bank_balance(const struct bank *bank, const uint8_t token[TOKEN_LENGTH], int64_t *ret_yen);

/* Decide, and take the decision as done. */
enum bank_verdict bank_request(struct bank *bank, const struct bank_request *request,
                               struct bank_record *ret_record);
enum bank_verdict bank_advise(struct bank *bank, const struct bank_advice *advice,
                              struct bank_record *ret_record);
/* The bank's day becomes `day` where that is later; withdrawals of earlier days settle on it from now on. */
enum bank_verdict bank_cutover(struct bank *bank, const struct bank_identity *message, int32_t day,
                               struct bank_record *ret_record);

/* Take a record of the journal. NULL, or why it can't have been written in this state: the balance is not
 * what the records before it leave, its card has no account, the identity was decided before. */
const char *bank_replay(struct bank *bank, const struct bank_record *record);

struct bank_totals {
        size_t accounts, withdrawals;
        int64_t opening_yen, balance_yen;
        int64_t held_yen;       /* debited and still without an end */
        size_t open;            /* withdrawals approved and still without an end */
        size_t refused;         /* likewise, because the bank would not book the end that it was told */
        int32_t settlement_day; /* 0: no cutover so far */
};
void bank_total(const struct bank *bank, struct bank_totals *ret_totals);

#endif
