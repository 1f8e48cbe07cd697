/*
 * One ATM on one connection.
 *
 *      CONNECTED <--sign-off-- SIGNED_ON
 *          |    --sign-on-->       |
 *          '------close------------'--> CLOSING --closed--> (gone)
 *
 * It is fed whole messages and answers them through struct session_ops; it knows neither sockets nor TLS nor
 * libpq nor libevent. One message is at hand at a time: until it is answered (or left in silence) no further one is taken. It is with
 *
 *      the key module   mac.state is not IDLE    its MAC is checked: then it is read; or its answer's is made: then that leaves
 *      the service      entry.waiting            it is decided
 *
 * So nothing is read under a wrong MAC, and what is durable leaves under a right one or not at all: where the key module is away, slow or can't use the
 * key there is silence, as when an answer is lost on its way. A terminal without keys has to do with the service alone. In CLOSING a session
 * sends nothing and hears nothing, whatever was asked.
 *
 * What each MTI and each DE 70 demands and does is a table in session.c.
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/session_index.h"
#include "daemon/macs/session_mac.h"
#include "daemon/stats.h"

struct service;

enum session_end {
        SESSION_END_PROTOCOL, /* bytes that can't be followed */
        SESSION_END_TERMINAL, /* DE 41 is not the certificate's */
        SESSION_END_MAC,      /* too many messages with a wrong MAC, or none */
        SESSION_END_REPLACED,
        SESSION_END_REFUSED, /* it may not be connected any more */
        SESSION_END_SHUTDOWN,
        SESSION_END_ERROR, /* our own fault, or memory */
};

/* How a session reaches its peer. None of these may call back into the session. */
struct session_ops {
        void (*send)(void *peer, const uint8_t *message, size_t length);
        /* What was sent still leaves; session_closed follows later. */
        void (*close)(void *peer, enum session_end end, const char *reason);
        void (*pause)(void *peer);
        void (*resume)(void *peer);
};

enum session_state { SESSION_CONNECTED, SESSION_SIGNED_ON, SESSION_CLOSING, SESSION_STATE_COUNT };
extern const char *const session_state_name[SESSION_STATE_COUNT];

/* What the sessions of an instance share. */
struct session_env {
        struct service *service;         /* not owned */
        const struct session_keys *keys; /* not owned; NULL: no terminal has any */
        size_t signed_on;                /* sessions in SESSION_SIGNED_ON */
        struct session_counters count;
};

struct session {
        struct session_entry entry; /* in the service's index */
        const struct session_ops *ops;
        void *peer;
        struct session_env *env;
        enum session_state state;
        bool paused;
        bool draining; /* close as soon as nothing is at hand */
        /* the same, after the answer to what it did: */
        enum session_end ends;
        const char *ends_why; /* NULL: it goes on */
        struct session_mac mac;
};

/* The session that an entry of the index is of. */
static inline struct session *session_of(struct session_entry *entry)
{
        return (struct session *)((char *)entry - offsetof(struct session, entry));
}

/* The connection is ready and its certificate says `name`. False: it was closed at once (ops->close was
 * called), the session is not to be used and session_closed not to be called. */
bool session_open(struct session *session, struct session_env *env, const struct session_ops *ops, void *peer,
                  const char *name);

/* One whole message, without its length. Not to be called while the session is paused. */
void session_frame(struct session *session, const uint8_t *bytes, size_t length);

/* Close once what is waited for has been answered: at once if that is nothing. */
void session_drain(struct session *session);

/* It may not be connected any more: closed at once, whatever it waits for. */
void session_refuse(struct session *session, const char *reason);

/* The connection is gone, whoever ended it. */
void session_closed(struct session *session);

#endif
