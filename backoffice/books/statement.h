/*
 * A hall's month: what it owes for its ATMs, and the share of the commission that it earned. Two documents in one: our invoice to the hall
 * for the base fees, and our statement of what we buy from it for a share (the buyer's own document, which may stand for the seller's
 * invoice). Both are taxed, each rate of each once for the whole month since October 2023 (qualified invoices), line by line before.
 */
#ifndef BACKOFFICE_BOOKS_STATEMENT_H
#define BACKOFFICE_BOOKS_STATEMENT_H

#include "backoffice/books/figure.h"
#include "backoffice/books/period.h"
#include "lib/db/pg_query.h"

struct statement_question {
        const char *hall;
        struct period month;
        int32_t begun_day; /* of the books: of a month that was over by then they know no shares */
};

enum statement_kind { STATEMENT_BASE_FEE, STATEMENT_SHARE };

/* Of a contract, or of what an ATM earned at one share and tax rate; what the other kind has is missing. */
struct statement_line {
        enum statement_kind kind;
        const char *terminal;
        const char *from; /* the contract's first day; NULL */
        struct figure days, month_days, month_fee_yen;
        struct figure withdrawals, commission_yen,
            share_bp; /* share_bp: missing where it is not known any more */
        int64_t amount_yen;
        struct figure tax_rate_bp, tax_yen;
        int64_t total_yen;         /* what the hall owes; below zero: what it is owed */
        struct figure earlier_yen; /* of the commission: posted in a later quarter */
};

/* The lines of a kind that have a rate: without tax, and its tax. */
struct statement_tax {
        enum statement_kind kind;
        struct figure tax_rate_bp;
        int64_t amount_yen, tax_yen;
};

struct statement {
        const char *hall_name;
        const char *hall_registration; /* NULL: it has none */
        const char *closed_on;         /* the day on which the month was closed; NULL: it is open */
        struct statement_line *line;   /* contracts first */
        size_t lines;
        struct statement_tax *tax; /* by kind and rate; room for one a line */
        size_t taxes;
        bool lacks_shares; /* earned_yen and balance_yen are missing */
        int64_t
            without_contract; /* ATMs that earned here where they had none, though others had: owed_yen and balance_yen are missing */
        int64_t owed_yen, earned_yen, balance_yen, earlier_yen; /* balance: what the hall owes in the end */
        PGresult *held[2];                                      /* the texts */
};

/* With its tax; below zero: what the hall is owed. */
int64_t statement_taxed_yen(const struct statement_tax *tax);
/* The sums of its lines, into `tax` too. */
void statement_sum(struct statement *statement);

/* ATMs with lines of shares and none of a contract; what is only posted late does not count (report_without_contract in sql/). */
int64_t statement_strays(const struct statement *statement);

/* Whether there is anything to pay of a kind. */
bool statement_has(const struct statement *statement, enum statement_kind kind);

/* Of a hall's month, always the same: "201612-H00001". */
enum { STATEMENT_NUMBER_MAX = 32 };
void statement_number(const struct statement_question *question, char buffer[STATEMENT_NUMBER_MAX]);
/* Whether an invoice of the month must be a qualified one for the tax in it to be deducted. */
bool statement_is_of_qualified_times(const struct statement_question *question);

/* In a snapshot (summary.h). False with an error. statement_free in any case. */
ATM_MUST_USE bool statement_load(PGconn *connection, const struct statement_question *question,
                                 struct statement *ret_statement, char error[PG_ERROR_MAX]);
void statement_free(struct statement *statement);

#endif
