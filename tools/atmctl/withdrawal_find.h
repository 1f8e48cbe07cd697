/*
 * Withdrawals as the options of a command select them. The selection is made on the history's own columns
 * first, so that partitions and indexes serve it; only what is found is then joined with its end and its
 * commission (v_withdrawal).
 */
#ifndef ATMCTL_WITHDRAWAL_FIND_H
#define ATMCTL_WITHDRAWAL_FIND_H

#include "tools/atmctl/output.h"
#include "tools/atmctl/selection.h"

enum { WITHDRAWAL_COLUMN_COUNT = 22 };
extern const struct output_column withdrawal_columns[WITHDRAWAL_COLUMN_COUNT];
/* Of those: the key, in the form of the database's session. */
enum { WITHDRAWAL_AT = 0, WITHDRAWAL_TERMINAL = 1, WITHDRAWAL_STAN = 2 };

/* The card that the options name, for a selection that is to be made. EXIT_DONE, or the exit code. */
ATM_MUST_USE int withdrawal_card(const struct invocation *invocation, struct selection *selection);
/* The rows that the options select, newest first, at most `limit` of them. NULL after a complaint. */
PGresult *withdrawal_find(struct database *database, const struct invocation *invocation,
                          struct selection *selection, const char *limit);
/* Whether any option selects at all. */
bool withdrawal_is_selected(const struct invocation *invocation);
/* The one that the options select; a complaint and NULL where there is none or several. */
PGresult *withdrawal_find_one(struct database *database, const struct invocation *invocation,
                              struct selection *selection);

#define WITHDRAWAL_TIME_FIELDS(what)                                                                         \
        {.name = "from", .kind = VALUE_MOMENT, .text = what " at this moment or later; a day: its first"},   \
        {                                                                                                    \
                .name = "to", .kind = VALUE_MOMENT,                                                          \
                .text = what " before this moment; a day: that day included"                                 \
        }
/* The options that select: rows of a table of fields. */
#define WITHDRAWAL_FIELDS                                                                                    \
        {.name = "terminal", .kind = VALUE_TERMINAL, .text = "at this ATM"}, WITHDRAWAL_TIME_FIELDS("sent"), \
            {.name = "date", .kind = VALUE_DATE, .text = "of this business date"},                           \
            {.name = "rrn", .kind = VALUE_RRN, .text = "with this retrieval reference number, DE 37"},       \
            {.name = "stan", .kind = VALUE_STAN, .text = "with this trace number, DE 11"},                   \
            {.name = "amount-yen", .kind = VALUE_YEN, .text = "of this amount"},                             \
            {.name = "link", .kind = VALUE_LINK, .text = "that the bank behind this link was asked about"},  \
        {                                                                                                    \
                .name = "state", .kind = VALUE_STATE, .text = "that are now in this state"                   \
        }

#endif
