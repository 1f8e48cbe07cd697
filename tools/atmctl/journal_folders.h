/* The folders of journals that a command reads: those that an option names, or the one of a laboratory's variable. */
#ifndef ATMCTL_JOURNAL_FOLDERS_H
#define ATMCTL_JOURNAL_FOLDERS_H

#include <stdint.h>

#include "tools/atmctl/command.h"

struct journal_folders {
        const char *const *folder;
        size_t count;
};

/* --atm-journals or ATM_JOURNAL. */
struct journal_folders journal_folders_of_atms(const struct invocation *invocation);
/* --bank-journals or BANKSIM_JOURNALS. */
struct journal_folders journal_folders_of_banks(const struct invocation *invocation);

/* EXIT_DONE, or a usage error: there is none of the ATMs'. */
int journal_folders_demand_atms(const struct invocation *invocation);
/* How far comparing them is: for who asks the back office. */
void journal_folders_on_withdrawals(uint64_t withdrawals, void *context);

#endif
