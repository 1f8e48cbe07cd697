/* report results: a quarter's results as a company publishes them. */
#ifndef ATMCTL_NOUNS_REPORT_RESULTS_H
#define ATMCTL_NOUNS_REPORT_RESULTS_H

#include "tools/atmctl/command.h"

int report_results(const struct invocation *invocation);
extern const struct field results_fields[];

#endif
