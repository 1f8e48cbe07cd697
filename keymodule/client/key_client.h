/*
 * The key module as others ask it: questions that are pipelined on one unix socket, gathered and written once a turn of the event loop. Nobody waits for it.
 *
 *      AWAY --pause over, connected--> GREETING --its status is there--> UP --hangs up, says nothing for too long--> AWAY
 *                                         '-> AWAY (refused, silent, or served by somebody else)
 *
 * A question is its asker's memory, borrowed until `ended` is called, once, from the loop: with an answer, or without one after
 * `timeout_ms`, or as soon as the connection is lost. While the module is away, or as many questions as may be are on their way, nothing is taken: key_client_ask
 * says so at once. Pauses between attempts grow and are jittered. An answer that comes too late is dropped.
 */
#ifndef KEYMODULE_CLIENT_KEY_CLIENT_H
#define KEYMODULE_CLIENT_KEY_CLIENT_H

#include <stdint.h>
#include <sys/queue.h>

#include "keymodule/protocol/message.h"

enum { KEY_CLIENT_WHY_MAX = 160 };
#define KEY_CLIENT_STRANGER                                                                                  \
        "another user serves at its path: expected ourselves, root, or the owner of the socket's folder"

struct event_base;
struct key_client;

struct key_client_rules {
        const char *path;
        int64_t timeout_ms;   /* of a question */
        size_t questions_max; /* on their way at a time */
        int64_t pause_ms,
            longest_pause_ms; /* between attempts to connect: the first, and what they grow to */
};

struct key_client_events {
        void (*up)(void *context);
        void (*away)(void *context, const char *why); /* also of each attempt that failed */
};

struct key_question {
        /* answer: its values are good until this returns; NULL: there is none. It may ask again, and must not free the client. */
        void (*ended)(struct key_question *question, const struct key_message *answer);
        void *context; /* the asker's */

        /* the client's */
        TAILQ_ENTRY(key_question) entry;
        struct key_client *client; /* NULL: not on its way */
        uint32_t id;
        enum key_command command;
        int64_t until_ms;
};

struct key_client_counters {
        int64_t asked, answered, away, timed_out, late;
};

/* Begins to connect. The rules are copied, the path too. NULL: out of memory, or the path is too long. */
ATM_MUST_USE struct key_client *key_client_new(struct event_base *base, const struct key_client_rules *rules,
                                               const struct key_client_events *events, void *context);
/* What is on its way has no end any more: `ended` is not called. NULL is fine. */
void key_client_free(struct key_client *client);

bool key_client_is_up(const struct key_client *client);
/* The message's command and values; what they point to may change afterwards. False: away, full, or a value that is not as its row says; `ended` is not called. */
ATM_MUST_USE bool key_client_ask(struct key_client *client, struct key_question *question,
                                 const struct key_message *message);
/* Its answer is dropped. One that is not on its way may be given. */
void key_question_drop(struct key_question *question);
const struct key_client_counters *key_client_counters(const struct key_client *client);

#endif
