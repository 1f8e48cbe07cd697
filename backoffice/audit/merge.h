/*
 * The sides of every withdrawal put together: what the ATMs' journals and dispensers say, what the database
 * says, and, where wanted, what the banks' journals say. The database's rows are fed one after the other in
 * the order of terminal, moment and STAN; the journals' entries lie sorted in memory. Each difference is told
 * with the views of all sides.
 *
 *      merge_begin --merge_row...--> merge_end: what only the journals have, and each terminal's total
 */
#ifndef BACKOFFICE_AUDIT_MERGE_H
#define BACKOFFICE_AUDIT_MERGE_H

#include "backoffice/audit/compare.h"

struct merge_difference {
        bool explained;   /* an exception says just that: counted by itself */
        const char *what; /* a short name for programs: "dispensed", "bank-held" */
        const struct fact *fact;
        const char *terminal; /* NULL: of none */
        /* where it is about a withdrawal: */
        bool withdrawal;
        int32_t stan;
        int64_t transmitted_ms;
        /* the sides' views; NULL: that side has nothing of it */
        const struct atm_entry *atm;
        const struct database_row *row;
        const struct bank_entry *bank;
        const char *bank_name; /* "" where bank is NULL */
};

/* A withdrawal of which a restore has lost something, and that could not be brought back: an exception. Where people have
 * dealt with it, there is nothing more to be said. */
struct merge_case {
        char terminal[9];
        int32_t stan;
        int64_t transmitted_ms;
        bool is_open;
        char what[64];
};

/* What the sides have of a withdrawal; NULL: nothing. */
struct merge_sides {
        const char *terminal;
        int32_t stan;
        int64_t transmitted_ms;
        bool is_late;       /* a record of it came while the sides were read: it is under way */
        bool is_dealt_with; /* it could not be brought back, and people have put it right */
        const struct atm_entry *atm;
        const struct database_row *row;
        const struct bank_entry *bank; /* the first of so many banks */
        size_t banks;
};

struct merge {
        const struct atm_side *atms;
        const struct bank_side *banks;  /* NULL: they are not looked at */
        bool drained;                   /* nothing may be under way any more: what is, is a difference */
        const struct merge_case *cases; /* by terminal, moment, STAN */
        size_t case_count;
        void (*tell)(const struct merge_difference *difference, void *context);
        /* Each withdrawal, before its differences are told; NULL: nobody wants them. */
        void (*visit)(const struct merge_sides *sides, void *context);
        void *context;
        /* what was found: */
        uint64_t withdrawals, differences;
        uint64_t explained;  /* differences that are none, since an exception says so; told like these */
        uint64_t unfinished; /* under way */
        int64_t cash_yen;    /* dispensed, as the database has it */
        /* its own: */
        size_t next_atm, next_bank;
        int64_t *database_yen; /* by terminal */
        bool *is_open;         /* by terminal: it has a withdrawal without an end */
        struct merge_difference at;
};

/* After the fields above the results were set. False: out of memory. */
ATM_MUST_USE bool merge_begin(struct merge *merge);
void merge_row(struct merge *merge, const struct database_row *row);
void merge_end(struct merge *merge);
void merge_free(struct merge *merge);
/* A fault in a journal, in the words of who read it: a difference that is about no withdrawal. */
void merge_fault(struct merge *merge, const char *what, const char *terminal, const char *text);

#endif
