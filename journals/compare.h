/*
 * What the ATMs' side and the database say of one withdrawal, compared: pure functions, so that every kind
 * of difference has a test without a database.
 */
#ifndef JOURNALS_COMPARE_H
#define JOURNALS_COMPARE_H

#include "journals/history.h"

/* One row of v_withdrawal. */
struct database_row {
        char terminal[9];
        int32_t stan;
        int64_t transmitted_ms;
        int64_t amount_yen, dispensed_yen;
        int64_t customer_fee_yen, customer_tax_yen, interbank_fee_yen, tax_yen;
        char state[16], de39[3];
        bool has_token;
        uint8_t token[TOKEN_LENGTH];
};

/* A line of COPY's text form; false with a text: it isn't one. */
ATM_MUST_USE bool reconcile_parse(char *line, struct database_row *ret_row);

/* Called for each difference: a short name for programs, a sentence for people. */
typedef void reconcile_tell(const char *what, const char *text, void *context);

void reconcile_compare(const struct history_entry *entry, const struct database_row *row,
                       reconcile_tell *tell, void *context);
/* The database has no row of it. */
void reconcile_missing(const struct history_entry *entry, reconcile_tell *tell, void *context);

#endif
