/*
 * One connection to a bank.
 *
 *      SIGNING_ON --0810 with 00--> UP --> CLOSING --closed--> (gone)
 *          '------refused, no answer, hung up---^
 *
 * SIGNING_ON  TLS is done and the sign-on has left; nothing else goes over it yet
 * UP          requests and notices go over it and are answered in any order
 * CLOSING     it sends nothing and hears nothing; what was outstanding has been given back
 *
 * Like session.c it is fed whole messages and reaches its peer through ops; it knows neither sockets nor TLS
 * nor libevent nor libpq. Answers are matched by kind, DE 41, 11 and 7, and must echo DE 3 and 4; the
 * DE 95 of an 0430, where it has one, must be the 0420's. What happens is told through events to whoever owns
 * the connections of the link (bank_route.h): what matches nothing goes there, since it may have ended lately.
 *
 * Of a link that has keys each message, in both directions, has a MAC: what comes is read after the key module has checked it, what leaves does so once the
 * module has made it (bank_macs.h). Many are with the module at a time, and none waits for another, so their order may change. Where it is away, slow, or can't
 * use the key, nothing leaves, and what comes is as if it had not come; the link is mute, and tries network messages until it is not.
 *
 * Invariants: an exchange that was accepted ends exactly once, by its answer, its deadline, the end of the
 * connection, or since there is no MAC for it, and its memory is its owner's: nothing is allocated for a message.
 */
#ifndef DAEMON_BANKS_BANK_SESSION_H
#define DAEMON_BANKS_BANK_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "config/bank_codes.h"
#include "daemon/banks/bank_macs.h"
#include "daemon/ledger/ledger.h"
#include "protocol/profile.h"

enum { BANK_SESSION_BUCKETS = 256 };

struct bank_session;

