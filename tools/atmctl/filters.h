/*
 * Options that name what people have set (ATMs, halls, areas, banks, links) and leave out all else: where a list has no row, a name that the
 * database doesn't have is misspelt.
 */
#ifndef ATMCTL_FILTERS_H
#define ATMCTL_FILTERS_H

#include "tools/atmctl/database.h"

/* False after a complaint. */
ATM_MUST_USE bool filters_are_known(struct database *database, const struct invocation *invocation);

#endif
