/*
 * Whether the database has partitions for the moments that requests may come for. atmd makes them in time (upkeep.h); where its
 * role may not, that is an operator's work (atmctl db partitions), and atmd looks into the reference data, and complains.
 */
#ifndef DAEMON_PARTITIONS_H
#define DAEMON_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/attributes.h"
#include "rules/reference.h"

enum { PARTITIONS_MOMENTS = 3 }; /* now, half a year ago, and in half a year */

struct partitions {
        int32_t warned_day[PARTITIONS_MOMENTS]; /* business days that the log has named already */
};

/* Today's: without them nothing can be served. False with a text in error[]. */
ATM_MUST_USE bool partitions_check(const struct reference *reference, int64_t now_ms, char *error,
                                   size_t size);

/* A month before the first moment that partitions_warn would miss. */
bool partitions_are_due(const struct reference *reference, int64_t now_ms);

/* Name in the log what is missing, once for each business day, as long as it is so. */
void partitions_warn(struct partitions *partitions, const struct reference *reference, int64_t now_ms);

#endif
