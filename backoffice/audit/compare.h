/*
 * What the ATMs' side, the database and a bank say of one withdrawal, compared: pure functions, so that every
 * kind of difference has a test without a database.
 */
#ifndef BACKOFFICE_AUDIT_COMPARE_H
#define BACKOFFICE_AUDIT_COMPARE_H

#include "backoffice/audit/fact.h"
#include "backoffice/journals/bank_side.h"
#include "backoffice/journals/atm_side.h"
#include "lib/db/sqltext.h"
#include "rules/reference.h"

/* One row of v_withdrawal, with what the bank must still be told. */
struct database_row {
        char terminal[9];
        int32_t stan;
        int64_t transmitted_ms;
        int64_t amount_yen, dispensed_yen;
        int64_t customer_fee_yen, customer_tax_yen, interbank_fee_yen, tax_yen; /* earned */
        int64_t charge_yen; /* customer fee with tax, as priced: earned or not */
        int64_t waiting;    /* notices that the bank has not acknowledged */
        char state[16], de39[3];
        char link[12]; /* "": no bank was asked */
        char hall[HALL_MAX + 1];
        char cause[12], bank_de39[3]; /* of the bank's outcome; "": none */
        char rrn[13], approval[7];
        char cases
            [208]; /* the notices that the bank would not book, as the exceptions name them: "partial answered
                            12", each with '|' behind it; "": none */
        int64_t open_cases; /* those that people have not dealt with */
        char words
            [208]; /* the ATM's words that were not followed, likewise: "9000 settled open|": the cash, why, and whether
                               people have dealt with it: open, dealt */
        bool has_token;
        uint8_t token[TOKEN_LENGTH];
};

/* The rows, in the order of a merge: COPY (...) TO STDOUT. Moments as calendar_print_moment prints them, [from, to); NULL: all. */
void reconcile_query(struct sqltext *sql, const char *from, const char *to);
/* A line of COPY's text form, which is taken apart; false: it isn't one. */
ATM_MUST_USE bool reconcile_parse(char *line, struct database_row *ret_row);

/* Called for each difference: a short name for programs, and what it is. */
typedef void reconcile_tell(const char *what, const struct fact *fact, void *context);

/* Why the sides can't be compared to the end yet, a kind without values; FACT_NONE: they can. entry NULL: no journal has it,
 * row NULL: the database hasn't. banks: the banks' side is looked at too. */
enum fact_kind reconcile_unfinished(const struct atm_entry *entry, const struct database_row *row,
                                    bool banks);

/* What an ATM has brought to its end, and the database's row of it. An ATM's word that was heard and not followed is an exception:
 * the ATM has dispensed what it says, and the books have another sum until people have decided. `explain` hears of
 * that instead of `tell`, where that is all the difference: "explained", or "settled" once people have dealt with it. */
void reconcile_compare(const struct atm_entry *entry, const struct database_row *row, reconcile_tell *tell,
                       reconcile_tell *explain, void *context);
/* Is the ATM's last word an exception, which the books did not follow, whether people have dealt with it or not? */
bool reconcile_is_exception(const struct atm_entry *entry, const struct database_row *row);
/* Is a refusal with that DE 39 one that leaves no row? */
bool reconcile_is_unkept(const char *de39);
/* The database has no row of it. */
void reconcile_missing(const struct atm_entry *entry, reconcile_tell *tell, void *context);
/* The database's row of a withdrawal that a bank was asked about, once nothing waits to be told, and what
 * that bank's journal has of it; NULL: nothing. A notice that the bank would not book, as an exception says that it
 * would not, leaves the bank with what its journal says and us with what was dispensed: `explain` hears of it instead
 * of `tell`, where that is all the difference, as above. */
void reconcile_bank(const struct database_row *row, const struct bank_entry *entry, reconcile_tell *tell,
                    reconcile_tell *explain, void *context);
/* What a bank must keep of the card-holder's money by what the database has. */
int64_t reconcile_wanted_yen(const struct database_row *row);

#endif
