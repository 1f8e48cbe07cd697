/*
 * What does the key module's work: the software of software.h, or a machine made for it that is reached by commands of its own. Whoever stands above knows nothing of
 * keys: it hands over a request that was read (its fields are as their rows say, its user may ask for it), and gets it back with an answer, at once or
 * later, in any order.
 *
 *      backend_call --ask--> the back end's --done--> the caller's again
 */
#ifndef KEYMODULE_BACKEND_H
#define KEYMODULE_BACKEND_H

#include "keymodule/protocol/message.h"

enum { BACKEND_ROOM = 1024 };

struct backend;

struct backend_call {
        struct key_message request; /* its values stay where they are until `done` */
        struct key_message
            answer; /* command and id are the request's already; the code is KEY_CODE_GOOD until the back end says otherwise */
        uint8_t room[BACKEND_ROOM]; /* for what the answer's values point to; wiped by the caller */
        size_t used;                /* of it */
        void (*done)(struct backend_call *call);
};

struct backend_kind {
        const char *name;
        void (*ask)(struct backend *backend, struct backend_call *call);
        void (*free)(struct backend *backend);
};

/* The beginning of each kind's own struct. */
struct backend {
        const struct backend_kind *kind;
};

#endif
