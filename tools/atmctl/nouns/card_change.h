/* What card and exclusion share: one statement about one card. */
#ifndef ATMCTL_CARD_CHANGE_H
#define ATMCTL_CARD_CHANGE_H

#include "tools/atmctl/command.h"

/* The token under which account, use and exclusions of the card with this token stand: its own, or that of the card that
 * has taken its place. SQL; the parameter's number as text. */
#define CARD_HOLDER(parameter)                                                                               \
        "coalesce((SELECT successor FROM card WHERE card_token = " parameter "::uuid), " parameter "::uuid)"

/* Run a change whose first parameter is the card's token; `what` is then said of it, `nothing` where no row
 * was touched. The exit code. */
int change_card(const struct invocation *invocation, const char *sql, int count,
                const char *const *parameters, const char *what, const char *nothing);

/* Business today, "2016-12-31". False after a complaint. */
ATM_MUST_USE bool print_today(const struct invocation *invocation, char ret_day[11]);

#endif
