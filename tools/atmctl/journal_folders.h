/* The folders of journals that a command reads: those that an option names, or the one of a laboratory's variable. */
#ifndef ATMCTL_JOURNAL_FOLDERS_H
#define ATMCTL_JOURNAL_FOLDERS_H

#include "backoffice/journals/history.h"
#include "tools/atmctl/command.h"

/* How many there are: of the option, else one of the variable, else none. */
size_t journal_folders_of(const struct invocation *invocation, const char *option, const char *variable,
                          const char *const **ret_folders);

/* --atm-journals or ATM_JOURNAL: whether there is any. */
bool journal_folders_have_atms(const struct invocation *invocation);
/* Read all of them, each locked against ATMs that would write meanwhile, and sort. False after a complaint. */
ATM_MUST_USE bool journal_folders_read_atms(const struct invocation *invocation, struct history *history);

#endif
