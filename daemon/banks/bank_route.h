/*
 * What the daemon knows of a link to a bank, [link NAME] of the configuration. It spreads requests and notices over
 * the connections that are up, bounds what is outstanding, and remembers what has ended lately, so that answers that
 * match nothing are counted for what they are: late, duplicate or unknown. Nothing else comes of them.
 *
 * Pure like service.c: the daemon gives it connections over TLS (bank_conn.c), the simulation others.
 *
 * Invariants: reserved counts the requests from the moment they were accepted for this link until their
 * exchange has ended, and never passes outstanding_max; a request is accepted only while a connection is up and the bank has
 * not signed off.
 * Notices are bounded by whoever sends them (saf.c) and never wait behind requests.
 */
#ifndef DAEMON_BANKS_BANK_ROUTE_H
#define DAEMON_BANKS_BANK_ROUTE_H

#include "config/bank_codes.h"
#include "config/limits.h"
#include "daemon/banks/bank_format.h"
#include "daemon/banks/bank_session.h"

enum { BANK_RECENT = 4096 };

#define BANK_COUNTERS(X)                                                                                     \
        X(sign_ons, "connections over which the bank accepted our sign-on")                                  \
        X(sign_offs, "times that the bank signed off: nothing is sent until it signs on again")              \
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
        X(cases, "completions and reversals that the bank will not book: exceptions, for people")            \
        X(unacknowledged, "completions and reversals put off by the bank, or not answered in time")          \
        X(late, "answers that came after their time limit")                                                  \
        X(late_approvals, "approvals among them: never paid out, covered by the reversal that is queued")    \
        X(duplicate, "answers that came once more")                                                          \
        X(unknown, "answers to nothing that was asked lately")                                               \
        X(wrong, "answers that do not echo what was asked, or lack what they must hold")                     \
        X(undecodable, "messages of the bank that could not be decoded or are none that a bank sends")       \
        X(empty, "messages of the bank with nothing in them, which keep its connection")                     \
        X(wrong_macs, "messages of the bank with a wrong MAC, or none: as if they had not come")             \
        X(unchecked, "messages of the bank whose MAC nobody could check: likewise")                          \
        X(refused_macs, "answers of the bank that say that a MAC of ours is wrong")                          \
        X(unsent, "requests and notices that did not leave, since there was no MAC for them")                \
        X(full, "messages to the bank that did not leave, since too many were with the key module")          \
        X(rests, "times that the bank was not read until fewer messages were with the key module")           \
        X(keys_kept, "offers of a newer key set that the bank has kept")                                     \
        X(keys_refused, "offers of one that it has refused, not answered, or not used")                      \
        X(keys_asked, "times that the bank has asked for its keys")

struct bank_counters {
#define X(name, text) uint64_t name;
        BANK_COUNTERS(X)
#undef X
};

/* What people are told of a link, the worst first. */
enum bank_route_state {
        BANK_ROUTE_DOWN,       /* no connection is up, or nothing can be said over it for want of MACs */
        BANK_ROUTE_SIGNED_OFF, /* by the bank */
        BANK_ROUTE_UP,
        BANK_ROUTE_STATE_COUNT
};
extern const char *const bank_route_state_name[BANK_ROUTE_STATE_COUNT]; /* as sql's table sighting has them */

/* What has ended lately, by key: a ring. */
struct bank_recent {
        uint64_t key;
        struct ledger_identity identity;
        enum bank_end end;
};

struct bank_route {
        struct bank_link_settings settings;
        struct iso_dialect dialect;
        struct bank_codes codes; /* what the bank's DE 39 means */
        struct bank_shell shell;
        struct bank_session_env env; /* of the three above */
        TAILQ_HEAD(, bank_session) sessions;
        struct bank_session *last; /* the one that was taken last */
        size_t up;                 /* sessions in BANK_SESSION_UP */
        size_t reserved;
        bool stopping;
        bool signed_off;        /* by the bank, until it signs on again or accepts a sign-on of ours */
        int64_t since_ms;       /* steady: when it came to be in the state that it is in */
        char why[LIMIT_REASON]; /* the last failure of a connection since one came up; "": none */
        /* An approval came when nobody waited for it any more; NULL: nobody wants to know. */
        void (*on_late_approval)(void *context, const struct bank_route *route,
                                 const struct ledger_identity *identity, const struct iso_message *answer);
        /* A message of the bank's whose MAC is wrong, or missing; NULL: nobody wants to know. */
        void (*on_wrong_mac)(void *context, const struct bank_route *route, int connection, const char *mti,
                             const char *why);
        void *watcher;
        struct bank_recent recent[BANK_RECENT];
        size_t recent_at;
        struct bank_counters count;
};

