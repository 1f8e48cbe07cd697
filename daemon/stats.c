/* The counters' log line: zeros are left out, so that what happened stands out. */
#include "daemon/stats.h"

#include <stdio.h>

#include "lib/base/log.h"

enum { STATS_FIELDS_MAX = 64 + REASON_COUNT };

void stats_log(const struct stats_levels *levels, const struct client_counters *clients,
               const struct session_counters *sessions, const struct service_counters *service)
{
        struct log_field fields[STATS_FIELDS_MAX];
        char names[REASON_COUNT][40];
        size_t n = 0;
        fields[n++] = LOG_NUMBER("connections", (int64_t)levels->connections);
        fields[n++] = LOG_NUMBER("signed_on", (int64_t)levels->signed_on);
        fields[n++] = LOG_NUMBER("outstanding", (int64_t)levels->outstanding);
#define ADD(owner, name)                                                                                     \
        if ((owner)->name)                                                                                   \
                fields[n++] = LOG_NUMBER(#name, (int64_t)(owner)->name);
#define X(name, text) ADD(clients, name)
        CLIENT_COUNTERS(X)
#undef X
#define X(name, text) ADD(sessions, name)
        SESSION_COUNTERS(X)
#undef X
#define X(name, text) ADD(service, name)
        SERVICE_COUNTERS(X)
#undef X
        for (size_t i = 0; i < REASON_COUNT; i++) {
                uint64_t count = sessions->by_reason[i] + service->by_reason[i];
                if (!count)
                        continue;
                snprintf(names[i], sizeof(names[i]), "%s_%s", reason_rows[i].de39, reason_rows[i].name);
                fields[n++] = LOG_NUMBER(names[i], (int64_t)count);
        }
        ADD(service, advices)
#undef ADD
        if (service->latency_count) {
                fields[n++] =
                    LOG_NUMBER("ledger_mean_ms", (int64_t)(service->latency_sum_ms / service->latency_count));
                fields[n++] = LOG_NUMBER("ledger_max_ms", (int64_t)service->latency_max_ms);
        }
        log_write(LEVEL_INFO, "stats", fields, n);
}
