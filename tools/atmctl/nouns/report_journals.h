/* report journals: what the ATMs' own journals earn, each withdrawal priced by itself. */
#ifndef ATMCTL_NOUNS_REPORT_JOURNALS_H
#define ATMCTL_NOUNS_REPORT_JOURNALS_H

#include "tools/atmctl/command.h"

int report_journals(const struct invocation *invocation);
extern const struct field journals_fields[];

#endif
