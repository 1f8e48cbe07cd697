/* report tax: the consumption tax of a period by its rates. */
#ifndef ATMCTL_NOUNS_REPORT_TAX_H
#define ATMCTL_NOUNS_REPORT_TAX_H

#include "tools/atmctl/command.h"

int report_tax(const struct invocation *invocation);
extern const struct field tax_report_fields[];

#endif
