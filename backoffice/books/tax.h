/*
 * Consumption tax: what is taxed at each rate, and the tax of it, as it was rounded for each fee. Fees of a period that was over when the books
 * began are missing, base fees where an ATM earned without a contract, and revenue with either.
 */
#ifndef BACKOFFICE_BOOKS_TAX_H
#define BACKOFFICE_BOOKS_TAX_H

#include "backoffice/books/figure.h"
#include "backoffice/books/standing.h"
#include "lib/db/pg_query.h"

struct tax_question {
        struct period period;
        int32_t today; /* by business; base fees of days to come are not owed yet */
        const struct standing *standing;
};

struct tax_row {
        int32_t rate_bp;
        struct figure customer_fee_yen, customer_tax_yen, interbank_fee_yen, interbank_tax_yen, base_fee_yen,
            base_fee_tax_yen;
        struct figure revenue_yen, tax_yen; /* all fees, all taxes */
};

struct tax {
        struct tax_row *row; /* by rate */
        size_t rows;
        struct tax_row total;
        int64_t without_contract; /* ATMs that earned where they had none */
};

/* In a snapshot (summary.h). False with an error. tax_free in any case. */
ATM_MUST_USE bool tax_load(PGconn *connection, const struct tax_question *question, struct tax *ret_tax,
                           char error[PG_ERROR_MAX]);
void tax_free(struct tax *tax);

#endif
