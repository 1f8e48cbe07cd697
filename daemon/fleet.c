/*
 * Two indexes over the sessions: an array of places with a free list through it, and a chained hash by
 * terminal whose newest entry comes first in its chain. Both double when they are full.
 */
#include "daemon/fleet.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/limits.h"
#include "daemon/session.h"
#include "lib/base/hash.h"

enum { PLACES_FIRST = 64, NO_PLACE = UINT32_MAX };

struct place {
        struct session *session; /* NULL: free */
        uint32_t generation;
        uint32_t next_free;
};

LIST_HEAD(chain, session);

struct fleet {
        struct place *places;
        struct chain *chains; /* as many as places */
        uint32_t size, first_free;
        size_t count;
};

static uint32_t hash(const char *terminal)
{
        uint32_t h = hash32_bytes(terminal, strlen(terminal)); /* the names come from certificates that we issued */
        return h ^ (h >> 16);
}

static struct chain *chain_of(const struct fleet *fleet, const char *terminal)
{
        return &fleet->chains[hash(terminal) & (fleet->size - 1)];
}

static void rehash(struct fleet *fleet, struct chain *chains, uint32_t size)
{
        struct chain *old = fleet->chains;
        uint32_t old_size = fleet->size;
        fleet->chains = chains;
        fleet->size = size;
        for (uint32_t i = 0; i < size; i++)
                LIST_INIT(&chains[i]);
        for (uint32_t i = 0; i < old_size; i++) {
                /* Kept in order: of one terminal's sessions the newest stays first. */
                struct session *last[2] = {NULL, NULL};
                struct session *session, *next;
                for (session = LIST_FIRST(&old[i]); session; session = next) {
                        next = LIST_NEXT(session, by_terminal);
                        bool upper = (hash(session->terminal) & (size - 1)) != i;
                        if (last[upper])
                                LIST_INSERT_AFTER(last[upper], session, by_terminal);
                        else
                                LIST_INSERT_HEAD(chain_of(fleet, session->terminal), session, by_terminal);
                        last[upper] = session;
                }
        }
        free(old);
}

static bool grow(struct fleet *fleet)
{
        uint32_t size = fleet->size ? fleet->size * 2 : PLACES_FIRST;
        if (size > LIMIT_CONNECTIONS)
                return false;
        struct chain *chains = calloc(size, sizeof(*chains));
        if (!chains)
                return false;
        struct place *places = realloc(fleet->places, size * sizeof(*places));
        if (!places) {
                free(chains);
                return false;
        }
        fleet->places = places;
        for (uint32_t i = fleet->size; i < size; i++)
                places[i] = (struct place){.generation = 1, .next_free = i + 1 < size ? i + 1 : NO_PLACE};
        fleet->first_free = fleet->size;
        rehash(fleet, chains, size);
        return true;
}

struct fleet *fleet_new(void)
{
        struct fleet *fleet = calloc(1, sizeof(*fleet));
        if (!fleet)
                return NULL;
        fleet->first_free = NO_PLACE;
        if (!grow(fleet)) {
                free(fleet);
                return NULL;
        }
        return fleet;
}

void fleet_free(struct fleet *fleet)
{
        if (!fleet)
                return;
        free(fleet->places);
        free(fleet->chains);
        free(fleet);
}

bool fleet_add(struct fleet *fleet, struct session *session)
{
        if (fleet->first_free == NO_PLACE && !grow(fleet))
                return false;
        uint32_t index = fleet->first_free;
        struct place *place = &fleet->places[index];
        fleet->first_free = place->next_free;
        place->session = session;
        session->handle = (uint64_t)place->generation << 32 | index;
        LIST_INSERT_HEAD(chain_of(fleet, session->terminal), session, by_terminal);
        fleet->count++;
        return true;
}

void fleet_remove(struct fleet *fleet, struct session *session)
{
        uint32_t index = (uint32_t)session->handle;
        struct place *place = &fleet->places[index];
        assert(fleet_find(fleet, session->handle) == session);
        place->session = NULL;
        if (++place->generation == 0)
                place->generation = 1; /* 0 is no handle */
        place->next_free = fleet->first_free;
        fleet->first_free = index;
        LIST_REMOVE(session, by_terminal);
        session->handle = 0;
        fleet->count--;
}

struct session *fleet_find(const struct fleet *fleet, uint64_t handle)
{
        uint32_t index = (uint32_t)handle;
        if (handle == 0 || index >= fleet->size || fleet->places[index].generation != handle >> 32)
                return NULL;
        return fleet->places[index].session;
}

struct session *fleet_find_terminal(const struct fleet *fleet, const char *terminal)
{
        struct session *session;
        LIST_FOREACH(session, chain_of(fleet, terminal), by_terminal)
        if (strcmp(session->terminal, terminal) == 0)
                return session;
        return NULL;
}

size_t fleet_count(const struct fleet *fleet)
{
        return fleet->count;
}

void fleet_each(struct fleet *fleet, void (*visit)(struct session *session, void *context), void *context)
{
        for (uint32_t i = 0; i < fleet->size; i++)
                if (fleet->places[i].session)
                        visit(fleet->places[i].session, context);
}
