/*
 * The sessions of this instance: by handle, and by terminal. It knows of a session what all others but its own
 * connection may know: an entry, which is a member of the session's.
 *
 * A handle is a slot and its generation. A transaction keeps the handle of the session that waits for it,
 * never a pointer: once the session is gone the handle finds nothing, also where another session has taken
 * the slot. 0 is no handle. Of several sessions of one terminal, the newest is the one found by name.
 */
#ifndef DAEMON_SESSION_INDEX_H
#define DAEMON_SESSION_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/base/attributes.h"
#include "protocol/iso8583.h"
#include "rules/reference.h"

struct session_entry {
        uint64_t handle;                    /* 0: not in the index */
        char terminal[TERMINAL_LENGTH + 1]; /* the certificate's CN */
        /* From the service. The end of the transaction that it waits for: the answer, which may be added to, or NULL for silence. */
        void (*on_answered)(struct session_entry *entry, struct iso_message *answer);
        bool waiting; /* for that; the service's to write */
        LIST_ENTRY(session_entry) by_terminal;
};

struct session_index;

struct session_index *session_index_new(void); /* NULL: out of memory */
void session_index_free(struct session_index *index);

/* The entry's terminal must be set; sets its handle. False: out of memory, or no handle left. */
ATM_MUST_USE bool session_index_add(struct session_index *index, struct session_entry *entry);
void session_index_remove(struct session_index *index, struct session_entry *entry);

struct session_entry *session_index_find(const struct session_index *index, uint64_t handle);
struct session_entry *session_index_find_terminal(const struct session_index *index, const char *terminal);

size_t session_index_count(const struct session_index *index);
void session_index_each(struct session_index *index,
                        void (*visit)(struct session_entry *entry, void *context), void *context);

#endif
