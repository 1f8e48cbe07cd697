/*
 * What an ATM knows of itself after its power was gone: what its journal says, read record by record. At
 * most one withdrawal can be open, since an ATM begins none before the last one is at its end.
 *
 *      (nothing) --Q--> open --A 00--> answered --V--> advised --K--> (nothing)
 *                        |  '--A other: declined--> (nothing)    (a V after it opens it again)
 *                        '--V--> advised
 */
#ifndef ATMSIM_RECOVERY_H
#define ATMSIM_RECOVERY_H

#include "backoffice/journals/journal.h"

struct recovery {
        int32_t last_stan; /* 0: none used yet */
        bool open;
        struct journal_record request; /* of the last withdrawal, open or not */
        bool answered;
        struct journal_record answer; /* approved */
        bool advised;
        struct journal_record advice;
};

/* False: the record can't follow what came before, so the journal is not one that an ATM wrote. */
ATM_MUST_USE bool recovery_apply(struct recovery *recovery, const struct journal_record *record);

#endif