/* NULL: out of memory. */
struct bank_route *bank_route_new(const struct bank_link_settings *settings,
                                  const struct iso_dialect *dialect, const struct bank_codes *codes,
                                  const struct bank_shell *shell);
/* Whether more may be read of the bank; where it may not, sessions' ops->resume says when. */
ATM_MUST_USE bool bank_route_may_read(struct bank_route *route);

/* Before it has connections: the keys of links, and who uses them. Otherwise none has any. */
void bank_route_set_keys(struct bank_route *route, const struct session_keys *keys);
/* Forgets what is under way without a word to anybody. */
void bank_route_free(struct bank_route *route);
/* For what is asked from now on. The name must be the same. */
void bank_route_change(struct bank_route *route, const struct bank_link_settings *settings);

/* A connection is ready: the session, whose memory is the connection's, signs on and belongs to the route until
 * bank_route_detach: the connection is gone, whoever ended it. */
void bank_route_attach(struct bank_route *route, struct bank_session *session, int number,
                       const struct bank_session_ops *ops, void *peer);
void bank_route_detach(struct bank_route *route, struct bank_session *session);

/* An attempt to connect, or a connection, has ended. */
void bank_route_failed(struct bank_route *route, const char *reason);

static inline enum bank_route_state bank_route_state(const struct bank_route *route)
{
        if (route->up == 0 || route->env.mute)
                return BANK_ROUTE_DOWN;
        return route->signed_off ? BANK_ROUTE_SIGNED_OFF : BANK_ROUTE_UP;
}
/* Why it is in its state, for people; "": nothing is wrong. */
const char *bank_route_why(const struct bank_route *route);

static inline bool bank_route_is_up(const struct bank_route *route)
{
        return bank_route_state(route) == BANK_ROUTE_UP;
}

/* Whether its requests must have a PIN block: of a link that has keys, where its dialect says so. */
bool bank_route_wants_pin(const struct bank_route *route);

/* Whether the bank's dialect has room for the message, which is wiped. */
ATM_MUST_USE bool bank_route_can_say(const struct bank_route *route, struct iso_message *message);

/* Room for one request, to be used by bank_route_ask or given back. False: refuse it. */
ATM_MUST_USE bool bank_route_reserve(struct bank_route *route);
void bank_route_release(struct bank_route *route);

/* Send a 0200 on a reservation, which is used up in any case; the message is wiped. False: nothing was sent, and
 * on_end won't be called. */
ATM_MUST_USE bool bank_route_ask(struct bank_route *route, struct bank_exchange *exchange,
                                 struct iso_message *message);
/* Send a notice, which is wiped, and wait so long for its answer. */
ATM_MUST_USE bool bank_route_tell(struct bank_route *route, struct bank_exchange *exchange,
                                  struct iso_message *message, int64_t timeout_ms);

/* What the answer to a notice says; NULL: there was none. */
enum notice_verdict bank_route_verdict(const struct bank_route *route, const struct iso_message *answer);

/* Deadlines and echoes; to be called every tenth of a second or so. */
void bank_route_tick(struct bank_route *route);

/* Sign off and close what is open. */
void bank_route_stop(struct bank_route *route, const char *reason);

/* After that: whether all has been said. */
bool bank_route_has_left(const struct bank_route *route);

/* One log line. */
void bank_route_log(const struct bank_route *route);

/* All links of an instance. */
enum { BANK_ROUTES_MAX = 32 };
struct bank_routes {
        struct bank_route *route[BANK_ROUTES_MAX];
        size_t count;
};
/* NULL: no such link. routes may be NULL. */
struct bank_route *bank_routes_find(const struct bank_routes *routes, const char *link);

#endif
