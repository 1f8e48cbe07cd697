/*
 * Withdrawals looked up, and one of them whole, on our side and of the bank's: decision, what the bank said, advices, what
 * the bank was told and has acknowledged, commission, exceptions, what operators did.
 *
 * The selection is made on the history's own columns first, so that partitions and indexes serve it; only what is found is
 * then joined with its end and its commission (v_withdrawal). Sessions run in Japan's time zone.
 */
#ifndef BACKOFFICE_CASES_WITHDRAWALS_H
#define BACKOFFICE_CASES_WITHDRAWALS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/db/pg_query.h"

/* Texts in their canonical form; NULL: any. A time that is a day stands for its first moment, as an end for all of it. */
struct withdrawal_question {
        const char *terminal, *from, *to, *date, *rrn, *stan, *amount_yen, *state, *card_token;
        const char *amount_from_yen, *amount_to_yen; /* both included */
        const char *hall, *issuer;
        const char *link;          /* whose bank was asked, or would have been, had it been there */
        const char *reason, *de39; /* ours, as the ATM heard it: a reason's name, and its code */
        bool oldest_first;
};

/* What a row says, as text. */
enum withdrawal_column {
        WITHDRAWAL_AT,
        WITHDRAWAL_TERMINAL,
        WITHDRAWAL_STAN,
        WITHDRAWAL_RRN,
        WITHDRAWAL_CARD_TOKEN,
        WITHDRAWAL_PAN_MASK,
        WITHDRAWAL_AMOUNT_YEN,
        WITHDRAWAL_DISPENSED_YEN,
        WITHDRAWAL_CUSTOMER_FEE_YEN,
        WITHDRAWAL_INTERBANK_FEE_YEN,
        WITHDRAWAL_TAX_YEN,
        WITHDRAWAL_STATE,
        WITHDRAWAL_DE39,
        WITHDRAWAL_REASON,
        WITHDRAWAL_HALL,
        WITHDRAWAL_BUSINESS_DATE,
        WITHDRAWAL_ISSUER,
        WITHDRAWAL_BAND,
        WITHDRAWAL_APPROVAL_CODE,
        WITHDRAWAL_LINK,
        WITHDRAWAL_CAUSE,
        WITHDRAWAL_BANK_DE39,
        /* its price, as it was fixed when it was decided; nothing of what was refused */
        WITHDRAWAL_FIXED_CUSTOMER_FEE_YEN,
        WITHDRAWAL_FIXED_INTERBANK_FEE_YEN,
        WITHDRAWAL_FIXED_TAX_YEN,
        WITHDRAWAL_COMMISSION_IS, /* earned; fixed, which is not earned before its end is known; none */
        WITHDRAWAL_COLUMN_COUNT
};

/* At most `limit` of them, the newest first unless the question says otherwise. A STAN without a time, a reference number or a card is looked for in the newest days, then
 * in the newest month, year, and in all: those of the first of these that has any. NULL with an error. */
ATM_MUST_USE PGresult *withdrawals_find(PGconn *connection, const struct withdrawal_question *question,
                                        int64_t limit, char error[PG_ERROR_MAX]);

enum withdrawal_found { WITHDRAWAL_FOUND, WITHDRAWAL_NONE, WITHDRAWAL_SEVERAL, WITHDRAWAL_FAILED };

/* The one that is like that: its row. FAILED with an error. */
ATM_MUST_USE enum withdrawal_found withdrawals_find_one(PGconn *connection,
                                                        const struct withdrawal_question *question,
                                                        PGresult **ret_withdrawal, char error[PG_ERROR_MAX]);

/* What hangs on one, each in the order in which it came to be:
 * OUTCOME     cause, reason, de39, bank_de39, approval_code
 * ADVICES     seq, kind, advice_at, stan, why, amount_yen, dispensed_yen, state_before, state, counted_yen, commission
 * NOTICES     seq, kind, amount_yen, charge_yen, dispensed_yen, why, attempts, acknowledged_at, parked, last_error
 * COMMISSION  seq, sign, tariff_from, tax_rate_bp, the five parts of the price, cash_yen, posted_on
 * CLAIMS      claim, open, claimed_yen, noted_at, noted_by, note, closed_at, closed_by, closing_note
 * EXCEPTIONS  advice_at, advice_stan, kind, what, amount_yen, dispensed_yen, resolved
 * ACTIONS     at, who, what, seq, dispensed_yen, note */
enum withdrawal_part {
        WITHDRAWAL_OUTCOME,
        WITHDRAWAL_ADVICES,
        WITHDRAWAL_NOTICES,
        WITHDRAWAL_COMMISSION,
        WITHDRAWAL_EXCEPTIONS,
        WITHDRAWAL_CLAIMS,
        WITHDRAWAL_ACTIONS,
        WITHDRAWAL_PARTS
};

struct withdrawal_whole {
        PGresult *withdrawal; /* its row alone */
        PGresult *part[WITHDRAWAL_PARTS];
};

enum { WITHDRAWALS_WHOLE_MAX = 10 };

struct withdrawal_wholes {
        struct withdrawal_whole whole[WITHDRAWALS_WHOLE_MAX];
        int count;
};

/* All that are like that, the newest first: an ATM that used a STAN again within the hour has two of one RRN. SEVERAL: more
 * than WITHDRAWALS_WHOLE_MAX. withdrawal_wholes_free where they are FOUND. */
ATM_MUST_USE enum withdrawal_found withdrawal_wholes_read(PGconn *connection,
                                                          const struct withdrawal_question *question,
                                                          struct withdrawal_wholes *ret_wholes,
                                                          char error[PG_ERROR_MAX]);
void withdrawal_wholes_free(struct withdrawal_wholes *wholes);

#endif
