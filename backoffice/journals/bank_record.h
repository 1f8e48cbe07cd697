/* What a bank decides or is told of a withdrawal, as one thing: a line of its journal, a change of its accounts. */
#ifndef BACKOFFICE_JOURNALS_BANK_RECORD_H
#define BACKOFFICE_JOURNALS_BANK_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/security/token.h"

enum { BANK_NAME_MAX = 11, BANK_TERMINAL_LENGTH = 8, BANK_RRN_LENGTH = 12 };
/* The most that DE 4 and DE 54 can say; with it, no sum of BANK_ACCOUNTS_MAX balances can pass int64_t. */
#define BANK_YEN_MAX INT64_C(999999999999)

enum bank_kind {
        BANK_WITHDRAWAL, /* 0200, DE 3 01xx00: also where it was declined */
        BANK_INQUIRY,    /* 0200, DE 3 31xx00 */
        BANK_COMPLETION, /* 0220 */
        BANK_PARTIAL,    /* 0420 with cash in DE 95 */
        BANK_REVERSAL,   /* 0420 */
        BANK_CUTOVER,    /* 0800/201 */
        BANK_KIND_COUNT
};
extern const char *const bank_kind_name[BANK_KIND_COUNT]; /* "withdrawal", ... as in the journal */

/* The withdrawal's identity: of an advice, its original's. */
struct bank_identity {
        char terminal[BANK_TERMINAL_LENGTH + 1];
        int32_t stan;
        int64_t transmitted_ms; /* DE 7 with its year */
};

struct bank_record {
        enum bank_kind kind;
        struct bank_identity identity;
        char rrn[BANK_RRN_LENGTH + 1]; /* "": none */
        int32_t processing_code;       /* DE 3 */
        int64_t amount_yen;            /* DE 4 of the 0200 where that is known, else of the advice */
        int64_t charge_yen;            /* DE 28 of the 0200 */
        int64_t dispensed_yen;         /* what an advice says */
        char de39[3];
        char approval[7]; /* "": none */
        int32_t settlement_day;
        int64_t moved_yen;   /* to the account; below zero: a debit */
        int64_t balance_yen; /* of the account after it; -1: no account */
        bool exception;      /* for people: cash that does not fit the withdrawal */
        bool refused;        /* an advice that the bank answered with de39 and did not book */
        bool reported;       /* an advice with what became of the bank's script; one of a withdrawal */
        bool has_card;
        uint8_t token[TOKEN_LENGTH];
        char mask[20];
};

#endif
