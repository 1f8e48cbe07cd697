/* A hall's month: what it owes for its ATMs, and the share of the commission that it earned. */
#ifndef BACKOFFICE_BOOKS_STATEMENT_H
#define BACKOFFICE_BOOKS_STATEMENT_H

#include "backoffice/books/figure.h"
#include "backoffice/books/period.h"
#include "lib/db/pg_query.h"

struct statement_question {
        const char *hall;
        struct period month;
};

enum statement_kind { STATEMENT_BASE_FEE, STATEMENT_SHARE };

/* Of a contract, or of an ATM that earned; what the other kind has is missing. */
struct statement_line {
        enum statement_kind kind;
        const char *terminal;
        const char *from; /* the contract's first day; NULL */
        struct figure days, month_days, month_fee_yen;
        struct figure withdrawals, commission_yen;
        int64_t amount_yen;
        struct figure tax_rate_bp, tax_yen;
        int64_t total_yen;         /* what the hall owes; below zero: what it is owed */
        struct figure earlier_yen; /* of the commission: posted in a later quarter */
};

struct statement {
        const char *hall_name;
        struct statement_line *line; /* contracts first */
        size_t lines;
        int64_t owed_yen, earned_yen, balance_yen, earlier_yen; /* balance: what the hall owes in the end */
        PGresult *held[2];                                      /* the texts */
};

/* The sums of its lines. */
void statement_sum(struct statement *statement);

/* In a snapshot (summary.h). False with an error. statement_free in any case. */
ATM_MUST_USE bool statement_load(PGconn *connection, const struct statement_question *question,
                                 struct statement *ret_statement, char error[PG_ERROR_MAX]);
void statement_free(struct statement *statement);

#endif
