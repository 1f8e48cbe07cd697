/* report statement: what a hall owes for a month, and what it earned in it. */
#ifndef ATMCTL_NOUNS_REPORT_STATEMENT_H
#define ATMCTL_NOUNS_REPORT_STATEMENT_H

#include "tools/atmctl/command.h"

int report_statement(const struct invocation *invocation);
extern const struct field statement_fields[];

#endif