/* What is agreed with a bank, as far as messages need it: [link NAME] of the configuration. */
struct bank_link_settings {
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

enum bank_end {
        BANK_ANSWERED,
        BANK_TIMED_OUT,
        BANK_LOST,   /* the connection ended: whether the bank has heard of it is unknown */
        BANK_UNSENT, /* nothing of it has left: it has no MAC */
};

/* One message to a bank and its answer. The owner fills the first part. */
struct bank_exchange {
        struct ledger_identity identity;
        enum message_kind kind; /* MESSAGE_REQUEST, MESSAGE_COMPLETION, MESSAGE_REVERSAL */
        int key_set;            /* that its PIN block is under, and so must its MAC be; 0: it has none */
        /* Never from within the call that sent it. answer is NULL unless BANK_ANSWERED. */
        void (*on_end)(struct bank_exchange *exchange, enum bank_end end, const struct iso_message *answer);
        /* the session's own: */
        struct bank_session *session; /* NULL: not under way */
        struct bank_mac *mac;         /* that it waits for; NULL: it has left */
        uint64_t key;
        char de7[11];
        int64_t processing_code, amount_yen; /* amount -1: none was sent */
        char replacement[43];                /* DE 95; "": none was sent */
        int64_t deadline_ms;
        TAILQ_ENTRY(bank_exchange) by_deadline;
        TAILQ_ENTRY(bank_exchange) in_bucket;
};

TAILQ_HEAD(bank_exchange_list, bank_exchange);

/* How a session reaches its peer. None may call back into the session. */
struct bank_session_ops {
        void (*send)(void *peer, const uint8_t *message, size_t length);
        void (*close)(void *peer, const char *reason); /* bank_session_closed follows later */
        void (*resume)(void *peer); /* who was told by bank_route_may_read not to read it may read it again */
};

/* What of a bank's messages is counted and has no other effect. */
enum bank_remark {
        BANK_ECHO_ANSWERED,
        BANK_ANSWER_UNKNOWN,      /* to a network message that is not under way */
        BANK_ANSWER_WRONG,        /* not what was asked, or incomplete */
        BANK_MESSAGE_UNDECODABLE, /* or none that a bank sends */
        BANK_MESSAGE_EMPTY,       /* a sign of life by which some keep their connections */
        BANK_MESSAGE_UNCHECKED,   /* the key module could not say whether its MAC is right */
        BANK_MACS_FULL,           /* ours did not leave: too many are with the key module */
        BANK_MAC_REFUSED,         /* it says that a MAC of ours is wrong */
        BANK_KEYS_KEPT,           /* it has kept a newer set that it was offered */
        BANK_KEYS_REFUSED,        /* it has not, or did not answer */
        BANK_KEYS_ASKED           /* it has asked for one */
};

/*
 * A newer key set of the link's that waits for it is offered to the bank, over whichever connection is up: 0800 with the dialect's code for a change of keys, its keys under the
 * link's key-encrypting key. Who keeps it says 00; it is used from the bank's first message under it on, so nothing is lost by an offer that comes
 * to nothing. It is made again after growing pauses for as long as the set is not used. Each instance has its own, and none knows of another's.
 */
struct bank_offer {
        int set; /* that was on offer last; 0: none */
        int tries;
        int64_t again_ms; /* not before */
        bool is_kept;     /* the bank says so */
        char why[96];     /* the last one came to nothing, for people; "": it has not */
};

struct bank_session_env;

/* How a session tells what happens. None of these may call back into it, except that `ended` may send. */
struct bank_session_events {
        void (*up)(struct bank_session_env *env, struct bank_session *session);
        void (*down)(struct bank_session_env *env, struct bank_session *session, bool was_up);
        /* The bank itself signs on or off. */
        void (*signed_by_bank)(struct bank_session_env *env, bool on);
        /* Before the exchange's own on_end. */
        void (*ended)(struct bank_session_env *env, const struct bank_exchange *exchange, enum bank_end end,
                      const struct iso_message *answer);
        /* An answer to nothing that is under way. */
        void (*stray)(struct bank_session_env *env, enum message_kind kind, uint64_t key,
                      const struct iso_message *answer);
        void (*remarked)(struct bank_session_env *env, enum bank_remark remark);
        /* A message whose MAC is wrong, or missing: nothing else comes of it. */
        void (*wrong_mac)(struct bank_session_env *env, const struct bank_session *session, const char *mti,
                          const char *why);
        /* Why no MACs are made or checked, static text; NULL: they are again. */
        void (*muted)(struct bank_session_env *env, const char *why);
};

/* What the sessions of a link share; their owner's, and so is what it points to. */
struct bank_session_env {
        const struct bank_link_settings *settings;
        const struct iso_dialect *dialect;
        const struct bank_shell *shell;
        const struct bank_session_events *events;
        const struct bank_codes *codes;
        const struct session_keys *keys; /* NULL: no link has any */
        struct session_mac_side side;
        struct bank_macs macs;
        const char *mute; /* why nothing has had a MAC lately; NULL: it has, or none is needed */
        struct bank_offer offer;
        int32_t stan;     /* of the last network message */
        int64_t heard_ms; /* steady: when the bank was heard last, over any of them; 0: never */
};

enum bank_session_state {
        BANK_SESSION_SIGNING_ON,
        BANK_SESSION_UP,
        BANK_SESSION_CLOSING,
        BANK_SESSION_STATE_COUNT
};
extern const char *const bank_session_state_name[BANK_SESSION_STATE_COUNT];

struct bank_session {
        const struct bank_session_ops *ops;
        void *peer;
        struct bank_session_env *env;
        int number; /* of the link's connections, for the log */
        enum bank_session_state state;
        size_t outstanding;
        struct bank_exchange_list requests, notices; /* each by deadline */
        struct bank_exchange_list bucket[BANK_SESSION_BUCKETS];
        struct bank_mac_list macs; /* with the key module */
        int64_t wrong_macs;        /* in a row */
        int64_t heard_ms;
        /* the network message under way; a deadline of 0: none */
        int64_t network_deadline_ms;
        int64_t network_again_ms; /* not before: there was no MAC for the last one */
        int32_t network_stan;
        enum iso_network network;
        const char *leaving; /* its sign-off waits for its MAC: why it ends then; NULL: it stays */
        bool echo_due;       /* something was left unanswered: is the bank there at all? */
        TAILQ_ENTRY(bank_session) entry; /* the owner's */
};

/* The connection is ready: signs on. */
void bank_session_open(struct bank_session *session, struct bank_session_env *env, int number,
                       const struct bank_session_ops *ops, void *peer);

/* One whole message, without its length. */
void bank_session_frame(struct bank_session *session, const uint8_t *bytes, size_t length);

/* Deadlines. */
void bank_session_tick(struct bank_session *session, int64_t now_ms);

/* Sign off and close, as soon as the sign-off has its MAC where it needs one: the daemon stops. The reason is kept. */
void bank_session_stop(struct bank_session *session, const char *reason);

/* The connection is gone, whoever ended it: what was outstanding is given back. */
void bank_session_closed(struct bank_session *session);

/* Whether the link's dialect has room for the message, which is wiped. */
ATM_MUST_USE bool bank_session_can_say(const struct bank_session_env *env, struct iso_message *message);

/* Send the message as the exchange says, on a session that is UP. False: it can't be said in the bank's
 * dialect, or no MAC can be asked for, and nothing was sent. Wipes the message. */
ATM_MUST_USE bool bank_session_exchange(struct bank_session *session, struct bank_exchange *exchange,
                                        struct iso_message *message, int64_t deadline_ms);

#endif
