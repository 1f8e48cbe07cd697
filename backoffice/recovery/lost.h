/*
 * What a database that was restored to a moment in the past has lost, and the journals of ATMs and banks still have: withdrawals,
 * what banks said of them, and how they ended. Whoever wrote such a line had an answer or an acknowledgement, so nobody says it again.
 *
 * It is found as reconcile finds differences (backoffice/audit/reconcile.h), of which it is a part: what the database has and the
 * journals contradict is no loss, and stays a difference. Each loss has a plan of what would bring it back (plan.h), or the problem
 * for which people must look at it.
 */
#ifndef BACKOFFICE_RECOVERY_LOST_H
#define BACKOFFICE_RECOVERY_LOST_H

#include "backoffice/audit/merge.h"
#include "backoffice/journals/bank_side.h"
#include "backoffice/journals/records.h"
#include "lib/db/pg_query.h"

enum lost_what {
        LOST_WITHDRAWAL, /* all of it */
        LOST_WORD, /* an ATM's word of a withdrawal that the database need not know: nothing was decided, or nobody heard it */
        LOST_OUTCOME,         /* what its bank said, and whatever came then */
        LOST_END,             /* completion, reversal, correction */
        LOST_ACKNOWLEDGEMENT, /* its bank's, of a notice that still waits */
        LOST_WHATS
};
extern const char *const lost_what_name[LOST_WHATS];

enum lost_problem {
        LOST_NO_PROBLEM,
        LOST_NO_ATM_JOURNAL,  /* only a bank has it */
        LOST_NO_BANK_JOURNAL, /* of its card's bank there is none here */
        LOST_DISAGREE,        /* what the journals say does not go together */
        LOST_NO_PRICE,        /* no prefix, tariff or tax rate of that day */
        LOST_OTHER_PRICE,     /* the card-holder was told another charge */
        LOST_NO_PLACE,        /* its ATM is not in the fleet, or stands nowhere */
        LOST_NO_QUARTER,      /* its moment lies outside of all partitions */
        LOST_NO_CARD,         /* the house bank has no such card with an account */
        LOST_PROBLEMS
};
extern const char *const lost_problem_name[LOST_PROBLEMS]; /* "no-price"; "": none */

struct lost {
        enum lost_what what;
        bool is_none; /* looked at closer, the database has all that was said: that it differs is no loss */
        enum lost_problem problem;
        enum fact_kind fact; /* of LOST_DISAGREE: how */
        char *fact_values;
        char terminal[9];
        int32_t stan;
        int64_t transmitted_ms;
        int64_t amount_yen;
        int64_t cash_yen; /* dispensed, and not in the database */
        /* the sides, where they have it */
        bool has_atm, has_row, has_bank;
        struct atm_entry atm;
        struct database_row row;
        struct bank_entry bank;
        size_t banks; /* so many */
        char bank_name[12];
        char *plan; /* a JSON object */
};

struct lost_question {
        const char *const *atm_folder; /* of journals and dispensers: one at least */
        size_t atm_folders;
        const char *const *bank_folder;
        size_t bank_folders;
        /* What in the journals is not as ATMs and banks write it: then they are not to be relied on. */
        void (*on_fault)(const struct merge_difference *fault, void *context);
        void (*on_withdrawals)(uint64_t withdrawals, void *context); /* for progress; NULL: nobody wants it */
        void *context;
};

struct losses {
        struct lost *lost; /* by terminal, moment, STAN */
        size_t count, room;
        uint64_t withdrawals; /* that were looked at */
        uint64_t faults;
        int64_t cash_yen;
        int64_t version; /* of the reference data that they are priced by */
        size_t problems; /* so many are for people */
        char bank[BANK_SIDE_BANKS_MAX][BANK_SIDE_NAME_MAX + 1]; /* whose journals there are */
        size_t banks;
};

/* What is lost, without plans; of each its key is wanted of the records, in the same place. False with an error. losses_free in any
 * case. The connection is in a transaction meanwhile, and after a failure. */
ATM_MUST_USE bool losses_look(PGconn *connection, const struct lost_question *question,
                              struct losses *ret_losses, struct records *records, char error[PG_ERROR_MAX]);
void losses_free(struct losses *losses);
void lost_free(struct lost *lost);

#endif
