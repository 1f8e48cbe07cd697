/*
 * Repricing: another way to the commission, from the other end. Every withdrawal that an ATM's journal says dispensed cash
 * is priced by itself, by rules/pricing.h from the reference data of its moment; the ledger's rows are not looked at. Where
 * nothing is under way, it equals the commission of the books to the yen.
 */
#ifndef BACKOFFICE_AUDIT_REPRICING_H
#define BACKOFFICE_AUDIT_REPRICING_H

#include "backoffice/journals/atm_side.h"
#include "lib/db/pg_query.h"
#include "rules/reference.h"

enum { REPRICING_KEY_MAX = 24 };

enum repricing_by { REPRICING_BY_DAY, REPRICING_BY_MONTH, REPRICING_BY_ISSUER, REPRICING_BY_ATM };

struct repricing_question {
        const char *const *atm_folder; /* of journals: one at least */
        size_t atm_folders;
        enum repricing_by by;
        int32_t first_day, last_day; /* business dates, both included */
        /* What in the journals is not as an ATM writes it: the sums are then not to be relied on. */
        void (*on_fault)(const char *what, const char *terminal, const char *text, void *context);
        void (*on_atm_folder)(const char *folder, void *context); /* for progress; NULL: nobody wants it */
        void *context;
};

struct repricing_sum {
        char key[REPRICING_KEY_MAX];
        int64_t withdrawals, cash_yen, customer_fee_yen, interbank_fee_yen, tax_yen;
};

/* What finance calls commission: both fees. */
static inline int64_t repricing_commission_yen(const struct repricing_sum *sum)
{
        return sum->customer_fee_yen + sum->interbank_fee_yen;
}

struct repricing {
        struct repricing_sum *sum; /* days and months in their order, else the most commission first */
        size_t sums, room;
        struct repricing_sum total; /* its key is "" */
        uint64_t open;              /* without an end: not priced */
};

/* False with an error. repricing_free in any case. */
ATM_MUST_USE bool reprice(PGconn *connection, const struct repricing_question *question,
                          struct repricing *ret_repricing, char error[PG_ERROR_MAX]);

/* The same of a side that is at hand; of the question only what to sum by and the days are looked at. long_prefixes: those
 * of cards that have more digits than a journal's mask shows. */
ATM_MUST_USE bool reprice_side(const struct atm_side *atms, const struct reference *reference,
                               const char *const *long_prefix, size_t long_prefixes,
                               const struct repricing_question *question, struct repricing *ret_repricing,
                               char error[PG_ERROR_MAX]);
void repricing_free(struct repricing *repricing);

#endif
