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
#include "backoffice/journals/terminals.h"

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

/* What one ATM's records say from an offset of a journal file on. False with an error. */
ATM_MUST_USE bool recovery_read(const char *path, int64_t offset, const char *terminal,
                                struct recovery *ret_recovery, char error[JOURNAL_ERROR_MAX]);

/* Of all ATMs that have records in a folder's journal. */
struct recoveries {
        struct terminals terminals;
        struct recovery *recovery; /* by terminal */
        size_t room;
        char *error; /* while they are read; "": none yet */
};

/* False with an error. recoveries_free in any case. */
ATM_MUST_USE bool recoveries_read(struct recoveries *ret_recoveries, const char *folder,
                                  char error[JOURNAL_ERROR_MAX]);
/* An ATM without records: nothing is open. */
const struct recovery *recoveries_of(const struct recoveries *recoveries, const char *terminal);
void recoveries_free(struct recoveries *recoveries);

#endif
