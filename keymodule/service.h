/*
 * Who asks the key module: clients at a unix socket, each of a user who was allowed (SO_PEERCRED), and their requests on the way through the back
 * end.
 *
 *      accepted --user allowed--> SERVED --hangs up, or sends no frame--> gone, its requests' answers dropped
 *               '-> one answer (id 0, KEY_CODE_USER), then closed
 *
 * Requests that are with the back end have places, of which there are so many; where none is free nobody is read from, so what waits waits in the clients'
 * sockets, and their own time-outs hold. Who doesn't read his answers is not read from either. No user keeps others out, or waiting, by having many connections: in a
 * turn of the loop all of them together have as many requests as another user's one, and where the house is full the last of the largest crowd goes for whoever
 * has fewer.
 */
#ifndef KEYMODULE_SERVICE_H
#define KEYMODULE_SERVICE_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/types.h>

#include "keymodule/backend.h"

enum { SERVICE_ERROR_MAX = 512, SERVICE_USERS_MAX = 16, SERVICE_CLIENTS_MAX = 64 };

struct service_user {
        uid_t uid;
        bool may[2]; /* by enum key_duty */
};

struct service_rules {
        const char *path;
        struct service_user users[SERVICE_USERS_MAX];
        size_t user_count;
        size_t calls_max; /* with the back end at a time */
};

struct service_counters {
        int64_t clients, refused, requests, bad; /* bad: answered with another code than KEY_CODE_GOOD */
};

struct service;

/* The back end stays the caller's. NULL with words in error[]: somebody serves at that path, or it can't be made. */
ATM_MUST_USE struct service *service_new(struct event_base *base, const struct service_rules *rules,
                                         struct backend *backend, char error[SERVICE_ERROR_MAX]);
void service_free(struct service *service); /* NULL is fine; the back end must have no calls any more */
const struct service_counters *service_counters(const struct service *service);

#endif
