/*
 * reconcile: what the ATMs did, what the database recorded, and what the banks hold, of every withdrawal.
 * The database's side streams through COPY; of the others one small entry a withdrawal is in memory.
 *
 * ATMs and banks may go on meanwhile. First it is marked how far all journals go; then comes the database's snapshot; then the
 * journals, to their ends. What lies before the marks was done before the snapshot, which knows it; what the snapshot has was
 * begun before it, and stands in the journals. A withdrawal with a record behind a mark is under way: the snapshot may know it or not, so it
 * is counted and no more. (Reading the ATMs' side first, locked against them, was the way before; it waited for their end.)
 */
#ifndef BACKOFFICE_AUDIT_RECONCILE_H
#define BACKOFFICE_AUDIT_RECONCILE_H

#include "backoffice/audit/merge.h"
#include "lib/db/pg_query.h"

struct reconcile_question {
        const char *const *atm_folder; /* of journals and dispensers: one at least */
        size_t atm_folders;
        const char *const *bank_folder; /* none: the banks are not looked at */
        size_t bank_folders;
        bool drained;                  /* nothing may be under way any more: what is, is a difference */
        const char *day, *bank, *hall; /* the withdrawals of that business day, link, hall alone; NULL: all */
        /* The lines, an ATM's total before its withdrawals. False: stop, and the whole fails with an empty error. */
        bool (*on_difference)(const struct merge_difference *difference, void *context);
        /* Each withdrawal, with the names of its sides' banks by bank_side's places; NULL: nobody wants them. */
        void (*on_sides)(const struct merge_sides *sides, const struct bank_total *banks, void *context);
        /* For progress; NULL: nobody wants it. */
        void (*on_atm_folder)(const char *folder, void *context);
        void (*on_bank_lines)(uint64_t lines, void *context);
        void (*on_withdrawals)(uint64_t withdrawals, void *context);
        void *context;
};

struct reconcile_answer {
        uint64_t withdrawals, differences;
        uint64_t explained;  /* as exceptions say; no differences */
        uint64_t settled;    /* by people; none either */
        uint64_t unfinished; /* under way */
        int64_t cash_yen;    /* dispensed, as the database has it */
        size_t terminals;    /* of the ATMs' side */
        bool has_banks;      /* they were looked at */
        char generated
            [32]; /* "2015-04-01 to 2017-03-31": days of business that was generated, which has no journals and is
                              * left out; "": none of those that are asked for */
        struct reconcile_bank_answer {
                char name[BANK_SIDE_NAME_MAX + 1];
                uint64_t withdrawals, lines; /* those of them that were told and are about its money */
                int64_t held_yen;
                int64_t difference_yen; /* what the lines come to: kept, less what the database has */
        } bank[BANK_SIDE_BANKS_MAX];
        size_t banks;
};

/* The connection is in a transaction meanwhile, and after a failure. False with an error. */
ATM_MUST_USE bool reconcile(PGconn *connection, const struct reconcile_question *question,
                            struct reconcile_answer *ret_answer, char error[PG_ERROR_MAX]);

#endif
