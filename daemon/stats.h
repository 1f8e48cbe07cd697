/*
 * What the daemon counts. Plain counters since the start; a log line shows them once a minute and on
 * SIGUSR1. The rows are a list so that the line, the struct and the documentation agree.
 */
#ifndef DAEMON_STATS_H
#define DAEMON_STATS_H

#include <stdint.h>

#include "rules/reasons.h"

#define STATS_COUNTERS(X)                                                                                    \
        X(accepted, "connections accepted")                                                                  \
        X(refused_full, "connections closed at once: connections_max reached")                               \
        X(refused_descriptors, "connections closed at once: no descriptors left")                            \
        X(opened, "handshakes completed")                                                                    \
        X(closed_by_peer, "connections that the ATM closed")                                                 \
        X(hung_up, "connections that ended without close_notify")                                            \
        X(handshake_failed, "handshakes that failed: no, foreign or expired certificate, no TLS")            \
        X(timeout_handshake, "handshakes not completed in time")                                             \
        X(timeout_idle, "connections without a message for too long")                                        \
        X(timeout_message, "messages begun but not completed, or answers not taken, in time")                \
        X(closed_protocol, "connections closed because their bytes could not be followed")                   \
        X(closed_terminal, "connections closed because DE 41 or the certificate names no such terminal")     \
        X(replaced, "connections replaced by a newer one of the same terminal")                              \
        X(closed_shutdown, "connections closed because the daemon stops")                                    \
        X(closed_error, "connections closed by an error of the system")                                      \
        X(messages, "messages received")                                                                     \
        X(answers, "answers sent")                                                                           \
        X(format_errors, "messages answered 30")                                                             \
        X(sign_ons, "sign-ons accepted")                                                                     \
        X(submitted, "transactions given to the ledger")                                                     \
        X(stored, "repeats answered from the ledger")                                                        \
        X(stale, "decisions made anew: the reference data had changed")                                      \
        X(pending, "repeats that found their bank asked and not heard yet, and looks after them")            \
        X(timed_out, "withdrawals that a bank had not answered in time, refused and reversed")               \
        X(overtaken, "answers of banks that came after another outcome was durable")                         \
        X(unavailable, "transactions that the ledger could not take")                                        \
        X(silent, "transactions left without an answer on purpose")                                          \
        X(late, "transactions whose time limit passed before the ledger answered")                           \
        X(gone, "answers whose ATM had gone")                                                                \
        X(congested, "times that reading stopped because the ledger was behind")

struct stats {
#define X(name, text) uint64_t name;
        STATS_COUNTERS(X)
#undef X
        uint64_t by_reason[REASON_COUNT];                       /* of 0210s */
        uint64_t advices;                                       /* acknowledged */
        uint64_t latency_sum_ms, latency_max_ms, latency_count; /* of ledger answers, since the last line */
};

/* One log line; resets the latencies. */
void stats_log(struct stats *stats, int64_t connections, int64_t signed_on, int64_t outstanding);

#endif
