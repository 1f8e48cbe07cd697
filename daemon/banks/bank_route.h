/*
 * The way to one bank: [link NAME] of the configuration. It spreads requests and notices over the connections
 * that are up, bounds what is outstanding, and remembers what has ended lately, so that an answer that
 * matches nothing can be told: late, duplicate or unknown. None of these changes anything but a counter.
 *
 * Pure like service.c: the daemon gives it connections over TLS (bank_conn.c), the simulation others.
 *
 * Invariants: reserved counts the requests from the moment they were accepted for this way until their
 * exchange has ended, and never passes outstanding_max; a request is accepted only while a connection is up.
 * Notices are bounded by whoever sends them (saf.c) and never wait behind requests.
 */
#ifndef DAEMON_BANKS_BANK_ROUTE_H
#define DAEMON_BANKS_BANK_ROUTE_H

#include "daemon/banks/bank_format.h"
#include "daemon/banks/bank_session.h"

enum { BANK_RECENT = 4096 };

#define BANK_COUNTERS(X)                                                                                     \
        X(sign_ons, "connections over which the bank accepted our sign-on")                                  \
        X(closed, "connections that ended")                                                                  \
        X(echoes, "echoes that the bank answered")                                                           \
        X(refused, "requests refused with 91: no connection up, or too many outstanding")                    \
        X(asked, "requests sent to the bank")                                                                \
        X(answered, "requests that the bank answered in time")                                               \
        X(approved, "withdrawals and inquiries that the bank approved in time")                              \
        X(timed_out, "requests that the bank did not answer in time")                                        \
        X(lost, "requests whose connection ended before the answer")                                         \
        X(told, "completions and reversals sent, repeats included")                                          \
        X(acknowledged, "completions and reversals that the bank acknowledged")                              \
        X(unacknowledged, "completions and reversals refused, or not answered in time")                      \
        X(late, "answers that came after their time limit")                                                  \
        X(late_approvals, "approvals among them: never paid out, covered by the reversal that is queued")    \
        X(duplicate, "answers that came once more")                                                          \
        X(unknown, "answers to nothing that was asked lately")                                               \
        X(wrong, "answers that do not echo what was asked, or lack what they must hold")                     \
        X(undecodable, "messages of the bank that could not be decoded or are none that a bank sends")

struct bank_counters {
#define X(name, text) uint64_t name;
        BANK_COUNTERS(X)
#undef X
};

struct bank_route_settings {
        char name[ISSUER_MAX + 1];
        char acquirer[12];
        size_t outstanding_max;
        int64_t answer_timeout_ms, echo_interval_ms;
};

struct bank_shell {
        int64_t (*steady_ms)(void *context);
        int64_t (*business_ms)(void *context);
        void *context;
};

/* What has ended lately, by key: a ring. */
struct bank_recent {
        uint64_t key;
        enum bank_end end;
};

struct bank_route {
        struct bank_route_settings settings;
        struct iso_dialect dialect;
        struct bank_shell shell;
        TAILQ_HEAD(, bank_session) sessions;
        struct bank_session *last; /* the one that was taken last */
        size_t up;                 /* sessions in BANK_SESSION_UP */
        size_t reserved;
        bool stopping;
        int32_t stan; /* of the last network message */
        struct bank_recent recent[BANK_RECENT];
        size_t recent_at;
        struct bank_counters count;
        /* One message is handled at a time: */
        struct iso_message message, answer;
        uint8_t bytes[ISO_MESSAGE_MAX];
};

/* NULL: out of memory. */
struct bank_route *bank_route_new(const struct bank_route_settings *settings,
                                  const struct iso_dialect *dialect, const struct bank_shell *shell);
/* Forgets what is under way without a word to anybody. */
void bank_route_free(struct bank_route *route);

static inline bool bank_route_is_up(const struct bank_route *route)
{
        return route->up > 0;
}

/* Room for one request, to be used by bank_route_ask or given back. False: refuse it. */
ATM_MUST_USE bool bank_route_reserve(struct bank_route *route);
void bank_route_release(struct bank_route *route);

/* Send route->message, a 0200, on a reservation, which is used up in any case; the message is wiped. False:
 * nothing was sent, and on_end won't be called. */
ATM_MUST_USE bool bank_route_ask(struct bank_route *route, struct bank_exchange *exchange);
/* Send route->message, a notice, and wait so long for its answer. */
ATM_MUST_USE bool bank_route_tell(struct bank_route *route, struct bank_exchange *exchange,
                                  int64_t timeout_ms);

/* Deadlines and echoes; to be called every tenth of a second or so. */
void bank_route_tick(struct bank_route *route);

/* Sign off and close what is open. */
void bank_route_stop(struct bank_route *route, const char *reason);

/* One log line. */
void bank_route_log(const struct bank_route *route);

/* All ways of an instance. */
enum { BANK_ROUTES_MAX = 32 };
struct bank_routes {
        struct bank_route *route[BANK_ROUTES_MAX];
        size_t count;
};
/* NULL: no such link. routes may be NULL. */
struct bank_route *bank_routes_find(const struct bank_routes *routes, const char *link);

/* ---- for bank_session.c ---- */

void bank_route_note_up(struct bank_route *route, struct bank_session *session);
void bank_route_note_down(struct bank_route *route, struct bank_session *session, bool was_up);
void bank_route_note_end(struct bank_route *route, const struct bank_exchange *exchange, enum bank_end end);
void bank_route_note_stray(struct bank_route *route, enum message_kind kind, uint64_t key,
                           const struct iso_message *answer);

#endif
