/*
 * The filters of a look-up, put together from a command's options: conditions in SQL and their parameters.
 * Every condition is " AND ..." over columns that the caller names.
 */
#ifndef ATMCTL_SELECTION_H
#define ATMCTL_SELECTION_H

#include "tools/atmctl/card_token.h"
#include "tools/atmctl/database.h"
#include "tools/atmctl/sqltext.h"

enum { SELECTION_PARAMETERS_MAX = 16 };

struct selection {
        struct sqltext conditions;
        const char *parameters[SELECTION_PARAMETERS_MAX];
        int count;
        char token[TOKEN_TEXT], from[26], to[26];
};

/* Its number in the SQL: $1 is the first. `value` must outlive the selection. */
int selection_parameter(struct selection *selection, const char *value);
/* Nothing where value is NULL. */
void select_equal(struct selection *selection, const char *column, const char *type, const char *value);
/* --from and --to; a day stands for its first moment, or, as an end, for all of it. */
void select_time(struct selection *selection, const struct invocation *invocation, const char *column);
/* A retrieval reference number, over the columns PREFIXstan and PREFIXtransmitted_at. False after a
 * complaint. */
ATM_MUST_USE bool select_rrn(struct selection *selection, struct database *database, const char *prefix,
                             const char *rrn);

/* A moment as people and programs read it. */
#define MOMENT(column) "to_char(" column ", 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+09:00'"
/* The same of real milliseconds since 1970. */
#define REAL_MOMENT(column) MOMENT("to_timestamp((" column ") / 1000.0)")

#endif
