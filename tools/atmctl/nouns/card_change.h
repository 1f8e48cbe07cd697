/* What card and exclusion share: one statement about one card. */
#ifndef ATMCTL_CARD_CHANGE_H
#define ATMCTL_CARD_CHANGE_H

#include "tools/atmctl/command.h"

/* Run a change whose first parameter is the card's token; `what` is then said of it, `nothing` where no row
 * was touched. The exit code. */
int change_card(const struct invocation *invocation, const char *sql, int count,
                const char *const *parameters, const char *what, const char *nothing);

/* Business today, "2016-12-31". False after a complaint. */
ATM_MUST_USE bool print_today(const struct invocation *invocation, char ret_day[11]);

#endif
