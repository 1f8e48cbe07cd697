/*
 * Two indexes over the sessions: an array of slots with a free list through it, and a chained hash by
 * terminal whose newest entry comes first in its chain. Both double when they are full.
 */
#include "daemon/session_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/limits.h"
#include "lib/base/hash.h"

enum { SLOTS_FIRST = 64, NO_SLOT = UINT32_MAX };

struct slot {
        struct session_entry *entry; /* NULL: free */
        uint32_t generation;
        uint32_t next_free;
};

LIST_HEAD(chain, session_entry);

struct session_index {
        struct slot *slots;
        struct chain *chains; /* as many as slots */
        uint32_t size, first_free;
        size_t count;
};

static uint32_t hash(const char *terminal)
{
        uint32_t h =
            hash32_bytes(terminal, strlen(terminal)); /* the names come from certificates that we issued */
        return h ^ (h >> 16);
}

static struct chain *chain_of(const struct session_index *index, const char *terminal)
{
        return &index->chains[hash(terminal) & (index->size - 1)];
}

static void rehash(struct session_index *index, struct chain *chains, uint32_t size)
{
        struct chain *old = index->chains;
        uint32_t old_size = index->size;
        index->chains = chains;
        index->size = size;
        for (uint32_t i = 0; i < size; i++)
                LIST_INIT(&chains[i]);
        for (uint32_t i = 0; i < old_size; i++) {
                /* Kept in order: of one terminal's sessions the newest stays first. */
                struct session_entry *last[2] = {NULL, NULL};
                struct session_entry *entry, *next;
                for (entry = LIST_FIRST(&old[i]); entry; entry = next) {
                        next = LIST_NEXT(entry, by_terminal);
                        bool upper = (hash(entry->terminal) & (size - 1)) != i;
                        if (last[upper])
                                LIST_INSERT_AFTER(last[upper], entry, by_terminal);
                        else
                                LIST_INSERT_HEAD(chain_of(index, entry->terminal), entry, by_terminal);
                        last[upper] = entry;
                }
        }
        free(old);
}

static bool grow(struct session_index *index)
{
        uint32_t size = index->size ? index->size * 2 : SLOTS_FIRST;
        if (size > LIMIT_CONNECTIONS)
                return false;
        struct chain *chains = calloc(size, sizeof(*chains));
        if (!chains)
                return false;
        struct slot *slots = realloc(index->slots, size * sizeof(*slots));
        if (!slots) {
                free(chains);
                return false;
        }
        index->slots = slots;
        for (uint32_t i = index->size; i < size; i++)
                slots[i] = (struct slot){.generation = 1, .next_free = i + 1 < size ? i + 1 : NO_SLOT};
        index->first_free = index->size;
        rehash(index, chains, size);
        return true;
}

struct session_index *session_index_new(void)
{
        struct session_index *index = calloc(1, sizeof(*index));
        if (!index)
                return NULL;
        index->first_free = NO_SLOT;
        if (!grow(index)) {
                free(index);
                return NULL;
        }
        return index;
}

void session_index_free(struct session_index *index)
{
        if (!index)
                return;
        free(index->slots);
        free(index->chains);
        free(index);
}

bool session_index_add(struct session_index *index, struct session_entry *entry)
{
        if (index->first_free == NO_SLOT && !grow(index))
                return false;
        uint32_t at = index->first_free;
        struct slot *slot = &index->slots[at];
        index->first_free = slot->next_free;
        slot->entry = entry;
        entry->handle = (uint64_t)slot->generation << 32 | at;
        LIST_INSERT_HEAD(chain_of(index, entry->terminal), entry, by_terminal);
        index->count++;
        return true;
}

void session_index_remove(struct session_index *index, struct session_entry *entry)
{
        uint32_t at = (uint32_t)entry->handle;
        struct slot *slot = &index->slots[at];
        assert(session_index_find(index, entry->handle) == entry);
        slot->entry = NULL;
        if (++slot->generation == 0)
                slot->generation = 1; /* 0 is no handle */
        slot->next_free = index->first_free;
        index->first_free = at;
        LIST_REMOVE(entry, by_terminal);
        entry->handle = 0;
        index->count--;
}

struct session_entry *session_index_find(const struct session_index *index, uint64_t handle)
{
        uint32_t at = (uint32_t)handle;
        if (handle == 0 || at >= index->size || index->slots[at].generation != handle >> 32)
                return NULL;
        return index->slots[at].entry;
}

struct session_entry *session_index_find_terminal(const struct session_index *index, const char *terminal)
{
        struct session_entry *entry;
        LIST_FOREACH(entry, chain_of(index, terminal), by_terminal)
        if (strcmp(entry->terminal, terminal) == 0)
                return entry;
        return NULL;
}

size_t session_index_count(const struct session_index *index)
{
        return index->count;
}

void session_index_each(struct session_index *index,
                        void (*visit)(struct session_entry *entry, void *context), void *context)
{
        for (uint32_t i = 0; i < index->size; i++)
                if (index->slots[i].entry)
                        visit(index->slots[i].entry, context);
}
