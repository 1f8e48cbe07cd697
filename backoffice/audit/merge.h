/*
 * The sides of every withdrawal put together: what the ATMs' journals and dispensers say, what the database
 * says, and, where wanted, what the banks' journals say. The database's rows are fed one after the other in
 * the order of terminal, moment and STAN; the journals' entries lie sorted in memory. A withdrawal that differs is one line, with the
 * views of all sides. The lines of an ATM follow its total, where that differs: what they come to, and what no withdrawal explains,
 * is the total's difference.
 *
 *      merge_begin --merge_row...--> merge_end
 */
#ifndef BACKOFFICE_AUDIT_MERGE_H
#define BACKOFFICE_AUDIT_MERGE_H

#include "backoffice/audit/difference.h"

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
        bool is_dealt_with; /* people have put it right */
        const struct atm_entry *atm;
        const struct database_row *row;
        const struct bank_entry *bank; /* the first of so many banks */
        size_t banks;
};

/* Which withdrawals are looked at; NULL, 0: all. Of an ATM of which some are not, what its dispenser counted is compared with nothing. */
struct merge_filter {
        bool has_day;
        int32_t day;      /* the business day */
        const char *bank; /* by its link's name: that was asked, or that has something of it */
        const char *hall; /* where it was made; of what only journals have, where its ATM stands: */
        char (*hall_terminal)[9];
        size_t hall_terminals; /* sorted */
};

struct merge {
        const struct atm_side *atms;
        const struct bank_side *banks;  /* NULL: they are not looked at */
        bool drained;                   /* nothing may be under way any more: what is, is a difference */
        const struct merge_case *cases; /* by terminal, moment, STAN */
        size_t case_count;
        const struct settlement *settlements; /* likewise, the last word of each */
        size_t settlement_count;
        struct merge_filter filter;
        difference_tell *tell;
        /* Each withdrawal that is looked at, before its differences are told; NULL: nobody wants them. */
        void (*visit)(const struct merge_sides *sides, void *context);
        void *context;
        /* what was found: */
        uint64_t withdrawals, terminals;
        uint64_t differences; /* withdrawals, faults, and totals that withdrawals do not explain */
        uint64_t explained;   /* differences that are none, since an exception says so; told like these */
        uint64_t settled;     /* likewise, since people have dealt with it */
        uint64_t unfinished;  /* under way */
        int64_t cash_yen;     /* dispensed, as the database has it */
        struct merge_bank {
                uint64_t withdrawals, lines; /* those that were looked at; those of them that were told */
                int64_t held_yen;
                int64_t bank_yen; /* what the lines come to */
        } * bank;                 /* by the place of bank_side's */
        bool failed;              /* out of memory */
        /* its own: */
        size_t next_atm, next_bank;
        bool *is_told; /* by terminal: its total was compared */
        struct merge_terminal {
                char name[9];
                int64_t place; /* of the ATMs' terminals; -1: none */
                int64_t journal_yen, database_yen;
                int64_t cash_yen,
                    open_yen; /* what its lines come to, and those of them that are differences */
                bool is_open; /* it has a withdrawal without an end */
                bool is_part; /* some of its withdrawals are not looked at */
                bool is_seen;
        } terminal; /* the one that is being merged */
        struct difference_lines lines;
        struct merge_difference at; /* the withdrawal that is being compared, */
        struct fact fact;           /* and the most telling of its reasons */
};

/* After the fields above the results were set. False: out of memory. */
ATM_MUST_USE bool merge_begin(struct merge *merge);
void merge_row(struct merge *merge, const struct database_row *row);
void merge_end(struct merge *merge);
void merge_free(struct merge *merge);
/* A fault in a journal, in the words of who read it: a difference that is about no withdrawal. */
void merge_fault(struct merge *merge, const char *what, const char *terminal, const char *text);

#endif
