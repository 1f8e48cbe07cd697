/*
 * What sessions know of keys: the key blocks of terminals and links, and whom they ask to use them. In the daemon that is the key module (key_module.h), in the
 * simulation what stands for it in virtual time; so nothing here knows libevent or OpenSSL.
 */
#ifndef DAEMON_MACS_SESSION_KEYS_H
#define DAEMON_MACS_SESSION_KEYS_H

#include <sys/queue.h>

#include "config/key_owners.h"
#include "keymodule/client/key_client.h"

struct key_rings;

/* Who waits until the keys were read anew, with the memory that this takes. */
struct key_reader {
        void (*ended)(struct key_reader *reader, bool is_read); /* false: they can't be read now */
        void *context;
        TAILQ_ENTRY(key_reader) entry;
        int64_t read, until_ms; /* whoever reads (daemon/key_reads.h) knows them by these */
};

struct session_keys {
        const struct key_rings *rings; /* config/key_rings.h; not owned; what is in it changes, it stays */
        /* A message of the owner was good under a set that was not used before. */
        void (*used)(void *context, enum key_owner owner_kind, const char *owner, int number);
        /* As key_client_ask and key_question_drop. */
        bool (*ask)(void *context, struct key_question *question, const struct key_message *message);
        void (*drop)(void *context, struct key_question *question);
        /* The rings are read, from now on; `ended` follows later, unless it is forgotten. Seldom enough, however often it is asked. */
        void (*read)(void *context, struct key_reader *reader);
        void (*forget)(void *context, struct key_reader *reader);
        void *context;
        int64_t wrong_max; /* so many messages in a row with a wrong MAC, or without, end their connection */
};

/* Whether the owner has, or had, keys, and so must use them. keys NULL: nobody has any. */
bool session_keys_has(const struct session_keys *keys, enum key_owner owner_kind, const char *owner);

#endif
