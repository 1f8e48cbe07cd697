/*
 * What the daemon counts. Plain counters since the start, each written by its owner alone; a log line shows
 * them once a minute and on SIGUSR1. The rows are lists so that the line, the structs and the documentation
 * agree.
 */
#ifndef DAEMON_STATS_H
#define DAEMON_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "rules/reasons.h"

#define CLIENT_COUNTERS(X)                                                                                   \
        X(accepted, "connections accepted")                                                                  \
        X(refused_full, "connections closed at once: connections_max reached")                               \
        X(crowded_out, "connections closed before their handshake was over, to make room for others")        \
        X(refused_descriptors, "connections closed at once: no descriptors left")                            \
        X(opened, "handshakes completed")                                                                    \
        X(closed_by_peer, "connections that the ATM closed")                                                 \
        X(hung_up, "connections that ended without close_notify")                                            \
        X(handshake_failed, "handshakes that failed: no, foreign or expired certificate, no TLS")            \
        X(timeout_handshake, "handshakes not completed in time")                                             \
        X(timeout_idle, "connections without a message for too long")                                        \
        X(timeout_message, "messages begun but not completed in time")                                       \
        X(closed_unread, "connections closed because answers were not taken in time")                        \
        X(closed_flood, "connections closed for too many key updates or the like")                           \
        X(closed_protocol, "connections closed because their bytes could not be followed")                   \
        X(closed_terminal, "connections closed because DE 41 or the certificate names no such terminal")     \
        X(closed_mac, "connections closed after too many messages with a wrong MAC, or none")                \
        X(replaced, "connections replaced by a newer one of the same terminal")                              \
        X(refused_terminal, "connections not let in, or ended: barred, certificate, replaced too often")     \
        X(closed_shutdown, "connections closed because the daemon stops")                                    \
        X(closed_error, "connections closed by an error of the system")

#define SESSION_COUNTERS(X)                                                                                  \
        X(messages, "messages received")                                                                     \
        X(answers, "answers sent")                                                                           \
        X(format_errors, "messages answered 30")                                                             \
        X(wrong_macs, "messages answered 98: their MAC is wrong, or there is none")                          \
        X(without_mac, "messages and answers left in silence: the key module did not check or make the MAC") \
        X(sign_ons, "sign-ons accepted")

#define SERVICE_COUNTERS(X)                                                                                  \
        X(submitted, "transactions given to the ledger")                                                     \
        X(stored, "repeats answered from the ledger")                                                        \
        X(stale, "decisions made anew: the reference data had changed")                                      \
        X(pending, "repeats that found their bank asked and not heard yet, and looks after them")            \
        X(timed_out, "withdrawals that a bank had not answered in time, refused and reversed")               \
        X(overtaken, "answers of banks that came after another outcome was durable")                         \
        X(unrecorded, "late approvals of banks that the ledger was out of reach for")                        \
        X(corrections, "completed withdrawals that their ATM corrected, or wanted to when it was too late")  \
        X(exceptions, "advices that left an exception for people to look at")                                \
        X(guesses, "balance inquiries refused for their card")                                               \
        X(unreadable_pins, "PIN blocks that are not in order, or of an ATM with too many wrong ones")        \
        X(without_pin, "requests left in silence: the key module did not verify their PIN")                  \
        X(unavailable, "transactions that the ledger could not take")                                        \
        X(silent, "transactions left without an answer on purpose")                                          \
        X(late, "transactions whose time limit passed before the ledger answered")                           \
        X(gone, "answers whose ATM had gone")                                                                \
        X(congested, "times that reading stopped because the ledger was behind")

#define STATS_COUNTERS(X) CLIENT_COUNTERS(X) SESSION_COUNTERS(X) SERVICE_COUNTERS(X)

#define X(name, text) uint64_t name;
struct client_counters {
        CLIENT_COUNTERS(X)
};

struct session_counters {
        SESSION_COUNTERS(X)
        uint64_t by_reason[REASON_COUNT]; /* of 0210s that needed no service */
};

struct service_counters {
        SERVICE_COUNTERS(X)
        uint64_t by_reason[REASON_COUNT];                       /* of all other 0210s */
        uint64_t advices;                                       /* acknowledged */
        uint64_t latency_sum_ms, latency_max_ms, latency_count; /* of ledger answers, since the last line */
};
#undef X

/* What there is of each at the moment. */
struct stats_levels {
        size_t connections, signed_on, outstanding;
};

/* One log line. The latencies are to begin anew after it: service_reset_latency. */
void stats_log(const struct stats_levels *levels, const struct client_counters *clients,
               const struct session_counters *sessions, const struct service_counters *service);

#endif
