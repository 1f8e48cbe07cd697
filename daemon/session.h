/*
 * One ATM on one connection.
 *
 *      CONNECTED <--sign-off-- SIGNED_ON
 *          |    --sign-on-->       |
 *          '------close------------'--> CLOSING --closed--> (gone)
 *
 * It is fed whole messages and answers them through struct session_ops; it knows neither sockets nor TLS nor
 * libpq nor libevent. One request is with the ledger at a time: until it is answered (or left in silence)
 * `waiting` holds and no further message is taken. In CLOSING it sends nothing and hears nothing.
 *
 * What each MTI and each DE 70 demands and does is a table in session.c.
 */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "protocol/iso8583.h"
#include "rules/reference.h"

struct service;
struct txn;

enum session_end {
        SESSION_END_PROTOCOL, /* bytes that can't be followed */
        SESSION_END_TERMINAL, /* DE 41 is not the certificate's */
        SESSION_END_REPLACED,
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

struct session {
        const struct session_ops *ops;
        void *peer;
        struct service *service;
        uint64_t handle;
        enum session_state state;
        bool waiting;                       /* for the ledger */
        bool draining;                      /* close as soon as nothing is waited for */
        char terminal[TERMINAL_LENGTH + 1]; /* the certificate's CN */
        /* The last 0200 given to the ledger: the same once more is a repeat, whatever its MTI says. */
        int32_t last_stan;
        char last_transmitted[11];
        LIST_ENTRY(session) by_terminal;
};

/* The connection is ready and its certificate says `name`. False: it was closed at once (ops->close was
 * called), the session is not to be used and session_closed not to be called. */
bool session_open(struct session *session, struct service *service, const struct session_ops *ops, void *peer,
                  const char *name);

/* One whole message, without its length. Not to be called while the session is paused. */
void session_frame(struct session *session, const uint8_t *bytes, size_t length);

/* Close once what is waited for has been answered: at once if that is nothing. */
void session_drain(struct session *session);

/* The connection is gone, whoever ended it. */
void session_closed(struct session *session);

/* From the service: the transaction's end, with the answer or NULL for silence. */
void session_answered(struct session *session, const struct iso_message *answer);

#endif
