/* The counters' log line: zeros are left out, so that what happened stands out. */
#include "daemon/stats.h"

#include <stdio.h>

#include "lib/base/log.h"

enum { STATS_FIELDS_MAX = 64 + REASON_COUNT };

void stats_log(struct stats *stats, int64_t connections, int64_t signed_on, int64_t outstanding)
{
        struct log_field fields[STATS_FIELDS_MAX];
        char names[REASON_COUNT][40];
        size_t n = 0;
        fields[n++] = LOG_NUMBER("connections", connections);
        fields[n++] = LOG_NUMBER("signed_on", signed_on);
        fields[n++] = LOG_NUMBER("outstanding", outstanding);
#define X(name, text)                                                                                        \
        if (stats->name)                                                                                     \
                fields[n++] = LOG_NUMBER(#name, (int64_t)stats->name);
        STATS_COUNTERS(X)
#undef X
        for (size_t i = 0; i < REASON_COUNT; i++) {
                if (!stats->by_reason[i])
                        continue;
                snprintf(names[i], sizeof(names[i]), "%s_%s", reason_rows[i].de39, reason_rows[i].name);
                fields[n++] = LOG_NUMBER(names[i], (int64_t)stats->by_reason[i]);
        }
        if (stats->advices)
                fields[n++] = LOG_NUMBER("advices", (int64_t)stats->advices);
        if (stats->latency_count) {
                fields[n++] =
                    LOG_NUMBER("ledger_mean_ms", (int64_t)(stats->latency_sum_ms / stats->latency_count));
                fields[n++] = LOG_NUMBER("ledger_max_ms", (int64_t)stats->latency_max_ms);
        }
        log_write(LEVEL_INFO, "stats", fields, n);
        stats->latency_sum_ms = stats->latency_max_ms = stats->latency_count = 0;
}
