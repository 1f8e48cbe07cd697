/*
 * Many things that one command is about, named by themselves or by where they stand: by exactly one of several options, each of which may be
 * given several times.
 */
#ifndef ATMCTL_SELECTING_H
#define ATMCTL_SELECTING_H

#include "tools/atmctl/database.h"

struct selecting {
        const char *option, *table,
            *noun;             /* each name must be in that table, in a column called like the option */
        const char *condition; /* what they select: SQL, in which $1 is the names */
};

/* ATMs, as rows of atm a: by id, hall, area. */
enum { SELECTING_ATMS = 3 };
extern const struct selecting selecting_atms[SELECTING_ATMS];

/* NULL: by none of the rows' options, or by several. */
const struct selecting *selecting_of(const struct invocation *invocation, const struct selecting *rows,
                                     size_t count);
/* PostgreSQL's text of an array of the names. To be freed; NULL: no memory. */
char *selecting_names(const struct invocation *invocation, const struct selecting *selecting);
/* False after a complaint of the first one that the database does not have. */
ATM_MUST_USE bool selecting_names_are_known(struct database *database, const struct selecting *selecting,
                                            const char *names);

#endif
