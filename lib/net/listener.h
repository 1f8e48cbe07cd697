/*
 * The door: a listening socket and its accept loop. It knows nothing of what comes in.
 *
 *      OPEN --listener_shut--> SHUT --listener_open--> OPEN      who is in already stays in
 *
 * Some connections a turn, so that those that are open have theirs. Where the system has no descriptor
 * left, the one held in reserve is given up for a moment to accept and close the caller (who then knows),
 * and accepting rests for a while: a level-triggered event would spin.
 */
#ifndef LIB_NET_LISTENER_H
#define LIB_NET_LISTENER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/attributes.h"

enum { LISTENER_ERROR_MAX = 512, LISTENER_PEER_MAX = 56 };

struct listener;

struct listener_rules {
        int backlog;
        int accepts_per_turn;
        int socket_buffer; /* bytes that the system may keep of a connection, each way; 0: as many as it likes */
        int64_t rest_ms; /* where the system has no descriptors or memory left */
        /* While it is shut nobody is given the port by chance: another socket, which never listens, is bound to it. */
        bool keeps_port;
};

struct listener_events {
        /* Takes over the descriptor: non-blocking, close-on-exec, without Nagle's delay. */
        void (*accepted)(void *context, int fd, const struct sockaddr *address, const char *peer);
        void (*refused)(void *context); /* no descriptors */
};

/* Open. NULL with a text in error[]: no such address, in use, not permitted. port 0: any. */
ATM_MUST_USE struct listener *listener_new(struct event_base *base, const char *host, int port,
                                           const struct listener_rules *rules,
                                           const struct listener_events *events, void *context,
                                           char error[LISTENER_ERROR_MAX]);
/* Open, with a socket that somebody else has opened (listener_passed); taken over, closed where this fails. Others may hold it as well: who comes
 * is accepted by one of them, and while nobody does he waits. Once it is shut it can't be opened again. */
ATM_MUST_USE struct listener *listener_adopt(struct event_base *base, int fd,
                                             const struct listener_rules *rules,
                                             const struct listener_events *events, void *context,
                                             char error[LISTENER_ERROR_MAX]);
/* The socket that whoever started this process, a service manager's socket unit, has opened for it and passed on
 * (sd_listen_fds(3): LISTEN_FDS, LISTEN_PID). -1: none. False with a text in error[]: it is not one TCP socket that listens. */
ATM_MUST_USE bool listener_passed(int *ret_fd, char error[LISTENER_ERROR_MAX]);
void listener_free(struct listener *listener); /* stops listening; NULL is fine */
/* Who comes is refused by the system. */
void listener_shut(struct listener *listener);
/* At the same address. False with errno. */
ATM_MUST_USE bool listener_open(struct listener *listener);
/* "127.0.0.1:7583" */
const char *listener_address(const struct listener *listener);
int listener_port(const struct listener *listener);

#endif
